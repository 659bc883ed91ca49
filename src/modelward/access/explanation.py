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
from modelward.access.deciding import Ground
from modelward.access.judge import Decision
from modelward.access.judging import HouseJudge
from modelward.access.name import check_name
from modelward.access.permission import Permission, Role
from modelward.access.remedy import Asked, ended_key, forbidding, permitting, removed_person
from modelward.errors import InvalidError, NotFoundError

_SHOWN: Final = 80


class UnknownPermissionError(InvalidError):
    """Nothing that can be allowed has that name."""


class UnfitThingError(InvalidError):
    """What it is asked of is nothing that the permission is about."""


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

    @property
    def is_held_up(self) -> bool:
        """Whether it is allowed, and refused all the same until a condition is met."""
        return self.is_allowed and any(each.is_met is False for each in self.conditions)


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


@dataclass(frozen=True, slots=True)
class Meant:
    """Who is meant. `ended` says why they come in no more, and what to do about it, where that is so."""

    actor: Actor
    ended: tuple[str, str] | None = None


def meant_by(who: str, *, people: Sequence[User], keys: Sequence[Key]) -> Meant:
    """Who is meant: `person:ada`, `service:till`, `model:income`, `local:NAME`, the id of a key, or just the name of one of these.
    Of several, one who still comes in.

    Raises:
        NobodyKnownError: nobody, and nobody ever was. InvalidNameError: no model can have that name.
    """
    kind, _, name = who.rpartition(":")
    now, taken = datetime.now(UTC), names_taken(people, keys)
    if kind == "local":
        return Meant(Actor(id=who, name=name, role=Role.ADMINISTRATOR))
    if kind == "model":
        return Meant(Actor(id=who, name=check_name("model", name), role=Role.CALLER))
    persons = [each for each in people if each.name == name and kind in ("", "person")]
    services = [each for each in keys if name in (each.name, each.id) and kind in ("", "service")]
    found = [Meant(each.actor(""), removed_person(each, taken=taken)) for each in persons]
    found += [Meant(each.actor, ended_key(each, taken=taken, now=now)) for each in services]
    if found:
        return next((each for each in found if not each.ended), found[0])
    raise NobodyKnownError(
        f"Nobody here is called {who[:_SHOWN]!r}. Say person:NAME, service:NAME or model:NAME; "
        "`modelward users list` and `modelward keys list` show who there is."
    )


def names_taken(people: Sequence[User], keys: Sequence[Key]) -> frozenset[str]:
    """The names that nobody else gets: those of people and of keys, ended ones too."""
    return frozenset({each.name for each in people} | {each.name for each in keys})


def thing_meant(what: str, permission: Permission) -> tuple[str | None, str | None]:
    """The model or the dataset that is meant by `model:income`, `dataset:adult`, or a name alone: what the permission is asked for.

    Raises:
        InvalidNameError: nothing can be called that. UnfitThingError: the permission is not about such things.
    """
    from modelward.access.cedar.vocabulary import resources_of

    kind, _, name = what.rpartition(":")
    if not what:
        return None, None
    is_dataset = kind == "dataset" or (not kind and permission.startswith("data:"))
    if kind not in ("", "model", "dataset"):
        # `income:3` is a version, and what is asked for is its model.
        is_dataset, name = False, kind
    check_name("dataset" if is_dataset else "model", name)
    fits = resources_of(permission)
    if ("Dataset" if is_dataset else "Model") not in fits:
        about = "models" if "Model" in fits else "the house as a whole"
        raise UnfitThingError(f"{permission} is about {about}, and not about {what[:_SHOWN]!r}. Ask of what it is about.")
    return (None, name) if is_dataset else (name, None)


def subject_of(model: str | None, dataset: str | None) -> str:
    """The thing as people write it; nothing for the house."""
    return f"model:{model}" if model is not None else f"dataset:{dataset}" if dataset is not None else ""


def explain(judge: HouseJudge, meant: Meant, asked: Asked, *, conditions: Sequence[Condition] = ()) -> Explanation:
    """What the judge says, and why; and the conditions beside it. Who comes in no more is told so, and nothing else."""
    actor, permission = meant.actor, asked.permission
    weighed = judge.weigh(actor, permission, model=asked.model, dataset=asked.dataset)
    decision, grounds = weighed.decision, weighed.grounds
    if meant.ended:
        reason, instead = meant.ended
        decision, grounds = Decision(is_allowed=False, reason=reason), (Ground("ended", actor.id, permits=False),)
        conditions, changes = (), [instead]
    else:
        conditions = [each for each in conditions if _is_shown(each, decision, grounds)]
        conditions += [of_origin(actor.origin)] if weighed.by_origin else []
        is_told = any(each.kind == "grant" and each.change for each in conditions)
        is_granted = any(each.kind == "grant" and each.is_met for each in conditions)
        remedies = (
            forbidding(asked) if decision.is_allowed else permitting(asked, grounds, knows_grants=is_told, is_granted=is_granted)
        )
        changes = [*remedies]
    return Explanation(
        who=actor.id,
        role="" if actor.id.startswith("model:") else actor.role.value,
        tenant=actor.tenant,
        models=actor.models,
        purpose=actor.purpose,
        action=permission.value,
        what=subject_of(asked.model, asked.dataset),
        is_allowed=decision.is_allowed,
        reason=decision.reason,
        grounds=grounds,
        change=(*(each.change for each in conditions if each.change), *changes),
        conditions=tuple(conditions),
    )


def _is_shown(condition: Condition, decision: Decision, grounds: Sequence[Ground]) -> bool:
    """Whether a condition is for who asks: of what somebody does not reach, they learn neither terms nor grants nor purpose."""
    if condition.kind in ("terms", "purpose"):
        return decision.is_allowed
    return condition.kind != "grant" or all(ground.permits or ground.kind != "tenant" for ground in grounds)
