# SPDX-License-Identifier: Apache-2.0
"""How far a candidate is, with its curves so far; written down while it trains, so that who did not start the run sees it, too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from modelward.errors import ModelwardError
from modelward.storage import Database
from modelward.training import store
from modelward.training.run import Curve, Standing

if TYPE_CHECKING:
    from modelward.training.progress import Progress
    from modelward.training.run import Run

WRITE_SECONDS = 2.0
MOST_POINTS = 200
_DIGITS = 5
_LONGEST_WORD = 300


def thinned(values: Sequence[float]) -> Curve:
    """At most 200 evenly spaced points of a curve, the last one among them; what is no finite number is left out."""
    stride = max(1, math.ceil(len(values) / MOST_POINTS))
    places = range((len(values) - 1) % stride, len(values), stride)
    found = [(place + 1, float(f"{values[place]:.{_DIGITS}g}")) for place in places if math.isfinite(values[place])]
    return Curve(at=tuple(place for place, _ in found), values=tuple(value for _, value in found))


@dataclass(slots=True)
class _Heard:
    """What was heard last of one candidate. The curves still belong to who trains, and grow."""

    share: float = 0.0
    word: str = ""
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def standing(self) -> Standing:
        # `dict` and `tuple` copy in one go, whatever the thread that trains adds meanwhile.
        curves = {name: thinned(tuple(values)) for name, values in dict(self.curves).items()}
        return Standing(share=self.share, word=self.word[:_LONGEST_WORD], curves=curves)


class Recording:
    """Hears how far the candidates of a run are, passes it on, and writes it down every two seconds in a thread of its own.

    Who trains only leaves word, so the loop waits for no disk. What cannot be written is not: the training matters more. This is
    no change of the run, and stands in no ledger.
    """

    def __init__(self, run: str, database: Database, progress: Progress) -> None:
        self._run = run
        self._database = database
        self._progress = progress
        self._heard: dict[str, _Heard] = {}
        self._changed: set[str] = set()
        self._lock = Lock()
        self._is_over = Event()
        self._writer = Thread(target=self._write_now_and_then, name="standing", daemon=True)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        self._writer.join()
        self._write()

    def started(self, run: Run) -> None:
        """See `Progress.started`."""
        self._progress.started(run)

    def candidate(self, name: str, share: float, word: str) -> None:
        """See `Progress.candidate`."""
        with self._lock:
            heard = self._heard.setdefault(name, _Heard())
            heard.share, heard.word = share, word
            self._changed.add(name)
        self._progress.candidate(name, share, word)

    def curves(self, name: str, curves: Mapping[str, Sequence[float]]) -> None:
        """The curves of a candidate so far, one value for each epoch or round; they may grow afterwards."""
        with self._lock:
            self._heard.setdefault(name, _Heard()).curves = curves
            self._changed.add(name)

    def standing(self, name: str, before: Standing) -> Standing:
        """What will be written of a candidate at last; `before`, where nothing was heard of it."""
        with self._lock:
            heard = self._heard.get(name)
        return heard.standing() if heard else before

    def _write_now_and_then(self) -> None:
        while not self._is_over.wait(WRITE_SECONDS):
            self._write()

    def _write(self) -> None:
        with self._lock:
            changed = {name: replace(self._heard[name]) for name in self._changed}
            self._changed.clear()
        if not changed:
            return
        # A full disk or a held database is told by what needs them.
        with suppress(ModelwardError), self._database.change() as connection:
            store.set_standings(connection, self._run, {name: heard.standing() for name, heard in changed.items()})
