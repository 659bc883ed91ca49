# SPDX-License-Identifier: Apache-2.0
"""The server process: uvicorn with limits on what it reads, and an end that lets open requests finish."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from modelward.app import open_platform
from modelward.entrances.api import Premises
from modelward.entrances.logs import write_json_lines
from modelward.entrances.protocol import connection_class
from modelward.entrances.tls import Tls, tls_of
from modelward.entrances.traces import Traces, traces_of
from modelward.entrances.web import web

if TYPE_CHECKING:
    import socket
    import ssl

    from modelward.app import Platform
    from modelward.entrances.api import Watch
    from modelward.entrances.rpc import RpcDoor
    from modelward.settings import Settings
    from modelward.storage import Means

_SWITCH_SECONDS = 0.0005
_COLLECT = 20_000, 10, 50
_LOOK_AFTER_SECONDS = 0.5
_FAREWELL_SECONDS = 5.0


def serve(
    settings: Settings, listening: socket.socket, *, announce: Callable[[Platform], None], means: Means | None = None
) -> None:
    """Serve on a bound socket until SIGTERM or Ctrl-C; open requests may finish within the grace that the settings give.
    `announce` is called once requests are answered; `means` open the keyring, else those that the settings name.

    Raises: whatever opening the platform or its gateway raises.
    """
    write_json_lines(settings.log_level)
    platform = open_platform(settings, means=means)
    traces = traces_of(os.environ)
    try:
        server = Server(platform, announce=announce, traces=traces)
        # The signal that ended uvicorn is raised once more when all is done; to be asked to end is no fault.
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda _signal, _frame: None)
        # SQLite lets go of the interpreter at each statement; the ledger's writer must not wait 5 ms to get it back.
        sys.setswitchinterval(_SWITCH_SECONDS)
        server.run(sockets=[listening])
    finally:
        platform.close()
        if traces is not None:
            traces.close()


class Server(uvicorn.Server):
    """uvicorn over one platform. The gateway is entered before anybody is answered, and left when all were; what hinders it from
    opening is raised by `run`.
    """

    def __init__(self, platform: Platform, *, announce: Callable[[Platform], None], traces: Traces | None = None) -> None:
        self._platform = platform
        self._announce = announce
        self._gateway = platform.serving.gateway(tracing=traces)
        self._traces = traces
        application = web(platform, self._gateway, traces)
        self._premises = Premises(platform, self._gateway, application.telemetry)
        self._rpc: RpcDoor | None = None
        self._tls = tls_of(platform.settings)
        self._sockets: list[socket.socket] = []
        self._context: ssl.SSLContext | None = None
        self._renewing: asyncio.Task[None] | None = None
        super().__init__(_configuration(application, self._premises, self._tls))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open, listen, and say so."""
        await self._gateway.__aenter__()
        try:
            await super().startup([])
            self.started = False
            await self._listen(sockets or [])
            self.started = True
            await self._open_rpc()
            # What is loaded by now stays: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            # Nearly all that a request makes is gone with it, without the collector.
            gc.set_threshold(*_COLLECT)
            self._look_after()
            self._announce(self._platform)
        except BaseException:
            await self._gateway.__aexit__(None, None, None)
            raise

    async def _listen(self, sockets: list[socket.socket]) -> None:
        """As uvicorn does, which gives a handshake a minute."""
        config, loop = self.config, asyncio.get_running_loop()
        context = self._tls.context if self._tls else None

        def connection() -> asyncio.Protocol:
            found: asyncio.Protocol = config.http_protocol_class(config=config, server_state=self.server_state, app_state={})  # type: ignore[call-arg]  # as uvicorn calls it
            return found

        seconds = self._platform.settings.receive_timeout_seconds if context else None
        for each in sockets:
            listening = await loop.create_server(
                connection,
                sock=each,
                ssl=context,
                backlog=config.backlog,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=seconds and min(seconds, _FAREWELL_SECONDS),
            )
            self.servers.append(listening)
        self._sockets, self._context = sockets, context

    async def _listen_anew(self) -> None:
        """With another context of TLS. The one before remembers sessions; who resumes one shows no certificate, and might no longer
        be trusted.
        """
        # A second descriptor of the same queue: nobody who comes meanwhile is turned away.
        again = [each.dup() for each in self._sockets]
        before, self.servers = self.servers, []
        await self._listen(again)
        for server in before:
            server.close()

    async def _open_rpc(self) -> None:
        settings = self._platform.settings
        if not settings.grpc_port:
            return
        # It loads grpcio, which who does not ask for it need not hold.
        from modelward.entrances.rpc import RpcDoor

        self._rpc = RpcDoor(self._premises, self._traces)
        credentials = self._tls.rpc_credentials() if self._tls else None
        await self._rpc.start(settings.host, settings.grpc_port, credentials=credentials, shares_port=settings.workers > 1)

    def _look_after(self) -> None:
        """One clock for all connections costs less than one for each."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self.server_state.connections):
            connection.look_after(now)  # type: ignore[union-attr]  # every connection is one of ours
        if self._tls and not self.should_exit:
            self._tls.renew()
            if self._context is not self._tls.context and (self._renewing is None or self._renewing.done()):
                self._renewing = loop.create_task(self._listen_anew())
        loop.call_later(_LOOK_AFTER_SECONDS, self._look_after)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, let open requests finish, and close."""
        if self._renewing is not None:
            await asyncio.wait([self._renewing])
        rpc = asyncio.ensure_future(self._rpc.stop(self._platform.settings.shutdown_grace_seconds)) if self._rpc else None
        await super().shutdown(sockets)
        if rpc is not None:
            await rpc
        await self._gateway.__aexit__(None, None, None)


def _configuration(application: Watch, premises: Premises, tls: Tls | None) -> uvicorn.Config:
    settings = premises.platform.settings
    return uvicorn.Config(
        application,
        lifespan="off",
        loop="uvloop",
        http=connection_class(premises),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.shutdown_grace_seconds) + 1,
        backlog=2048,
        ssl_context_factory=(lambda _config, _default: tls.context) if tls else None,
    )
