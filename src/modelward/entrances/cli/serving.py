# SPDX-License-Identifier: Apache-2.0
"""Runs the server process."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from modelward.entrances.cli.desk import Desk, address_of, print_json
from modelward.errors import UnavailableError
from modelward.settings import Settings

if TYPE_CHECKING:
    from modelward.app import Platform
    from modelward.serving import Readiness

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
    import_module(_SERVER).serve(settings, listening, announce=lambda platform: _announce(platform, listening, desk))


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


def _announce(platform: Platform, listening: socket.socket, desk: Desk) -> None:
    """Say where it is served, what answers, and how the first administrator comes in."""
    settings, deployments = platform.settings, platform.serving.deployments
    address = address_of(settings.host, listening.getsockname()[1])
    grpc = address_of(settings.host, settings.grpc_port).partition("://")[2] if settings.grpc_port else None
    token = platform.first_invitation
    if desk.common.as_json:
        told = {"address": address, "grpc": grpc, "console": f"{address}/console", "home": str(settings.home), "pid": os.getpid()}
        live = {each.version: each.release for each in deployments.readiness() if each.is_ready}
        broken = {each.version: each.fault for each in deployments.readiness() if not each.is_ready}
        print_json(told | {"live": live, "not_answering": broken, "administrator_token": str(token) if token else None})
        return
    desk.say(f"Modelward serves {settings.home} at {address}. Ctrl-C ends it.")
    for text in _what_answers(deployments.readiness()):
        desk.say(text)
    desk.say(f"Console: {address}/console")
    if grpc:
        desk.say(f"gRPC: {grpc}")
    if token:
        desk.say(f"The first administrator did not sign in yet: {address}/console/sign-in takes the one-time token in {token}")


def _what_answers(found: Sequence[Readiness]) -> Iterator[str]:
    ready = ", ".join(f"{each.version} (release {each.release})" for each in found if each.is_ready)
    if not found:
        yield "No model is live yet. Run `modelward release propose MODEL:1`, then promote it."
    if ready:
        yield f"Live: {ready}"
    yield from (f"Not answering: {each.fault}" for each in found if not each.is_ready)
