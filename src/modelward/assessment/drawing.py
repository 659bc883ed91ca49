# SPDX-License-Identifier: Apache-2.0
"""How pictures are drawn, as SVG: the same figures give the same bytes, the ground is transparent, the ink follows light and dark.

Text stays text, in the reader's own fonts; labels stand beside what they name, so that no legend and no colour alone has to
be read.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple


class Inks(NamedTuple):
    """What is drawn with: placeholders for which the style sheet of a picture has one colour in the light and one in the dark."""

    text: str
    soft: str
    line: str
    cell: str
    tones: tuple[str, ...]


INKS = Inks("#010203", "#010204", "#010205", "#01020c", ("#010206", "#010207", "#010208", "#010209", "#01020a", "#01020b"))
_VARIABLES = {INKS.text: "ink", INKS.soft: "soft", INKS.line: "line", INKS.cell: "cell"} | {
    tone: f"tone{at}" for at, tone in enumerate(INKS.tones)
}
_LIGHT = ("#1f2733", "#667085", "#c9d0da", "#3b6ea8", "#3b6ea8", "#b9652f", "#3f8560", "#8459a6", "#98781f", "#43808f")
_DARK = ("#e6e9ee", "#9aa4b2", "#46505f", "#4f82bd", "#7fb0e6", "#e0925c", "#74bb94", "#b694d4", "#cdae5a", "#7fb9c7")
_FONTS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "modelward",
    "text.parse_math": False,
    "font.size": 10.5,
    "text.color": INKS.text,
    "axes.labelcolor": INKS.soft,
    "axes.edgecolor": INKS.line,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": INKS.line,
    "ytick.color": INKS.line,
    "xtick.labelcolor": INKS.soft,
    "ytick.labelcolor": INKS.soft,
    "axes.grid": False,
}
# Matplotlib keeps its settings for the whole process, so that two pictures at once would mix them.
_DRAWING = Lock()


def cut(name: str) -> str:
    """A name, short enough to stand beside what it names."""
    return name if len(name) <= 22 else f"{name[:21]}…"


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """An empty figure under the house's settings, and the function that gives its SVG once it is drawn. One is drawn at a time."""
    # Matplotlib costs half a second to import, and a server that only serves never draws.
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    sink = io.BytesIO()
    with _DRAWING, mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # A class or group may be named in any script; the reader's fonts draw it, not matplotlib's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn = Figure(figsize=(width, height), dpi=72)
        FigureCanvasSVG(drawn)
        yield drawn, lambda: _svg(sink.getvalue().decode())
        # "tight" would draw everything twice to find what this asks for.
        box = drawn.get_tightbbox().padded(0.06)
        drawn.savefig(sink, format="svg", transparent=True, bbox_inches=box, metadata={"Date": None, "Creator": None})


def _svg(drawn: str) -> bytes:
    """Hand the inks to the style sheet, and the fonts to the reader."""
    for placeholder, variable in _VARIABLES.items():
        drawn = drawn.replace(placeholder, f"var(--{variable})")
    drawn = re.sub(r"<\?xml.*?<svg", "<svg", drawn, count=1, flags=re.DOTALL)
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, count=1, flags=re.DOTALL)
    drawn = drawn.replace("'DejaVu Sans'", _FONTS)
    return drawn.replace("<defs>", f"<style>{_style_sheet()}</style>\n <defs>", 1).encode()


def _style_sheet() -> str:
    light, dark = (
        " ".join(f"--{variable}: {ink};" for variable, ink in zip(_VARIABLES.values(), inks, strict=True))
        for inks in (_LIGHT, _DARK)
    )
    return f"svg {{ {light} }} @media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}"
