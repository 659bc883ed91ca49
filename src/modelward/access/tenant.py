# SPDX-License-Identifier: Apache-2.0
"""A tenant: a part of the house that sees only its own people, keys, datasets, models, runs and releases.

What belongs to the tenant `north` has a name that begins with `north-`. So the name, which is signed with every version and sealed
with every dataset, says whose a thing is, and nobody learns by trying names what another tenant has: a name outside of one's own is
answered in one way, whether there is such a thing or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelward.access.name import InvalidNameError, check_name
from modelward.audit import Event
from modelward.errors import ConflictError, NotFoundError

TENANT_ADDED: Final = Event("tenant.added", "A tenant was added: a part of the house that sees only its own.")
TENANT_REMOVED: Final = Event("tenant.removed", "A tenant was removed; what has its name is the house's.")

HOUSE: Final = ""


class TenantMissingError(NotFoundError):
    """No tenant has that name."""


class TenantTakenError(ConflictError):
    """The tenant is there already, or things that are not its own have names that would make them its own."""


class TenantInUseError(ConflictError):
    """People or keys belong to the tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant, and who added it."""

    name: str
    created: datetime
    by: str


def check_tenant(name: str) -> str:
    """`name`, where a tenant can have it: as other names, without a hyphen.

    Raises:
        InvalidNameError: it cannot.
    """
    if "-" in name:
        raise InvalidNameError(
            f"{name[:80]!r} cannot be the name of a tenant: leave the hyphen out, for it ends the name in others."
        )
    return check_name("tenant", name)


def is_of(name: str, tenant: str) -> bool:
    """Whether what is called `name` belongs to `tenant`."""
    return name.startswith(f"{tenant}-")


def prefix_of(name: str) -> str:
    """The tenant that a name belongs to, where there is one called so."""
    return name.partition("-")[0] if "-" in name else HOUSE


def in_tenant(tenant: str) -> dict[str, str]:
    """What the ledger says of who belongs to a tenant."""
    return {"tenant": tenant} if tenant else {}
