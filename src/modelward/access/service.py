# SPDX-License-Identifier: Apache-2.0
"""Who is it, and may they: keys, users and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from modelward.access.accounts import Accounts
from modelward.access.actor import Actor, NotPermittedError, local_actor
from modelward.access.credential import (
    KEY_CREATED,
    KEY_REVOKED,
    USER_ADDED,
    USER_INVITED,
    USER_REMOVED,
    AlreadyEndedError,
    Credential,
    InvalidCredentialError,
    Invitation,
    IssuedKey,
    Key,
    KeyMissingError,
    NameTakenError,
    SignedIn,
    UnknownCredentialError,
    User,
    draw_secret,
    has_passed,
    has_shape,
    hash_secret,
    unknown_key,
)
from modelward.access.explanation import Explanation, actor_meant, explain, parse_permission, thing_meant
from modelward.access.judging import HouseJudge
from modelward.access.name import InvalidNameError, check_name
from modelward.access.permission import Permission, Role
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.sessions import Sessions
from modelward.access.site_policies import SitePolicies
from modelward.access.store import keys as key_rows
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import tenants as tenant_rows
from modelward.access.tenant import TenantMissingError, is_of, prefix_of
from modelward.audit import Ledger
from modelward.digest import keyed_digest
from modelward.settings import Settings
from modelward.storage import Connection, Database, Keyring

PURPOSE_LIMIT_CHARACTERS: Final = 500
MODELS_LIMIT: Final = 1000


class Access:
    """Keys for services, one-time links and sessions for people; how these sign in otherwise is said by their `accounts`.

    Every change is one transaction with its ledger entry.
    """

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring, *, settings: Settings) -> None:
        self._database = database
        self._ledger = ledger
        self._pepper = keyring.secret("pepper")
        self._seal = Seal(self._pepper)
        self._settings = settings
        self._judge = HouseJudge(database, ledger, self._seal, is_mtls=bool(settings.tls_client_ca))
        self._sessions = Sessions(database, ledger, self._pepper, self._seal, judge=self._judge, settings=settings)
        self.accounts = Accounts(database, ledger, self._pepper, self._seal, sessions=self._sessions, settings=settings)
        self.policies = SitePolicies(database, ledger, self._seal, self._judge)

    def owner(self) -> Actor:
        """Whoever runs this process over the home, judged by its policies as everybody is, but for repairing them."""
        return self._judge.judged(local_actor())

    def explain(self, who: str, action: str, what: str = "", *, by: Actor) -> Explanation:
        """Whether somebody may do something, what decided, and what would have to change; see `Explanation`.

        Everybody may ask it of themselves.

        Raises:
            NotPermittedError: `by` lacks policies:manage, and asks of somebody else. UnknownPermissionError, InvalidNameError: no
            such action, or nothing can be called that. NobodyKnownError: nobody is meant.
        """
        if who not in (by.id, by.credential):
            by.require(Permission.POLICIES_MANAGE)
        permission = parse_permission(action)
        model, dataset = thing_meant(what, permission)
        with self._database.look() as connection:
            people = person_rows.users(connection, seal=self._seal)
            keys = list(key_rows.keys(connection, seal=self._seal).values())
        meant = by if who == by.id else actor_meant(who, people=people, keys=keys)
        return explain(self._judge, meant, permission, model=model, dataset=dataset)

    def create_key(
        self,
        name: str,
        *,
        role: Role,
        models: Sequence[str] | None = None,
        purpose: str = "",
        expires: datetime | None = None,
        tenant: str = "",
        by: Actor,
    ) -> IssuedKey:
        """A new key for the service `name`, limited to `models` where they are given, valid until `expires`.

        Its secret is in the answer and nowhere else. A name is given once for ever, so that the ledger never speaks of two
        services by one name, and nobody gets the receipts of another.

        Raises:
            NotPermittedError: `by` lacks keys:manage. InvalidNameError, InvalidCredentialError: a name, the list of models, the
            purpose or the expiry cannot be. NameTakenError: a key has, or had, that name.
        """
        by.require(Permission.KEYS_MANAGE)
        now = datetime.now(UTC)
        secret = draw_secret("mw")
        key = Key(
            id=secret.id,
            name=check_name("key", name),
            role=role,
            models=_checked_models(models),
            purpose=_checked_purpose(purpose),
            created=now,
            by=by.id,
            expires=_checked_expiry(expires, now),
            tenant=tenant or by.tenant,
        )
        with self._database.change() as connection:
            self._check_tenant(connection, name, key.tenant, by=by)
            if before := key_rows.key_named(connection, name, seal=self._seal):
                known = "is there already" if before.is_valid(now) else "has ended; the ledger still speaks of it"
                raise NameTakenError(f"Key {name!r} {known}. Choose another name, as `{name}-2`; `modelward keys list` shows all.")
            key_rows.insert_key(connection, key, secret_hash=self.credential_hash(secret.text), seal=self._seal)
            facts = {"key": key.id, "role": role.value, "models": None if key.models is None else list(key.models)}
            facts |= _in_tenant(key.tenant) | {"purpose": key.purpose, "expires": key.expires.isoformat() if key.expires else None}
            self._ledger.record(connection, KEY_CREATED, actor=by.id, subject=f"key {name}", facts=facts)
            sealed_rows.advance_revision(connection)
        return IssuedKey(key, secret.text)

    def keys(self, *, by: Actor) -> list[Key]:
        """Every key, ended ones too, oldest first; never a secret, nor an `altered` row."""
        by.require(Permission.KEYS_MANAGE)
        with self._database.look() as connection:
            found = key_rows.keys(connection, seal=self._seal).values()
        return [key for key in found if by.tenant in ("", key.tenant)]

    def revoke_key(self, id: str, *, by: Actor) -> Key:
        """End a key for good; servers that keep it in memory learn of it by `revision`.

        Raises:
            NotPermittedError: `by` lacks keys:manage. KeyMissingError: no key has that id. AlreadyEndedError: it was revoked
            before.
        """
        by.require(Permission.KEYS_MANAGE)
        with self._database.change() as connection:
            key = key_rows.key_with_id(connection, id, seal=self._seal)
            if key is None or by.tenant not in ("", key.tenant):
                named = key_rows.key_named(connection, id, seal=self._seal)
                is_known = named and by.tenant in ("", named.tenant)
                hint = f"The key named {named.name} has the id {named.id}." if named and is_known else "Run `modelward keys list`."
                raise KeyMissingError(f"No key has the id {id[:80]!r}. {hint}")
            if key.revoked:
                raise AlreadyEndedError(f"Key {id} was revoked on {key.revoked:%Y-%m-%d %H:%M} UTC already.")
            key_rows.end_key(connection, id, now=datetime.now(UTC), seal=self._seal)
            self._ledger.record(connection, KEY_REVOKED, actor=by.id, subject=f"key {key.name}", facts={"key": id})
            sealed_rows.advance_revision(connection)
            return key_rows.key_with_id(connection, id, seal=self._seal) or key

    def add_user(self, name: str, *, role: Role, tenant: str = "", by: Actor) -> Invitation:
        """A new person, and the token of their one-time sign-in link.

        A name is given once for ever, so that the ledger never speaks of two people by one name.

        Raises:
            NotPermittedError: `by` lacks users:manage. InvalidNameError. NameTakenError: somebody has, or had, that name.
        """
        by.require(Permission.USERS_MANAGE)
        user = User(name=check_name("user", name), role=role, created=datetime.now(UTC), by=by.id, tenant=tenant or by.tenant)
        with self._database.change() as connection:
            self._check_tenant(connection, name, user.tenant, by=by)
            if before := person_rows.user_named(connection, name, seal=self._seal):
                known = "was removed; the ledger still speaks of them" if before.removed else "is a user already"
                raise NameTakenError(f"{name} {known}. Choose another name, or run `modelward users list`.")
            person_rows.insert_user(connection, user, seal=self._seal)
            self._ledger.record(
                connection, USER_ADDED, actor=by.id, subject=f"person:{name}", facts={"role": role.value} | _in_tenant(user.tenant)
            )
            return self._invite(connection, user)

    def invite(self, name: str, *, by: Actor) -> Invitation:
        """A new one-time sign-in token for a person. The one before it ends, and so do a password and a second factor that they
        had, with their sessions: whoever lost one of them, or fears that others have it, begins anew.

        Raises:
            NotPermittedError: `by` lacks users:manage. UserMissingError, AlreadyEndedError: nobody has that name, or no longer.
        """
        by.require(Permission.USERS_MANAGE)
        with self._database.change() as connection:
            user = self.accounts.present(connection, name, by=by)
            facts = {"sessions_ended": self.accounts.end_credentials(connection, name, always=False)}
            self._ledger.record(connection, USER_INVITED, actor=by.id, subject=f"person:{name}", facts=facts)
            return self._invite(connection, user)

    def users(self, *, by: Actor) -> list[User]:
        """Every person, removed ones too, by name; none whose row was `altered`."""
        by.require(Permission.USERS_MANAGE)
        with self._database.look() as connection:
            found = person_rows.users(connection, seal=self._seal)
        return [user for user in found if by.tenant in ("", user.tenant)]

    def remove_user(self, name: str, *, by: Actor) -> User:
        """End a person's access: their sessions, password, second factor and invitation end with it.

        Raises:
            NotPermittedError: `by` lacks users:manage. UserMissingError, AlreadyEndedError: nobody has that name, or no longer.
            LastAdministratorError: nobody else manages people.
        """
        by.require(Permission.USERS_MANAGE)
        with self._database.change() as connection:
            user = self.accounts.present(connection, name, by=by)
            self.accounts.check_remains(connection, user)
            person_rows.end_user(connection, name, now=datetime.now(UTC), seal=self._seal)
            person_rows.drop_invitation(connection, name)
            facts = {"sessions_ended": self.accounts.end_credentials(connection, name, always=True)}
            self._ledger.record(connection, USER_REMOVED, actor=by.id, subject=f"person:{name}", facts=facts)
            sealed_rows.advance_revision(connection)
            return person_rows.user_named(connection, name, seal=self._seal) or user

    def authenticate(self, secret: str) -> Actor:
        """Who acts with this API key.

        Raises:
            UnknownCredentialError: it opens nothing; unknown, revoked and expired read the same.
        """
        if has_shape("mw", secret):
            key = None
            with self._database.look() as connection, suppress(AlteredRowError):
                key = key_rows.key_with_hash(connection, self.credential_hash(secret), seal=self._seal)
                self._judge.refresh(connection)
            if key and key.is_valid(datetime.now(UTC)):
                return self._judge.judged(key.actor)
        raise unknown_key()

    def sign_in(self, token: str, *, password: str = "") -> SignedIn:
        """Open a session with a one-time token, which is good for nothing afterwards; set a password with it where one is given.

        Raises:
            UnknownCredentialError: it opens nothing; unknown, used and expired read the same. WeakPasswordError: the password
            cannot be; the token is as good as before.
        """
        # A guess is turned away by a reading, so that guessing never takes the write lock.
        with self._database.look() as connection:
            user = self._invited(connection, token)
        kept = self.accounts.check_new_password(user.name, password) if password else ""
        with self._database.change() as connection:
            user = self._invited(connection, token)
            person_rows.drop_invitation(connection, user.name)
            if kept:
                self.accounts.put_password(connection, user.name, kept=kept, by=f"person:{user.name}")
            return self._sessions.open(connection, user, means="link")

    def is_invitation(self, token: str) -> bool:
        """Whether somebody could sign in with this one-time token now."""
        with self._database.look() as connection, suppress(UnknownCredentialError):
            self._invited(connection, token)
            return True
        return False

    def actor_of_session(self, session: str, *, is_enrolling: bool = False) -> Actor:
        """Who acts in this session. Who `is_enrolling` may lack the second factor that their role asks for.

        Raises:
            UnknownCredentialError: it opens nothing; unknown, ended and expired read the same. SecondFactorDueError: it opens
            nothing before a second factor was set up.
        """
        return self._sessions.actor(session, is_enrolling=is_enrolling)

    def sign_out(self, session: str) -> None:
        """End a session; one that is over already is no error."""
        self._sessions.close(session)

    def csrf_of(self, session: str) -> str:
        """The token that a form of this session carries; nobody without the session can know it."""
        return keyed_digest(self._pepper, b"csrf:" + session.encode("utf-8", "backslashreplace"))

    def credentials(self) -> dict[str, Credential]:
        """Every valid key by `credential_hash` of its secret, for a server that keeps them in memory; none that was `altered`.

        Such a server MUST refresh when `revision` changed, and check `expires` itself.
        """
        now = datetime.now(UTC)
        with self._database.look() as connection:
            held = key_rows.keys(connection, seal=self._seal)
            self._judge.refresh(connection)
        return {digest: Credential(self._judge.judged(key.actor), key.expires) for digest, key in held.items() if key.is_valid(now)}

    def altered(self) -> list[str]:
        """The rows of keys, users, invitations, sessions and policies that are not as they were written. They open nothing."""
        with self._database.look() as connection:
            return list(sealed_rows.altered(connection, seal=self._seal))

    def credential_hash(self, secret: str) -> str:
        """The keyed hash under which `credentials` lists a secret."""
        return hash_secret(self._pepper, secret)

    def revision(self) -> int:
        """A number that grows whenever a key, a user, a session or a policy changes."""
        with self._database.look() as connection:
            return sealed_rows.revision(connection)

    def _check_tenant(self, connection: Connection, name: str, tenant: str, *, by: Actor) -> None:
        """Nothing, where `by` may make somebody of that name in that tenant."""
        if by.tenant not in ("", tenant):
            raise NotPermittedError(f"{by.id} is of the tenant {by.tenant}, and makes nobody elsewhere. Leave the tenant out.")
        known = {each.name for each in tenant_rows.tenants(connection, seal=self._seal)}
        if tenant and tenant not in known:
            raise TenantMissingError(f"No tenant is called {tenant[:80]!r}. `modelward tenants list` shows all.")
        if tenant and not is_of(name, tenant):
            raise InvalidNameError(
                f"Who is of the tenant {tenant} has a name that begins with `{tenant}-`. Choose {tenant}-{name}."
            )
        if not tenant and prefix_of(name) in known:
            raise InvalidNameError(
                f"Names that begin with `{prefix_of(name)}-` are of that tenant. Say `--tenant {prefix_of(name)}`."
            )

    def _invite(self, connection: Connection, user: User) -> Invitation:
        token = draw_secret("mwi").text
        expires = datetime.now(UTC) + timedelta(seconds=self._settings.invitation_seconds)
        person_rows.put_invitation(connection, user.name, secret_hash=self.credential_hash(token), expires=expires, seal=self._seal)
        sealed_rows.advance_revision(connection)
        return Invitation(user, token, expires)

    def _invited(self, connection: Connection, token: str) -> User:
        if has_shape("mwi", token):
            with suppress(AlteredRowError):
                row = person_rows.invitation(connection, self.credential_hash(token), seal=self._seal)
                user = person_rows.user_named(connection, row.user, seal=self._seal) if row else None
                if row and user and not user.removed and not has_passed(row.expires, datetime.now(UTC)):
                    return user
        raise UnknownCredentialError(
            "This sign-in link is not valid. Each works once and for a while; ask an administrator for a new one."
        )


def _in_tenant(tenant: str) -> dict[str, str]:
    return {"tenant": tenant} if tenant else {}


def _checked_models(models: Sequence[str] | None) -> tuple[str, ...] | None:
    if models is None:
        return None
    if not 1 <= len(models) <= MODELS_LIMIT:
        raise InvalidCredentialError(
            f"A key is limited to 1 to {MODELS_LIMIT} models, not {len(models)}. Leave the list out for a key that reaches all."
        )
    return tuple(sorted({check_name("model", model) for model in models}))


def _checked_purpose(purpose: str) -> str:
    if len(purpose) > PURPOSE_LIMIT_CHARACTERS or not purpose.isprintable():
        raise InvalidCredentialError(f"A purpose is one line of at most {PURPOSE_LIMIT_CHARACTERS} characters.")
    return purpose


def _checked_expiry(expires: datetime | None, now: datetime) -> datetime | None:
    if expires is None:
        return None
    if expires.tzinfo is None:
        raise InvalidCredentialError(f"The expiry {expires.isoformat()} has no time zone. Give it as 2027-01-31T00:00:00Z.")
    if has_passed(expires, now):
        raise InvalidCredentialError(f"The expiry {expires.isoformat()} lies in the past. Give one to come.")
    return expires.astimezone(UTC)
