# SPDX-License-Identifier: Apache-2.0
"""Puts a keyed digest in the place of the value (HMAC-SHA-256, RFC 2104), cut short."""

from __future__ import annotations

from modelward.privacy.operator import Item, whole_number

# Letters only: a digest of digits could be taken for a number of somebody.
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


class Hash:
    """One text of letters for each value, by which equal ones are known and which nobody turns back, who has the key neither, but
    by trying values. The argument is its length: 16 letters of 4 bits each, or 8 to 64.
    """

    name = "hash"
    is_reversible = False

    def __init__(self, argument: str) -> None:
        self._length = whole_number(argument, default=16, least=8, most=64, what="The length of a `hash`")

    def hide(self, item: Item) -> str:
        """See `Operator.hide`."""
        return item.book.digest(f"hash\0{item.kind}\0{item.value}").hex().translate(_LETTERS)[: self._length]
