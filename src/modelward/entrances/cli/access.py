# SPDX-License-Identifier: Apache-2.0
"""`modelward access`: the site's policies beside the roles, and why somebody may do something."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import break_glass, showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.files import read_text
from modelward.entrances.cli.noting import note_strangers
from modelward.entrances.cli.verb import noun, verb

if TYPE_CHECKING:
    from modelward.access import Explanation, SitePolicy, Tenant

_MET = {True: " (met)", False: " (not met)", None: ""}
TenantArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the tenant: letters and digits, no hyphen.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the policy file.")]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    access = noun(app, "access", about="Who may do what: policies beside the roles, and why.", panel="Accountability")

    @verb(access, "explain", show=_show_explanation, example="modelward access explain till models:predict income")
    def explain(
        desk: Desk,
        who: Annotated[str, typer.Argument(metavar="WHO", help="person:NAME, service:NAME, model:NAME, or a name alone.")],
        action: Annotated[str, typer.Argument(metavar="ACTION", help="The permission, such as models:predict.")],
        what: Annotated[str, typer.Argument(metavar="[WHAT]", help="The model or the dataset: model:NAME, dataset:NAME.")] = "",
        *,
        address: Annotated[
            str, typer.Option("--from", metavar="ADDRESS", help="From which address it is asked, where policies look at that.")
        ] = "",
        certificate: Annotated[bool, typer.Option("--certificate", help="Asked with a client certificate.")] = False,
    ) -> Explanation:
        """Say whether somebody may do something, what decided, and what would have to change."""
        return desk.house.access.explain(who, action, what, address=address, has_certificate=certificate, by=desk.actor)

    _declare_tenants(noun(app, "tenants", about="Parts of the house that see only their own.", panel="Accountability"))
    break_glass.declare(access)
    _declare_policies(noun(access, "policies", about="Policies of the site, in Cedar."))


def _declare_policies(policies: typer.Typer) -> None:
    @verb(policies, "put", show=_show_put, example="modelward access policies put night night.cedar")
    def put(
        desk: Desk,
        name: NameArgument,
        file: Annotated[
            Path,
            typer.Argument(
                help="The policies, a file in Cedar; - reads them from the input.", exists=True, dir_okay=False, allow_dash=True
            ),
        ],
        revision: Annotated[
            int, typer.Option(metavar="N", min=0, help="The revision that it takes the place of; 0 where there is none.")
        ] = 0,
    ) -> SitePolicy:
        """Put a file of policies in force, in the place of the revision named."""
        text = read_text(file)
        put = desk.house.access.policies.put(name, text, revision=revision, by=desk.actor)
        note_strangers(desk, text)
        return put

    @verb(policies, "list", show=_show_list)
    def list_(desk: Desk) -> list[SitePolicy]:
        """List the policy files in force; the built-in one, which the roles are, first."""
        return desk.house.access.policies.list(by=desk.actor)

    @verb(policies, "show", show=_show_one)
    def show(desk: Desk, name: NameArgument) -> SitePolicy:
        """Show a file's text; `built-in` is the table of roles."""
        return desk.house.access.policies.show(name, by=desk.actor)

    @verb(policies, "remove", show=lambda console, name: showing.line(console, f"The policy file {name} is out of force."))
    def remove(
        desk: Desk,
        name: NameArgument,
        revision: Annotated[int | None, typer.Option(metavar="N", min=1, help="Only if it has this revision.")] = None,
    ) -> str:
        """Take a file of policies out of force, also one that was altered."""
        return desk.house.access.policies.remove(name, revision=revision, by=desk.actor)


def _declare_tenants(tenants: typer.Typer) -> None:
    @verb(tenants, "add", show=_show_tenant, then=_to_people, example="modelward tenants add north")
    def add(desk: Desk, name: TenantArgument) -> Tenant:
        """Add a tenant; whatever has a name that begins with its own and a hyphen belongs to it."""
        return desk.house.tenants.add(name, by=desk.actor)

    @verb(tenants, "list", show=_show_tenants)
    def list_(desk: Desk) -> list[Tenant]:
        """List tenants."""
        return desk.house.tenants.list(by=desk.actor)

    @verb(tenants, "remove", show=lambda console, name: showing.line(console, f"The tenant {name} is removed."))
    def remove(desk: Desk, name: TenantArgument) -> str:
        """Remove a tenant to which nobody belongs any more."""
        return desk.house.tenants.remove(name, by=desk.actor)


def _show_tenant(console: Console, tenant: Tenant) -> None:
    showing.line(
        console, f"The tenant {tenant.name} is there: its people, keys, data and models have names that begin with {tenant.name}-."
    )


def _to_people(_desk: Desk, tenant: Tenant) -> str:
    return f"modelward users add {tenant.name}-admin --role administrator --tenant {tenant.name}"


def _show_tenants(console: Console, tenants: list[Tenant]) -> None:
    showing.table(console, ("tenant", "added", "by"), ((each.name, each.created, each.by) for each in tenants))


def _show_put(console: Console, policy: SitePolicy) -> None:
    showing.line(console, f"{policy.name} is in force, revision {policy.revision}. Policies in it: {policy.policies}.")


def _show_list(console: Console, policies: list[SitePolicy]) -> None:
    showing.table(
        console,
        ("file", "revision", "policies", "digest", "by", "since"),
        ((p.name, p.revision, p.policies, p.digest[:12], p.by, p.at) for p in policies),
        spare=("digest", "by"),
    )


def _show_one(console: Console, policy: SitePolicy) -> None:
    showing.facts(console, {"file": policy.name, "revision": policy.revision, "by": policy.by, "since": policy.at})
    console.print()
    console.out(policy.text, highlight=False)


def _allowed(explanation: Explanation) -> str:
    if explanation.is_held_up:
        return "yes, and refused until what is not met below is"
    return "yes" if explanation.is_allowed else "no"


def _show_explanation(console: Console, explanation: Explanation) -> None:
    showing.facts(
        console,
        {
            "who": explanation.who,
            "role": explanation.role,
            "tenant": explanation.tenant,
            "models": explanation.models if explanation.models is not None else showing.every_model(explanation.tenant),
            "purpose": explanation.purpose,
            "action": explanation.action,
            "what": explanation.what or "the house",
            "allowed": _allowed(explanation),
        },
    )
    showing.line(console, explanation.reason)
    for ground in explanation.grounds:
        showing.line(console, f"- {ground.kind} {ground.name}: {'permits' if ground.permits else 'forbids'}")
    for each in explanation.conditions:
        showing.line(console, f"- {each.kind}: {each.says}{_MET[each.is_met]}")
    for change in explanation.change:
        showing.line(console, f"To change it: {change}")
