# SPDX-License-Identifier: Apache-2.0
"""A question on its way: who waits, until when, and what is known so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from modelward.access import Actor
from modelward.serving.answer import Reply
from modelward.serving.question import Asking, Question

if TYPE_CHECKING:
    import asyncio

    from modelward.serving.deployments import Deployment

Settle = Callable[[Reply | Exception], None]


class Pending:
    """One question, from its coming until it is settled. It belongs to the event loop's thread."""

    __slots__ = (
        "actor",
        "asking",
        "began",
        "caller",
        "deadline",
        "deployment",
        "group",
        "is_recordable",
        "priority",
        "question",
        "request",
        "rows",
        "settle",
        "timer",
    )

    def __init__(self, question: Question, actor: Actor, *, request: str, seconds: float, settle: Settle) -> None:
        self.question = question
        self.actor = actor
        self.caller = actor.credential or actor.id
        self.request = request
        self.priority = question.priority
        self.began = time.perf_counter()
        self.deadline = self.began + seconds
        self.settle: Settle | None = settle
        self.is_recordable = True
        self.timer: asyncio.TimerHandle | None = None
        self.deployment: Deployment
        self.asking: Asking
        self.rows = 0
        self.group: Hashable = None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits: nobody does once it is settled, or its caller left."""
        return self.settle is not None

    def reads_as(self, asking: Asking, deployment: Deployment) -> None:
        """The question was read: these are its rows, for that deployment."""
        self.asking = asking
        self.deployment = deployment
        self.rows = len(asking.table)
        self.group = asking.group

    def drop(self) -> None:
        """Nobody waits any more: what was not begun is not done, and what was not recorded is not on record."""
        self.is_recordable = False
        self.end()

    def end(self) -> None:
        """It is settled."""
        self.settle = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
