# SPDX-License-Identifier: Apache-2.0
"""From what roles, tenants, policies and emergencies say to one decision, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from modelward.access.actor import Actor
from modelward.access.emergency import Emergency
from modelward.access.judge import Decision, lacks_by_role
from modelward.access.permission import MAKING, NEVER_OF_TENANTS, Permission
from modelward.access.tenant import is_of

if TYPE_CHECKING:
    from modelward.access.cedar import Found

_TIME_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that bore on a decision: what it is (`role`, `limit`, `policy`, `tenant`, …), and whether it permits."""

    kind: str
    name: str
    permits: bool


def apart(actor: Actor, permission: Permission, model: str | None, dataset: str | None) -> Decision | None:
    """Why a tenant is kept apart from what is not its own; None where it is its own. It is told the same of what is not there."""
    if permission in NEVER_OF_TENANTS:
        reason = (
            f"{actor.id} is of the tenant {actor.tenant}, and {permission} concerns the whole house. Ask an administrator of it."
        )
        return Decision(is_allowed=False, reason=reason)
    for kind, name in (("model", model), ("dataset", dataset)):
        if name is not None and not is_of(name, actor.tenant):
            if permission in MAKING:
                hint = f"What the tenant {actor.tenant} makes has a name that begins with `{actor.tenant}-`."
                return Decision(is_allowed=False, reason=f"{actor.id} may not make a {kind} of the name {name[:80]!r}. {hint}")
            return Decision(is_allowed=False, reason=f"No {kind} is called {name[:80]!r}.", is_hidden=True)
    return None


def asking_why(actor: Actor, permission: Permission, model: str | None, dataset: str | None, *, by_origin: bool) -> str:
    """The command that an administrator sees the reason with: of the same thing, on the same connection where that matters."""
    words = ["modelward access explain", actor.id, permission.value]
    words += [f"model:{model}"] if model is not None else [f"dataset:{dataset}"] if dataset is not None else []
    if by_origin:
        words += ["--from", actor.origin.address] if actor.origin.address else []
        words += ["--certificate"] if actor.origin.is_mtls else []
    return " ".join(words)


def judged(
    actor: Actor,
    permission: Permission,
    found: Found | None,
    *,
    has_role: bool,
    emergency: Emergency | None,
    of: str,
    why: str,
) -> Decision:
    """What comes of it: default deny, and what forbids, or cannot be evaluated, overrides what permits."""
    until = datetime.now(UTC) + timedelta(seconds=_TIME_SECONDS) if found and found.depends_on_time else None
    if found and found.faults:
        reason = f"A policy could not be evaluated, so {actor.id} is refused {permission}: {found.faults[0][:300]}. Have it mended."
        return Decision(is_allowed=False, reason=reason, until=until)
    if found and found.forbids:
        reason = (
            f"{actor.id} is refused {permission}{of and ' of '}{of} by the site's policy {', '.join(found.forbids)}. "
            f"An administrator sees why: `{why}`."
        )
        return Decision(is_allowed=False, reason=reason, until=until)
    if has_role:
        return Decision(is_allowed=True, reason=f"{actor.id} is {actor.role}, which has {permission}.", until=until)
    if found and found.permits:
        reason = f"The site's policy {', '.join(found.permits)} permits {actor.id} {permission}."
        return Decision(is_allowed=True, reason=reason, until=until)
    if emergency is not None:
        assert emergency.ends is not None
        reason = f"{actor.id} has {permission} by {emergency.id} until {emergency.ends:%H:%M:%S} UTC; every use is on record."
        until = min(until, emergency.ends) if until else emergency.ends
        return Decision(is_allowed=True, reason=reason, until=until, emergency=emergency.id, emergency_ends=emergency.ends)
    if actor.id.startswith("model:"):
        reason = f"{actor.id} is a model, which has no role, and no policy of the site permits it {permission}."
        return Decision(is_allowed=False, reason=reason, until=until)
    return Decision(is_allowed=False, reason=lacks_by_role(actor, permission), until=until)


def grounds_of(found: Found | None) -> tuple[Ground, ...]:
    """What the policies said, one by one."""
    if found is None:
        return ()
    said = [("policy", found.forbids, False), ("policy", found.permits, True), ("fault", found.faults, False)]
    return tuple(Ground(kind, name, permits) for kind, names, permits in said for name in names)
