# SPDX-License-Identifier: Apache-2.0
"""The bench of a run in a process of its own: this end holds the keys, reads the columns and keeps the checkpoints; the other end
learns, and holds nothing but what it is sent. `workbench` is the other end.
"""

from __future__ import annotations

import builtins
import io
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from modelward.compute import Frame, JobCancelledError, Workshop, WorkshopLostError, told_broken
from modelward.datasets import Table
from modelward.errors import ModelwardError, TooLargeError, kind_named
from modelward.registry import Interface
from modelward.training.bench import MakingFailedError, Order, Prepared, Task
from modelward.training.checkpoints import KeptCheckpoints
from modelward.training.failing import Failure
from modelward.training.finding import Finding
from modelward.training.making import Product, Watched
from modelward.training.recipes import RECIPES
from modelward.training.spec import spec_json

if TYPE_CHECKING:
    import polars as pl

_PLACE = "modelward.training.workbench:serve"
_STEP_SECONDS = 0.2
STOP_SECONDS = 20.0
"""So long a candidate may take to come to its next report when it is to stop; then its process is ended."""
_PART_BYTES, _PART_ROWS = 16 << 20, 1 << 18
# What one candidate may hand over, and how much of it may wait to be looked at: beyond that it has failed, or waits itself.
FILES_LIMIT, FILES_LIMIT_BYTES, FACTS_LIMIT_BYTES = 1000, 4 << 30, 1 << 20
_FRAMES_WAITING, _MESSAGE_LIMIT_CHARACTERS = 64, 2000
_SILENT_SECONDS = 1.0
_PREPARING = ""


class TooMuchMadeError(TooLargeError):
    """A candidate hands over more than any model needs."""


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
            head, _ = self._channel.next(_PREPARING)
            match head["kind"]:
                case "column":
                    self._hand_over(table, str(head["name"]))
                case "prepared":
                    return Prepared(findings=_findings(head["findings"]), split_digest=str(head["split_digest"]))
                case "full":
                    raise MemoryError
                case "refused":
                    raise _refusal(head)
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
        self._told: dict[str, Queue[Frame | None]] = {_PREPARING: Queue(_FRAMES_WAITING)}
        self._lock = Lock()
        self._is_lost = self._is_killed = False
        Thread(target=self._listen, name="bench", daemon=True).start()

    def open(self, job: str) -> None:
        """Listen to what concerns `job` from here on."""
        with self._lock:
            self._told[job] = Queue(_FRAMES_WAITING)

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
                    with suppress(Full):
                        told.put_nowait(None)

    def _put(self, told: Queue[Frame | None], frame: Frame) -> None:
        """Wait until there is room, or nobody listens any more; nobody does once the process was ended."""
        while not self._is_killed:
            with self._lock:
                is_open = told in self._told.values()
            if not is_open:
                return
            with suppress(Full):
                told.put(frame, timeout=_STEP_SECONDS)
                return

    def next(self, job: str) -> Frame:
        # In short steps, for a library may handle Ctrl-C so that it does not end a wait (polars does).
        while (frame := self.heard(job)) is None:
            continue
        return frame

    def heard(self, job: str) -> Frame | None:
        """What was said next to a job; None where nothing was for a moment."""
        try:
            # One that begins after the end was told finds nothing in its queue.
            frame = self._told[job].get(timeout=_STEP_SECONDS)
        except Empty:
            if self._is_lost:
                raise self._workshop.lost() from None
            return None
        if frame is None:
            raise self._workshop.lost()
        return frame


class _Conversation:
    """What is said with the other end while one candidate is made."""

    def __init__(self, channel: _Channel, name: str, report: Watched, checkpoints: KeptCheckpoints) -> None:
        self._channel = channel
        self._name = name
        self._report = report
        self._kept = {False: checkpoints, True: checkpoints.of_retry()}
        self._files: dict[str, bytes] = {}
        self._bytes = 0
        self._last: dict[str, Any] = {"kind": "report", "share": 0.0, "word": ""}
        self._heard_at = time.monotonic()
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
            if frame is None:
                self._ask_again()
                continue
            self._heard_at = time.monotonic()
            match frame.head["kind"]:
                case "made" if self._stopped is None:
                    return self._product(frame)
                case "made" | "failed" if self._stopped is not None:
                    raise self._stopped
                case "failed":
                    raise MakingFailedError(_failure(frame.head["failure"]))
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
        """Who says nothing for a while is held to a grant that was taken back all the same: what it said last is said again."""
        now = time.monotonic()
        if self._stopped is None and now - self._heard_at >= _SILENT_SECONDS:
            self._heard_at = now
            self._hear(Frame(self._last, b""))

    def _hear(self, frame: Frame) -> None:
        head, body = frame
        match head["kind"]:
            case "report" | "curves" if self._stopped is None:
                try:
                    self._pass_on(head)
                except Exception as stop:  # noqa: BLE001  # whatever the listener raises ends the work, and is raised once it has
                    self._stop(stop)
            case "file":
                self._keep(str(head["name"]), body)
            case "load":
                found = self._kept[bool(head["retry"])].load()
                self._answer({"found": found is not None}, found or b"")
            case "save":
                kept = self._kept[bool(head["retry"])]
                kept.save(lambda: body)
                self._answer({"trouble": kept.trouble})
            case "unsaved":
                kept = self._kept[bool(head["retry"])]
                kept.unsaved(str(head["why"]))
                self._answer({"trouble": kept.trouble})
            case "refuse":
                self._kept[bool(head["retry"])].refuse(str(head["why"]))
                self._answer({})
            case "notes":
                self._answer({"notes": self._kept[bool(head["retry"])].notes})

    def _keep(self, name: str, body: bytes) -> None:
        self._bytes += len(body)
        if len(self._files) >= FILES_LIMIT or self._bytes > FILES_LIMIT_BYTES:
            raise TooMuchMadeError(
                f"The candidate hands over more than {FILES_LIMIT} files, or more than {FILES_LIMIT_BYTES >> 30} GiB. Make it "
                "smaller."
            )
        self._files[name] = body

    def _pass_on(self, head: dict[str, Any]) -> None:
        if head["kind"] == "report":
            self._last = head
            self._report(float(head["share"]), str(head["word"])[:_MESSAGE_LIMIT_CHARACTERS])
        else:
            self._report.curves(_curves(head["curves"]))

    def _answer(self, head: dict[str, Any], body: bytes = b"") -> None:
        self._channel.send({"kind": "answer", "job": self._name, **head}, body)

    def _stop(self, why: Exception) -> None:
        """Tell the other end to end at its next report, and wait for that, but not for ever."""
        self._stopped, self._deadline = why, time.monotonic() + STOP_SECONDS
        with suppress(WorkshopLostError):
            self._channel.send({"kind": "stop", "job": self._name})

    def _product(self, frame: Frame) -> Product:
        head = frame.head
        if len(msgspec.json.encode(head["facts"])) > FACTS_LIMIT_BYTES:
            raise TooMuchMadeError(f"The candidate tells more than {FACTS_LIMIT_BYTES >> 10} KiB of itself. Make it tell less.")
        return Product(
            files=self._files,
            interface=msgspec.convert(head["interface"], Interface),
            facts=msgspec.convert(head["facts"], dict[str, Any]),
            seconds=float(head["seconds"]),
            parameters=msgspec.convert(head["parameters"], dict[str, Any]),
            findings=_findings(head["findings"]),
        )


def _parts(values: pl.Series) -> Iterator[pl.Series]:
    """A column in parts of a good size, one at least."""
    rows = max(1, len(values))
    step = max(1, min(_PART_ROWS, rows * _PART_BYTES // max(1, int(values.estimated_size()))))
    for start in range(0, rows, step):
        yield values[start : start + step]


def _failure(told: Any) -> Failure:
    """A failure as the other end tells it, whose words go into rows and whose kind goes into the ledger: one that nobody here knows
    is called an exception.
    """
    said = msgspec.convert(told, Failure)
    known = said.kind in {each.__qualname__ for each in _classes(ModelwardError)} or _is_builtin(said.kind)
    message = "".join(sign if sign.isprintable() else " " for sign in said.message[:_MESSAGE_LIMIT_CHARACTERS])
    return replace(said, kind=said.kind if known else Exception.__name__, message=message)


def _is_builtin(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, Exception)


def _findings(told: Any) -> tuple[Finding, ...]:
    return msgspec.convert(told, tuple[Finding, ...])


def _curves(told: Any) -> dict[str, tuple[float, ...]]:
    """Curves as they were sent; JSON knows no infinity, and nothing for a number stands for what is none."""
    return {str(name): tuple(float("nan") if value is None else value for value in values) for name, values in told.items()}


def _told_of(task: Task) -> dict[str, Any]:
    candidate = task.candidate
    told = {"name": candidate.name, "recipe": candidate.recipe, "parameters": candidate.parameters}
    rest = {field: value for field, value in asdict(task).items() if field != "candidate"}
    return {"candidate": told, **dict(msgspec.to_builtins(rest))}


def _asked(candidate: Any) -> dict[str, Any]:
    """A candidate of a spec or of a run, by its recipe and its parameters."""
    return {"recipe": candidate.recipe, "parameters": candidate.parameters}


def _refusal(head: dict[str, Any]) -> ModelwardError:
    """The error that was raised at the other end: by its own class where this process knows it, else by its kind."""
    found = next((each for each in _classes(ModelwardError) if each.__qualname__ == head["class"]), None)
    kind = found or kind_named(str(head["of_kind"])) or ModelwardError
    return kind(str(head["message"]))


def _classes(kind: type[ModelwardError]) -> Iterator[type[ModelwardError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _classes(each)
