# SPDX-License-Identifier: Apache-2.0
"""Puts the kind in the place of the value."""

from __future__ import annotations

from modelward.privacy.operator import InvalidOperatorError, Item, redacted


class Redact:
    """`<phone>` for every phone number: that there was one is told, and nothing else. Takes no argument."""

    name = "redact"
    is_reversible = False

    def __init__(self, argument: str) -> None:
        if argument:
            raise InvalidOperatorError(f"`redact` takes no argument, and {argument[:40]!r} was said. Write `redact`.")

    def hide(self, item: Item) -> str:
        """See `Operator.hide`."""
        return redacted(item.kind)
