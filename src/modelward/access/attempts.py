# SPDX-License-Identifier: Apache-2.0
"""Counts failed sign-ins in the database, so that all workers count together, and says when the next is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from modelward.access.attempt import (
    SIGN_IN_REFUSED,
    Count,
    Kind,
    Remembered,
    TooManyAttemptsError,
    failed_again,
    is_told,
    network_of,
)
from modelward.access.seal import Seal
from modelward.access.store import attempts as rows
from modelward.access.store.attempts import Counted
from modelward.audit import Ledger
from modelward.digest import keyed_digest
from modelward.settings import Settings
from modelward.storage import Connection, Database

# A flood writes no more than an entry in ten seconds, once it wrote thirty.
_TOLD_EVERY: Final = timedelta(seconds=10)
_TOLD_AT_ONCE: Final = 30
_PLACES_KEPT: Final = timedelta(days=90)
_SHOWN_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that is being looked at, and counted as failed until it is forgiven."""

    person: str
    place: str
    counted: dict[Kind, Counted]
    failures: int
    wait: timedelta


class Attempts:
    """How often it went wrong, and who must wait."""

    def __init__(self, database: Database, ledger: Ledger, pepper: bytes, seal: Seal, *, settings: Settings) -> None:
        self._database = database
        self._ledger = ledger
        self._pepper = pepper
        self._seal = seal
        self._free = settings.sign_in_attempts
        self._longest = timedelta(seconds=settings.sign_in_pause_seconds)
        self._remembered = Remembered()

    def begin(self, name: str, address: str) -> Attempt:
        """Count another attempt of that name from that address, before it is looked at: of many at once none goes uncounted.

        Raises:
            TooManyAttemptsError: it is not looked at yet. Nothing was written.
        """
        person, place = self.person(name), self._digest("address", network_of(address))
        pair = self._digest("pair", person + place)
        now = datetime.now(UTC)
        with self._database.look() as connection:
            self._waited(connection, self._counted(connection, person, place, pair), now)
        with self._database.change() as connection:
            counted = self._counted(connection, person, place, pair)
            before = self._waited(connection, counted, now)
            after = {kind: failed_again(before[kind], kind, free=self._free, longest=self._longest, now=now) for kind in counted}
            for kind, each in counted.items():
                rows.put_count(connection, each, after[kind], seal=self._seal)
            rows.sweep_counts(connection, before=now - 4 * self._longest - timedelta(days=1), places_before=now - _PLACES_KEPT)
        for kind, each in counted.items():
            self._remembered.keep(each.key, after[kind])
        wait = max(count.until for count in after.values()) - now
        return Attempt(person, place, counted, after["pair"].failures, wait)

    def forgive(self, connection: Connection, attempt: Attempt) -> None:
        """It did not fail after all. What that person failed at that address is forgotten; of the others, this one attempt."""
        now = datetime.now(UTC)
        for kind, counted in attempt.counted.items():
            count = self._remembered.newest(counted.key, rows.count_of(connection, counted.key, seal=self._seal))
            left = Count(0, now, now) if kind == "pair" or count is None else Count(max(0, count.failures - 1), count.last, now)
            rows.put_count(connection, counted, left, seal=self._seal)
        pair = attempt.counted["pair"].key
        rows.remember_place(connection, pair, person=attempt.person, now=now, seal=self._seal)

    def refused(self, attempt: Attempt, *, subject: str) -> None:
        """It failed: put it on record, where it is one of those that are told. `subject` is a person there is, or nobody."""
        if not is_told(attempt.failures) and not attempt.wait:
            return
        now = datetime.now(UTC)
        counted = Counted(self._digest("told", ""), "")
        with self._database.change() as connection:
            told = rows.count_of(connection, counted.key, seal=self._seal) or Count(0, now, now)
            if told.until - now > _TOLD_EVERY * _TOLD_AT_ONCE:
                rows.put_count(connection, counted, Count(told.failures + 1, now, told.until), seal=self._seal)
                return
            facts = {
                "failures": attempt.failures,
                "wait_seconds": round(attempt.wait.total_seconds()),
                "address": attempt.place[:_SHOWN_DIGITS],
                "not_told": told.failures,
            }
            self._ledger.record(connection, SIGN_IN_REFUSED, actor="stranger", subject=subject, facts=facts)
            rows.put_count(connection, counted, Count(0, now, max(told.until, now) + _TOLD_EVERY), seal=self._seal)

    def forget(self, connection: Connection, name: str) -> int:
        """Nobody failed to sign in as `name`; how many counts there were."""
        return rows.forgive_person(connection, self.person(name), now=datetime.now(UTC), seal=self._seal)

    def forget_places(self, connection: Connection, name: str) -> None:
        """They signed in from nowhere."""
        rows.forget_places(connection, self.person(name))

    def waits(self, connection: Connection) -> dict[str, datetime]:
        """Until when somebody must wait to sign in, by `person` of their name."""
        return rows.latest_waits(connection, now=datetime.now(UTC), seal=self._seal)

    def person(self, name: str) -> str:
        """The digest under which a name is counted. Strangers type passwords for names, so none is kept."""
        return self._digest("person", name)

    def _counted(self, connection: Connection, person: str, place: str, pair: str) -> dict[Kind, Counted]:
        counted: dict[Kind, Counted] = {"pair": Counted(pair, person), "address": Counted(place, "")}
        if not rows.is_known_place(connection, pair, seal=self._seal):
            counted["person"] = Counted(person, person)
        return counted

    def _waited(self, connection: Connection, counted: dict[Kind, Counted], now: datetime) -> dict[Kind, Count | None]:
        rows_of = {kind: rows.count_of(connection, each.key, seal=self._seal) for kind, each in counted.items()}
        found = {kind: self._remembered.newest(counted[kind].key, count) for kind, count in rows_of.items()}
        until = max((count.until for count in found.values() if count), default=now)
        if until > now:
            seconds = max(1, round((until - now).total_seconds()))
            raise TooManyAttemptsError(
                f"Too many sign-ins failed. The next is looked at in {seconds} s; a new one-time link opens at once, and so does "
                "`modelward users unlock NAME` by an administrator."
            )
        return found

    def _digest(self, kind: str, text: str) -> str:
        return keyed_digest(self._pepper, f"attempt:{kind}:{text}".encode("utf-8", "backslashreplace"))
