# SPDX-License-Identifier: Apache-2.0
"""How results look on a terminal: tables, facts, verdicts in words and colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

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
    "paused": "yellow",
    "running": "cyan",
}
_UNITS = ("B", "KB", "MB", "GB")
_NARROW_TEXT = 24
_CONTROLS = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_NOTHING = "[dim]–[/]"


def table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Iterable[Any]],
    *,
    numbers: Sequence[str] = (),
    text: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """A table. `numbers` are set flush right, `text` is broken into lines, `spare` is left out, last first, where room is short."""
    cells = [[cell(value) for value in row] for row in rows]
    if not cells:
        console.print("[dim]none[/]")
        return
    widths = {name: _width(name, [row[at] for row in cells], is_text=name in text) for at, name in enumerate(columns)}
    shown, left_out = _fitting(list(columns), widths, spare=spare, width=console.width)
    gap = 2 if _total(shown, widths, gap=2) <= console.width else 1
    drawn = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for name in shown:
        is_whole = name not in text and _total(shown, widths, gap=1) <= console.width
        drawn.add_column(plain(name), justify="right" if name in numbers else "left", overflow="fold", no_wrap=is_whole)
    for row in cells:
        drawn.add_row(*(row[columns.index(name)] for name in shown))
    console.print(drawn)
    if left_out:
        console.print(f"[dim]There was no room for: {', '.join(left_out)}. A wider window or `--json` shows them.[/]")


def _fitting(columns: list[str], widths: Mapping[str, int], *, spare: Sequence[str], width: int) -> tuple[list[str], list[str]]:
    """The columns that fit, and those that do not."""
    left_out: list[str] = []
    for name in reversed(spare):
        if _total(columns, widths, gap=1) <= width:
            break
        columns.remove(name)
        left_out.insert(0, name)
    return columns, left_out


def _total(columns: Sequence[str], widths: Mapping[str, int], *, gap: int) -> int:
    return sum(widths[name] for name in columns) + gap * (len(columns) - 1)


def _width(name: str, cells: Sequence[str], *, is_text: bool) -> int:
    widest = max(Text.from_markup(each).cell_len for each in (*cells, plain(name)))
    return min(widest, _NARROW_TEXT) if is_text else widest


def facts(console: Console, named: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    drawn = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in named.items():
        drawn.add_row(name, cell(value))
    console.print(drawn)


def line(console: Console, text: str) -> None:
    """A sentence in which nothing is markup. It is not broken, so that what it names can be copied."""
    console.print(text.translate(_CONTROLS), markup=False, highlight=False, soft_wrap=True)


def cell(value: Any) -> str:
    """One value as the terminal shows it."""
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Marked):
        return str(value)
    if isinstance(value, list | tuple):
        return plain(", ".join(map(str, value))) or _NOTHING
    return plain(str(value))


def plain(text: str) -> str:
    """`text` as markup that shows it as it is. What would move a terminal's cursor or change its colours is made visible."""
    return escape(text.translate(_CONTROLS))


def number(value: float, *, digits: int = 4) -> str:
    """A number with as many digits as one wants to read."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{value:.0f}"
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.{digits}g}"


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


def interval(estimate: float | None, low: float | None, high: float | None, *, unit: str = "", digits: int = 4) -> str:
    """An estimate with its interval and its unit. A small figure beside large ones needs no more decimals than they have."""
    if estimate is None:
        return "–"
    told = number(_rounded(estimate, digits), digits=digits)
    if low is not None and high is not None and low != high:
        told += f" [{number(_rounded(low, digits), digits=digits)}, {number(_rounded(high, digits), digits=digits)}]"
    return f"{told} {unit}".rstrip()


def _rounded(value: float, digits: int) -> float:
    return round(value, digits + 1) if abs(value) >= 10.0**-digits else value


def first_and_last(names: Sequence[str]) -> str:
    """A list of names, short."""
    return ", ".join(names) if len(names) <= 2 else f"{names[0]} … {names[-1]} ({len(names)})"
