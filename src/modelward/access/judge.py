# SPDX-License-Identifier: Apache-2.0
"""A judge says whether an actor may do something, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from modelward.access.permission import NEVER_LIMITED, PERMISSIONS_OF, Permission, roles_with

if TYPE_CHECKING:
    from modelward.access.actor import Actor


@dataclass(frozen=True, slots=True)
class Decision:
    """What a judge said. `reason` names what decided; of a refusal, it says what to do about it.

    `is_hidden`: to this actor, the thing is not there. `until` is when it may have changed by itself, where it may.
    `emergency` is what was given in an emergency and alone allows it; that is a use, and goes on record before it goes on.
    `emergency_ends` is when that is over: nothing that is made by it should outlast it.
    """

    is_allowed: bool
    reason: str
    is_hidden: bool = False
    until: datetime | None = None
    emergency: str = ""
    emergency_ends: datetime | None = None


class Judge(Protocol):
    """Decides what actors may do.

    A judge MUST refuse what nothing allows, and what it cannot decide. It MUST say the same of the same actor and thing until what
    it judges by is changed, and MUST NOT write anything.
    """

    def decide(self, actor: Actor, permission: Permission, *, model: str | None = None, dataset: str | None = None) -> Decision:
        """Whether `actor` may, for that `model` or `dataset` where one is named."""
        ...

    def note_use(self, actor: Actor, decision: Decision, permission: Permission, *, model: str | None, dataset: str | None) -> None:
        """Put on record that `actor` does what nothing but an emergency allows, before it is done."""
        ...


class ByRole:
    """The house's own table: an actor may what its role may, with the models that its credential reaches.

    An actor limited to some models never manages users or keys, nor reads the whole ledger.
    """

    def decide(
        self,
        actor: Actor,
        permission: Permission,
        *,
        model: str | None = None,
        dataset: str | None = None,  # noqa: ARG002  # no role and no key is limited to datasets
    ) -> Decision:
        if permission not in PERMISSIONS_OF[actor.role]:
            return Decision(is_allowed=False, reason=lacks_by_role(actor, permission))
        if reaches(actor, permission, model):
            return Decision(is_allowed=True, reason=f"{actor.id} is {actor.role}, which has {permission}.")
        return Decision(is_allowed=False, reason=lacks_by_limit(actor, permission, model))

    def note_use(self, actor: Actor, decision: Decision, permission: Permission, *, model: str | None, dataset: str | None) -> None:
        """Nothing: a role is no emergency."""


def reaches(actor: Actor, permission: Permission, model: str | None) -> bool:
    """Whether the limit of the actor's credential lets it through."""
    if actor.scope is not None and permission not in actor.scope:
        return False
    return actor.models is None or (permission not in NEVER_LIMITED and (model is None or model in actor.models))


def lacks_by_role(actor: Actor, permission: Permission) -> str:
    """Why it is refused where no role of the actor's has the permission."""
    return (
        f"{actor.id} is {actor.role} and lacks {permission}. "
        f"Roles that have it: {', '.join(roles_with(permission))}. Ask an administrator."
    )


def lacks_by_limit(actor: Actor, permission: Permission, model: str | None) -> str:
    """Why it is refused where the credential is limited to something else."""
    if actor.scope is not None and permission not in actor.scope:
        return (
            f"{actor.id} lacks {permission}: its key is for {', '.join(sorted(actor.scope))} alone. "
            "Ask an administrator for a key that is for more: `modelward keys create`."
        )
    what = f"{permission} for model {model!r}" if model is not None else permission
    return (
        f"{actor.id} lacks {what}: its key is limited to {', '.join(actor.models or ()) or 'no model'}. "
        "Ask an administrator for a key that reaches further: `modelward keys create`."
    )


BY_ROLE: Final = ByRole()
