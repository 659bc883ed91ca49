# SPDX-License-Identifier: Apache-2.0
"""Opens, finds and ends sessions, for whatever way somebody came in."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from modelward.access.actor import Actor
from modelward.access.credential import (
    SESSION_CLOSED,
    SESSION_OPENED,
    USER_REMOVED,
    SignedIn,
    UnknownCredentialError,
    User,
    draw_secret,
    has_shape,
    hash_secret,
)
from modelward.access.ended_on_record import EndedOnRecord
from modelward.access.judging import HouseJudge
from modelward.access.permission import Role, parse_role
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.second_factor import SecondFactorDueError
from modelward.access.session import Means, Session
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import second_factors as factor_rows
from modelward.access.store import sessions as session_rows
from modelward.audit import Ledger
from modelward.settings import Settings
from modelward.storage import Connection, Database, DatabaseBusyError

_NOTED_EVERY: Final = timedelta(minutes=1)
_NOTED_TIMES: Final = 4


class Sessions:
    """Who is signed in. A session ends at its hour, when nothing was done for a while, and with whatever it rests upon."""

    def __init__(
        self, database: Database, ledger: Ledger, pepper: bytes, seal: Seal, judge: HouseJudge, *, settings: Settings
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._pepper = pepper
        self._seal = seal
        self._judge = judge
        self._removed = EndedOnRecord(ledger, USER_REMOVED, id_of=lambda entry: entry.subject.removeprefix("person:"))
        self._longest = timedelta(seconds=settings.session_seconds)
        self._idle = timedelta(seconds=settings.session_idle_seconds)
        self.roles_with_factors = roles_named(settings.second_factor_roles)

    def open(self, connection: Connection, user: User, *, means: Means, second_factor: str = "none needed") -> SignedIn:
        """A new session of `user`, with a secret that nobody could have known before, on record with how they proved themselves.

        Raises:
            UnknownCredentialError: they were removed, by the ledger's word.
        """
        now = datetime.now(UTC)
        if self._removed.among([user.name]):
            raise _over()
        secret = draw_secret("mws")
        expires = now + self._longest
        session = Session(id=secret.id, user=user.name, opened=now, seen=now, expires=expires, means=means)
        session_rows.insert_session(connection, session, secret_hash=self._hash(secret.text), now=now, seal=self._seal)
        actor = self._judge.judged(user.actor(secret.id))
        facts = {"session": secret.id, "expires": expires.isoformat(), "means": means, "second_factor": second_factor}
        self._ledger.record(connection, SESSION_OPENED, actor=actor.id, subject=actor.id, facts=facts)
        sealed_rows.advance_revision(connection)
        return SignedIn(secret.text, actor, expires)

    def actor(self, secret: str, *, is_enrolling: bool = False) -> Actor:
        """Who acts in this session. Who `is_enrolling` may lack the second factor that their role asks for.

        Raises:
            UnknownCredentialError: it opens nothing; unknown, ended and expired read the same.
            SecondFactorDueError: it opens nothing but the setting up of a second factor.
        """
        now = datetime.now(UTC)
        found = None
        if has_shape("mws", secret):
            with self._database.look() as connection, suppress(AlteredRowError):
                revision = self._judge.refresh(connection)
                session = session_rows.session(connection, self._hash(secret), seal=self._seal)
                user = person_rows.user_named(connection, session.user, seal=self._seal) if session else None
                is_there = session and user and not user.removed and not self._removed.among([user.name], revision=revision)
                if session and user and is_there and session.is_open(now, idle=self._idle):
                    if not is_enrolling:
                        self._check_factor(connection, user, session)
                    found = user, session
        if found is None:
            raise _over()
        self._note_use(found[1], now)
        return self._judge.judged(found[0].actor(found[1].id))

    def close(self, secret: str) -> None:
        """End a session; one that is over already is no error."""
        if not has_shape("mws", secret):
            return
        with self._database.change() as connection:
            session = None
            with suppress(AlteredRowError):  # it opens nothing already
                session = session_rows.session(connection, self._hash(secret), seal=self._seal)
            if session is None:
                return
            session_rows.end_session(connection, session.id)
            actor = f"person:{session.user}"
            self._ledger.record(connection, SESSION_CLOSED, actor=actor, subject=actor, facts={"session": session.id})
            sealed_rows.advance_revision(connection)

    def open_ones(self, connection: Connection) -> list[Session]:
        """Every session that opens something now, the latest first."""
        now = datetime.now(UTC)
        return [each for each in session_rows.sessions(connection, seal=self._seal) if each.is_open(now, idle=self._idle)]

    def put_back(self, connection: Connection) -> list[str]:
        """The people who were removed by the ledger's word, and not by their rows."""
        present = [user.name for user in person_rows.users(connection, seal=self._seal) if not user.removed]
        return [f"user {each!r}" for each in sorted(self._removed.among(present))]

    def _check_factor(self, connection: Connection, user: User, session: Session) -> None:
        # Who comes by a provider showed it there whatever the provider asks for.
        if user.role not in self.roles_with_factors or session.means == "provider":
            return
        factor = factor_rows.factor(connection, user.name, seal=self._seal)
        if factor is None or not factor.is_confirmed:
            raise SecondFactorDueError(
                f"Somebody who is {user.role.value} signs in with a second factor. Set one up on the page of your account first."
            )

    def _note_use(self, session: Session, now: datetime) -> None:
        """Once a minute: a look at a page is no reason to write each time."""
        if now - session.seen < min(_NOTED_EVERY, self._idle / _NOTED_TIMES):
            return
        # Where nothing can be written now, on a full disk for instance, the page is shown all the same.
        with suppress(DatabaseBusyError, AlteredRowError), self._database.change() as connection:
            session_rows.note_use(connection, session.id, now=now, seal=self._seal)

    def _hash(self, secret: str) -> str:
        return hash_secret(self._pepper, secret)


def _over() -> UnknownCredentialError:
    return UnknownCredentialError("This session is over. Sign in again, or ask an administrator for a new link.")


def roles_named(text: str) -> frozenset[Role]:
    """The roles of a setting that lists some.

    Raises:
        UnknownRoleError: there is no role of such a name.
    """
    return frozenset(parse_role(part.strip()) for part in text.split(",") if part.strip())
