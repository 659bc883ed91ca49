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
        # No other use of the pepper hashes a text that begins with a brace: secrets have a shape, and form tokens a prefix.
        return {**meaning, MAC: self._digest.hexadecimal(_canonical(kind, meaning))}

    def is_genuine(self, kind: str, row: Mapping[str, Any]) -> bool:
        """Whether the row is one that was sealed under this pepper, as that kind."""
        # SQLite keeps a value of any type in any column; every column of ours is text.
        if not isinstance(row[MAC], str) or not _is_of_texts(row):
            return False
        return hmac.compare_digest(self.sealed(kind, row)[MAC].encode(), row[MAC].encode())


def _is_of_texts(row: Mapping[str, Any]) -> bool:
    return all(value is None or isinstance(value, str) for value in row.values())


def _canonical(kind: str, meaning: Mapping[str, Any]) -> bytes:
    """RFC 8785 bytes of what a row means."""
    told = {"kind": kind, "row": meaning}
    return _TEXTS.encode(told) if _is_of_texts(meaning) and "".join(meaning).isascii() else canonical_json(told)
