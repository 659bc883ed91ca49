# SPDX-License-Identifier: Apache-2.0
"""The material of a run: a dataset made into what recipes learn from and graphs are compared on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from modelward.datasets import (
    Dataset,
    InvalidDeclarationError,
    Parts,
    Split,
    Table,
    Task,
    class_codes,
    compared,
    favourable_class,
    find_clusters,
    frame_of,
    make_split,
)
from modelward.registry import AnswerKind, Interface
from modelward.training import augmenting, memory
from modelward.training.augmenting import Augment, augmented
from modelward.training.checking import nearest
from modelward.training.columns import Columns
from modelward.training.detecting import ANOMALIES
from modelward.training.gatherer import Gathered, UnusableDataError
from modelward.training.gatherers import GATHERERS
from modelward.training.image_preparation import ImagePreparation
from modelward.training.pairs import PairInputs, longest, written
from modelward.training.preparation import Preparation
from modelward.training.recipe import Inputs, Lesson, answers, uses_labels
from modelward.training.recipes import RECIPES
from modelward.training.series_preparation import SeriesPreparation
from modelward.training.spec import Data, Spec, offered

if TYPE_CHECKING:
    from modelward.training.preparer import Preparer

COMPARED_ROWS = 100_000
SOUGHT_UNASKED = 750_000
"""Near-duplicates are looked for in so many values, or characters of texts, without being asked: that takes about two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What every candidate of a run is given. `test` are test rows, 100,000 at most, as columns that serving receives. `train_rows`
    says where each training row stands in the dataset. `learnt` are the inputs with the training rows that the spec adds.
    `background` are the rows that stand for "not known" when an answer is explained; it may be empty.
    """

    interface: Interface
    preparation: Preparer
    inputs: Lesson
    learnt: Lesson
    train_rows: npt.NDArray[np.int64]
    test: Columns
    background: list[dict[str, Any]]
    facts: dict[str, Any]
    split_digest: str

    @property
    def is_of_histories(self) -> bool:
        """Whether it is a log, whose labels are items: what is said of a few classes is not said of these."""
        return self.interface.features[0].kind == "sequence"


def gather(spec: Spec, dataset: Dataset, table: Table) -> Material:
    """Choose the features, divide the rows, and fit the preparation to the training rows alone.

    Raises:
        UnusableDataError: target, favourable class, sensitive or excluded columns are not the dataset's, or a column cannot be a
            feature.
        InvalidSplitError: the rows cannot be divided so. UnusableFeatureError, UnusableInputsError: the training rows of a
            feature hold no value, or the training rows lack a class.
    """
    _check_task(spec, dataset)
    check_declared(spec.data, dataset)
    gatherer = GATHERERS[offered(spec.data)]
    chosen = gatherer.choose(spec.data, dataset, table)
    names = [column.name for column in chosen]
    parts = make_split(table, dataset.target, spec.data.split, features=names, task=dataset.task)
    prepared = gatherer.prepare(spec, chosen, table=table, parts=parts)
    gathered = (_texts if dataset.task == "text" else _classes)(spec, dataset, table, prepared, parts)
    near = _near_training(table, names, spec.data.split, parts)
    return Material(
        interface=gathered.interface,
        preparation=prepared.preparation,
        inputs=gathered.inputs,
        learnt=gathered.learnt,
        train_rows=parts.train,
        test=prepared.served(_compared(parts.test, seed=spec.seed)),
        background=prepared.background,
        facts={**_facts(spec.data, dataset, parts, positive=gathered.positive, near=near), **gathered.facts},
        split_digest=parts.digest,
    )


class _Learned(NamedTuple):
    """What depends on what is answered; `facts` are what the version says of it besides."""

    interface: Interface
    inputs: Lesson
    learnt: Lesson
    positive: str = ""
    facts: Mapping[str, Any] = {}


def _classes(spec: Spec, dataset: Dataset, table: Table, prepared: Gathered, parts: Parts) -> _Learned:
    classes, codes = _labelled(table, dataset)
    positive = _positive(spec.data, dataset, dict(zip(classes, np.bincount(codes).tolist(), strict=True)))
    inputs = Inputs(
        train=prepared.part(parts.train),
        train_labels=codes[parts.train],
        validation=prepared.part(parts.validation),
        validation_labels=codes[parts.validation],
        classes=classes,
        seed=spec.seed,
        device=spec.device,
        taken=offered(spec.data),
        preparation=prepared.preparation if isinstance(prepared.preparation, Preparation) else None,
        is_labelled=dataset.task != "none",
        shape=prepared.preparation.shape if isinstance(prepared.preparation, ImagePreparation | SeriesPreparation) else (),
    )
    interface, asked = Interface(prepared.features, dataset.target, classes), spec.data.augment
    if asked is None:
        return _Learned(interface, inputs, inputs, positive)
    learnt = _augmented(inputs, asked)
    return _Learned(interface, inputs, learnt, positive, {"augmented": augmenting.facts(asked, before=inputs, after=learnt)})


def _texts(spec: Spec, dataset: Dataset, table: Table, prepared: Gathered, parts: Parts) -> _Learned:
    for name, given in (("positive", spec.data.positive), ("augment", spec.data.augment)):
        if given is not None:
            raise UnusableDataError(f"data.{name}: it is of classes, and the target is a text. Leave the key out.")
    target = table.get_column(dataset.target)
    train, validation = (written(target[rows].to_list()) for rows in (parts.train, parts.validation))
    inputs = PairInputs(
        train=np.asarray(prepared.part(parts.train), dtype=np.int32),
        train_texts=train,
        validation=np.asarray(prepared.part(parts.validation), dtype=np.int32),
        validation_texts=validation,
        length=longest(train),
        seed=spec.seed,
        device=spec.device,
    )
    interface = Interface(prepared.features, dataset.target, answer="text", length=inputs.length)
    return _Learned(interface, inputs, inputs)


# What a dataset of each task teaches to answer.
_TAUGHT: dict[Task, tuple[AnswerKind, ...]] = {
    "classes": ("classes", "values"),
    "text": ("text",),
    "items": ("classes",),
    # A generator is told a class, and a detector of anomalies needs none.
    "none": (),
}


def _check_task(spec: Spec, dataset: Dataset) -> None:
    if dataset.task == "items":
        raise UnusableDataError(
            f"data.history: dataset {dataset.name!r} is a log of interactions, and the spec does not say how many of the last "
            "items of a user are learned from. Write `data: {history: 50}`, or another number."
        )
    for place, candidate in enumerate(spec.candidates):
        recipe = RECIPES.load(candidate.recipe)
        given = answers(recipe)
        # Without a target nobody is told a class, and a detector of anomalies asks for none.
        if given not in _TAUGHT[dataset.task] and (dataset.task != "none" or uses_labels(recipe)):
            raise UnusableDataError(
                f"candidates[{place}].{candidate.recipe}: the recipe makes models that answer with {given}, and dataset "
                f"{dataset.name!r} was registered for the task {dataset.task!r}. Choose another recipe, or register the data for "
                "another task with `--task`."
            )


def _augmented(inputs: Inputs, asked: Augment) -> Inputs:
    if asked.noise or asked.smote is not None:
        inputs = memory.with_matrix(inputs, asks="`data.augment`", instead=lambda: "Leave it out")
    return augmented(inputs, asked)


def _labelled(table: Table, dataset: Dataset) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The classes, and the place of each row's class among them. Where nothing is predicted every row is taken for normal."""
    if dataset.task == "none":
        return ANOMALIES, np.full(table.height, ANOMALIES.index("normal"), dtype=np.int64)
    return class_codes(table.get_column(dataset.target))


def check_declared(data: Data, dataset: Dataset) -> None:
    """What a spec says of target, sensitive and excluded columns is so in the dataset.

    Raises:
        UnusableDataError: it is not; the message names the key.
    """
    if data.target not in (None, dataset.target):
        raise UnusableDataError(
            f"data.target: the spec predicts {data.target!r}, and dataset {dataset.name!r} was registered to predict "
            f"{dataset.target!r}. Leave the key out, or register the data under another name with `--target {data.target}`."
        )
    for name in data.sensitive or ():
        if name not in dataset.sensitive:
            raise UnusableDataError(
                f"data.sensitive: {name!r} is not declared sensitive in dataset {dataset.name!r}; "
                f"{nearest(name, dataset.sensitive)} A spec may name fewer columns than the dataset, never others."
            )
    names = [column.name for column in dataset.features]
    for name in data.exclude:
        if name not in names:
            raise UnusableDataError(f"data.exclude: there is no feature {name!r} in {dataset.name!r}; {nearest(name, names)}")


def _positive(data: Data, dataset: Dataset, classes: Mapping[str, int]) -> str:
    """The favourable class: the spec's, else the dataset's."""
    # Of a detector without labels: to be called strange is in nobody's favour.
    stated = data.positive or dataset.positive or ("normal" if dataset.task == "none" else "")
    try:
        return favourable_class(classes, stated=stated)
    except InvalidDeclarationError as wrong:
        raise UnusableDataError(f"data.positive: {wrong}") from wrong


def _compared(rows: npt.NDArray[np.int64], *, seed: int) -> npt.NDArray[np.int64]:
    """The test rows on which graph and estimator are compared: all, or some that the seed draws."""
    if len(rows) <= COMPARED_ROWS:
        return rows
    return np.sort(rows[np.random.default_rng(seed).permutation(len(rows))[:COMPARED_ROWS]])


def _near_training(table: Table, features: Sequence[str], split: Split, parts: Parts) -> int | None:
    """How many test rows near-duplicates link to a training row; none where the split keeps clusters together. None where the
    table is too large to look unasked.
    """
    if parts.clusters is None and compared(table, features) > SOUGHT_UNASKED:
        return None
    clusters = parts.clusters or find_clusters(frame_of(table), features, similarity=split.similarity)
    return int(clusters.reach(parts.test, parts.train).sum())


def _facts(data: Data, dataset: Dataset, parts: Parts, *, positive: str, near: int | None) -> dict[str, Any]:
    """What a version says of the data it was made from: enough to find its test rows again, and to judge them."""
    facts = {
        "rows": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
        "positive": positive,
        "sensitive": list(dataset.sensitive if data.sensitive is None else data.sensitive),
        "split": asdict(data.split),
    }
    return facts if near is None else {**facts, "test_rows_near_training": near}
