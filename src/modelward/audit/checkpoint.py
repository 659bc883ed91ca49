# SPDX-License-Identifier: Apache-2.0
"""Signed checkpoints: C2SP tlog-checkpoint in a C2SP signed-note, signed with Ed25519.

A checkpoint says in three lines which log, how many entries, and which root; the note below carries the signature. A
verifier key is one line, `name+key id+base64`, as signed-note tools read it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from modelward.errors import InvalidError, RefusedError

_ED25519 = b"\x01"
_NOTE_LIMIT_CHARACTERS = 1 << 20
_SIGNATURES_LIMIT = 64


class CheckpointBrokenError(RefusedError):
    """A checkpoint is not one, or the ledger's key did not sign it."""


class ForeignCheckpointError(CheckpointBrokenError):
    """A checkpoint is one, and the ledger's key signed nothing on it."""


class NotACheckpointError(InvalidError):
    """What somebody kept is no checkpoint, or not as it was signed. It says nothing about the ledger."""


class PublicKeyUnreadableError(InvalidError):
    """The text is not a verifier key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger was at one moment. `root` is hexadecimal; `text` is the signed note itself."""

    origin: str
    size: int
    root: str
    text: str


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a ledger's key, under the ledger's name."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart; no more than a hint."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{to_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, line: str) -> VerifierKey:
        """The key that `str` wrote.

        Raises:
            PublicKeyUnreadableError: it is no such line, or its key id is that of another key.
        """
        try:
            name, _, encoded = line.strip().split("+", 2)
            raw = from_base64(encoded)
        except ValueError:
            name, raw = "", b""
        key = cls(name, raw[1:])
        if not _is_key_name(name) or raw[:1] != _ED25519 or len(raw) != 33 or str(key) != line.strip():
            raise PublicKeyUnreadableError(
                "This is not a ledger's public key: one line `name+id+base64` is expected. "
                "`modelward audit export DIR` writes it into `public-key.txt`."
            )
        return key


def public_half(secret: bytes) -> bytes:
    """The 32 bytes of the public key that belong to an Ed25519 secret of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


class CheckpointSigner:
    """Signs checkpoints of one ledger."""

    def __init__(self, origin: str, secret: bytes) -> None:
        if not _is_key_name(origin):
            raise InvalidError(f"A ledger cannot be called {origin!r}: no spaces, no plus, not empty.")
        self._secret = Ed25519PrivateKey.from_private_bytes(secret)
        self.key = VerifierKey(origin, public_half(secret))
        self._key_id = self.key.id
        self._signature_line = f"\n— {origin} "

    def sign(self, size: int, root: bytes) -> str:
        """The signed note for a log of `size` entries under `root`."""
        body = f"{self.key.name}\n{size}\n{to_base64(root)}\n"
        return body + self._signature_line + to_base64(self._key_id + self._secret.sign(body.encode())) + "\n"


def open_checkpoint(text: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint in `text`, once `key` is found to have signed it. Signatures of other keys are passed over.

    Raises:
        CheckpointBrokenError: it is malformed, of another origin, not signed by `key` (ForeignCheckpointError), or carries a wrong
        signature of `key`.
    """
    body, separator, signatures = text.rpartition("\n\n")
    body += "\n"
    if not separator or not _is_note(text):
        raise CheckpointBrokenError("The checkpoint is not a signed note: text, an empty line and signatures are expected.")
    _check_signature(body, signatures, key)
    origin, size, root = _read_body(body)
    if origin != key.name:
        raise CheckpointBrokenError(f"The checkpoint is of the log {origin!r}, the key is of {key.name!r}.")
    return Checkpoint(origin, size, root.hex(), text)


def open_kept(text: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a text that somebody kept, once `key` is found to have signed it.

    Raises:
        NotACheckpointError: the fault is the text's own. ForeignCheckpointError: `key` signed nothing on it, so it is of another
        ledger, or of the one in whose place this one was put.
    """
    try:
        return open_checkpoint(text, key)
    except ForeignCheckpointError:
        raise
    except CheckpointBrokenError as wrong:
        raise NotACheckpointError(
            f"What you kept is not a checkpoint as it was signed: {wrong} Nothing was compared. Name a file that "
            "`modelward audit checkpoint -o FILE` wrote, unchanged."
        ) from wrong


def from_base64(text: str) -> bytes:
    """The bytes of standard base64 in its one canonical spelling.

    Raises:
        ValueError: it is not that.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as wrong:
        raise ValueError("not base64") from wrong
    if to_base64(data) != text:
        raise ValueError("not canonical base64")
    return data


def to_base64(data: bytes) -> str:
    """`data` in standard base64."""
    return base64.b64encode(data).decode()


def _is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and name.isprintable() and not any(letter.isspace() for letter in name)


def _is_note(text: str) -> bool:
    # Signed notes are valid UTF-8 without control characters other than newline, and we read none of unbounded length.
    return (
        len(text) <= _NOTE_LIMIT_CHARACTERS
        and text.endswith("\n")
        and not any((letter < " " and letter != "\n") or "\ud800" <= letter <= "\udfff" for letter in text)
    )


def _read_body(body: str) -> tuple[str, int, bytes]:
    lines = body.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), from_base64(lines[2])
        if len(root) != 32 or str(size) != lines[1] or size < 0 or not all(lines[:-1]) or not origin:
            raise ValueError
    except (ValueError, IndexError) as wrong:
        raise CheckpointBrokenError("The signed text is not a checkpoint: origin, size and root are expected.") from wrong
    return origin, size, root


def _check_signature(body: str, signatures: str, key: VerifierKey) -> None:
    ours = [raw[4:] for name, raw in _signatures(signatures) if name == key.name and raw[:4] == key.id]
    if not ours:
        raise ForeignCheckpointError(f"The checkpoint carries no signature of the key of {key.name!r}.")
    public = Ed25519PublicKey.from_public_bytes(key.public)
    for signature in ours:
        try:
            public.verify(signature, body.encode())
        except InvalidSignature as wrong:
            raise CheckpointBrokenError(f"The signature of {key.name!r} on the checkpoint is wrong.") from wrong


def _signatures(lines: str) -> Iterator[tuple[str, bytes]]:
    found = lines.removesuffix("\n").split("\n")
    if len(found) > _SIGNATURES_LIMIT:
        raise CheckpointBrokenError(f"The checkpoint carries more than {_SIGNATURES_LIMIT} signatures.")
    for line in found:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            if dash != "—" or not _is_key_name(name):
                raise ValueError
            yield name, from_base64(encoded)
        except ValueError as wrong:
            raise CheckpointBrokenError("A line below the checkpoint is not a signature line.") from wrong
