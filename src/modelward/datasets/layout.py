# SPDX-License-Identifier: Apache-2.0
"""The layout of a table: its column names, and the nearest of them to a name that is not there."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence

from modelward.datasets.dataset import COLUMNS_LIMIT, UnreadableFileError

NAME_LIMIT = 200
_NAMES_SHOWN = 12


def checked_names(given: Sequence[str | None], *, source: str) -> list[str]:
    """The column names without surrounding space.

    Raises:
        UnreadableFileError: a name is empty, repeated, too long or holds control characters, or there are too many.
    """
    names = [(name or "").strip() for name in given]
    if len(names) > COLUMNS_LIMIT:
        raise UnreadableFileError(f"{source} has {len(names):,} columns; at most {COLUMNS_LIMIT:,} are read. Leave some out.")
    if nameless := [str(place) for place, name in enumerate(names, 1) if not name]:
        raise UnreadableFileError(
            f"{source}: column {', '.join(nameless[:_NAMES_SHOWN])} of {len(names)} has no name in the first row. Give each "
            "column a name; a nameless first column is often an index that was saved along: save without it."
        )
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        if hint := _header_hint(names):
            raise UnreadableFileError(f"{source}: columns share a name{hint}.")
        raise UnreadableFileError(
            f"{source}: more than one column is called {quoted(repeated)}. Give each column a name of its own."
        )
    for place, name in enumerate(names, 1):
        if len(name) > NAME_LIMIT or not name.isprintable():
            raise UnreadableFileError(
                f"{source}: the name of column {place} is longer than {NAME_LIMIT} characters or holds control characters. "
                "Give it a plain name."
            )
    return names


def unknown_column(name: str, names: Sequence[str]) -> str:
    """What to say of a column that is not there: the nearest names, or all, or that the header row may be missing."""
    if near := nearest(name, names):
        return f"There is no column {name!r}. Did you mean {near!r}?"
    if hint := _header_hint(names):
        return f"There is no column {name!r}{hint}."
    return f"There is no column {name!r}. The columns are {quoted(names)}."


def nearest(name: str, names: Sequence[str]) -> str | None:
    """The one of `names` that is most like `name`, whatever the case of letters; None where none is."""
    near = difflib.get_close_matches(name.lower(), [known.lower() for known in names], n=1, cutoff=0.6)
    return next((known for known in names if near and known.lower() == near[0]), None)


def quoted(names: Sequence[str]) -> str:
    """The names in quotes, the first dozen of them."""
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(repr(name) for name in names[:_NAMES_SHOWN]) + more


def _header_hint(names: Sequence[str]) -> str:
    # Names that are numbers are most likely the first row of data, whose values are not for a message.
    if any(name.lstrip("+-").replace(".", "", 1).isdigit() for name in names):
        return ": the first row looks like data, so write a row of column names above it"
    return ""
