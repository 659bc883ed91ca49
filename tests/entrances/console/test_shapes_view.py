# SPDX-License-Identifier: Apache-2.0
"""A glass box is shown as what it is: every term drawn to its scores, in the visitor's language."""

import re

import msgspec
import pytest

from entrances.console.conftest import opened, words_of
from entrances.console.test_words import left_english
from modelward.access import Role, local_actor
from modelward.entrances.console.shapes_view import shapes_of, view_of
from modelward.registry import Feature, Interface
from modelward.training import Axis, Shapes, Term, parse_spec
from modelward.training.shapes import NO_VALUE

SPEC = """
model: glass
data: {dataset: people, target: grant, split: {by: stratified, test: 0.3, validation: 0.1, seed: 7}}
candidates: [ebm: {bags: 2, interactions: 1}, naive-bayes]
"""
INTERFACE = Interface((Feature("age", "number", minimum=18, maximum=80), Feature("town", "category")), "grant", ("no", "yes"))
AGE = Axis(feature="age", cuts=(30.0, 49.0))
TOWN = Axis(feature="town", values=("north", "south"))


def shapes(*terms, scored=("yes",)):
    return Shapes(classes=("no", "yes"), scored=scored, intercept=(0.0,) * len(scored), terms=terms)


def term(*axes, scores, errors=None):
    return Term(axes=axes, importance=1.0, scores=scores, errors=errors or [[0.0] * len(held) for held in scores])


@pytest.fixture(scope="module")
def glass_house(built, tmp_path_factory):
    with opened(built, tmp_path_factory.mktemp("glass")) as house:
        house.platform.training.train(parse_spec(SPEC), by=local_actor())
        yield house


@pytest.fixture(scope="module")
def visitor(glass_house):
    return glass_house.visitor(Role.ADMINISTRATOR)


def section_of(page):
    return page.partition('id="shapes-heading"')[2].partition("</section>")[0]


def test_a_glass_box_is_drawn_whole_on_the_page_of_its_version(visitor):
    shown = section_of(visitor.get("/models/glass/1").text)
    titles = re.findall(r"<figcaption><strong>(.*?)</strong>", shown)
    assert {"age", "hours", "town", "member"} < set(titles)
    assert len(titles) == 5
    assert sum(" × " in title for title in titles) == 1
    assert shown.count('class="curve"') == 2
    assert "north" in shown
    assert NO_VALUE in shown
    assert "the score of “yes”" in shown


def test_a_model_that_is_no_glass_box_shows_none(visitor):
    assert "shapes-heading" not in visitor.get("/models/glass/2").text


def test_the_terms_can_be_read_in_the_browser_as_they_were_signed(visitor):
    page = visitor.get("/models/glass/1").text
    assert re.search(r'href="(/console)?/console/models/glass/1/files/shapes.json"', page)
    document = visitor.get("/models/glass/1/files/shapes.json")
    assert document.headers["content-type"].startswith("application/json")
    assert msgspec.json.decode(document.content, type=Shapes).classes == ("no", "yes")


def test_the_terms_are_told_in_chinese_too(visitor):
    page = visitor.get("/models/glass/1?lang=zh").text
    assert "整个模型" in page
    assert left_english(page) == []
    assert "importance" not in words_of(section_of(page))
    assert NO_VALUE not in words_of(section_of(page))
    visitor.get("/models?lang=en")


def test_a_curve_keeps_its_score_from_cut_to_cut():
    (panel,) = view_of(shapes(term(AGE, scores=[[-1.0, 0.0, 3.0]])), INTERFACE).panels
    assert panel.curve.line == "M0.00 50.00H19.35V37.50H50.00V0.00H100.00V0.00"
    assert panel.curve.nought == "M0 37.50H100"
    assert (panel.curve.low, panel.curve.high, panel.curve.bottom, panel.curve.top) == (18, 80, -1, 3)


def test_the_band_lies_one_error_around_the_curve():
    (panel,) = view_of(shapes(term(AGE, scores=[[1.0, 1.0, 1.0]], errors=[[1.0, 1.0, 1.0]])), INTERFACE).panels
    assert panel.curve.band == ("M0.00 0.00H19.35V0.00H50.00V0.00H100.00V0.00L100.00 50.00H50.00V50.00H19.35V50.00H0.00V50.00Z")


def test_bars_reach_as_far_as_their_scores():
    (panel,) = view_of(shapes(term(TOWN, scores=[[-0.5, 2.0]])), INTERFACE).panels
    assert [(bar.name, bar.left, bar.width) for bar in panel.bars] == [("north", -12.5, 12.5), ("south", 0, 50)]


def test_a_map_is_whole_and_what_adds_the_same_is_one_cell():
    scores = [[[1.0, 1.0], [0.5, -2.0], [0.0, 0.0]]]
    (panel,) = view_of(shapes(term(AGE, TOWN, scores=scores, errors=scores)), INTERFACE).panels
    cells = panel.map.cells
    assert sum(cell.width * cell.height for cell in cells) == pytest.approx(100 * 50)
    assert [(cell.is_more, cell.strength) for cell in cells] == [(True, 0.5), (True, 0.25), (False, 1.0), (False, 0.0)]
    assert (panel.map.across, panel.map.upwards) == (("18", "80"), ("north", "south"))


def test_every_class_has_its_own_panel_where_every_class_is_scored():
    view = view_of(shapes(term(TOWN, scores=[[1.0, 2.0], [3.0, 4.0]]), scored=("no", "yes")), INTERFACE)
    assert [panel.of for panel in view.panels] == ["no", "yes"]
    assert view.scored == ""


def test_a_feature_that_does_not_vary_is_a_level_line():
    flat = Axis(feature="constant", cuts=())
    (panel,) = view_of(shapes(term(flat, scores=[[0.0]])), INTERFACE).panels
    assert panel.curve.line == "M0.00 0.00H0.00V0.00"


@pytest.mark.parametrize(
    "held",
    [
        b'{"classes": ["no"]}',
        b"[1, 2]",
        msgspec.json.encode(shapes(term(AGE, scores=[[1.0, 2.0]]))),
        msgspec.json.encode(shapes(term(TOWN, scores=[["north", "south"]]))),
        msgspec.json.encode(shapes(term(TOWN, scores=[[1.0, 2.0], [3.0, 4.0]]))),
    ],
)
def test_a_file_of_that_name_that_holds_something_else_is_not_drawn(glass_house, held, monkeypatch):
    """A version made elsewhere may call any file so."""
    platform = glass_house.platform
    version = platform.registry.find("glass:1", by=local_actor())
    monkeypatch.setattr(platform.registry, "read", lambda *_: held)
    assert shapes_of(glass_house, version) is None
