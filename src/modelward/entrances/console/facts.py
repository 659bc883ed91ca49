# SPDX-License-Identifier: Apache-2.0
"""The facts of ledger entries as people read them: JSON comes in, and no page shows the notation of a programming language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from modelward.entrances.console.figures import second

_DIGEST_SHOWN = 12
_LONG_CHARACTERS = 40
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def shape(value: Any) -> str:
    """How a fact is shown: as `pairs`, as a `row` with commas, as a `list` one below the other, or as one thing."""
    if value is None or (isinstance(value, str | Sequence | Mapping) and not value):
        return "nothing"
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, Mapping):
        return "pairs"
    if isinstance(value, str):
        return "moment" if _MOMENT.fullmatch(value) else "one"
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
    """A moment that an entry holds as text, in UTC."""
    return second(datetime.fromisoformat(text))


def _is_wide(part: Any) -> bool:
    """Whether a part of a list needs a line of its own, because commas would not tell it from its neighbours."""
    return ", " in part if isinstance(part, str) else isinstance(part, Mapping | Sequence)
