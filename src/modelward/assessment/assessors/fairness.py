# SPDX-License-Identifier: Apache-2.0
"""Whether the version treats the groups of each sensitive column alike.

Point estimates are fairlearn's; the intervals of disparities come from the room's bootstrap over the same rows. A disparity is
a largest minus (or over) a smallest rate, which noise can only widen, so a sample errs on the side of finding one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score

from modelward.assessment import plots, scores
from modelward.assessment.assessor import Findings, Plot, Sample
from modelward.assessment.clause import Clause, Measure, Threshold
from modelward.assessment.intervals import bootstrap, wilson
from modelward.assessment.naming import file_name
from modelward.assessment.scores import Answers, Floats, Integers

if TYPE_CHECKING:
    from modelward.registry import OpenVersion

GROUP_ROWS = 30
"""A group with fewer rows is named, and not measured: the usual least size for statistics of a share."""
RATE_CASES = 10
"""A true or false positive rate over fewer cases is not measured."""
GROUPS_LIMIT = 50
"""A column with more groups is not measured: nobody can weigh them, and noise alone would find a disparity."""

MISSING = "(missing)"
FOUR_FIFTHS = "four-fifths rule, US 29 CFR 1607.4 D"


def _measure(key: str, title: str, meaning: str, *, threshold: Threshold | None = None) -> Measure:
    return Measure(assessor="fairness", key=key, title=title, meaning=meaning, threshold=threshold, highest=1.0)


DIFFERENCE = _measure(
    "demographic_parity_difference", "Demographic parity difference", "largest minus smallest selection rate of the groups"
)
RATIO = _measure(
    "demographic_parity_ratio",
    "Demographic parity ratio",
    "smallest over largest selection rate of the groups",
    threshold=Threshold(0.8, "at-least", FOUR_FIFTHS),
)
ODDS = _measure(
    "equalized_odds_difference",
    "Equalised odds difference",
    "the larger of the spreads of true and false positive rate over the groups",
    threshold=Threshold(0.15, "at-most"),
)
WORST = _measure("worst_group_accuracy", "Worst-group accuracy", "smallest accuracy of the groups")
SELECTION = _measure("selection_rate", "Selection rate", "share of the group decided positive, which is the favourable class")
TRUE_POSITIVE = _measure("true_positive_rate", "True positive rate", "share of the group's positive rows decided positive")
FALSE_POSITIVE = _measure("false_positive_rate", "False positive rate", "share of the group's negative rows decided positive")
ACCURACY = _measure("accuracy", "Accuracy", "share of the group decided rightly")

DISPARITIES = (DIFFERENCE, RATIO, ODDS, WORST)
RATES = (SELECTION, TRUE_POSITIVE, FALSE_POSITIVE, ACCURACY)
_FAIRLEARN = {
    SELECTION.key: selection_rate,
    TRUE_POSITIVE.key: true_positive_rate,
    FALSE_POSITIVE.key: false_positive_rate,
    ACCURACY.key: accuracy_score,
}


class Fairness:
    """Rates of each group and their disparities, for every sensitive column; small groups are named as not measurable."""

    title = "Fairness"
    needs_sample = True
    is_repeatable = True
    measures = (*DISPARITIES, *RATES)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Clauses `fairness.COLUMN.disparity` and `fairness.COLUMN=GROUP.rate`; without a sensitive column all not measurable."""
        assert sample is not None
        if not sample.sensitive:
            note = "No sensitive column is declared. Register the data with `--sensitive COLUMN`."
            return Findings.none(DISPARITIES, note)
        answers = sample.answers(version)
        found = [_column(name, values, answers, sample) for name, values in sample.sensitive.items()]
        return Findings(
            tuple(clause for one in found for clause in one.clauses),
            {path: data for one in found for path, data in one.evidence.items()},
            tuple(plot for one in found for plot in one.plots),
        )


@dataclass(frozen=True)
class _Groups:
    """The groups of one column that are large enough: their names, each kept row's group, and the answers to those rows.

    `small` holds how many rows each group has that is too small.
    """

    column: str
    names: tuple[str, ...]
    small: Mapping[str, int]
    codes: Integers
    answers: Answers

    @cached_property
    def table(self) -> Integers:
        """Rows by group, true side and decided side [groups, 2, 2]."""
        return np.asarray(self.counts(np.ones((1, self.answers.rows)))[0], dtype=np.int64)

    def counts(self, weights: Floats) -> Floats:
        """Weight of rows by group, true side and decided side: [b, groups, 2, 2]."""
        true, decided = _sides(self.answers)
        cells = (self.codes * 2 + true) * 2 + decided
        return scores.grouped(weights, cells, size=4 * len(self.names)).reshape(-1, len(self.names), 2, 2)


def _sides(answers: Answers) -> tuple[Integers, Integers]:
    """True and decided side of each row: 1 for positive; with more than two classes truth is 1 and deciding it is 1."""
    if answers.positive is None:
        return np.ones(answers.rows, dtype=np.int64), (answers.labels == answers.decisions).astype(np.int64)
    return (answers.labels == answers.positive).astype(np.int64), (answers.decisions == answers.positive).astype(np.int64)


def _column(name: str, values: NDArray[np.str_], answers: Answers, sample: Sample) -> Findings:
    if (different := np.unique(values).size) > GROUPS_LIMIT:
        note = (
            f"{name!r} has {different} groups; at most {GROUPS_LIMIT} can be weighed. Register the column with fewer, broader ones."
        )
        return Findings(tuple(measure.not_measurable(note, n=answers.rows, of=(name,)) for measure in DISPARITIES))
    groups = _large_enough(name, values, answers)
    evidence, plot = f"evidence/fairness.{file_name(name)}.json", f"plots/fairness.{file_name(name)}.svg"
    if len(groups.names) < 2:
        note = f"Fewer than two groups of {name!r} have {GROUP_ROWS} rows. Hold out more rows.{_left_out(groups.small)}"
        return Findings((*(m.not_measurable(note, n=answers.rows, of=(name,)) for m in DISPARITIES), *_small_groups(groups)))
    rates = _rates(groups, sample, evidence=evidence)
    every = [clause for group in rates.values() for clause in group]
    clauses = (*_disparities(groups, sample, evidence=evidence), *every, *_small_groups(groups))
    told = {
        "column": name,
        "positive_class": None if sample.positive is None else sample.classes[sample.positive],
        "groups": [_told(group, clauses) for group, clauses in rates.items()],
        "too_small": [{"group": group, "rows": rows, "needed": GROUP_ROWS} for group, rows in groups.small.items()],
    }
    picture = plots.group_rates(_drawn(rates))
    words = f"Rates of {len(groups.names)} groups of {name} with their 95 % intervals. {sample.positive_note}".strip()
    return Findings(clauses, {evidence: msgspec.json.encode(told), plot: picture}, (Plot(plot, f"Groups of {name}", words),))


def _large_enough(column: str, values: NDArray[np.str_], answers: Answers) -> _Groups:
    named = np.where(values == "", MISSING, values)
    names, codes, rows = np.unique(named, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(rows >= GROUP_ROWS)
    mask = np.isin(codes, kept)
    small = {str(names[at]): int(rows[at]) for at in np.flatnonzero(rows < GROUP_ROWS)}
    inside = Answers(answers.labels[mask], answers.probabilities[mask], answers.positive)
    return _Groups(column, tuple(str(names[at]) for at in kept), small, np.searchsorted(kept, codes[mask]), inside)


def _frame(groups: _Groups) -> dict[str, list[float]]:
    """The figures by fairlearn of every rate, in the order of the groups."""
    # Rows that agree in group, truth and decision count once, with their number as weight: the figures are the same.
    group, true, decided = np.indices(groups.table.shape).reshape(3, -1)
    weight = {"sample_weight": groups.table.ravel()}
    frame = MetricFrame(
        metrics=_FAIRLEARN,
        y_true=true,
        y_pred=decided,
        sensitive_features=group,
        sample_params=dict.fromkeys(_FAIRLEARN, weight),
    )
    return {key: column.to_list() for key, column in frame.by_group.items()}


def _disparities(groups: _Groups, sample: Sample, *, evidence: str) -> list[Clause]:
    left = _left_out(groups.small)
    of = (groups.column,)
    found = bootstrap(
        lambda weights: _spreads(groups.counts(weights)),
        rows=groups.answers.rows,
        effective=int(groups.table.sum(axis=(1, 2)).min()),
        seed=sample.seed,
    )
    few = _few_cases(groups)
    clauses = []
    for measure, estimate in zip(DISPARITIES, found, strict=True):
        n = groups.answers.rows
        if sample.positive is None and measure is not WORST:
            note = f"There are {len(sample.classes)} classes; parity needs two, one of them favourable."
            clauses.append(measure.not_measurable(note, n=n, of=of))
        elif measure is ODDS and few:
            note = f"Fewer than {RATE_CASES} positive or negative rows in: {', '.join(few)}. Hold out more rows."
            clauses.append(measure.not_measurable(note, n=n, of=of, evidence=evidence))
        elif estimate is None:
            note = "No group is ever decided positive, or too few rows are. Hold out more rows."
            clauses.append(measure.not_measurable(note, n=n, of=of, evidence=evidence))
        else:
            side = "" if measure is WORST else sample.positive_note
            clauses.append(measure.clause(estimate, of=of, evidence=evidence, note=(side + left).strip()))
    return clauses


def _spreads(counts: Floats) -> Floats:
    """Parity difference and ratio, equalised odds difference and worst accuracy [b, 4] of counts [b, groups, 2, 2]."""
    selection, true, false, right = _all_rates(counts)
    lowest, highest = selection.min(axis=1), selection.max(axis=1)
    odds = np.maximum(np.ptp(true, axis=1), np.ptp(false, axis=1))
    return np.stack([highest - lowest, scores.ratio(lowest, highest), odds, right.min(axis=1)], axis=1)


def _all_rates(counts: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Selection, true positive and false positive rate and accuracy [b, groups] of counts [b, groups, true, decided]."""
    total = counts.sum(axis=(2, 3))
    return (
        scores.ratio(counts[..., 1].sum(axis=2), total),
        scores.ratio(counts[..., 1, 1], counts[..., 1, :].sum(axis=2)),
        scores.ratio(counts[..., 0, 1], counts[..., 0, :].sum(axis=2)),
        scores.ratio(counts[..., 0, 0] + counts[..., 1, 1], total),
    )


def _rates(groups: _Groups, sample: Sample, *, evidence: str) -> dict[str, list[Clause]]:
    """Every rate of every group that is large enough, with Wilson's interval over the rows the rate is of."""
    frame, cases = _frame(groups), _cases(groups)
    measures = RATES if groups.answers.positive is not None else (ACCURACY,)
    found: dict[str, list[Clause]] = {}
    for at, group in enumerate(groups.names):
        of = (groups.column, group)
        for measure in measures:
            n = int(cases[measure.key][at])
            if n < RATE_CASES:
                note = f"The rate is over {n} of the {RATE_CASES} rows that are needed. Hold out more rows."
                clause = measure.not_measurable(note, n=n, of=of, evidence=evidence)
            else:
                side = _counted(measure, sample)
                clause = measure.clause(wilson(frame[measure.key][at], n=n), of=of, evidence=evidence, note=side)
            found.setdefault(group, []).append(clause)
    return found


def _counted(measure: Measure, sample: Sample) -> str:
    """Which class a rate counts, so that nobody takes it for the other one."""
    if measure is SELECTION and sample.positive is not None:
        return f"Share of the group decided {sample.classes[sample.positive]!r}."
    return "" if measure is ACCURACY else sample.positive_note


def _cases(groups: _Groups) -> dict[str, Integers]:
    """How many rows each rate is taken over, in the order of the groups."""
    negative, positive = groups.table.sum(axis=2).T
    every = negative + positive
    return {SELECTION.key: every, ACCURACY.key: every, TRUE_POSITIVE.key: positive, FALSE_POSITIVE.key: negative}


def _few_cases(groups: _Groups) -> list[str]:
    fewest = groups.table.sum(axis=2).min(axis=1)
    return [group for group, cases in zip(groups.names, fewest, strict=True) if cases < RATE_CASES]


def _small_groups(groups: _Groups) -> list[Clause]:
    return [
        SELECTION.not_measurable(
            f"The group has {rows} of the {GROUP_ROWS} rows that are needed. Hold out more rows.",
            n=rows,
            of=(groups.column, group),
        )
        for group, rows in groups.small.items()
    ]


def _left_out(small: Mapping[str, int]) -> str:
    if not small:
        return ""
    return f" Left out, with their rows: {', '.join(f'{group} ({rows})' for group, rows in small.items())}."


def _told(group: str, clauses: list[Clause]) -> dict[str, Any]:
    return {"group": group} | {c.measure: {"estimate": c.estimate, "low": c.low, "high": c.high, "n": c.n} for c in clauses}


def _drawn(rates: Mapping[str, list[Clause]]) -> dict[str, list[tuple[str, Clause]]]:
    """What the plot shows: {title of the rate: [(group, clause)]}."""
    drawn: dict[str, list[tuple[str, Clause]]] = {}
    for group, clauses in rates.items():
        for clause in clauses:
            drawn.setdefault(clause.title, []).append((group, clause))
    return drawn
