# SPDX-License-Identifier: Apache-2.0
"""The material of a run: a dataset made into what recipes learn from and graphs are compared on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from modelward.datasets import (
    Column,
    ColumnKind,
    Dataset,
    InvalidDeclarationError,
    Parts,
    Split,
    class_labels,
    compared,
    counts_rows,
    favourable_class,
    find_clusters,
    make_split,
)
from modelward.errors import InvalidError
from modelward.registry import Feature, Interface, code_points
from modelward.training.checking import nearest
from modelward.training.preparation import Preparation
from modelward.training.recipe import Inputs
from modelward.training.spec import Data, Spec
from modelward.training.text_preparation import TextPreparation

if TYPE_CHECKING:
    import polars as pl

    from modelward.training.preparer import Preparer

Columns = dict[str, npt.NDArray[Any]]
BACKGROUND_ROWS = 100
SOUGHT_UNASKED = 750_000
"""Near-duplicates are looked for in so many values, or characters of texts, without being asked: that takes about two seconds."""
# What YAML 1.1 reads as a truth or as nothing is shorter.
_PLAIN = re.compile(r"(?!(?i:yes|no|on|off|true|false|null|y|n)$)[A-Za-z_][\w-]*")


class UnusableDataError(InvalidError):
    """The spec and the dataset do not go together, or a column cannot be a feature; the message says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What every candidate of a run is given. Test rows are columns as serving receives them: [n, 1] each, texts [n, length].
    `train_rows` says where each training row stands in the dataset.

    `background` is empty for texts: rows that stand for "not known" cannot be made of them without keeping somebody's words.
    """

    interface: Interface
    preparation: Preparer
    inputs: Inputs
    train_rows: npt.NDArray[np.int64]
    test: Columns
    background: list[dict[str, Any]]
    facts: dict[str, Any]
    split_digest: str


def gather(spec: Spec, dataset: Dataset, table: pl.DataFrame) -> Material:
    """Choose the features, divide the rows, and fit the preparation to the training rows alone.

    Raises:
        UnusableDataError: target, favourable class, sensitive or excluded columns are not the dataset's, or a column cannot be a
            feature.
        InvalidSplitError: the rows cannot be divided so. UnusableFeatureError, UnusableInputsError: the training rows of a
            feature hold no value, or the training rows lack a class.
    """
    _check_declared(spec.data, dataset)
    chosen = _chosen(spec.data, dataset, table)
    names = [column.name for column in chosen]
    parts = make_split(table, dataset.target, spec.data.split, features=names)
    classes, codes = _labels(table.get_column(dataset.target))
    positive = _positive(spec.data, dataset, dict(zip(classes, np.bincount(codes).tolist(), strict=True)))
    prepared = _prepared(spec, chosen, table, parts)
    inputs = Inputs(
        train=prepared.preparation.apply(_rows(prepared.columns, parts.train)),
        train_labels=codes[parts.train],
        validation=prepared.preparation.apply(_rows(prepared.columns, parts.validation)),
        validation_labels=codes[parts.validation],
        classes=classes,
        seed=spec.seed,
        device=spec.device,
        preparation=prepared.preparation if isinstance(prepared.preparation, Preparation) else None,
    )
    return Material(
        interface=Interface(prepared.features, dataset.target, classes),
        preparation=prepared.preparation,
        inputs=inputs,
        train_rows=parts.train,
        test=_rows(prepared.columns, parts.test),
        background=prepared.background,
        facts=_facts(spec.data, dataset, parts, positive=positive, near=_near_training(table, names, spec.data.split, parts)),
        split_digest=parts.digest,
    )


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The chosen columns of all rows, and what was fitted to those of the training rows."""

    features: tuple[Feature, ...]
    columns: Columns
    preparation: Preparer
    background: list[dict[str, Any]]


def _prepared(spec: Spec, chosen: Sequence[Column], table: pl.DataFrame, parts: Parts) -> _Prepared:
    if spec.data.text is not None:
        return _prepared_text(spec, chosen[0], table, parts)
    features = tuple(_feature(column) for column in chosen)
    columns = columns_of(table, features)
    training = _rows(columns, parts.train)
    preparation = Preparation.fit(training, features, spec.data.prepare)
    return _Prepared(_as_seen(features, table[parts.train]), columns, preparation, background_of(training, seed=spec.seed))


def _prepared_text(spec: Spec, column: Column, table: pl.DataFrame, parts: Parts) -> _Prepared:
    preparation = TextPreparation.fit(table[parts.train].get_column(column.name), spec.data.prepare)
    feature = preparation.feature(nullable=column.nullable)
    return _Prepared((feature,), columns_of(table, (feature,)), preparation, [])


def columns_of(table: pl.DataFrame, features: Sequence[Feature]) -> Columns:
    """The columns of a table as a graph takes them, the way `Interface.columns` makes them of rows of JSON: float32 [n, 1]
    with NaN for missing numbers, text [n, 1] with "" for missing categories, `true` and `false` for booleans, code points
    int32 [n, length] for texts.
    """
    import polars as pl

    columns: Columns = {}
    for feature in features:
        column = table.get_column(feature.name)
        if feature.kind == "text":
            columns[feature.name] = code_points(column.fill_null("").to_list(), feature)
            continue
        is_number = feature.kind == "number"
        filled = column.cast(pl.Float32).fill_null(float("nan")) if is_number else column.cast(pl.String).fill_null("")
        columns[feature.name] = filled.to_numpy().astype(np.float32 if is_number else object).reshape(-1, 1)
    return columns


def background_of(columns: Columns, *, seed: int) -> list[dict[str, Any]]:
    """Rows of JSON that stand for "this feature is not known" when an answer is explained.

    Each column is drawn from the training rows on its own, so that the rows keep what each feature looks like and none of them
    is anybody's record: a version carries them wherever it goes.
    """
    draw = np.random.Generator(np.random.PCG64(seed))
    drawn: dict[str, list[Any]] = {}
    for name, column in columns.items():
        values = column[draw.integers(0, len(column), BACKGROUND_ROWS), 0].tolist()
        drawn[name] = [None if value == "" or value != value else value for value in values]
    return [dict(zip(drawn, row, strict=True)) for row in zip(*drawn.values(), strict=True)]


def _check_declared(data: Data, dataset: Dataset) -> None:
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


def _chosen(data: Data, dataset: Dataset, table: pl.DataFrame) -> list[Column]:
    """The columns to learn from: all that can be features, or the one of text."""
    if data.text is not None:
        return [_text_column(data.text, dataset)]
    # The moment by which a split is made lies in the future of every request, so it cannot be a feature.
    out = {*data.exclude, data.split.column}
    chosen = [column for column in dataset.features if column.name not in out]
    if not chosen:
        raise UnusableDataError(f"data.exclude: no feature is left of dataset {dataset.name!r}. Exclude fewer columns.")
    unusable = {column.name: why for column in chosen if (why := _why_unusable(table, column))}
    if unusable:
        raise UnusableDataError(
            f"{_told(unusable)} Leave out what cannot be learned from: {exclusion([*data.exclude, *unusable])}."
        )
    return chosen


def _text_column(name: str, dataset: Dataset) -> Column:
    names = [column.name for column in dataset.features]
    if name not in names:
        raise UnusableDataError(f"data.text: there is no feature {name!r} in {dataset.name!r}; {nearest(name, names)}")
    column = dataset.column(name)
    if column.kind not in {ColumnKind.TEXT, ColumnKind.CATEGORY}:
        raise UnusableDataError(
            f"data.text: column {name!r} is a {column.kind} and holds no text. Name another, or leave `data.text` out and learn "
            "from the table."
        )
    return column


def _why_unusable(table: pl.DataFrame, column: Column) -> str:
    """Why a column cannot be a feature; nothing where it can."""
    if column.kind is ColumnKind.TEXT:
        return "holds free text or a name for each row, which is no feature of a table (`data: {text: COLUMN}` learns from texts)"
    if column.kind is ColumnKind.DATE:
        return "holds dates, which this version does not learn from"
    return "only counts the rows" if counts_rows(table.get_column(column.name)) else ""


def _told(unusable: Mapping[str, str]) -> str:
    """A sentence for each reason, with the columns that it holds for."""
    columns: dict[str, list[str]] = {}
    for name, why in unusable.items():
        columns.setdefault(why, []).append(name)
    return " ".join(f"{_named(names)} {why}." for why, names in columns.items())


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return f"Column {shown}" if len(names) == 1 else f"Each of the {len(names)} columns {shown}{'…' if len(names) > 8 else ''}"


def exclusion(names: Sequence[str]) -> str:
    """The line of a spec that leaves these columns out; a name that YAML would read as something else is quoted."""
    written = (name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'" for name in names)
    return f"`data: {{exclude: [{', '.join(written)}]}}`"


def _feature(column: Column) -> Feature:
    return Feature(column.name, "number" if column.kind is ColumnKind.NUMBER else "category", nullable=column.nullable)


def _as_seen(features: Sequence[Feature], training: pl.DataFrame) -> tuple[Feature, ...]:
    """The features with what the training rows hold of them. What only other rows hold was not learned from."""
    return tuple(_seen(feature, training.get_column(feature.name).drop_nulls()) for feature in features)


def _seen(feature: Feature, values: pl.Series) -> Feature:
    import polars as pl

    if feature.kind == "number":
        return replace(feature, minimum=cast("float", values.min()), maximum=cast("float", values.max()))
    return replace(feature, categories=tuple(values.cast(pl.String).unique().sort().to_list()))


def _labels(target: pl.Series) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The classes, sorted as text, and the place of each row's class among them."""
    names, codes = np.unique(class_labels(target).to_numpy().astype(str), return_inverse=True)
    return tuple(names.tolist()), codes.astype(np.int64)


def _positive(data: Data, dataset: Dataset, classes: Mapping[str, int]) -> str:
    """The favourable class: the spec's, else the dataset's."""
    try:
        return favourable_class(classes, stated=data.positive or dataset.positive)
    except InvalidDeclarationError as wrong:
        raise UnusableDataError(f"data.positive: {wrong}") from wrong


def _rows(columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[np.int64]) -> Columns:
    return {name: column[rows] for name, column in columns.items()}


def _near_training(table: pl.DataFrame, features: Sequence[str], split: Split, parts: Parts) -> int | None:
    """How many test rows near-duplicates link to a training row; none where the split keeps clusters together. None where the
    table is too large to look unasked.
    """
    if parts.clusters is None and compared(table, features) > SOUGHT_UNASKED:
        return None
    clusters = parts.clusters or find_clusters(table, features, similarity=split.similarity)
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
