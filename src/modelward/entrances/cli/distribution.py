# SPDX-License-Identifier: Apache-2.0
"""How latencies are spread, in a few lines of text: one line a step over one logarithmic axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.client import Step

_BLOCKS = " ▁▂▃▄▅▆▇█"
_BINS_A_DECADE = 20
_WIDEST = 60


def distribution(steps: Sequence[Step]) -> Iterator[str]:
    """Lines of blocks, as high as there are answers in a part of the axis; whatever is there at all is seen. Then the axis."""
    from modelward.client import amount, label_of

    spread = {label_of(step): _places(step) for step in steps if step.latencies is not None}
    if not spread:
        return
    first = min(min(places) for places in spread.values())
    last = max(max(places) for places in spread.values())
    merged = ceil((last - first + 1) / _WIDEST)
    margin = max(map(len, spread))
    for name, places in spread.items():
        heights = [0] * ((last - first) // merged + 1)
        for place, count in places.items():
            heights[(place - first) // merged] += count
        yield f"{name:>{margin}} {_blocks(heights)}"
    yield " " * (margin + 1) + _axis({(place - first) // merged: amount(value) for place, value in _marks(first, last)})


def _marks(first: int, last: int) -> Iterator[tuple[int, float]]:
    """Round times on the axis, by their bins."""
    for decade in range(first // _BINS_A_DECADE, last // _BINS_A_DECADE + 1):
        for part in (1, 2, 5):
            place = round(_BINS_A_DECADE * (decade + log10(part)))
            if first <= place <= last:
                yield place, part * 10.0**decade


def _places(step: Step) -> dict[int, int]:
    assert step.latencies is not None
    return {round(_BINS_A_DECADE * log10(milliseconds)): count for milliseconds, count in step.latencies.bins}


def _blocks(heights: Sequence[int]) -> str:
    greatest = max(heights)
    return "".join(_BLOCKS[ceil((len(_BLOCKS) - 1) * height / greatest)] for height in heights).rstrip()


def _axis(marks: dict[int, str]) -> str:
    """Each mark under its place, as far as there is room."""
    line = ""
    for place, text in marks.items():
        if place >= len(line):
            line += " " * (place - len(line)) + f"╵{text} "
    return line.rstrip()
