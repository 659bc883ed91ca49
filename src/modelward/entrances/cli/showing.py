# SPDX-License-Identifier: Apache-2.0
"""How results look on a terminal: tables, facts, verdicts in words and colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_COLOURS = {
    "passed": "green",
    "live": "green",
    "approved": "green",
    "done": "green",
    "failed": "red",
    "refused": "red",
    "interrupted": "yellow",
    "not-measurable": "yellow",
    "awaiting-approval": "yellow",
    "running": "cyan",
}
_UNITS = ("B", "KB", "MB", "GB")


def table(console: Console, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, numbers: Iterable[str] = ()) -> None:
    """A table; `numbers` names the columns that are set flush right."""
    numbers = set(numbers)
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(cell(value) for value in row))
    console.print(drawn)


def facts(console: Console, named: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    drawn = Table(box=None, show_header=False, pad_edge=False)
    drawn.add_column(style="dim")
    drawn.add_column(overflow="fold")
    for name, value in named.items():
        drawn.add_row(name, cell(value))
    console.print(drawn)


def cell(value: Any) -> str:
    """One value as the terminal shows it."""
    if value is None or value == "":
        return "[dim]–[/]"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Marked):
        return str(value)
    if isinstance(value, list | tuple):
        return escape(", ".join(map(str, value))) or "[dim]–[/]"
    return escape(str(value))


class Marked(str):
    """Text that is marked up already."""

    __slots__ = ()


def verdict(word: str) -> Marked:
    """A verdict or a state, coloured; the word itself says it too."""
    colour = _COLOURS.get(word)
    return Marked(f"[{colour}]{word}[/]" if colour else escape(word))


def size(size_bytes: float) -> str:
    """Bytes in the unit that suits them."""
    for unit in _UNITS[:-1]:
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} {_UNITS[-1]}"


def interval(estimate: float | None, low: float | None, high: float | None) -> str:
    """An estimate with its interval."""
    if estimate is None:
        return "–"
    return f"{estimate:.4g}" if low is None or high is None else f"{estimate:.4g} [{low:.4g}, {high:.4g}]"
