# SPDX-License-Identifier: Apache-2.0
"""Interaction logs: who took which item, and when; and the histories in them.

A history is what one user took, in the order of time. Interactions of one user at one moment stand in the order of the table: it is
the only order that there is, and the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from modelward.datasets.table import Table

Rows = NDArray[np.int64]
Codes = NDArray[np.int32]

NOTHING = 0
"""The code of a place in a history that no item takes. The items that are known have the codes 1 to K, all others K + 1."""
LEAST_HELD_OUT = 3
"""A user with fewer interactions than this has none to spare: all are learned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The columns that make a table a log of interactions. The item is the target."""

    user: str
    time: str


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """The rows of a log, user by user, each in the order of time: `order` [n] holds their numbers, `place` [n] of each row where it
    stands there, and `start` [n] of each row where its user's first one stands.
    """

    order: Rows
    place: Rows
    start: Rows

    @property
    def lengths(self) -> Rows:
        """How many interactions each user has, in the order of their first rows in `order`."""
        return np.unique(self.start, return_counts=True)[1].astype(np.int64)

    @property
    def users(self) -> Rows:
        """A number for the user of each row [n]."""
        return np.unique(self.start, return_inverse=True)[1].astype(np.int64)

    def since_last(self) -> Rows:
        """How many interactions of its user come after each row [n]."""
        ends = np.append(np.unique(self.start)[1:], len(self.order))
        return np.asarray(ends[self.users] - 1 - self.place, dtype=np.int64)

    def histories(self, codes: Codes, rows: Rows, *, length: int) -> Codes:
        """What the user of each of `rows` [m] took before it, the last `length` of them: codes [m, length], the latest at the end,
        and nothing before the first. `codes` [n] are those of the items of all rows.
        """
        back = np.arange(length, 0, -1)
        found = np.empty((len(rows), length), dtype=np.int32)
        listed = codes[self.order]
        for at in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[at : at + _ROWS_AT_ONCE]
            places = self.place[some][:, None] - back
            is_there = places >= self.start[some][:, None]
            found[at : at + _ROWS_AT_ONCE] = np.where(is_there, listed[np.maximum(places, 0)], NOTHING)
        return found


_ROWS_AT_ONCE = 1 << 16


def sequences(table: Table, log: Log) -> Sequences:
    """The sequences of a checked log: no user and no time is missing in it."""
    users = table.get_column(log.user).rank("dense").to_numpy().astype(np.int64)
    moments = table.get_column(log.time).to_physical().to_numpy()
    # The row's own number comes last, so that what is of one moment keeps its order.
    order = np.lexsort((np.arange(table.height), moments, users)).astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    is_first = np.append(True, np.diff(users[order]) != 0)
    start = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    return Sequences(order, place, start[place])


def leave_last_out(found: Sequences) -> NDArray[np.uint8]:
    """The part of each row: 2 (test) for the last interaction of each user, 1 (validation) for the one before it, 0 (train) for
    the rest, and for all of a user with fewer than three.
    """
    left, lengths = found.since_last(), found.lengths[found.users]
    part = np.where(left == 0, 2, np.where(left == 1, 1, 0))
    return np.where(lengths < LEAST_HELD_OUT, 0, part).astype(np.uint8)
