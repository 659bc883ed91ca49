# SPDX-License-Identifier: Apache-2.0
"""The Python SDK: a house elsewhere, with the same rooms and verbs as `Platform`, over HTTP.

    with Client("http://127.0.0.1:8321", key="mw_…") as client:
        asked = client.serving.predict("income", [{"age": 39, …}])

Results are the same nouns that the platform's services return, and failures the same kinds of errors. Who acts is the owner of the
key; the `by` that the platform's verbs ask for is accepted and not sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from modelward.client.asking import AnyAnswer, Asked, RemoteServing
from modelward.client.capturing import RemoteCaptures
from modelward.client.connection import AddressError, Connection, StrangeAnswerError, UnreachableError
from modelward.client.deciding import RemoteAccess, RemoteAuditing, RemoteReleases, RemoteSecurity, RemoteTenants
from modelward.client.granting import RemoteGrants
from modelward.client.keeping import RemoteDeidentifying, RemoteRotation, RemoteShredding
from modelward.client.load import ARRIVALS, Load, NoAnswerError, Plan, Step
from modelward.client.load_page import report_page
from modelward.client.load_pictures import amount, label_of, report_pictures
from modelward.client.making import RemoteAssessment, RemoteDatasets, RemoteRegistry, RemoteTraining
from modelward.client.trust import Trust, TrustFileError
from modelward.client.wire import PROTOCOLS


class Client:
    """A house elsewhere. `trust` says whom to trust, and what to show, where it speaks TLS: `https://…`."""

    def __init__(self, url: str, *, key: str, timeout_seconds: float = 60.0, trust: Trust | None = None) -> None:
        self._connection = Connection(url, key=key, timeout_seconds=timeout_seconds, trust=trust)
        self.access = RemoteAccess(self._connection)
        self.assessment = RemoteAssessment(self._connection)
        self.auditing = RemoteAuditing(self._connection)
        self.captures = RemoteCaptures(self._connection)
        self.datasets = RemoteDatasets(self._connection)
        self.deidentifying = RemoteDeidentifying(self._connection)
        self.grants = RemoteGrants(self._connection)
        self.registry = RemoteRegistry(self._connection)
        self.releases = RemoteReleases(self._connection)
        self.rotation = RemoteRotation(self._connection)
        self.security = RemoteSecurity(self._connection)
        self.serving = RemoteServing(self._connection)
        self.tenants = RemoteTenants(self._connection)
        self.shredding = RemoteShredding(self._connection)
        self.training = RemoteTraining(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def measure(self, model: str, *, plan: Plan, examples: Sequence[Mapping[str, Any]] = ()) -> Load:
        """Ask `model` by the plan. Without examples, one row is made up from the model's inputs."""
        from modelward.client.measuring import measure

        return measure(self._connection, model, plan=plan, examples=examples)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


__all__ = [
    "ARRIVALS",
    "PROTOCOLS",
    "AddressError",
    "AnyAnswer",
    "Asked",
    "Client",
    "Load",
    "NoAnswerError",
    "Plan",
    "Step",
    "StrangeAnswerError",
    "Trust",
    "TrustFileError",
    "UnreachableError",
    "amount",
    "label_of",
    "report_page",
    "report_pictures",
]
