# SPDX-License-Identifier: Apache-2.0
"""Purposes: what data, models and keys may be used for, as one line that people read and that is held to.

A line names one purpose, or several with semicolons between them: `grants/pre-screening; research`.
"""

from __future__ import annotations

from modelward.errors import RefusedError


class PurposeNotAgreedError(RefusedError):
    """Something is wanted for a purpose that nobody agreed to."""


def purposes_of(text: str) -> tuple[str, ...]:
    """The purposes that a line names, as they are compared: case, spaces and a final full stop do not matter."""
    named = (" ".join(part.split()).removesuffix(".").rstrip().casefold() for part in text.split(";"))
    return tuple(dict.fromkeys(name for name in named if name))


def names_purpose(text: str, *, or_none: bool = False) -> bool:
    """Whether a line names a purpose, which one of semicolons and full stops does not; `or_none`: or says nothing at all."""
    return bool(purposes_of(text)) or (or_none and not text.strip())


def covers(agreed: str, wanted: str) -> bool:
    """Whether every purpose of `wanted` is one of `agreed`, or lies below one, as `research/fairness` does below `research`.

    Who wants nothing in particular is covered by anything; a line that is there and names no purpose, as `;`, by nothing.
    """
    granted = purposes_of(agreed)
    return names_purpose(wanted, or_none=True) and all(
        any(_lies_within(purpose, each) for each in granted) for purpose in purposes_of(wanted)
    )


def _lies_within(purpose: str, agreed: str) -> bool:
    return purpose == agreed or purpose.startswith(f"{agreed}/")
