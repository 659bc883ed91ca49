# SPDX-License-Identifier: Apache-2.0
"""`modelward users` and `modelward keys`: who may come in, and as what."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from getpass import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import keyring, showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.limits import limiting
from modelward.entrances.cli.noting import note_models_to_come
from modelward.entrances.cli.verb import noun, verb
from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.access import Invitation, IssuedKey, Key, Role, Standing, User

_PANEL = "Accountability"
RoleOption = Annotated[
    str, typer.Option(metavar="ROLE", help="administrator, data-owner, data-scientist, risk-officer, operator, caller or auditor.")
]
TenantOption = Annotated[
    str | None,
    typer.Option(metavar="TENANT", help="The tenant they belong to; else that of who adds them.", callback=limiting),
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of the key; `modelward keys list` shows it.")]
UserName = Annotated[str, typer.Argument(help="Name of the person.")]


class NoTerminalError(InvalidError):
    """A password is to be typed, and nobody is at a terminal."""


class PasswordsDifferError(InvalidError):
    """A new password was typed in two ways."""


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    _declare_users(noun(app, "users", about="People who sign in to the console.", panel=_PANEL))
    _declare_keys(noun(app, "keys", about="API keys of services.", panel=_PANEL))


def _declare_users(users: typer.Typer) -> None:
    @verb(users, "add", show=None, then=_to_sign_in, example="modelward users add ada --role risk-officer")
    def add(desk: Desk, name: UserName, role: RoleOption, tenant: TenantOption = None) -> None:
        """Add a person; prints a link to sign in with, once."""
        made = desk.house.access.add_user(name, role=_role(role), tenant=tenant or "", by=desk.actor)
        desk.answer(made, partial(_show_invitation, desk))

    @verb(users, "invite", show=None, then=_to_sign_in)
    def invite(desk: Desk, name: UserName) -> None:
        """Make a new link for a person to sign in with, once; the one before it ends."""
        made = desk.house.access.invite(name, by=desk.actor)
        desk.answer(made, partial(_show_invitation, desk))

    @verb(users, "list", show=_show_users)
    def list_(desk: Desk) -> list[User]:
        """List people."""
        return desk.house.access.users(by=desk.actor)

    @verb(users, "remove", show=lambda console, user: showing.line(console, f"{user.name} is removed."))
    def remove(desk: Desk, name: UserName) -> User:
        """Remove a person and end their sessions."""
        return desk.house.access.remove_user(name, by=desk.actor)

    @verb(
        users,
        "role",
        show=lambda console, user: showing.line(console, f"{user.name} is {user.role.value} now."),
        example="modelward users role ada auditor",
    )
    def role(
        desk: Desk, name: UserName, role: Annotated[str, typer.Argument(metavar="ROLE", help="The role that they are to have.")]
    ) -> User:
        """Give a person another role; their sessions end."""
        return desk.house.access.accounts.change_role(name, _role(role), by=desk.actor)

    @verb(users, "password", show=lambda console, user: showing.line(console, f"{user.name} has the new password."))
    def password(desk: Desk, name: UserName) -> User:
        """Give a person a password, asked for at the terminal and not shown; their sessions and an unused link end."""
        return desk.house.access.accounts.set_password(name, _asked_password(name), by=desk.actor)

    @verb(users, "sessions", show=_show_standing, example="modelward users sessions ada --end all")
    def sessions(
        desk: Desk,
        name: UserName,
        end: Annotated[str, typer.Option(metavar="ID", help="End the session of that id; or `all`.")] = "",
    ) -> Standing:
        """Show how a person signs in and where they are signed in; or end sessions."""
        accounts = desk.house.access.accounts
        if end:
            accounts.end_sessions(name, "" if end == "all" else end, by=desk.actor)
        return accounts.standing(name, by=desk.actor)

    @verb(users, "unlock", show=lambda console, user: showing.line(console, f"{user.name} need not wait to sign in."))
    def unlock(desk: Desk, name: UserName) -> User:
        """Forget the failed sign-ins of a person, so that they need not wait for the next."""
        return desk.house.access.accounts.unlock(name, by=desk.actor)


def _declare_keys(keys: typer.Typer) -> None:
    @verb(
        keys,
        "create",
        show=_show_issued,
        then=_to_call,
        example="modelward keys create --name till --role caller --models income",
    )
    def create(
        desk: Desk,
        name: Annotated[str, typer.Option(metavar="NAME", help="Name of the service that will use it.")],
        role: RoleOption,
        models: Annotated[
            list[str] | None,
            typer.Option(metavar="MODEL", help="Only this model; repeat it, or separate by commas.", callback=limiting),
        ] = None,
        purpose: Annotated[str | None, typer.Option(help="What it is for.", callback=limiting)] = None,
        scope: Annotated[
            list[str] | None,
            typer.Option(
                metavar="PERMISSION", help="Only this of what the role may; repeat it, or separate by commas.", callback=limiting
            ),
        ] = None,
        requests_per_minute: Annotated[int | None, typer.Option(metavar="N", help="Most requests in a minute.")] = None,
        requests_per_day: Annotated[int | None, typer.Option(metavar="N", help="Most requests in a day.")] = None,
        rows_per_minute: Annotated[int | None, typer.Option(metavar="N", help="Most rows in a minute.")] = None,
        rows_per_day: Annotated[int | None, typer.Option(metavar="N", help="Most rows in a day.")] = None,
        expires: Annotated[datetime | None, typer.Option(metavar="DATE", help="When it ends, UTC, such as 2030-01-31.")] = None,
        tenant: TenantOption = None,
    ) -> IssuedKey:
        """Make a key; its secret is shown this one time."""
        from modelward.access import Quota, parse_permission

        quota = Quota(
            requests_per_minute=requests_per_minute,
            requests_per_day=requests_per_day,
            rows_per_minute=rows_per_minute,
            rows_per_day=rows_per_day,
        )
        made = desk.house.access.create_key(
            name,
            role=_role(role),
            models=_parts(models),
            purpose=purpose or "",
            scope=[parse_permission(each) for each in permissions] if (permissions := _parts(scope)) else None,
            quota=quota if quota.limits_anything else None,
            expires=expires.replace(tzinfo=UTC) if expires else None,
            tenant=tenant or "",
            by=desk.actor,
        )
        note_models_to_come(desk, made.key.models or (), what="key reaches")
        return made

    @verb(keys, "list", show=_show_keys)
    def list_(
        desk: Desk,
        name: Annotated[str, typer.Option(metavar="BEGINNING", help="Only those whose names begin so.")] = "",
        limit: Annotated[int | None, typer.Option(help="How many at most, the newest ones.", min=1, max=10_000)] = None,
    ) -> list[Key]:
        """List keys, without their secrets."""
        return desk.house.access.keys(name=name, limit=limit, by=desk.actor)

    keyring.declare(keys)

    @verb(keys, "show", show=_show_key)
    def show(desk: Desk, id: KeyId) -> Key:
        """Show a key, without its secret: what it may, its limits, and when it was used last."""
        return desk.house.access.key(id, by=desk.actor)

    @verb(keys, "rotate", show=_show_issued, example="modelward keys rotate KEY_ID --grace 3600")
    def rotate(
        desk: Desk,
        id: KeyId,
        grace: Annotated[
            int, typer.Option(metavar="SECONDS", help="For how long the secret that it had still opens it, up to 30 days.")
        ] = 86_400,
    ) -> IssuedKey:
        """Give a key a new secret, which is shown this one time. The key stays what it is."""
        return desk.house.access.rotate_key(id, grace_seconds=grace, by=desk.actor)

    @verb(keys, "revoke", show=lambda console, key: showing.line(console, f"The key {key.id} ({key.name}) is revoked."))
    def revoke(desk: Desk, id: KeyId) -> Key:
        """End a key for good."""
        return desk.house.access.revoke_key(id, by=desk.actor)


def _asked_password(name: str) -> str:
    """What is typed twice at the terminal. Arguments and variables are seen by others, and pipes are left in histories."""
    if not sys.stdin.isatty():
        raise NoTerminalError(f"A password is typed at a terminal. Run `modelward users password {name}` in one, or invite {name}.")
    first = getpass(f"New password of {name}: ")
    if getpass("The same once more: ") != first:
        raise PasswordsDifferError("The password was not typed the same way twice. Nothing was changed.")
    return first


def _parts(given: list[str] | None) -> list[str] | None:
    return [part.strip(" ") for each in given for part in each.split(",") if part.strip(" ")] if given else None


def _role(text: str) -> Role:
    from modelward.access import parse_role

    return parse_role(text)


def _show_invitation(desk: Desk, console: Console, invitation: Invitation) -> None:
    showing.facts(console, {"user": invitation.user.name, "role": invitation.user.role.value, "good until": invitation.expires})
    showing.line(console, f"{desk.address}/console/sign-in?token={invitation.token}")
    showing.line(console, "The link works once. Send it over a channel you trust.")
    if not desk.is_remote:
        showing.line(console, f"Where the address of your server is another, put that in place of {desk.address}.")


def _to_sign_in(desk: Desk, _none: None) -> str:
    return "" if desk.is_remote else "modelward serve    (the link opens while the server runs)"


def _to_call(desk: Desk, issued: IssuedKey) -> str:
    key = issued.key
    if key.role.value != "caller":
        there = f" --url {desk.address}" if desk.is_remote else ""
        return f"modelward model list --key mw_…{there}    (acts as {key.name}; so does the variable MODELWARD_KEY)"
    model = key.models[0] if key.models else "MODEL"
    return f"curl -H 'Authorization: Bearer mw_…' -d '{{\"rows\": [{{…}}]}}' {desk.address}/v1/models/{model}/predict"


def _show_issued(console: Console, issued: IssuedKey) -> None:
    showing.facts(console, {**_facts(issued.key), "secret": issued.secret})
    if issued.key.former_until:
        showing.line(console, f"The secret before it opens the key until {issued.key.former_until:%Y-%m-%d %H:%M} UTC.")
    showing.line(console, "Keep the secret now: it is not stored and cannot be shown again.")


def _show_key(console: Console, key: Key) -> None:
    told = {"created": key.created, "by": key.by, "last used (to the hour)": key.last_used or "not seen yet"}
    ends = {"expires": key.expires, "former secret ends": key.former_until, "revoked": key.revoked}
    showing.facts(console, _facts(key) | told | {what: moment for what, moment in ends.items() if moment})


def _facts(key: Key) -> dict[str, object]:
    facts: dict[str, object] = {
        "key": key.id,
        "name": key.name,
        "role": key.role.value,
        "models": _models(key),
    }
    if key.tenant:
        facts["tenant"] = key.tenant
    if key.purpose:
        facts["purpose"] = key.purpose
    if key.scope is not None:
        facts["scope"] = tuple(key.scope)
    if key.quota is not None:
        facts["quota"] = str(key.quota)
    return facts | {"secrets begin": key.prefix}


def _models(key: Key) -> str | tuple[str, ...]:
    """The models that a key is limited to; or all of its tenant's, or of the house."""
    return key.models if key.models is not None else showing.every_model(key.tenant)


def _show_users(console: Console, users: list[User]) -> None:
    showing.table(
        console,
        ("user", "role", "added", "by", "removed"),
        ((u.name, u.role.value, u.created, u.by, u.removed) for u in users),
        spare=("by",),
    )


def _show_standing(console: Console, standing: Standing) -> None:
    facts = {
        "user": standing.name,
        "role": standing.role.value,
        "password": "yes" if standing.has_password else "no",
        "second factor": f"yes, recovery codes left: {standing.recovery_codes}" if standing.has_second_factor else "no",
        "sign-in provider": "yes" if standing.has_provider else None,
        "unused link until": standing.invited_until,
        "must wait until": standing.locked,
    }
    showing.facts(console, {name: value for name, value in facts.items() if value is not None})
    showing.table(
        console,
        ("session", "came by", "opened", "last seen", "ends"),
        ((each.id, each.means, each.opened, each.seen, each.expires) for each in standing.sessions),
    )


def _show_keys(console: Console, keys: list[Key]) -> None:
    showing.table(
        console,
        ("key", "name", "role", "models", "purpose", "created", "last used", "expires", "revoked"),
        (
            (
                k.id,
                k.name,
                k.role.value,
                _models(k),
                k.purpose,
                k.created,
                k.last_used,
                k.expires,
                k.revoked,
            )
            for k in keys
        ),
        text=("purpose", "models"),
        spare=("purpose", "created"),
    )
