# SPDX-License-Identifier: Apache-2.0
"""Who is it, and may they: keys, users and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from modelward.access.actor import Actor
from modelward.access.credential import (
    KEY_CREATED,
    KEY_REVOKED,
    SESSION_CLOSED,
    SESSION_OPENED,
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
    UserMissingError,
    draw_secret,
    has_passed,
    has_shape,
    hash_secret,
    unknown_key,
)
from modelward.access.name import check_name
from modelward.access.permission import Permission, Role
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.store import keys as key_rows
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.audit import Ledger
from modelward.digest import keyed_digest
from modelward.settings import Settings
from modelward.storage import Connection, Database, Keyring

PURPOSE_LIMIT_CHARACTERS: Final = 500
MODELS_LIMIT: Final = 1000


class Access:
    """Keys for services, one-time links and sessions for people. Every change is one transaction with its ledger entry."""

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring, *, settings: Settings) -> None:
        self._database = database
        self._ledger = ledger
        self._pepper = keyring.secret("pepper")
        self._seal = Seal(self._pepper)
        self._settings = settings

    def create_key(
        self,
        name: str,
        *,
        role: Role,
        models: Sequence[str] | None = None,
        purpose: str = "",
        expires: datetime | None = None,
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
        )
        with self._database.change() as connection:
            if before := key_rows.key_named(connection, name, seal=self._seal):
                known = "is there already" if before.is_valid(now) else "has ended; the ledger still speaks of it"
                raise NameTakenError(f"Key {name!r} {known}. Choose another name, as `{name}-2`; `modelward keys list` shows all.")
            key_rows.insert_key(connection, key, secret_hash=self.credential_hash(secret.text), seal=self._seal)
            facts = {"key": key.id, "role": role.value, "models": None if key.models is None else list(key.models)}
            facts |= {"purpose": key.purpose, "expires": key.expires.isoformat() if key.expires else None}
            self._ledger.record(connection, KEY_CREATED, actor=by.id, subject=f"key {name}", facts=facts)
            sealed_rows.advance_revision(connection)
        return IssuedKey(key, secret.text)

    def keys(self, *, by: Actor) -> list[Key]:
        """Every key, ended ones too, oldest first; never a secret, nor an `altered` row."""
        by.require(Permission.KEYS_MANAGE)
        with self._database.look() as connection:
            return list(key_rows.keys(connection, seal=self._seal).values())

    def revoke_key(self, id: str, *, by: Actor) -> Key:
        """End a key for good; servers that keep it in memory learn of it by `revision`.

        Raises:
            NotPermittedError: `by` lacks keys:manage. KeyMissingError: no key has that id. AlreadyEndedError: it was revoked
            before.
        """
        by.require(Permission.KEYS_MANAGE)
        with self._database.change() as connection:
            key = key_rows.key_with_id(connection, id, seal=self._seal)
            if key is None:
                named = key_rows.key_named(connection, id, seal=self._seal)
                hint = f"The key named {named.name} has the id {named.id}." if named else "Run `modelward keys list`."
                raise KeyMissingError(f"No key has the id {id[:80]!r}. {hint}")
            if key.revoked:
                raise AlreadyEndedError(f"Key {id} was revoked on {key.revoked:%Y-%m-%d %H:%M} UTC already.")
            key_rows.end_key(connection, id, now=datetime.now(UTC), seal=self._seal)
            self._ledger.record(connection, KEY_REVOKED, actor=by.id, subject=f"key {key.name}", facts={"key": id})
            sealed_rows.advance_revision(connection)
            return key_rows.key_with_id(connection, id, seal=self._seal) or key

    def add_user(self, name: str, *, role: Role, by: Actor) -> Invitation:
        """A new person, and the token of their one-time sign-in link.

        A name is given once for ever, so that the ledger never speaks of two people by one name.

        Raises:
            NotPermittedError: `by` lacks users:manage. InvalidNameError. NameTakenError: somebody has, or had, that name.
        """
        by.require(Permission.USERS_MANAGE)
        user = User(name=check_name("user", name), role=role, created=datetime.now(UTC), by=by.id)
        with self._database.change() as connection:
            if before := person_rows.user_named(connection, name, seal=self._seal):
                known = "was removed; the ledger still speaks of them" if before.removed else "is a user already"
                raise NameTakenError(f"{name} {known}. Choose another name, or run `modelward users list`.")
            person_rows.insert_user(connection, user, seal=self._seal)
            self._ledger.record(connection, USER_ADDED, actor=by.id, subject=f"person:{name}", facts={"role": role.value})
            return self._invite(connection, user)

    def invite(self, name: str, *, by: Actor) -> Invitation:
        """A new one-time sign-in token for a person; the one before it ends.

        Raises:
            NotPermittedError: `by` lacks users:manage. UserMissingError, AlreadyEndedError: nobody has that name, or no longer.
        """
        by.require(Permission.USERS_MANAGE)
        with self._database.change() as connection:
            user = self._present_user(connection, name)
            self._ledger.record(connection, USER_INVITED, actor=by.id, subject=f"person:{name}")
            return self._invite(connection, user)

    def users(self, *, by: Actor) -> list[User]:
        """Every person, removed ones too, by name; none whose row was `altered`."""
        by.require(Permission.USERS_MANAGE)
        with self._database.look() as connection:
            return person_rows.users(connection, seal=self._seal)

    def remove_user(self, name: str, *, by: Actor) -> User:
        """End a person's access: their sessions and their invitation end with it.

        Raises:
            NotPermittedError: `by` lacks users:manage. UserMissingError, AlreadyEndedError: nobody has that name, or no longer.
        """
        by.require(Permission.USERS_MANAGE)
        with self._database.change() as connection:
            user = self._present_user(connection, name)
            sessions = person_rows.end_user(connection, name, now=datetime.now(UTC), seal=self._seal)
            facts = {"sessions_ended": sessions}
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
            if key and key.is_valid(datetime.now(UTC)):
                return key.actor
        raise unknown_key()

    def sign_in(self, token: str) -> SignedIn:
        """Open a session with a one-time token, which is good for nothing afterwards.

        Raises:
            UnknownCredentialError: it opens nothing; unknown, used and expired read the same.
        """
        # A guess is turned away by a reading, so that guessing never takes the write lock.
        with self._database.look() as connection:
            self._invited(connection, token)
        now = datetime.now(UTC)
        secret = draw_secret("mws")
        expires = now + timedelta(seconds=self._settings.session_seconds)
        with self._database.change() as connection:
            user = self._invited(connection, token)
            person_rows.drop_invitation(connection, user.name)
            row = person_rows.SessionRow(secret.id, user.name, expires)
            person_rows.insert_session(connection, row, secret_hash=self.credential_hash(secret.text), now=now, seal=self._seal)
            facts = {"session": secret.id, "expires": expires.isoformat()}
            actor = user.actor(secret.id)
            self._ledger.record(connection, SESSION_OPENED, actor=actor.id, subject=actor.id, facts=facts)
            sealed_rows.advance_revision(connection)
        return SignedIn(secret.text, actor, expires)

    def is_invitation(self, token: str) -> bool:
        """Whether somebody could sign in with this one-time token now."""
        with self._database.look() as connection, suppress(UnknownCredentialError):
            self._invited(connection, token)
            return True
        return False

    def actor_of_session(self, session: str) -> Actor:
        """Who acts in this session.

        Raises:
            UnknownCredentialError: it opens nothing; unknown, ended and expired read the same.
        """
        if has_shape("mws", session):
            with self._database.look() as connection, suppress(AlteredRowError):
                row = person_rows.session(connection, self.credential_hash(session), seal=self._seal)
                if row and (user := self._person(connection, row)):
                    return user.actor(row.id)
        raise UnknownCredentialError("This session is over. Sign in again; an administrator makes a new link.")

    def sign_out(self, session: str) -> None:
        """End a session; one that is over already is no error."""
        if not has_shape("mws", session):
            return
        with self._database.change() as connection:
            row = None
            with suppress(AlteredRowError):  # it opens nothing already
                row = person_rows.session(connection, self.credential_hash(session), seal=self._seal)
            if row is None:
                return
            person_rows.end_session(connection, row.id)
            actor = f"person:{row.user}"
            self._ledger.record(connection, SESSION_CLOSED, actor=actor, subject=actor, facts={"session": row.id})
            sealed_rows.advance_revision(connection)

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
        return {digest: Credential(key.actor, key.expires) for digest, key in held.items() if key.is_valid(now)}

    def altered(self) -> list[str]:
        """The rows of keys, users, invitations and sessions that are not as they were written. They open nothing."""
        with self._database.look() as connection:
            return list(sealed_rows.altered(connection, seal=self._seal))

    def credential_hash(self, secret: str) -> str:
        """The keyed hash under which `credentials` lists a secret."""
        return hash_secret(self._pepper, secret)

    def revision(self) -> int:
        """A number that grows whenever a key, a user or a session changes."""
        with self._database.look() as connection:
            return sealed_rows.revision(connection)

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
                if row and (user := self._person(connection, row)):
                    return user
        raise UnknownCredentialError(
            "This sign-in link is not valid. Each works once and for a while; ask an administrator for a new one."
        )

    def _person(self, connection: Connection, row: person_rows.InvitationRow | person_rows.SessionRow) -> User | None:
        """Who may act by that row now."""
        user = person_rows.user_named(connection, row.user, seal=self._seal)
        return user if user and not user.removed and not has_passed(row.expires, datetime.now(UTC)) else None

    def _present_user(self, connection: Connection, name: str) -> User:
        user = person_rows.user_named(connection, name, seal=self._seal)
        if user is None:
            raise UserMissingError(f"No user is called {name[:80]!r}. Run `modelward users list`.")
        if user.removed:
            raise AlreadyEndedError(f"{name} was removed on {user.removed:%Y-%m-%d %H:%M} UTC already.")
        return user


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
