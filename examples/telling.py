# SPDX-License-Identifier: Apache-2.0
"""How the story is told: chapters with facts, as wide as the terminal."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from modelward.training import Run

INDENT = 3
WIDTH_ELSEWHERE = 80
IS_SEEN = sys.stdout.isatty()


class Trimmed:
    """A stream whose lines end where their words do; a table fills its lines with blanks."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` without the blanks before each end of line."""
        return self._stream.write(re.sub(r" +(?=\n)", "", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


OUT = Console(
    file=None if IS_SEEN else cast("IO[str]", Trimmed(sys.stdout)),
    highlight=False,
    # As wide as the terminal, and never wider than 80 columns where there is none.
    width=None if IS_SEEN or "COLUMNS" in os.environ else WIDTH_ELSEWHERE,
)


@contextmanager
def chapter(number: int, title: str, about: str) -> Iterator[None]:
    """Tells what comes, and at the end how long it took."""
    OUT.print(f"\n[bold cyan]{number:>2} {title}[/][dim] · {about}[/]\n")
    began = time.perf_counter()
    yield
    tell("time", f"[dim]{lasted(time.perf_counter() - began)}[/]")


def lasted(seconds: float) -> str:
    """A time in the unit that suits it."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def tell(name: str, text: str) -> None:
    """One fact: its name, and beside it a text in rich's markup, broken into lines where the terminal ends."""
    fact = Table.grid(padding=(0, 2, 0, 0))
    fact.add_column(width=13, style="dim")
    fact.add_column(overflow="fold")
    fact.add_row(name, text)
    OUT.print(Padding(fact, (0, 0, 0, INDENT)))


class Told:
    """Says a word when a candidate is done."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def started(self, run: Run) -> None:
        """Name the run."""
        tell("run", run.id)

    def candidate(self, name: str, _share: float, word: str) -> None:
        """Say that one is on the shelf."""
        if re.fullmatch(r"[a-z0-9-]+:\d+", word):
            tell(word, f"{name}, after {time.perf_counter() - self._began:.1f} s")
