# SPDX-License-Identifier: Apache-2.0
"""A passphrase guards the keyring: its key-encryption key is wrapped under one that argon2id makes of the passphrase.

The passphrase comes from a file that is closed to others, from a descriptor that the process inherited, or from a person at a
terminal; never from a command line or an environment, which others on the machine can read.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from modelward.settings import variable
from modelward.storage.guard import GuardClosedError, GuardRefusedError, Means, Sealing

_LEAST_CHARACTERS = 12
_LIMIT_BYTES = 4096
# The second choice of RFC 9106, section 4, with four times the memory: a keyring is opened once a process, not once a request.
_PASSES, _LANES, _MEMORY_KIB = 3, 4, 256 << 10


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the wrapping key is made. The limits keep a file that somebody wrote from taking all memory."""

    passes: Annotated[int, msgspec.Meta(ge=1, le=16)]
    lanes: Annotated[int, msgspec.Meta(ge=1, le=16)]
    memory_kib: Annotated[int, msgspec.Meta(ge=8 << 10, le=2 << 20)]
    salt: Annotated[bytes, msgspec.Meta(min_length=16, max_length=64)]
    wrapped: Annotated[bytes, msgspec.Meta(min_length=60, max_length=60)]


class PassphraseGuard(Sealing):
    """Opens with a passphrase of at least 12 characters."""

    name = "passphrase"

    def __init__(self, means: Means) -> None:
        super().__init__(means)

    def wrap(self, key: bytes) -> bytes:
        """Under a passphrase that is asked twice, where a person is asked."""
        words = self._passphrase(is_new=True)
        if len(words.decode()) < _LEAST_CHARACTERS:
            raise GuardRefusedError(
                f"A passphrase takes at least {_LEAST_CHARACTERS} characters: whoever has the file can try as many as they like. "
                "Take six words drawn at random."
            )
        salt, nonce = os.urandom(16), os.urandom(12)
        note = _Note(_PASSES, _LANES, _MEMORY_KIB, salt, bytes(60))
        wrapped = nonce + AESGCM(_derived(words, note)).encrypt(nonce, key, _bound(note))
        return msgspec.json.encode(msgspec.structs.replace(note, wrapped=wrapped))

    def unwrap(self, note: bytes) -> bytes:
        """With the passphrase."""
        try:
            read = msgspec.json.decode(note, type=_Note)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise GuardRefusedError("The keyring's file was changed or cut off. Restore it from a backup.") from None
        words = self._passphrase(is_new=False)
        try:
            return AESGCM(_derived(words, read)).decrypt(read.wrapped[:12], read.wrapped[12:], _bound(read))
        except InvalidTag:
            raise GuardRefusedError("The passphrase does not open the keyring, or its file was changed. Try again.") from None

    def _passphrase(self, *, is_new: bool) -> bytes:
        means = self._means
        if means.passphrase_file is not None:
            raw = _from_file(means)
        elif means.passphrase_descriptor is not None:
            raw = _from_descriptor(means.passphrase_descriptor)
        elif means.ask is not None:
            raw = means.ask("Passphrase of the keyring: ").encode()
            if is_new and means.ask("The same once more: ").encode() != raw:
                raise GuardRefusedError("The two passphrases are not the same. Nothing was changed. Try again.")
        else:
            raise GuardClosedError(
                "The keyring opens with a passphrase, and none was given. Name a file that holds it (mode 0600) with "
                f"{variable('keys_passphrase_file')}, an inherited descriptor with {variable('keys_passphrase_descriptor')}, or "
                "run the command at a terminal, which asks."
            )
        return _normal(raw)


def _from_file(means: Means) -> bytes:
    path = means.passphrase_file
    assert path
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(_LIMIT_BYTES + 1)
    except OSError as fault:
        raise GuardClosedError(
            f"The passphrase's file {path} cannot be read: {fault.strerror}. Check {variable('keys_passphrase_file')}."
        ) from fault
    # A pipe or a file of a service manager has no reader but us; a file that others can read is a passphrase that they have.
    if stat.S_ISREG(mode) and mode & 0o077:
        raise GuardRefusedError(
            f"Others can read the passphrase's file {path}. Run `chmod 600 {path}`, and choose another passphrase."
        )
    return raw


def _from_descriptor(number: int) -> bytes:
    raw = b""
    try:
        with os.fdopen(number, "rb") as inherited:
            raw = inherited.read(_LIMIT_BYTES + 1)
    except OSError as fault:
        raise GuardClosedError(
            f"No passphrase can be read from descriptor {number}: {fault.strerror}. It is read once; open it anew for each command "
            f"(`{variable('keys_passphrase_descriptor')}=3 modelward … 3< FILE`)."
        ) from fault
    return raw


def _normal(raw: bytes) -> bytes:
    """Without the end of the line, and the same however a keyboard writes its accents."""
    if len(raw) > _LIMIT_BYTES:
        raise GuardRefusedError(f"A passphrase has at most {_LIMIT_BYTES} bytes. Is it the right file?")
    try:
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise GuardRefusedError("The passphrase is not UTF-8 text. Is it the right file?") from None
    if not text:
        raise GuardClosedError("The passphrase that was given is empty. Is it the right file?")
    return unicodedata.normalize("NFKC", text).encode()


def _derived(words: bytes, note: _Note) -> bytes:
    made = Argon2id(salt=note.salt, length=32, iterations=note.passes, lanes=note.lanes, memory_cost=note.memory_kib)
    return made.derive(words)


def _bound(note: _Note) -> bytes:
    return msgspec.json.encode((note.passes, note.lanes, note.memory_kib, note.salt))
