# SPDX-License-Identifier: Apache-2.0
"""Why somebody did what cannot be undone, or saw what they otherwise do not: said before it is done, and kept in the ledger."""

from __future__ import annotations

from typing import Final

from modelward.errors import InvalidError

_LIMIT_CHARACTERS: Final = 500


class ReasonError(InvalidError):
    """There is no reason, or a long one."""


def checked_reason(reason: str) -> str:
    """The reason, without blanks around it.

    Raises:
        ReasonError: there is none, or a long one.
    """
    said = reason.strip()
    if not said or len(said) > _LIMIT_CHARACTERS:
        raise ReasonError(
            f"The reason has {len(said)} characters, and must have 1 to {_LIMIT_CHARACTERS}: it stays in the ledger when what it "
            "is about is gone. Say it with --reason, and without anything about a person."
        )
    return said
