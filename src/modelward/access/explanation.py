# SPDX-License-Identifier: Apache-2.0
"""Why somebody may do something, or may not: what decided, and what would have to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from modelward.access.actor import Actor
from modelward.access.condition import Condition, of_origin
from modelward.access.credential import Key, User
from modelward.access.judging import Ground, HouseJudge
from modelward.access.name import check_name
from modelward.access.permission import NEVER_LIMITED, Permission, Role, roles_with
from modelward.errors import InvalidError, NotFoundError

_SHOWN: Final = 80


class UnknownPermissionError(InvalidError):
    """Nothing that can be allowed has that name."""


class NobodyKnownError(NotFoundError):
    """No person, key or model is meant by that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Whether `who` may do `action` with `what`, and everything that bore on it.

    `what` is `model:NAME`, `dataset:NAME` or nothing in particular. `change` says what would make a no a yes, and what would make a
    yes a no. `conditions` are what must hold beside it: a yes whose condition is not met is refused where it is done.
    """

    who: str
    role: str
    tenant: str
    models: tuple[str, ...] | None
    purpose: str
    action: str
    what: str
    is_allowed: bool
    reason: str
    grounds: tuple[Ground, ...]
    change: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()


def parse_permission(text: str) -> Permission:
    """The permission called `text`.

    Raises:
        UnknownPermissionError: there is none; the message lists those there are.
    """
    try:
        return Permission(text)
    except ValueError:
        known = ", ".join(Permission)
        raise UnknownPermissionError(f"Nothing that can be allowed is called {text[:_SHOWN]!r}. There is: {known}.") from None


def actor_meant(who: str, *, people: Sequence[User], keys: Sequence[Key]) -> Actor:
    """Who is meant: `person:ada`, `service:till`, `model:income`, `local:NAME`, the id of a key, or just the name of one of these.

    Raises:
        NobodyKnownError: nobody, or nobody any more. InvalidNameError: no model can have that name.
    """
    kind, _, name = who.rpartition(":")
    now = datetime.now(UTC)
    person = next((user for user in people if user.name == name and not user.removed), None)
    key = next((key for key in keys if name in (key.name, key.id) and key.is_valid(now)), None)
    if kind in ("", "person") and person:
        return person.actor("")
    if kind in ("", "service") and key:
        return key.actor
    if kind == "local":
        return Actor(id=who, name=name, role=Role.ADMINISTRATOR)
    if kind == "model":
        return Actor(id=who, name=check_name("model", name), role=Role.CALLER)
    raise NobodyKnownError(
        f"Nobody here is called {who[:_SHOWN]!r}, or no longer. Say person:NAME, service:NAME or model:NAME; "
        "`modelward users list` and `modelward keys list` show who there is."
    )


def thing_meant(what: str, permission: Permission) -> tuple[str | None, str | None]:
    """The model or the dataset that is meant by `model:income`, `dataset:adult`, or a name alone: what the permission is asked for.

    Raises:
        InvalidNameError: nothing can be called that.
    """
    kind, _, name = what.rpartition(":")
    if not what:
        return None, None
    is_dataset = kind == "dataset" or (not kind and permission.startswith("data:"))
    if kind not in ("", "model", "dataset"):
        # `income:3` is a version, and what is asked for is its model.
        is_dataset, name = False, kind
    check_name("dataset" if is_dataset else "model", name)
    return (None, name) if is_dataset else (name, None)


def subject_of(model: str | None, dataset: str | None) -> str:
    """The thing as people write it; nothing for the house."""
    return f"model:{model}" if model is not None else f"dataset:{dataset}" if dataset is not None else ""


def explain(
    judge: HouseJudge,
    actor: Actor,
    permission: Permission,
    *,
    model: str | None,
    dataset: str | None,
    conditions: Sequence[Condition] = (),
) -> Explanation:
    """What the judge says, and why; and the conditions beside it."""
    weighed = judge.weigh(actor, permission, model=model, dataset=dataset)
    if weighed.by_origin:
        conditions = (*conditions, of_origin(actor.origin))
    what = subject_of(model, dataset)
    changes = _changes(actor, permission, weighed.grounds, what, is_allowed=weighed.decision.is_allowed)
    return Explanation(
        who=actor.id,
        role="" if actor.id.startswith("model:") else actor.role.value,
        tenant=actor.tenant,
        models=actor.models,
        purpose=actor.purpose,
        action=permission.value,
        what=what,
        is_allowed=weighed.decision.is_allowed,
        reason=weighed.decision.reason,
        grounds=weighed.grounds,
        change=(*(each.change for each in conditions if each.change), *changes),
        conditions=tuple(conditions),
    )


def _changes(actor: Actor, permission: Permission, grounds: Sequence[Ground], what: str, *, is_allowed: bool) -> list[str]:
    """What somebody would have to do for the answer to be the other one."""
    thing = what or "the house"
    if is_allowed:
        return [f"Forbid it with a policy of the site: forbid that principal {permission} on {thing}."]
    needed = [_remedy(ground, actor, permission) for ground in grounds if not ground.permits]
    if needed:
        return needed
    if actor.id.startswith("model:"):
        return [
            f"What {actor.id} learns and is measured from is granted, apart from roles and policies: `modelward data grants` "
            f"shows it, and `modelward data grant {actor.id.removeprefix('model:')} DATASET --purpose TEXT` grants it."
        ]
    return [
        f"Give {actor.id} one of the roles that have {permission}: {', '.join(roles_with(permission))}.",
        f"Or permit it with a policy of the site: permit that principal {permission} on {thing}.",
    ]


def _remedy(ground: Ground, actor: Actor, permission: Permission) -> str:
    match ground.kind:
        case "limit" if permission in NEVER_LIMITED:
            return f"No key that is limited to models has {permission}: give {actor.id} a key without the limit."
        case "limit":
            return f"Give {actor.id} a key that reaches the model: `modelward keys create`."
        case "tenant":
            return f"Only the tenant that has it, or the house, reaches it; {actor.id} is of {actor.tenant or 'the house'}."
        case "policy":
            return f"Change or remove the policy {ground.name}: `modelward access policies show {ground.name.partition('/')[0]}`."
        case _:
            return f"Mend what is at fault: {ground.name}."
