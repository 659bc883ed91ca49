# SPDX-License-Identifier: Apache-2.0
"""Questions: what a caller asks, in whatever protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from modelward.access import Actor
from modelward.errors import InvalidError

Row: TypeAlias = Mapping[str, Any]


class UnevenColumnsError(InvalidError):
    """The columns of one request have different numbers of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `caller` is the secret of an API key, or an actor whom the entrance knows by other means.

    `number` asks for that version and no other. `payload` is the request's body as it came: the ledger commits to it. `request`
    is an id made by `new_request_id`, for an entrance that must name it in an error too.
    """

    caller: Actor | str
    model: str
    payload: bytes
    number: int | None = None
    request: str = ""


def rows_of(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The rows of columns that came as one list of values per feature.

    Raises:
        UnevenColumnsError: the lists differ in length; the message names one that does.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    wanted = max(lengths.values(), default=0)
    for name, length in lengths.items():
        if length != wanted:
            raise UnevenColumnsError(f"The column {name[:100]!r} has {length} rows and another has {wanted}. Send as many in each.")
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
