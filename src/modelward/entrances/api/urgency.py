# SPDX-License-Identifier: Apache-2.0
"""How urgent a question is, by its head, or by the metadata of a call: how long its caller waits, and which of one caller's
questions go first.
"""

from __future__ import annotations

from typing import NamedTuple

from modelward.entrances.api.dialect import Heading
from modelward.entrances.api.endpoint import Parameter
from modelward.errors import InvalidError

_TIMEOUT = b"x-request-timeout-ms"
_PRIORITY = b"x-request-priority"
_LONGEST_MS = 3_600_000
_GREATEST_PRIORITY = 9
URGENCY = {
    _TIMEOUT.decode(): Parameter(
        "So many milliseconds the caller waits, within what the server's settings allow; without it, all of that.",
        {"type": "integer", "minimum": 1, "maximum": _LONGEST_MS},
    ),
    _PRIORITY.decode(): Parameter(
        "Of one key's questions that wait for a model, those of greater priority go first.",
        {"type": "integer", "minimum": 0, "maximum": _GREATEST_PRIORITY, "default": 0},
    ),
}


class HeaderUnreadableError(InvalidError):
    """A header that says how to answer cannot be read."""


class Urgency(NamedTuple):
    """So many seconds the caller waits, where that is said; of one caller's questions those of greater priority go first."""

    seconds: float | None
    priority: int


def urgency_of(heading: Heading) -> Urgency:
    """What the headers `x-request-timeout-ms` and `x-request-priority` say.

    Raises:
        HeaderUnreadableError: one of them is no such number.
    """
    timeout, priority = heading.get(_TIMEOUT), heading.get(_PRIORITY)
    return Urgency(
        None if timeout is None else _whole(_TIMEOUT, timeout, least=1, most=_LONGEST_MS) / 1000,
        0 if priority is None else _whole(_PRIORITY, priority, least=0, most=_GREATEST_PRIORITY),
    )


def _whole(name: bytes, text: bytes, *, least: int, most: int) -> int:
    if not text.isdigit() or len(text) > 9 or not least <= int(text) <= most:
        raise HeaderUnreadableError(f"The header {name.decode()} takes a whole number from {least} to {most}.")
    return int(text)
