# SPDX-License-Identifier: Apache-2.0
"""The accounts of people: how they sign in, in which role, and where they are signed in."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from modelward.access.actor import Actor
from modelward.access.attempt import USER_UNLOCKED
from modelward.access.attempts import Attempt, Attempts
from modelward.access.condition import Condition, of_factor, of_wait
from modelward.access.credential import (
    AlreadyEndedError,
    LastAdministratorError,
    SignedIn,
    UnknownCredentialError,
    User,
    UserMissingError,
    WrongPasswordError,
    has_passed,
)
from modelward.access.on_record import OnRecord
from modelward.access.password import MOST_CHARACTERS, Hasher, check_password
from modelward.access.permission import Permission, Role
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.second_factor import Enrolment, NoSecondFactorError, RecoveryCodes
from modelward.access.second_factors import SecondFactors
from modelward.access.session import (
    PASSWORD_SET,
    ROLE_CHANGED,
    SECOND_FACTOR_ENDED,
    SECOND_FACTOR_SET,
    SESSIONS_ENDED,
    SessionMissingError,
    Standing,
)
from modelward.access.sessions import Sessions
from modelward.access.store import identities as identity_rows
from modelward.access.store import passwords as password_rows
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import second_factors as factor_rows
from modelward.access.store import sessions as session_rows
from modelward.audit import Ledger
from modelward.settings import Settings
from modelward.storage import Connection, Database

_NOBODY: Final = "somebody unknown here"


class Accounts:
    """Passwords, second factors, roles and sessions of people. Every change is one transaction with its ledger entry."""

    def __init__(
        self, database: Database, ledger: Ledger, pepper: bytes, seal: Seal, *, sessions: Sessions, settings: Settings
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._seal = seal
        self._sessions = sessions
        self._attempts = Attempts(database, ledger, pepper, seal, settings=settings)
        self._factors = SecondFactors(pepper, seal, OnRecord(ledger))
        self.hasher = Hasher(pepper, settings=settings)

    # Coming in

    def sign_in(self, name: str, password: str, *, code: str = "", address: str) -> SignedIn:
        """Open a session with a password, and with a code where the person has a second factor.

        Somebody unknown, a wrong password and a wrong code take the same way at the same cost, and read the same.

        Raises:
            UnknownCredentialError: it opens nothing. TooManyAttemptsError, HashingBusyError: it was not looked at.
        """
        name, password = name.strip().casefold()[:MOST_CHARACTERS], password[: MOST_CHARACTERS + 1]
        attempt = self._attempts.begin(name, address)
        user = kept = None
        with self._database.look() as connection, suppress(AlteredRowError):
            user = person_rows.user_named(connection, name, seal=self._seal)
            if user and not user.removed:
                kept = password_rows.password(connection, name, seal=self._seal)
        if self.hasher.fits(kept, password) and kept:
            dearer = self.hasher.kept(password) if self.hasher.is_cheaper(kept) else ""
            with self._database.change() as connection, suppress(AlteredRowError):
                signed_in = self._let_in(connection, name, kept=kept, dearer=dearer, code=code, attempt=attempt)
                if signed_in:
                    return signed_in
        self._attempts.refused(attempt, subject=f"person:{user.name}" if user else _NOBODY)
        raise UnknownCredentialError(
            "The name, the password or the code is not right, or the code was used before. Who lost one of them asks an "
            "administrator for a new one-time link."
        )

    def _let_in(self, connection: Connection, name: str, *, kept: str, dearer: str, code: str, attempt: Attempt) -> SignedIn | None:
        """The session, where everything is still as it was when the password was checked, and the code is right."""
        user = person_rows.user_named(connection, name, seal=self._seal)
        if not user or user.removed or password_rows.password(connection, name, seal=self._seal) != kept:
            return None
        proof = self._factors.proof(connection, name, code)
        if proof is None:
            return None
        if dearer:
            now = datetime.now(UTC)
            password_rows.put_password(connection, name, kept=dearer, by=f"person:{name}", now=now, seal=self._seal)
        self._attempts.forgive(connection, attempt)
        return self._sessions.open(connection, user, means="password", second_factor=proof)

    # Passwords

    def check_new_password(self, name: str, password: str) -> str:
        """What would be kept of that person's password. Raises `WeakPasswordError`, `HashingBusyError`."""
        return self.hasher.kept(check_password(password, name=name))

    def put_password(self, connection: Connection, name: str, *, kept: str, by: str) -> int:
        """The person has another password: their sessions and an unused link end, on record. How many sessions there were."""
        password_rows.put_password(connection, name, kept=kept, by=by, now=datetime.now(UTC), seal=self._seal)
        person_rows.drop_invitation(connection, name)
        self._attempts.forget(connection, name)
        ended = session_rows.end_sessions(connection, name)
        self._ledger.record(connection, PASSWORD_SET, actor=by, subject=f"person:{name}", facts={"sessions_ended": ended})
        sealed_rows.advance_revision(connection)
        return ended

    def set_password(self, name: str, password: str, *, by: Actor) -> User:
        """Give a person a password, in place of one that they had; their second factor stays.

        Raises:
            NotPermittedError: `by` lacks users:manage. WeakPasswordError. UserMissingError, AlreadyEndedError: there is nobody.
        """
        by.require(Permission.USERS_MANAGE)
        with self._database.look() as connection:
            self.present(connection, name, by=by)
        kept = self.check_new_password(name, password)
        with self._database.change() as connection:
            user = self.present(connection, name, by=by)
            self.put_password(connection, name, kept=kept, by=by.id)
            return user

    def change_password(self, old: str, new: str, *, by: Actor) -> SignedIn:
        """One's own password. Every session ends, and a new one takes the place of this one.

        Who has none yet, having come by a link, gives no old one. Who came by a provider sets no first one: it would open when
        the provider vouches for them no more.

        Raises:
            WrongPasswordError: the old one is another. WeakPasswordError. TooManyAttemptsError, HashingBusyError.
        """
        name = self._oneself(by)
        before = self._proved(name, old, by=by, is_needed=False)
        kept = self.check_new_password(name, new)
        with self._database.change() as connection:
            user = self.present(connection, name, by=by)
            if password_rows.password(connection, name, seal=self._seal) != before:
                raise WrongPasswordError("The password was changed a moment ago. Nothing was changed now.")
            if before is None and self._came_by_provider(connection, by):
                raise WrongPasswordError(
                    "You come in by the sign-in provider, and have no password here. Nothing was changed. Who needs one asks an "
                    f"administrator for a one-time link: `modelward users invite {name}`."
                )
            self.put_password(connection, name, kept=kept, by=by.id)
            return self._sessions.open(connection, user, means="password")

    def _proved(self, name: str, password: str, *, by: Actor, is_needed: bool = True) -> str | None:
        """What is kept of the password of who acts, once they proved that they know it: a session may be somebody else's by now."""
        with self._database.look() as connection:
            kept = password_rows.password(connection, name, seal=self._seal)
        if kept is None:
            if is_needed:
                raise WrongPasswordError("You have no password yet. Set one first, on the page of your account.")
            return None
        attempt = self._attempts.begin(name, f"session {by.credential}")
        if not self.hasher.fits(kept, password[: MOST_CHARACTERS + 1]):
            self._attempts.refused(attempt, subject=f"person:{name}")
            raise WrongPasswordError("The password is not right. Nothing was changed.")
        with self._database.change() as connection:
            self._attempts.forgive(connection, attempt)
        return kept

    # Second factors

    def begin_second_factor(self, password: str, *, by: Actor) -> Enrolment:
        """The secret for an authenticator, this one time. It asks nothing of anybody before it is confirmed.

        Raises:
            WrongPasswordError: it is not right, or there is none. SecondFactorThereError: end that one first.
        """
        name = self._oneself(by)
        self._proved(name, password, by=by)
        with self._database.change() as connection:
            return self._factors.begin(connection, name)

    def confirm_second_factor(self, code: str, *, by: Actor) -> RecoveryCodes:
        """The authenticator works: from now on every sign-in by password asks for its code. Other sessions and links end.

        Raises:
            WrongPasswordError: the code is not right. NoSecondFactorError: none was begun. SecondFactorThereError.
        """
        name = self._oneself(by)
        with self._database.change() as connection:
            codes = self._factors.confirm(connection, name, code)
            person_rows.drop_invitation(connection, name)
            ended = session_rows.end_sessions(connection, name, but=by.credential)
            self._ledger.record(connection, SECOND_FACTOR_SET, actor=by.id, subject=by.id, facts={"sessions_ended": ended})
            sealed_rows.advance_revision(connection)
        return codes

    def end_second_factor(self, password: str, *, by: Actor) -> None:
        """Sign in without a code from now on.

        Raises:
            WrongPasswordError. NoSecondFactorError: there is none.
        """
        name = self._oneself(by)
        self._proved(name, password, by=by)
        with self._database.change() as connection:
            if not factor_rows.drop_factor(connection, name):
                raise NoSecondFactorError("You have no second factor. Nothing was changed.")
            ended = session_rows.end_sessions(connection, name, but=by.credential)
            self._ledger.record(connection, SECOND_FACTOR_ENDED, actor=by.id, subject=by.id, facts={"sessions_ended": ended})
            sealed_rows.advance_revision(connection)

    # Roles, sessions and lockouts

    def change_role(self, name: str, role: Role, *, by: Actor) -> User:
        """Give a person another role; their sessions end, so that they see from then on what they may.

        Raises:
            NotPermittedError: `by` lacks users:manage. UserMissingError, AlreadyEndedError. LastAdministratorError.
        """
        by.require(Permission.USERS_MANAGE)
        with self._database.change() as connection:
            user = self.present(connection, name, by=by)
            if user.role is role:
                return user
            self.check_remains(connection, user)
            person_rows.change_role(connection, name, role, seal=self._seal)
            ended = session_rows.end_sessions(connection, name)
            facts = {"before": user.role.value, "role": role.value, "sessions_ended": ended}
            self._ledger.record(connection, ROLE_CHANGED, actor=by.id, subject=f"person:{name}", facts=facts)
            sealed_rows.advance_revision(connection)
            return self.present(connection, name, by=by)

    def end_sessions(self, name: str, id: str = "", *, by: Actor) -> int:
        """End the session of that id, or all of a person; how many. One's own may be ended by oneself.

        Raises:
            NotPermittedError: they are somebody else's, and `by` lacks users:manage. UserMissingError. SessionMissingError.
        """
        if by.id != f"person:{name}":
            by.require(Permission.USERS_MANAGE)
        with self._database.change() as connection:
            self.present(connection, name, by=by)
            if id and id not in {each.id for each in self._sessions.open_ones(connection) if each.user == name}:
                raise SessionMissingError(f"{name} has no open session {id[:80]!r}. Run `modelward users sessions {name}`.")
            if id:
                session_rows.end_session(connection, id)
            ended = 1 if id else session_rows.end_sessions(connection, name)
            facts = {"session": id or None, "sessions_ended": ended}
            self._ledger.record(connection, SESSIONS_ENDED, actor=by.id, subject=f"person:{name}", facts=facts)
            sealed_rows.advance_revision(connection)
            return ended

    def unlock(self, name: str, *, by: Actor) -> User:
        """Forget how often it failed to sign in as that person, so that they need not wait.

        Raises:
            NotPermittedError: `by` lacks users:manage. UserMissingError, AlreadyEndedError.
        """
        by.require(Permission.USERS_MANAGE)
        with self._database.change() as connection:
            user = self.present(connection, name, by=by)
            counts = self._attempts.forget(connection, name)
            self._ledger.record(connection, USER_UNLOCKED, actor=by.id, subject=f"person:{name}", facts={"counts": counts})
            return user

    def standing(self, name: str, *, by: Actor) -> Standing:
        """How a person signs in, and where they are signed in; one's own needs no permission.

        Raises:
            NotPermittedError: it is somebody else's, and `by` lacks users:manage. UserMissingError, AlreadyEndedError.
        """
        if by.id != f"person:{name}":
            by.require(Permission.USERS_MANAGE)
        with self._database.look() as connection:
            return self._standings(connection, [self.present(connection, name, by=by)])[0]

    def standings(self, *, by: Actor) -> list[Standing]:
        """The same of everybody who was not removed, by name. Raises `NotPermittedError`."""
        by.require(Permission.USERS_MANAGE)
        with self._database.look() as connection:
            present = [
                user
                for user in person_rows.users(connection, seal=self._seal)
                if not user.removed and by.tenant in ("", user.tenant)
            ]
            return self._standings(connection, present)

    def _standings(self, connection: Connection, users: list[User]) -> list[Standing]:
        now = datetime.now(UTC)
        passwords = password_rows.have_passwords(connection, seal=self._seal)
        factors = factor_rows.have_factors(connection, seal=self._seal)
        codes, waits = factor_rows.recovery_codes_left(connection), self._attempts.waits(connection)
        links = {
            name: end for name, end in person_rows.invitations(connection, seal=self._seal).items() if not has_passed(end, now)
        }
        sessions, vouched = self._sessions.open_ones(connection), identity_rows.vouched_for(connection)
        return [
            Standing(
                name=user.name,
                role=user.role,
                has_password=user.name in passwords,
                has_second_factor=user.name in factors,
                recovery_codes=codes.get(user.name, 0),
                invited_until=links.get(user.name),
                locked=waits.get(self._attempts.person(user.name)),
                sessions=tuple(each for each in sessions if each.user == user.name),
                has_provider=user.name in vouched,
            )
            for user in users
        ]

    # What other verbs of the room rest upon

    def present(self, connection: Connection, name: str, *, by: Actor | None = None) -> User:
        """The person of that name, whom `by` may know of. Raises `UserMissingError`, `AlreadyEndedError`."""
        user = person_rows.user_named(connection, name, seal=self._seal)
        if user is None or (by is not None and by.tenant not in ("", user.tenant)):
            raise UserMissingError(f"No user is called {name[:80]!r}. Run `modelward users list`.")
        if user.removed:
            raise AlreadyEndedError(f"{name} was removed on {user.removed:%Y-%m-%d %H:%M} UTC already.")
        return user

    def check_remains(self, connection: Connection, user: User) -> None:
        """Refuse to take the last administrator away. Raises `LastAdministratorError`."""
        of_house = (each for each in person_rows.users(connection, seal=self._seal) if not each.removed and not each.tenant)
        others = (each for each in of_house if each.name != user.name)
        if not user.tenant and user.role is Role.ADMINISTRATOR and not any(each.role is Role.ADMINISTRATOR for each in others):
            raise LastAdministratorError(
                f"{user.name} is the last administrator. Make another first: `modelward users add NAME --role administrator`."
            )

    def conditions(self, actor: Actor) -> list[Condition]:
        """What a person shows beside their password, and how long they wait."""
        if actor.id != f"person:{actor.name}":
            return []
        with self._database.look() as connection:
            wait = self._attempts.waits(connection).get(self._attempts.person(actor.name))
            is_there = actor.name in factor_rows.have_factors(connection, seal=self._seal)
            is_gone = not is_there and self._factors.is_on_record(actor.name)
        is_asked = actor.role in self._sessions.roles_with_factors
        factor = of_factor(actor.name, actor.role, is_asked=is_asked, is_there=is_there, is_gone=is_gone)
        return [each for each in (factor, of_wait(actor.name, wait) if wait else None) if each]

    def altered(self, connection: Connection) -> list[str]:
        """The second factors that were taken away by something other than Modelward."""
        present = [user.name for user in person_rows.users(connection, seal=self._seal) if not user.removed]
        return [f"second factor {name!r}" for name in self._factors.gone(connection, present)]

    def end_credentials(self, connection: Connection, name: str, *, always: bool) -> int:
        """Password and second factor end, and with them the sessions, which end `always` or where there was one of both."""
        had = [password_rows.drop_password(connection, name), factor_rows.drop_factor(connection, name)]
        self._attempts.forget(connection, name)
        if always:
            self._attempts.forget_places(connection, name)
        return session_rows.end_sessions(connection, name) if always or any(had) else 0

    def _came_by_provider(self, connection: Connection, by: Actor) -> bool:
        return any(each.id == by.credential and each.means == "provider" for each in self._sessions.open_ones(connection))

    def _oneself(self, by: Actor) -> str:
        """The name of the person who acts in a session; services and the owner of the home have no account."""
        if by.id != f"person:{by.name}" or not by.credential:
            raise UserMissingError(f"{by.id} is nobody who signs in, and has no account. Sign in to the console for that.")
        return by.name
