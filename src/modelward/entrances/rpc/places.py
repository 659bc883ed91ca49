# SPDX-License-Identifier: Apache-2.0
"""Places for calls: how many there are at once, and how long a message is waited for.

A call is there before its message is, and gRPC itself waits for that without end. Whoever is known and strangers have places of
their own, so that no number of strangers takes the place of somebody who may ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc

from modelward.errors import InvalidError, ModelwardError
from modelward.serving import OverloadedError

if TYPE_CHECKING:
    from modelward.settings import Settings

# Health, metadata and refusals have room beside the questions.
_ROOM = 256
# As over HTTP: whoever sends at this rate or faster may go on sending. How long a message is, its call does not tell.
_LEAST_BYTES_A_SECOND = 16 << 10


class MessageMissingError(InvalidError):
    """The message of a call did not come, or not in time."""


class Places:
    """Room for `limit` calls at once. Where all is taken, the call whose message is waited for longest gives way to the next."""

    def __init__(self, limit: int, *, seconds: float) -> None:
        self.limit, self._seconds = limit, seconds
        self._taken = 0
        # By when each began to wait, which is the order that they have here.
        self._waiting: dict[asyncio.Task[Any], float] = {}
        self._ended: dict[asyncio.Task[Any], ModelwardError] = {}
        self._is_looking = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """Room for one call.

        Raises:
            OverloadedError: all is taken, and nobody's message is waited for.
        """
        if self._taken >= self.limit:
            full = f"{self.limit} calls are open, which is the limit"
            if not self._waiting:
                raise OverloadedError(f"{full}. Ask again in 1 s.", retry_after_seconds=1)
            said = f"{full}, and the message of this one was waited for longest. Ask again in 1 s, and send it with the call."
            self._end(next(iter(self._waiting)), OverloadedError(said, retry_after_seconds=1))
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def message(self, context: Any) -> bytes:
        """The bytes of a call's message.

        Raises:
            MessageMissingError: it sends none, or not in time. OverloadedError: another call needs the place.
        """
        task = asyncio.current_task()
        assert task is not None
        self._waiting[task] = asyncio.get_running_loop().time()
        if not self._is_looking:
            self._look()
        try:
            data: bytes = await context.read()
        except asyncio.CancelledError:
            fault = self._ended.pop(task, None)
            # The caller may have left, too.
            if fault is None or task.uncancel() > 0:
                raise
            raise fault from None
        finally:
            self._waiting.pop(task, None)
        if data is grpc.aio.EOF:
            raise MessageMissingError("The call ended and had no message. Send one.")
        return data

    def _look(self) -> None:
        """End who waits for too long. One clock for all calls costs less than one for each."""
        loop = asyncio.get_running_loop()
        said = f"The message was not there after {self._seconds:g} s. Send it with the call, and faster."
        while (longest := next(iter(self._waiting.items()), None)) and longest[1] + self._seconds <= loop.time():
            self._end(longest[0], MessageMissingError(said))
        self._is_looking = longest is not None
        if longest is not None:
            loop.call_at(longest[1] + self._seconds, self._look)

    def _end(self, task: asyncio.Task[Any], fault: ModelwardError) -> None:
        del self._waiting[task]
        self._ended[task] = fault
        task.cancel()


def places_of(settings: Settings) -> tuple[Places, Places]:
    """Those for whoever is known, and those for strangers."""
    seconds = settings.receive_timeout_seconds
    known = Places(settings.inflight_limit + _ROOM, seconds=seconds + settings.body_limit_bytes / _LEAST_BYTES_A_SECOND)
    return known, Places(_ROOM, seconds=seconds)
