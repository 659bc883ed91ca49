# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is on a connection. A client may send the next request before it has the answer to the last (RFC 9112, section
9.3.2): one is under way, and those behind it stand in a line and are answered in their order.
"""

from __future__ import annotations

import asyncio
import logging
import select
from typing import TYPE_CHECKING, Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelward.entrances.exchange import Exchange

if TYPE_CHECKING:
    from modelward.entrances.api import Premises

_LOG = logging.getLogger("modelward.api")
_LINE_LIMIT = 32


class Turns(HttpToolsProtocol):
    """The answers of one connection. uvicorn calls a cycle what is answered: one of its own, for the web application, or an
    Exchange. `cycle` is the newest, `pipeline` is the line, and who is under way stands in it no more.
    """

    premises: ClassVar[Premises]
    nobody: ClassVar[asyncio.Event]

    cycle: Any

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._under_way: Any = None
        self._idle_since = 0.0
        self._blocked_since: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left, and with it all that it asked."""
        for cycle in (self._under_way, *(cycle for cycle, _ in self.pipeline), self.cycle):
            if isinstance(cycle, Exchange):
                cycle.leave()
            elif cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        super().connection_lost(exc)
        # They hold each other, and the collector comes seldom.
        self.cycle = self._under_way = None
        self.pipeline.clear()

    def send(self, answer: bytes, exchange: Exchange) -> None:
        """The whole answer to a question."""
        transport = self.transport
        if transport.is_closing():
            return
        transport.write(answer)
        if not exchange.is_read:
            return
        if exchange.keep_alive and not self.pipeline and not self.flow.read_paused:
            self._idle_since = self.loop.time()
        else:
            self._after(exchange)

    def on_response_complete(self) -> None:
        """An answer is given: whoever is next on this connection has their turn."""
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        self._go_on()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered, and is not heard any further until it has read on."""
        self._blocked_since = self.loop.time()
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """The client has read on."""
        self._blocked_since = None
        super().resume_writing()
        if not self._is_under_way:
            self._go_on()

    def _end_after_what_is_read(self) -> bool:
        """Let the answers to all requests that are whole be the last; whether there are any to come."""
        if self.pipeline and not _is_whole(self.pipeline[0][0]):
            self.pipeline.popleft()
        last = self.pipeline[0][0] if self.pipeline else self._under_way
        if last is None or last.response_complete or not _is_whole(last):
            return False
        last.keep_alive = False
        self.flow.pause_reading()
        return True

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _is_broken_off(self) -> bool:
        """Whether the client is gone altogether, which is not noticed by itself on a connection that is not being read."""
        held = self.transport.get_extra_info("socket") if self.flow.read_paused else None
        # What is closed has none, or none that is open, until `connection_lost` is called.
        if held is None or held.fileno() < 0:
            return False
        looking = select.poll()
        # To hear of that alone, nothing need be asked for.
        looking.register(held, 0)
        return any(found & (select.POLLHUP | select.POLLERR) for _, found in looking.poll(0))

    @property
    def _is_under_way(self) -> bool:
        return self._under_way is not None and not self._under_way.response_complete

    @property
    def _is_free(self) -> bool:
        """Whether who comes now need not wait."""
        return not self.pipeline and not self._is_under_way and self._blocked_since is None

    def _go_on(self) -> None:
        if self.transport.is_closing() or self._blocked_since is not None:
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, Exchange):
            self._begin(cycle)
        else:
            self._under_way = cycle
            super()._start_asgi_task(cycle, app)

    def _line_up(self, exchange: Exchange) -> None:
        """Answer a question that is read, or let it wait for its turn."""
        if exchange.response_complete:
            self._after(exchange)
        elif self._is_free:
            self._begin(exchange)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]  # it stands in uvicorn's line
            self._bound_line()

    def _bound_line(self) -> None:
        """Raises: ValueError, so that the parser stops in the midst of what was received, where too many wait."""
        if len(self.pipeline) > _LINE_LIMIT:
            self.transport.abort()
            raise ValueError("too many requests wait")

    def _begin(self, exchange: Exchange) -> None:
        self._under_way = exchange
        try:
            exchange.begin()
        except Exception:  # noqa: BLE001  # whatever it is
            # What the parser calls must not raise: it would take the fault for one of the client.
            _LOG.exception("a question could not be asked")
            self.transport.abort()

    def _after(self, exchange: Exchange) -> None:
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()


def _is_whole(cycle: Any) -> bool:
    return cycle.is_read if isinstance(cycle, Exchange) else not cycle.more_body
