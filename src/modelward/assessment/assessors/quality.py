# SPDX-License-Identifier: Apache-2.0
"""How good the decisions and the probabilities are, on rows the version never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from modelward.assessment import plots, scores
from modelward.assessment.assessor import Findings, Plot, Sample
from modelward.assessment.clause import Clause, Measure, Threshold
from modelward.assessment.intervals import Estimate, bootstrap, estimates, resample, wilson
from modelward.assessment.replicates import Replicates, replicates_file
from modelward.assessment.scores import Answers, Floats

if TYPE_CHECKING:
    from modelward.registry import OpenVersion

CONFUSION = "evidence/quality.confusion_matrix.json"
ROC = "evidence/quality.roc_curve.json"
CALIBRATION = "evidence/quality.calibration_curve.json"
CONFUSION_PLOT = "plots/quality.confusion_matrix.svg"
ROC_PLOT = "plots/quality.roc_curve.svg"
CALIBRATION_PLOT = "plots/quality.calibration_curve.svg"

_LEAST_CURVE_ROWS = 4 * scores.CALIBRATION_BINS
_CURVE_POINTS = 101
_BAND_REPLICATES = 200


def _measure(key: str, title: str, meaning: str, *, threshold: Threshold | None = None, highest: float = 1.0) -> Measure:
    return Measure(assessor="quality", key=key, title=title, meaning=meaning, threshold=threshold, highest=highest)


ACCURACY = _measure("accuracy", "Accuracy", "share of rows decided rightly")
BALANCED = _measure("balanced_accuracy", "Balanced accuracy", "mean of the recalls of the classes")
RECALL = _measure("recall", "Recall", "share of the positive class that is found; macro mean with more than two classes")
PRECISION = _measure("precision", "Precision", "share of positive decisions that are right; macro mean with more than two classes")
F1 = _measure("f1", "F1", "harmonic mean of precision and recall; macro mean with more than two classes")
ROC_AUC = _measure(
    "roc_auc",
    "ROC AUC",
    "chance that a positive row is ranked above a negative one; mean of one-vs-rest areas with more than two classes",
    threshold=Threshold(0.6, "at-least"),
)
BRIER = _measure("brier", "Brier score", "mean squared error of the probabilities; 0 is perfect", highest=2.0)
LOG_LOSS = Measure(
    assessor="quality",
    key="log_loss",
    title="Log loss",
    meaning="mean negative log of the true class's probability; 0 is perfect",
    unit="nats",
)
ECE = _measure(
    "ece",
    "Expected calibration error",
    "mean gap between stated probability and observed frequency, over 15 bins of equal mass",
    threshold=Threshold(0.05, "at-most"),
)


class Quality:
    """Accuracy, balanced accuracy, recall, precision, F1, ROC AUC, Brier score, log loss and calibration, with their curves."""

    title = "Quality"
    needs_sample = True
    is_repeatable = True
    measures = (ACCURACY, BALANCED, RECALL, PRECISION, F1, ROC_AUC, BRIER, LOG_LOSS, ECE)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Clauses, confusion matrix, ROC curve and calibration curve of the version's answers to the sample."""
        assert sample is not None
        answers = sample.answers(version)
        found, replicates = _estimates(answers, sample.seed)
        clauses = _clauses(found, answers, sample)
        evidence, drawn = _confusion(answers, sample)
        evidence[replicates_file("quality")] = msgspec.json.encode(replicates)
        for more, plot in filter(None, (_roc(answers, sample), _calibration(answers))):
            evidence |= more
            drawn += plot
        return Findings(clauses, evidence, drawn)


def _clauses(found: Mapping[str, Estimate | None], answers: Answers, sample: Sample) -> tuple[Clause, ...]:
    positive = sample.positive
    missing = f"The rarest of the {answers.classes} classes has too few rows in the sample. Hold out more rows."
    curve = CALIBRATION if answers.rows >= _LEAST_CURVE_ROWS else ""
    where = {ROC_AUC.key: ROC, ECE.key: curve, BRIER.key: "", LOG_LOSS.key: ""}
    clauses = []
    for measure in Quality.measures:
        estimate = found[measure.key]
        evidence = where.get(measure.key, CONFUSION)
        if estimate is None:
            note = "The positive class is never decided." if measure is PRECISION and positive is not None else missing
            clauses.append(measure.not_measurable(note, n=answers.rows))
        elif measure is ECE and (note := _drowned(estimate, answers)):
            clauses.append(measure.not_measurable(note, n=answers.rows))
        else:
            note = "" if measure in (ACCURACY, BALANCED, LOG_LOSS) else sample.positive_note
            clauses.append(measure.clause(estimate, evidence=evidence, note=note))
    return tuple(clauses)


def _drowned(estimate: Estimate, answers: Answers) -> str:
    """Why the calibration error cannot be told from chance on so few rows; empty where it can, or is beyond all chance."""
    assert ECE.threshold is not None
    noise, limit = scores.calibration_noise(answers), ECE.threshold.value
    if noise <= limit / 2 or estimate.low > limit + noise:
        return ""
    needed = ceil(answers.rows * (2 * noise / limit) ** 2)
    return f"On {answers.rows} rows even perfect calibration looks like an error of {noise:.2g}; about {needed:,} are needed."


def _estimates(answers: Answers, seed: int) -> tuple[dict[str, Estimate | None], Replicates]:
    """An estimate for every measure, and what they were on each replicate. Single proportions have Wilson's interval, all else one
    and the same bootstrap.
    """
    by_key: dict[str, Callable[[Floats, Floats], Floats]] = {
        ACCURACY.key: lambda counts, _: scores.accuracy(counts),
        BALANCED.key: lambda counts, _: _over(scores.recalls(counts)),
        RECALL.key: lambda counts, _: _over(scores.recalls(counts), answers.positive, answers),
        PRECISION.key: lambda counts, _: _over(scores.precisions(counts), answers.positive, answers),
        F1.key: lambda counts, _: _over(scores.f1s(counts), answers.positive, answers),
        ROC_AUC.key: lambda _, weights: scores.roc_auc(answers, weights),
        BRIER.key: lambda _, weights: scores.brier(answers, weights),
        LOG_LOSS.key: lambda _, weights: scores.log_loss(answers, weights),
        ECE.key: lambda _, weights: scores.calibration_error(answers, weights),
    }
    places = np.arange(answers.rows, dtype=np.float64)

    def all_of_them(weights: Floats) -> Floats:
        counts = scores.confusion(answers, weights)
        # The sum of the places drawn is a whole number, exact, and another one for other rows.
        return np.stack([*(score(counts, weights) for score in by_key.values()), weights @ places], axis=1)

    points, drawn = resample(all_of_them, rows=answers.rows, seed=seed)
    found = estimates(points[:-1], drawn[:, :-1], rows=answers.rows, effective=answers.rarest, seed=seed)
    replicates = Replicates.of(dict(zip(by_key, drawn.T[:-1], strict=True)), places=drawn[:, -1])
    return dict(zip(by_key, found, strict=True)) | _proportions(answers), replicates


def _over(values: Floats, positive: int | None = None, answers: Answers | None = None) -> Floats:
    """The positive class's column of [b, K]; without one the mean of the classes that occur, where undefined counts as 0."""
    if positive is not None:
        return values[:, positive]
    if answers is None:
        known = np.isfinite(values)
        return scores.ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1))
    return np.asarray(np.nan_to_num(values[:, answers.occurring], nan=0.0).mean(axis=1), dtype=np.float64)


def _proportions(answers: Answers) -> dict[str, Estimate | None]:
    counts = scores.confusion(answers, np.ones((1, answers.rows)))
    found: dict[str, Estimate | None] = {ACCURACY.key: wilson(float(scores.accuracy(counts)[0]), n=answers.rows)}
    if answers.positive is None:
        return found
    for key, rates, axis in ((RECALL.key, scores.recalls(counts), 2), (PRECISION.key, scores.precisions(counts), 1)):
        cases = int(counts.sum(axis=axis)[0, answers.positive])
        found[key] = wilson(float(rates[0, answers.positive]), n=cases) if cases else None
    return found


def _confusion(answers: Answers, sample: Sample) -> tuple[dict[str, bytes], tuple[Plot, ...]]:
    counts = scores.confusion(answers, np.ones((1, answers.rows)))[0].astype(int).tolist()
    shares = [[wilson(count / sum(row), n=sum(row)) for count in row] if sum(row) else [] for row in counts]
    told = {
        "classes": sample.classes,
        "rows_are": "true class",
        "columns_are": "decided class",
        "counts": counts,
        # Of the rows of a class; of one that does not occur there are none.
        "shares": [[{"share": each.value, "low": each.low, "high": each.high} for each in row] for row in shares],
    }
    right = sum(row[at] for at, row in enumerate(counts))
    words = f"{right} of {answers.rows} rows were decided rightly."
    bounds = [[(each.low, each.high) for each in row] for row in shares]
    picture = plots.confusion_matrix(counts, classes=sample.classes, bounds=bounds)
    return (
        {CONFUSION: msgspec.json.encode(told), CONFUSION_PLOT: picture},
        (Plot(CONFUSION_PLOT, "Confusion matrix", f"True against decided classes. {words}"),),
    )


def _roc(answers: Answers, sample: Sample) -> tuple[dict[str, bytes], tuple[Plot, ...]] | None:
    """One curve with its band in a binary task, one curve a class otherwise; none where a class does not occur."""
    if answers.occurring.size < answers.classes:
        return None
    sides = [answers.positive] if answers.positive is not None else list(range(answers.classes))
    grid = np.linspace(0.0, 1.0, _CURVE_POINTS)
    ones = np.ones((1, answers.rows))
    curves = {sample.classes[side]: _curve(answers, side, ones, grid)[0] for side in sides}
    band = _band(answers, sample.seed, grid) if answers.positive is not None else None
    told = {
        "false_positive_rate": _short(grid),
        "true_positive_rate": {name: _short(rates) for name, rates in curves.items()},
        "band_95": [_short(bound) for bound in band] if band else None,
    }
    picture = plots.roc_curve(grid, curves, band=band)
    words = "True positive rate against false positive rate; the diagonal is chance."
    return {ROC: msgspec.json.encode(told), ROC_PLOT: picture}, (Plot(ROC_PLOT, "ROC curve", words),)


def _curve(answers: Answers, side: int, weights: Floats, grid: Floats) -> Floats:
    false, true = scores.roc_points(answers.probabilities[:, side], answers.labels == side, weights)
    return np.stack([np.interp(grid, f, t) for f, t in zip(false, true, strict=True)])


def _band(answers: Answers, seed: int, grid: Floats) -> tuple[Floats, Floats]:
    """Pointwise 95 % bounds of the binary curve over the grid."""
    side = answers.positive
    assert side is not None

    bounds = bootstrap(
        lambda weights: _curve(answers, side, weights, grid),
        rows=answers.rows,
        effective=answers.rarest,
        seed=seed,
        replicates=_BAND_REPLICATES,
    )
    held = [(found.low, found.high) if found else (0.0, 1.0) for found in bounds]
    low, high = np.clip(np.array(held).T, 0.0, 1.0)
    return low, high


def _calibration(answers: Answers) -> tuple[dict[str, bytes], tuple[Plot, ...]] | None:
    if answers.rows < _LEAST_CURVE_ROWS:
        return None
    given, came = answers.confidence
    bins, size = scores.calibration_bins(given)
    rows = np.bincount(bins, minlength=size)
    stated, observed = (np.bincount(bins, weights=values, minlength=size) / rows for values in (given, came))
    bounds = [wilson(float(share), n=int(n)) for share, n in zip(observed, rows, strict=True)]
    told = {
        "compared": "probability of the positive class" if answers.positive is not None else "probability of the decided class",
        "stated": _short(stated),
        "observed": _short(observed),
        "low": _short(np.array([bound.low for bound in bounds])),
        "high": _short(np.array([bound.high for bound in bounds])),
        "rows": rows.tolist(),
    }
    picture = plots.calibration_curve(stated, observed, [(bound.low, bound.high) for bound in bounds], given)
    words = "Observed frequency against stated probability in bins of equal mass; on the diagonal the two agree."
    return {CALIBRATION: msgspec.json.encode(told), CALIBRATION_PLOT: picture}, (Plot(CALIBRATION_PLOT, "Calibration", words),)


def _short(values: Floats) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
