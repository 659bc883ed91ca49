# SPDX-License-Identifier: Apache-2.0
"""Room: where no more questions can be open, who holds more than an equal share makes room for who holds less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from modelward.serving.pending import Pending


class Room(NamedTuple):
    """Who comes in although it is full, and as many who go for that."""

    entering: list[Pending]
    leaving: list[Pending]


def make_room(held: Collection[Pending], late: Sequence[Pending]) -> Room:
    """Let those of `late` come in, for whom there is no room beside `held`, whose callers hold less than an equal share of it. For
    each goes the least urgent and newest question of the caller who holds most. It takes as long as there are questions.
    """
    count = Counter([pending.caller for pending in held])
    share = len(held) / len(count.keys() | {pending.caller for pending in late}) if held else 0
    room = Room([], [])
    of: dict[str, list[Pending]] = {}
    for pending in late:
        if count[pending.caller] + 1 > share:
            continue
        ((greatest, most),) = count.most_common(1)
        if most <= share:
            break
        if greatest not in of:
            theirs = [other for other in held if other.caller == greatest]
            of[greatest] = sorted(theirs, key=lambda other: (-other.priority, other.began))
        room.leaving.append(of[greatest].pop())
        room.entering.append(pending)
        count[greatest] -= 1
        count[pending.caller] += 1
    return room
