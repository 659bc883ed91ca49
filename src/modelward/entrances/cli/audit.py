# SPDX-License-Identifier: Apache-2.0
"""`modelward audit`: read and verify the ledger, fetch and check receipts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.verb import Desk, verb
from modelward.errors import RefusedError

if TYPE_CHECKING:
    from modelward.audit import LoggedEntry, Receipt, Verification


class LedgerNotSoundError(RefusedError):
    """Verification found something wrong."""


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    nouns = typer.Typer(help="Read and verify the ledger.", no_args_is_help=True)
    app.add_typer(nouns, name="audit")
    _declare_receipts(nouns)

    @verb(nouns, "log", show=_show_entries)
    def log(
        desk: Desk,
        event: Annotated[str, typer.Option(help="Only this event.")] = "",
        actor: Annotated[str, typer.Option(help="Only what this actor did.")] = "",
        subject: Annotated[str, typer.Option(help="Only what was done to this.")] = "",
        request: Annotated[str, typer.Option(help="Only this request.")] = "",
        limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
    ) -> list[LoggedEntry]:
        """List entries, newest first."""
        found: list[LoggedEntry] = desk.house.auditing.log(
            event=event, actor=actor, subject=subject, request=request, limit=limit, by=desk.actor
        )
        return found

    @verb(nouns, "verify", show=_show_verification)
    def verify(
        desk: Desk,
        checkpoint: Annotated[Path | None, typer.Option(help="An earlier checkpoint that you kept.", exists=True)] = None,
    ) -> Verification:
        """Check every entry, the tree and the signed checkpoint."""
        earlier = checkpoint.read_text() if checkpoint else ""
        found: Verification = desk.house.auditing.verify(earlier=earlier, by=desk.actor)
        if not found.is_sound:
            if desk.as_json:
                return _refuse_json(found)
            _show_verification(desk.out, found)
            raise LedgerNotSoundError(
                f"The ledger is not sound: {len(found.faults)} faults. Keep it as it is and find out who changed it."
            )
        return found

    @verb(nouns, "export", show=lambda console, made: console.print(f"{made['entries']} entries are in {made['folder']}."))
    def export(desk: Desk, folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> dict[str, Any]:
        """Write every entry, the checkpoint and how to verify them into a folder."""
        return {"entries": desk.house.auditing.export(folder, by=desk.actor), "folder": str(folder)}

    @verb(nouns, "key", show=lambda console, key: console.print(key["public_key"], highlight=False, soft_wrap=True))
    def key(
        desk: Desk, output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write it to.")] = None
    ) -> dict[str, str]:
        """Print the ledger's public key."""
        text = desk.house.auditing.public_key(by=desk.actor)
        if output:
            output.write_text(text + "\n")
        return {"public_key": text}


def _declare_receipts(nouns: typer.Typer) -> None:
    @verb(
        nouns, "receipt", show=lambda console, made: console.print(made["receipt"], markup=False, highlight=False, soft_wrap=True)
    )
    def receipt(
        desk: Desk,
        request_id: Annotated[str, typer.Argument(help="The answer's x-request-id.")],
        output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write it to.")] = None,
    ) -> dict[str, str]:
        """Fetch the receipt of one answer."""
        text = desk.house.auditing.receipt(request_id, by=desk.actor)
        if output:
            output.write_text(text)
        return {"receipt": text}

    @verb(nouns, "verify-receipt", show=_show_receipt)
    def verify_receipt(
        _desk: Desk,
        file: Annotated[Path, typer.Argument(help="The receipt.", exists=True, dir_okay=False)],
        public_key: Annotated[Path, typer.Option(help="File with the ledger's public key.", exists=True, dir_okay=False)],
        asked: Annotated[Path | None, typer.Option(help="The request's body, to see that it is the one.", exists=True)] = None,
        answered: Annotated[Path | None, typer.Option(help="The answer's body, to see that it is the one.", exists=True)] = None,
    ) -> dict[str, Any]:
        """Check a receipt offline, with nothing but the ledger's public key."""
        from modelward.audit import verify_receipt as check

        proven = check(file.read_text(), public_key=public_key.read_text().strip())
        return {
            "verified": True,
            "index": proven.index,
            "origin": proven.origin,
            "entry": proven.entry,
            "input_confirmed": _confirmed(proven, asked, "input"),
            "output_confirmed": _confirmed(proven, answered, "output"),
        }


def _confirmed(receipt: Receipt, file: Path | None, field: str) -> bool | None:
    if file is None:
        return None
    if not receipt.confirms(file.read_bytes(), field):
        raise RefusedError(f"The receipt is genuine, and {file} is not the {field} that it was given for.")
    return True


def _refuse_json(found: Verification) -> Verification:
    from modelward.entrances.cli.verb import print_json

    print_json(found)
    raise typer.Exit(3)


def _show_entries(console: Console, entries: list[LoggedEntry]) -> None:
    showing.table(
        console,
        ("#", "when", "event", "actor", "subject", "facts"),
        (
            (
                logged.index,
                logged.entry.at,
                logged.entry.event,
                logged.entry.actor,
                logged.entry.subject,
                ", ".join(f"{name} {_short(value)}" for name, value in logged.entry.facts.items()),
            )
            for logged in entries
        ),
        numbers=("#",),
    )


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) > 40 else text


def _show_verification(console: Console, found: Verification) -> None:
    if found.is_sound:
        console.print(
            f"[green]sound[/] {found.size} entries; each hash, the tree and the signed checkpoint agree.", highlight=False
        )
        return
    for fault in found.faults:
        console.print(f"[red]fault[/] {showing.cell(fault.what)}", highlight=False)


def _show_receipt(console: Console, proven: dict[str, Any]) -> None:
    console.print(f"[green]verified[/] entry {proven['index']} of {proven['origin']}", highlight=False)
    entry = proven["entry"]
    showing.facts(
        console,
        {
            "when": entry.at,
            "event": entry.event,
            "subject": entry.subject,
            "actor": entry.actor,
            "request": entry.request,
            "your input": {None: "not compared", True: "is the one"}[proven["input_confirmed"]],
            "your answer": {None: "not compared", True: "is the one"}[proven["output_confirmed"]],
        },
    )
