# SPDX-License-Identifier: Apache-2.0
"""Rotation of the master key: a fresh one takes over, and the one before goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelward.access.actor import Actor
from modelward.access.permission import Permission
from modelward.audit import Event, Ledger
from modelward.errors import RefusedError
from modelward.storage import Database, Keyring, Mastership, Naming, Rewrapped, Vault

MASTER_ROTATING: Final = Event("master.rotating", "A fresh master key wraps what is new; data keys are being wrapped anew.")
MASTER_ROTATED: Final = Event("master.rotated", "Every data key is wrapped by the new master key; the one before left the keyring.")
_NAMED = 3


class RotationUnfinishedError(RefusedError):
    """Some data keys could not be wrapped anew, so the master key before stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterRotated:
    """What a rotation came to: which master key wraps now, which left the keyring, and how many data keys were wrapped anew."""

    keyring: str
    master: str
    before: tuple[str, ...]
    rewrapped: int


class Rotation:
    """Replaces the master key of a home. No sealed object changes: the rows of data keys are wrapped anew.

    Keyring and database cannot change as one, so the steps are such that everything opens after each of them: the fresh master key
    goes into the keyring beside the one before; the database names it, from when on every process wraps under it; the rows follow;
    and only when none is left is the one before removed. Whoever is cut off finds what is done by both, and goes on.
    """

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring, vault: Vault, *, named: Naming) -> None:
        """`named` gives every sealed object of the home with its label."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._vault = vault
        self._named = named

    def rotate(self, *, by: Actor) -> MasterRotated:
        """Replace the master key, or finish a replacement that was cut off. Servers that run go on meanwhile.

        Raises:
            NotPermittedError: `by` lacks keys:manage, or is of a tenant. KeyringInUseError: somebody else does so right now.
            RotationUnfinishedError: some data keys cannot be unwrapped; both master keys stay, and all that opened does so.
            NoSpaceError, DatabaseBusyError: the disk is full; nothing is lost, and the same again goes on from there.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        with self._keyring.turning():
            begun = self._begin(by)
            wrapped = self._vault.rewrap(named=self._named)
            if wrapped.stuck:
                raise _unfinished(wrapped, begun)
            self._keyring.retire_others()
            facts = {"to": begun.current, "from": [*begun.before], "rewrapped": wrapped.count}
            with self._database.change() as connection:
                self._vault.set_mastership(connection, Mastership(begun.current, begun.before, is_settled=True))
                self._ledger.record(connection, MASTER_ROTATED, actor=by.id, subject="keyring", facts=facts)
        return MasterRotated(keyring=str(self._keyring.path), master=begun.current, before=begun.before, rewrapped=wrapped.count)

    def _begin(self, by: Actor) -> Mastership:
        """Have a fresh master key wrap what is new; or see how far somebody else came."""
        with self._database.look() as connection:
            known = self._vault.mastership(connection)
        if known and not known.is_settled and known.current == self._keyring.current:
            return known
        if len(self._keyring.masters) == 1:
            self._keyring.add_master()
        current = self._keyring.current
        begun = Mastership(current, tuple(name for name in self._keyring.masters if name != current), is_settled=False)
        facts = {"to": begun.current, "from": [*begun.before]}
        with self._database.change() as connection:
            self._vault.set_mastership(connection, begun)
            self._ledger.record(connection, MASTER_ROTATING, actor=by.id, subject="keyring", facts=facts)
        return begun


def _unfinished(wrapped: Rewrapped, begun: Mastership) -> RotationUnfinishedError:
    labels, before = sorted(wrapped.stuck), " and ".join(begun.before)
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    named = ", ".join(map(repr, labels[:_NAMED])) + more
    return RotationUnfinishedError(
        f"The keys of {len(labels)} sealed objects cannot be unwrapped: {named}. All else is wrapped by {begun.current} now. "
        f"{before} stays in the keyring, so that what opened before still does. Restore these objects, or their rows, from a "
        "backup, and run `modelward keys rotate-master` again."
    )
