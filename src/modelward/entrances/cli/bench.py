# SPDX-License-Identifier: Apache-2.0
"""`modelward bench`: measure a running service, closed loop, with governance on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.rows import read_rows
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting
from modelward.errors import InvalidError, UnavailableError

if TYPE_CHECKING:
    from modelward.client import Client, Load


class WhichModelError(InvalidError):
    """It is not clear which model to ask."""


class ServerDidNotStartError(UnavailableError):
    """The server that should be measured did not come up."""


def declare(app: typer.Typer) -> None:
    """Put the command into the tree."""

    @verb(app, "bench", show=_show, panel="Serving", example="modelward bench --model income --connections 64 --seconds 10")
    def bench(
        desk: Desk,
        model: Annotated[str | None, typer.Option(help="The model to ask; else the only live one.")] = None,
        connections: Annotated[int, typer.Option(min=1, max=512, help="Connections that ask at once.")] = 64,
        seconds: Annotated[float, typer.Option(min=0.5, max=600, help="How long to ask.")] = 5.0,
        rows: Annotated[int, typer.Option(min=1, max=1024, help="Rows in each request.")] = 1,
        examples: Annotated[
            Path | None, typer.Option(help="Rows to ask with, in a file as `predict` takes.", exists=True, dir_okay=False)
        ] = None,
    ) -> Load:
        """Ask a service as fast as it answers, and report rate and latencies.

        Without --url, a server is started over the home for the time of it.
        """
        asked = model or _only_live(desk)
        drawn = read_rows(desk, asked, examples) if examples else ()
        with _service(desk, asked) as client, waiting(desk, f"Asking {asked} for {seconds:g} s on {connections} connections"):
            return client.measure(asked, examples=drawn, connections=connections, seconds=seconds, rows=rows)


def _only_live(desk: Desk) -> str:
    live = [release.model for release in desk.house.releases.list(by=desk.actor) if release.state.value == "live"]
    if len(live) != 1:
        raise WhichModelError(f"Name a model with --model. Live are: {', '.join(live) or 'none; promote a release first'}.")
    return live[0]


@contextmanager
def _service(desk: Desk, model: str) -> Iterator[Client]:
    """The service that was named; else one over the home, with a key of its own, both ended afterwards."""
    if desk.is_remote:
        yield desk.client
        return
    from modelward.access import Role
    from modelward.client import Client

    issued = desk.house.access.create_key(f"bench-{token_hex(4)}", role=Role.CALLER, models=[model], purpose="bench", by=desk.actor)
    try:
        with _server(desk) as address, Client(address, key=issued.secret) as client:
            yield client
    finally:
        desk.house.access.revoke_key(issued.key.id, by=desk.actor)


@contextmanager
def _server(desk: Desk) -> Iterator[str]:
    """A server process over the home; its address."""
    command = [sys.executable, "-m", "modelward", "serve", "--json", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(  # noqa: S603  # our own program
        [*command, "--home", str(desk.settings.home)], stdout=subprocess.PIPE, env={**os.environ, "MODELWARD_KEY": ""}
    )
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def _address(process: subprocess.Popen[bytes]) -> str:
    """What the server says when it is ready, or why it is not."""
    lines: list[bytes] = []
    while line := process.stdout.readline() if process.stdout else b"":
        lines.append(line)
        if line == b"}\n":
            break
    told: dict[str, Any] = msgspec.json.decode(b"".join(lines) or b"{}")
    if "address" not in told:
        raise ServerDidNotStartError(told.get("error", {}).get("message") or "The server ended before it answered. See above.")
    return str(told["address"])


def _show(console: Console, load: Load) -> None:
    showing.facts(
        console,
        {
            "requests a second": f"{load.requests_per_second:,.0f}",
            "rows a second": f"{load.rows_per_second:,.0f}",
            "p50": f"{load.p50_ms:.2f} ms",
            "p99": f"{load.p99_ms:.2f} ms",
            "failed": load.failed,
            "requests": load.requests,
            "machine": load.machine,
        },
    )
    showing.line(console, "At least this: the client is Python too; a compiled one (wrk) shows more.")
