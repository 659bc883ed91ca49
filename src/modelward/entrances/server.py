# SPDX-License-Identifier: Apache-2.0
"""The server process: uvicorn with limits on what it reads, and an end that lets open requests finish."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from modelward.app import open_platform
from modelward.entrances.logs import write_json_lines
from modelward.entrances.web import web

if TYPE_CHECKING:
    import socket

    from modelward.app import Platform
    from modelward.entrances.api import Watch
    from modelward.settings import Settings

_SWITCH_SECONDS = 0.0005


def serve(settings: Settings, listening: socket.socket, *, announce: Callable[[Platform], None]) -> None:
    """Serve on a bound socket until SIGTERM or Ctrl-C; open requests may finish within the grace that the settings give.
    `announce` is called once requests are answered.

    Raises: whatever opening the platform or its gateway raises.
    """
    write_json_lines(settings.log_level)
    platform = open_platform(settings)
    try:
        server = Server(platform, announce=announce)
        # The signal that ended uvicorn is raised once more when all is done; to be asked to end is no fault.
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda _signal, _frame: None)
        # SQLite lets go of the interpreter at each statement; the ledger's writer must not wait 5 ms to get it back.
        sys.setswitchinterval(_SWITCH_SECONDS)
        server.run(sockets=[listening])
    finally:
        platform.close()


class Server(uvicorn.Server):
    """uvicorn over one platform. The gateway is entered before anybody is answered, and left when all were; what hinders it from
    opening is raised by `run`.
    """

    def __init__(self, platform: Platform, *, announce: Callable[[Platform], None]) -> None:
        self._platform = platform
        self._announce = announce
        self._gateway = platform.serving.gateway()
        super().__init__(_configuration(web(platform, self._gateway), platform.settings))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open, listen, and say so."""
        await self._gateway.__aenter__()
        try:
            await super().startup(sockets)
            # What is loaded by now stays: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            self._announce(self._platform)
        except BaseException:
            await self._gateway.__aexit__(None, None, None)
            raise

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, let open requests finish, and close."""
        await super().shutdown(sockets)
        await self._gateway.__aexit__(None, None, None)


def _configuration(application: Watch, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        lifespan="off",
        loop="uvloop",
        http=_limited(settings),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(settings.shutdown_grace_seconds) + 1,
        backlog=2048,
    )


class LimitedProtocol(HttpToolsProtocol):
    """The protocol of uvicorn, with limits that it lacks: a head larger than `head_limit_bytes` is refused, and a connection is
    closed when, in the midst of a request or before the first, nothing came for `stall_seconds`.
    """

    head_limit_bytes: ClassVar[int]
    stall_seconds: ClassVar[float]
    _is_reading = True
    _is_in_head = True
    _head_bytes = 0
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client came."""
        super().connection_made(transport)
        self._await_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left."""
        self._cancel_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came. A head that spans several readings is measured while it grows, for the parser keeps it."""
        if self.transport.is_closing():
            return
        self._cancel_stall()
        was_in_head = self._is_in_head
        super().data_received(data)
        if was_in_head and self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.head_limit_bytes:
                self.send_400_response("")
        if self._is_reading:
            self._await_more()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_reading = self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is read. What is raised here becomes `send_400_response`."""
        self._is_in_head = False
        self._head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head_bytes > self.head_limit_bytes:
            raise ValueError("head too large")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is read."""
        self._is_reading = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # it says less than what is sent
        """Refuse what cannot be, or is not, parsed; the connection ends."""
        if self.transport.is_closing():
            return
        is_large = self._head_bytes > self.head_limit_bytes
        text = (
            f"The head of the request is larger than {self.head_limit_bytes} bytes. Send fewer or shorter headers."
            if is_large
            else "What was sent is no HTTP request. Check the address and the client."
        )
        body = msgspec.json.encode({"error": text})
        head = (b"content-type: application/json", b"connection: close", b"content-length: %d" % len(body), b"", body)
        self.transport.write(STATUS_LINE[431 if is_large else 400] + b"\r\n".join(head))
        self.transport.close()

    def _await_more(self) -> None:
        if not self.transport.is_closing():
            self._stall = self.loop.call_later(self.stall_seconds, self.transport.close)

    def _cancel_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


def _limited(settings: Settings) -> type[LimitedProtocol]:
    limits = {"head_limit_bytes": settings.header_limit_bytes, "stall_seconds": settings.request_timeout_seconds}
    return type("LimitedProtocol", (LimitedProtocol,), limits)
