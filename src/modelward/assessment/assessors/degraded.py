# SPDX-License-Identifier: Apache-2.0
"""How much is lost where the data gets worse than it was: values missing, noisy, swapped or shifted, images noisy, brighter or
blurred, series with gaps, noise or another level, and labels that are wrong.

Each row is asked again with its values changed, and compared with itself: what is stated is the mean difference over rows. Every
cell is changed or left by itself, so that the interval over rows holds the chance of the draw, too. A row to which a version
answers something that is no number counts as decided wrongly, and its Brier score as the worst that there is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from modelward.assessment import plots
from modelward.assessment.assessor import Findings, Plot, Sample
from modelward.assessment.clause import Clause, Measure
from modelward.assessment.degrading import (
    MEASURED,
    Degradable,
    Degrade,
    blurred,
    missing,
    noisy,
    shifted,
    spreads_of,
    swapped,
    without,
)
from modelward.assessment.intervals import Estimate, bootstrap
from modelward.assessment.scores import Floats, Integers, ratio

if TYPE_CHECKING:
    from modelward.registry import OpenVersion

ROWS_LIMIT = 1000
COLUMNS_LIMIT = 50
_COLUMN_ANSWERS = 30_000
_LEAST_ROWS = 30
_WRONG_LABELS = 0.1
_ALONE = "The version takes a series alone: without it nothing is left to ask."
_NEVER_MISSING = "The version takes images alone, and none of them can be missing."
LOSSES = "evidence/degraded.losses.json"
LOSSES_PLOT = "plots/degraded.losses.svg"


def _loss(key: str, what: str, meaning: str) -> tuple[Measure, Measure]:
    only = "image" if key.startswith("blurred") else ""
    accuracy = Measure(
        assessor="degraded",
        key=key,
        title=f"Accuracy lost: {what}",
        meaning=f"accuracy as it is minus accuracy with {meaning}",
        lowest=-1.0,
        highest=1.0,
        only=only,
    )
    brier = Measure(
        assessor="degraded",
        key=f"{key}_brier",
        title=f"Brier score risen: {what}",
        meaning=f"the same of the Brier score, which rises where probabilities get worse: {meaning}",
        lowest=-2.0,
        highest=2.0,
        only=only,
    )
    return accuracy, brier


_KINDS: dict[str, tuple[str, str, Degrade]] = {
    "missing_10": ("a tenth missing", "10 % of all values missing", missing(0.1)),
    "missing_30": ("three tenths missing", "30 % of all values missing", missing(0.3)),
    "noise_10": ("slight noise", "noise of a tenth of each column's spread on every number and pixel", noisy(0.1)),
    "noise_50": ("strong noise", "noise of half of each column's spread on every number and pixel", noisy(0.5)),
    "swapped_10": ("a tenth swapped", "10 % of the categories swapped for another value of the column", swapped(0.1)),
    "shifted_50": ("shifted", "every number and pixel half of its column's spread higher", shifted(0.5)),
    "blurred_3": ("slight blur", "images blurred, the deviation of the blur 3 % of their shorter side", blurred(0.03)),
    "blurred_6": ("strong blur", "images blurred, the deviation of the blur 6 % of their shorter side", blurred(0.06)),
}
_LOSSES = {key: _loss(key, what, meaning) for key, (what, meaning, _) in _KINDS.items()}
COLUMN = Measure(
    assessor="degraded",
    key="without",
    title="Accuracy lost without the column",
    meaning="accuracy as it is minus accuracy with every value of one column missing",
    lowest=-1.0,
    highest=1.0,
)
MISLABELLED = Measure(
    assessor="degraded",
    key="mislabelled_10",
    title="Accuracy by labels of which a tenth is wrong",
    meaning="accuracy that would be measured if 10 % of the test labels were another class, drawn evenly",
    highest=1.0,
)


class Degraded:
    """Accuracy lost and Brier score risen by data degraded in stated ways, column by column as well; repeatable by the seed."""

    title = "Degraded data"
    needs_sample = True
    is_repeatable = True
    measures = (*(measure for pair in _LOSSES.values() for measure in pair), MISLABELLED, COLUMN)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Two clauses for each way of getting worse, one for wrong labels, and one for each column."""
        assert sample is not None
        if why := _why_not(version, sample):
            kinds = {feature.kind for feature in version.interface.features}
            others = [
                measure.not_measurable(why, n=sample.rows)
                for measure in self.measures
                if measure is not MISLABELLED and measure.is_about(kinds)
            ]
            return Findings((*others, _mislabelled_alone(version, sample)))
        rows = np.random.default_rng(sample.seed).permutation(sample.rows)[:ROWS_LIMIT]
        table = _degradable(version, sample, rows)
        base = _judge(sample.answers(version).probabilities[rows], table.labels, sample)
        losses = _losses(version, sample, table, base)
        columns = _columns(version, sample, table, base)
        clauses = (*losses, _mislabelled(base, sample), *columns)
        spreads = {name: np.vectorize(_rounded)(it).tolist() for name, it in table.spreads.items()}
        told: dict[str, object] = {"rows": len(rows), "spread_of_column": spreads}
        told |= {"losses": [_told(clause) for clause in clauses]}
        drawn = [clause for clause in (*losses, *columns) if clause.estimate is not None and not clause.measure.endswith("_brier")]
        if not drawn:
            return Findings(clauses, {LOSSES: msgspec.json.encode(told)})
        words = f"Accuracy lost on {len(rows)} rows with 95 % intervals, by what happens to the values; the line is no loss."
        picture = plots.losses([(_name(clause), clause) for clause in drawn])
        evidence = {LOSSES: msgspec.json.encode(told), LOSSES_PLOT: picture}
        return Findings(clauses, evidence, (Plot(LOSSES_PLOT, "Accuracy lost by degraded data", words),))


@dataclass(frozen=True)
class _Judged:
    """Of each row, whether it was decided rightly, and its Brier score."""

    right: Floats
    brier: Floats


def _why_not(version: OpenVersion, sample: Sample) -> str:
    """Why nothing of it can be measured; empty where it can."""
    kinds = {feature.name: feature.kind for feature in version.interface.features}
    cells = [values for name, values in sample.columns.items() if kinds.get(name) not in ("image", "series")]
    if {*kinds.values()} - {*MEASURED, "category"} or any(values.shape != (sample.rows, 1) for values in cells):
        return "The version takes more than images, series, numbers and categories, one a cell. Only these are degraded here."
    return _few(sample) if sample.rows < _LEAST_ROWS else ""


def _degradable(version: OpenVersion, sample: Sample, rows: Integers) -> Degradable:
    features = version.interface.features
    spreads = {each.name: spreads_of(sample.columns[each.name], each) for each in features if each.kind in MEASURED}
    return Degradable(features, sample.cut(rows), sample.labels[rows], spreads)


def _rounded(spread: float) -> float:
    return float(f"{spread:.6g}")


def _judge(probabilities: Floats, labels: Integers, sample: Sample) -> _Judged:
    is_number = np.asarray(np.isfinite(probabilities).all(axis=1))
    given = np.where(is_number[:, None], probabilities, 0.0)
    wrong: Floats = np.square(given - np.eye(len(sample.classes))[labels])
    brier = wrong.sum(axis=1) if sample.positive is None else wrong[:, sample.positive]
    worst = 2.0 if sample.positive is None else 1.0
    right = is_number & (given.argmax(axis=1) == labels)
    return _Judged(right.astype(np.float64), np.where(is_number, brier, worst))


def _asked(version: OpenVersion, sample: Sample, table: Degradable, degrade: Degrade, *, place: int) -> _Judged:
    """What becomes of the rows; every way of degrading draws for itself."""
    changed = degrade(table, np.random.default_rng((sample.seed, place)))
    answers = np.asarray(version.predict(changed), dtype=np.float64)
    return _judge(answers, table.labels, sample)


def _losses(version: OpenVersion, sample: Sample, table: Degradable, base: _Judged) -> list[Clause]:
    clauses, kinds = list[Clause](), {feature.kind for feature in table.features}
    for place, (key, (_, _, degrade)) in enumerate(_KINDS.items()):
        if not _LOSSES[key][0].is_about(kinds):
            continue
        if lacking := _lacking(key, table):
            clauses += [measure.not_measurable(lacking, n=len(table.labels)) for measure in _LOSSES[key]]
            continue
        worse = _asked(version, sample, table, degrade, place=place)
        changes = np.stack([base.right - worse.right, worse.brier - base.brier], axis=1)
        note = _refusals(table) if key.startswith("missing") else ""
        for measure, estimate in zip(_LOSSES[key], _means(changes, seed=sample.seed), strict=True):
            clauses.append(measure.clause(estimate, evidence=LOSSES, note=note))
    return clauses


def _lacking(key: str, table: Degradable) -> str:
    if key.startswith("missing") and not table.cells:
        return _NEVER_MISSING
    if key.startswith(("noise", "shifted")) and not table.measured:
        return "The version takes no numbers."
    return "The version takes no categories of two values or more." if key.startswith("swapped") and not table.swappable else ""


def _refusals(table: Degradable) -> str:
    # A number may be missing in any series.
    never = sum(not feature.nullable and feature.kind != "series" for feature in table.features)
    if not never:
        return ""
    return f"Asked in service, requests without a value are refused in {never} of {len(table.features)} columns."


def _mislabelled(base: _Judged, sample: Sample) -> Clause:
    """Exact over the draws of wrong labels: a right decision is then found wrong one time in ten, and a wrong one right by luck."""
    lucky = _WRONG_LABELS / (len(sample.classes) - 1)
    values = (1 - _WRONG_LABELS) * base.right + lucky * (1 - base.right)
    (estimate,) = _means(values[:, None], seed=sample.seed)
    return MISLABELLED.clause(estimate, evidence=LOSSES)


def _mislabelled_alone(version: OpenVersion, sample: Sample) -> Clause:
    """The same where no value can be degraded: it takes the labels and the answers that there are."""
    if sample.rows < _LEAST_ROWS:
        return MISLABELLED.not_measurable(_few(sample), n=sample.rows)
    rows = np.random.default_rng(sample.seed).permutation(sample.rows)[:ROWS_LIMIT]
    clause = _mislabelled(_judge(sample.answers(version).probabilities[rows], sample.labels[rows], sample), sample)
    return replace(clause, evidence="")


def _few(sample: Sample) -> str:
    return f"The sample has {sample.rows} of the {_LEAST_ROWS} rows that are needed. Hold out more rows."


def _columns(version: OpenVersion, sample: Sample, table: Degradable, base: _Judged) -> list[Clause]:
    names = table.singles
    if not names:
        return [COLUMN.not_measurable(_ALONE if table.cells else _NEVER_MISSING, n=len(table.labels))]
    if len(names) > COLUMNS_LIMIT:
        note = f"The version takes {len(names)} columns; at most {COLUMNS_LIMIT} are taken away one by one."
        return [COLUMN.not_measurable(note, n=len(table.labels))]
    part = table.part(_COLUMN_ANSWERS // len(names))
    right = base.right[: len(part.labels)]
    worse = [_asked(version, sample, part, without(name), place=0) for name in names]
    changes = np.stack([right - each.right for each in worse], axis=1)
    found = _means(changes, seed=sample.seed)
    return [COLUMN.clause(estimate, of=(name,), evidence=LOSSES) for name, estimate in zip(names, found, strict=True)]


def _means(values: Floats, *, seed: int) -> list[Estimate]:
    """The mean of each column of values [n, m] over the rows."""
    found = bootstrap(
        lambda weights: ratio(weights @ values, weights.sum(axis=1, keepdims=True)),
        rows=len(values),
        effective=len(values),
        seed=seed,
    )
    return [estimate for estimate in found if estimate is not None]


def _name(clause: Clause) -> str:
    return f"without {clause.slice}" if clause.slice else clause.title.partition(": ")[2]


def _told(clause: Clause) -> dict[str, object]:
    figures = {"estimate": clause.estimate, "low": clause.low, "high": clause.high, "rows": clause.n}
    return {"clause": clause.id, **figures}
