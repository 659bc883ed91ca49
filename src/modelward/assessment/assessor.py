# SPDX-License-Identifier: Apache-2.0
"""An assessor measures one side of one version on a held-out sample, and says it in clauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modelward.assessment.clause import Clause, Measure
from modelward.assessment.scores import Answers
from modelward.datasets import favourable_class
from modelward.registry import texts_of

if TYPE_CHECKING:
    from modelward.assessment.history_sampling import Histories
    from modelward.registry import OpenVersion

POSITIVE_CLASS = "Positive class: "
"""How a note begins that says which class counts as positive: reports are read by it for ever."""
_BATCH_ROWS = 1024


@dataclass(frozen=True)
class NearTraining:
    """Which rows of a sample near-duplicates link to a training row: rows of which at least the share `similarity` is the same.

    It is found out when it is first asked for, for that takes a while.
    """

    similarity: float
    find: Callable[[], NDArray[np.bool_]]

    @cached_property
    def rows(self) -> NDArray[np.bool_]:
        """Whether each row [n] is linked to one."""
        return self.find()


@dataclass(frozen=True)
class Examples:
    """The pairs of texts that a version learned from; they are gathered when they are first asked for."""

    find: Callable[[], tuple[list[str], list[str]]]

    @cached_property
    def _pairs(self) -> tuple[list[str], list[str]]:
        return self.find()

    @property
    def sources(self) -> list[str]:
        """What was read."""
        return self._pairs[0]

    @property
    def targets(self) -> list[str]:
        """What was written."""
        return self._pairs[1]


@dataclass(frozen=True, slots=True)
class RealRows:
    """Rows of the data, as a generator should make them: of each value that it gives one array [n], numbers float64 with NaN for
    missing or texts with "" for missing; and each row's class [n], a place among the categories of the feature that asks for it.
    """

    columns: Mapping[str, NDArray[np.generic]]
    labels: NDArray[np.int64]

    def some(self, rows: NDArray[np.int64]) -> RealRows:
        """Some of the rows."""
        return RealRows({name: values[rows] for name, values in self.columns.items()}, self.labels[rows])


@dataclass(frozen=True, slots=True)
class Originals:
    """What a generator learned to be like: the rows that it learned from, and such as were held out."""

    learned: RealRows
    held_out: RealRows


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows held out from training, with what is known of them.

    `columns` are a version's inputs, [n, 1] each: float32 with NaN for missing, or objects with "" for missing. `labels` [n] are
    indices into `classes`. `sensitive` holds the attribute of each row [n] as text, by column. `split` is the digest of the split
    that held the rows out, so that two versions measured on the same rows can be told from two that were not. `favourable` is the
    favourable one of two classes, "" where nobody says it. `targets` are the true texts, where texts are the answer, and labels are
    0 in all rows where there are no classes, or nobody told them, as `is_labelled` says. `examples` are what such a version learned
    from, where that is known, and `originals` what a generator was to be like. `histories` are there where items are recommended;
    then the label of an item that training never saw is -1. `near_training` is None where the training rows are not known, or for
    what `near_unknown` says. The rows were drawn from `drawn_from` test rows, 0 where nobody says.
    """

    columns: Mapping[str, NDArray[np.generic]]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    sensitive: Mapping[str, NDArray[np.str_]]
    seed: int
    dataset: str
    fingerprint: str
    split: str
    favourable: str = ""
    near_training: NearTraining | None = None
    near_unknown: str = ""
    drawn_from: int = 0
    targets: tuple[str, ...] = ()
    is_labelled: bool = True
    examples: Examples | None = None
    originals: Originals | None = None
    histories: Histories | None = None
    _asked: dict[str, Answers] = field(default_factory=dict, repr=False, compare=False)
    _written: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def rows(self) -> int:
        """How many rows were held out."""
        return int(self.labels.size)

    @cached_property
    def sources(self) -> list[str]:
        """The texts that are answered with texts, as the version reads them."""
        (points,) = self.columns.values()
        return texts_of(points.astype(np.int32))

    @cached_property
    def positive(self) -> int | None:
        """In a binary task the favourable class, by the rule of datasets over these rows where none is said; else None."""
        rows = np.bincount(self.labels, minlength=len(self.classes)).tolist()
        found = favourable_class(dict(zip(self.classes, rows, strict=True)), stated=self.favourable)
        return self.classes.index(found) if found else None

    @property
    def positive_note(self) -> str:
        """Which class counts as positive, as the notes of clauses say it; nothing with more than two."""
        return "" if self.positive is None else f"{POSITIVE_CLASS}{self.classes[self.positive]!r}."

    def answers(self, version: OpenVersion) -> Answers:
        """The version's answers to every row, computed once for all assessors."""
        digest = version.version.digest
        if digest not in self._asked:
            given = np.concatenate(list(self._given(version))).astype(np.float64)
            self._asked[digest] = Answers(self.labels, given, self.positive)
        return self._asked[digest]

    def written(self, version: OpenVersion) -> list[str]:
        """The texts that the version answers every row with, written once for all assessors."""
        digest = version.version.digest
        if digest not in self._written:
            self._written[digest] = [text for points in self._given(version) for text in texts_of(points)]
        return self._written[digest]

    def _given(self, version: OpenVersion) -> Iterator[NDArray[Any]]:
        return (version.predict(self.cut(slice(at, at + _BATCH_ROWS))) for at in range(0, self.rows, _BATCH_ROWS))

    def cut(self, rows: slice | NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
        """The inputs of some of the rows."""
        return {name: values[rows] for name, values in self.columns.items()}


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture among the evidence: its path (`plots/….svg`), a heading, and what it shows in words for who cannot see it."""

    path: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What an assessor found. Every plot's path, and every path a clause names as its evidence, is a key of `evidence`.

    Paths are `evidence/NAME.….json` and `plots/NAME.….svg`, where NAME is that under which the assessor is listed.
    """

    clauses: tuple[Clause, ...]
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()

    @classmethod
    def none(cls, measures: Sequence[Measure], note: str, *, n: int = 0) -> Findings:
        """That nothing could be measured, of `n` rows, and why."""
        return cls(tuple(measure.not_measurable(note, n=n) for measure in measures))


def assessor_of(path: str) -> str:
    """The assessor that a path of evidence belongs to: what stands between its folder and the first dot."""
    return path.partition("/")[2].partition(".")[0]


class Assessor(Protocol):
    """Measures one side of a version. It is built without arguments and keeps nothing between calls.

    The same version, sample and seed MUST give the same findings, unless `is_repeatable` is False, as for timings. Every id
    MUST begin with the name under which the assessor is listed and end with the key of one of `measures`; ids MUST be unique; a
    clause MUST be as `Clause` says; and paths of evidence MUST be as `Findings` says, or nothing that was found is taken.
    What cannot be measured MUST be a clause that says so; it is absent only where its measure is not about such a version (`only`).
    Findings MUST NOT hold a row of the sample. The sample MUST be left as it was.

    One that measures other answers than classes says which in `answers`, a tuple of what `answered` of the registry gives. Of the
    others each of its measures is a not-measurable clause.
    """

    title: str
    """What the report calls its part."""
    needs_sample: bool
    """Without a sample such an assessor is not asked; each of its measures is then a not-measurable clause."""
    is_repeatable: bool
    measures: Sequence[Measure]

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Measure `version` on `sample`, which is None only if `needs_sample` is False."""
        ...
