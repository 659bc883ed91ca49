# SPDX-License-Identifier: Apache-2.0
"""`modelward release`: propose, decide, promote, pause, roll back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.files import read_text
from modelward.entrances.cli.noting import note_erased, note_lacks, note_models_to_come, note_unmeasured
from modelward.entrances.cli.verb import noun, verb

if TYPE_CHECKING:
    from modelward.releases import PolicyText, Release

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the release, such as r-1.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    nouns = noun(app, "release", about="Decide what may go live.", panel="Accountability")

    @verb(nouns, "propose", show=show_release, then=next_step, example="modelward release propose income:2")
    def propose(
        desk: Desk,
        version: Annotated[str, typer.Argument(metavar="MODEL:V", help="The version, such as income:3.")],
        policy: Annotated[
            str | None,
            typer.Option(metavar="NAME", help="The policy that decides, where none governs the model; `default` if left out."),
        ] = None,
    ) -> Release:
        """Propose a version; its policy decides at once, over what was measured."""
        return desk.house.releases.propose(version, policy=policy, by=desk.actor)

    @verb(nouns, "list", show=_show_list)
    def list_(
        desk: Desk, model: Annotated[str, typer.Option(metavar="MODEL", help="Only those of this model.")] = ""
    ) -> Sequence[Release]:
        """List releases, newest first."""
        return desk.house.releases.list(model=model, by=desk.actor)

    @verb(nouns, "show", show=show_release)
    def show(desk: Desk, id: Id) -> Release:
        """Show a release with every decision."""
        found = desk.house.releases.show(id, by=desk.actor)
        note_erased(desk, found.version)
        return found

    _declare_decisions(nouns)

    _declare_going_live(nouns)
    _declare_policies(nouns)


def _declare_decisions(nouns: typer.Typer) -> None:
    @verb(
        nouns,
        "approve",
        show=show_release,
        then=next_step,
        example="modelward release approve r-1 --reason 'fairness was discussed on 3 May'",
    )
    def approve(desk: Desk, id: Id, reason: Reason) -> Release:
        """Approve a release that somebody else proposed."""
        return desk.house.releases.approve(id, reason=reason, by=desk.actor)

    @verb(nouns, "refuse", show=show_release)
    def refuse(desk: Desk, id: Id, reason: Reason) -> Release:
        """Refuse a release."""
        return desk.house.releases.refuse(id, reason=reason, by=desk.actor)


def _declare_going_live(nouns: typer.Typer) -> None:
    @verb(nouns, "promote", show=show_release, then=next_step)
    def promote(desk: Desk, id: Id) -> Release:
        """Let an approved release go live, or a paused one again."""
        live = desk.house.releases.promote(id, by=desk.actor)
        note_erased(desk, live.version)
        return live

    @verb(
        nouns,
        "pause",
        show=show_release,
        then=next_step,
        example="modelward release pause r-1 --reason 'wrong units in the source'",
    )
    def pause(desk: Desk, id: Id, reason: Reason = "") -> Release:
        """Take the live version offline; nothing answers for its model."""
        return desk.house.releases.pause(id, reason=reason, by=desk.actor)

    @verb(nouns, "rollback", show=show_release, then=next_step)
    def rollback(desk: Desk, model: Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]) -> Release:
        """Take the live or paused version back; the one before it is live again."""
        live = desk.house.releases.roll_back(model, by=desk.actor)
        note_erased(desk, live.version)
        return live


def _declare_policies(nouns: typer.Typer) -> None:
    policies = noun(nouns, "policy", about="The policies that decide.")

    @verb(policies, "put", show=_show_put, example="modelward release policy put policy.yaml")
    def put(
        desk: Desk, file: Annotated[Path, typer.Argument(help="The policy, a YAML file.", exists=True, dir_okay=False)]
    ) -> PolicyText:
        """Put a policy in place under the name it says."""
        kept = desk.house.releases.policies.put(read_text(file), by=desk.actor)
        note_models_to_come(desk, [model for model in kept.models if model != "*"], what="policy governs")
        note_unmeasured(desk, kept.text)
        note_lacks(desk, kept)
        return kept

    @verb(policies, "list", show=_show_policies)
    def list_(desk: Desk) -> Sequence[PolicyText]:
        """List the policies in place."""
        return desk.house.releases.policies.list(by=desk.actor)

    @verb(policies, "show", show=_show_policy)
    def show(desk: Desk, name: Annotated[str, typer.Argument(help="Name of the policy.")]) -> PolicyText:
        """Show a policy's text."""
        found = desk.house.releases.policies.show(name, by=desk.actor)
        note_lacks(desk, found)
        return found


def show_release(console: Console, release: Release) -> None:
    """A release with its decisions."""
    showing.facts(
        console,
        {
            "release": release.id,
            "version": release.version,
            "state": showing.verdict(release.state.value),
            "policy": release.policy,
            "proposed by": release.proposer,
            "approvals": f"{len(release.approvals)} of {release.approvals_needed}",
        },
    )
    console.print()
    showing.table(
        console,
        ("verdict", "rule", "reason"),
        ((showing.verdict(decision.verdict), decision.rule, decision.reason) for decision in release.decisions),
        text=("rule", "reason"),
    )
    for approval in release.approvals:
        console.print(f"{showing.verdict('approved')} by {approval.actor}: {showing.cell(approval.reason)}", highlight=False)
    if release.pause:
        console.print(f"{showing.verdict('paused')} by {showing.cell(release.pause)}", highlight=False)
    said = {"live": f"{release.version} is live.", "paused": f"Nothing answers for {release.model}: {release.version} is paused."}
    if release.state.value in said:
        showing.line(console, said[release.state.value])
    if release.refusal and not release.refused:
        console.print(f"{showing.verdict('refused')} {showing.cell(release.refusal)}", highlight=False)


def next_step(_desk: Desk, release: Release) -> str:
    """See `step_of`; what follows a command is asked with its desk."""
    return step_of(release)


def step_of(release: Release) -> str:
    """What comes next for a release, and who does it."""
    missing = release.approvals_needed - len(release.approvals)
    steps = {
        "awaiting-approval": f"modelward release approve {release.id} --reason TEXT    ({missing} more, by people other than "
        f"{release.proposer} who may decide releases: a risk-officer)",
        "approved": f"modelward release promote {release.id}    (by somebody who may promote: an operator)",
        "live": f"modelward predict {release.model} FILE    (or POST /v1/models/{release.model}/predict)",
        "paused": f"modelward release promote {release.id}    (to have it live again)",
    }
    return steps.get(release.state.value, "")


def _show_list(console: Console, releases: Sequence[Release]) -> None:
    showing.table(
        console,
        ("release", "version", "state", "policy", "proposed by", "proposed"),
        ((r.id, r.version, showing.verdict(r.state.value), r.policy, r.proposer, r.proposed) for r in releases),
        spare=("proposed by", "policy"),
    )


def _show_policies(console: Console, policies: Sequence[PolicyText]) -> None:
    showing.table(
        console,
        ("policy", "models", "number", "approvals", "by", "digest"),
        (
            (policy.name, policy.models, policy.number, policy.approvals, policy.by, showing.beginning(policy.digest))
            for policy in policies
        ),
        numbers=("number", "approvals"),
        text=("models",),
        spare=("digest", "by"),
    )


def _show_put(console: Console, policy: PolicyText) -> None:
    showing.line(console, f"Policy {policy.name} is in place (number {policy.number}); {_reach(policy)}.")


def _reach(policy: PolicyText) -> str:
    if not policy.models:
        return f"it governs no model, and decides where a proposal names {'it or none' if policy.name == 'default' else 'it'}"
    return "it governs every model that no other policy names" if "*" in policy.models else f"it governs {', '.join(policy.models)}"


def _show_policy(console: Console, policy: PolicyText) -> None:
    showing.line(console, policy.text.rstrip())
