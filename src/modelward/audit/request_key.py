# SPDX-License-Identifier: Apache-2.0
"""The key of one request's commitments: nobody confirms a guess without it, and the request's receipt alone reveals it."""

from __future__ import annotations

from hashlib import sha256

from modelward.digest import KeyedDigest


class RequestKey:
    """Derived once a request. `secret` is what the receipt reveals; `digest` is its SHA-256, which the entry holds as `key`."""

    __slots__ = ("_commit", "digest", "secret")

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.digest = sha256(secret).hexdigest()
        self._commit = KeyedDigest(secret).hexadecimal

    def commitment(self, payload: bytes) -> str:
        """What an entry holds in place of `payload`: HMAC-SHA-256 under this key, in hexadecimal."""
        return self._commit(payload)
