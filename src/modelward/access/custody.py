# SPDX-License-Identifier: Apache-2.0
"""Custody of the keyring: which guard keeps it."""

from __future__ import annotations

from typing import Final

from modelward.access.actor import Actor
from modelward.access.permission import Permission
from modelward.audit import Event, Ledger
from modelward.storage import Database, Keyring, Means

KEYRING_MOVING: Final = Event(
    "keyring.moving", "Somebody set about putting the keyring under another guard, or under the same anew."
)
KEYRING_MOVED: Final = Event("keyring.moved", "The keyring is under the guard that was named.")


class Custody:
    """Puts the keyring under a guard, on record."""

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring) -> None:
        self._database = database
        self._ledger = ledger
        self._keyring = keyring

    def guard(self, *, by: Actor) -> str:
        """The name of the guard that keeps the keyring.

        Raises:
            NotPermittedError: `by` lacks keys:manage.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        return self._keyring.guard_name

    def put_under(self, guard: str, means: Means, *, by: Actor) -> str:
        """Put the keyring under that guard, which is opened with `means` from then on; the name of the one before.

        The file is replaced as a whole, between two entries of the ledger: who is cut off half-way finds the keyring under the one
        guard or the other, and an entry that says what was under way.

        Raises:
            NotPermittedError: `by` lacks keys:manage. UnknownPluginError: no guard has that name. Whatever the guard raises: the
            keyring is as it was then.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        before = self._keyring.guard_name
        facts = {"from": before, "to": guard}
        with self._database.change() as connection:
            self._ledger.record(connection, KEYRING_MOVING, actor=by.id, subject="keyring", facts=facts)
        self._keyring.move(guard, means)
        with self._database.change() as connection:
            self._ledger.record(connection, KEYRING_MOVED, actor=by.id, subject="keyring", facts=facts)
        return before
