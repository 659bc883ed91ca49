# SPDX-License-Identifier: Apache-2.0
"""Aside: what takes longer than the others of an event loop should wait is done in threads, and then goes on in the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from modelward.errors import ModelwardError
from modelward.serving.allowance import Allowance
from modelward.serving.deployments import Deployment, Deployments
from modelward.serving.pending import Pending
from modelward.serving.question import Asking

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
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._explainer = ThreadPoolExecutor(1, thread_name_prefix="explainer")

    def look_again(self, pending: Pending, fault: ModelwardError, then: Callable[[Deployment], None]) -> None:
        """Look for what may have gone live a moment ago, as often as a flood of wrong names cannot make dear; else tell `fault`."""
        if not self._looks.take():
            self._fail(pending, fault)
            return
        standing = pending.standing

        def again(_changed: bool) -> None:  # noqa: FBT001  # what `refresh` gives
            then(self._deployments.get(standing.model, standing.number))

        self._do(pending, None, self._deployments.refresh, again)

    def read(self, pending: Pending, deployment: Deployment, then: Callable[[Asking], None]) -> None:
        """Read a large question."""
        self._do(pending, self._reader, partial(pending.read, deployment.interface), then)

    def explain(self, pending: Pending, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Make an explanation."""
        self._do(pending, self._explainer, work, then)

    def close(self) -> None:
        """Begin nothing more."""
        for pool in (self._reader, self._explainer):
            pool.shutdown(wait=False, cancel_futures=True)

    def _do(self, pending: Pending, pool: ThreadPoolExecutor | None, work: Callable[[], T], then: Callable[[T], None]) -> None:
        def done(future: asyncio.Future[T]) -> None:
            if not pending.is_wanted or future.cancelled():
                return
            try:
                then(future.result())
            except Exception as fault:  # noqa: BLE001  # whoever asked is told
                self._fail(pending, fault)

        self._loop.run_in_executor(pool, work).add_done_callback(done)
