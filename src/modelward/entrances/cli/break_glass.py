# SPDX-License-Identifier: Apache-2.0
"""`modelward access break-glass`: access in emergencies, which two others approve."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import noun, verb

if TYPE_CHECKING:
    from modelward.access import Emergency

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of what was asked for; `list` shows it.")]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record: 10 to 500 characters.")]


def declare(access: typer.Typer) -> None:
    """Put the commands below `modelward access`."""
    glass = noun(access, "break-glass", about="Access in emergencies, which two others approve.")

    @verb(
        glass,
        "ask",
        show=_show_one,
        example='modelward access break-glass ask releases:promote --minutes 30 --reason "income:4 refuses everybody"',
    )
    def ask(
        desk: Desk,
        what: Annotated[str, typer.Argument(metavar="WHAT", help="A permission or a role.")],
        minutes: Annotated[int, typer.Option(metavar="N", min=1, help="For how long, from the second approval on.")],
        reason: ReasonOption,
    ) -> Emergency:
        """Ask for access beyond one's role. People do; two others approve."""
        return desk.house.access.emergencies.ask(what, minutes=minutes, reason=reason, by=desk.actor)

    @verb(glass, "approve", show=_show_one)
    def approve(desk: Desk, id: IdArgument) -> Emergency:
        """Approve what somebody else asked for."""
        return desk.house.access.emergencies.approve(id, by=desk.actor)

    @verb(glass, "refuse", show=_show_one)
    def refuse(desk: Desk, id: IdArgument, reason: ReasonOption) -> Emergency:
        """Refuse what somebody else asked for."""
        return desk.house.access.emergencies.refuse(id, reason=reason, by=desk.actor)

    @verb(glass, "end", show=_show_one)
    def end(desk: Desk, id: IdArgument) -> Emergency:
        """End it before its time, or take back what was asked for."""
        return desk.house.access.emergencies.end(id, by=desk.actor)

    @verb(glass, "list", show=_show_list)
    def list_(desk: Desk) -> list[Emergency]:
        """List what was asked for, newest first."""
        return desk.house.access.emergencies.list(by=desk.actor)


def _show_one(console: Console, emergency: Emergency) -> None:
    showing.facts(
        console,
        {
            "id": emergency.id,
            "asked by": emergency.asker,
            "what": emergency.what,
            "minutes": emergency.minutes,
            "reason": emergency.reason,
            "approved by": ", ".join(emergency.approvals) or "nobody yet",
            "state": emergency.state(datetime.now(UTC)).value,
            "until": emergency.ends or "",
        },
    )


def _show_list(console: Console, emergencies: list[Emergency]) -> None:
    now = datetime.now(UTC)
    showing.table(
        console,
        ("id", "asked by", "what", "minutes", "state", "approved by", "asked", "until", "reason"),
        (
            (e.id, e.asker, e.what, e.minutes, e.state(now).value, ", ".join(e.approvals), e.asked, e.ends, e.reason)
            for e in emergencies
        ),
        spare=("reason", "asked"),
    )
