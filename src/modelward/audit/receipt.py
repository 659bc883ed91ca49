# SPDX-License-Identifier: Apache-2.0
"""Receipts: the proof that one answer is in the ledger, as C2SP tlog-proof text that verifies offline.

The `extra` line carries the entry itself and the key of this one request's commitments, so that the holder can show which
input was asked and which answer was given, and nobody else can confirm a guess.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from modelward.audit.checkpoint import Checkpoint, CheckpointBrokenError, VerifierKey, from_base64, open_checkpoint
from modelward.audit.entry import Entry, EntryUnreadableError, read_entry
from modelward.audit.merkle import ProofBrokenError, leaf_hash, root_from_inclusion
from modelward.digest import keyed_digest
from modelward.errors import NotFoundError, RefusedError

_FORM = "c2sp.org/tlog-proof@v1"
_LIMIT_CHARACTERS = 1 << 20


class ReceiptBrokenError(RefusedError):
    """A receipt does not prove what it says: it was changed, or is of another ledger."""


class UnknownCommitmentError(NotFoundError):
    """The entry of a receipt commits to nothing of that name."""


class _Extra(msgspec.Struct, forbid_unknown_fields=True):
    entry: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A verified receipt: this entry stands at this index of that ledger. `key` is the hexadecimal key of its commitments."""

    origin: str
    size: int
    root: str
    index: int
    entry: Entry
    key: str

    def confirms(self, payload: bytes, field: str) -> bool:
        """Whether `payload` is what the entry commits to in the fact called `field`.

        Raises:
            UnknownCommitmentError: the entry has no such fact, or it is no commitment.
        """
        committed = self.entry.facts.get(field)
        if not isinstance(committed, str) or len(committed) != 64 or not self.key:
            raise UnknownCommitmentError(
                f"The entry commits to nothing called {field!r}. Its facts are: {', '.join(sorted(self.entry.facts)) or 'none'}."
            )
        return hmac.compare_digest(committed.encode(), keyed_digest(bytes.fromhex(self.key), payload).encode())


def write_receipt(entry: bytes, index: int, *, key: bytes, path: Sequence[bytes], checkpoint: str) -> str:
    """The receipt of the entry at `index`, with the audit path to the root of the signed `checkpoint`."""
    extra = msgspec.json.encode(_Extra(entry.decode(), key.hex()))
    lines = [_FORM, f"extra {base64.b64encode(extra).decode()}", f"index {index}"]
    return "\n".join([*lines, *(base64.b64encode(sibling).decode() for sibling in path), "", checkpoint])


def verify_receipt(text: str, *, public_key: str) -> Receipt:
    """Check a receipt with nothing but the ledger's public key.

    Raises:
        ReceiptBrokenError: it is no receipt, or any part of it was changed, or another key signed it.
        PublicKeyUnreadableError: `public_key` is not a verifier key.
    """
    verifier = VerifierKey.parse(public_key)
    try:
        return _verify(text, verifier)
    except (ProofBrokenError, CheckpointBrokenError, EntryUnreadableError) as wrong:
        raise ReceiptBrokenError(f"The receipt is not genuine: {wrong} Ask for it again at `/api/v1/receipts/`.") from wrong
    except (ValueError, msgspec.DecodeError) as wrong:
        raise ReceiptBrokenError(
            f"This is not a receipt as a ledger writes it ({wrong}). Pass the file that `modelward audit receipt` wrote."
        ) from wrong


def _verify(text: str, verifier: VerifierKey) -> Receipt:
    if len(text) > _LIMIT_CHARACTERS:
        raise ValueError(f"it is longer than {_LIMIT_CHARACTERS} characters")
    proof, separator, signed = text.partition("\n\n")
    lines = proof.split("\n")
    if not separator or len(lines) < 3 or lines[0] != _FORM:
        raise ValueError("its first lines are missing")
    extra = _read_extra(lines[1])
    index = int(lines[2].removeprefix("index "))
    if lines[2] != f"index {index}":
        raise ValueError("its index line is wrong")
    path = [from_base64(line) for line in lines[3:]]
    if any(len(sibling) != 32 for sibling in path):
        raise ValueError("a hash has another length than SHA-256 gives")
    checkpoint = open_checkpoint(signed, verifier)
    return _prove(extra, index, path=path, checkpoint=checkpoint)


def _prove(extra: _Extra, index: int, *, path: Sequence[bytes], checkpoint: Checkpoint) -> Receipt:
    data = extra.entry.encode()
    if root_from_inclusion(leaf_hash(data), index, size=checkpoint.size, path=path).hex() != checkpoint.root:
        raise ProofBrokenError("the entry is not in the ledger whose checkpoint this is.")
    entry = read_entry(data)
    key = bytes.fromhex(extra.key)
    if key.hex() != extra.key or entry.key != (sha256(key).hexdigest() if key else ""):
        raise ProofBrokenError("the key of its commitments is not the one of this entry.")
    return Receipt(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, index=index, entry=entry, key=extra.key)


def _read_extra(line: str) -> _Extra:
    if not line.startswith("extra "):
        raise ValueError("its extra line is missing")
    raw = from_base64(line.removeprefix("extra "))
    extra = msgspec.json.decode(raw, type=_Extra)
    if msgspec.json.encode(extra) != raw:
        raise ValueError("its extra line is not as a ledger writes it")
    return extra
