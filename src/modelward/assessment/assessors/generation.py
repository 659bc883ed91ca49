# SPDX-License-Identifier: Apache-2.0
"""What a generator's rows are worth: whether they teach what real rows teach, whether they are like these and as varied, and
whether they are rows that it learned from, given back.

As many rows are made as real ones are compared with, of the same classes, with the seeds 0, 1, 2, ….
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from modelward.assessment import likeness
from modelward.assessment.assessor import Findings, Originals, RealRows, Sample
from modelward.assessment.clause import Clause, Measure, Threshold
from modelward.assessment.intervals import Estimate, Floats, centred, mean, newcombe, wilson
from modelward.assessment.row_points import RowPoints
from modelward.registry import AnswerKind

if TYPE_CHECKING:
    from modelward.registry import OpenVersion

TAUGHT = Measure(
    assessor="generation",
    key="accuracy_taught",
    title="Accuracy taught by generated rows",
    meaning="share of real test rows decided rightly by a random forest that learned from generated rows alone",
    highest=1.0,
)
TAUGHT_BY_REAL = Measure(
    assessor="generation",
    key="accuracy_taught_by_real",
    title="Accuracy taught by real rows",
    meaning="the same of one that learned from as many training rows",
    highest=1.0,
)
LOST = Measure(
    assessor="generation",
    key="accuracy_lost",
    title="Accuracy lost by learning from generated rows",
    meaning="accuracy taught by real rows minus that taught by generated ones, on the same test rows",
    lowest=-1.0,
    highest=1.0,
)
DENSITY = Measure(
    assessor="generation",
    key="density",
    title="Fidelity: density",
    meaning="how much generated rows lie where real test rows lie; 1 for rows of the same kind",
)
COVERAGE = Measure(
    assessor="generation",
    key="coverage",
    title="Diversity: coverage",
    meaning="share of real test rows that have a generated row within the distance of their fifth nearest test row",
    highest=1.0,
)
COVERAGE_OF_REAL = Measure(
    assessor="generation",
    key="coverage_by_real",
    title="Coverage by training rows",
    meaning="the same of as many training rows: what to compare the coverage with",
    highest=1.0,
)
MARGINALS = Measure(
    assessor="generation",
    key="marginal_distance",
    title="Distance of the columns",
    meaning="largest difference of the distribution functions of generated and real test rows, mean over all columns",
    highest=1.0,
)
CORRELATIONS = Measure(
    assessor="generation",
    key="correlation_distance",
    title="Distance of the correlations",
    meaning="difference of the correlations of two columns between generated and real test rows, mean over all pairs",
    highest=2.0,
)
COPIES = Measure(
    assessor="generation",
    key="copies",
    title="Training rows given back",
    meaning="share of generated rows that equal a training row, minus the share of test rows that do",
    threshold=Threshold(0.01, "at-most"),
    lowest=-1.0,
    highest=1.0,
)
PULL = Measure(
    assessor="generation",
    key="pull",
    title="Pull of the training rows",
    meaning="how much more often than chance the nearest real row is a training row, not a test row; 1 is always, 0 is by chance",
    threshold=Threshold(0.5, "at-most"),
    lowest=-1.0,
    highest=1.0,
)

_LEAST_ROWS = 30
_TAUGHT_ROWS = 5000
_LIKE_ROWS = 2000
_TREES = 100
_BATCH_ROWS = 1024
_RESAMPLED = 200


class Generation:
    """Usefulness, fidelity, diversity and memorisation of a version that answers with values, one row for each seed."""

    title = "What is generated"
    needs_sample = True
    is_repeatable = True
    answers: tuple[AnswerKind, ...] = ("values",)
    measures = (TAUGHT, TAUGHT_BY_REAL, LOST, DENSITY, COVERAGE, COVERAGE_OF_REAL, MARGINALS, CORRELATIONS, COPIES, PULL)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Ten clauses."""
        assert sample is not None
        if sample.originals is None:
            return Findings.none(
                self.measures, "Only versions that were trained here as generators are measured so.", n=sample.rows
            )
        rows = min(len(real.labels) for real in (sample.originals.learned, sample.originals.held_out))
        if rows < _LEAST_ROWS:
            note = f"{rows} rows are too few. Hold out {_LEAST_ROWS} or more, and learn from as many."
            return Findings.none(self.measures, note, n=rows)
        compared = _Compared(version, sample.originals, sample.seed)
        return Findings((*_usefulness(compared), *_likeness(compared), *_memory(compared)))


@dataclass(frozen=True)
class _Compared:
    """A generator beside what it was to be like; what is asked of it is asked once."""

    version: OpenVersion
    originals: Originals
    seed: int

    @cached_property
    def points(self) -> RowPoints:
        return RowPoints.fit(self.originals.learned, is_image=not self.version.interface.values)

    @cached_property
    def taught_by(self) -> RealRows:
        """The training rows to learn from, in any order."""
        return self.originals.learned.some(self._drawn(len(self.originals.learned.labels), most=_TAUGHT_ROWS))

    @cached_property
    def held_out(self) -> Floats:
        """Test rows as points, in any order."""
        rows = self.originals.held_out
        return self.points.of(rows.some(self._drawn(len(rows.labels), most=_LIKE_ROWS)))

    @cached_property
    def learned(self) -> Floats:
        return self.points.of(self.originals.learned)

    @cached_property
    def made(self) -> Floats:
        """Generated rows as points, of the classes of `taught_by`."""
        return self.points.of(_made(self.version, self.taught_by.labels, names=tuple(self.originals.learned.columns)))

    @cached_property
    def some_made(self) -> Floats:
        """As many as there are test rows."""
        return self.made[: len(self.held_out)]

    def _drawn(self, rows: int, *, most: int) -> NDArray[np.int64]:
        return np.random.default_rng(self.seed).permutation(rows)[:most]


def _made(version: OpenVersion, labels: NDArray[np.int64], *, names: tuple[str, ...]) -> RealRows:
    """One row for each label, from the seeds in their order; numbers float64, categories as texts."""
    interface = version.interface
    seed, target = interface.names
    classes = np.array(interface.features[-1].categories, dtype=object)[labels][:, None]
    seeds = np.arange(len(labels), dtype=np.float32)[:, None]
    parts = [slice(at, at + _BATCH_ROWS) for at in range(0, len(labels), _BATCH_ROWS)]
    values = np.concatenate([version.predict({seed: seeds[part], target: classes[part]}) for part in parts]).astype(np.float64)
    columns: dict[str, NDArray[np.generic]] = dict(zip(names, values.reshape(len(values), -1).T, strict=True))
    for name, texts in zip(interface.values, interface.categories, strict=False):
        if texts:
            columns[name] = np.array(texts)[columns[name].astype(np.int64)]
    return RealRows(columns, labels)


def _usefulness(compared: _Compared) -> tuple[Clause, ...]:
    test = compared.originals.held_out
    test = test.some(np.arange(min(len(test.labels), _TAUGHT_ROWS)))
    points, labels = compared.points.of(test), compared.taught_by.labels
    rivals = (compared.made, compared.points.of(compared.taught_by))
    ours, theirs = (_decided(rows, labels, points, seed=compared.seed) == test.labels for rows in rivals)
    rows = len(test.labels)
    taught, by_real = (wilson(float(right.mean()), n=rows) for right in (ours, theirs))
    lost = mean(theirs.astype(np.float64) - ours, seed=compared.seed)
    note = f"A random forest of {_TREES} trees; both learned from {len(labels)} rows of the same classes."
    return TAUGHT.clause(taught, note=note), TAUGHT_BY_REAL.clause(by_real, note=note), LOST.clause(lost, note=note)


def _decided(rows: Floats, labels: NDArray[np.int64], asked: Floats, *, seed: int) -> NDArray[np.int64]:
    from sklearn.ensemble import RandomForestClassifier

    # One thread: sums over another number of them may round otherwise.
    forest = RandomForestClassifier(_TREES, random_state=seed, n_jobs=1).fit(rows, labels)
    decided: NDArray[np.int64] = forest.predict(asked)
    return decided


def _likeness(compared: _Compared) -> tuple[Clause, ...]:
    real, made = compared.held_out, compared.some_made
    # Where fewer rows were learned from than were held out, fewer can be compared.
    rows = min(len(real), len(made))
    real, made, seed = real[:rows], made[:rows], compared.seed
    ours = likeness.likeness(real, made)
    theirs = likeness.likeness(real, compared.points.of(compared.taught_by)[:rows])

    marginals, correlations = _distances(real, made, seed=seed)
    return (
        DENSITY.clause(mean(ours.densities, seed=seed)),
        COVERAGE.clause(wilson(float(ours.is_covered.mean()), n=rows)),
        COVERAGE_OF_REAL.clause(wilson(float(theirs.is_covered.mean()), n=rows)),
        MARGINALS.clause(marginals),
        CORRELATIONS.clause(correlations),
    )


def _distances(real: Floats, made: Floats, *, seed: int) -> tuple[Estimate, Estimate]:
    """Both distances, each with a 95 % interval from drawing real and generated rows again."""
    random, rows = np.random.default_rng(seed), len(real)

    def both(real: Floats, made: Floats) -> tuple[float, float]:
        return float(likeness.marginal_distances(real, made).mean()), likeness.correlation_distance(real, made)

    points = both(real, made)
    again = [both(real[random.integers(0, rows, rows)], made[random.integers(0, rows, rows)]) for _ in range(_replicates(real))]
    method = f"bootstrap of both samples, B = {len(again)}, percentiles centred on the estimate"
    bounds = (centred(point, np.array([each[at] for each in again])) for at, point in enumerate(points))
    first, second = (Estimate(point, *ends, rows, method, seed) for point, ends in zip(points, bounds, strict=True))
    return first, second


def _replicates(rows: Floats) -> int:
    """Fewer where each takes long."""
    return max(40, min(_RESAMPLED, int(1e8 / rows.size / 2)))


def _memory(compared: _Compared) -> tuple[Clause, ...]:
    made, learned, held_out = compared.made[:_LIKE_ROWS], compared.learned, compared.held_out
    to_learned, to_held_out = likeness.nearest(made, learned), likeness.nearest(made, held_out)
    is_given_back = likeness.is_copy(to_learned, learned)
    is_by_chance = likeness.is_copy(likeness.nearest(held_out, learned), learned)
    given_back, by_chance = (wilson(float(rows.mean()), n=len(rows)) for rows in (is_given_back, is_by_chance))
    copies = COPIES.clause(newcombe(given_back, by_chance), note=f"Of {len(learned)} training rows.")
    expected = len(learned) / (len(learned) + len(held_out))
    # Where both are equally near, chance decides.
    is_learned = np.where(np.isclose(to_learned, to_held_out, rtol=1e-9, atol=1e-9), expected, to_learned < to_held_out)
    share = wilson(float(is_learned.mean()), n=len(made))
    value, low, high = ((end - expected) / (1 - expected) for end in (share.value, share.low, share.high))
    note = "Chance is the share of training rows among the real ones. It holds where rows were divided at random."
    method = f"proportion, Wilson score interval, above the share of {expected:.3g} that chance gives"
    return copies, PULL.clause(Estimate(value, low, high, len(made), method), note=note)
