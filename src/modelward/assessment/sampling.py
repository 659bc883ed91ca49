# SPDX-License-Identifier: Apache-2.0
"""The rows that a version never saw: found again from its lineage, and only if the data is what it was."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelward.access import Actor
from modelward.assessment.assessor import Examples, NearTraining, Originals, RealRows, Sample
from modelward.assessment.history_sampling import histories_of
from modelward.datasets import Dataset, Datasets, Parts, Split, class_labels, find_clusters, make_split
from modelward.errors import ConflictError
from modelward.registry import Version, code_points, texts_of

if TYPE_CHECKING:
    import polars as pl

SEED = 0
MANY_NUMBERS = 12
"""A numeric sensitive column with more different values is cut into quarters."""


class DataChangedError(ConflictError):
    """The data that a version was made from is not what it was, so its test rows are not known any more."""


def held_out(version: Version, datasets: Datasets, *, by: Actor) -> Sample | None:
    """The version's test rows; None for a version that came without data.

    Raises:
        DataChangedError: the dataset has another fingerprint, or the same split gives other rows.
        DatasetMissingError, NotPermittedError: see `Datasets.table`.
    """
    lineage = version.lineage
    if not lineage.dataset or "split" not in version.facts:
        return None
    dataset = datasets.show(lineage.dataset, by=by)
    if dataset.fingerprint != lineage.fingerprint:
        raise DataChangedError(
            f"{version.name} was made from {lineage.dataset} with the fingerprint {lineage.fingerprint[:12]}, and the dataset has "
            f"{dataset.fingerprint[:12]} now. Train again on the data as it is."
        )
    table = datasets.table(lineage.dataset, by=by, purpose=f"assess {version.name}")
    split = msgspec.convert(version.facts["split"], Split)
    # The features of a generator are not those that it learned from.
    features = version.facts.get("columns") or version.interface.names
    parts = make_split(table, dataset.target, split, features=features, task=dataset.task, log=dataset.log)
    if parts.digest != lineage.split:
        raise DataChangedError(f"The split of {lineage.dataset} gives other rows than when {version.name} was made. Train again.")
    if dataset.log:
        return _of_histories(version, dataset, table, parts)
    favourable = str(version.facts.get("positive") or dataset.positive)
    near = NearTraining(split.similarity, lambda: _near_training(table.select(features), split, parts))
    if "columns" in version.facts:
        originals = Originals(*(_real(version, table[rows], features) for rows in (parts.train, parts.test)))
        return _sample(version, _questions(version, table[parts.test]), favourable="", near=near, originals=originals)
    examples = Examples(lambda: _pairs(version, table[parts.train])) if version.interface.answer == "text" else None
    return _sample(version, table[parts.test], favourable=favourable, near=near, examples=examples)


def _pairs(version: Version, rows: pl.DataFrame) -> tuple[list[str], list[str]]:
    """What the version learned from: the texts as it reads them, and those that they are answered with."""
    (feature,) = version.interface.features
    points = code_points(rows.get_column(feature.name).fill_null("").to_list(), feature)
    return texts_of(points), rows.get_column(version.interface.target).to_list()


def _real(version: Version, rows: pl.DataFrame, names: Sequence[str]) -> RealRows:
    import polars as pl

    interface, columns = version.interface, {}
    is_text = {name for name, texts in zip(interface.values, interface.categories, strict=False) if texts}
    for name in names:
        column = rows.get_column(name)
        text = column.cast(pl.String).fill_null("").to_numpy().astype(str) if name in is_text else None
        columns[name] = column.cast(pl.Float64).fill_null(float("nan")).to_numpy() if text is None else text
    places = {label: place for place, label in enumerate(interface.features[-1].categories)}
    labels = [places[label] for label in class_labels(rows.get_column(interface.target)).to_list()]
    return RealRows(columns, np.array(labels, dtype=np.int64))


def _questions(version: Version, rows: pl.DataFrame) -> pl.DataFrame:
    """What a generator is asked for rows of these classes: one seed after the other."""
    import polars as pl

    seed, target = version.interface.names
    return pl.DataFrame({seed: range(rows.height), target: class_labels(rows.get_column(target))})


def _of_histories(version: Version, dataset: Dataset, table: pl.DataFrame, parts: Parts) -> Sample:
    interface, lineage = version.interface, version.lineage
    held, words = histories_of(dataset, table, parts, interface, leaves_out=lineage.parameters.get("seen") != "keep")
    for values in (words, held.labels):
        values.flags.writeable = False
    return Sample(
        columns={interface.names[0]: words},
        labels=held.labels,
        classes=interface.classes,
        sensitive={},
        seed=SEED,
        dataset=lineage.dataset,
        fingerprint=lineage.fingerprint,
        split=lineage.split,
        histories=held,
    )


def _near_training(table: pl.DataFrame, split: Split, parts: Parts) -> NDArray[np.bool_]:
    clusters = parts.clusters or find_clusters(table, table.columns, similarity=split.similarity)
    return clusters.reach(parts.test, parts.train)


def _sample(
    version: Version,
    rows: pl.DataFrame,
    *,
    favourable: str,
    near: NearTraining,
    examples: Examples | None = None,
    originals: Originals | None = None,
) -> Sample:
    interface, lineage = version.interface, version.lineage
    names = [feature.name for feature in interface.features]
    places = {name: place for place, name in enumerate(interface.classes)}
    is_of_classes, is_of_text = interface.answer == "classes", interface.answer == "text"
    is_labelled = is_of_classes and bool(interface.target)
    told = class_labels(rows.get_column(interface.target)).to_list() if is_labelled or is_of_text else []
    labels = [places[label] for label in told] if is_labelled else [0] * rows.height
    sample = Sample(
        columns=interface.columns(rows.select(names).to_dicts()),
        labels=np.array(labels, dtype=np.int64),
        classes=interface.classes,
        sensitive={name: _as_text(rows, name) for name in version.facts.get("sensitive", ()) if name in rows.columns},
        seed=SEED,
        dataset=lineage.dataset,
        fingerprint=lineage.fingerprint,
        split=lineage.split,
        favourable=favourable,
        near_training=near,
        targets=tuple(told) if is_of_text else (),
        is_labelled=is_labelled or not is_of_classes,
        examples=examples,
        originals=originals,
    )
    # One sample serves all assessors: none may change what the next one measures.
    for values in (*sample.columns.values(), *sample.sensitive.values(), sample.labels):
        values.flags.writeable = False
    return sample


def _as_text(table: pl.DataFrame, name: str) -> NDArray[np.str_]:
    """The group of each row: the value itself, or its quarter of a number with many values; empty where it is missing."""
    import polars as pl

    column = table.get_column(name)
    if column.dtype.is_numeric() and column.n_unique() > MANY_NUMBERS:
        return _quarters(column.cast(pl.Float64).to_numpy())
    return column.cast(pl.String).fill_null("").to_numpy().astype(str)


def _quarters(values: NDArray[np.float64]) -> NDArray[np.str_]:
    """Bands of about equal mass between the quartiles, named by their bounds, the upper one within: an age has no groups."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(values.shape, "")
    edges = np.unique(np.quantile(values[known], [0.25, 0.5, 0.75]))
    bounds = [f"≤{edges[0]:g}", *(f"{low:g}–{high:g}" for low, high in pairwise(edges)), f">{edges[-1]:g}"]
    names = [f"{at}:{bound}" for at, bound in enumerate(bounds, 1)]
    bands = np.array(names)[np.searchsorted(edges, np.where(known, values, 0.0), side="left")]
    return np.where(known, bands, "")
