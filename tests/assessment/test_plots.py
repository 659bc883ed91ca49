# SPDX-License-Identifier: Apache-2.0
"""Pictures are equal for equal figures, hold nothing but what they show, and can be read in light and dark."""

import re
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from modelward.assessment import Estimate, Measure, plots
from modelward.assessment.placing import Box, lead, place

RATE = Measure(assessor="fairness", key="rate", title="Rate", meaning="rate")
GRID = np.linspace(0, 1, 11)
HOSTILE = ["$x_1^{2}$", "<script>alert(1)</script>", "甲乙", "a" * 80]


@dataclass
class Point:
    label: str
    estimate: float
    size_bytes: int
    latency_p50_ms: float
    energy_joules: float | None = None
    is_on_front: bool = True
    is_recommended: bool = False

    @property
    def low(self):
        return self.estimate - 0.01

    @property
    def high(self):
        return self.estimate + 0.01


POINTS = [
    Point("large", 0.93, 9_000_000, 3.0, 2500.0),
    Point("small", 0.92, 4_000, 0.01, 0.004, is_recommended=True),
    Point("poor", 0.7, 5_000, 0.02),
]


def rates(names):
    measured = [(name, RATE.clause(Estimate(0.5, 0.4, 0.6, 50, "by hand"), of=("town", name))) for name in names]
    return {"Rate": [*measured, ("few", RATE.not_measurable("few rows", n=3))], "Other": [*measured, measured[0]]}


DRAWN = {
    "confusion": lambda: plots.confusion_matrix([[5, 1, 0, 0], [2, 7, 0, 0], [0, 0, 0, 0], [1, 0, 0, 3]], classes=HOSTILE),
    "roc": lambda: plots.roc_curve(GRID, {"yes": GRID**0.5}, band=(GRID, np.ones(11))),
    "roc of classes": lambda: plots.roc_curve(GRID, dict.fromkeys([*HOSTILE, "e", "f", "g"], GRID**0.5), band=None),
    "calibration": lambda: plots.calibration_curve(GRID, GRID, [(at, at) for at in GRID], GRID),
    "groups": lambda: plots.group_rates(rates(HOSTILE)),
    "pareto": lambda: plots.pareto(POINTS, metric="roc_auc"),
    "pareto downwards": lambda: plots.pareto(POINTS, metric="log_loss", smaller_is_better=True),
    "pareto of one": lambda: plots.pareto(POINTS[:1], metric="roc_auc"),
}
every_plot = pytest.mark.parametrize("name", DRAWN)


@every_plot
def test_the_same_figures_give_the_same_bytes(name):
    assert DRAWN[name]() == DRAWN[name]()


@every_plot
def test_a_plot_is_one_svg_without_script_and_without_anything_from_outside(name):
    drawn = DRAWN[name]()
    root = ElementTree.fromstring(drawn)
    assert root.tag.endswith("svg")
    assert not [part for part in root.iter() if part.tag.endswith(("script", "foreignObject", "image"))]
    links = re.findall(rb'(?:href|src)="([^"]*)"', drawn)
    assert all(link.startswith(b"#") for link in links)
    assert b"@import" not in drawn


@every_plot
def test_no_ink_is_fixed_for_one_ground(name):
    """Every colour comes from the style sheet, which has one value for light and one for dark."""
    drawn = DRAWN[name]().decode()
    head, body = drawn.split("</style>", 1)
    assert "prefers-color-scheme: dark" in head
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]+)", body)) == set()


def test_names_stand_as_they_are():
    texts = " ".join(ElementTree.fromstring(DRAWN["confusion"]()).itertext())
    assert "$x_1^{2}$" in texts
    assert "甲乙" in texts
    assert "aaaaaa…" in texts


def test_what_could_not_be_measured_is_written_into_the_picture():
    assert b"not measurable: 3 rows" in DRAWN["groups"]()


def test_names_cover_neither_each_other_nor_the_points():
    points = [Box(x, y, x + 10, y + 30) for x, y in ((50, 50), (58, 60), (70, 40), (75, 90), (200, 60))]
    placed = place(points, [(60.0, 12.0)] * 5, frame=Box(0, 0, 300, 200))
    for at, box in enumerate(placed):
        assert all(box.overlap(point) == 0 for point in points)
        assert all(box.overlap(other) == 0 for other in placed[:at])
        assert box.overlap(Box(0, 0, 300, 200)) == box.area


def test_a_name_that_would_be_struck_through_is_left_out_but_for_the_first():
    points = [Box(x, 0, x + 8, 100) for x in range(0, 300, 12)]
    placed = place(points, [(90.0, 12.0)] * len(points), frame=Box(0, 0, 300, 100))
    assert placed[0] is not None
    assert None in placed
    clear = place(points[:1], [(90.0, 12.0)], frame=Box(0, 0, 300, 120), lines=[Box(0, 102, 300, 104)])[0]
    assert clear.overlap(Box(0, 102, 300, 104)) == 0, "names keep off lines"


def test_no_line_to_a_name_strikes_another_name_through():
    points = [Box(x, y, x + 10, y + 60) for x, y in ((100, 60), (112, 60), (124, 66), (136, 60), (60, 30))]
    placed = place(points, [(80.0, 12.0)] * 5, frame=Box(0, 0, 300, 200))
    names = [(point, name) for point, name in zip(points, placed, strict=True) if name]
    led = [(lead(point, name), name) for point, name in names if lead(point, name)]
    assert len(names) == 5
    for (start, end), own in led:
        line = Box(min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]) + 0.1, max(start[1], end[1]) + 0.1)
        assert all(other is own or other.overlap(line) == 0 for _, other in names)


@pytest.mark.parametrize("span", [1.002, 1.03, 1.4, 2.5, 9.0, 80.0, 1e3, 1e5])
@pytest.mark.parametrize("low", [0.0307, 0.96, 7.0])
def test_an_axis_of_costs_has_a_few_plain_numbers_however_little_it_spans(low, span):
    ticks = plots._ticks(low, low * span)
    assert 2 <= len(ticks) <= 4
    assert ticks == sorted(ticks)
    assert all(low < tick < low * span for tick in ticks)
    told = [plots._amount(tick, "latency_p50_ms") for tick in ticks]
    assert len(set(told)) == len(told), "two ticks never say the same"
    assert not any("e" in text for text in told)


def test_pictures_drawn_at_once_do_not_mix_their_settings():
    alone = {name: draw() for name, draw in DRAWN.items()}
    with ThreadPoolExecutor(8) as threads:
        drawn = [(name, threads.submit(draw)) for _ in range(3) for name, draw in DRAWN.items()]
    assert all(picture.result() == alone[name] for name, picture in drawn)
