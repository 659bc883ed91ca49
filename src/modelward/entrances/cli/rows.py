# SPDX-License-Identifier: Apache-2.0
"""Rows of named features from a file, for what asks row by row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.entrances.cli.desk import Desk
from modelward.errors import RefusedError

if TYPE_CHECKING:
    from modelward.datasets import ColumnKind


def read_rows(desk: Desk, model: str, file: Path) -> list[dict[str, Any]]:
    """The rows of `file`, read as `modelward predict` reads them.

    Raises: as `rows_of_file`. FileTooLargeError: the file passes `MODELWARD_UPLOAD_LIMIT_BYTES`.
    """
    from modelward.datasets import read_bytes
    from modelward.serving import rows_of_file

    data = read_bytes(file, limit_bytes=desk.settings.upload_limit_bytes)
    return rows_of_file(file, data, kinds=_kinds(desk, model)).all()


def _kinds(desk: Desk, model: str) -> dict[str, ColumnKind]:
    """What each feature of the model is; nothing for an owner of a key who may ask the model and not look at releases."""
    from modelward.datasets import ColumnKind
    from modelward.serving import kinds_of

    if desk.is_remote:
        made_up = desk.client.serving.made_up_row(model.partition(":")[0])
        kinds: dict[type, ColumnKind] = {str: ColumnKind.CATEGORY, list: ColumnKind.IMAGE}
        return {name: kinds.get(type(value), ColumnKind.NUMBER) for name, value in made_up.items()}
    try:
        features = desk.house.registry.find(desk.version(model), by=desk.actor).interface.features
    except RefusedError:
        return {}
    return kinds_of(features)
