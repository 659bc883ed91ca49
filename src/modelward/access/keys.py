# SPDX-License-Identifier: Apache-2.0
"""API keys of services: made, looked at, given another secret, revoked; and what a server asks to know them by."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from modelward.access.actor import Actor, NotPermittedError
from modelward.access.credential import (
    KEY_CREATED,
    KEY_REVOKED,
    KEY_ROTATED,
    AlreadyEndedError,
    ChangedSecrets,
    Credential,
    InvalidCredentialError,
    IssuedKey,
    Key,
    KeyMissingError,
    NameTakenError,
    draw_secret,
    has_passed,
    has_shape,
    hash_secret,
    unknown_key,
)
from modelward.access.ended_on_record import EndedOnRecord
from modelward.access.judging import Divided, HouseJudge, undivided
from modelward.access.name import InvalidNameError, check_name
from modelward.access.permission import NEVER_SCOPED, PERMISSIONS_OF, Permission, Role
from modelward.access.purpose import names_purpose
from modelward.access.quota import Quota
from modelward.access.seal import Seal
from modelward.access.store import keys as key_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import tenants as tenant_rows
from modelward.access.tenant import TenantMissingError, in_tenant, is_of, prefix_of
from modelward.audit import Ledger
from modelward.storage import Connection, Database, Keyring

PURPOSE_LIMIT_CHARACTERS: Final = 500
MODELS_LIMIT: Final = 1000
GRACE_SECONDS: Final = 86_400
_LISTED_LIMIT: Final = 10_000
_USES_AT_ONCE: Final = 1000
GRACE_LIMIT_SECONDS: Final = 30 * 86_400
_SECRET: Final = re.compile(r"mw_([a-z0-9]{8})_\S*")


class Keys:
    """API keys. Every change is one transaction with its ledger entry."""

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring, *, divided: Divided = undivided) -> None:
        self._database = database
        self._ledger = ledger
        self._pepper = keyring.secret("pepper")
        self._seal = Seal(self._pepper)
        self._judge = HouseJudge(database, ledger, self._seal, divided=divided)
        self._revoked = EndedOnRecord(ledger, KEY_REVOKED, id_of=lambda entry: str(entry.facts.get("key")))

    def create_key(
        self,
        name: str,
        *,
        role: Role,
        models: Sequence[str] | None = None,
        purpose: str = "",
        scope: Sequence[Permission] | None = None,
        quota: Quota | None = None,
        expires: datetime | None = None,
        tenant: str = "",
        by: Actor,
    ) -> IssuedKey:
        """A new key for the service `name`, limited to `models`, to the permissions of `scope` and to a `quota` where they are
        given, valid until `expires`. Models answer it for its `purpose`, where it has one and theirs cover it.

        Its secret is in the answer and nowhere else. A name is given once for ever, so that the ledger never speaks of two
        services by one name, and nobody gets the receipts of another.

        Raises:
            NotPermittedError: `by` lacks keys:manage. InvalidNameError, InvalidCredentialError, InvalidQuotaError: a name, the list
            of models, the purpose, the scope, the quota or the expiry cannot be. NameTakenError: a key has, or had, that name.
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
            scope=_checked_scope(scope, role),
            quota=quota.checked() if quota and quota.limits_anything else None,
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
            digest = self.credential_hash(secret.text)
            key_rows.insert_key(connection, key, secret_hash=digest, seal=self._seal)
            self._ledger.record(connection, KEY_CREATED, actor=by.id, subject=f"key {name}", facts=_facts(key))
            self._note_change(connection, [digest])
        return IssuedKey(key, secret.text)

    def keys(self, *, name: str = "", limit: int | None = None, by: Actor) -> list[Key]:
        """The keys whose names begin with `name`, ended ones too, oldest first; of many the newest `limit`. Never a secret, nor an
        `altered` row.
        """
        by.require(Permission.KEYS_MANAGE)
        begins = [each for each in (name, by.tenant and f"{by.tenant}-") if each]
        newest = None if limit is None else max(1, min(limit, _LISTED_LIMIT))
        with self._database.look() as connection:
            chosen = key_rows.keys(connection, begins=begins, limit=newest, seal=self._seal)
            found = key_rows.with_uses(connection, chosen, seal=self._seal)
        return [key for key in found if by.tenant in ("", key.tenant)]

    def key(self, id: str, *, by: Actor) -> Key:
        """One key, by its id.

        Raises:
            NotPermittedError: `by` lacks keys:manage. KeyMissingError: no key has that id. AlteredRowError.
        """
        by.require(Permission.KEYS_MANAGE)
        with self._database.look() as connection:
            return key_rows.with_uses(connection, [self._known_key(connection, id, by=by)], seal=self._seal)[0]

    def rotate_key(self, id: str, *, grace_seconds: float = GRACE_SECONDS, by: Actor) -> IssuedKey:
        """A new secret for a key, which stays what it is; the one before opens it for `grace_seconds` more, so that its service can
        change over without a gap.

        Raises:
            NotPermittedError: `by` lacks keys:manage. KeyMissingError: no key has that id. AlreadyEndedError: it was revoked or has
            expired. InvalidCredentialError: nobody is given so long. AlteredRowError.
        """
        by.require(Permission.KEYS_MANAGE)
        if not 0 <= grace_seconds <= GRACE_LIMIT_SECONDS:
            raise InvalidCredentialError(f"The time of grace is 0 to {GRACE_LIMIT_SECONDS} s, not {grace_seconds}.")
        now = datetime.now(UTC)
        with self._database.change() as connection:
            key = self._known_key(connection, id, by=by)
            if not key.is_valid(now):
                raise AlreadyEndedError(f"Key {id} has ended, and gets no new secret. Make another: `modelward keys create`.")
            secret = draw_secret("mw", key.id)
            until = now + timedelta(seconds=grace_seconds) if grace_seconds else None
            digest = self.credential_hash(secret.text)
            key_rows.drop_former(connection, now=now)
            key_rows.change_secret(connection, id, secret_hash=digest, until=until, seal=self._seal)
            facts = {"key": id, "grace_seconds": grace_seconds}
            self._ledger.record(connection, KEY_ROTATED, actor=by.id, subject=f"key {key.name}", facts=facts)
            self._note_change(connection, key_rows.hashes_of(connection, id))
            rotated = key_rows.with_uses(connection, [self._known_key(connection, id, by=by)], seal=self._seal)[0]
        return IssuedKey(rotated, secret.text)

    def revoke_key(self, id: str, *, by: Actor) -> Key:
        """End a key for good, with every secret that it had; servers that keep it in memory learn of it by `changed_secrets`.

        Raises:
            NotPermittedError: `by` lacks keys:manage. KeyMissingError: no key has that id. AlreadyEndedError: it was revoked
            before. AlteredRowError.
        """
        by.require(Permission.KEYS_MANAGE)
        with self._database.change() as connection:
            key = self._known_key(connection, id, by=by)
            if key.revoked:
                raise AlreadyEndedError(f"Key {id} was revoked on {key.revoked:%Y-%m-%d %H:%M} UTC already.")
            key_rows.end_key(connection, id, now=datetime.now(UTC), seal=self._seal)
            self._ledger.record(connection, KEY_REVOKED, actor=by.id, subject=f"key {key.name}", facts={"key": id})
            self._note_change(connection, key_rows.hashes_of(connection, id))
            return key_rows.key_with_id(connection, id, seal=self._seal) or key

    def authenticate(self, secret: str) -> Actor:
        """Who acts with this API key.

        Raises:
            UnknownCredentialError: it opens nothing; unknown, revoked and expired read the same.
        """
        if has_shape("mw", secret):
            digest = self.credential_hash(secret)
            if found := self.credentials([digest]).get(digest):
                return found.actor
        raise unknown_key()

    def credentials(self, digests: Collection[str]) -> dict[str, Credential]:
        """What those secrets open that open anything, by their `credential_hash`, for a server that keeps them in memory; never an
        `altered` row, nor one that was put back as it was before its key was revoked.

        Such a server MUST ask again for what `changed_secrets` names, and check `expires` itself.
        """
        now = datetime.now(UTC)
        with self._database.look() as connection:
            held = key_rows.keys_with_hashes(connection, digests, seal=self._seal)
            revision = self._judge.refresh(connection)
        valid = {each: (key, until) for each, (key, until) in held.items() if key.is_valid(now) and not has_passed(until, now)}
        revoked = self._revoked.among((key.id for key, _ in valid.values()), revision=revision)
        return {
            digest: Credential(self._judge.judged(key.actor), _sooner(key.expires, until))
            for digest, (key, until) in valid.items()
            if key.id not in revoked
        }

    def changed_secrets(self, since: int = 0) -> ChangedSecrets:
        """The secrets of which anything changed since that `revision`; from 0 on, every one there is."""
        with self._database.look() as connection:
            self._judge.refresh(connection)
            return key_rows.changed_since(connection, since)

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """That keys were used, by their ids, as a server says once an hour: no change of access, and in no ledger. What is known
        already is not written.
        """
        told = list(uses.items())
        for begin in range(0, len(told), _USES_AT_ONCE):
            with self._database.look() as connection:
                new = key_rows.news_of(connection, dict(told[begin : begin + _USES_AT_ONCE]))
            if new:
                with self._database.change() as connection:
                    key_rows.note_uses(connection, new)

    def note_use(self, actor: Actor) -> None:
        """That the key is used with which `actor` acts; written where that is not known of this hour."""
        self.note_uses({actor.credential: datetime.now(UTC).replace(minute=0, second=0, microsecond=0)})

    def credential_hash(self, secret: str) -> str:
        """The keyed hash under which `credentials` lists a secret."""
        return hash_secret(self._pepper, secret)

    def revision(self) -> int:
        """A number that grows whenever anything changes that access is decided by."""
        with self._database.look() as connection:
            return sealed_rows.revision(connection)

    def _put_back(self, connection: Connection) -> list[str]:
        """The keys that are revoked by the ledger's word, and not by their rows."""
        open_ones = [key.id for key in key_rows.keys(connection, seal=self._seal) if not key.revoked]
        return [f"key {each!r}" for each in sorted(self._revoked.among(open_ones))]

    def _known_key(self, connection: Connection, id: str, *, by: Actor) -> Key:
        return known_key(connection, id, by=by, seal=self._seal)

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

    def _note_change(self, connection: Connection, digests: Collection[str]) -> None:
        key_rows.note_change(connection, digests)
        sealed_rows.advance_revision(connection)


def known_key(connection: Connection, id: str, *, by: Actor, seal: Seal) -> Key:
    """The key of that id, among those that `by` may know of.

    Raises:
        KeyMissingError: there is none; who wrote a name, or a secret, is told the id, and no secret. AlteredRowError.
    """
    key = key_rows.key_with_id(connection, id, seal=seal)
    if key is None or by.tenant not in ("", key.tenant):
        named = key_rows.key_named(connection, id, seal=seal)
        is_known = named and by.tenant in ("", named.tenant)
        hint = f"The key named {named.name} has the id {named.id}." if named and is_known else "Run `modelward keys list`."
        if secret := _SECRET.fullmatch(id):
            raise KeyMissingError(f"A secret of a key, or how one begins, is no id. The id of that one is {secret[1]}.")
        raise KeyMissingError(f"No key has the id {id[:80]!r}. {hint}")
    return key


def _facts(key: Key) -> dict[str, object]:
    """What the ledger says of a new key."""
    facts: dict[str, object] = {
        "key": key.id,
        "role": key.role.value,
        "models": None if key.models is None else list(key.models),
        "purpose": key.purpose,
        "expires": key.expires.isoformat() if key.expires else None,
    }
    facts |= in_tenant(key.tenant)
    if key.scope is not None:
        facts["scope"] = list(key.scope)
    if key.quota is not None:
        facts["quota"] = str(key.quota)
    return facts


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _checked_models(models: Sequence[str] | None) -> tuple[str, ...] | None:
    if models is None:
        return None
    if not 1 <= len(models) <= MODELS_LIMIT:
        raise InvalidCredentialError(
            f"A key is limited to 1 to {MODELS_LIMIT} models, not {len(models)}. Leave the list out for a key that reaches all."
        )
    return tuple(sorted({check_name("model", model) for model in models}))


def _checked_scope(scope: Sequence[Permission] | None, role: Role) -> tuple[Permission, ...] | None:
    if scope is None:
        return None
    if not scope:
        raise InvalidCredentialError("A scope names at least one permission. Leave it out for all that the role may.")
    if beyond := [each for each in scope if each not in PERMISSIONS_OF[role]]:
        raise InvalidCredentialError(
            f"A key of the role {role} has no {', '.join(beyond)} to be limited to. "
            f"It has: {', '.join(each for each in Permission if each in PERMISSIONS_OF[role])}."
        )
    if loose := [each for each in scope if each in NEVER_SCOPED]:
        raise InvalidCredentialError(
            f"No key is limited to {', '.join(loose)}: who hands out credentials could hand out one without the limit. "
            "Name what else it is for, or leave the scope out."
        )
    return tuple(each for each in Permission if each in scope)


def _checked_purpose(purpose: str) -> str:
    if len(purpose) > PURPOSE_LIMIT_CHARACTERS or not purpose.isprintable():
        raise InvalidCredentialError(f"A purpose is one line of at most {PURPOSE_LIMIT_CHARACTERS} characters.")
    if not names_purpose(purpose, or_none=True):
        raise InvalidCredentialError(f"{purpose[:80]!r} names no purpose. Say one, or leave it out for a key without one.")
    return purpose.strip()


def _checked_expiry(expires: datetime | None, now: datetime) -> datetime | None:
    if expires is None:
        return None
    if expires.tzinfo is None:
        raise InvalidCredentialError(f"The expiry {expires.isoformat()} has no time zone. Give it as 2027-01-31T00:00:00Z.")
    if has_passed(expires, now):
        raise InvalidCredentialError(f"The expiry {expires.isoformat()} lies in the past. Give one to come.")
    return expires.astimezone(UTC)
