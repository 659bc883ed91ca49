# SPDX-License-Identifier: Apache-2.0
"""`modelward audit`: read and verify the ledger, fetch and check receipts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.failing import EXIT
from modelward.entrances.cli.files import check_output, read_text, write_evidence
from modelward.entrances.cli.noting import nearest
from modelward.entrances.cli.verb import noun, verb
from modelward.entrances.cli.waiting import waiting
from modelward.errors import RefusedError

if TYPE_CHECKING:
    from modelward.audit import LoggedEntry, Receipt, Verification


Output = Annotated[Path | None, typer.Option("-o", "--output", help="New file to write it to.")]

_LOOKED_AT = 10_000


class NotTheOneError(RefusedError):
    """A receipt is genuine, and was given for something else."""


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    nouns = noun(app, "audit", about="Read and verify the ledger.", panel="Accountability")

    @verb(nouns, "log", show=None)
    def log(
        desk: Desk,
        event: Annotated[str, typer.Option(help="Only this event.")] = "",
        actor: Annotated[str, typer.Option(help="Only what this actor did.")] = "",
        subject: Annotated[str, typer.Option(help="Only what was done to this.")] = "",
        request: Annotated[str, typer.Option(help="Only this request.")] = "",
        since: Annotated[int, typer.Option(help="Only entries from this number on.", min=0)] = 0,
        limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
    ) -> None:
        """List entries, newest first."""
        found = desk.house.auditing.log(
            event=event, actor=actor, subject=subject, request=request, since=since, limit=limit, by=desk.actor
        )
        desk.answer(found, _show_entries)
        if not found and not desk.common.as_json:
            _note_nearest(desk, {"event": event, "actor": actor, "subject": subject})

    _declare_verify(nouns)
    _declare_receipts(nouns)

    @verb(nouns, "export", show=_show_exported)
    def export(desk: Desk, folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")]) -> dict[str, Any]:
        """Write every entry, the checkpoint and how to verify them into a folder."""
        return {"entries": desk.house.auditing.export(folder, by=desk.actor), "folder": str(folder)}

    _declare_texts(nouns)


def _declare_texts(nouns: typer.Typer) -> None:
    @verb(nouns, "key", show=_shown("public_key", "ledger's public key"), example="modelward audit key -o key.txt")
    def key(desk: Desk, output: Output = None) -> dict[str, str]:
        """Print the ledger's public key."""
        check_output(output)
        return _written("public_key", desk.house.auditing.public_key(by=desk.actor).strip(), output)

    @verb(nouns, "checkpoint", show=_shown("checkpoint", "checkpoint"), example="modelward audit checkpoint -o kept.txt")
    def checkpoint(desk: Desk, output: Output = None) -> dict[str, str]:
        """Print the ledger's signed checkpoint, to keep elsewhere."""
        check_output(output)
        return _written("checkpoint", desk.house.auditing.checkpoint(by=desk.actor).text, output)

    @verb(nouns, "receipt", show=_shown("receipt", "receipt"), example="modelward audit receipt REQUEST_ID -o receipt.txt")
    def receipt(
        desk: Desk,
        request_id: Annotated[str, typer.Argument(help="The answer's x-request-id.")],
        output: Output = None,
    ) -> dict[str, str]:
        """Fetch the receipt of one answer."""
        check_output(output)
        return _written("receipt", desk.house.auditing.receipt(request_id, by=desk.actor), output)


def _declare_verify(nouns: typer.Typer) -> None:
    @verb(nouns, "verify", show=None, example="modelward audit verify --since kept.txt")
    def verify(
        desk: Desk,
        since: Annotated[
            Path | None,
            typer.Option(help="A checkpoint that you kept: has the ledger only grown since?", exists=True, dir_okay=False),
        ] = None,
    ) -> None:
        """Check every entry, the tree and the signed checkpoint."""
        earlier = None if since is None else read_text(since)
        with waiting(desk, "Verifying") as told:
            found = desk.house.auditing.verify(
                lambda done, total: told(f"{done:,} entries", done / max(1, total)), earlier=earlier, by=desk.actor
            )
        if found.is_sound and earlier is not None:
            # A service that lies about its past cannot prove it.
            desk.house.auditing.verify_since(earlier, by=desk.actor)
        desk.answer(found, partial(_show_verification, since=since))
        if not found.is_sound:
            count = "1 fault" if len(found.faults) == 1 else f"{len(found.faults)} faults"
            desk.say(f"The ledger is not sound: {count}. Keep it as it is and find out who changed it.")
            raise typer.Exit(EXIT[RefusedError])


def _declare_receipts(nouns: typer.Typer) -> None:
    @verb(
        nouns,
        "verify-receipt",
        show=_show_receipt,
        only_here=True,
        example="modelward audit verify-receipt receipt.txt --public-key key.txt",
    )
    def verify_receipt(
        _desk: Desk,
        file: Annotated[Path, typer.Argument(help="The receipt.", exists=True, dir_okay=False)],
        public_key: Annotated[Path, typer.Option(help="File with the ledger's public key.", exists=True, dir_okay=False)],
        asked: Annotated[Path | None, typer.Option(help="The request's body, to compare.", exists=True, dir_okay=False)] = None,
        answered: Annotated[Path | None, typer.Option(help="The answer's body, to compare.", exists=True, dir_okay=False)] = None,
    ) -> dict[str, Any]:
        """Check a receipt offline, with nothing but the ledger's public key."""
        from modelward.audit import verify_receipt as check

        proven = check(read_text(file), public_key=read_text(public_key).strip())
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
        raise NotTheOneError(
            f"The receipt is genuine, and {file} is not the {field} that it was given for. Compare the right file."
        )
    return True


def _show_exported(console: Console, made: dict[str, Any]) -> None:
    showing.line(console, f"{made['entries']} entries are in {made['folder']}; README.md there says how to verify them.")


def _written(name: str, text: str, output: Path | None) -> dict[str, str]:
    if output:
        write_evidence(output, f"{text.rstrip()}\n".encode())
    return {name: text, "output": str(output or "")}


def _shown(name: str, what: str) -> Callable[[Console, dict[str, str]], None]:
    """Shows a text that `_written` gave: where it is, or itself."""
    return lambda console, made: showing.line(
        console, f"The {what} is in {made['output']}." if made["output"] else made[name].rstrip("\n")
    )


def _note_nearest(desk: Desk, wanted: dict[str, str]) -> None:
    """Nothing was done by a name that is wrong by a letter."""
    entries = [logged.entry for logged in desk.house.auditing.log(limit=_LOOKED_AT, by=desk.actor)]
    for field, name in wanted.items():
        known = {str(getattr(entry, field)) for entry in entries}
        if name and name not in known:
            desk.say(f"Note: no entry has the {field} {name}.{nearest(name, sorted(known))}")


def _show_entries(console: Console, entries: list[LoggedEntry]) -> None:
    if not entries:
        showing.line(console, "No entry matches.")
    for logged in entries:
        entry = logged.entry
        who = f"[bold]{showing.cell(entry.event)}[/] {showing.cell(entry.subject)} by {showing.cell(entry.actor)}"
        console.print(f"{logged.index:>6}  {showing.cell(entry.at)}  {who}", highlight=False, soft_wrap=True)
        request = {"request": entry.request} if entry.request else {}
        told = " · ".join(f"{name} {_short(value)}" for name, value in {**request, **entry.facts}.items())
        if told:
            console.print(Padding(Text(told, style="dim"), (0, 0, 0, 8)))


def _short(value: Any) -> str:
    """A fact in a few words; a digest by its beginning."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_short, value))
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and " " not in text else text


def _show_verification(console: Console, found: Verification, *, since: Path | None) -> None:
    if found.is_sound:
        console.print(
            f"[green]sound[/] {found.size} entries; each hash, the tree and the signed checkpoint agree.", highlight=False
        )
        if since is not None:
            showing.line(console, f"It extends the checkpoint in {since}: what was recorded then is unchanged.")
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
