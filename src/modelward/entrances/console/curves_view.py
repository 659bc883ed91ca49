# SPDX-License-Identifier: Apache-2.0
"""Curves of a training: a picture of them, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelward.assessment import INKS, canvas
from modelward.entrances.console.facts import spoken
from modelward.training import Curve

_AXIS, _LOSSES = "epoch or round", "loss"
WORDS_OF_PICTURES = (_AXIS, _LOSSES, "training loss", "validation loss", "learning rate", "gradient norm")
"""What pictures say in every language; curves of other people's recipes keep their own names."""

Say = Callable[[str], str]
_MOST_PANELS = 6
_WIDTH, _HEIGHT = 4.2, 2.5
# Names of lines keep this share of a panel's height from each other.
_GAP = 0.1


@dataclass(frozen=True, slots=True)
class CurveFacts:
    """A curve in figures: where it is now, and where it was lowest."""

    name: str
    at: int
    last: float
    lowest: float
    lowest_at: int


def facts_of(curves: Mapping[str, Curve]) -> list[CurveFacts]:
    """Each curve that has a point."""
    found = []
    for name, curve in curves.items():
        if curve.values:
            lowest = min(range(len(curve.values)), key=curve.values.__getitem__)
            found.append(CurveFacts(spoken(name), curve.at[-1], curve.values[-1], curve.values[lowest], curve.at[lowest]))
    return found


def drawn_curves(curves: Mapping[str, Curve], *, say: Say) -> bytes:
    """One panel for all losses, and one for each other curve, over epochs or rounds; `say` puts names into the reader's words."""
    panels = _panels({name: curve for name, curve in curves.items() if curve.values})[:_MOST_PANELS]
    with canvas(_WIDTH * len(panels), _HEIGHT) as (figure, svg):
        drawn = figure.subplots(1, len(panels), squeeze=False, gridspec_kw={"wspace": 0.9}).ravel()
        for axes, (title, lines) in zip(drawn, panels, strict=True):
            _draw(axes, lines, say)
            axes.set_title(say(title))
            axes.set_xlabel(say(_AXIS))
    return svg()


def _panels(curves: Mapping[str, Curve]) -> list[tuple[str, dict[str, Curve]]]:
    losses = {spoken(name): curve for name, curve in curves.items() if name.endswith(_LOSSES)}
    others = [(spoken(name), {spoken(name): curve}) for name, curve in curves.items() if not name.endswith(_LOSSES)]
    return [(_LOSSES, losses), *others] if losses else others


def _draw(axes: Any, lines: Mapping[str, Curve], say: Say) -> None:
    from matplotlib.ticker import MaxNLocator

    for (name, curve), tone in zip(lines.items(), INKS.tones, strict=False):
        # A single point is no line, and would not be seen.
        marker = {"marker": "o", "markersize": 4} if len(curve.at) == 1 else {}
        axes.plot(curve.at, curve.values, color=tone, linewidth=1.6, solid_joinstyle="round", gid=name, **marker)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.grid(axis="y", color=INKS.line, linewidth=0.6, alpha=0.6)
    axes.set_axisbelow(True)
    if len(lines) > 1:
        _name(axes, [(curve.values[-1], say(name), tone) for (name, curve), tone in zip(lines.items(), INKS.tones, strict=False)])


def _name(axes: Any, ends: Sequence[tuple[float, str, str]]) -> None:
    """Names to the right of where lines end, moved apart where they would lie on each other."""
    low, high = axes.get_ylim()
    heights: list[float] = []
    for value, _, _ in sorted(ends):
        heights.append(max((value - low) / (high - low), heights[-1] + _GAP if heights else 0.0))
    over = max(0.0, heights[-1] - 1)
    for height, (_, name, tone) in zip(heights, sorted(ends), strict=True):
        axes.annotate(name, (1, height - over), (6, 0), "axes fraction", "offset points", color=tone, va="center", fontsize=9)
