# SPDX-License-Identifier: Apache-2.0
"""How results look on a terminal: tables, facts, verdicts in words and colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from rich.cells import cell_len
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
_HEIGHTS, _SPARKS = "▁▂▃▄▅▆▇█", 40
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
    found = {name: [plain(name), *(row[at] for row in cells)] for at, name in enumerate(columns)}
    widths = {name: min(_widest(each), _NARROW_TEXT) if name in text else _widest(each) for name, each in found.items()}
    shown, left_out = _fitting(list(columns), widths, spare=spare, width=console.width)
    gap = 2 if _total(shown, widths, gap=2) <= console.width else 1
    # rich leaves a gap after the last column, too.
    room = console.width - _total([name for name in shown if name not in text], widths, gap=0) - gap * len(shown)
    allotted = _allotted({name: found[name] for name in shown if name in text}, room=room)
    drawn = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for name in shown:
        is_whole = name not in text and _total(shown, widths, gap=1) <= console.width
        side: Literal["left", "right"] = "right" if name in numbers else "left"
        drawn.add_column(plain(name), justify=side, overflow="fold", no_wrap=is_whole, width=allotted.get(name))
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


def _allotted(texts: Mapping[str, Sequence[str]], *, room: int) -> dict[str, int]:
    """Widths of the columns that are broken into lines: first so wide that their words stay whole, the last column first, then as
    wide as they would like to be. None where there is no room at all.
    """
    given = {name: min(_widest(cells), _NARROW_TEXT) for name, cells in texts.items()}
    left = room - sum(given.values())
    if left < 0:
        return {}
    for wanted in (_longest_word, _widest):
        for name in reversed(given):
            more = max(0, min(wanted(texts[name]) - given[name], left))
            given[name] += more
            left -= more
    return given


def _widest(cells: Sequence[str]) -> int:
    return max(Text.from_markup(each).cell_len for each in cells)


def _longest_word(cells: Sequence[str]) -> int:
    return max((cell_len(word) for each in cells for word in Text.from_markup(each).plain.split()), default=0)


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


def every_model(tenant: str) -> str:
    """What a credential reaches that is limited to no models: its tenant's, where it is of one."""
    return f"every model of {tenant}" if tenant else "every model"


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
    """A verdict or a state, coloured; the word itself says it too. For people it is written as they write it."""
    told = escape(word.replace("not-measurable", "not measurable"))
    return Marked(f"[{_COLOURS[word]}]{told}[/]" if word in _COLOURS else told)


def size(size_bytes: float) -> str:
    """Bytes in the unit that suits them."""
    for unit in _UNITS[:-1]:
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} {_UNITS[-1]}"


def beginning(digest: str) -> str:
    """A digest by its beginning, which is said to be one."""
    return f"{digest[:16]}…"


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


def spark(values: Sequence[float]) -> str:
    """A curve in at most forty letters of eight heights, the lowest of its values at the bottom."""
    picked = [values[place * len(values) // _SPARKS] for place in range(_SPARKS)] if len(values) > _SPARKS else values
    low, high = min(picked), max(picked)
    steps = len(_HEIGHTS) - 1
    return "".join(_HEIGHTS[round(steps * (value - low) / (high - low)) if high > low else 0] for value in picked)
