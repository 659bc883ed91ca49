# SPDX-License-Identifier: Apache-2.0
"""A question whose caller is a coroutine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from modelward.serving.answer import Reply
from modelward.serving.pending import Pending, Standing

if TYPE_CHECKING:
    from modelward.registry import Interface
    from modelward.serving.question import Asking, Read


class Awaited(Pending):
    """Told by a future."""

    __slots__ = ("_read", "waiting")

    def __init__(self, standing: Standing, read: Read, **question: Any) -> None:
        super().__init__(standing, **question)
        self._read = read
        self.waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def read(self, interface: Interface) -> Asking:
        """See `Pending.read`."""
        return self._read(interface)

    def tell(self, fault: Exception | None) -> None:
        """See `Pending.tell`."""
        if self.waiting.done():
            return
        if fault is not None:
            self.waiting.set_exception(fault)
            return
        self.waiting.set_result(Reply(self.written, self.request, self.deployment.name, self.rows, self.entry))
