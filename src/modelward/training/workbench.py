# SPDX-License-Identifier: Apache-2.0
"""The end of a bench that learns, in a process of its own. It is handed columns, gives back what it made of them, and has no other
way in or out; `apart` is the end that keeps.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, cast

import msgspec
from threadpoolctl import threadpool_limits

from modelward.compute import Frame, JobCancelledError, Wire
from modelward.datasets import Dataset, ProfileWarning
from modelward.errors import ModelwardError, place_of
from modelward.training.bench import MakingFailedError, Order, OwnBench, Task
from modelward.training.checkpoints import why_unsaved
from modelward.training.making import Watched
from modelward.training.memory import is_out_of_memory
from modelward.training.recipes import RECIPES
from modelward.training.spec import CandidateSpec, parse_spec

if TYPE_CHECKING:
    import polars as pl

_SAME_WORD_SECONDS = 0.1
_CURVES_SECONDS = 0.5


def serve(wire: Wire) -> None:
    """Prepare and make what is asked for, until the other end is gone."""
    bench, lines = OwnBench(), dict[str, _Line]()
    handed: SimpleQueue[Frame] = SimpleQueue()
    while (frame := wire.receive()) is not None:
        head = frame.head
        match head["kind"]:
            case "prepare":
                _begin(_prepare, bench, wire, frame, handed)
            case "column" | "part":
                handed.put(frame)
            case "make":
                line = lines[head["job"]] = _Line(wire, head["job"])
                _begin(_make, bench, wire, frame, line)
            case "answer":
                lines[head["job"]].answers.put(frame)
            case "stop":
                lines[head["job"]].is_cancelled = True


def _begin(work: Callable[..., None], *given: Any) -> None:
    Thread(target=work, args=given, daemon=True).start()


def _prepare(bench: OwnBench, wire: Wire, frame: Frame, handed: SimpleQueue[Frame]) -> None:
    try:
        head = frame.head
        # As they are known to who started this, so that both mean the same by a name.
        cast(dict[str, str], RECIPES.places).update(head["recipes"])
        order = Order(
            spec=parse_spec(frame.body),
            dataset=msgspec.convert(head["dataset"], Dataset),
            warnings=msgspec.convert(head["warnings"], tuple[ProfileWarning, ...]),
            candidates=msgspec.convert(head["candidates"], dict[str, CandidateSpec]),
        )
        prepared = bench.prepare(order, _HandedTable(wire, handed, columns=head["columns"], height=head["height"]))
        findings = msgspec.to_builtins(prepared.findings)
        wire.send({"kind": "prepared", "findings": findings, "split_digest": prepared.split_digest})
    except Exception as fault:  # noqa: BLE001  # whatever it is, the other end waits for it
        wire.send(_told_of(fault))


def _told_of(fault: Exception) -> dict[str, Any]:
    if isinstance(fault, ModelwardError):
        kinds = [each.__name__ for each in type(fault).__mro__ if each.__module__ == "modelward.errors"]
        return {"kind": "refused", "class": type(fault).__qualname__, "of_kind": kinds[0], "message": str(fault)}
    if is_out_of_memory(fault):
        return {"kind": "full"}
    return {"kind": "broken", "fault": type(fault).__name__, "at": place_of(fault)}


def _make(bench: OwnBench, wire: Wire, frame: Frame, line: _Line) -> None:
    threadpool_limits(limits=1)
    checkpoints = _HandedCheckpoints(line, seconds=float(frame.head["seconds"]))
    try:
        task = msgspec.convert(frame.head["task"], Task)
        product = bench.make(task, report=Watched(line, line.curves), checkpoints=checkpoints)
        for name, content in product.files.items():
            wire.send({"kind": "file", "job": line.name, "name": name}, content)
        told = {field: getattr(product, field) for field in ("interface", "facts", "seconds", "parameters", "findings")}
        wire.send({"kind": "made", "job": line.name, **dict(msgspec.to_builtins(told))})
    except MakingFailedError as failed:
        wire.send({"kind": "failed", "job": line.name, "failure": msgspec.to_builtins(failed.failure)})
    except JobCancelledError as stopped:
        failure = {"status": "failed", "message": str(stopped), "kind": type(stopped).__name__, "may_go_well": True}
        wire.send({"kind": "failed", "job": line.name, "failure": failure})


class _Line:
    """What is said of one candidate while it is made: its report, and its questions."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.name = name
        self.answers: SimpleQueue[Frame] = SimpleQueue()
        self.is_cancelled = False
        self._wire = wire
        self._asking = Lock()
        self._word = ""
        self._said = self._drawn = -math.inf

    def __call__(self, share: float, word: str = "") -> None:
        """See `Report`."""
        if self.is_cancelled:
            raise JobCancelledError(f"The job {self.name!r} was stopped before it had a result.")
        now = time.monotonic()
        if word != self._word or now - self._said >= _SAME_WORD_SECONDS:
            self._word, self._said = word, now
            self._wire.send({"kind": "report", "job": self.name, "share": share, "word": word})

    def curves(self, so_far: Mapping[str, Sequence[float]]) -> None:
        """Send the curves, now and then; the last ones, which are tuples, in any case."""
        now, is_last = time.monotonic(), all(isinstance(values, tuple) for values in so_far.values())
        if so_far and (is_last or now - self._drawn >= _CURVES_SECONDS):
            self._drawn = now
            told = {name: list(map(float, values)) for name, values in dict(so_far).items()}
            self._wire.send({"kind": "curves", "job": self.name, "curves": told})

    def ask(self, head: dict[str, Any], body: bytes = b"") -> Frame:
        """Ask the other end, and wait for the answer."""
        with self._asking:
            self._wire.send({**head, "job": self.name}, body)
            return self.answers.get()


@dataclass(slots=True)
class _HandedCheckpoints:
    """Checkpoints that the other end seals and keeps."""

    line: _Line
    seconds: float
    is_retry: bool = False
    trouble: str = ""
    _last: float = field(default_factory=time.monotonic)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `KeptCheckpoints.notes`."""
        return tuple(self._ask("notes").head["notes"])

    def is_due(self) -> bool:
        """See `Checkpoints.is_due`."""
        return time.monotonic() - self._last >= self.seconds

    def save(self, make: Callable[[], bytes]) -> None:
        """See `Checkpoints.save`."""
        try:
            made = make()
        except (OSError, MemoryError, RuntimeError) as fault:
            if not (why := why_unsaved(fault)):
                raise
            self.unsaved(why)
        else:
            self.trouble = str(self._ask("save", made).head["trouble"])
        self._last = time.monotonic()

    def unsaved(self, why: str) -> None:
        """See `KeptCheckpoints.unsaved`."""
        self.trouble = str(self._ask("unsaved", why=why).head["trouble"])

    def load(self) -> bytes | None:
        """See `Checkpoints.load`."""
        answer = self._ask("load")
        return answer.body if answer.head["found"] else None

    def refuse(self, why: str) -> None:
        """See `Checkpoints.refuse`."""
        self._ask("refuse", why=why)

    def of_retry(self) -> _HandedCheckpoints:
        """See `KeptCheckpoints.of_retry`."""
        return _HandedCheckpoints(self.line, self.seconds, is_retry=True)

    def _ask(self, kind: str, body: bytes = b"", **said: str) -> Frame:
        return self.line.ask({"kind": kind, "retry": self.is_retry, **said}, body)


class _HandedTable:
    """A table whose columns are asked for one by one."""

    def __init__(self, wire: Wire, handed: SimpleQueue[Frame], *, columns: Sequence[str], height: int) -> None:
        self._wire = wire
        self._handed = handed
        self.columns = list(columns)
        self.height = height

    def get_column(self, name: str, /) -> pl.Series:
        """See `Table.get_column`."""
        import polars as pl

        self._wire.send({"kind": "column", "name": name})
        parts = int(self._handed.get().head["parts"])
        if parts < 0:
            raise KeyError(name)
        # In one piece, for sums over several round otherwise.
        found = [pl.read_ipc(io.BytesIO(self._handed.get().body)).to_series() for _ in range(parts)]
        return pl.concat(found, rechunk=True)
