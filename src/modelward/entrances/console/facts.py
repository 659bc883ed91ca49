# SPDX-License-Identifier: Apache-2.0
"""The facts of ledger entries as people read them: JSON comes in, and no page shows the notation of a programming language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from modelward.entrances.console.figures import second

_DIGEST_SHOWN = 12
_LONG_CHARACTERS = 40
_DATE, _TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
_MOMENT = re.compile(rf"{_DATE}[T ]{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})")


def shape(value: Any) -> str:
    """How a fact is shown: as `pairs`, as a `row` with commas, as a `list` one below the other, or as one thing."""
    if value is None or (isinstance(value, str | Sequence | Mapping) and not value):
        return "nothing"
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, Mapping):
        return "pairs"
    if isinstance(value, str):
        return "moment" if _moment(value) else "one"
    if isinstance(value, Sequence):
        return "list" if any(_is_wide(part) for part in value) else "row"
    return "one"


def fact(value: Any) -> str:
    """One thing: a digest shortened, a figure in six digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return f"{text[:_DIGEST_SHOWN]}…" if len(text) > _LONG_CHARACTERS and " " not in text else text


def spoken(name: str) -> str:
    """The name of a fact in words."""
    return name.replace("_", " ")


def at_second(text: str) -> str:
    """A moment that an entry holds as text, in UTC; what is none as it is."""
    moment = _moment(text)
    return second(moment) if moment else text


def _moment(text: str) -> datetime | None:
    """The moment that `text` says; None where it says none, as the 99th of a month does: people write what they like."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_wide(part: Any) -> bool:
    """Whether a part of a list needs a line of its own, because commas would not tell it from its neighbours."""
    return ", " in part if isinstance(part, str) else isinstance(part, Mapping | Sequence)
