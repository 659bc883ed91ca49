# SPDX-License-Identifier: Apache-2.0
"""Rows of named features from a file, for what asks row by row."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.entrances.cli.desk import Desk
from modelward.errors import RefusedError

if TYPE_CHECKING:
    from modelward.datasets import ColumnKind


def read_rows(desk: Desk, model: str, file: Path) -> list[dict[str, Any]]:
    """The rows of `file`, read as `modelward predict` reads them; an image is one row.

    Raises: as `rows_of_file`. FileTooLargeError: the file passes `MODELWARD_UPLOAD_LIMIT_BYTES`. NoImageTakenError: it is an image,
    and the model takes something else.
    """
    from modelward.datasets import ColumnKind, read_bytes
    from modelward.serving import NoImageTakenError, is_of_images, rows_of_file, with_lists

    data = read_bytes(file, limit_bytes=desk.settings.upload_limit_bytes)
    wanted = _elsewhere(desk, model) if desk.is_remote else _here(desk, model)
    if is_of_images(file):
        if [*wanted.kinds.values()] != [ColumnKind.IMAGE]:
            raise NoImageTakenError(f"{file.name} is an image, and {model} takes something else. Give it a table.")
        return [{name: b64encode(data).decode() for name in wanted.kinds}]
    return with_lists(rows_of_file(file, data, kinds=wanted.kinds).all(), wanted.sequences)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What each feature of the model is in a file, and which are sequences."""

    kinds: Mapping[str, ColumnKind]
    sequences: Collection[str]


def _here(desk: Desk, model: str) -> _Wanted:
    """Nothing for an owner of a key who may ask the model and not look at releases."""
    from modelward.serving import kinds_of, sequences_of

    try:
        features = desk.house.registry.find(desk.version(model), by=desk.actor).interface.features
    except RefusedError:
        return _Wanted({}, ())
    return _Wanted(kinds_of(features), sequences_of(features))


def _elsewhere(desk: Desk, model: str) -> _Wanted:
    made_up = desk.client.serving.made_up_row(model.partition(":")[0])
    return _Wanted({name: _kind(value) for name, value in made_up.items()}, [name for name in made_up if _is_words(made_up[name])])


def _kind(made_up: Any) -> ColumnKind:
    from modelward.datasets import ColumnKind

    if not isinstance(made_up, list):
        return ColumnKind.CATEGORY if isinstance(made_up, str) else ColumnKind.NUMBER
    is_image = isinstance(made_up[0], list) and isinstance(made_up[0][0], list)
    if is_image:
        return ColumnKind.IMAGE
    # A table holds a sequence of words as JSON.
    return ColumnKind.TEXT if _is_words(made_up) else ColumnKind.SERIES


def _is_words(made_up: Any) -> bool:
    return isinstance(made_up, list) and isinstance(made_up[0], str)
