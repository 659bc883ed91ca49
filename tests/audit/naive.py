# SPDX-License-Identifier: Apache-2.0
"""RFC 6962, section 2.1, word by word and slow: what our tree is held against. It shares no code with it."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def head(entries: list[bytes]) -> bytes:
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(bytes([0]) + entries[0]).digest()
    k = below(len(entries))
    return hashlib.sha256(bytes([1]) + head(entries[:k]) + head(entries[k:])).digest()


def below(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), head(entries[k:])]
    return [*path(m - k, entries[k:]), head(entries[:k])]


def proof(m: int, entries: list[bytes]) -> list[bytes]:
    return subproof(m, entries, True)


def subproof(m: int, entries: list[bytes], is_complete: bool) -> list[bytes]:
    n = len(entries)
    if m == n:
        return [] if is_complete else [head(entries)]
    k = below(n)
    if m <= k:
        return [*subproof(m, entries[:k], is_complete), head(entries[k:])]
    return [*subproof(m - k, entries[k:], False), head(entries[:k])]


def open_note(note: str, vkey: str) -> list[str]:
    """The lines of a signed note, verified as C2SP signed-note says."""
    name, key_id, encoded = vkey.split("+", 2)
    public = base64.b64decode(encoded)
    assert public[0] == 1
    assert hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8] == key_id
    text, _, signatures = note.rpartition("\n\n")
    (line,) = signatures.splitlines()
    dash, signer, blob = line.split(" ")
    raw = base64.b64decode(blob)
    assert (dash, signer, raw[:4].hex()) == ("—", name, key_id)
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], (text + "\n").encode())
    return text.split("\n")
