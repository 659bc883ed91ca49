# SPDX-License-Identifier: Apache-2.0
"""The batcher: one for each version that answers. Questions that wait at the same time are computed in one call.

What arrived in the same passes of the event loop is begun together, as soon as it can be. Calls that are cheap by measurement are
made right there, for a change of thread would cost more, and while the ledger is busy what comes gathers, for it would wait for
that in any case; dear ones go to a slot, and while all slots are busy what comes gathers. Nobody waits for a clock, but for a
bounded moment for callers of a dear engine who were always back by then.

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
    from modelward.serving.recording import Recording
    from modelward.settings import Settings

INLINE_SECONDS = 0.001
# What calls one after the other answer goes on record together, for a transaction costs as much as the answers of several.
TOGETHER_SECONDS = 0.002
# Who waits no longer than a transaction may take is in haste.
_HASTE_SECONDS = 0.1
_DOUBT_SECONDS = 1.0
# Who asks for little waits for no call whose rows take longer than this, where they are those of several questions.
_LONG_SECONDS = 0.1
# So many questions of the most rows that memory allows together may wait.
_QUESTIONS_HELD = 4


class Outcome(NamedTuple):
    """What an engine said to questions that it was asked together: the answers to all their rows, in order, or the fault."""

    batch: Sequence[Pending]
    answers: CallAnswers | Exception


class Slots:
    """The threads in which dear calls are made, shared by all batchers; who finds none free is called when one is."""

    def __init__(self, count: int) -> None:
        self.count = count
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

    def __init__(
        self,
        deployment: Deployment,
        slots: Slots,
        *,
        finish: Callable[[Call], None],
        recording: Recording,
        settings: Settings,
    ) -> None:
        cost = deployment.engine.cost
        self.deployment = deployment
        # What a call takes by the clock says when an answer will come. What it takes of a processor says whether it is cheap: on a
        # busy machine the clock would send cheap calls to threads, where they take longer still.
        self.cost = CallCost(call_seconds=cost.call_seconds, row_seconds=cost.row_seconds)
        self._work = CallCost(call_seconds=cost.call_seconds, row_seconds=cost.row_seconds)
        self._loop = asyncio.get_running_loop()
        self._slots = slots
        self._finish = finish
        self._recording = recording
        self._batch_rows = min(settings.batch_rows, deployment.interface.most_rows)
        self._waiting_rows_limit = min(settings.waiting_rows_limit, _QUESTIONS_HELD * deployment.interface.most_rows)
        self._delay_seconds = settings.batch_delay_seconds
        # What is answered on the way, and what has to go to a slot: neither keeps the other waiting.
        self._quick: Line[Pending] = Line()
        self._dear: Line[Pending] = Line()
        self._under_way = 0
        # Calls whose answers go out with those of the next.
        self._ended: list[Call] = []
        self._learned = time.perf_counter()
        self._regulars = Regulars()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, *arrived: Pending) -> None:
        """Let questions stand in line; they are answered some time after `begin`. Whose answer would come after its deadline, by
        all that is known, is told so at once.
        """
        most = self._work.rows_within(INLINE_SECONDS) if self._work.seconds(1) <= INLINE_SECONDS else 0
        dear = [pending for pending in arrived if pending.rows > most]
        if len(dear) < len(arrived):
            self._admit(self._quick, [pending for pending in arrived if pending.rows <= most])
        if dear:
            admitted = self._admit(self._dear, dear, under_way=self._under_way)
            self._regulars.came(admitted, now=time.perf_counter())

    def _admit(self, line: Line[Pending], arrived: Sequence[Pending], *, under_way: int = 0) -> int:
        """Let those stand in line for whom there is room, and whose answer will come in time; how many they are."""
        rows, ahead = sum([pending.rows for pending in arrived]), line.rows + under_way
        if line.rows + rows > self._waiting_rows_limit and len(arrived) > 1:
            return sum([self._admit(line, [pending], under_way=under_way) for pending in arrived])
        longest = self._needed(line, rows, ahead=ahead + rows)
        admitted = []
        for pending in arrived:
            fault = None
            if line.rows + rows > self._waiting_rows_limit:
                fault = self._too_full(line, pending, ahead=ahead)
            if fault is None and pending.began + longest > pending.deadline:
                fault = self._too_busy(line, pending, ahead=ahead)
            if fault is not None:
                self._finish(Call([Outcome([pending], fault)], 0, pending.began, 0.0, 0.0))
                continue
            ahead += pending.rows
            admitted.append(pending)
        line.add(*admitted)
        return len(admitted)

    def _too_full(self, line: Line[Pending], pending: Pending, *, ahead: int) -> OverloadedError | None:
        """What to tell a caller for whose rows there is no room; nothing where there is."""
        if line.has_room(pending, self._waiting_rows_limit):
            return None
        return OverloadedError(
            f"{line.rows} rows wait for this model, where {self._waiting_rows_limit} may. Ask again later, or ask for fewer rows; "
            "whoever runs the service can allow more (MODELWARD_WAITING_ROWS_LIMIT).",
            retry_after_seconds=self._needed(line, 0, ahead=ahead),
        )

    def _too_busy(self, line: Line[Pending], pending: Pending, *, ahead: int) -> OverloadedError | None:
        """What to tell a caller whose answer would come too late; nothing where it would not."""
        needed = self._needed(line, pending.rows, ahead=ahead)
        if pending.began + needed > pending.deadline and ahead:
            # Not all who wait come before it.
            needed = self._needed(line, pending.rows, ahead=min(ahead, line.rows_before(pending) + ahead - line.rows))
        if pending.began + needed <= pending.deadline or (not ahead and self._is_in_doubt()):
            return None
        left = max(0.0, pending.deadline - time.perf_counter())
        return OverloadedError(
            f"The answer would take about {needed:.3g} s, and the caller waits {left:.3g} s more. Ask again later, ask for fewer "
            "rows, or allow more time (x-request-timeout-ms, or the deadline of a call over gRPC).",
            retry_after_seconds=needed,
        )

    def _needed(self, line: Line[Pending], rows: int, *, ahead: int) -> float:
        """How many seconds it takes to answer a question of so many rows with so many ahead of it, and at least to record it."""
        at_once = self._slots.count if line is self._dear else 1
        calls = ahead // (self._most_dear if line is self._dear else self._batch_rows) / at_once
        computing = (1 + calls) * self.cost.call_seconds + (ahead / at_once + rows) * self.cost.row_seconds
        return computing + self._recording.least_seconds

    def forget(self, pending: Pending) -> None:
        """Nobody waits for a question any more: it keeps nobody else from being admitted."""
        self._quick.remove(pending)
        self._dear.remove(pending)

    def _is_in_doubt(self) -> bool:
        """Whether nothing was learned for a while of what calls take. Then one is made for whoever is alone: without calls nothing
        ever would be learned, and who was turned away because the machine once stood still would be for ever.
        """
        return time.perf_counter() - self._learned > _DOUBT_SECONDS

    def begin(self, *, at_once: bool = False) -> bool:
        """Make calls, as far as they can be made now, and are worth it. Whether questions were left to wait until the ledger has
        written what it is writing, and `begin` is called `at_once`.
        """
        is_waiting = not at_once and self._is_company_free()
        if not is_waiting:
            self._begin_quick()
        self._begin_dear()
        return is_waiting

    def _is_company_free(self) -> bool:
        """Whether cheap questions had better wait for company: while earlier answers are made durable, later ones would wait for
        that anyway, and what each call and each transaction costs is shared by all who come meanwhile. Not where anybody is in
        haste, and not where more wait than a call on the way answers.
        """
        if not 0 < self._quick.rows <= self._most_inline or not self._recording.is_writing:
            return False
        return time.perf_counter() + _HASTE_SECONDS < min([pending.deadline for pending in self._quick])

    @property
    def _most_dear(self) -> int:
        """How many rows one call in a slot answers. Where each row is dear, more of them together save little, and keep waiting
        whoever came just behind; but what every call costs, however few its rows, is never more than half.
        """
        row, call = self._work.row_seconds, self._work.call_seconds
        long = max(_LONG_SECONDS, call)
        return self._batch_rows if row * self._batch_rows <= long else max(1, int(long / row))

    @property
    def _most_inline(self) -> int:
        """How many rows one call on the way answers."""
        return min(self._batch_rows, self._work.rows_within(INLINE_SECONDS))

    def _begin_quick(self) -> None:
        if self._quick.rows and self._work.seconds(1) > INLINE_SECONDS:
            # What was cheap when it came is dear now.
            while self._quick.rows:
                self._dear.add(*self._quick.take(self._quick.rows))
            self._begin_dear()
        if self._quick.rows:
            self._ended.append(self._call(self._next(self._quick, self._most_inline)))
        if self._ended and not (self._quick.rows and time.perf_counter() - self._ended[0].began < TOGETHER_SECONDS):
            ended, self._ended = self._ended, []
            for call in ended:
                self._end(call)
        if self._quick.rows:
            # The loop looks at its sockets before the next call.
            self._loop.call_soon(self._begin_quick)

    def _begin_dear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if 0 < self._dear.rows < self._most_dear and (moment := self._moment()) > 0:
            self._timer = self._loop.call_later(moment, self._fill_slots)
        else:
            self._fill_slots()

    def _moment(self) -> float:
        """How long it is worth to wait for company, and does not make anybody's answer too late."""
        now = time.perf_counter()
        if not (moment := self._regulars.seconds(now)):
            return 0.0
        return min(moment, min(pending.deadline for pending in self._dear) - now - 2 * self.cost.seconds(self._dear.rows))

    def _fill_slots(self) -> None:
        while self._dear.rows and self._slots.take(self._begin_dear):
            self._start(self._next(self._dear, self._most_dear))

    def _next(self, line: Line[Pending], limit_rows: int) -> list[Pending]:
        """Whose turn it is, of those who still wait."""
        now = time.perf_counter()
        batch = [pending for pending in line.take(limit_rows) if pending.is_wanted]
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
            if self._dear.rows:
                self._begin_dear()
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
            array = self.deployment.engine.answers(encoded.columns)
            asked = len(encoded.unfamiliar), *interface.answer_shape
            if array.shape != asked:
                # Whose answers they are cannot be known.
                raise ValueError(f"The engine gave answers of shape {array.shape}, not {asked}.")
            return CallAnswers(interface, array, encoded.unfamiliar, encoded.cut)
        except Exception as fault:  # noqa: BLE001  # whoever asked is told
            return fault
