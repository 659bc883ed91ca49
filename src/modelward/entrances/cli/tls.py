# SPDX-License-Identifier: Apache-2.0
"""`modelward tls`: the house's own authority, and the certificates that it signs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import noun, verb

if TYPE_CHECKING:
    from modelward.access import Certificate

HostOption = Annotated[
    list[str] | None, typer.Option("--host", metavar="HOST", help="Name or address that it answers to; repeat it for more.")
]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    tls = noun(app, "tls", about="Certificates for the server, for clients and for nodes.", panel="The house")

    @verb(tls, "init", show=_show, then=_to_serve, only_here=True, example="modelward tls init --host models.example.org")
    def init(desk: Desk, host: HostOption = None) -> list[Certificate]:
        """Make an authority of the house's own and the server's certificate; `modelward serve` speaks TLS from then on."""
        return desk.house.certifying.begin(hosts=host or (), by=desk.actor)

    @verb(tls, "renew", show=lambda console, made: _show(console, [made]), only_here=True)
    def renew(desk: Desk, host: HostOption = None) -> Certificate:
        """Make a new certificate for the server, for the hosts it has and those named; a running server takes it."""
        return desk.house.certifying.renew(hosts=host or (), by=desk.actor)

    @verb(tls, "issue", show=lambda console, made: _show(console, [made]), then=_to_ask, only_here=True)
    def issue(
        desk: Desk,
        name: Annotated[str, typer.Argument(help="Name of the client or the node.")],
        host: HostOption = None,
    ) -> Certificate:
        """Make a certificate for a client; with --host for a node, which also serves there."""
        return desk.house.certifying.issue(name, hosts=host or (), by=desk.actor)

    @verb(tls, "show", show=_show, only_here=True)
    def show(desk: Desk) -> list[Certificate]:
        """List the certificates that the authority signed, the soonest to end first."""
        return desk.house.certifying.certificates(by=desk.actor)


def _show(console: Console, found: list[Certificate]) -> None:
    now = datetime.now(UTC)
    showing.table(
        console,
        ("name", "kind", "hosts", "ends", "days left", "SHA-256", "file"),
        (
            (
                each.name,
                each.kind,
                each.hosts,
                f"{each.ends:%Y-%m-%d}",
                each.days_left(now),
                showing.beginning(each.fingerprint),
                each.file,
            )
            for each in found
        ),
        text=("hosts", "file"),
    )


def _to_serve(desk: Desk, made: list[Certificate]) -> str:
    return (
        "modelward serve\n"
        f"MODELWARD_CLIENT_CA={made[0].file} modelward model list --url https://localhost:{desk.settings.port}    "
        "(clients trust that file)"
    )


def _to_ask(_desk: Desk, made: Certificate) -> str:
    key = made.file.removesuffix(".pem") + ".key"
    return f"give {made.name} both files, {made.file} and {key}, over a channel you trust, and erase the key here"
