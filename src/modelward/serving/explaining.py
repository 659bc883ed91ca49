# SPDX-License-Identifier: Apache-2.0
"""Explanations that callers wait for: read, made in turn, put on record."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from modelward.digest import KeyedDigest
from modelward.images import at_most
from modelward.serving.answer import INFERENCE_EXPLAINED, Written
from modelward.serving.answering import Answering
from modelward.serving.aside import LARGE_BYTES, Aside
from modelward.serving.deployments import Deployment
from modelward.serving.doorkeeper import Doorkeeper
from modelward.serving.explanations import Explanations
from modelward.serving.pending import Pending
from modelward.serving.question import Why, check_rows
from modelward.serving.quotas import Quotas
from modelward.settings import Settings

_encode = msgspec.json.Encoder().encode


class Explaining:
    """Sees questions why through, from a deployment on; what is raised goes to whoever asked."""

    def __init__(
        self,
        explanations: Explanations,
        aside: Aside,
        answering: Answering,
        *,
        quotas: Quotas,
        pseudonyms: KeyedDigest,
        settings: Settings,
    ) -> None:
        self._explanations = explanations
        self._aside = aside
        self._answering = answering
        self._quotas = quotas
        self._pseudonyms = pseudonyms
        self._settings = settings

    def begin(self, pending: Pending, read: Callable[[], Why], deployment: Deployment) -> None:
        """Read what is asked of the deployment, and have it explained."""
        pending.deployment = deployment
        if len(pending.payload) > LARGE_BYTES or deployment.interface.is_packed:
            self._aside.read(pending, read, partial(self._stand_in_line, pending))
        else:
            self._stand_in_line(pending, read())

    def _stand_in_line(self, pending: Pending, why: Why) -> None:
        check_rows(len(why.rows), self._settings.explain_rows_limit)
        self._quotas.take(pending.standing.actor, requests=1, rows=len(why.rows))
        pending.rows = len(why.rows)
        self._aside.explain(pending, partial(self._explained, pending, why), partial(self._record, pending))

    def _explained(self, pending: Pending, why: Why) -> Written:
        deployment = pending.deployment
        doorkeeper = Doorkeeper(deployment.door, self._pseudonyms, caller=pending.caller) if deployment.looks else None
        rows = doorkeeper.rows(why.rows, deployment.interface) if doorkeeper else why.rows
        with at_most(self._settings.image_pixels_limit):
            found = self._explanations.explain(deployment.opened, rows, label=why.label, request=pending.request)
        if doorkeeper:
            found = list(map(doorkeeper.explanation, found))
        return Written(_encode({"explanations": found}), headers=doorkeeper.header if doorkeeper else ())

    def _record(self, pending: Pending, written: Written) -> None:
        pending.written = written
        self._answering.record([pending], INFERENCE_EXPLAINED)
