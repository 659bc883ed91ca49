# SPDX-License-Identifier: Apache-2.0
"""Where names stand beside points so that they cover neither each other nor the points: greedy, in the order given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

# A name further than this many dots from its point is led to it by a line.
_NEAR = 5.0
# As much as a thin line across a name covers of it, weighed as `_cover` does.
_BEARABLE = 150


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with sides along the axes."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    def distance(self, other: Box) -> float:
        """How far apart they are; nought where they touch or overlap."""
        width = max(self.left, other.left) - min(self.right, other.right)
        height = max(self.bottom, other.bottom) - min(self.top, other.top)
        return hypot(max(0.0, width), max(0.0, height))

    @property
    def area(self) -> float:
        """Width times height."""
        return (self.right - self.left) * (self.top - self.bottom)


def place(
    points: Sequence[Box], sizes: Sequence[tuple[float, float]], *, frame: Box, lines: Sequence[Box] = ()
) -> list[Box | None]:
    """A box of each size beside the point of the same place, inside `frame` where there is room, and off `lines`.

    A name keeps nearer to its own point than to any other if it can. Nearness breaks ties, so a name with free ground around it
    stands above its point. Where a name would be struck through wherever it stood, there is None, but for the first.
    """
    placed: list[Box | None] = []
    standing: list[Box] = []
    drawn = [*points, *lines]
    for point, size in zip(points, sizes, strict=True):
        costs = {box: _cover(box, drawn, standing, frame) + _crossed(point, box, standing) for box in _around(point, size)}
        # Of equals the first is taken, which is the nearest.
        best = min(costs, key=lambda box: (costs[box], _is_doubtful(box, point, points)))
        placed.append(best if not placed or costs[best] <= _BEARABLE else None)
        if placed[-1]:
            standing.append(best)
            drawn += _leads(point, best)
    return placed


def lead(point: Box, name: Box) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The ends of the line from a point to its name; None where the name stands near enough to need none."""
    if name.distance(point) <= _NEAR:
        return None
    start = (point.left + point.right) / 2, min(max((name.bottom + name.top) / 2, point.bottom), point.top)
    return start, (min(max(start[0], name.left), name.right), min(max(start[1], name.bottom), name.top))


def _leads(point: Box, name: Box) -> list[Box]:
    ends = lead(point, name)
    if ends is None:
        return []
    (x, y), (to_x, to_y) = ends
    return [Box(min(x, to_x) - 1.5, min(y, to_y) - 1.5, max(x, to_x) + 1.5, max(y, to_y) + 1.5)]


def _crossed(point: Box, name: Box, standing: Sequence[Box]) -> int:
    """How much of other names the line to a name there would strike through."""
    return round(12 * sum(other.overlap(line) for line in _leads(point, name) for other in standing))


def _around(point: Box, size: tuple[float, float]) -> Iterator[Box]:
    width, height = size
    middle, level = (point.left + point.right) / 2, (point.bottom + point.top) / 2
    for gap in (2.0, 10.0, 20.0, 32.0, 46.0):
        for left, bottom in (
            (middle - width / 2, point.top + gap),
            (middle - width / 2, point.bottom - gap - height),
            (point.right + gap, level - height / 2),
            (point.left - gap - width, level - height / 2),
            (point.right + gap, point.top),
            (point.right + gap, point.bottom - height),
            (point.left - gap - width, point.top),
            (point.left - gap - width, point.bottom - height),
        ):
            yield Box(left, bottom, left + width, bottom + height)


def _cover(box: Box, drawn: Sequence[Box], placed: Sequence[Box], frame: Box) -> int:
    """How much a name there would cover, or be cut off."""
    return round(4 * sum(map(box.overlap, placed)) + 3 * sum(map(box.overlap, drawn)) + 2 * (box.area - box.overlap(frame)))


def _is_doubtful(box: Box, own: Box, points: Sequence[Box]) -> bool:
    """Whether a name there would be taken for that of another point, unless that one stands in the same place."""
    return any(box.distance(point) < box.distance(own) for point in points if point.overlap(own) < own.area / 2)
