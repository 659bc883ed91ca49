# SPDX-License-Identifier: Apache-2.0
"""What makes a no a yes, or a yes a no: sentences with commands that do it as they are, and policies in Cedar inside them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelward.access.actor import Actor
from modelward.access.credential import Key, User
from modelward.access.deciding import Ground
from modelward.access.judging import TYPES
from modelward.access.permission import (
    NEVER_LIMITED,
    NEVER_OF_TENANTS,
    NEVER_SCOPED,
    PERMISSIONS_OF,
    Permission,
    Role,
    roles_with,
)

_NAME_CHARACTERS: Final = 63
_NOT_IN_NAMES: Final = re.compile("[^a-z0-9]+")
_LAST_DOORS: Final = (Permission.POLICIES_MANAGE, Permission.USERS_MANAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be decided otherwise: who asked, for what, and which names of keys and people are given already."""

    actor: Actor
    permission: Permission
    model: str | None = None
    dataset: str | None = None
    taken: Collection[str] = ()


def forbidding(asked: Asked) -> Iterator[str]:
    """What would make a yes a no."""
    actor, permission = asked.actor, asked.permission
    if actor.id.startswith("local:") and permission is Permission.POLICIES_MANAGE:
        yield "Nothing does: who owns the home could read its database and its keyring anyway."
        return
    yield f"Forbid it with a policy of the site: `{policy_command('forbid', asked)}`."
    if actor.role is Role.ADMINISTRATOR and permission in _LAST_DOORS:
        yield "It is refused where no other administrator could do it."


def permitting(asked: Asked, grounds: Sequence[Ground], *, knows_grants: bool, is_granted: bool = False) -> Iterator[str]:
    """What would make a no a yes; `knows_grants` says that a condition has the command that grants the data already, `is_granted`
    that it is granted.
    """
    actor, permission = asked.actor, asked.permission
    if against := [ground for ground in grounds if not ground.permits]:
        for ground in against:
            yield _remedy(ground, asked)
        return
    if actor.id.startswith("model:") and permission is Permission.DATA_READ:
        if knows_grants:
            return
        if is_granted:
            yield (
                f"Nothing has to change for {actor.id} to learn and be measured from what is granted: that needs no role and no "
                "policy."
            )
            return
        yield (
            f"What {actor.id} learns and is measured from is granted, apart from roles and policies: `modelward data grants` "
            f"shows it, and `modelward data grant {actor.name} {asked.dataset or 'DATASET'} --purpose TEXT` grants it."
        )
        return
    if not actor.id.startswith("model:"):
        roles = ", ".join(roles_with(permission))
        yield f"Give {actor.id} one of the roles that have {permission} ({roles}): `{_role_command(asked)}`."
    yield f"Permit it with a policy of the site: `{policy_command('permit', asked)}`."


def ended_key(key: Key, *, taken: Collection[str], now: datetime) -> tuple[str, str] | None:
    """Why a key opens nothing any more, and what does instead; None where it does."""
    if key.is_valid(now):
        return None
    instead = f"Make another key, under another name: `{key_command(key.actor, role=key.role, taken=taken)}`."
    if key.revoked:
        return f"The key {key.name} ({key.id}) was revoked on {key.revoked:%Y-%m-%d %H:%M} UTC, and opens nothing.", instead
    return f"The key {key.name} ({key.id}) ended on {key.expires:%Y-%m-%d %H:%M} UTC, and opens nothing.", instead


def removed_person(user: User, *, taken: Collection[str]) -> tuple[str, str] | None:
    """That somebody was removed, and how they come back; None where they are there."""
    if not user.removed:
        return None
    words = ["modelward users add", _free_name(user.name, taken), "--role", user.role.value]
    words += ["--tenant", user.tenant] if user.tenant else []
    return (
        f"The person {user.name} was removed on {user.removed:%Y-%m-%d %H:%M} UTC, and cannot sign in.",
        f"Add them again, under another name: `{' '.join(words)}`.",
    )


def policy_command(effect: str, asked: Asked) -> str:
    """The command that puts a policy of one sentence in force, for that actor, permission and thing alone."""
    from modelward.access.cedar.vocabulary import resources_of

    actor, permission = asked.actor, asked.permission
    kind, thing = ("Model", asked.model) if asked.model is not None else ("Dataset", asked.dataset)
    if thing is None:
        kind, thing = "House", "house"
    resource = f"resource == {_uid(kind, thing)}" if kind in resources_of(permission) else "resource"
    principal = _uid(TYPES[actor.id.partition(":")[0]], actor.id.partition(":")[2])
    policy = f'{effect} (principal == {principal}, action == Action::"{permission}", {resource});'
    words = ("not" if effect == "forbid" else "let", actor.name, permission.value, asked.model or asked.dataset or "")
    name = _NOT_IN_NAMES.sub("-", "-".join(words).casefold())[:_NAME_CHARACTERS].strip("-")
    return f"echo {shlex.quote(policy)} | modelward access policies put {name} -"


def key_command(
    actor: Actor,
    *,
    role: Role,
    taken: Collection[str],
    models: Collection[str] | None = None,
    scope: Collection[Permission] | None = None,
) -> str:
    """The command that makes another key for the same service. Without `models` and `scope` it is limited as the actor's is."""
    reached = actor.models if models is None else models
    words = ["modelward keys create --name", _free_name(actor.name, taken), "--role", role.value]
    words += ["--models", ",".join(sorted(reached))] if reached else []
    if allowed := actor.scope if scope is None else scope:
        words += ["--scope", ",".join(each for each in Permission if each in allowed)]
    words += ["--purpose", shlex.quote(actor.purpose)] if actor.purpose else []
    words += ["--tenant", actor.tenant] if actor.tenant else []
    return " ".join(words)


def _role_command(asked: Asked) -> str:
    """For a person another role, for a service another key: the role that may least of those that may this."""
    role = _least_role(asked.permission)
    if asked.actor.id.startswith("person:"):
        return f"modelward users role {asked.actor.name} {role}"
    return key_command(asked.actor, role=role, taken=asked.taken)


def _remedy(ground: Ground, asked: Asked) -> str:
    actor, permission = asked.actor, asked.permission
    match ground.kind:
        case "limit":
            return _without_limit(asked)
        case "tenant" if permission in NEVER_OF_TENANTS:
            return f"Nobody of a tenant has {permission}: ask somebody of the house to do it."
        case "tenant":
            return f"Only the tenant that has it, or the house, reaches it; {actor.id} is of {actor.tenant or 'the house'}."
        case "policy":
            return f"Change or remove the policy {ground.name}: `modelward access policies show {ground.name.partition('/')[0]}`."
        case _:
            return f"Mend what is at fault: {ground.name}."


def _without_limit(asked: Asked) -> str:
    """The way to a key that reaches what this one does not: a limit of a key never changes."""
    actor, permission = asked.actor, asked.permission
    role = actor.role if permission in PERMISSIONS_OF[actor.role] else _least_role(permission)
    scope: Collection[Permission] = () if permission in NEVER_SCOPED else {*(actor.scope or ()), permission} & PERMISSIONS_OF[role]
    models: Collection[str] = actor.models or ()
    if permission in NEVER_LIMITED:
        models = ()
    elif models and asked.model:
        models = {*models, asked.model}
    scope = scope if actor.scope is not None else ()
    command = key_command(actor, role=role, taken=asked.taken, models=models, scope=scope)
    if actor.models is not None and permission in NEVER_LIMITED:
        return f"No key that is limited to models has {permission}: give {actor.id} a key without the limit, `{command}`."
    return f"Give {actor.id} a key that reaches further: `{command}`."


def _least_role(permission: Permission) -> Role:
    return min(roles_with(permission), key=_breadth)


def _breadth(role: Role) -> int:
    return len(PERMISSIONS_OF[role])


def _free_name(name: str, taken: Collection[str]) -> str:
    """The name with the first number that nobody has, or had."""
    number = 2
    while (found := f"{name[: _NAME_CHARACTERS - len(str(number)) - 1]}-{number}") in taken:
        number += 1
    return found


def _uid(kind: str, name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{kind}::"{quoted}"'
