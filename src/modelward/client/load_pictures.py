# SPDX-License-Identifier: Apache-2.0
"""The pictures of a load: how latencies go up towards the slowest answer, and how they went over time. The narrow ones are for a
screen on which text in the others would be too small to read.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log10
from typing import Any

from modelward.assessment import INKS, canvas
from modelward.client.load import Step

_MOST_LINES = 6
_MOST_PANELS = 4
_MOST_NARROW_NINES = 4
_WIDTH, _TAIL_HEIGHT, _COURSE_HEIGHT = 9.2, 4.2, 2.7
_NARROW_TAIL_WIDTH, _NARROW_COURSE_WIDTH, _NARROW_PANEL_HEIGHT = 2.9, 2.4, 2.0
# Names of lines keep this share of a picture's height from each other.
_GAP, _WIDE_GAP = 0.055, 0.11


def tail(steps: Sequence[Step], *, is_narrow: bool = False) -> bytes:
    """Latency over percentile, one line a step. Each nine takes as much room as the one before it, so that the tail is seen."""
    with canvas(_NARROW_TAIL_WIDTH if is_narrow else _WIDTH, _TAIL_HEIGHT) as (figure, svg):
        _draw_tail(figure.add_subplot(), _drawn(steps, _MOST_LINES), is_narrow=is_narrow)
    return svg()


def course(steps: Sequence[Step], *, is_narrow: bool = False) -> bytes:
    """Latency over time, one panel a step: the median, the 99th percentile and the greatest of each moment."""
    shown = _drawn(steps, _MOST_PANELS)
    down, across = (len(shown), 1) if is_narrow else (1, len(shown))
    size = (_NARROW_COURSE_WIDTH, down * _NARROW_PANEL_HEIGHT) if is_narrow else (_WIDTH, _COURSE_HEIGHT)
    with canvas(*size) as (figure, svg):
        room = {"hspace": 0.3, "wspace": 0.08}
        panels = figure.subplots(down, across, sharex=is_narrow, sharey=True, squeeze=False, gridspec_kw=room)
        _draw_course(panels.ravel(), shown, is_narrow=is_narrow)
    return svg()


def report_pictures(steps: Sequence[Step]) -> bytes:
    """`tail` over `course`."""
    shown = _drawn(steps, _MOST_PANELS)
    with canvas(_WIDTH, _TAIL_HEIGHT + _COURSE_HEIGHT + 0.6) as (figure, svg):
        grid = figure.add_gridspec(2, len(shown), height_ratios=(_TAIL_HEIGHT, _COURSE_HEIGHT), hspace=0.32, wspace=0.08)
        _draw_tail(figure.add_subplot(grid[0, :]), _drawn(steps, _MOST_LINES))
        first = figure.add_subplot(grid[1, 0])
        others = [figure.add_subplot(grid[1, place], sharey=first) for place in range(1, len(shown))]
        for axes in others:
            axes.tick_params(labelleft=False)
        _draw_course([first, *others], shown)
    return svg()


def label_of(step: Step) -> str:
    """What tells a step from the others."""
    connections = "1 connection" if step.connections == 1 else f"{step.connections} connections"
    return connections if step.rate is None else f"{step.rate:,.10g}/s on {connections}"


def amount(milliseconds: float) -> str:
    """A time in the unit that suits it."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.3g} s"
    return f"{milliseconds:.3g} ms" if milliseconds >= 0.1 else f"{1000 * milliseconds:.3g} µs"


def _drawn(steps: Sequence[Step], most: int) -> list[Step]:
    """The steps that have latencies; of too many the first ones and the last."""
    found = [step for step in steps if step.latencies is not None]
    return found if len(found) <= most else [*found[: most - 1], found[-1]]


def _draw_tail(axes: Any, steps: Sequence[Step], *, is_narrow: bool = False) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    ends: list[tuple[float, str, str]] = []
    furthest = 1.0
    for step, tone in zip(steps, INKS.tones, strict=False):
        assert step.latencies is not None
        nines = [-log10(1 - percent / 100) for percent, _ in step.latencies.curve]
        times = [milliseconds for _, milliseconds in step.latencies.curve]
        axes.plot(nines, times, color=tone, linewidth=1.8, solid_joinstyle="round")
        axes.plot(nines[-1], times[-1], marker="o", markersize=4.5, color=tone)
        ends.append((times[-1], f"{label_of(step)}: {amount(times[-1])}", tone))
        furthest = max(furthest, nines[-1])
    axes.set(yscale="log", xlabel="percentile of the answers", xlim=(0, furthest * 1.02))
    is_dense = is_narrow and furthest > _MOST_NARROW_NINES
    percents = [50.0] if is_dense else [0.0, 50.0]
    percents += [100 * (1 - 10.0**-nine) for nine in range(1, ceil(furthest), 2 if is_dense else 1)]
    axes.xaxis.set_major_locator(FixedLocator([-log10(1 - percent / 100) for percent in percents]))
    axes.xaxis.set_major_formatter(lambda place, _: f"{100 * (1 - 10**-place):.10g}")
    axes.xaxis.set_minor_locator(NullLocator())
    _dress(axes)
    if is_narrow:
        _list(axes, ends)
    else:
        _name(axes, ends, gap=_GAP)


def _name(axes: Any, ends: Sequence[tuple[float, str, str]], *, gap: float) -> None:
    """Names to the right of where lines end, moved apart where they would lie on each other."""
    low, high = (log10(limit) for limit in axes.get_ylim())
    heights: list[float] = []
    for milliseconds, _, _ in sorted(ends):
        heights.append(max((log10(milliseconds) - low) / (high - low), heights[-1] + gap if heights else 0.0))
    over = max(0.0, heights[-1] - 1)
    for height, (_, name, tone) in zip(heights, sorted(ends), strict=True):
        axes.annotate(name, (1, height - over), (8, 0), "axes fraction", "offset points", color=tone, va="center", fontsize=9)


def _list(axes: Any, ends: Sequence[tuple[float, str, str]]) -> None:
    """Names above the plot, in the order in which the lines end."""
    for place, (_, name, tone) in enumerate(sorted(ends)):
        axes.annotate(name, (0, 1), (0, 10 + 13 * place), "axes fraction", "offset points", color=tone, fontsize=9)


def _draw_course(panels: Sequence[Any], steps: Sequence[Step], *, is_narrow: bool = False) -> None:
    for axes, step in zip(panels, steps, strict=True):
        assert step.latencies is not None
        moments = step.latencies.moments
        at = [moment.second for moment in moments]
        named = {
            "median": ([moment.p50_ms for moment in moments], INKS.tones[0]),
            "p99": ([moment.p99_ms for moment in moments], INKS.tones[1]),
        }
        axes.plot(at, [moment.max_ms for moment in moments], linestyle="none", marker=".", markersize=4, color=INKS.soft)
        for times, tone in named.values():
            axes.plot(at, times, color=tone, linewidth=1.5, solid_joinstyle="round")
        axes.set(yscale="log", xlabel="" if is_narrow and axes is not panels[-1] else "seconds")
        axes.set_title(label_of(step), color=INKS.soft, fontsize=9, fontweight="normal")
        _dress(axes)
        if axes is not panels[0] and not is_narrow:
            axes.spines["left"].set_visible(False)
            axes.tick_params(axis="y", which="both", length=0)
        if axes is panels[-1]:
            ends = [(times[-1], name, tone) for name, (times, tone) in named.items()]
            _name(axes, [*ends, (moments[-1].max_ms, "greatest", INKS.soft)], gap=_WIDE_GAP)


def _dress(axes: Any) -> None:
    """A logarithmic axis of times, with plain numbers, however little it spans."""
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = axes.get_ylim()
    parts = (
        (1.0,) if high / low > 1e3 else (1.0, 2.0, 5.0) if high / low > 5 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    )
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=parts, numticks=20))
    axes.yaxis.set_major_formatter(lambda value, _: amount(value))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=INKS.line, linewidth=0.6, alpha=0.6)
    axes.set_axisbelow(True)
