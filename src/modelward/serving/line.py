# SPDX-License-Identifier: Apache-2.0
"""The line before an engine: fair between callers, by priority among the questions of one.

Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) over rows: in each round every caller who waits may have so many rows
answered, so that who asks much does not keep others waiting, whether in many small questions or in a few large ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from typing import Generic, Protocol, TypeVar

QUANTUM_ROWS = 16


class Waiting(Protocol):
    """What can stand in line."""

    @property
    def caller(self) -> str:
        """Who asks."""
        ...

    @property
    def rows(self) -> int:
        """How many rows it asks about, at least one."""
        ...

    @property
    def priority(self) -> int:
        """The greater goes first, among the questions of one caller."""
        ...

    @property
    def group(self) -> Hashable:
        """What may be computed together has the same."""
        ...


Waiter = TypeVar("Waiter", bound=Waiting)


class Line(Generic[Waiter]):
    """Questions that wait. To stand in line and to be taken costs the same, however many wait."""

    def __init__(self) -> None:
        self.rows = 0
        self._of: dict[str, deque[Waiter]] = {}
        self._turns: deque[str] = deque()
        self._credit: dict[str, int] = {}

    def __iter__(self) -> Iterator[Waiter]:
        for waiting in self._of.values():
            yield from waiting

    def add(self, *questions: Waiter) -> None:
        """Stand in line: behind the caller's own questions of the same priority."""
        of = self._of
        for question in questions:
            self.rows += question.rows
            queue = of.get(question.caller)
            if queue is None:
                of[question.caller] = deque((question,))
                self._turns.append(question.caller)
                self._credit[question.caller] = 0
            elif queue[-1].priority >= question.priority:
                queue.append(question)
            else:
                place = next(at for at, waiting in enumerate(queue) if waiting.priority < question.priority)
                queue.insert(place, question)

    def has_room(self, question: Waiter, limit_rows: int) -> bool:
        """Whether it may stand here, where so many rows may wait: beyond them whoever has less than an equal share of those. A
        question larger than all of it may where nobody waits. It takes as long as the caller's line is.
        """
        if not self.rows or self.rows + question.rows <= limit_rows:
            return True
        own = sum([waiting.rows for waiting in self._of.get(question.caller, ())])
        return own + question.rows <= max(1, limit_rows // len(self._of.keys() | {question.caller}))

    def rows_before(self, question: Waiter) -> int:
        """About how many rows come before it, if it came now: the caller's own that it does not overtake, and of each other
        caller as many as come to their turns meanwhile. It takes as long as the line is, but where one caller alone waits.
        """
        theirs = self._of.get(question.caller)
        if theirs and len(self._of) == 1 and theirs[-1].priority >= question.priority:
            return self.rows
        own = sum([waiting.rows for waiting in self._of.get(question.caller, ()) if waiting.priority >= question.priority])
        # What each of the others may have answered in the rounds that the caller needs.
        share = -(-(own + question.rows) // QUANTUM_ROWS) * QUANTUM_ROWS
        others = [queue for caller, queue in self._of.items() if caller != question.caller]
        return own + sum([min(share, sum([waiting.rows for waiting in queue])) for queue in others])

    def take(self, limit_rows: int) -> list[Waiter]:
        """The questions whose turn it is, all of one group and of at most `limit_rows` rows in all; a larger one comes alone."""
        taken: list[Waiter] = []
        room = limit_rows
        while self._turns:
            caller = self._turns[0]
            queue = self._of[caller]
            # Who is alone takes from nobody.
            is_alone = len(self._turns) == 1
            credit = room if is_alone else self._credit[caller] + QUANTUM_ROWS
            while queue and (is_alone or queue[0].rows <= credit):
                question = queue[0]
                if taken and (question.rows > room or question.group != taken[0].group):
                    # The turn goes on in the next call: without a second quantum, and also where others came meanwhile.
                    self._credit[caller] = (question.rows if is_alone else credit) - QUANTUM_ROWS
                    return taken
                taken.append(queue.popleft())
                self.rows -= question.rows
                credit -= question.rows
                room -= question.rows
            if queue:
                self._credit[caller] = credit
                self._turns.rotate(-1)
            else:
                self._leave(caller)
            if room <= 0:
                break
        return taken

    def remove(self, question: Waiter) -> None:
        """Nobody waits for it any more, if it stands here. It takes as long as the caller's line is."""
        queue = self._of.get(question.caller, deque())
        try:
            queue.remove(question)
        except ValueError:
            return
        self.rows -= question.rows
        if not queue:
            self._turns.remove(question.caller)
            del self._of[question.caller], self._credit[question.caller]

    def _leave(self, caller: str) -> None:
        self._turns.popleft()
        del self._of[caller], self._credit[caller]
