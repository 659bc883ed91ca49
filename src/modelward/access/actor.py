# SPDX-License-Identifier: Apache-2.0
"""An actor: who asks, in which role, and for which models."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from modelward.access.permission import NEVER_LIMITED, PERMISSIONS_OF, Permission, Role, roles_with
from modelward.errors import RefusedError


class NotPermittedError(RefusedError):
    """The actor's role or credential does not allow it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is what the ledger says: `person:ada`, `service:till` or `local:` and the system user who owns the home.

    `models` limits every permission that concerns a model to those; None is every model. `credential` is the id of the key or
    the session, never its secret.
    """

    id: str
    name: str
    role: Role
    models: tuple[str, ...] | None = None
    purpose: str = ""
    credential: str = ""

    def may(self, permission: Permission, *, model: str | None = None) -> bool:
        """Whether the role has `permission` and, where a `model` is named, the credential reaches it.

        An actor limited to some models never manages users or keys, nor reads the whole ledger.
        """
        if permission not in PERMISSIONS_OF[self.role]:
            return False
        if self.models is None:
            return True
        return permission not in NEVER_LIMITED and (model is None or model in self.models)

    def require(self, permission: Permission, *, model: str | None = None) -> None:
        """Nothing, where the actor `may`.

        Raises:
            NotPermittedError: it may not; the message names actor, permission, and the roles that have it.
        """
        if self.may(permission, model=model):
            return
        if permission not in PERMISSIONS_OF[self.role]:
            raise NotPermittedError(
                f"{self.id} is {self.role} and lacks {permission}. "
                f"Roles that have it: {', '.join(roles_with(permission))}. Ask an administrator."
            )
        reach = ", ".join(self.models or ()) or "no model"
        what = f"{permission} for model {model!r}" if model is not None else permission
        raise NotPermittedError(
            f"{self.id} lacks {what}: its key is limited to {reach}. "
            "Ask an administrator for a key that reaches further: `modelward keys create`."
        )


def local_actor() -> Actor:
    """Whoever runs this process over a home of their own: who can read the keyring can do everything anyway."""
    # The system's word, not the environment's, which anybody can set.
    number = os.getuid()
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:  # a user without a name, as in some containers
        user = str(number)
    return Actor(id=f"local:{user}", name=user, role=Role.ADMINISTRATOR)
