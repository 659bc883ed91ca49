# SPDX-License-Identifier: Apache-2.0
"""Runs the server process."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path

import msgspec
import structlog
from rich.console import Console

from modelward.entrances.cli.verb import opened
from modelward.errors import UnavailableError
from modelward.settings import Settings, read_settings

# The web application joins two other doors; it is named here, not imported, so that the doors do not know each other.
_APPLICATION = "modelward.entrances.web"


class PortTakenError(UnavailableError):
    """The address cannot be bound."""


def serve(*, host: str | None, port: int | None, home: Path | None) -> None:
    """Serve until a signal ends it; open requests may finish within the grace that the settings give."""
    with opened(as_json=False, home=home, url=None, key=None) as desk:
        settings = read_settings(home=home)
        changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        run(msgspec.structs.replace(settings, **changes), desk.err)


def run(settings: Settings, console: Console) -> None:
    """Bind, build the application, and serve."""
    from importlib import import_module

    import uvicorn

    listening = bind(settings)
    _configure_logs(settings)
    web = import_module(_APPLICATION).web(settings)
    address = f"http://{settings.host}:{listening.getsockname()[1]}"
    console.print(f"Modelward serves {settings.home} at {address} · console {address}/console · Ctrl-C ends it", highlight=False)
    if (settings.home / "administrator.token").exists():
        console.print(f"The administrator's one-time token lies in {settings.home / 'administrator.token'}", highlight=False)
    configuration = uvicorn.Config(
        web,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
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
    uvicorn.Server(configuration).run(sockets=[listening])


def bind(settings: Settings) -> socket.socket:
    """The listening socket.

    Raises:
        PortTakenError: the address is in use, or is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as fault:
        listening.close()
        raise PortTakenError(
            f"{settings.host}:{settings.port} cannot be bound: {fault.strerror}. Choose another with `--port`, or 0 for any."
        ) from fault
    return listening


def _configure_logs(settings: Settings) -> None:
    """JSON lines on standard error, from our own words alone."""
    level = getattr(logging, settings.log_level.upper())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), format='{"level":"%(levelname)s","logger":"%(name)s","event":"%(message)s"}'
    )
