# SPDX-License-Identifier: Apache-2.0
"""The material of a recommender: a log of interactions made into questions, each of what a user took after what they had before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.datasets import Dataset, Parts, class_labels, make_split, sequences
from modelward.registry import Interface
from modelward.training.gatherer import UnusableDataError
from modelward.training.history_preparation import HISTORY, HistoryPreparation
from modelward.training.material import Material, check_declared
from modelward.training.recipe import Inputs

if TYPE_CHECKING:
    from modelward.datasets import Table
    from modelward.training.spec import Spec

CELLS_LIMIT = 500_000_000
"""The histories of all training rows together have at most so many places: 2 GB."""
TOLD = 10
"""How many items an answer names."""
Codes = npt.NDArray[np.int32]


def gather_histories(spec: Spec, dataset: Dataset, table: Table) -> Material:
    """Divide the interactions, and make a question of each: the history before it, and the item as its label. The items that are
    known are those of the training rows.

    Raises:
        UnusableDataError: the spec and the dataset do not go together, or the histories would need too much memory.
        InvalidSplitError: the rows cannot be divided so.
    """
    log, length = dataset.log, spec.data.history
    assert length is not None
    if log is None:
        raise UnusableDataError(
            f"data.history: dataset {dataset.name!r} was registered for the task {dataset.task!r}, and histories are those of a "
            "log of interactions. Leave the key out, or register the data with `--task items --user COLUMN --time COLUMN`."
        )
    check_declared(spec.data, dataset)
    parts = make_split(table, dataset.target, spec.data.split, task=dataset.task, log=log)
    _check_size(parts, length)
    names, inverse = np.unique(class_labels(table.get_column(dataset.target)).to_numpy().astype(str), return_inverse=True)
    known = np.unique(inverse[parts.train])
    codes = np.full(len(names), len(known) + 1, dtype=np.int32)
    codes[known] = np.arange(1, len(known) + 1)
    codes, ordered = codes[inverse], sequences(table, log)
    items = tuple(names[known].tolist())
    preparation = HistoryPreparation(name=HISTORY, length=length, items=items)
    # Rows of one user lie together in the order of time: see `chains`.
    train = parts.train[np.argsort(ordered.place[parts.train])]
    validation = parts.validation[codes[parts.validation] <= len(items)]
    inputs = Inputs(
        train=ordered.histories(codes, train, length=length),
        train_labels=codes[train].astype(np.int64) - 1,
        validation=ordered.histories(codes, validation, length=length),
        validation_labels=codes[validation].astype(np.int64) - 1,
        classes=items,
        seed=spec.seed,
        device=spec.device,
        taken="sequence",
    )
    told = np.array(["", *items, _unseen(items)], dtype=object)
    return Material(
        interface=Interface((preparation.feature(),), dataset.target, items, top=min(TOLD, len(items))),
        preparation=preparation,
        inputs=inputs,
        learnt=inputs,
        train_rows=train,
        test={HISTORY: told[ordered.histories(codes, parts.test, length=length)]},
        background=[],
        facts=_facts(spec, parts, unknown=int((codes[parts.test] > len(items)).sum())),
        split_digest=parts.digest,
    )


def _check_size(parts: Parts, length: int) -> None:
    if len(parts.train) * length > CELLS_LIMIT:
        raise UnusableDataError(
            f"data.history: {len(parts.train):,} training interactions with histories of {length} items do not fit into memory. "
            f"Set `history: {max(1, CELLS_LIMIT // len(parts.train))}` or less, or register the latest interactions alone."
        )


def _unseen(items: Sequence[str]) -> str:
    """A name that no item has, for those that training never saw."""
    name = "?"
    while name in items:
        name += "?"
    return name


def _facts(spec: Spec, parts: Parts, *, unknown: int) -> dict[str, Any]:
    return {
        "rows": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
        "positive": "",
        "sensitive": [],
        "split": asdict(spec.data.split),
        "test_rows_of_unknown_items": unknown,
    }
