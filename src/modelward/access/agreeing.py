# SPDX-License-Identifier: Apache-2.0
"""Terms are put, read and accepted, each on record; and what has terms is refused to whoever did not accept them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

from modelward.access.actor import Actor, NotPermittedError, NotYoursError
from modelward.access.keys import known_key
from modelward.access.on_record import OnRecord, RecordedTerms
from modelward.access.permission import Permission
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import terms as rows
from modelward.access.terms import (
    TERMS_ACCEPTED,
    TERMS_PUT,
    Acceptance,
    OfferedTerms,
    Subject,
    Terms,
    TermsChangedError,
    TermsMissingError,
    check_terms,
    not_accepted,
    parse_subject,
    terms_altered,
)
from modelward.audit import Ledger
from modelward.digest import sha256_hex
from modelward.storage import Connection, Database, Keyring

_LOOKS: Final = 3
_NONE: Final = "none"
_T = TypeVar("_T")


class Agreeing:
    """Terms of models and datasets. New terms take the place of those before, and are accepted anew."""

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring) -> None:
        self._database = database
        self._ledger = ledger
        self._seal = Seal(keyring.secret("pepper"))
        self._record = OnRecord(ledger)

    def put(self, subject: str, text: str, *, replaces: str = "", by: Actor) -> Terms:
        """Put terms in place for `model:income` or `dataset:adult`, which may be made later. The same text again changes nothing.
        With `replaces`, only in the place of those with that digest; `none` is where there are none.

        Raises:
            NotPermittedError: `by` may not. InvalidTermsError: they cannot be put. TermsChangedError: it is not `replaces` that is
            in place.
        """
        found = parse_subject(subject)
        by.require(Permission.TERMS_PUT, **_named(found))
        text = check_terms(text)
        terms = Terms(str(found), text, sha256_hex(text.encode()), datetime.now(UTC), by.id)
        with self._database.change() as connection:
            # What was tampered with is mended by putting terms again.
            with suppress(AlteredRowError):
                present = self._in_place(connection, str(found))
                if present and present.digest == terms.digest and present.text == text:
                    return present
            told = self._record.terms().get(str(found))
            _check_replaced(found, told.digest if told else _NONE, replaces)
            rows.put(connection, terms, seal=self._seal)
            facts = {"digest": terms.digest, "replaced": told.digest if told else None}
            self._ledger.record(connection, TERMS_PUT, actor=by.id, subject=str(found), facts=facts)
            sealed_rows.advance_revision(connection)
        return terms

    def show(self, subject: str, *, by: Actor) -> OfferedTerms:
        """The terms in place, and when `by` accepted them.

        Raises:
            NotPermittedError: what they hold for is out of reach. TermsMissingError: there are none. AlteredRowError.
        """
        found = parse_subject(subject)
        _check_reach(found, by)
        return self._settled(lambda connection: self._offered(connection, self._present(connection, found), by))

    def list(self, *, by: Actor) -> list[OfferedTerms]:
        """All terms of what `by` reaches, and when they accepted each; those that were tampered with say so, and hide no other."""
        told = sorted(self._record.terms().items())
        return [self._listed(subject, each, by) for subject, each in told if _reaches(parse_subject(subject), by)]

    def accept(self, subject: str, *, digest: str = "", key: str = "", by: Actor) -> Acceptance:
        """Accept the terms in place; with `digest`, only if they are those. With `key`, the id of one, on its behalf, which who
        manages keys may do. Who accepted them already is told so.

        Raises:
            NotPermittedError: what they hold for is out of reach, or `by` does not manage keys. KeyMissingError. TermsMissingError:
            there are none. TermsChangedError: they are not those with that `digest` any more. AlteredRowError.
        """
        found = parse_subject(subject)
        if key:
            by.require(Permission.KEYS_MANAGE)
        else:
            _check_reach(found, by)
        with self._database.change() as connection:
            who = self._service(connection, key, by=by) if key else by.id
            terms = self._present(connection, found)
            if digest not in ("", terms.digest):
                raise _changed(found, terms.digest, digest)
            # An acceptance whose row was altered is none, and is given again.
            with suppress(AlteredRowError):
                if before := rows.acceptance(connection, str(found), digest=terms.digest, actor=who, seal=self._seal):
                    return before
            made = Acceptance(str(found), terms.digest, who, datetime.now(UTC), by.id)
            rows.accept(connection, made, seal=self._seal)
            facts = {"digest": terms.digest, "for": who, "credential": by.credential}
            self._ledger.record(connection, TERMS_ACCEPTED, actor=by.id, subject=str(found), facts=facts)
            sealed_rows.advance_revision(connection)
        return made

    def require(self, subject: str, by: Actor) -> str:
        """The digest of the terms in place, which `by` accepted; nothing where there are none.

        Raises:
            TermsNotAcceptedError: they did not. AlteredRowError: the terms, or that they did, were altered.
        """
        terms, accepted = self.standing(subject, by)
        if terms and not accepted:
            raise not_accepted(subject, by.id)
        return terms.digest if terms else ""

    def has_accepted(self, subject: str, digest: str, by: Actor) -> bool:
        """Whether `by` accepted the terms with that digest."""
        with self._database.look() as connection:
            return rows.has_accepted(connection, subject, digest=digest, actor=by.id, seal=self._seal)

    def accepted_by(self, subject: str, digest: str, *, by: Actor) -> frozenset[str]:
        """Everybody who accepted the terms with that digest, for who manages keys of the whole house or of a tenant.

        Raises:
            NotPermittedError: `by` lacks keys:manage.
        """
        by.require(Permission.KEYS_MANAGE)
        with self._database.look() as connection:
            return rows.accepted_by(connection, subject, digest=digest, seal=self._seal)

    def in_force(self) -> dict[str, str]:
        """What has terms, and their digests; see `require`, which asks the database each time. Where they are not those that the
        ledger tells of, there is none: nobody is let through.
        """
        told: dict[str, str] = {}
        held: dict[str, str] = {}
        for _ in range(_LOOKS):
            told = {subject: each.digest for subject, each in self._record.terms().items()}
            with self._database.look() as connection:
                held = rows.in_force(connection, seal=self._seal)
            if held == told:
                break
        return {subject: held[subject] if held.get(subject) == told.get(subject) else "" for subject in held | told}

    def standing(self, subject: str, by: Actor) -> tuple[Terms | None, Acceptance | None]:
        """The terms in place, where there are some, and that `by` accepted them, where they did. Raises `AlteredRowError`."""
        return self._settled(lambda connection: self._standing(connection, subject, by))

    def _settled(self, read: Callable[[Connection], _T]) -> _T:
        """What a reading finds. The ledger is read after the rows, and may tell of what was put meanwhile: then it is read anew."""
        for _ in range(_LOOKS - 1):
            with suppress(AlteredRowError), self._database.look() as connection:
                return read(connection)
        with self._database.look() as connection:
            return read(connection)

    def _in_place(self, connection: Connection, subject: str) -> Terms | None:
        """The terms, which are those that the ledger tells of. Raises `AlteredRowError`."""
        found, told = rows.find(connection, subject, seal=self._seal), self._record.terms().get(subject)
        if (found.digest if found else None) != (told.digest if told else None):
            raise terms_altered(subject)
        return found

    def _standing(self, connection: Connection, subject: str, by: Actor) -> tuple[Terms | None, Acceptance | None]:
        terms = self._in_place(connection, subject)
        if terms is None:
            return None, None
        return terms, rows.acceptance(connection, subject, digest=terms.digest, actor=by.id, seal=self._seal)

    def _listed(self, subject: str, told: RecordedTerms, by: Actor) -> OfferedTerms:
        terms = Terms(subject, "", told.digest, told.put, told.by)
        try:
            found = self._settled(lambda connection: self._in_place(connection, subject))
            terms = found or terms
            return self._settled(lambda connection: self._offered(connection, terms, by))
        except AlteredRowError as fault:
            return OfferedTerms(terms, None, str(fault))

    def _offered(self, connection: Connection, terms: Terms, by: Actor) -> OfferedTerms:
        found = rows.acceptance(connection, terms.subject, digest=terms.digest, actor=by.id, seal=self._seal)
        return OfferedTerms(terms, found.accepted if found else None)

    def _present(self, connection: Connection, subject: Subject) -> Terms:
        terms = self._in_place(connection, str(subject))
        if terms is None:
            raise TermsMissingError(f"There are no terms of {subject}, so nothing is to be accepted. `modelward terms list`.")
        return terms

    def _service(self, connection: Connection, id: str, *, by: Actor) -> str:
        return known_key(connection, id, by=by, seal=self._seal).actor.id


def _named(subject: Subject) -> dict[str, str]:
    return {subject.kind: subject.name}


def _reaches(subject: Subject, by: Actor) -> bool:
    return any(by.may(permission, **_named(subject)) for permission in subject.permissions)


def _check_reach(subject: Subject, by: Actor) -> None:
    if not _reaches(subject, by):
        decision = by.judge.decide(by, Permission.TERMS_PUT, **_named(subject))
        if decision.is_hidden:
            raise NotYoursError(decision.reason)
        raise NotPermittedError(f"{by.id} does not reach {subject}, so its terms are no concern of theirs. Ask an administrator.")


def _check_replaced(subject: Subject, present: str, replaces: str) -> None:
    if replaces not in ("", present):
        raise _changed(subject, present, replaces)


def _changed(subject: Subject, present: str, meant: str) -> TermsChangedError:
    return TermsChangedError(
        f"The terms of {subject} are {present[:12]}…, not {meant[:12]!r}. Read them again: `modelward terms show {subject}`."
    )
