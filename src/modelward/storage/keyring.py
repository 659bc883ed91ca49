# SPDX-License-Identifier: Apache-2.0
"""The keyring: one file, mode 0600, with the secrets that a home stands on.

It holds master keys that wrap data keys (`masters`, of which `current` seals new things) and named secrets: the ledger's
Ed25519 key, the signer's P-256 key, the key of the entry digests, the pepper of API keys. It may lie outside the home. What the
bytes of the file are is its guard's business, what is in it the keyring's.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelward.errors import ConflictError, PrerequisiteError, RefusedError
from modelward.plugins import UnknownPluginError
from modelward.storage.disk import NoSpaceError, is_full
from modelward.storage.durability import beside, make_durable, replace_durably, write_private
from modelward.storage.guard import Guard, GuardRefusedError, Means, guard_of
from modelward.storage.guards import GUARDS

_LIMIT_BYTES = 4 << 20
_NO_MEANS = Means()


class KeyringMissingError(PrerequisiteError):
    """No keyring file where the settings say it is."""


class KeyringExposedError(RefusedError):
    """Others on this machine can read the keyring file."""


class KeyringUnreadableError(RefusedError):
    """The file is there and is not a keyring."""


class MasterKeyMissingError(PrerequisiteError):
    """The keyring lacks the master key that wraps a data key."""


class KeyringInUseError(ConflictError):
    """Somebody else is changing the master keys of this keyring."""


_Master = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    current: str
    masters: dict[str, _Master]
    secrets: dict[str, bytes]

    def __post_init__(self) -> None:
        if self.current not in self.masters:
            raise ValueError("the current master key is missing")

    def __repr__(self) -> str:
        # A traceback that shows local values must not show these.
        return f"<{len(self.masters)} master keys, {len(self.secrets)} secrets>"


class Keyring:
    """The opened keyring. Nothing in it is ever printed: `repr` shows the path alone."""

    def __init__(self, path: Path, held: _File, *, guard: Guard, guard_name: str) -> None:
        self.path = path
        self.guard_name = guard_name
        self._held = held
        self._guard = guard

    def __repr__(self) -> str:
        return f"Keyring({str(self.path)!r})"

    @classmethod
    def create(cls, path: Path, *, secrets: dict[str, bytes], guard: str = "file", means: Means = _NO_MEANS) -> Keyring:
        """Write a new keyring with one fresh master key and `secrets`, under that guard.

        Raises:
            ConflictError: a file is there already; a keyring is never overwritten, for what it sealed would be lost.
            UnknownPluginError: no guard has that name. Whatever the guard raises.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        held = _File(1, "m1", {"m1": AESGCM.generate_key(256)}, secrets)
        keeper: Guard = GUARDS.load(guard)(means)
        stored = keeper.protect(msgspec.json.encode(held))
        # Written beside its place and then linked into it: whoever looks sees no keyring or a whole one, after a power cut too.
        fresh = beside(path)
        try:
            write_private(fresh, stored)
            path.hardlink_to(fresh)
        except FileExistsError as there:
            raise ConflictError(f"A keyring lies at {path} already. It is left as it is.") from there
        finally:
            fresh.unlink(missing_ok=True)
        make_durable(path.parent)
        return cls(path, held, guard=keeper, guard_name=guard)

    @classmethod
    def open(cls, path: Path, means: Means = _NO_MEANS) -> Keyring:
        """Read the keyring at `path`, with whichever guard its file names.

        Raises:
            KeyringMissingError, KeyringExposedError, KeyringUnreadableError: it is not there, not private, or not a keyring.
            Whatever the guard raises.
        """
        stored = _stored(path)
        try:
            name = guard_of(stored)
            guard: Guard = GUARDS.load(name)(means)
        except (msgspec.DecodeError, UnicodeDecodeError, UnknownPluginError):
            raise _unreadable(path) from None
        return cls(path, _decoded(path, guard.reveal(stored)), guard=guard, guard_name=name)

    @property
    def handed_key(self) -> bytes:
        """What a process of ours opens this keyring with, as `Means.key`, without asking again; empty where it needs nothing."""
        return self._guard.key

    def move(self, guard: str, means: Means) -> None:
        """Put the keyring under another guard, or under the same anew. The file is replaced as a whole, and only once it is known
        that the new guard opens what it made.

        Raises:
            UnknownPluginError: no guard has that name. Whatever either guard raises; the file is as it was then.
        """
        keeper: Guard = GUARDS.load(guard)(means)
        with self._changing() as held:
            self._replace(held, guard=keeper)
            self.guard_name = guard

    @contextmanager
    def _changing(self) -> Iterator[_File]:
        """Alone with the file, among all who change it; what is in it by now. Its folder is locked, for the file is replaced."""
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield _decoded(self.path, self._guard.reveal(_stored(self.path)))
        finally:
            os.close(handle)

    def _replace(self, held: _File, *, guard: Guard) -> None:
        """Put `held` in the file's place, whole or not at all, once it is known that the guard opens what it made."""
        content = msgspec.json.encode(held)
        stored = guard.protect(content)
        if guard.reveal(stored) != content:
            raise GuardRefusedError("The keyring's guard does not open what it made. The keyring is as it was.")
        try:
            replace_durably(self.path, stored)
        except OSError as fault:
            if is_full(fault):
                raise NoSpaceError(
                    f"No space left in {self.path.parent}. The keyring is as it was. Free some and try again."
                ) from fault
            raise
        self._held, self._guard = held, guard

    @property
    def current(self) -> str:
        """The name of the master key that wraps what is new."""
        return self._held.current

    @property
    def masters(self) -> tuple[str, ...]:
        """The names of all master keys in it."""
        return tuple(self._held.masters)

    def refresh(self) -> None:
        """Read the file again: another process may have changed its master keys.

        Raises: what `open` raises.
        """
        stored = _stored(self.path)
        try:
            name = guard_of(stored)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _unreadable(self.path) from None
        if name != self.guard_name:
            raise KeyringUnreadableError(
                f"The keyring at {self.path} is under the guard {name!r} since this process opened it. Start it again."
            )
        self._held = _decoded(self.path, self._guard.reveal(stored))

    @contextmanager
    def turning(self) -> Iterator[None]:
        """Alone with the master keys: nobody else rotates them until the body ends, in whatever way it ends.

        Raises:
            KeyringInUseError: somebody does right now.
        """
        handle = os.open(self.path.with_name(f".{self.path.name}-turning"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as held:
                raise KeyringInUseError(
                    f"Somebody is rotating the master key of the keyring at {self.path} already. Wait for it to end."
                ) from held
            self.refresh()
            yield
        finally:
            os.close(handle)

    def add_master(self) -> None:
        """Put a fresh master key into the file; it wraps what is new. Those that are there stay, to unwrap."""
        with self._changing() as held:
            # Random, so that no keyring that is put back from a backup has another key of that name.
            name = f"m-{token_hex(4)}"
            masters = held.masters | {name: AESGCM.generate_key(256)}
            self._replace(msgspec.structs.replace(held, current=name, masters=masters), guard=self._guard)

    def retire_others(self) -> None:
        """Remove every master key but the current one from the file. What they wrapped opens no more."""
        with self._changing() as held:
            masters = {held.current: held.masters[held.current]}
            self._replace(msgspec.structs.replace(held, masters=masters), guard=self._guard)

    def lacks(self, master: str) -> MasterKeyMissingError:
        """The error that says that it lacks that master key, and what can be done."""
        return MasterKeyMissingError(
            f"The keyring at {self.path} lacks the master key {master[:40]!r}. What that wrapped cannot be read without it, by "
            "anybody. Put back the keyring that belongs to this database; docs/how-to/keys.md says what can be recovered, and "
            "what cannot."
        )

    def secret(self, name: str) -> bytes:
        """The secret called `name`."""
        try:
            return self._held.secrets[name]
        except KeyError as missing:
            raise KeyringUnreadableError(f"The keyring at {self.path} lacks {name!r}. Restore it from a backup.") from missing

    def has_secret(self, name: str) -> bool:
        """Whether there is a secret called `name`."""
        return name in self._held.secrets

    def add_secret(self, name: str, value: bytes) -> None:
        """Keep one more secret, in the file too.

        Raises:
            ConflictError: there is one of that name; a secret is never overwritten.
        """
        with self._changing() as held:
            if name in held.secrets:
                raise ConflictError(f"The keyring at {self.path} has a secret {name!r} already. It is left as it is.")
            self._replace(msgspec.structs.replace(held, secrets=held.secrets | {name: value}), guard=self._guard)

    def wrap(self, key: bytes, *, label: str) -> tuple[str, bytes]:
        """Encrypt a data key under the current master key, bound to `label`: the master's name and the wrapped bytes."""
        nonce = os.urandom(12)
        name = self._held.current
        return name, nonce + AESGCM(self._held.masters[name]).encrypt(nonce, key, f"{name} {label}".encode())

    def unwrap(self, master: str, wrapped: bytes, *, label: str) -> bytes:
        """The data key that `wrap` was given.

        Raises:
            InvalidTag: the bytes, the label or the master key is another than when it was wrapped.
            MasterKeyMissingError: there is none of that name, in the file neither.
        """
        if master not in self._held.masters:
            # It may have come since this process read the file.
            self.refresh()
        if master not in self._held.masters:
            raise self.lacks(master)
        return AESGCM(self._held.masters[master]).decrypt(wrapped[:12], wrapped[12:], f"{master} {label}".encode())


def _stored(path: Path) -> bytes:
    """The bytes of the file."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o077
            stored = file.read(_LIMIT_BYTES)
    except FileNotFoundError as missing:
        raise KeyringMissingError(
            f"No keyring at {path}. Put it back from your backup, or set MODELWARD_KEYS to where it lies; what it sealed "
            "cannot be read without it. Where no home was made yet, run `modelward init`."
        ) from missing
    except OSError as fault:
        raise KeyringUnreadableError(f"The keyring at {path} cannot be read: {fault.strerror}. Check whose it is.") from fault
    if mode:
        raise KeyringExposedError(f"Others can read the keyring at {path}. Run `chmod 600 {path}`.")
    return stored


def _decoded(path: Path, content: bytes) -> _File:
    try:
        return msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The cause is not chained: it could quote the file.
        raise _unreadable(path) from None


def _unreadable(path: Path) -> KeyringUnreadableError:
    return KeyringUnreadableError(f"The file at {path} is not a keyring of this version. Restore it from a backup.")
