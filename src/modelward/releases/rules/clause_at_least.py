# SPDX-License-Identifier: Apache-2.0
"""A measured figure must be at least some value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from modelward.assessment import Clause
from modelward.releases.evidence import Evidence, figures
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class ClauseAtLeast:
    """Every clause that fits `clause` is measured, and is at least `value`.

    The low end of the interval is held against `value`, so that a small sample cannot pass by luck; `on: estimate` holds the
    point estimate against it instead. A clause without the figure asked for is refused, and so is a pattern that fits nothing.
    """

    clause: str
    value: float
    on: Literal["interval", "estimate"] = "interval"

    example: ClassVar[Mapping[str, Any]] = {"clause": "quality.roc_auc", "value": 0.8}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse with every clause that misses, its estimate and interval, and the value it had to reach."""
        found = evidence.clauses(self.clause)
        if not found:
            return Refused(f"{self.clause} was not measured. Run `modelward assess {evidence.version}`.")
        missed = [self._complaint(clause) for clause in found if not self._holds(clause)]
        return Refused("; ".join(missed)) if missed else Passed("; ".join(map(figures, found)))

    def _figure(self, clause: Clause) -> float | None:
        return clause.low if self.on == "interval" else clause.estimate

    def _holds(self, clause: Clause) -> bool:
        # Written so that a NaN on either side refuses.
        figure = self._figure(clause)
        return clause.estimate is not None and figure is not None and figure >= self.value

    def _complaint(self, clause: Clause) -> str:
        if clause.estimate is not None and self._figure(clause) is None:
            return f"{figures(clause)} and has no interval; write `on: estimate` if the estimate is enough"
        which = "the low end of its interval" if self.on == "interval" else "its estimate"
        return f"{figures(clause)}, and {which} must be at least {self.value:g}"
