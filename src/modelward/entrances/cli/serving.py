# SPDX-License-Identifier: Apache-2.0
"""Runs the server process, or the supervisor of several."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

from modelward.entrances.cli.desk import Desk, address_of, print_json
from modelward.entrances.cli.in_use import noted
from modelward.entrances.cli.releases import step_of
from modelward.errors import RefusedError
from modelward.settings import Settings

if TYPE_CHECKING:
    from modelward.app import Platform

# The server joins two other doors; it is named here, not imported, so that the doors do not know each other.
_SERVER = "modelward.entrances.server"
_WAITING_SHOWN = 5


def run(settings: Settings, desk: Desk) -> None:
    """Serve until a signal ends it; open requests may finish within the grace that the settings give.

    Raises:
        PortTakenError: the address is in use, or is not this machine's. Whatever opening the home raises.
    """
    with ExitStack() as kept:

        def announce(told: Mapping[str, Any]) -> None:
            kept.enter_context(noted(settings.home, told["address"]))
            _announce(told, desk)

        _run(settings, desk, announce)


def _run(settings: Settings, desk: Desk, announce: Callable[[Mapping[str, Any]], None]) -> None:
    from modelward.app import key_for_workers
    from modelward.storage import Means

    means = desk.means
    if settings.workers > 1 and not settings.seat:
        from modelward.entrances.supervisor import supervise

        key = key_for_workers(settings, means=means)
        supervise(settings, announce=lambda told, workers: announce(told | {"pid": os.getpid(), "workers": workers}), key=key)
        return
    if settings.seat:
        from modelward.entrances.seat import take_over

        listening, key = take_over()
        means = Means.of(settings, key=key)
    else:
        from modelward.entrances.listening import bind

        listening = bind(settings.host, settings.port)
    port = listening.getsockname()[1]
    serve = import_module(_SERVER).serve
    # A worker tells its supervisor, which notes the address for all.
    said = (lambda told: _announce(told, desk)) if settings.seat else announce
    serve(settings, listening, announce=lambda platform: said(_told(platform, port)), means=means)


def _told(platform: Platform, port: int) -> dict[str, Any]:
    """Where it is served, what answers, and how the first administrator comes in."""
    settings, found = platform.settings, platform.serving.deployments.readiness()
    address = address_of(settings, port)
    grpc = address_of(settings, settings.grpc_port).partition("://")[2] if settings.grpc_port else None
    token = platform.first_invitation
    return {
        "address": address,
        "grpc": grpc,
        "console": f"{address}/console",
        "home": str(settings.home),
        "pid": os.getpid(),
        "workers": [os.getpid()],
        "live": {each.version: each.release for each in found if each.is_ready},
        "not_answering": {each.version: each.fault for each in found if not each.is_ready},
        "waiting": {} if found else _waiting(platform),
        "administrator_token": str(token) if token else None,
    }


def _waiting(platform: Platform) -> dict[str, str]:
    """What each release waits for that could go live, the newest first."""
    with suppress(RefusedError):
        releases = platform.releases.list(by=platform.access.owner())
        steps = ((f"{each.version} ({each.id}) is {each.state.value}", step_of(each)) for each in releases)
        return dict(islice(((release, step) for release, step in steps if step), _WAITING_SHOWN))
    return {}


def _announce(told: Mapping[str, Any], desk: Desk) -> None:
    """Say so, in one document or in sentences."""
    if desk.common.as_json:
        print_json(told)
        return
    workers = len(told["workers"])
    by = f" with {workers} workers" if workers > 1 else ""
    desk.say(f"Modelward serves {told['home']} at {told['address']}{by}. Ctrl-C ends it.")
    for text in _what_answers(told):
        desk.say(text)
    desk.say(f"Console: {told['console']}")
    if told["grpc"]:
        desk.say(f"gRPC: {told['grpc']}")
    if token := told["administrator_token"]:
        desk.say(f"The first administrator did not sign in yet: {told['console']}/sign-in takes the one-time token in {token}")


def _what_answers(told: Mapping[str, Any]) -> Iterator[str]:
    live, broken = told["live"], told["not_answering"]
    if not live and not broken and not told["waiting"]:
        yield "No model is live yet. Run `modelward release propose MODEL:1`, then promote it."
    for version, step in told["waiting"].items():
        yield f"No model is live. {version}: {step}"
    if live:
        yield "Live: " + ", ".join(f"{version} (release {release})" for version, release in live.items())
    yield from (f"Not answering: {fault}" for fault in broken.values())
