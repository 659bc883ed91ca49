# SPDX-License-Identifier: Apache-2.0
"""An identity: a person as a sign-in provider knows them, and what the house makes of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from modelward.access.permission import Role, parse_role
from modelward.access.tenant import HOUSE, check_tenant, is_of, prefix_of
from modelward.audit import Event
from modelward.errors import InvalidError, RefusedError, UnauthenticatedError

IDENTITY_BOUND: Final = Event("identity.bound", "A person whom the sign-in provider knows came in for the first time.")
IDENTITY_REFUSED: Final = Event("identity.refused", "The sign-in provider knows a person, and the house did not let them in.")

_UNFIT = re.compile(r"[^a-z0-9]+")
_STEM_CHARACTERS: Final = 56
_NAME_CHARACTERS: Final = 59
_NAMESAKES_LIMIT: Final = 1000


class NoRoleError(RefusedError):
    """The provider knows who it is, and nothing that it says of them gives a role here."""


class NoTenantError(RefusedError):
    """The provider knows who it is, and nothing that it says of them puts them into a part of the house, or it puts them into
    another than the one that they are of.
    """


class RemovedPersonError(RefusedError):
    """The provider knows who it is, and the house removed that person."""


class SpentSignInError(UnauthenticatedError):
    """A sign-in by a provider that was finished before, or that nobody began here."""


class InvalidRolesError(InvalidError):
    """The setting that says which group gives which role cannot be read."""


class InvalidTenantsError(InvalidError):
    """The setting that says which group puts people into which tenant cannot be read."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider vouches for: who it is (`issuer` and `subject`, for ever the same person), what they are called there, and
    their groups.
    """

    issuer: str
    subject: str = field(repr=False)
    name: str = field(repr=False)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A person of the house who is a subject of a provider. `id` is a keyed hash of issuer and subject."""

    id: str
    issuer: str
    user: str
    created: datetime


@dataclass(frozen=True, slots=True)
class RolesOfGroups:
    """Which group gives which role; the first of them that somebody is in counts."""

    given: tuple[tuple[str, Role], ...] = ()

    def role_of(self, groups: Sequence[str]) -> Role | None:
        """What somebody in these groups is here; None where no group of theirs says anything."""
        theirs = set(groups)
        return next((role for group, role in self.given if group in theirs), None)


@dataclass(frozen=True, slots=True)
class TenantsOfGroups:
    """Which group puts people into which tenant, or into the house itself; the first of them that somebody is in counts. Where none
    is named, everybody is of the house.
    """

    given: tuple[tuple[str, str], ...] = ()

    def tenant_of(self, groups: Sequence[str]) -> str | None:
        """Where somebody in these groups belongs; None where no group of theirs says so."""
        theirs = set(groups)
        return next((tenant for group, tenant in self.given if group in theirs), None) if self.given else HOUSE


def parse_roles_of_groups(text: str) -> RolesOfGroups:
    """What `GROUP=ROLE; GROUP=ROLE` says. A group may hold `=` and `,`, as distinguished names do.

    Raises:
        InvalidRolesError: a part has no group, or a role that is none.
    """
    given = []
    for part, group, role in _parts(text):
        if not group:
            raise InvalidRolesError(f"MODELWARD_OIDC_ROLES says {part[:80]!r}. Give each part as GROUP=ROLE, parted by `;`.")
        try:
            given.append((group, parse_role(role)))
        except InvalidError as unknown:
            raise InvalidRolesError(f"MODELWARD_OIDC_ROLES says {part[:80]!r}. {unknown}") from unknown
    return RolesOfGroups(tuple(given))


def parse_tenants_of_groups(text: str) -> TenantsOfGroups:
    """What `GROUP=TENANT; GROUP=-` says, where `-` is the house itself.

    Raises:
        InvalidTenantsError: a part has no group, or what no tenant can be called.
    """
    given = []
    for part, group, tenant in _parts(text):
        if not group:
            raise InvalidTenantsError(
                f"MODELWARD_OIDC_TENANTS says {part[:80]!r}. Give each part as GROUP=TENANT, or GROUP=- for the house itself, "
                "parted by `;`."
            )
        try:
            given.append((group, HOUSE if tenant == "-" else check_tenant(tenant)))
        except InvalidError as unknown:
            raise InvalidTenantsError(f"MODELWARD_OIDC_TENANTS says {part[:80]!r}. {unknown}") from unknown
    return TenantsOfGroups(tuple(given))


def _parts(text: str) -> Iterator[tuple[str, str, str]]:
    for part in filter(None, (part.strip() for part in text.split(";"))):
        group, _, given = (piece.strip() for piece in part.rpartition("="))
        yield part, group, given


def house_name(told: str) -> str:
    """A name that the house can give, out of what a provider calls somebody: `Ada.Lovelace@example.org` is `ada-lovelace`.

    What has no letter or digit of ours in it is `person`. Names are not who somebody is: two may come out alike.
    """
    stem = told.partition("@")[0] or told
    plain = unicodedata.normalize("NFKD", stem[:200]).encode("ascii", "ignore").decode().lower()
    return _UNFIT.sub("-", plain).strip("-")[:_STEM_CHARACTERS].strip("-") or "person"


def names_for(told: str, *, tenant: str, tenants: Collection[str]) -> Iterator[str]:
    """Names that the house can give to whom a provider calls so, the fitting ones first. Those of a tenant begin with its name, and
    those of the house with the name of none.
    """
    stem = house_name(told)
    if tenant:
        plain = stem if is_of(stem, tenant) else f"{tenant}-{stem}"
    else:
        plain = stem.replace("-", "") if prefix_of(stem) in tenants else stem
    plain = plain[:_NAME_CHARACTERS].strip("-")
    between = "" if not tenant and prefix_of(f"{plain}-2") in tenants else "-"
    for name in (plain, *(f"{plain}{between}{place}" for place in range(2, _NAMESAKES_LIMIT))):
        if is_of(name, tenant) if tenant else prefix_of(name) not in tenants:
            yield name
