# SPDX-License-Identifier: Apache-2.0
"""An actor: who asks, in which role, and for which models."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from modelward.access.judge import BY_ROLE, Decision, Judge
from modelward.access.origin import NOWHERE, Origin
from modelward.access.permission import Permission, Role
from modelward.access.quota import Quota
from modelward.errors import NotFoundError, RefusedError


class NotPermittedError(RefusedError):
    """The actor's role or credential does not allow it."""


class NotYoursError(NotFoundError):
    """A tenant has no model or dataset of that name; whether another has is not told."""


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is what the ledger says: `person:ada`, `service:till` or `local:` and the system user who owns the home.

    `models` limits every permission that concerns a model to those; None is every model. `credential` is the id of the key or
    the session, never its secret. `tenant` is the part of the house that the actor belongs to; "" is the house itself. `scope` is
    all that the credential may be used for, whatever the role may do besides; None is all of that. `quota` is how much it may ask.
    `origin` is the connection that they ask on.
    """

    id: str
    name: str
    role: Role
    models: tuple[str, ...] | None = None
    purpose: str = ""
    credential: str = ""
    tenant: str = ""
    scope: frozenset[Permission] | None = None
    quota: Quota | None = None
    judge: Judge = field(default=BY_ROLE, repr=False, compare=False)
    origin: Origin = field(default=NOWHERE, repr=False, compare=False)

    def may(self, permission: Permission, *, model: str | None = None, dataset: str | None = None) -> bool:
        """Whether the actor may, as its judge says; `model` or `dataset` is the thing that it concerns, where there is one."""
        return self.judge.decide(self, permission, model=model, dataset=dataset).is_allowed

    def require(self, permission: Permission, *, model: str | None = None, dataset: str | None = None) -> Decision:
        """The judge's decision, where the actor `may`.

        Raises:
            NotPermittedError: it may not; the message says why, and what to do. NotYoursError: to the actor it is not there.
        """
        decision = self.judge.decide(self, permission, model=model, dataset=dataset)
        if decision.is_hidden:
            raise NotYoursError(decision.reason)
        if not decision.is_allowed:
            raise NotPermittedError(decision.reason)
        if decision.emergency:
            self.judge.note_use(self, decision, permission, model=model, dataset=dataset)
        return decision

    def at(self, origin: Origin) -> Actor:
        """The actor, asking on that connection. Every request pays for it, and `dataclasses.replace` costs three times as much."""
        parts = [*_but_origin(self), origin]
        return Actor(*parts)

    def require_house(self) -> None:
        """Nothing, where the actor belongs to the house itself.

        Raises:
            NotPermittedError: to a tenant, and this concerns everybody.
        """
        if self.tenant:
            raise NotPermittedError(
                f"{self.id} is of the tenant {self.tenant}, and this concerns the whole house. Ask an administrator of it."
            )

    def sees(self, name: str) -> bool:
        """Whether somebody, or a thing, of that name is of the actor's part of the house."""
        return not self.tenant or name.startswith(f"{self.tenant}-")

    @property
    def whoami(self) -> Whoami:
        """The actor as a door tells them of themselves."""
        scope = None if self.scope is None else tuple(sorted(self.scope))
        return Whoami(self.id, self.name, self.role, self.models, self.purpose, self.credential, self.tenant, scope, self.quota)


_but_origin: Callable[[Actor], tuple[Any, ...]] = attrgetter(*(each.name for each in fields(Actor) if each.name != "origin"))


@dataclass(frozen=True, slots=True)
class Whoami:
    """Whose credential it is, and what it reaches; see `Actor`."""

    id: str
    name: str
    role: Role
    models: tuple[str, ...] | None = None
    purpose: str = ""
    credential: str = ""
    tenant: str = ""
    scope: tuple[Permission, ...] | None = None
    quota: Quota | None = None


def local_actor() -> Actor:
    """Whoever runs this process over a home of their own: who can read the keyring can do everything anyway."""
    # The system's word, not the environment's, which anybody can set.
    number = os.getuid()
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:  # a user without a name, as in some containers
        user = str(number)
    return Actor(id=f"local:{user}", name=user, role=Role.ADMINISTRATOR)
