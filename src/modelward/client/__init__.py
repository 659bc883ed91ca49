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

from modelward.client.asking import Asked, RemoteServing
from modelward.client.connection import AddressError, Connection, StrangeAnswerError, UnreachableError
from modelward.client.deciding import RemoteAccess, RemoteAuditing, RemoteReleases
from modelward.client.load import Load, NoAnswerError, measure
from modelward.client.making import RemoteAssessment, RemoteDatasets, RemoteRegistry, RemoteTraining


class Client:
    """A house elsewhere."""

    def __init__(self, url: str, *, key: str, timeout_seconds: float = 60.0) -> None:
        self._connection = Connection(url, key=key, timeout_seconds=timeout_seconds)
        self.access = RemoteAccess(self._connection)
        self.assessment = RemoteAssessment(self._connection)
        self.auditing = RemoteAuditing(self._connection)
        self.datasets = RemoteDatasets(self._connection)
        self.registry = RemoteRegistry(self._connection)
        self.releases = RemoteReleases(self._connection)
        self.serving = RemoteServing(self._connection)
        self.training = RemoteTraining(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def measure(
        self, model: str, *, examples: Sequence[Mapping[str, Any]] = (), connections: int, seconds: float, rows: int
    ) -> Load:
        """Ask `model` as fast as it answers. Without examples, one row is made up from the model's inputs."""
        url, key = self._connection.url, self._connection.key
        chosen = examples or [self.serving.made_up_row(model)]
        return measure(url, key=key, model=model, examples=chosen, connections=connections, seconds=seconds, rows=rows)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


__all__ = ["AddressError", "Asked", "Client", "Load", "NoAnswerError", "StrangeAnswerError", "UnreachableError", "measure"]
