# SPDX-License-Identifier: Apache-2.0
"""The batcher: one for each version that answers. Questions that wait at the same time are computed in one call.

What arrived in the same passes of the event loop is begun together, as soon as it can be. Calls that are cheap by measurement are
made right there, for a change of thread would cost more; dear ones go to a slot, and what comes while all slots are busy gathers.
Nobody waits for a clock, but for a bounded moment for callers of a dear engine who were always back by then.

The law: each question gets exactly the answer to its own rows, the one it would get alone. A call that fails is halved until
whoever is to blame is alone with the fault.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from modelward.serving.answer import OverloadedError, TooSlowError
from modelward.serving.computed import CallAnswers
from modelward.serving.cost import CallCost
from modelward.serving.line import Line
from modelward.serving.pending import Pending
from modelward.serving.regulars import Regulars

if TYPE_CHECKING:
    from modelward.serving.deployments import Deployment
    from modelward.settings import Settings

INLINE_SECONDS = 0.001
_DOUBT_SECONDS = 1.0


class Outcome(NamedTuple):
    """What an engine said to questions that it was asked together: the answers to all their rows, in order, or the fault."""

    batch: Sequence[Pending]
    answers: CallAnswers | Exception


class Slots:
    """The threads in which dear calls are made, shared by all batchers; who finds none free is called when one is."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="engine")
        self._asked: deque[Callable[[], None]] = deque()

    def take(self, call_back: Callable[[], None]) -> bool:
        """Whether a slot is yours; otherwise you are called once one is free."""
        if self._free:
            self._free -= 1
            return True
        if call_back not in self._asked:
            self._asked.append(call_back)
        return False

    def give_back(self) -> None:
        """A slot is free again. Who asked for one comes before whoever had it; one that is not needed any more goes on."""
        self._free += 1
        while self._free and self._asked:
            self._asked.popleft()()

    def run(self, work: Callable[[], Call], done: Callable[[asyncio.Future[Call]], None]) -> None:
        """Do `work` in a thread, and tell the event loop."""
        asyncio.get_running_loop().run_in_executor(self._pool, work).add_done_callback(done)

    def close(self) -> None:
        """End the threads once their calls are done."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Call(NamedTuple):
    """What came of one call of an engine."""

    outcomes: list[Outcome]
    rows: int
    began: float
    seconds: float
    work_seconds: float


class Batcher:
    """Brings questions to one deployment's engine. It lives in the event loop's thread."""

    def __init__(self, deployment: Deployment, slots: Slots, *, finish: Callable[[Call], None], settings: Settings) -> None:
        cost = deployment.engine.cost
        self.deployment = deployment
        # What a call takes by the clock says when an answer will come. What it takes of a processor says whether it is cheap: on a
        # busy machine the clock would send cheap calls to threads, where they take longer still.
        self.cost = CallCost(call_seconds=cost.call_seconds, row_seconds=cost.row_seconds)
        self._work = CallCost(call_seconds=cost.call_seconds, row_seconds=cost.row_seconds)
        self._loop = asyncio.get_running_loop()
        self._slots = slots
        self._finish = finish
        self._batch_rows = settings.batch_rows
        self._delay_seconds = settings.batch_delay_seconds
        self._line: Line[Pending] = Line()
        self._held: deque[list[Pending]] = deque()
        self._under_way = 0
        self._learned = time.perf_counter()
        self._regulars = Regulars()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, *arrived: Pending) -> None:
        """Let questions stand in line; they are answered some time after `begin`. Whose answer would come after its deadline, by
        all that is known, is told so at once.
        """
        ahead = self._rows_ahead()
        admitted = []
        for pending in arrived:
            needed = self._needed(pending, ahead)
            if pending.priority and pending.began + needed > pending.deadline:
                needed = self._needed(pending, ahead - self._line.overtaken(pending))
            if pending.began + needed > pending.deadline and (ahead or not self._is_in_doubt()):
                self._finish(Call([Outcome([pending], _too_busy(pending, needed))], 0, pending.began, 0.0, 0.0))
                continue
            ahead += pending.rows
            admitted.append(pending)
        self._line.add(*admitted)
        self._regulars.came(len(admitted), now=time.perf_counter())

    def _needed(self, pending: Pending, ahead: int) -> float:
        """How many seconds it takes to answer a question with so many rows ahead of it."""
        return (1 + ahead // self._batch_rows) * self.cost.call_seconds + (ahead + pending.rows) * self.cost.row_seconds

    def forget(self, pending: Pending) -> None:
        """Nobody waits for a question any more: it keeps nobody else from being admitted."""
        self._line.remove(pending)

    def _rows_ahead(self) -> int:
        held = sum([pending.rows for batch in self._held for pending in batch]) if self._held else 0
        return self._line.rows + held + self._under_way

    def _is_in_doubt(self) -> bool:
        """Whether nothing was learned for a while of what calls take. Then one is made for whoever is alone: without calls nothing
        ever would be learned, and who was turned away because the machine once stood still would be for ever.
        """
        return time.perf_counter() - self._learned > _DOUBT_SECONDS

    def begin(self) -> None:
        """Make calls, as far as they can be made now, and are worth it."""
        is_waiting = not self._held and 0 < self._line.rows < self._batch_rows and self._work.seconds(1) > INLINE_SECONDS
        moment = self._regulars.seconds(time.perf_counter()) if is_waiting else 0.0
        if not moment:
            self._call_now()
        elif self._timer is None:
            self._timer = self._loop.call_later(moment, self._call_now)

    def _call_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._begin_held()
        if self._work.seconds(1) > INLINE_SECONDS:
            self._begin_dear()
            return
        batch = self._next(min(self._batch_rows, self._work.rows_within(INLINE_SECONDS)))
        rows = sum([pending.rows for pending in batch])
        if self._work.seconds(rows) <= INLINE_SECONDS or not batch:
            self._end(self._call(batch))
        else:
            # One question too large to be answered on the way.
            self._held.append(batch)
            self._begin_held()
        if self._line.rows:
            # The loop looks at its sockets before the next call.
            self._loop.call_soon(self._call_now)

    def _begin_held(self) -> None:
        while self._held and self._slots.take(self.begin):
            self._start(self._held.popleft())

    def _begin_dear(self) -> None:
        while self._line.rows and self._slots.take(self.begin):
            self._start(self._next(self._batch_rows))

    def _next(self, limit_rows: int) -> list[Pending]:
        """Whose turn it is, of those who still wait."""
        now = time.perf_counter()
        batch = [pending for pending in self._line.take(limit_rows) if pending.is_wanted]
        late = [pending for pending in batch if pending.deadline < now]
        if late:
            fault = TooSlowError("The time that the caller allows was over before the question's turn came. Ask again later.")
            self._finish(Call([Outcome(late, fault)], 0, now, 0.0, 0.0))
            batch = [pending for pending in batch if pending.deadline >= now]
        return batch

    def _start(self, batch: list[Pending]) -> None:
        """Make a call in the slot that was taken, if anybody waits for it still."""
        batch = [pending for pending in batch if pending.is_wanted]
        if not batch:
            self._slots.give_back()
            return
        rows = sum([pending.rows for pending in batch])
        self._under_way += rows

        def done(call: asyncio.Future[Call]) -> None:
            self._under_way -= rows
            # Waiting longer pays only where it saves a call, so no longer than a call takes.
            within = min(self._delay_seconds, self.cost.call_seconds)
            self._regulars.answered(len(batch), now=time.perf_counter(), within=within)
            # The next call begins first: the engine works while this one's answers go out.
            self._slots.give_back()
            if self._line.rows or self._held:
                self.begin()
            if not call.cancelled():
                self._end(call.result())

        self._slots.run(lambda: self._call(batch), done)

    def _end(self, call: Call) -> None:
        if call.outcomes:
            # What failed, whole or in part, took another time.
            if len(call.outcomes) == 1 and isinstance(call.outcomes[0].answers, CallAnswers):
                self.cost.learn(call.rows, call.seconds)
                self._work.learn(call.rows, call.work_seconds)
            self._learned = call.began + call.seconds
            self._finish(call)

    def _call(self, batch: Sequence[Pending]) -> Call:
        """Ask the engine, in whatever thread. Who is to blame for a fault is found by halving, and the others are answered."""
        began, worked = time.perf_counter(), time.thread_time()
        outcomes = self._outcomes(batch) if batch else []
        rows = sum([pending.rows for pending in batch])
        return Call(outcomes, rows, began, time.perf_counter() - began, time.thread_time() - worked)

    def _outcomes(self, batch: Sequence[Pending]) -> list[Outcome]:
        said = self._asked(batch)
        if isinstance(said, CallAnswers) or len(batch) == 1:
            return [Outcome(batch, said)]
        half = len(batch) // 2
        return self._outcomes(batch[:half]) + self._outcomes(batch[half:])

    def _asked(self, batch: Sequence[Pending]) -> CallAnswers | Exception:
        interface = self.deployment.interface
        try:
            encoded = interface.encode([pending.table for pending in batch])
            probabilities = self.deployment.engine.answers(encoded.columns)
            asked = len(encoded.unfamiliar), len(interface.classes)
            if probabilities.shape != asked:
                # Whose answers they are cannot be known.
                raise ValueError(f"The engine gave answers of shape {probabilities.shape}, not {asked}.")
            return CallAnswers(interface, probabilities, encoded.unfamiliar)
        except Exception as fault:  # noqa: BLE001  # whoever asked is told
            return fault


def _too_busy(pending: Pending, needed: float) -> OverloadedError:
    left = max(0.0, pending.deadline - time.perf_counter())
    return OverloadedError(
        f"The answer would take about {needed:.3g} s, and the caller waits {left:.3g} s more. Ask again later, ask for fewer rows, "
        "or allow more time (x-request-timeout-ms, or the deadline of a call over gRPC).",
        retry_after_seconds=needed,
    )
