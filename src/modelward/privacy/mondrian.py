# SPDX-License-Identifier: Apache-2.0
"""Divides rows into classes of at least k that look alike, by Mondrian (LeFevre, DeWitt and Ramakrishnan 2006, strict, top down).

Beside k rows a class may have to hold several values of a sensitive column (l-diversity, distinct: Machanavajjhala and others
2007), or to have them in shares near those of the whole table (t-closeness: Li, Li and Venkatasubramanian 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]


class AnonymityUnreachableError(InvalidError):
    """No division of the rows has the anonymity that is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """What is known of persons from outside. `codes` says for each row which of the values it has, in their order, 0 where it is
    missing; `places` where each lies: a number at its value, a category at its rank.
    """

    codes: Whole
    places: NDArray[np.float64]

    def width(self, rows: Whole) -> float:
        """Which share of the whole range the values of these rows span; all of it where some are missing and some are not."""
        codes = self.codes[rows]
        low, high = int(codes.min()), int(codes.max())
        if low == high:
            return 0.0
        if low == 0:
            return 1.0
        return float((self.places[high] - self.places[low]) / (self.places[-1] - self.places[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Sensitive:
    """What nobody shall learn of a person: `codes` from 0 on. A class has at least `diversity` of them, and shares that are at most
    `closeness` from those of all rows, 1 where that is not asked for: by earth mover's distance, of numbers `is_ordered`.
    """

    codes: Whole
    is_ordered: bool
    diversity: int
    closeness: float

    def shares(self, rows: Whole) -> NDArray[np.float64]:
        """The share of each value among these rows."""
        import numpy as np

        counts = np.bincount(self.codes[rows], minlength=int(self.codes.max()) + 1)
        return np.asarray(counts / len(rows), dtype=np.float64)


def distance(shares: NDArray[np.float64], whole: NDArray[np.float64], *, is_ordered: bool) -> float:
    """Earth mover's distance of two distributions, 0 to 1: of numbers in their order, of categories that are all equally far."""
    import numpy as np

    between = shares - whole
    if is_ordered and len(between) > 1:
        return float(np.abs(np.cumsum(between)).sum() / (len(between) - 1))
    return float(np.abs(between).sum() / 2)


def divided(axes: Sequence[Axis], *, k: int, sensitive: Sensitive | None = None) -> Whole:
    """The class of each row, from 0 on: as many as there can be by cutting at medians.

    Raises:
        AnonymityUnreachableError: all rows together are not k, or do not hold as many sensitive values.
    """
    import numpy as np

    rows = np.arange(len(axes[0].codes))
    whole = sensitive.shares(rows) if sensitive else None
    if len(rows) < k:
        raise AnonymityUnreachableError(f"The table has {len(rows):,} rows, so no class has {k:,}. Ask for a smaller k.")
    if sensitive and (there := int((whole > 0).sum()) if whole is not None else 0) < sensitive.diversity:
        raise AnonymityUnreachableError(
            f"The sensitive column has {there} different values, so no class has {sensitive.diversity}. Ask for fewer."
        )

    def fits(part: Whole) -> bool:
        if len(part) < k:
            return False
        if sensitive is None or whole is None:
            return True
        shares = sensitive.shares(part)
        if int((shares > 0).sum()) < sensitive.diversity:
            return False
        return sensitive.closeness >= 1 or distance(shares, whole, is_ordered=sensitive.is_ordered) <= sensitive.closeness

    classes = np.zeros(len(rows), dtype=np.int64)
    waiting, count = [rows], 0
    while waiting:
        part = waiting.pop()
        halves = _halves(part, axes, fits) if len(part) >= 2 * k else None
        if halves is None:
            classes[part] = count
            count += 1
        else:
            waiting += halves
    return classes


def _halves(part: Whole, axes: Sequence[Axis], fits: Callable[[Whole], bool]) -> tuple[Whole, Whole] | None:
    """The part cut in two at the median of the widest axis that can be cut; None where none can."""
    import numpy as np

    widths = [axis.width(part) for axis in axes]
    for place in sorted(range(len(axes)), key=lambda each: -widths[each]):
        if not widths[place]:
            return None
        codes = axes[place].codes[part]
        middle = np.partition(codes, len(codes) // 2)[len(codes) // 2]
        # Rows of one value stay together: the cut is before the median's or behind it, nearer to the middle first.
        cuts = sorted((codes < middle, codes <= middle), key=lambda lower: abs(2 * int(lower.sum()) - len(codes)))
        for lower in cuts:
            low, high = part[lower], part[~lower]
            if fits(low) and fits(high):
                return low, high
    return None
