# SPDX-License-Identifier: Apache-2.0
"""Credentials: keys of services, and the people who sign in. Secrets leave here once, when they are made, and are never kept.

A secret is `<kind>_<id>_<256 random bits>`: `mw` is an API key, `mwi` an invitation, `mws` a session. What is kept is its
HMAC-SHA-256 under the keyring's pepper, so that a stolen database opens nothing.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from modelward.access.actor import Actor
from modelward.access.permission import Permission, Role
from modelward.access.quota import Quota
from modelward.audit import Event
from modelward.digest import keyed_digest
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError, UnauthenticatedError

KEY_CREATED: Final = Event("key.created", "An API key was made for a service.")
KEY_ROTATED: Final = Event("key.rotated", "An API key got a new secret; the one before it ends with its time of grace.")
KEY_REVOKED: Final = Event("key.revoked", "An API key was ended for good.")
USER_ADDED: Final = Event("user.added", "A person was added, with a one-time sign-in link.")
USER_INVITED: Final = Event("user.invited", "A person got a new one-time sign-in link; what they signed in with before ended.")
USER_REMOVED: Final = Event("user.removed", "A person was removed, and their sessions ended.")
SESSION_OPENED: Final = Event("session.opened", "A person signed in.")
SESSION_CLOSED: Final = Event("session.closed", "A person signed out.")

SecretKind = Literal["mw", "mwi", "mws"]
_SHAPE: Final = re.compile(r"(mw|mwi|mws)_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_ID_CHARACTERS: Final = string.ascii_lowercase + string.digits


class UnknownCredentialError(UnauthenticatedError):
    """A credential that opens nothing. Why it does not is not told: unknown, ended and expired read the same."""


def unknown_key() -> UnknownCredentialError:
    """The refusal of an API key that opens nothing."""
    return UnknownCredentialError("This API key is not valid. Ask an administrator for one: `modelward keys create`.")


class KeyMissingError(NotFoundError):
    """No key has that id."""


class UserMissingError(NotFoundError):
    """No user has that name."""


class NameTakenError(ConflictError):
    """A key or a user of that name is there."""


class AlreadyEndedError(ConflictError):
    """The key was revoked, or the user removed, before."""


class LastAdministratorError(ConflictError):
    """Nobody would be left who manages people."""


class WrongPasswordError(RefusedError):
    """Who acts did not prove who they are: the password or the code is not theirs."""


class InvalidCredentialError(InvalidError):
    """A key cannot be made as it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key, without its secret. `models` is what it reaches; None is every model. `scope` is what it may be used for of all
    that its role may; None is all of it. `last_used` is known to the hour, or is when the key was made, if that is later;
    `former_until` is when the secret ends that it had before its last one.
    """

    id: str
    name: str
    role: Role
    models: tuple[str, ...] | None = None
    purpose: str = ""
    created: datetime
    by: str
    expires: datetime | None = None
    revoked: datetime | None = None
    tenant: str = ""
    scope: tuple[Permission, ...] | None = None
    quota: Quota | None = None
    last_used: datetime | None = None
    former_until: datetime | None = None

    @property
    def prefix(self) -> str:
        """How its secret begins, by which people tell secrets apart."""
        return f"mw_{self.id}_"

    def is_valid(self, now: datetime) -> bool:
        """Whether the key opens anything at `now`."""
        return self.revoked is None and not has_passed(self.expires, now)

    @property
    def actor(self) -> Actor:
        """Who acts with this key."""
        scope = None if self.scope is None else frozenset(self.scope)
        return Actor(
            f"service:{self.name}", self.name, self.role, self.models, self.purpose, self.id, self.tenant, scope, self.quota
        )


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key just made and, this one time, its secret."""

    key: Key
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who signs in."""

    name: str
    role: Role
    created: datetime
    by: str
    removed: datetime | None = None
    tenant: str = ""

    def actor(self, session: str) -> Actor:
        """The person, acting in the session of that id."""
        return Actor(f"person:{self.name}", self.name, self.role, credential=session, tenant=self.tenant)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time sign-in token for a user."""

    user: User
    token: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just opened and, this one time, its secret."""

    session: str = field(repr=False)
    actor: Actor
    expires: datetime


@dataclass(frozen=True, slots=True)
class Credential:
    """What a valid key stands for, as a server keeps it in memory; it opens nothing from `expires` on."""

    actor: Actor
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class ChangedSecrets:
    """The hashes of all secrets of keys that changed since some revision, and the revision at which that was so."""

    revision: int
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret just drawn, and the id inside it."""

    id: str
    text: str = field(repr=False)


def draw_secret(kind: SecretKind, identifier: str = "") -> Secret:
    """A new secret of 256 random bits, with a new id or the one given."""
    identifier = identifier or "".join(secrets.choice(_ID_CHARACTERS) for _ in range(8))
    return Secret(identifier, f"{kind}_{identifier}_{secrets.token_urlsafe(32)}")


def has_shape(kind: SecretKind, text: str) -> bool:
    """Whether `text` could be a secret of that kind: what could not is refused without asking the database."""
    found = _SHAPE.fullmatch(text)
    return found is not None and found[1] == kind


def hash_secret(pepper: bytes, text: str) -> str:
    """What is kept of a secret. Any text has one: a header may hold anything."""
    return keyed_digest(pepper, text.encode("utf-8", "backslashreplace"))


def has_passed(moment: datetime | None, now: datetime) -> bool:
    """Whether `moment` is over at `now`; None never is."""
    return moment is not None and moment <= now
