# SPDX-License-Identifier: Apache-2.0
"""Covers a value but for its end."""

from __future__ import annotations

from modelward.privacy.operator import Item, whole_number


class Mask:
    """`*` for every letter and digit but the last, of which as many stay as the argument says: 4, or 0 to 8. Of a value with fewer
    than twice as many none stays. How long the value is stays visible, and so does what is neither letter nor digit.
    """

    name = "mask"
    is_reversible = False

    def __init__(self, argument: str) -> None:
        self._kept = whole_number(argument, default=4, least=0, most=8, what="How many characters `mask` leaves")

    def hide(self, item: Item) -> str:
        """See `Operator.hide`."""
        written = item.written
        places = [place for place, character in enumerate(written) if not _is_between(character)]
        shown = set(places[-self._kept :]) if self._kept and len(places) >= 2 * self._kept else set()
        return "".join(character if place in shown or _is_between(character) else "*" for place, character in enumerate(written))


def _is_between(character: str) -> bool:
    """Whether it only divides what is written: a space or plain punctuation. Anything else may tell something."""
    return character in " -.,/()+:@_"
