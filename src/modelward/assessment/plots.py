# SPDX-License-Identifier: Apache-2.0
"""Pictures as SVG: the same figures give the same bytes, the ground is transparent, the ink follows light and dark.

Text stays text, in the reader's own fonts; labels stand beside what they name, so that no legend and no colour alone has to
be read.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modelward.assessment.scores import Floats

if TYPE_CHECKING:
    from modelward.assessment.clause import Clause

# Placeholders that `_svg` replaces by style sheet classes which differ between light and dark.
_INK, _SOFT, _LINE = "#010203", "#010204", "#010205"
_TONES = ("#3b6ea8", "#c2703d", "#4f8f6b", "#8a63a8", "#a8893b", "#5b8c9c")
_ACCENT = _TONES[0]
_FONTS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
_STYLE = """<style>
svg { --ink: #1f2733; --soft: #667085; --line: #c9d0da }
@media (prefers-color-scheme: dark) { svg { --ink: #e6e9ee; --soft: #9aa4b2; --line: #3c4654 } }
</style>"""
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "modelward",
    "text.parse_math": False,
    "font.size": 10.5,
    "text.color": _INK,
    "axes.labelcolor": _SOFT,
    "axes.edgecolor": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _SOFT,
    "ytick.labelcolor": _SOFT,
    "axes.grid": False,
}
_MOST_NAMES = 6


class ParetoPoint(Protocol):
    """What the Pareto plot needs of a row of a comparison."""

    @property
    def label(self) -> str: ...
    @property
    def estimate(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def latency_p50_ms(self) -> float: ...
    @property
    def is_on_front(self) -> bool: ...
    @property
    def is_recommended(self) -> bool: ...


def confusion_matrix(counts: Sequence[Sequence[int]], *, classes: Sequence[str]) -> bytes:
    """True classes down, decided classes across; each cell its rows and their share of the true class."""
    table = np.asarray(counts, dtype=np.float64)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    k = len(classes)
    side = min(3.2 + 0.55 * k, 9.0)
    with _figure(side, side * 0.86) as (figure, svg):
        axes = figure.add_subplot()
        axes.imshow(shares, cmap=_fading(), vmin=0, vmax=1, aspect="auto")
        names = [_cut(name) for name in classes]
        axes.set_xticks(range(k), names, rotation=0 if k <= 4 else 45, ha="center" if k <= 4 else "right")
        axes.set_yticks(range(k), names)
        axes.tick_params(length=0)
        axes.set(xlabel="decided", ylabel="true")
        axes.spines[:].set_visible(False)
        if k <= 12:
            for (row, column), share in np.ndenumerate(shares):
                ink = "#ffffff" if share > 0.55 else _INK
                axes.text(column, row, f"{int(table[row, column]):,}\n{share:.0%}", ha="center", va="center", color=ink)
    return svg()


def roc_curve(grid: Floats, curves: Mapping[str, Floats], *, band: tuple[Floats, Floats] | None) -> bytes:
    """True positive rate over false positive rate, one line a class, the 95 % band of a single one, and chance."""
    with _figure(4.6, 4.2) as (figure, svg):
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1, dashes=(4, 3))
        axes.text(0.62, 0.56, "chance", color=_SOFT, rotation=45, rotation_mode="anchor", transform_rotates_text=True, va="top")
        if band is not None:
            axes.fill_between(grid, *band, color=_ACCENT, alpha=0.22, linewidth=0)
        for at, (name, rates) in enumerate(curves.items()):
            colour = _TONES[at % len(_TONES)] if at < _MOST_NAMES else _SOFT
            axes.plot(grid, rates, color=colour, linewidth=1.8, solid_joinstyle="round")
            if len(curves) > 1 and at < _MOST_NAMES:
                axes.text(1.0, 0.06 + 0.07 * (min(len(curves), _MOST_NAMES) - 1 - at), _cut(name), color=colour, ha="right")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")
        if band is not None:
            axes.set_title(f"positive: {_cut(next(iter(curves)))}", color=_SOFT, fontweight="normal")
    return svg()


def calibration_curve(stated: Floats, observed: Floats, bounds: Sequence[tuple[float, float]], given: Floats) -> bytes:
    """Observed frequency over stated probability with intervals, above the distribution of what was stated."""
    low, high = np.array(bounds).T
    with _figure(4.6, 4.9) as (figure, svg):
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1), gridspec_kw={"hspace": 0.08})
        axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1, dashes=(4, 3))
        axes.vlines(stated, low, high, color=_ACCENT, alpha=0.45, linewidth=2.4)
        axes.plot(stated, observed, color=_ACCENT, linewidth=1.2, marker="o", markersize=4.5)
        axes.text(0.02, 0.97, "above the line: it happens more often than stated", color=_SOFT, fontsize=9)
        axes.set(ylabel="observed frequency", xlim=(-0.01, 1.01), ylim=(-0.02, 1.03))
        axes.tick_params(axis="x", length=0)
        below.hist(given, bins=np.linspace(0, 1, 31), color=_ACCENT, alpha=0.55)
        below.set(xlabel="stated probability", yticks=[])
        below.spines["left"].set_visible(False)
        below.text(0.5, 0.96, "rows", color=_SOFT, fontsize=9, transform=below.transAxes, ha="center", va="top")
    return svg()


def group_rates(drawn: Mapping[str, Sequence[tuple[str, Clause]]]) -> bytes:
    """One panel a rate, one line a group: the estimate as a dot on its interval; what could not be measured is said."""
    groups = len(next(iter(drawn.values())))
    columns = min(2, len(drawn))
    rows = -(-len(drawn) // columns)
    with _figure(3.7 * columns, rows * (0.75 + 0.3 * groups)) as (figure, svg):
        panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel())
        for axes, (title, clauses) in zip(panels, drawn.items(), strict=False):
            axes.set_title(title)
            for at, (_, clause) in enumerate(clauses):
                _dot(axes, at, clause)
            axes.set(xlim=(0, 1), ylim=(groups - 0.5, -0.5))
            axes.set_yticks(range(groups), [_cut(group) for group, _ in clauses])
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x", color=_LINE, linewidth=0.6, alpha=0.6)
            axes.set_axisbelow(True)
        for spare in panels[len(drawn) :]:
            spare.set_visible(False)
    return svg()


def pareto(points: Sequence[ParetoPoint], *, metric: str) -> bytes:
    """The metric with its interval over size and over latency, both on logarithmic axes; the front is joined, the pick ringed."""
    with _figure(8.6, 4.3) as (figure, svg):
        panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
        for axes, key, label in zip(
            panels, ("size_bytes", "latency_p50_ms"), ("model size", "median time of one row"), strict=True
        ):
            _front(axes, points, key)
            _label(axes, points, key)
            axes.set(xscale="log", xlabel=label)
            axes.margins(x=0.16, y=0.12)
            axes.xaxis.set_major_formatter(lambda value, _, key=key: _amount(value, key))
            axes.xaxis.set_minor_formatter(lambda *_: "")
            axes.grid(axis="y", color=_LINE, linewidth=0.6, alpha=0.6)
            axes.set_axisbelow(True)
        panels[0].set_ylabel(metric)
        panels[1].tick_params(axis="y", length=0)
        panels[1].spines["left"].set_visible(False)
    return svg()


def _dot(axes: Any, at: int, clause: Clause) -> None:
    if clause.estimate is None or clause.low is None or clause.high is None:
        axes.text(0.02, at, f"not measurable: {clause.n} rows", va="center", color=_SOFT, fontsize=9, style="italic")
        return
    axes.hlines(at, clause.low, clause.high, color=_ACCENT, alpha=0.4, linewidth=4)
    axes.plot(clause.estimate, at, marker="o", color=_ACCENT, markersize=5.5)
    is_right = clause.high > 0.82
    where = clause.low - 0.02 if is_right else clause.high + 0.02
    axes.text(where, at, f"{clause.estimate:.2f}", va="center", ha="right" if is_right else "left", color=_INK, fontsize=9)


def _front(axes: Any, points: Sequence[ParetoPoint], key: str) -> None:
    joined = sorted((getattr(point, key), point.estimate) for point in points if point.is_on_front)
    best: list[tuple[float, float]] = []
    for cost, estimate in joined:
        if not best or estimate > best[-1][1]:
            best.append((cost, estimate))
    axes.step(*zip(*best, strict=True), where="post", color=_LINE, linewidth=1.2)
    for point in points:
        colour = _ACCENT if point.is_on_front else _SOFT
        at = getattr(point, key)
        axes.vlines(at, point.low, point.high, color=colour, alpha=0.4, linewidth=2.6)
        axes.plot(at, point.estimate, marker="o", color=colour, markersize=6)
        if point.is_recommended:
            axes.plot(at, point.estimate, marker="o", markersize=13, fillstyle="none", color=_TONES[1], markeredgewidth=1.8)


def _label(axes: Any, points: Sequence[ParetoPoint], key: str) -> None:
    """Names beside the points, above and below by turns from left to right, so that neighbours do not collide."""
    for turn, point in enumerate(sorted(points, key=lambda one: float(getattr(one, key)))):
        above = turn % 2 == 0
        axes.annotate(
            _cut(point.label),
            (getattr(point, key), point.high if above else point.low),
            xytext=(0, 5 if above else -5),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=9,
            fontweight="bold" if point.is_recommended else "normal",
            color=_INK if point.is_on_front else _SOFT,
        )


def _amount(value: float, key: str) -> str:
    if key == "latency_p50_ms":
        return f"{value:g} ms" if value >= 0.001 else f"{value * 1000:g} µs"
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g} B"


def _cut(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


def _fading() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("fading", [(0.23, 0.43, 0.66, 0.04), (0.23, 0.43, 0.66, 1.0)])


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """An empty figure under the house's settings, and the function that gives its SVG once it is drawn."""
    # Matplotlib costs half a second to import, and a server that only serves never draws.
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    sink = io.BytesIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # A class or group may be named in any script; the reader's fonts draw it, not matplotlib's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        yield figure, lambda: _svg(sink.getvalue().decode())
        figure.savefig(
            sink, format="svg", transparent=True, bbox_inches="tight", pad_inches=0.06, metadata={"Date": None, "Creator": None}
        )


def _svg(drawn: str) -> bytes:
    """Hand the inks to the style sheet, and the fonts to the reader."""
    for placeholder, ink in ((_INK, "var(--ink)"), (_SOFT, "var(--soft)"), (_LINE, "var(--line)")):
        drawn = drawn.replace(placeholder, ink)
    drawn = re.sub(r"<\?xml.*?<svg", "<svg", drawn, count=1, flags=re.DOTALL)
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, count=1, flags=re.DOTALL)
    drawn = drawn.replace("'DejaVu Sans'", _FONTS)
    return drawn.replace("<defs>", f"{_STYLE}\n <defs>", 1).encode()
