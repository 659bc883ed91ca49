# SPDX-License-Identifier: Apache-2.0
"""`modelward captures`: which questions and answers are kept, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import noun, verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.serving import Capture, CapturedExchange, CaptureRule, ShreddedCaptures, SweptCaptures

Model = Annotated[str, typer.Argument(help="Name of the model.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it stays in the ledger, so it names no person.")]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    captures = noun(app, "captures", about="Questions and answers that are kept, sealed, for a while.", panel="Accountability")

    @verb(
        captures,
        "on",
        show=_show_rule,
        example="modelward captures on income --share 0.01 --keep-days 30 --reason 'to look into complaints'",
    )
    def on(
        desk: Desk,
        model: Model,
        share: Annotated[float, typer.Option(metavar="0…1", help="Which share of the questions is kept; 1 keeps all.")],
        keep_days: Annotated[int, typer.Option(metavar="DAYS", help="For how many days each is kept.")],
        reason: Reason,
    ) -> CaptureRule:
        """Keep a share of a model's questions with their answers, from now on. Nothing is kept of a model without this."""
        return desk.house.captures.rule(model, share=share, days=keep_days, reason=reason, by=desk.actor)

    @verb(captures, "off", show=_show_end)
    def off(desk: Desk, model: Model, reason: Reason) -> CaptureRule:
        """Keep nothing of a model any more. What is kept stays for its time."""
        return desk.house.captures.end(model, reason=reason, by=desk.actor)

    @verb(captures, "rules", show=_show_rules)
    def rules(desk: Desk) -> list[CaptureRule]:
        """List the models of which questions are kept, among those that you may see or ask."""
        return desk.house.captures.rules(by=desk.actor)

    @verb(captures, "list", show=_show_all)
    def list_(
        desk: Desk,
        model: Annotated[str, typer.Option(metavar="MODEL", help="Only those to this model.")] = "",
        caller: Annotated[str, typer.Option(metavar="WHO", help="Only those of this caller, as service:till.")] = "",
        limit: Annotated[int, typer.Option(help="How many at most, the newest first.", min=1, max=1000)] = 100,
    ) -> list[Capture]:
        """List which questions are kept; not what they say."""
        return desk.house.captures.list(model=model, caller=caller, limit=limit, by=desk.actor)

    @verb(captures, "show", show=_show_one, example="modelward captures show req-… --reason 'complaint 17'")
    def show(desk: Desk, request: Annotated[str, typer.Argument(help="Id of the request.")], reason: Reason) -> CapturedExchange:
        """Show a question and its answer, but for what named persons, which goes on record with the reason."""
        return desk.house.captures.read(request, reason=reason, by=desk.actor)

    @verb(captures, "shred", show=_show_shredded, then=_after)
    def shred(
        desk: Desk, requests: Annotated[list[str], typer.Argument(help="Ids of the requests.")], reason: Reason
    ) -> ShreddedCaptures:
        """Destroy the keys of what is kept of requests, for good."""
        return desk.house.captures.shred(requests, reason=reason, by=desk.actor)

    @verb(captures, "sweep", show=_show_swept)
    def sweep(desk: Desk) -> SweptCaptures:
        """Remove what is kept for longer than was ruled, as servers do by themselves once a minute."""
        return desk.house.captures.sweep(by=desk.actor)


def _show_rule(console: Console, rule: CaptureRule) -> None:
    days = "1 day" if rule.days == 1 else f"{rule.days} days"
    share = f"{rule.share * 100:.4g} %"
    showing.line(console, f"{share} of the questions to {rule.model} are kept with their answers, each for {days}.")
    showing.line(console, "Servers know within a second. Who may ask the model can see this rule.")


def _show_end(console: Console, rule: CaptureRule) -> None:
    showing.line(console, f"Nothing is kept of {rule.model} any more. What is kept stays for its time, or until it is shredded.")


def _show_rules(console: Console, found: Sequence[CaptureRule]) -> None:
    showing.table(
        console,
        ("model", "share", "days", "reason", "ruled", "by"),
        ((rule.model, f"{rule.share:.4g}", rule.days, rule.reason, rule.ruled, rule.by) for rule in found),
        numbers=("share", "days"),
        text=("reason",),
        spare=("ruled", "by"),
    )


def _show_all(console: Console, found: Sequence[Capture]) -> None:
    showing.table(
        console,
        ("request", "version", "caller", "at", "until", "bytes", "state"),
        ((c.request, c.version, c.caller, c.at, c.until, c.bytes, "shredded" if c.shredded else "kept") for c in found),
        numbers=("bytes",),
        spare=("bytes", "until"),
    )


def _show_one(console: Console, found: CapturedExchange) -> None:
    capture = found.capture
    told = {"request": capture.request, "version": capture.version, "caller": capture.caller, "at": capture.at}
    hidden = ", ".join(f"{count} {kind}" for kind, count in found.hidden.items()) or "nothing"
    showing.facts(console, told | {"until": capture.until, "ledger entry": found.entry, "hidden": hidden})
    for name, content in (("question", found.question), ("answer", found.answer)):
        console.print()
        showing.line(console, f"{name}, {len(content)} bytes:")
        try:
            showing.line(console, content.decode())
        except UnicodeDecodeError:
            showing.line(console, "This is no text. `--json` gives it in base64.")


def _show_shredded(console: Console, made: ShreddedCaptures) -> None:
    count = len(made.keys)
    if not count:
        showing.line(console, "Their keys were destroyed before, and nobody reads it again.")
        return
    showing.line(console, f"Shredded: {count} {'key is' if count == 1 else 'keys are'} destroyed, and nobody reads it again.")


def _after(_desk: Desk, _made: ShreddedCaptures) -> str:
    return "modelward keys rotate-master    (older copies of the database open nothing then)"


def _show_swept(console: Console, swept: SweptCaptures) -> None:
    showing.line(console, f"Removed, for their time was over: {swept.removed}.")
