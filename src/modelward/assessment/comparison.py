# SPDX-License-Identifier: Apache-2.0
"""Large against small: versions on one axis, which of them nobody beats on everything, and which one to take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from modelward.assessment.replicates import Replicates
from modelward.assessment.report import TrustReport
from modelward.errors import InvalidError
from modelward.registry import USUAL_METRICS, answered

if TYPE_CHECKING:
    from modelward.assessment.clause import Clause
    from modelward.registry import Interface

QUALITIES = ("quality", "ranking", "translation", "generation")
"""The assessors by whose measures versions are compared: each of other answers."""
WEIGHED = (*QUALITIES, "latency", "size", "energy")
"""The assessors whose figures a comparison shows."""
# Of these a smaller figure is better; of every other metric a larger one.
_SMALLER_IS_BETTER = {
    "brier",
    "log_loss",
    "ece",
    "accuracy_lost",
    "marginal_distance",
    "correlation_distance",
    "copies",
    "pull",
}


class IncomparableError(InvalidError):
    """Versions that were not measured alike, or not by that metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What to compare by: a measure of one of `QUALITIES`, whether to take the best or the smallest within `tolerance` of it.

    Without a metric it is the usual one of what the versions answer with.
    """

    metric: str = ""
    prefer: Literal["smallest-within", "best"] = "smallest-within"
    tolerance: float = 0.005

    @property
    def sign(self) -> float:
        """What makes the larger figure of the metric the better one."""
        return -1.0 if self.smaller_is_better else 1.0

    @property
    def smaller_is_better(self) -> bool:
        """Whether a smaller figure of the metric is the better one."""
        return self.metric in _SMALLER_IS_BETTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One version. Latency is the median of one row in milliseconds, energy that of training in joules, by `energy_method`.

    `behind` says by how much the best version's figure is better, with the 95 % interval of that difference over the rows they
    share; the bounds are None where that was not measured.
    """

    version: str
    recipe: str
    estimate: float
    low: float
    high: float
    latency_p50_ms: float
    latency_p99_ms: float | None
    size_bytes: int
    parameters: int | None
    energy_joules: float | None
    energy_low: float | None
    energy_high: float | None
    energy_method: str
    verdicts: dict[str, int]
    behind: float = 0.0
    behind_low: float | None = None
    behind_high: float | None = None
    is_on_front: bool = False
    is_recommended: bool = False

    @property
    def is_as_good(self) -> bool:
        """Whether the rows cannot tell it from the best version, or it is that."""
        return not self.behind or (self.behind_low is not None and self.behind_low <= 0)

    @property
    def label(self) -> str:
        """What the plot calls it."""
        return self.recipe or self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Versions of one comparison, the recommended one first, then by the metric. `plot` is the Pareto plot as SVG."""

    objective: Objective
    rows: tuple[Row, ...]
    recommended: str
    recommendation: str
    plot: str


def settled(objective: Objective, interfaces: Iterable[Interface]) -> Objective:
    """The objective with its metric: where it names none, the usual one of what versions with these interfaces answer with.

    Raises:
        IncomparableError: they answer with different things.
    """
    kinds = {answered(each) for each in interfaces}
    if objective.metric or not kinds:
        return objective
    if len(kinds) > 1:
        raise IncomparableError(
            f"These versions answer with different things: {', '.join(sorted(kinds))}. Compare versions that answer alike."
        )
    return replace(objective, metric=USUAL_METRICS[kinds.pop()])


def headline(report: TrustReport, interface: Interface) -> Clause | None:
    """What is said first of a version's quality: the usual metric of what it answers with; None where that was not measured."""
    metric = USUAL_METRICS[answered(interface)]
    clause = report.clause(f"{quality_of(report, metric)}.{metric}")
    return clause if clause and clause.estimate is not None else None


def row_of(report: TrustReport, *, recipe: str, metric: str) -> Row:
    """A version's row.

    Raises:
        IncomparableError: its report lacks the metric, the median latency or the size, or could not measure them.
    """
    quality = report.clause(f"{quality_of(report, metric)}.{metric}")
    if quality is None or quality.estimate is None or quality.low is None or quality.high is None:
        found = [clause for assessor in QUALITIES for clause in report.dimensions.get(assessor, ())]
        there = ", ".join(clause.measure for clause in found if clause.estimate is not None)
        why = f" {quality.note}" if quality and quality.note else ""
        raise IncomparableError(f"{report.name} has no measured {metric!r}.{why} Measured are: {there or 'no qualities'}.")
    energy = report.clause("energy.training_joules")
    parameters = _figure(report, "size.parameters")
    return Row(
        version=report.name,
        recipe=recipe,
        estimate=quality.estimate,
        low=quality.low,
        high=quality.high,
        latency_p50_ms=_needed(report, "latency.p50_ms"),
        latency_p99_ms=_figure(report, "latency.p99_ms"),
        size_bytes=int(_needed(report, "size.model_bytes")),
        parameters=None if parameters is None else int(parameters),
        energy_joules=energy.estimate if energy else None,
        energy_low=energy.low if energy else None,
        energy_high=energy.high if energy else None,
        energy_method=energy.method if energy else "",
        verdicts=report.verdicts,
    )


def quality_of(report: TrustReport, metric: str) -> str:
    """The assessor that measured the metric; the first of all where none did."""
    return next((assessor for assessor in QUALITIES if report.clause(f"{assessor}.{metric}") is not None), QUALITIES[0])


def weigh(rows: Sequence[Row], objective: Objective, *, replicates: Mapping[str, Replicates]) -> tuple[Row, ...]:
    """The rows with the Pareto front and the recommendation marked: the recommended one first, then by the metric. How sure it is
    that one is behind the best comes from the `replicates` of each, by version.

    The front is over metric, size and median latency. "Smallest within" takes the smallest file among those whose estimate is
    within the tolerance of the best one; of equals the quicker, then the better, then the earlier.
    """
    if not rows:
        raise IncomparableError("There is nothing to compare. Name a spec, a model, or versions such as income:1.")
    sign = objective.sign
    best = _best(rows, objective)
    within = [row for row in rows if sign * row.estimate >= sign * best.estimate - objective.tolerance]
    if objective.prefer == "best":
        chosen = max(rows, key=lambda row: (sign * row.estimate, -row.size_bytes))
    else:
        chosen = min(within, key=lambda row: (row.size_bytes, row.latency_p50_ms, -sign * row.estimate))
    marked = []
    for row in rows:
        low, high = _bounds(row, best, objective, replicates)
        marked.append(
            replace(
                row,
                behind=abs(best.estimate - row.estimate),
                behind_low=low,
                behind_high=high,
                is_on_front=_is_unbeaten(row, rows, sign),
                is_recommended=row is chosen,
            )
        )
    return tuple(sorted(marked, key=lambda row: (not row.is_recommended, -sign * row.estimate)))


def _bounds(
    row: Row, best: Row, objective: Objective, replicates: Mapping[str, Replicates]
) -> tuple[float, float] | tuple[None, None]:
    upper, lower = (row, best) if objective.smaller_is_better else (best, row)
    above, below = replicates.get(upper.version), replicates.get(lower.version)
    if above is None or below is None:
        return None, None
    return above.interval(below, objective.metric, difference=upper.estimate - lower.estimate) or (None, None)


def recommend(rows: Sequence[Row], objective: Objective) -> str:
    """The recommendation in words: the figures it rests on, what these cannot tell, and what a policy would say of it."""
    chosen = next(row for row in rows if row.is_recommended)
    best = _best(rows, objective)
    return " ".join(filter(None, (_choice(chosen, best, objective), _doubt(rows, best), _warning(chosen))))


def _choice(chosen: Row, best: Row, objective: Objective) -> str:
    if chosen.estimate == best.estimate:
        words = f"Take {_named(chosen)}: the best {objective.metric}, {_with_interval(chosen)}"
        nothing = "" if objective.prefer == "best" else f", and nothing smaller is within {objective.tolerance:g} of it"
        return f"{words}{nothing}."
    smaller = best.size_bytes / max(1, chosen.size_bytes)
    return (
        f"Take {_named(chosen)}: {objective.metric} {_with_interval(chosen)} is within "
        f"{objective.tolerance:g} of the best, {_with_interval(best)} of {_named(best)}; {_behind(chosen)}"
        f"its file is {smaller:.1f} times smaller."
    )


def _behind(chosen: Row) -> str:
    if chosen.behind_low is None or chosen.behind_high is None:
        return ""
    return f"on the same rows it is behind by {chosen.behind:.4f} [{chosen.behind_low:.4f}, {chosen.behind_high:.4f}]; "


def _doubt(rows: Sequence[Row], best: Row) -> str:
    """Which versions these rows cannot tell from the best one."""
    others = [row for row in rows if row.version != best.version]
    if any(row.behind_low is None for row in others):
        return "Whether these rows can tell the versions apart was not measured: assess each of them again."
    alike = sum(row.is_as_good for row in others)
    if not alike:
        return ""
    if len(others) == 1:
        return "These test rows cannot tell the two apart."
    return f"Of the {len(others)} others these test rows cannot tell {alike} from the best."


def _warning(chosen: Row) -> str:
    failed, unmeasured = chosen.verdicts.get("failed", 0), chosen.verdicts.get("not-measurable", 0)
    if not failed and not unmeasured:
        return ""
    found = f"{failed} failed and {unmeasured} not measurable"
    if not (failed and unmeasured):
        found = f"{failed} failed" if failed else f"{unmeasured} not measurable"
    see = f"Run `modelward assess {chosen.version}` to see which."
    if failed + unmeasured == 1:
        return f"Its report has {found} clause; a policy that asks for it will refuse it. {see}"
    return f"Its report has {found} clauses; a policy that asks for them will refuse it. {see}"


def _best(rows: Sequence[Row], objective: Objective) -> Row:
    return max(rows, key=lambda row: objective.sign * row.estimate)


def _is_unbeaten(row: Row, rows: Sequence[Row], sign: float) -> bool:
    def merits(each: Row) -> tuple[float, float, float]:
        return sign * each.estimate, -each.size_bytes, -each.latency_p50_ms

    mine = merits(row)
    return not any(
        theirs != mine and all(their >= my for their, my in zip(theirs, mine, strict=True)) for theirs in map(merits, rows)
    )


def _figure(report: TrustReport, clause_id: str) -> float | None:
    clause = report.clause(clause_id)
    return clause.estimate if clause else None


def _needed(report: TrustReport, clause_id: str) -> float:
    figure = _figure(report, clause_id)
    if figure is None:
        raise IncomparableError(f"{report.name} has no measured {clause_id!r}. Run `modelward assess {report.name}` on it.")
    return figure


def _named(row: Row) -> str:
    return f"{row.version} ({row.recipe})" if row.recipe else row.version


def _with_interval(row: Row) -> str:
    return f"{row.estimate:.4f} [{row.low:.4f}, {row.high:.4f}]"
