# SPDX-License-Identifier: Apache-2.0
"""Access in emergencies: who asks for it, who approves it, and when it ends."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from modelward.access.actor import Actor
from modelward.access.emergency import (
    APPROVALS_NEEDED,
    EMERGENCY_APPROVED,
    EMERGENCY_ASKED,
    EMERGENCY_ENDED,
    EMERGENCY_REFUSED,
    LAPSES_AFTER,
    NEVER_GIVEN,
    Emergency,
    EmergencyOverError,
    EmergencyState,
    InvalidEmergencyError,
    NotTheirsToDecideError,
    given_by,
    missing,
)
from modelward.access.permission import PERMISSIONS_OF, Permission, Role
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.store import emergencies as emergency_rows
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.audit import Event, Ledger
from modelward.settings import Settings
from modelward.storage import Connection, Database

_REASON_CHARACTERS: Final = 500
_LEAST_REASON_CHARACTERS: Final = 10
_OPEN_LIMIT: Final = 5
_SHOWN: Final = 200


class Emergencies:
    """Access beyond somebody's role, once two others have approved it. Every step is one transaction with its ledger entry."""

    def __init__(self, database: Database, ledger: Ledger, seal: Seal, *, settings: Settings) -> None:
        self._database = database
        self._ledger = ledger
        self._seal = seal
        self._longest_minutes = settings.emergency_minutes

    def ask(self, what: str, *, minutes: int, reason: str, by: Actor) -> Emergency:
        """Ask for a permission, or for what a role may, for some minutes from the second approval on.

        Raises:
            NotTheirsToDecideError: `by` is no person. InvalidEmergencyError: it is nothing that can be given, or they have it, or
            time or reason cannot be. EmergencyOverError: they have asked for it, or for too much, already.
        """
        if not by.id.startswith("person:"):
            raise NotTheirsToDecideError(
                f"{by.id} is no person. A person asks, signed in to the console at /console/access/emergencies."
            )
        reason = self._checked(what, minutes, reason, by)
        now = datetime.now(UTC)
        made = Emergency(id=f"e-{secrets.token_hex(4)}", asker=by.id, what=what, minutes=minutes, reason=reason, asked=now)
        with self._database.change() as connection:
            self._must_be_present(connection, by.id)
            mine = emergency_rows.emergencies(connection, limit=_SHOWN, seal=self._seal, asker=by.id)
            open_ones = [each for each in mine if each.state(now) in (EmergencyState.ASKED, EmergencyState.IN_FORCE)]
            if len(open_ones) >= _OPEN_LIMIT or any(each.what == what for each in open_ones):
                raise EmergencyOverError(
                    f"{by.id} has asked for {what}, or for {_OPEN_LIMIT} things, already. Take one back: "
                    "`modelward access break-glass end ID`."
                )
            emergency_rows.insert_emergency(connection, made, seal=self._seal)
            self._record(connection, EMERGENCY_ASKED, made, by, {"what": what, "minutes": minutes, "reason": reason})
        return made

    def approve(self, id: str, *, by: Actor) -> Emergency:
        """Approve what somebody else asked for; with the second approval it is in force.

        An approval counts as long as who gave it is there and entitled.

        Raises:
            NotPermittedError: `by` lacks emergencies:decide. NotTheirsToDecideError: they asked, or approved before, or are no
            person, or no longer here; or who asked is not. EmergencyMissingError. EmergencyOverError: it is decided, or lapsed.
            AlteredRowError: its row is not as it was written.
        """
        by.require(Permission.EMERGENCIES_DECIDE)
        now = datetime.now(UTC)
        with self._database.change() as connection:
            asked = self._open_to_decide(connection, id, by, now)
            if by.id in asked.approvals:
                raise NotTheirsToDecideError(f"{by.id} approved {id} already. It takes {APPROVALS_NEEDED} different people.")
            counted = tuple(each for each in asked.approvals if self._is_entitled(connection, each))
            approvals = (*counted, by.id)
            is_enough = len(approvals) >= APPROVALS_NEEDED
            ends = now + timedelta(minutes=asked.minutes) if is_enough else None
            approved = replace(asked, approvals=approvals, begins=now if is_enough else None, ends=ends)
            emergency_rows.put_emergency(connection, approved, seal=self._seal)
            facts = {"asker": asked.asker, "what": asked.what, "approvals": list(approvals)}
            self._record(connection, EMERGENCY_APPROVED, approved, by, facts | {"until": ends.isoformat() if ends else None})
        return approved

    def refuse(self, id: str, *, reason: str, by: Actor) -> Emergency:
        """Refuse what somebody else asked for; one refusal is enough.

        Raises: as `approve`, and InvalidEmergencyError: there is no reason.
        """
        by.require(Permission.EMERGENCIES_DECIDE)
        reason = _checked_reason(reason)
        now = datetime.now(UTC)
        with self._database.change() as connection:
            refused = replace(self._open_to_decide(connection, id, by, now), closed=now, closed_by=by.id)
            emergency_rows.put_emergency(connection, refused, seal=self._seal)
            self._record(connection, EMERGENCY_REFUSED, refused, by, {"asker": refused.asker, "reason": reason})
        return refused

    def end(self, id: str, *, by: Actor) -> Emergency:
        """End it before its time, or take back what was asked for. Who asked may, and whoever may approve.

        Raises:
            NotPermittedError, EmergencyMissingError, EmergencyOverError, AlteredRowError: as `approve`.
        """
        now = datetime.now(UTC)
        may_decide = by.may(Permission.EMERGENCIES_DECIDE)
        with self._database.change() as connection:
            found = self._found(connection, id)
            if found.asker != by.id and not may_decide:
                raise missing(id)
            if found.state(now) not in (EmergencyState.ASKED, EmergencyState.IN_FORCE):
                raise EmergencyOverError(f"{id} is {found.state(now)} already. There is nothing to end.")
            ended = replace(found, closed=now, closed_by=by.id)
            emergency_rows.put_emergency(connection, ended, seal=self._seal)
            self._record(connection, EMERGENCY_ENDED, ended, by, {"asker": found.asker, "what": found.what})
        return ended

    def list(self, *, by: Actor) -> list[Emergency]:
        """The latest, newest first: all of them for who may decide, their own for everybody else; none whose row was altered."""
        asker = "" if by.may(Permission.EMERGENCIES_DECIDE) else by.id
        with self._database.look() as connection:
            return emergency_rows.emergencies(connection, limit=_SHOWN, seal=self._seal, asker=asker)

    def _checked(self, what: str, minutes: int, reason: str, by: Actor) -> str:
        given = given_by(what)
        if not given:
            told = (
                "is not given in an emergency, for what it does outlasts it"
                if what in NEVER_GIVEN
                else "is no permission and no role"
            )
            raise InvalidEmergencyError(f"{what[:80]!r} {told}. See docs/reference/permissions.md.")
        if given <= PERMISSIONS_OF[by.role]:
            raise InvalidEmergencyError(f"{by.id} is {by.role} and has {what} already. Nothing needs to be asked for.")
        if not 1 <= minutes <= self._longest_minutes:
            raise InvalidEmergencyError(
                f"{minutes} minutes cannot be asked for, but 1 to {self._longest_minutes} (MODELWARD_EMERGENCY_MINUTES)."
            )
        return _checked_reason(reason)

    def _open_to_decide(self, connection: Connection, id: str, by: Actor, now: datetime) -> Emergency:
        asked = self._found(connection, id)
        if asked.state(now) is not EmergencyState.ASKED:
            state = asked.state(now)
            if state is EmergencyState.IN_FORCE:
                told = f"Two approved it already; `modelward access break-glass end {id}` ends it."
            else:
                told = f"What is asked for can be decided for {LAPSES_AFTER.seconds // 60} minutes; {asked.asker} may ask again."
            raise EmergencyOverError(f"{id} is {state}. {told}")
        if asked.asker == by.id:
            raise NotTheirsToDecideError(f"{by.id} asked for {id}. Others decide.")
        if not self._is_entitled(connection, by.id):
            raise NotTheirsToDecideError(
                f"{by.id} does not decide emergencies: people do who are {' or '.join(_deciding())}, signed in to the console."
            )
        self._must_be_present(connection, asked.asker)
        return asked

    def _found(self, connection: Connection, id: str) -> Emergency:
        found = emergency_rows.emergency(connection, id, seal=self._seal)
        if found is None:
            raise missing(id)
        return found

    def _must_be_present(self, connection: Connection, asker: str) -> None:
        user = person_rows.user_named(connection, asker.removeprefix("person:"), seal=self._seal)
        if user is None or user.removed:
            raise NotTheirsToDecideError(f"{asker} is not a person of this house any more. Nothing is given to them.")

    def _is_entitled(self, connection: Connection, who: str) -> bool:
        """Whether that is a person who decides, as their row says now; or who owns the home."""
        if who.startswith("local:"):
            return True
        if not who.startswith("person:"):
            return False
        try:
            user = person_rows.user_named(connection, who.removeprefix("person:"), seal=self._seal)
        except AlteredRowError:
            return False
        return (
            user is not None and not user.removed and not user.tenant and Permission.EMERGENCIES_DECIDE in PERMISSIONS_OF[user.role]
        )

    def _record(self, connection: Connection, event: Event, emergency: Emergency, by: Actor, facts: dict[str, object]) -> None:
        self._ledger.record(connection, event, actor=by.id, subject=f"emergency {emergency.id}", facts=facts)
        sealed_rows.advance_revision(connection)


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not _LEAST_REASON_CHARACTERS <= len(reason) <= _REASON_CHARACTERS or not reason.isprintable():
        raise InvalidEmergencyError(
            f"A reason is one line of {_LEAST_REASON_CHARACTERS} to {_REASON_CHARACTERS} characters that others can judge by."
        )
    return reason


def _deciding() -> list[Role]:
    return [role for role in Role if Permission.EMERGENCIES_DECIDE in PERMISSIONS_OF[role]]
