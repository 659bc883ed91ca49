# SPDX-License-Identifier: Apache-2.0
"""A measured figure must be at least, or at most, some value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from modelward.assessment import Clause
from modelward.releases.evidence import Evidence, figures
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class _ClauseBound:
    """Every clause that fits `clause` is measured, and keeps to `value`.

    The end of the interval that lies nearer to a breach is held against `value`, so that a small sample cannot pass by luck;
    `on: estimate` holds the point estimate against it instead. A clause without the figure asked for is refused, and so is a
    pattern that fits nothing.
    """

    clause: str
    value: float
    on: Literal["interval", "estimate"] = "interval"

    end: ClassVar[Literal["low", "high"]]
    direction: ClassVar[Literal["at least", "at most"]]

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse with every clause that misses, its estimate and interval, and the value it had to keep to."""
        found = evidence.clauses(self.clause)
        if not found:
            todo = "" if evidence.nearest(self.clause) else f". Run `modelward assess {evidence.version}`."
            return Refused(evidence.absence(self.clause) + todo)
        missed = [self._complaint(clause) for clause in found if not self._holds(clause)]
        return Refused("; ".join(missed)) if missed else Passed("; ".join(map(figures, found)))

    def _figure(self, clause: Clause) -> float | None:
        interval = {"low": clause.low, "high": clause.high}
        return interval[self.end] if self.on == "interval" else clause.estimate

    def _holds(self, clause: Clause) -> bool:
        # Written so that a NaN on either side refuses.
        figure = self._figure(clause)
        if clause.estimate is None or figure is None:
            return False
        return figure >= self.value if self.direction == "at least" else figure <= self.value

    def _complaint(self, clause: Clause) -> str:
        if clause.estimate is not None and self._figure(clause) is None:
            return f"{figures(clause)} and has no interval; write `on: estimate` if the estimate is enough"
        which = f"the {self.end} end of its interval" if self.on == "interval" else "its estimate"
        return f"{figures(clause)}, and {which} must be {self.direction} {self.value:g}"


@dataclass(frozen=True)
class ClauseAtLeast(_ClauseBound):
    """The low end of the interval reaches the value."""

    end = "low"
    direction = "at least"
    example: ClassVar[Mapping[str, Any]] = {"clause": "quality.roc_auc", "value": 0.8}


@dataclass(frozen=True)
class ClauseAtMost(_ClauseBound):
    """The high end of the interval does not pass the value."""

    end = "high"
    direction = "at most"
    example: ClassVar[Mapping[str, Any]] = {"clause": "quality.ece", "value": 0.1}
