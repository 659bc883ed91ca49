# SPDX-License-Identifier: Apache-2.0
"""A guard: how the bytes of a keyring's file keep what is in it from whoever has the file.

The file itself says which guard made it. What the guard needs beside the file (a passphrase, a program) is told by the settings,
and never stands in the file: who could write that could otherwise have a program of theirs run.
"""

from __future__ import annotations

import base64
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelward.errors import PrerequisiteError, RefusedError
from modelward.settings import InvalidSettingError, Settings, variable

KEY_BYTES = 32
NOTE_LIMIT_BYTES = 16 << 10


class GuardClosedError(PrerequisiteError):
    """What opens the guarded keyring was not given: no passphrase, no program."""


class GuardRefusedError(RefusedError):
    """What was given does not open the guarded keyring: another passphrase, another key, an altered file."""


Ask = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to open a guarded keyring with. `key` is what a process of ours handed on, see `Guard.key`."""

    passphrase_file: Path | None = None
    passphrase_descriptor: int | None = None
    command: tuple[str, ...] = ()
    timeout_seconds: float = 10.0
    ask: Ask | None = None
    key: bytes = b""

    def __repr__(self) -> str:
        return "Means(…)"

    @classmethod
    def of(cls, settings: Settings, *, ask: Ask | None = None, key: bytes = b"") -> Means:
        """What the settings name; `ask` asks a person, where one sits there.

        Raises:
            InvalidSettingError: the words of the command cannot be told apart.
        """
        try:
            command = tuple(shlex.split(settings.keys_command))
        except ValueError as wrong:
            raise InvalidSettingError(f"{variable('keys_command')} has a quotation mark that is never closed. Close it.") from wrong
        return cls(
            passphrase_file=Path(settings.keys_passphrase_file) if settings.keys_passphrase_file else None,
            passphrase_descriptor=settings.keys_passphrase_descriptor if settings.keys_passphrase_descriptor >= 0 else None,
            command=command,
            timeout_seconds=settings.keys_command_timeout_seconds,
            ask=ask,
            key=key,
        )


class Guard(Protocol):
    """Keeps one keyring. Made with the means that there are; nothing is read, asked or run before it is needed.

    - `reveal(protect(content))` MUST be `content`, also by another guard of that kind with the same means.
    - Where `is_sealing`, what `protect` makes MUST hold no byte of the content in the clear, and a byte of it that was changed MUST
      make `reveal` raise; so MUST other means than those it was protected with.
    - A guard that revealed or protected something protects again without asking again.
    - No error MUST ever quote the content, a key, or what a person or a program said.
    """

    is_sealing: bool

    def __init__(self, means: Means) -> None: ...

    @property
    def key(self) -> bytes:
        """What another process of ours reveals the file with, as `Means.key`, once this one did; empty where it needs nothing."""
        ...

    def protect(self, content: bytes) -> bytes:
        """The bytes of the file.

        Raises:
            GuardClosedError: what it takes was not given. GuardRefusedError, UnavailableError: it is of no use.
        """
        ...

    def reveal(self, stored: bytes) -> bytes:
        """The content again.

        Raises:
            GuardClosedError: what it takes was not given. GuardRefusedError: it does not open this file. UnavailableError:
            nobody can say now.
        """
        ...


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sealed keyring file: what the guard keeps beside the key-encryption key that it wrapped, and the content under that key."""

    version: Literal[2]
    guard: str
    note: bytes
    sealed: bytes


class _Named(msgspec.Struct, frozen=True):
    version: int
    guard: str = "file"


def guard_of(stored: bytes) -> str:
    """The name of the guard that made a keyring's file.

    Raises:
        ValueError: it is no such file.
    """
    return msgspec.json.decode(stored, type=_Named).guard


class Sealing:
    """What guards share that seal the content, with AES-256-GCM under a key-encryption key of their own, and wrap that key."""

    is_sealing = True
    name = ""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._key = b""
        self._note = b""

    @property
    def key(self) -> bytes:
        """The key-encryption key, once it is known."""
        return self._key

    def protect(self, content: bytes) -> bytes:
        """Under the key of before, or a fresh one that is wrapped now; see `Guard`."""
        if not self._key:
            fresh = os.urandom(KEY_BYTES)
            self._note = self.wrap(fresh)
            self._key = fresh
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(self._key).encrypt(nonce, content, self._bound(self._note))
        return msgspec.json.encode(_Envelope(2, self.name, self._note, sealed))

    def reveal(self, stored: bytes) -> bytes:
        """With the key that was handed on, where it fits, or the one that is unwrapped; see `Guard`."""
        held = _read(stored)
        for key in filter(None, (self._key, self._means.key)):
            try:
                return self._opened(held, key)
            except InvalidTag:
                # It was put under another guard, or passphrase, since.
                continue
        key = self.unwrap(held.note)
        try:
            return self._opened(held, key)
        except InvalidTag:
            raise GuardRefusedError(
                f"The guard {self.name!r} gave a key that does not open the keyring: its file was changed, or it was wrapped "
                "elsewhere. Restore the file from a backup, or name the means it was made with."
            ) from None

    def wrap(self, key: bytes) -> bytes:
        """What to keep in the file, at most 16 KiB, from which `unwrap` makes the key again."""
        raise NotImplementedError

    def unwrap(self, note: bytes) -> bytes:
        """The key again."""
        raise NotImplementedError

    def _opened(self, held: _Envelope, key: bytes) -> bytes:
        if len(key) != KEY_BYTES or len(held.sealed) < 28 or len(held.note) > NOTE_LIMIT_BYTES or held.guard != self.name:
            raise InvalidTag
        content = AESGCM(key).decrypt(held.sealed[:12], held.sealed[12:], self._bound(held.note))
        self._key, self._note = key, held.note
        return content

    def _bound(self, note: bytes) -> bytes:
        return b"modelward keyring 2 " + self.name.encode() + b" " + base64.b64encode(note)


def _read(stored: bytes) -> _Envelope:
    try:
        held = msgspec.json.decode(stored, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        held = None
    # One way to write it: base64 alone would let a bit be changed unseen.
    if held is None or msgspec.json.encode(held) != stored:
        raise GuardRefusedError("The keyring's file was changed or cut off. Restore it from a backup.")
    return held
