# SPDX-License-Identifier: Apache-2.0
"""The terms of a glass box as a page shows them: curves over numbers, bars over categories, maps over two features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from modelward.training import SHAPES_FILE, Axis, Shapes, Term

if TYPE_CHECKING:
    from modelward.entrances.console.visit import Visit
    from modelward.registry import Interface, Version

_SHOWN = 24
# Pictures are this wide and high, in units that the page stretches.
_WIDTH, _HEIGHT = 100.0, 50.0

Numbers = npt.NDArray[np.float64]
Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """What a number adds: paths of the line, of the band of one standard deviation around it, and of nought."""

    line: str
    band: str
    nought: str
    top: float
    bottom: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What one value of a category adds; `left` and `width` lie on a line from -50 to 50."""

    name: str
    score: float
    error: float
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a map in which two features add the same; `strength` is the share of the strongest of the term."""

    x: float
    y: float
    width: float
    height: float
    is_more: bool
    strength: float


@dataclass(frozen=True, slots=True)
class Map:
    """What two features add together, the first across, the second upwards; of each the names of its ends."""

    cells: list[Cell]
    across: tuple[str, str]
    upwards: tuple[str, str]
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Panel:
    """A term for one class: one of a curve, bars or a map."""

    features: tuple[str, ...]
    of: str
    importance: float
    curve: Curve | None = None
    bars: tuple[Bar, ...] = ()
    map: Map | None = None


@dataclass(frozen=True, slots=True)
class ShapesView:
    """A glass box, the most important terms first. `scored` is the one class that is scored, "" where every class is."""

    scored: str
    panels: list[Panel]
    terms: int
    shown: int


def shapes_of(visit: Visit, version: Version) -> ShapesView | None:
    """The terms that lie in a version; None where none do, or where what lies there by that name is something else.

    Raises:
        TamperedVersionError: the file is not what was signed.
    """
    if SHAPES_FILE not in {file.path for file in version.files}:
        return None
    try:
        shapes = msgspec.json.decode(visit.platform.registry.read(version, SHAPES_FILE), type=Shapes)
        return view_of(shapes, version.interface)
    except (msgspec.DecodeError, ValueError, IndexError):
        return None


def view_of(shapes: Shapes, interface: Interface) -> ShapesView:
    """The most important terms, drawn."""
    ends = {one.name: (one.minimum, one.maximum) for one in interface.features}
    shown = shapes.terms[:_SHOWN]
    panels = [panel for term in shown for panel in _panels(term, shapes.scored, ends)]
    return ShapesView(shapes.scored[0] if len(shapes.scored) == 1 else "", panels, len(shapes.terms), len(shown))


def _panels(term: Term, scored: Sequence[str], ends: dict[str, tuple[float | None, float | None]]) -> Iterator[Panel]:
    features = tuple(axis.feature for axis in term.axes)
    for name, held, around in zip(scored, term.scores, term.errors, strict=True):
        scores, errors = np.array(held, dtype=np.float64), np.array(around, dtype=np.float64)
        if scores.shape != tuple(axis.bins for axis in term.axes) or errors.shape != scores.shape or scores.ndim not in (1, 2):
            raise ValueError("The scores are not as many as the bins.")
        drawn: dict[str, Any]
        if scores.ndim == 2:
            drawn = {"map": _map(term.axes, scores, ends)}
        elif term.axes[0].cuts is None:
            drawn = {"bars": _bars(term.axes[0].values or (), scores, errors)}
        else:
            drawn = {"curve": _curve(_edges(term.axes[0], ends), scores, errors)}
        yield Panel(features, name if len(scored) > 1 else "", term.importance, **drawn)


def _edges(axis: Axis, ends: dict[str, tuple[float | None, float | None]]) -> Numbers:
    """Where the bins of a number begin and end; the outer ones at the ends of what training saw."""
    cuts = list(axis.cuts or ())
    low, high = ends.get(axis.feature, (None, None))
    low = cuts[0] if low is None and cuts else low or 0.0
    high = cuts[-1] if high is None and cuts else high or 0.0
    return np.array([min([low, *cuts]), *cuts, max([high, *cuts])])


def _curve(edges: Numbers, scores: Numbers, errors: Numbers) -> Curve:
    upper, lower = scores + errors, scores - errors
    top, bottom = max(0.0, float(upper.max())), min(0.0, float(lower.min()))
    across = _WIDTH * (edges - edges[0]) / ((edges[-1] - edges[0]) or 1.0)

    def up(values: Numbers) -> Numbers:
        return _HEIGHT * (top - values) / ((top - bottom) or 1.0)

    band = f"{_steps(across, up(upper))}L{_steps(across[::-1], up(lower)[::-1])[1:]}Z"
    nought = float(up(np.zeros(1))[0])
    return Curve(
        line=_steps(across, up(scores)),
        band=band,
        nought=f"M0 {nought:.2f}H{_WIDTH:.0f}",
        top=top,
        bottom=bottom,
        low=float(edges[0]),
        high=float(edges[-1]),
    )


def _steps(across: Numbers, heights: Numbers) -> str:
    """A path that keeps its height from each place to the next."""
    path = [f"M{across[0]:.2f} {heights[0]:.2f}"]
    for place, height in zip(across[1:], [*heights[1:], heights[-1]], strict=True):
        path.append(f"H{place:.2f}V{height:.2f}")
    return "".join(path)


def _bars(values: Sequence[str], scores: Numbers, errors: Numbers) -> tuple[Bar, ...]:
    largest = float(np.abs(scores).max()) or 1.0
    sizes = (_WIDTH / 2 * scores / largest).tolist()
    return tuple(
        Bar(name, score, error, min(size, 0.0), abs(size))
        for name, score, error, size in zip(values, scores.tolist(), errors.tolist(), sizes, strict=True)
    )


def _map(axes: Sequence[Axis], scores: Numbers, ends: dict[str, tuple[float | None, float | None]]) -> Map:
    """Every bin as wide as the next: what lies in narrow bins is seen, too."""
    columns, rows = scores.shape
    largest = float(np.abs(scores).max()) or 1.0
    cells = []
    for column in range(columns):
        at = 0
        for score, run in groupby(scores[column].tolist()):
            many = len(list(run))
            x, y = _WIDTH * column / columns, _HEIGHT * (rows - at - many) / rows
            cells.append(Cell(x, y, _WIDTH / columns, _HEIGHT * many / rows, score > 0, abs(score) / largest))
            at += many
    return Map(cells, _named(axes[0], ends), _named(axes[1], ends), float(scores.min()), float(scores.max()))


def _named(axis: Axis, ends: dict[str, tuple[float | None, float | None]]) -> tuple[str, str]:
    if axis.cuts is None:
        values = axis.values or ("",)
        return values[0], values[-1]
    edges = _edges(axis, ends)
    return f"{edges[0]:.4g}", f"{edges[-1]:.4g}"
