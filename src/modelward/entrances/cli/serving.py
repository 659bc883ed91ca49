# SPDX-License-Identifier: Apache-2.0
"""Runs the server process."""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import Any

import structlog

from modelward.entrances.cli.desk import Desk, print_json
from modelward.errors import UnavailableError
from modelward.settings import Settings

# The server joins two other doors; it is named here, not imported, so that the doors do not know each other.
_SERVER = "modelward.entrances.server"


class PortTakenError(UnavailableError):
    """The address cannot be bound."""


def run(settings: Settings, desk: Desk) -> None:
    """Serve until a signal ends it; open requests may finish within the grace that the settings give.

    Raises:
        PortTakenError: the address is in use, or is not this machine's. Whatever opening the home raises.
    """
    from importlib import import_module

    listening = bind(settings)
    _configure_logs(settings)
    import_module(_SERVER).serve(settings, listening, announce=lambda: _announce(settings, listening, desk))


def bind(settings: Settings) -> socket.socket:
    """The socket to listen on.

    Raises:
        PortTakenError: the address is in use, or is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except (OSError, UnicodeError) as fault:
        listening.close()
        why = getattr(fault, "strerror", None) or "it is no address"
        raise PortTakenError(
            f"{settings.host}:{settings.port} cannot be bound: {why}. Choose another with --host or --port; port 0 is any."
        ) from fault
    return listening


def _announce(settings: Settings, listening: socket.socket, desk: Desk) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{listening.getsockname()[1]}"
    token = settings.home / "administrator.token"
    told: dict[str, Any] = {"address": address, "console": f"{address}/console", "home": str(settings.home), "pid": os.getpid()}
    if desk.common.as_json:
        print_json(told | {"administrator_token": str(token) if token.exists() else None})
        return
    desk.say(f"Modelward serves {settings.home} at {address} · console {address}/console · Ctrl-C ends it")
    if token.exists():
        desk.say(f"The administrator's one-time token lies in {token}")


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
