# SPDX-License-Identifier: Apache-2.0
"""The seal on a row: a MAC over all that the row means, so that who edits the database changes nobody's access."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from modelward.digest import KeyedDigest, canonical_json
from modelward.errors import RefusedError

MAC = "mac"
_TEXT_OR_NOTHING = frozenset({str, type(None)})
# Of texts under ASCII names these are the bytes of RFC 8785, made sooner; a test holds the two equal.
_TEXTS = msgspec.json.Encoder(order="sorted")


class AlteredRowError(RefusedError):
    """A row is not as Modelward wrote it; it opens nothing."""


class Seal:
    """HMAC-SHA-256 under the keyring's pepper, over the kind of row and the canonical JSON of every other column."""

    def __init__(self, pepper: bytes) -> None:
        self._digest = KeyedDigest(pepper)

    def sealed(self, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row with its MAC; one that it had is replaced."""
        meaning = {column: value for column, value in row.items() if column != MAC}
        return {**meaning, MAC: self._mac(kind, meaning, is_of_texts=_is_of_texts(meaning))}

    def is_genuine(self, kind: str, row: Mapping[str, Any]) -> bool:
        """Whether the row is one that was sealed under this pepper, as that kind."""
        # SQLite keeps a value of any type in any column; every column of ours is text.
        meaning = dict(row)
        mac = meaning.pop(MAC)
        if not isinstance(mac, str) or not _is_of_texts(meaning):
            return False
        return hmac.compare_digest(self._mac(kind, meaning, is_of_texts=True).encode(), mac.encode())

    def _mac(self, kind: str, meaning: Mapping[str, Any], *, is_of_texts: bool) -> str:
        told = {"kind": kind, "row": meaning}
        canonical = _TEXTS.encode(told) if is_of_texts and "".join(meaning).isascii() else canonical_json(told)
        # No other use of the pepper hashes a text that begins with a brace: secrets have a shape, and form tokens a prefix.
        return self._digest.hexadecimal(canonical)


def _is_of_texts(row: Mapping[str, Any]) -> bool:
    return _TEXT_OR_NOTHING.issuperset(map(type, row.values())) or all(
        value is None or isinstance(value, str) for value in row.values()
    )
