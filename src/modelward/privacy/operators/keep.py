# SPDX-License-Identifier: Apache-2.0
"""Leaves values as they are, where somebody says so on purpose."""

from __future__ import annotations

from modelward.privacy.operator import InvalidOperatorError, Item


class Keep:
    """The value, as it is written. Takes no argument."""

    name = "keep"
    is_reversible = False

    def __init__(self, argument: str) -> None:
        if argument:
            raise InvalidOperatorError(f"`keep` takes no argument, and {argument[:40]!r} was said.")

    def hide(self, item: Item) -> str:
        """See `Operator.hide`."""
        return item.written
