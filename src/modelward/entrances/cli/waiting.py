# SPDX-License-Identifier: Apache-2.0
"""What a person sees while something takes long: bars on a terminal, words elsewhere. All of it on standard error."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING, TypeAlias

from rich.console import Console

from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.failing import Terminated
from modelward.entrances.cli.showing import line

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from modelward.training import Run

Told: TypeAlias = Callable[[str, float], None]


class RunBars:
    """Shows a run's candidates as bars on a terminal; elsewhere says a word when each is done."""

    def __init__(self, bars: Bars | None, console: Console) -> None:
        self.run = ""
        self._bars = bars
        self._console = console
        self._rows: dict[str, int] = {}

    def started(self, run: Run) -> None:
        """Name the run, so that it can be found again, and warn of what was found in its rows."""
        self.run = run.id
        count = len(run.candidates)
        line(self._console, f"Run {run.id}: {count} {'candidate' if count == 1 else 'candidates'}.")
        for each in run.findings:
            line(self._console, f"Warning, {each.kind}: {each.text} {each.remedy}")

    def candidate(self, name: str, share: float, word: str) -> None:
        """Move a candidate's bar."""
        if self._bars is None:
            if share >= 1:
                line(self._console, f"  {name}: {word}")
            return
        if name not in self._rows:
            self._rows[name] = self._bars.add_task(name, total=1.0, word="")
        self._bars.update(self._rows[name], completed=share, word=word)  # type: ignore[arg-type]  # rich's own task number


@contextmanager
def watching(desk: Desk) -> Iterator[RunBars]:
    """Bars while a run goes on, one for each candidate. Ctrl-C and SIGTERM leave word of how it can go on."""
    with ending_in_order(), _bars(desk.err) if desk.err.is_terminal else nullcontext() as bars:
        watch = RunBars(bars, desk.err)
        try:
            yield watch
        except KeyboardInterrupt as stop:
            raise type(stop)(_left(watch.run, is_remote=desk.is_remote)) from None


@contextmanager
def ending_in_order() -> Iterator[None]:
    """While this lasts, SIGTERM stops the work as Ctrl-C does, so that it keeps what it has; a second signal of either ends the
    process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets no other thread say what a signal does.
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A signal that somebody had ignored stays so.
    heard = [number for number, how in before.items() if how in (signal.SIG_DFL, signal.default_int_handler)]

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_DFL)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    try:
        for number in heard:
            signal.signal(number, stop)
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _left(run: str, *, is_remote: bool) -> str:
    if not run:
        return "Stopped before the run began. Nothing was written."
    if is_remote:
        return f"You watch no longer; run {run} goes on there. `modelward runs show {run}` says how far it is."
    return f"Stopped. Run {run} keeps the versions that it made; go on with `modelward runs resume {run}`."


@contextmanager
def waiting(desk: Desk, text: str) -> Iterator[Told]:
    """One bar, and a function that moves it and changes its word. Before it is told anything, it only shows that time passes."""
    if not desk.err.is_terminal:
        desk.say(f"{text} …")
        yield _silently
        return
    with _bars(desk.err) as bars:
        task = bars.add_task(text, total=None, word="")

        def told(word: str, share: float) -> None:
            bars.update(task, total=1.0, completed=share, word=word)

        yield told


def _silently(_word: str, _share: float) -> None:
    pass


def _bars(console: Console) -> Bars:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[word]}", markup=False),
        console=console,
    )
