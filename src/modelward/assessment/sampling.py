# SPDX-License-Identifier: Apache-2.0
"""The rows that a version never saw: found again from its lineage, and only if the data is what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelward.access import Actor
from modelward.assessment.assessor import Examples, NearTraining, Originals, RealRows, Sample
from modelward.assessment.history_sampling import histories_of
from modelward.datasets import (
    Dataset,
    Datasets,
    Parts,
    Split,
    Table,
    class_labels,
    compared,
    find_clusters,
    frame_of,
    make_split,
)
from modelward.errors import ConflictError
from modelward.images import pixels_of
from modelward.registry import Version, code_points, texts_of

if TYPE_CHECKING:
    import polars as pl

SEED = 0
JUDGED_ROWS = 100_000
"""So many test rows are measured on at most; the intervals are of so many."""
SOUGHT = 20_000_000
"""In so many values, or characters of texts, near-duplicates are looked for: that takes about a minute."""
TOO_LARGE = "Near-duplicates are not looked for in so large a table. Measure on a smaller one."
MANY_NUMBERS = 12
"""A numeric sensitive column with more different values is cut into quarters."""


class DataChangedError(ConflictError):
    """The data that a version was made from is not what it was, so its test rows are not known any more."""


def held_out(version: Version, datasets: Datasets, *, by: Actor) -> Sample | None:
    """The version's test rows; None for a version that came without data.

    Raises:
        DataChangedError: the dataset has another fingerprint, or the same split gives other rows.
        DatasetMissingError, NotPermittedError, GrantMissingError, GrantEndedError, OutsideGrantError: see `Grants.opened`. Without
        a grant in force the version's rows are not read again.
    """
    lineage = version.lineage
    if not lineage.dataset or "split" not in version.facts:
        return None
    view = datasets.grants.opened(
        version.model,
        lineage.dataset,
        use=f"assess {version.name}",
        purpose=version.purpose,
        under=str(version.facts.get("grant", "")),
        by=by,
    )
    dataset, table = view.dataset, view.table
    if dataset.fingerprint != lineage.fingerprint:
        raise DataChangedError(
            f"{version.name} was made from {lineage.dataset} with the fingerprint {lineage.fingerprint[:12]}, and the dataset has "
            f"{dataset.fingerprint[:12]} now. Train again on the data as it is."
        )
    split = msgspec.convert(version.facts["split"], Split)
    # The features of a generator are not those that it learned from.
    features = version.facts.get("columns") or version.interface.names
    parts = make_split(table, dataset.target, split, features=features, task=dataset.task, log=dataset.log)
    if parts.digest != lineage.split:
        raise DataChangedError(f"The split of {lineage.dataset} gives other rows than when {version.name} was made. Train again.")
    if dataset.log:
        return _of_histories(version, dataset, frame_of(table), parts)
    favourable = str(version.facts.get("positive") or dataset.positive)
    judged = _judged(parts.test)
    near = NearTraining(split.similarity, lambda: _near_training(table, features, split, parts=parts, judged=judged))
    is_sought = bool(parts.clusters) or compared(table, features) <= SOUGHT
    return replace(
        _asked(version, table, features, favourable=favourable, train=parts.train, judged=judged),
        near_training=near if is_sought else None,
        near_unknown="" if is_sought else TOO_LARGE,
        drawn_from=len(parts.test),
    )


def _asked(
    version: Version,
    table: Table,
    features: Sequence[str],
    *,
    favourable: str,
    train: NDArray[np.int64],
    judged: NDArray[np.int64],
) -> Sample:
    names = [*features, version.interface.target, *version.facts.get("sensitive", ())]
    if "columns" in version.facts:
        names = [*features, version.interface.target, *version.interface.names]
        originals = Originals(*(_real(version, _rows(table, names, rows), features) for rows in (train, judged)))
        return _sample(version, _questions(version, _rows(table, names, judged)), favourable="", originals=originals)
    is_of_text = version.interface.answer == "text"
    examples = Examples(lambda: _pairs(version, _rows(table, names, train))) if is_of_text else None
    return _sample(version, _rows(table, names, judged), favourable=favourable, examples=examples)


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
        if column.dtype == pl.Binary:
            columns.update(_pixels(column.to_list(), interface.shape))
            continue
        text = column.cast(pl.String).fill_null("").to_numpy().astype(str) if name in is_text else None
        columns[name] = column.cast(pl.Float64).fill_null(float("nan")).to_numpy() if text is None else text
    places = {label: place for place, label in enumerate(interface.features[-1].categories)}
    labels = [places[label] for label in class_labels(rows.get_column(interface.target)).to_list()]
    return RealRows(columns, np.array(labels, dtype=np.int64))


def _pixels(files: Sequence[bytes], shape: tuple[int, ...]) -> dict[str, NDArray[np.generic]]:
    """Of images each pixel of each channel as a column, float32 [n]: whole numbers, which it holds as they are."""
    whole = (*shape, 1)[:3]
    rows = np.stack([pixels_of(data, whole).ravel() for data in files]).astype(np.float32)
    return {f"pixel {place}": values for place, values in enumerate(rows.T)}


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


def _judged(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows to measure on: all, or so many as one answer after the other and in each replicate of a bootstrap still take."""
    if len(rows) <= JUDGED_ROWS:
        return rows
    return np.sort(rows[np.random.default_rng(SEED).permutation(len(rows))[:JUDGED_ROWS]])


def _rows(table: Table, names: Sequence[str], rows: NDArray[np.int64]) -> pl.DataFrame:
    import polars as pl

    known = [name for name in dict.fromkeys(names) if name in table.columns]
    return pl.DataFrame([table.get_column(name)[rows] for name in known])


def _near_training(
    table: Table, features: Sequence[str], split: Split, *, parts: Parts, judged: NDArray[np.int64]
) -> NDArray[np.bool_]:
    clusters = parts.clusters or find_clusters(frame_of(table), features, similarity=split.similarity)
    return clusters.reach(judged, parts.train)


def _sample(
    version: Version,
    rows: pl.DataFrame,
    *,
    favourable: str,
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
