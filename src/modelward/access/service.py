# SPDX-License-Identifier: Apache-2.0
"""Who is it, and may they: keys, users and sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from modelward.access.accounts import Accounts
from modelward.access.actor import Actor, local_actor
from modelward.access.agreeing import Agreeing
from modelward.access.condition import Condition, of_altered_terms, of_key, of_purpose, of_terms
from modelward.access.credential import (
    USER_ADDED,
    USER_INVITED,
    USER_REMOVED,
    Invitation,
    Key,
    NameTakenError,
    SignedIn,
    UnknownCredentialError,
    User,
    draw_secret,
    has_passed,
    has_shape,
)
from modelward.access.emergencies import Emergencies
from modelward.access.explanation import Explanation, Meant, explain, meant_by, names_taken, parse_permission, thing_meant
from modelward.access.judging import Divided, undivided
from modelward.access.keys import Keys
from modelward.access.name import check_name
from modelward.access.origin import origin_meant
from modelward.access.permission import Permission, Role
from modelward.access.remedy import Asked, key_command
from modelward.access.seal import AlteredRowError
from modelward.access.sessions import Sessions
from modelward.access.site_policies import SitePolicies
from modelward.access.store import keys as key_rows
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.tenant import in_tenant
from modelward.access.terms import Subject
from modelward.audit import Ledger
from modelward.digest import keyed_digest
from modelward.settings import Settings
from modelward.storage import Connection, Database, Keyring

# What a model is granted of a dataset, or of any where none is named, as far as who asks may know of it. Data lies above this room.
Granted: TypeAlias = Callable[[str, str, Actor], Iterable[Condition]]


# Of each dataset that is granted to a model, as far as who asks may know of it: its name, and what it is a shard of, at any depth.
Learned: TypeAlias = Callable[[str, Actor], Iterable[Sequence[str]]]


# The version of a model that answers, and what it is for.
Live: TypeAlias = Callable[[str], tuple[str, str] | None]


def _nothing_known(_model: str, _dataset: str, _by: Actor) -> Iterable[Condition]:
    return ()


def _nothing_learned(_model: str, _by: Actor) -> Iterable[Sequence[str]]:
    return ()


def _nothing_live(_model: str) -> None:
    return None


_LEARNING: Final = (Permission.TRAINING_RUN, Permission.MODELS_ASSESS)


class Access(Keys):
    """Keys for services, one-time links and sessions for people; how these sign in otherwise is said by their `accounts`.

    Every change is one transaction with its ledger entry.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        *,
        settings: Settings,
        granted: Granted = _nothing_known,
        divided: Divided = undivided,
        learned: Learned = _nothing_learned,
        live: Live = _nothing_live,
    ) -> None:
        super().__init__(database, ledger, keyring, divided=divided)
        self._live = live
        self._granted = granted
        self._divided = divided
        self._learned = learned
        self.terms = Agreeing(database, ledger, keyring)
        self._settings = settings
        self._sessions = Sessions(database, ledger, self._pepper, self._seal, judge=self._judge, settings=settings)
        self.accounts = Accounts(database, ledger, self._pepper, self._seal, sessions=self._sessions, settings=settings)
        self.emergencies = Emergencies(database, ledger, self._seal, settings=settings)
        self.policies = SitePolicies(database, ledger, self._seal, self._judge)

    def owner(self) -> Actor:
        """Whoever runs this process over the home, judged by its policies as everybody is, but for repairing them."""
        return self._judge.judged(local_actor())

    def explain(
        self, who: str, action: str, what: str = "", *, address: str = "", has_certificate: bool = False, by: Actor
    ) -> Explanation:
        """Whether somebody may do something, what decided, on which conditions, and what would have to change; see `Explanation`.

        Everybody may ask it of themselves, also by name alone. It is answered for a connection from that `address`, and with a
        client certificate or without; of oneself, where neither is said, for the one that one asks on.

        Raises:
            NotPermittedError: `by` lacks policies:manage, and asks of somebody else. UnknownPermissionError, InvalidNameError: no
            such action, or nothing can be called that. UnfitThingError: the action is not about such a thing. NobodyKnownError:
            nobody is meant. InvalidAddressError.
        """
        if who and who == by.name and not by.may(Permission.POLICIES_MANAGE):
            who = by.id
        if who not in (by.id, by.credential):
            by.require(Permission.POLICIES_MANAGE)
        permission = parse_permission(action)
        model, dataset = thing_meant(what, permission)
        with self._database.look() as connection:
            people = person_rows.users(connection, seal=self._seal)
            keys = key_rows.keys(connection, seal=self._seal)
        meant = Meant(by) if who == by.id else meant_by(who, people=people, keys=keys)
        if meant.actor is not by or address or has_certificate:
            meant = replace(meant, actor=meant.actor.at(origin_meant(address, is_mtls=has_certificate)))
        actor, taken = meant.actor, names_taken(people, keys)
        asked = Asked(actor=actor, permission=permission, model=model, dataset=dataset, taken=taken)
        key = next((each for each in keys if each.actor.id == actor.id and each.id == actor.credential), None)
        conditions = [
            *(of_key(key, actor, permission) if key else ()),
            *self._purpose_of(asked),
            *self._terms_of(asked, key=key),
            *self._terms_of_data(asked, key=key, by=by),
            *self._grants_of(actor, permission, model=model, dataset=dataset, by=by),
            *self.accounts.conditions(actor),
        ]
        return explain(self._judge, meant, asked, conditions=conditions)

    def _purpose_of(self, asked: Asked) -> Iterator[Condition]:
        actor = asked.actor

        def instead(purpose: str) -> str:
            return key_command(replace(actor, purpose=purpose), role=actor.role, taken=asked.taken)

        live = self._live(asked.model) if asked.model is not None and actor.purpose else None
        return of_purpose(actor, asked.permission, live, instead=instead)

    def _terms_of(self, asked: Asked, *, key: Key | None) -> Iterator[Condition]:
        """Whether the actor accepted the terms that bind who does this; of a shard, also those of what was divided. A model
        accepts nothing: whoever trains it does.
        """
        if asked.actor.id.startswith("model:"):
            return
        things = [("model", asked.model)] if asked.model is not None else []
        things += [("dataset", each) for each in self._divided(asked.dataset)] if asked.dataset is not None else []
        for subject in (Subject(kind, name) for kind, name in things):
            if asked.permission in subject.binding:
                yield from self._accepted(str(subject), asked.actor, key=key)

    def _terms_of_data(self, asked: Asked, *, key: Key | None, by: Actor) -> Iterator[Condition]:
        """Whether the actor accepted the terms of the data that is granted to the model which they train or measure. Of several
        datasets, which of them it is shows when it is done.
        """
        if asked.permission not in _LEARNING or asked.model is None:
            return
        bound, lines = self.terms.in_force(), []
        if any(each.startswith("dataset:") for each in bound):
            # A grant that was altered is told of where grants are.
            with suppress(AlteredRowError):
                lines = [*self._learned(asked.model, by)]
        for subject in dict.fromkeys(f"dataset:{name}" for line in lines for name in line):
            for found in self._accepted(subject, asked.actor, key=key) if subject in bound else ():
                yield found if found.is_met or len(lines) == 1 else replace(found, is_met=None)

    def _accepted(self, subject: str, actor: Actor, *, key: Key | None) -> Iterator[Condition]:
        try:
            terms, accepted = self.terms.standing(subject, actor)
        except AlteredRowError as fault:
            yield of_altered_terms(fault)
            return
        if terms is not None:
            yield of_terms(subject, terms, accepted, key=key, actor=actor)

    def _grants_of(
        self, actor: Actor, permission: Permission, *, model: str | None, dataset: str | None, by: Actor
    ) -> Iterable[Condition]:
        """What is granted to the model that is to learn, or to read: that decides beside roles and policies."""
        if actor.id.startswith("model:") and permission is Permission.DATA_READ:
            name = actor.id.removeprefix("model:")
        elif permission is Permission.TRAINING_RUN and model is not None:
            name = model
        else:
            return ()
        try:
            return [*self._granted(name, dataset or "", by)]
        except AlteredRowError as fault:
            return [Condition("grant", str(fault), is_met=False)]

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
                connection, USER_ADDED, actor=by.id, subject=f"person:{name}", facts={"role": role.value} | in_tenant(user.tenant)
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

    def altered(self) -> list[str]:
        """The rows that are not as they were written, and those that the ledger tells of and that are gone. They open nothing."""
        with self._database.look() as connection:
            rows = [*sealed_rows.altered(connection, seal=self._seal), *key_rows.bereft(connection, seal=self._seal)]
            rows += [*self._put_back(connection), *self._judge.put_back(connection), *self._sessions.put_back(connection)]
            gone = self.accounts.altered(connection)
        return list(
            dict.fromkeys(
                [*rows, *gone, *(f"terms {subject!r}" for subject, digest in self.terms.in_force().items() if not digest)]
            )
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
