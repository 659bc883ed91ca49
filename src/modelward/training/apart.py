# SPDX-License-Identifier: Apache-2.0
"""The bench of a run in a process of its own: this end holds the keys, reads the columns and keeps the checkpoints; the other end
learns, and holds nothing but what it is sent. `workbench` is the other end.
"""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Condition, Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from modelward.compute import Frame, JobCancelledError, Workshop, WorkshopLostError, told_broken
from modelward.datasets import Table
from modelward.training.bench import MakingFailedError, Order, Prepared, Task
from modelward.training.checkpoints import KeptCheckpoints
from modelward.training.making import Product, Watched
from modelward.training.recipes import RECIPES
from modelward.training.spec import spec_json
from modelward.training.told import Files, curves_told, failure_told, prepared_told, product_told, refusal_told, words

if TYPE_CHECKING:
    import polars as pl

_PLACE = "modelward.training.workbench:serve"
_STEP_SECONDS = 0.2
STOP_SECONDS = 20.0
"""So long a candidate may take to come to its next report when it is to stop; then its process is ended."""
_PART_BYTES, _PART_ROWS = 16 << 20, 1 << 18
# How much of what one candidate says may wait to be looked at: beyond that it waits itself.
_FRAMES_WAITING, _WAITING_BYTES = 64, 64 << 20
_ASKED_AGAIN_SECONDS = 1.0
_PREPARING = ""


class ApartBench:
    """See `Bench`. A workshop that is lost is lost to every candidate of the run."""

    def __init__(self, *, folder: Path, hidden: Collection[Path], is_required: bool) -> None:
        self._workshop = Workshop(_PLACE, folder=folder, hidden=hidden, is_required=is_required)
        self._channel = _Channel(self._workshop)

    @property
    def isolation(self) -> str:
        """See `Bench.isolation`."""
        return self._workshop.isolation

    @property
    def number(self) -> int:
        """The number of the process."""
        return self._workshop.number

    def prepare(self, order: Order, table: Table) -> Prepared:
        """See `Bench.prepare`."""
        said = msgspec.to_builtins(
            {
                "kind": "prepare",
                "dataset": order.dataset,
                "warnings": order.warnings,
                "candidates": {where: _asked(each) for where, each in order.candidates.items()},
                "recipes": {each.recipe: RECIPES.place(each.recipe) for each in order.spec.candidates},
                "columns": table.columns,
                "height": table.height,
            }
        )
        try:
            return self._prepared(said, spec_json(order.spec), table)
        finally:
            self._channel.shut(_PREPARING)

    def _prepared(self, said: dict[str, Any], spec: bytes, table: Table) -> Prepared:
        self._channel.send(said, spec)
        while True:
            head = self._channel.next(_PREPARING).head
            match head["kind"]:
                case "column":
                    self._hand_over(table, str(head["name"]))
                case "prepared":
                    return prepared_told(head)
                case "full":
                    raise MemoryError
                case "refused":
                    raise refusal_told(head)
                case _:
                    raise WorkshopLostError(f"The rows could not be prepared: {told_broken(head)}. Please report it with the spec.")

    def make(self, task: Task, *, report: Watched, checkpoints: KeptCheckpoints) -> Product:
        """See `Bench.make`."""
        name = task.candidate.name
        self._channel.open(name)
        try:
            self._channel.send({"kind": "make", "job": name, "task": _told_of(task), "seconds": checkpoints.seconds})
            return _Conversation(self._channel, name, report, checkpoints).hold()
        finally:
            self._channel.shut(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._workshop.close()

    def _hand_over(self, table: Table, name: str) -> None:
        """Send a column, if it is one of those that were granted, some rows at a time."""
        if name not in table.columns:
            self._channel.send({"kind": "column", "parts": -1})
            return
        parts = [*_parts(table.get_column(name))]
        self._channel.send({"kind": "column", "parts": len(parts)})
        for part in parts:
            sink = io.BytesIO()
            part.to_frame().write_ipc(sink)
            self._channel.send({"kind": "part"}, sink.getbuffer())


class _Channel:
    """What is sent to a workshop, and what is heard of it, sorted by the jobs that are meant."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._told = {_PREPARING: _Inbox()}
        self._lock = Lock()
        self._is_lost = self._is_killed = False
        Thread(target=self._listen, name="bench", daemon=True).start()

    def open(self, job: str) -> None:
        """Listen to what concerns `job` from here on."""
        with self._lock:
            self._told[job] = _Inbox(is_ended=self._is_lost)

    def shut(self, job: str) -> None:
        """Nobody listens to what concerns `job` any more."""
        with self._lock:
            self._told.pop(job, None)

    def kill(self) -> None:
        """See `Workshop.kill`."""
        self._is_killed = True
        self._workshop.kill()

    def send(self, head: dict[str, Any], body: bytes | memoryview = b"") -> None:
        try:
            self._workshop.wire.send(head, body)
        except OSError as gone:
            # Half of a frame may have gone, if the other end stopped listening: nothing that is said after it would be understood.
            self.kill()
            raise self._workshop.lost() from gone

    def _listen(self) -> None:
        """Put what is said into the hands of the thread it is meant for, until nothing more comes."""
        try:
            while (frame := self._workshop.wire.receive()) is not None:
                with self._lock:
                    told = self._told.get(str(frame.head.get("job", _PREPARING)))
                if told is not None:
                    self._put(told, frame)
        finally:
            # Whatever ended it, nobody waits for what cannot come.
            with self._lock:
                self._is_lost = True
                for told in self._told.values():
                    told.end()

    def _put(self, told: _Inbox, frame: Frame) -> None:
        """Wait until there is room, or nobody listens any more; nobody does once the process was ended."""
        while not self._is_killed:
            with self._lock:
                is_open = told in self._told.values()
            if not is_open:
                return
            if told.put(frame):
                return

    def next(self, job: str) -> Frame:
        # In short steps, for a library may handle Ctrl-C so that it does not end a wait (polars does).
        while (frame := self.heard(job)) is None:
            continue
        return frame

    def heard(self, job: str) -> Frame | None:
        """What was said next to a job; None where nothing was for a moment."""
        try:
            return self._told[job].get()
        except EOFError:
            raise self._workshop.lost() from None


class _Inbox:
    """What was said of one job and not looked at yet: so many frames, and so many bytes, or one frame that is larger."""

    def __init__(self, *, is_ended: bool = False) -> None:
        self._is_ended = is_ended
        self._frames = deque[Frame]()
        self._bytes = 0
        self._changed = Condition()

    def put(self, frame: Frame) -> bool:
        """Take `frame`, once there is room for it; False where there is none for a moment."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(frame.size), _STEP_SECONDS):
                return False
            self._frames.append(frame)
            self._bytes += frame.size
            self._changed.notify_all()
            return True

    def get(self) -> Frame | None:
        """The next frame; None where nothing comes for a moment.

        Raises:
            EOFError: nothing comes any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_ended, _STEP_SECONDS)
            if not self._frames:
                if self._is_ended:
                    raise EOFError
                return None
            frame = self._frames.popleft()
            self._bytes -= frame.size
            self._changed.notify_all()
            return frame

    def end(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._is_ended = True
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._frames or (len(self._frames) < _FRAMES_WAITING and self._bytes + size <= _WAITING_BYTES)


class _Conversation:
    """What is said with the other end while one candidate is made."""

    def __init__(self, channel: _Channel, name: str, report: Watched, checkpoints: KeptCheckpoints) -> None:
        self._channel = channel
        self._name = name
        self._report = report
        self._kept = {False: checkpoints, True: checkpoints.of_retry()}
        self._files = Files()
        self._last = (0.0, "")
        self._reported_at = time.monotonic()
        self._stopped: Exception | None = None
        self._deadline = float("inf")

    def hold(self) -> Product:
        """Listen until the candidate is made, or is not."""
        while True:
            frame = self._heard()
            if self._report.report.is_cancelled and self._stopped is None:
                self._stop(JobCancelledError(f"The job {self._name!r} was stopped before it had a result."))
            if time.monotonic() > self._deadline:
                self._channel.kill()
            self._ask_again()
            if frame is None:
                continue
            match frame.head["kind"]:
                case "made" if self._stopped is None:
                    return product_told(frame, self._files)
                case "made" | "failed" if self._stopped is not None:
                    raise self._stopped
                case "failed":
                    raise MakingFailedError(failure_told(frame.head["failure"]))
                case _:
                    self._hear(frame)

    def _heard(self) -> Frame | None:
        try:
            return self._channel.heard(self._name)
        except WorkshopLostError:
            # Whoever would not stop was ended, and why it was to stop is what matters.
            if self._stopped is not None:
                raise self._stopped from None
            raise

    def _ask_again(self) -> None:
        """Whoever does not say how far it is, whatever else it says, is held to a grant that was taken back all the same."""
        if time.monotonic() - self._reported_at >= _ASKED_AGAIN_SECONDS:
            self._pass_on(*self._last)

    def _hear(self, frame: Frame) -> None:
        head, body = frame.head, frame.body
        match head["kind"]:
            case "report":
                self._pass_on(float(head["share"]), words(head["word"]))
            case "curves":
                self._unless_stopped(self._report.curves, curves_told(head["curves"]))
            case "file":
                self._files.keep(str(head["name"]), body)
            case "load":
                found = self._kept[bool(head["retry"])].load()
                self._answer({"found": found is not None}, found or b"")
            case "save":
                kept = self._kept[bool(head["retry"])]
                kept.save(lambda: body)
                self._answer({"trouble": kept.trouble})
            case "unsaved":
                kept = self._kept[bool(head["retry"])]
                kept.unsaved(words(head["why"]))
                self._answer({"trouble": kept.trouble})
            case "refuse":
                self._kept[bool(head["retry"])].refuse(words(head["why"]))
                self._answer({})
            case "notes":
                self._answer({"notes": self._kept[bool(head["retry"])].notes})
            case _:
                raise WorkshopLostError(
                    "The process that trained says what nobody here understands. Please report it with the spec."
                )

    def _pass_on(self, share: float, word: str) -> None:
        self._last, self._reported_at = (share, word), time.monotonic()
        self._unless_stopped(self._report, share, word)

    def _unless_stopped(self, listener: Callable[..., None], *said: Any) -> None:
        if self._stopped is not None:
            return
        try:
            listener(*said)
        except Exception as stop:  # noqa: BLE001  # whatever the listener raises ends the work, and is raised once it has
            self._stop(stop)

    def _answer(self, head: dict[str, Any], body: bytes = b"") -> None:
        self._channel.send({"kind": "answer", "job": self._name, **head}, body)

    def _stop(self, why: Exception) -> None:
        """Tell the other end to end at its next report, and wait for that, but not for ever."""
        self._stopped, self._deadline = why, time.monotonic() + STOP_SECONDS
        with suppress(WorkshopLostError):
            self._channel.send({"kind": "stop", "job": self._name})


def _parts(values: pl.Series) -> Iterator[pl.Series]:
    """A column in parts of a good size, one at least."""
    rows = max(1, len(values))
    step = max(1, min(_PART_ROWS, rows * _PART_BYTES // max(1, int(values.estimated_size()))))
    for start in range(0, rows, step):
        yield values[start : start + step]


def _told_of(task: Task) -> dict[str, Any]:
    candidate = task.candidate
    told = {"name": candidate.name, "recipe": candidate.recipe, "parameters": candidate.parameters}
    rest = {field: value for field, value in asdict(task).items() if field != "candidate"}
    return {"candidate": told, **dict(msgspec.to_builtins(rest))}


def _asked(candidate: Any) -> dict[str, Any]:
    """A candidate of a spec or of a run, by its recipe and its parameters."""
    return {"recipe": candidate.recipe, "parameters": candidate.parameters}
