# SPDX-License-Identifier: Apache-2.0
"""Options that limit something: an empty one is more often a variable that nobody set than no limit."""

from __future__ import annotations

import typer


def limiting(value: str | list[str] | None) -> str | list[str] | None:
    """What was said, which says something; for `callback` of an option whose default is None.

    Raises:
        typer.BadParameter: the option stands there, and its value is empty.
    """
    if value is not None and (said := [value] if isinstance(value, str) else value) and not "".join(said).strip(" ,"):
        raise typer.BadParameter("it is empty, and would limit nothing. Leave the option out for no limit.")
    return value
