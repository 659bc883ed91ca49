# SPDX-License-Identifier: Apache-2.0
"""Aside: what takes longer than the others of an event loop should wait is done in threads, and then goes on in the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from modelward.errors import ModelwardError
from modelward.serving.allowance import Allowance
from modelward.serving.deployments import Deployment, Deployments
from modelward.serving.lane import Lane
from modelward.serving.pending import Pending

# Reading more than this takes longer than others should have to wait for it.
LARGE_BYTES = 256 << 10
_LOOKS_A_SECOND = 5.0
T = TypeVar("T")


class Aside:
    """Goes on with a question as long as anybody waits for it; what goes wrong is told by `fail`."""

    def __init__(self, deployments: Deployments, *, fail: Callable[[Pending, Exception], None]) -> None:
        self._deployments = deployments
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._looks = Allowance(_LOOKS_A_SECOND)
        # One thread each: what is large to read, and what is explained, must not crowd out what is quick.
        self._reader = Lane("reader", fail=fail)
        self._explainer = Lane("explainer", fail=fail)

    def find(self, pending: Pending, then: Callable[[Deployment], None]) -> None:
        """Go on with the deployment that is asked. What is not known may have gone live a moment ago; it is looked for, as often as
        a flood of wrong names cannot make dear.
        """
        try:
            deployment = self._found(pending)
        except ModelwardError as fault:
            self.look_again(pending, fault, then)
            return
        self._go_on(pending, lambda: then(deployment))

    def look_again(self, pending: Pending, fault: ModelwardError, then: Callable[[Deployment], None]) -> None:
        """Look for what was not found; else tell `fault`."""
        if not self._looks.take():
            self._fail(pending, fault)
            return

        def looked(future: asyncio.Future[bool]) -> None:
            if not future.cancelled():
                fault = future.exception()
                self._go_on(pending, lambda: then(self._found(pending, fault)))

        self._loop.run_in_executor(None, self._deployments.refresh).add_done_callback(looked)

    def read(self, pending: Pending, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Read a large question, or one that may take as long as a large one."""
        self._reader.put(pending, work, then, turns=len(pending.payload) / LARGE_BYTES)

    def explain(self, pending: Pending, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Make an explanation."""
        self._explainer.put(pending, work, then, turns=pending.rows)

    def forget(self, pending: Pending) -> None:
        """Nobody waits for it any more."""
        self._reader.forget(pending)
        self._explainer.forget(pending)

    def close(self) -> None:
        """Begin nothing more."""
        self._reader.close()
        self._explainer.close()

    def _found(self, pending: Pending, fault: BaseException | None = None) -> Deployment:
        if fault is not None:
            raise fault
        return self._deployments.get(pending.standing.model, pending.standing.number)

    def _go_on(self, pending: Pending, step: Callable[[], object]) -> None:
        if not pending.is_wanted:
            return
        try:
            step()
        except Exception as fault:  # noqa: BLE001  # whoever asked is told
            self._fail(pending, fault)
