# SPDX-License-Identifier: Apache-2.0
"""The keyring: one file, mode 0600, with the secrets that a home stands on.

It holds master keys that wrap data keys (`masters`, of which `current` seals new things) and named secrets: the ledger's
Ed25519 key, the signer's P-256 key, the key of the entry digests, the pepper of API keys. It may lie outside the home.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelward.errors import ConflictError, PrerequisiteError, RefusedError
from modelward.storage.durability import beside, make_durable, write_private

_LIMIT_BYTES = 1 << 20


class KeyringMissingError(PrerequisiteError):
    """No keyring file where the settings say it is."""


class KeyringExposedError(RefusedError):
    """Others on this machine can read the keyring file."""


class KeyringUnreadableError(RefusedError):
    """The file is there and is not a keyring."""


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

    def __init__(self, path: Path, held: _File) -> None:
        self.path = path
        self._held = held

    def __repr__(self) -> str:
        return f"Keyring({str(self.path)!r})"

    @classmethod
    def create(cls, path: Path, *, secrets: dict[str, bytes]) -> Keyring:
        """Write a new keyring with one fresh master key and `secrets`.

        Raises:
            ConflictError: a file is there already; a keyring is never overwritten, for what it sealed would be lost.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        held = _File(1, "m1", {"m1": AESGCM.generate_key(256)}, secrets)
        # Written beside its place and then linked into it: whoever looks sees no keyring or a whole one, after a power cut too.
        fresh = beside(path)
        try:
            write_private(fresh, msgspec.json.encode(held))
            path.hardlink_to(fresh)
        except FileExistsError as there:
            raise ConflictError(f"A keyring lies at {path} already. It is left as it is.") from there
        finally:
            fresh.unlink(missing_ok=True)
        make_durable(path.parent)
        return cls(path, held)

    @classmethod
    def open(cls, path: Path) -> Keyring:
        """Read the keyring at `path`.

        Raises:
            KeyringMissingError, KeyringExposedError, KeyringUnreadableError: it is not there, not private, or not a keyring.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o077
                raw = file.read(_LIMIT_BYTES)
        except FileNotFoundError as missing:
            raise KeyringMissingError(
                f"No keyring at {path}. Put it back from your backup, or set MODELWARD_KEYS to where it lies; what it sealed "
                "cannot be read without it. Where no home was made yet, run `modelward init`."
            ) from missing
        except OSError as fault:
            raise KeyringUnreadableError(f"The keyring at {path} cannot be read: {fault.strerror}. Check whose it is.") from fault
        if mode:
            raise KeyringExposedError(f"Others can read the keyring at {path}. Run `chmod 600 {path}`.")
        try:
            return cls(path, msgspec.json.decode(raw, type=_File))
        except (msgspec.DecodeError, UnicodeDecodeError):
            # The cause is not chained: it could quote the file.
            raise KeyringUnreadableError(
                f"The file at {path} is not a keyring of this version. Restore it from a backup."
            ) from None

    def secret(self, name: str) -> bytes:
        """The secret called `name`."""
        try:
            return self._held.secrets[name]
        except KeyError as missing:
            raise KeyringUnreadableError(f"The keyring at {self.path} lacks {name!r}. Restore it from a backup.") from missing

    def wrap(self, key: bytes, *, label: str) -> tuple[str, bytes]:
        """Encrypt a data key under the current master key, bound to `label`: the master's name and the wrapped bytes."""
        nonce = os.urandom(12)
        name = self._held.current
        return name, nonce + AESGCM(self._held.masters[name]).encrypt(nonce, key, f"{name} {label}".encode())

    def unwrap(self, master: str, wrapped: bytes, *, label: str) -> bytes:
        """The data key that `wrap` was given.

        Raises:
            InvalidTag: the bytes, the label or the master key is another than when it was wrapped.
        """
        if master not in self._held.masters:
            raise InvalidTag
        return AESGCM(self._held.masters[master]).decrypt(wrapped[:12], wrapped[12:], f"{master} {label}".encode())
