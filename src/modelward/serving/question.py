# SPDX-License-Identifier: Apache-2.0
"""Questions: what a caller asks, in whatever protocol."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from modelward.access import Actor
from modelward.registry import Interface, Table
from modelward.serving.answer import TooManyRowsError, Written
from modelward.serving.computed import Computed

Row: TypeAlias = Mapping[str, Any]


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One question. `caller` is the secret of an API key, or an actor whom the entrance knows by other means.

    `number` asks for that version and no other. `payload` is the request's body as it came: the ledger commits to it. `request`
    is an id made by `new_request_id`, for an entrance that must name it in an error too. Who waits `timeout_seconds` in vain is
    told so; None is what the settings say. Of one caller's questions those of greater `priority` go first.
    """

    caller: Actor | str
    model: str
    payload: bytes
    number: int | None = None
    request: str = ""
    timeout_seconds: float | None = None
    priority: int = 0


class Asking(msgspec.Struct, frozen=True):
    """What a question says once it is read: checked rows, and how the answer is written in the caller's protocol.

    Questions are computed together where their `group` is equal.
    """

    table: Table
    render: Callable[[Computed], Written]
    group: Hashable = None


class Why(msgspec.Struct, frozen=True):
    """What a question why says: rows, and the class to explain; the predicted one where it is None."""

    rows: Sequence[Row]
    label: str | None = None


def check_rows(rows: int, limit: int) -> None:
    """Refuse more rows than one request may have."""
    if rows > limit:
        raise TooManyRowsError(f"The request has {rows} rows; {limit} is the most. Send them in parts.")


Read: TypeAlias = Callable[[Interface], Asking]
"""Reads a question against the interface of the version that answers; raises what the caller is told."""
