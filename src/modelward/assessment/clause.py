# SPDX-License-Identifier: Apache-2.0
"""A clause is one measured statement about one version: an estimate, its interval, what was asked of it, and the verdict.

Release policies, reports, model cards and the console all speak in clauses; nothing else is said about a version's worth.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Literal

from modelward.assessment.intervals import Estimate
from modelward.assessment.naming import id_part

Direction = Literal["at-least", "at-most"]
HOUSE_DEFAULT = "house default"


class ClauseVerdict(StrEnum):
    """What came of a clause. `RECORDED` is measured with nothing asked of it; `NOT_MEASURABLE` never counts as passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MEASURABLE = "not-measurable"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is asked of a measure by default, and who says so. A release policy may ask for more."""

    value: float
    direction: Direction
    source: str = HOUSE_DEFAULT

    def verdict(self, low: float, high: float) -> ClauseVerdict:
        """Judge an interval by its unfavourable end: what the sample cannot rule out counts against the version."""
        holds = low >= self.value if self.direction == "at-least" else high <= self.value
        return ClauseVerdict.PASSED if holds else ClauseVerdict.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One statement. `id` is `assessor.measure`, or `assessor.slice.measure` where it is about a part of the sample.

    `slice` names that part as people call it, `column` or `column=group`; in the id it is quoted, see `naming.id_part`.
    `estimate`, `low` and `high` are in `unit` ("" for a plain ratio) and are absent together, exactly when the verdict is
    not-measurable; `note` then says what would make it measurable. `low` and `high` bound a 95 % interval; where the figure is
    exact both equal it. The bounds of the energy are assumed factors, not a confidence interval. `n` is how many rows or
    repetitions the estimate rests on. `source` says whose threshold it is.
    """

    id: str
    title: str
    estimate: float | None
    low: float | None
    high: float | None
    threshold: float | None = None
    direction: Direction | None = None
    verdict: ClauseVerdict
    n: int
    method: str
    seed: int | None = None
    unit: str = ""
    evidence: str = ""
    evidence_digest: str = ""
    note: str = ""
    slice: str = ""
    source: str = ""

    @property
    def dimension(self) -> str:
        """The assessor that made it: the first part of the id."""
        return self.id.partition(".")[0]

    @property
    def measure(self) -> str:
        """What was measured: the last part of the id."""
        return self.id.rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing an assessor can measure: the key that ends the clause's id, its title, what it means, what is asked of it.

    No figure lies outside `lowest` and `highest`, and no interval is stated beyond them. `of` says which part of the sample a
    clause is about: nothing for all of it, `(column,)` for the groups of a column together, `(column, group)` for one of them.
    Of versions that take no feature of the kind `only` it is not spoken of.
    """

    assessor: str
    key: str
    title: str
    meaning: str
    unit: str = ""
    threshold: Threshold | None = None
    lowest: float = 0.0
    highest: float = inf
    only: str = ""

    def is_about(self, kinds: Collection[str]) -> bool:
        """Whether it is spoken of, where a version takes features of these kinds."""
        return not self.only or self.only in kinds

    def clause(self, estimate: Estimate, *, of: tuple[str, ...] = (), evidence: str = "", note: str = "") -> Clause:
        """The clause that states `estimate`, judged against the default threshold where there is one."""
        asked = self.threshold
        value, low, high = (
            _nine_digits(min(max(end, self.lowest), self.highest)) for end in (estimate.value, estimate.low, estimate.high)
        )
        return Clause(
            id=self.id_for(of),
            title=self.title,
            estimate=value,
            low=low,
            high=high,
            threshold=asked.value if asked else None,
            direction=asked.direction if asked else None,
            verdict=asked.verdict(low, high) if asked else ClauseVerdict.RECORDED,
            n=estimate.n,
            method=estimate.method,
            seed=estimate.seed,
            unit=self.unit,
            evidence=evidence,
            note=note,
            slice="=".join(of),
            source=asked.source if asked else "",
        )

    def not_measurable(self, note: str, *, n: int = 0, of: tuple[str, ...] = (), evidence: str = "") -> Clause:
        """The clause that says it could not be measured; `note` says why and what would make it measurable."""
        asked = self.threshold
        return Clause(
            id=self.id_for(of),
            title=self.title,
            estimate=None,
            low=None,
            high=None,
            threshold=asked.value if asked else None,
            direction=asked.direction if asked else None,
            verdict=ClauseVerdict.NOT_MEASURABLE,
            n=n,
            method="",
            unit=self.unit,
            evidence=evidence,
            note=note,
            slice="=".join(of),
            source=asked.source if asked else "",
        )

    def id_for(self, of: tuple[str, ...] = ()) -> str:
        """The id of this measure's clause about the part `of` the sample."""
        part = "=".join(map(id_part, of))
        return ".".join((self.assessor, part, self.key) if of else (self.assessor, self.key))


def _nine_digits(value: float) -> float:
    # Sums may differ in the last bits from one processor to the next; a report's digest should not.
    return value if float(value).is_integer() else float(f"{value:.9g}")
