# SPDX-License-Identifier: Apache-2.0
"""Privacy budgets and statistics elsewhere."""

from __future__ import annotations

from modelward.access import Actor
from modelward.client.connection import Room, part
from modelward.datasets import Budget, NoisyAnswer, Question

_LONG_SECONDS = 600.0


class RemoteBudgets(Room):
    """See `modelward.datasets.Budgets`."""

    def show(self, name: str, by: Actor | None = None) -> Budget:
        """Show the privacy budget of a dataset."""
        return self._connection.fetch(Budget, "GET", f"/api/v1/datasets/{part(name)}/budget")

    def limit(
        self,
        name: str,
        *,
        epsilon: float | None = None,
        delta: float | None = None,
        is_required: bool | None = None,
        by: Actor | None = None,
    ) -> Budget:
        """Set the privacy budget of a dataset."""
        body = {"epsilon": epsilon, "delta": delta, "is_required": is_required}
        return self._connection.fetch(Budget, "POST", f"/api/v1/datasets/{part(name)}/budget", body=body)


class RemoteStatistics(Room):
    """See `modelward.datasets.Statistics`."""

    def ask(self, name: str, question: Question, *, by: Actor | None = None) -> NoisyAnswer:
        """Ask a statistic of a dataset."""
        path = f"/api/v1/datasets/{part(name)}/statistics"
        return self._connection.fetch(NoisyAnswer, "POST", path, body=question, timeout=_LONG_SECONDS)
