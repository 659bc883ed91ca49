# SPDX-License-Identifier: Apache-2.0
"""People whom a sign-in provider vouches for: who may come in, as whom, and in which role."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from modelward.access.credential import USER_ADDED, SignedIn, User
from modelward.access.identity import (
    IDENTITY_BOUND,
    IDENTITY_REFUSED,
    Binding,
    Identity,
    NoRoleError,
    NoTenantError,
    RemovedPersonError,
    SpentSignInError,
    names_for,
    parse_roles_of_groups,
    parse_tenants_of_groups,
)
from modelward.access.judging import Divided, HouseJudge, undivided
from modelward.access.permission import Role
from modelward.access.seal import Seal
from modelward.access.session import ROLE_CHANGED
from modelward.access.sessions import Sessions
from modelward.access.store import identities as identity_rows
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import sessions as session_rows
from modelward.access.store import tenants as tenant_rows
from modelward.access.tenant import in_tenant
from modelward.audit import Ledger
from modelward.digest import canonical_json, keyed_digest
from modelward.errors import ConflictError
from modelward.settings import Settings
from modelward.storage import Connection, Database, Keyring

BEGUN_SECONDS: Final = 600


class TooManyNamesakesError(ConflictError):
    """Every name that a provider's name could become is taken."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that somebody began with this browser. `keepsake` stays in the browser; what the provider is told follows from it
    under the keyring's pepper, so nobody can make up one for the other.
    """

    keepsake: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    until: datetime


class Identities:
    """Who comes in by the sign-in provider. Whom no group gives a role does not; every change is one transaction with its entry."""

    def __init__(
        self, database: Database, ledger: Ledger, keyring: Keyring, *, settings: Settings, divided: Divided = undivided
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._pepper = keyring.secret("pepper")
        self._seal = Seal(self._pepper)
        self._settings = settings
        judge = HouseJudge(database, ledger, self._seal, divided=divided)
        self._sessions = Sessions(database, ledger, self._pepper, self._seal, judge=judge, settings=settings)

    def begin(self) -> Begun:
        """A new sign-in. Nothing is written down: strangers at the door fill no table."""
        return self._begun(f"{int(datetime.now(UTC).timestamp())}.{secrets.token_urlsafe(32)}")

    def begun(self, keepsake: str, *, state: str) -> Begun:
        """The sign-in that this browser began, where `state` is what the provider was told of it.

        Raises:
            SpentSignInError: this browser began none, or another, or too long ago.
        """
        try:
            found = self._begun(keepsake) if keepsake.isascii() and len(keepsake) < 200 else None
        except (ValueError, OverflowError):
            found = None
        if found is None or not hmac.compare_digest(found.state.encode(), state.encode("utf-8", "backslashreplace")):
            raise _not_begun("was not begun in this browser")
        if found.until <= datetime.now(UTC):
            raise _not_begun(f"was begun more than {BEGUN_SECONDS // 60} minutes ago")
        return found

    def sign_in(self, identity: Identity, *, begun: Begun) -> SignedIn:
        """Open a session for somebody whom the provider vouches for, and make of them, the first time, a person of the house.

        Who it is, is issuer and subject: whoever has the name of a person of the house is not that person. The role follows the
        provider's groups at every sign-in.

        Raises:
            SpentSignInError: this sign-in was finished before. NoRoleError: no group of theirs gives a role. NoTenantError: none
            says where they belong, or another place than before. RemovedPersonError: the house removed them. AlteredRowError,
            TooManyNamesakesError.
        """
        role = parse_roles_of_groups(self._settings.oidc_roles).role_of(identity.groups)
        tenant = parse_tenants_of_groups(self._settings.oidc_tenants).tenant_of(identity.groups)
        now = datetime.now(UTC)
        with self._database.change() as connection:
            if not identity_rows.spend(connection, keyed_digest(self._pepper, begun.state.encode()), until=begun.until, now=now):
                raise _not_begun("was finished before")
            user = self._bound(connection, identity)
            tenants = {each.name for each in tenant_rows.tenants(connection, seal=self._seal)}
            refusal = _refusal(user, role) or _misplaced(user, tenant, tenants)
            if refusal is None and role is not None and tenant is not None:
                if user is None:
                    name = self._free_name(connection, identity.name, tenant=tenant, tenants=tenants)
                    user = User(name=name, role=role, created=now, by=f"provider {identity.issuer}", tenant=tenant)
                    self._welcome(connection, identity, user)
                else:
                    user = self._following(connection, user, role)
                return self._sessions.open(connection, user, means="provider")
            # What is refused is on record, too, and no session of theirs goes on.
            self._turn_away(connection, user, refusal)
        raise refusal or NoRoleError()

    def _turn_away(self, connection: Connection, user: User | None, refusal: Exception | None) -> None:
        subject = f"person:{user.name}" if user else "a person unknown to the house"
        ended = session_rows.end_sessions(connection, user.name) if user else 0
        facts = {"why": type(refusal).__name__, "issuer": self._settings.oidc_issuer, "sessions_ended": ended}
        self._ledger.record(connection, IDENTITY_REFUSED, actor=subject if user else "stranger", subject=subject, facts=facts)
        sealed_rows.advance_revision(connection)

    def _bound(self, connection: Connection, identity: Identity) -> User | None:
        binding = identity_rows.binding(connection, self._id(identity), seal=self._seal)
        if binding is None:
            return None
        user = person_rows.user_named(connection, binding.user, seal=self._seal)
        if user is None:
            raise RemovedPersonError(f"The person {binding.user} is not there any more. Ask an administrator.")
        return user

    def _following(self, connection: Connection, user: User, role: Role) -> User:
        """The person in the role that their groups give them now; sessions in another role end."""
        if user.role == role:
            return user
        person_rows.change_role(connection, user.name, role, seal=self._seal)
        ended = session_rows.end_sessions(connection, user.name)
        facts = {"before": user.role.value, "role": role.value, "issuer": self._settings.oidc_issuer, "sessions_ended": ended}
        self._ledger.record(connection, ROLE_CHANGED, actor=f"person:{user.name}", subject=f"person:{user.name}", facts=facts)
        sealed_rows.advance_revision(connection)
        return person_rows.user_named(connection, user.name, seal=self._seal) or user

    def _welcome(self, connection: Connection, identity: Identity, user: User) -> None:
        """A new person of the house, by a name that nobody has or had."""
        actor = f"person:{user.name}"
        person_rows.insert_user(connection, user, seal=self._seal)
        facts = {"role": user.role.value, "by": user.by} | in_tenant(user.tenant)
        self._ledger.record(connection, USER_ADDED, actor=actor, subject=actor, facts=facts)
        binding = Binding(id=self._id(identity), issuer=identity.issuer, user=user.name, created=user.created)
        identity_rows.insert_binding(connection, binding, seal=self._seal)
        facts = {"identity": binding.id, "issuer": identity.issuer}
        self._ledger.record(connection, IDENTITY_BOUND, actor=actor, subject=actor, facts=facts)

    def _free_name(self, connection: Connection, told: str, *, tenant: str, tenants: Collection[str]) -> str:
        for name in names_for(told, tenant=tenant, tenants=tenants):
            # A name is taken also where its row was altered, so this asks for the row and not for the person.
            if not person_rows.is_name_taken(connection, name):
                return name
        raise TooManyNamesakesError("No name is left that you could be given here. Ask an administrator.")

    def _id(self, identity: Identity) -> str:
        return keyed_digest(self._pepper, b"identity:" + canonical_json([identity.issuer, identity.subject]))

    def _begun(self, keepsake: str) -> Begun:
        since = datetime.fromtimestamp(int(keepsake.partition(".")[0]), UTC)

        def derived(use: str) -> str:
            return keyed_digest(self._pepper, f"sign-in {use}:{keepsake}".encode())

        until = since + timedelta(seconds=BEGUN_SECONDS)
        return Begun(keepsake, derived("state"), derived("nonce"), derived("verifier"), until)


def _refusal(user: User | None, role: Role | None) -> NoRoleError | RemovedPersonError | None:
    if user and user.removed:
        return RemovedPersonError(
            f"The person {user.name} was removed here on {user.removed:%Y-%m-%d}, whatever the sign-in provider says. Ask an "
            "administrator for another account."
        )
    if role is None:
        return NoRoleError(
            "The sign-in provider knows you, and none of your groups has a role here. Ask an administrator to put you into one "
            "that MODELWARD_OIDC_ROLES names, then sign in again."
        )
    return None


def _misplaced(user: User | None, tenant: str | None, tenants: Collection[str]) -> NoTenantError | None:
    """Why somebody does not come in whose groups put them nowhere, or elsewhere than where they are."""
    if tenant is None:
        return NoTenantError(
            "The sign-in provider knows you, and none of your groups belongs to a part of the house. Ask an administrator to put "
            "you into one that MODELWARD_OIDC_TENANTS names, then sign in again."
        )
    if tenant and tenant not in tenants:
        return NoTenantError(
            f"The sign-in provider's groups put you into the tenant {tenant}, which is not there. Ask an administrator to add it "
            f"(`modelward tenants add {tenant}`), then sign in again."
        )
    if user is not None and user.tenant != tenant:
        return NoTenantError(
            f"The sign-in provider's groups put you into {_placed(tenant)}, and {user.name} is of {_placed(user.tenant)}, for "
            "ever. Ask an administrator: either the groups are wrong, or you need another account there."
        )
    return None


def _placed(tenant: str) -> str:
    return f"the tenant {tenant}" if tenant else "the house itself"


def _not_begun(what: str) -> SpentSignInError:
    return SpentSignInError(f"This sign-in {what}. Begin again at /console/sign-in.")
