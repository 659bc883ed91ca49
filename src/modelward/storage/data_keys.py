# SPDX-License-Identifier: Apache-2.0
"""Data keys: each sealed object has its own, which a master key of the keyring wraps and a row of the database keeps.

A row opens one object alone: its id, the object's digest and the label are bound to what is wrapped. So two objects, two rows, or
an object under another name, cannot be exchanged. Destroying the row shreds the object, wherever its copies lie; and another master
key takes over by wrapping rows anew, while no object changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag

from modelward.digest import sha256_hex
from modelward.errors import RefusedError
from modelward.storage import store
from modelward.storage.database import Connection, Database
from modelward.storage.encryption import FirstHead, Opening, Sealer, seal_broken
from modelward.storage.keyring import Keyring, MasterKeyMissingError

_AT_ONCE = 500


class DataKeyMissingError(RefusedError):
    """The database has no key for a sealed object, and does not say that it was destroyed."""


class DataKeyDestroyedError(RefusedError):
    """The key of a sealed object was destroyed on purpose."""


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """Whether a data key is there. `master` wraps it, "" where it was destroyed; `id` is "" where it lies in the object itself."""

    object: str
    label: str
    id: str
    master: str
    destroyed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What wrapping anew came to: how many keys, and the labels of those that could not be."""

    count: int
    stuck: tuple[str, ...] = ()


class DataKeys:
    """The data keys of one home."""

    def __init__(self, keyring: Keyring, database: Database) -> None:
        self._keyring = keyring
        self._database = database

    def keep(self, connection: Connection, sealer: Sealer, *, digest: str = "") -> None:
        """Write down the key of `sealer`, which sealed the object of that digest; see `keep_all`."""
        self.keep_all(connection, [(digest, sealer)])

    def keep_all(self, connection: Connection, sealers: Iterable[tuple[str, Sealer]]) -> None:
        """Write down the keys of sealers, each with the digest of the object that it sealed.

        Wrapped within the change, so that whoever rotates master keys sees the rows, or has us see the new master key.
        """
        self._check_master(connection)
        store.add(connection, [self._wrapped(sealer, digest) for digest, sealer in sealers])

    def find(self, digest: str, *, label: str, opening: Opening) -> Sealer:
        """What unseals the object of that digest, which begins so.

        Raises:
            SealBrokenError: the row is another object's, or was changed. DataKeyDestroyedError, DataKeyMissingError: there is none.
            MasterKeyMissingError: the keyring lacks what wraps it.
        """
        head = opening.head
        id = first_id(digest) if isinstance(head, FirstHead) else head.key
        with self._database.look() as connection:
            row = store.find(connection, id)
            buried = [] if row else store.destroyed(connection, [digest])
        if buried:
            raise DataKeyDestroyedError(
                f"The key of the sealed object for {label!r} was destroyed on {buried[0].destroyed:%Y-%m-%d}: it was shredded, and "
                "nothing opens it again. `modelward audit log` says who did it, and why."
            )
        if row:
            return self._opened(replace(row, label=label), digest=digest)
        if isinstance(head, FirstHead):
            return Sealer(label, id, self._unwrapped(head.master, head.wrapped, bound=label, label=label))
        raise DataKeyMissingError(
            f"The database holds no key for the sealed object for {label!r}. It is not opened. Restore the database from a backup "
            "that is as new as the object; see docs/how-to/keys.md."
        )

    def of(self, label: str) -> Sealer:
        """What seals under `label` what has no digest, such as checkpoints: the key that there is, or a new one, written down."""
        with self._database.look() as connection:
            row = store.labelled(connection, label)
        if row is None:
            with self._database.change() as connection:
                row = store.labelled(connection, label)
                if row is None:
                    fresh = Sealer(label)
                    self.keep(connection, fresh)
                    return fresh
        return self._opened(row, digest="")

    def forget(self, connection: Connection, *, digests: Iterable[str] = (), labels: Iterable[str] = ()) -> None:
        """Remove the keys of objects, and of labels, that are no more."""
        store.remove(connection, [key.id for key in store.of_objects(connection, digests)])
        store.remove_labelled(connection, labels)

    def destroy(self, connection: Connection, objects: Mapping[str, str]) -> list[bytes]:
        """Destroy the keys of objects, given by digest with their labels, and write down that they were.

        What they were wrapped as, for `clear` to look for once the change is made. The same change writes down, as digests, that
        this is still to be done.
        """
        now = datetime.now(UTC)
        keys = {key.object: key for key in store.of_objects(connection, objects)}
        ids = {digest: keys[digest].id if digest in keys else first_id(digest) for digest in objects}
        store.add_uncleared(connection, _digests(key.wrapped for key in keys.values()))
        store.bury(connection, (store.DestroyedKey(ids[digest], digest, label, now) for digest, label in objects.items()))
        return [key.wrapped for key in keys.values()]

    def clear(self, traces: Collection[bytes] | None) -> bool:
        """See to it that no file of the database holds those `traces` of destroyed keys; where None, none of those of which that
        is not known, because somebody was cut off. Whether there was anything to do: to begin again costs one look.

        Raises:
            DatabaseBusyError: it is still to be done.
        """
        if traces is None:
            with self._database.look() as connection:
                due = store.uncleared(connection)
            if not due:
                return False
        else:
            due = _digests(traces)
        self._database.erase(traces)
        if due:
            with self._database.change() as connection:
                store.remove_uncleared(connection, due)
        return True

    def standing(self, objects: Mapping[str, str]) -> list[KeyStanding]:
        """How the keys of objects stand, given by digest with their labels."""
        with self._database.look() as connection:
            held = {key.object: key for key in store.of_objects(connection, objects)}
            gone = {key.object: key for key in store.destroyed(connection, objects)}
        told = []
        for digest, label in objects.items():
            if lost := gone.get(digest):
                told.append(KeyStanding(digest, label, lost.id, "", lost.destroyed))
            elif key := held.get(digest):
                told.append(KeyStanding(digest, label, key.id, key.master))
            else:
                told.append(KeyStanding(digest, label, "", ""))
        return told

    def destroyed(self, prefix: str) -> dict[str, str]:
        """The objects whose keys were destroyed and whose labels begin with `prefix`, by digest with their labels."""
        with self._database.look() as connection:
            return {key.object: key.label for key in store.destroyed_labelled(connection, prefix)}

    def missing_masters(self) -> dict[str, int]:
        """The master keys that the keyring lacks, with how many data keys each wraps."""
        with self._database.look() as connection:
            counts = store.counts(connection)
        if any(master not in self._keyring.masters for master in counts):
            self._keyring.refresh()
        return {master: count for master, count in counts.items() if master not in self._keyring.masters}

    def adopt(self, firsts: Mapping[str, tuple[str, FirstHead]]) -> Rewrapped:
        """Give objects of the first layout, given by digest with label and head, a row for the key that lies in them."""
        count, stuck = 0, []
        for digest, (label, head) in firsts.items():
            with self._database.change() as connection:
                if store.find(connection, first_id(digest)):
                    continue
                try:
                    key = self._unwrapped(head.master, head.wrapped, bound=label, label=label)
                except (RefusedError, MasterKeyMissingError):
                    stuck.append(label)
                    continue
                self.keep(connection, Sealer(label, first_id(digest), key), digest=digest)
                count += 1
        return Rewrapped(count, tuple(stuck))

    def without_row(self, objects: Iterable[str]) -> list[str]:
        """The objects of which no row keeps a key."""
        digests = list(objects)
        with self._database.look() as connection:
            held = {key.object for key in store.of_objects(connection, digests)}
        return [digest for digest in digests if digest not in held]

    def rewrap(self) -> Rewrapped:
        """Have the current master key wrap every data key that another one wraps, some in a change at a time."""
        count, stuck = 0, dict[str, str]()
        while True:
            with self._database.change() as connection:
                self._check_master(connection)
                rows = store.not_under(connection, self._keyring.current, passed_over=stuck, limit=_AT_ONCE)
                for row in rows:
                    try:
                        store.rewrap(connection, self._wrapped(self._opened(row, digest=row.object), row.object))
                        count += 1
                    except (RefusedError, MasterKeyMissingError):
                        stuck[row.id] = row.label
            if not rows:
                return Rewrapped(count, tuple(stuck.values()))

    def _check_master(self, connection: Connection) -> None:
        """See to it that we wrap under the master key that the database names: another process may have brought it."""
        now = store.mastership(connection)
        if now and now.current != self._keyring.current:
            self._keyring.refresh()
            # The file may be ahead: a rotation puts the next master key there before it says so in the database.
            if now.current not in self._keyring.masters:
                raise self._keyring.lacks(now.current)

    def _wrapped(self, sealer: Sealer, digest: str) -> store.WrappedKey:
        master, wrapped = self._keyring.wrap(sealer.key, label=_bound(sealer.id, digest, sealer.label))
        return store.WrappedKey(sealer.id, digest, sealer.label, master, wrapped)

    def _opened(self, row: store.WrappedKey, *, digest: str) -> Sealer:
        key = self._unwrapped(row.master, row.wrapped, bound=_bound(row.id, digest, row.label), label=row.label)
        return Sealer(row.label, row.id, key)

    def _unwrapped(self, master: str, wrapped: bytes, *, bound: str, label: str) -> bytes:
        try:
            return self._keyring.unwrap(master, wrapped, label=bound)
        except (InvalidTag, ValueError) as broken:
            raise seal_broken(label) from broken


def _digests(traces: Iterable[bytes]) -> frozenset[str]:
    return frozenset(map(sha256_hex, traces))


def first_id(digest: str) -> str:
    """The id of the key of an object of the first layout, which names none itself."""
    return digest[:32]


def _bound(id: str, digest: str, label: str) -> str:
    """What a key is bound to: its id, the object that it seals, and what that is."""
    return f"key {id} of {digest or 'no object'} for {label}"
