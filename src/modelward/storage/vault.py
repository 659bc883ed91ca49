# SPDX-License-Identifier: Apache-2.0
"""The vault: sealed objects. What the shelves of data and of models put their bytes into."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

from modelward.digest import sha256_hex
from modelward.errors import ConflictError
from modelward.storage import store
from modelward.storage.data_keys import DataKeys, KeyStanding, Rewrapped
from modelward.storage.database import Connection, Database
from modelward.storage.encryption import FirstHead, SealBrokenError, Sealer, opening_of, seal_broken
from modelward.storage.keyring import Keyring
from modelward.storage.objects import ObjectChangedError, ObjectMissingError, ObjectStore
from modelward.storage.pieces import as_stream
from modelward.storage.store import Mastership

_ATTEMPTS = 100
_Made = TypeVar("_Made")
Naming = Callable[[Connection], Mapping[str, str]]
"""The digest of every sealed object that some rows name, with the label that it is sealed under."""


class OvertakenError(ConflictError):
    """Somebody was faster, or swept away what was sealed, before the rows that name it were written; made again it may work."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: sealed objects that no row names, and fragments of objects that were never whole."""

    objects: int
    fragments: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something small that is sealed, to lie in a row instead of the store: ciphertext, its digest, and what opens it."""

    sealed: bytes
    digest: str
    sealer: Sealer


class Vault:
    """Puts plaintext in, keeps ciphertext under the ciphertext's digest, gives plaintext out to who knows digest and label. What
    opens an object is a row in the `database`, see `DataKeys`.
    """

    def __init__(self, store: ObjectStore, keyring: Keyring, database: Database) -> None:
        self._store = store
        self._database = database
        self._keys = DataKeys(keyring, database)

    def put(self, source: BinaryIO, *, label: str) -> str:
        """Seal `source` under `label`, and keep its key; the digest of the ciphertext, by which it is opened again."""
        digest, sealer = self._seal(source, label)
        with self._database.change() as connection:
            self._keys.keep(connection, sealer, digest=digest)
        return digest

    @staticmethod
    def parcel(plain: bytes, *, label: str) -> Parcel:
        """Seal what is to lie in a row, for `keep`."""
        sealer = Sealer(label)
        sealed = b"".join(sealer.seal(io.BytesIO(plain)))
        return Parcel(sealed, sha256_hex(sealed), sealer)

    def keep(self, connection: Connection, parcels: Iterable[Parcel]) -> None:
        """Write down the keys of parcels, in the change that writes the rows which hold them."""
        self._keys.keep_all(connection, [(parcel.digest, parcel.sealer) for parcel in parcels])

    def unpack(self, sealed: bytes, *, digest: str, label: str) -> bytes:
        """What was sealed in a parcel of that digest under that label.

        Raises:
            SealBrokenError: it is another, or was changed. DataKeyDestroyedError: it was shredded. DataKeyMissingError,
            MasterKeyMissingError: what opens it is not there.
        """
        if sha256_hex(sealed) != digest:
            raise seal_broken(label)
        source = io.BytesIO(sealed)
        opening = opening_of(source, label=label)
        return b"".join(self._keys.find(digest, label=label, opening=opening).unseal_after(opening, source))

    def drop(self, connection: Connection, digests: Iterable[str]) -> None:
        """Remove the keys of parcels whose rows go in the same change. Where they lay is overwritten; the database's log, and pages
        that were rearranged, may keep them for a while, see `Database.erase`.
        """
        self._keys.forget(connection, digests=digests)

    def sealer(self, label: str) -> Sealer:
        """What seals and unseals as `label` that which is not kept here, such as a checkpoint. The key is made when it is first
        asked for, and there until `forget`.
        """
        return self._keys.of(label)

    def forget(self, *labels: str) -> None:
        """Remove the keys that `sealer` made for `labels`."""
        with self._database.change() as connection:
            self._keys.forget(connection, labels=labels)

    @contextmanager
    def sealing(self, pieces: Iterable[tuple[str, bytes]], *, named: Naming) -> Iterator[tuple[Connection, dict[str, str]]]:
        """Seal `pieces`, each with its label, for the body that writes the rows which name them: a change of the database, and the
        digests. The pieces are taken one after the other, so that they need not be in memory at once. Their keys are rows of the
        same change.

        Where anything fails, what is not `named` is discarded again.

        Raises:
            OvertakenError: a sweep took one for an orphan before the change began. See `until_written`.
        """
        sealed: dict[str, str] = {}
        sealers: list[Sealer] = []
        try:
            for label, piece in pieces:
                sealed[label], sealer = self._seal(io.BytesIO(piece), label)
                sealers.append(sealer)
            with self._database.change() as connection:
                # A sweep is a change too, so that what is here now stays until the rows are written.
                if not all(map(self.holds, sealed.values())):
                    raise OvertakenError("What was sealed was swept away before it was recorded. Nothing was written. Try again.")
                for sealer in sealers:
                    self._keys.keep(connection, sealer, digest=sealed[sealer.label])
                yield connection, sealed
        except BaseException:
            # An interrupt may come after the rows were committed: only they say whether an object is in use.
            with self._database.look() as connection:
                kept = named(connection)
            for digest in sealed.values():
                if digest not in kept:
                    self.discard(digest)
            raise

    def sweep(self, *, named: Naming, idle_seconds: float) -> Swept:
        """Remove sealed objects that are not `named`, and fragments of objects, such as a power cut leaves behind.

        What was put less than `idle_seconds` ago stays: somebody may be about to write the row that names it.
        """
        # Looking at the files takes its time, and while a change lasts nobody else can write.
        idle = list(self.digests(idle_seconds=idle_seconds))
        with self._database.change() as connection:
            kept = named(connection)
            orphans = [digest for digest in idle if digest not in kept]
            self._keys.forget(connection, digests=orphans)
            for digest in orphans:
                self.discard(digest)
        return Swept(len(orphans), self._store.remove_fragments(idle_seconds=idle_seconds))

    def open(self, digest: str, *, label: str) -> Iterator[bytes]:
        """The plaintext in chunks; exhaust it before acting on it, see `Sealer.unseal_after`.

        Raises:
            ObjectMissingError, ObjectChangedError, SealBrokenError: it is not what was put there under that label.
            DataKeyDestroyedError: it was shredded. DataKeyMissingError, MasterKeyMissingError: what opens it is not there.
        """
        with self._store.open(digest) as sealed:
            opening = opening_of(sealed, label=label)
            yield from self._keys.find(digest, label=label, opening=opening).unseal_after(opening, sealed)

    def read(self, digest: str, *, label: str) -> bytes:
        """The whole plaintext, authentic and complete, or an error."""
        return b"".join(self.open(digest, label=label))

    def holds(self, digest: str) -> bool:
        """Whether the sealed object is on the shelf."""
        return self._store.holds(digest)

    def discard(self, digest: str) -> None:
        """Remove a sealed object that no row speaks of."""
        self._store.delete(digest)

    def shred(self, connection: Connection, objects: Mapping[str, str]) -> list[bytes]:
        """Destroy the keys of objects, given by digest with their labels. Nothing opens them again once the change is made; then
        `clear` what is returned, and `discard` them.
        """
        return self._keys.destroy(connection, objects)

    def clear(self, traces: Collection[bytes] | None = None) -> bool:
        """See to it that no file of the database holds what was `shred`: those `traces`, or else whatever somebody left who was cut
        off before it was done, which is known; nothing happens where nothing was left. Whether there was anything to do.

        Raises:
            DatabaseBusyError: somebody else reads or writes for too long, or the disk is full; call it again, without traces.
        """
        return self._keys.clear(traces)

    def shredded(self, prefix: str) -> dict[str, str]:
        """The objects there still are of those that were shredded and whose labels begin with `prefix`, by digest with the labels:
        nobody opens them, and they can be discarded.
        """
        return {digest: label for digest, label in self._keys.destroyed(prefix).items() if self.holds(digest)}

    def keys_of(self, objects: Mapping[str, str]) -> list[KeyStanding]:
        """Whether the keys of objects, given by digest with their labels, are there or destroyed. One of the first layout that has
        no row yet has its key in itself.
        """
        return [each if each.id else replace(each, master=self._master_within(each)) for each in self._keys.standing(objects)]

    def missing_masters(self) -> dict[str, int]:
        """The master keys that the keyring lacks, with how many data keys each wraps."""
        return self._keys.missing_masters()

    def rewrap(self, *, named: Naming) -> Rewrapped:
        """Have the current master key wrap every data key, those too that lie in objects of the first layout. What could not be
        is left as it was, and named.
        """
        with self._database.look() as connection:
            objects = named(connection)
        heads, stuck = {}, []
        for digest in self._keys.without_row(objects):
            try:
                heads[digest] = (objects[digest], self._first_head(digest, objects[digest]))
            except (ObjectMissingError, ObjectChangedError, SealBrokenError):
                stuck.append(objects[digest])
        adopted, anew = self._keys.adopt(heads), self._keys.rewrap()
        return Rewrapped(adopted.count + anew.count, (*stuck, *adopted.stuck, *anew.stuck))

    @staticmethod
    def mastership(connection: Connection) -> Mastership | None:
        """Which master key wraps data keys; None where the first one always did."""
        return store.mastership(connection)

    @staticmethod
    def set_mastership(connection: Connection, now: Mastership) -> None:
        """Say which one does from this change on."""
        store.set_mastership(connection, now)

    def digests(self, *, idle_seconds: float = 0.0) -> Iterator[str]:
        """Every sealed object that was last put at least `idle_seconds` ago, named by a row or not."""
        return self._store.digests(idle_seconds=idle_seconds)

    def _seal(self, source: BinaryIO, label: str) -> tuple[str, Sealer]:
        sealer = Sealer(label)
        # Sealed while the store reads: neither plaintext nor ciphertext lies anywhere on the way.
        return self._store.put(as_stream(sealer.seal(source))), sealer

    def _master_within(self, key: KeyStanding) -> str:
        with suppress(ObjectMissingError, ObjectChangedError, SealBrokenError):
            return self._first_head(key.object, key.label).master
        return ""

    def _first_head(self, digest: str, label: str) -> FirstHead:
        with self._store.open(digest) as sealed:
            head = opening_of(sealed, label=label).head
        if not isinstance(head, FirstHead):
            raise seal_broken(label)
        return head


def until_written(make: Callable[[], _Made]) -> _Made:
    """What `make` returns. Where it is overtaken, it begins again.

    Raises:
        OvertakenError: it was, a hundred times.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(OvertakenError):
            return make()
    return make()
