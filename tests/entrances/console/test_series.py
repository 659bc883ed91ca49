# SPDX-License-Identifier: Apache-2.0
"""Series in the console: numbers are pasted, drawn as they were read, and each stretch shows what it did to the answer; and the
profile of a dataset of series.
"""

import json
import re

import pytest

from entrances.console.conftest import opened, words_of
from entrances.console.test_answers import POLICY
from entrances.console.test_words import left_english
from entrances.takers import above, register
from modelward.access import Role, local_actor
from modelward.app import create_home, open_platform
from modelward.entrances.console.asking import FieldError, fields_of, row_of
from modelward.entrances.console.series_picture import series_pictures_of
from modelward.registry import Feature, Interface
from modelward.settings import Settings

PAGE = "/models/swing/1"
ONE = Interface((Feature("wave", "series", shape=(4, 1), minimum=-2.0, maximum=2.0),), "side", ("below", "above"))
TWO = Interface((Feature("wave", "series", shape=(900, 2), nullable=True),), "side", ("below", "above"))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One in which a model of series is live, and a dataset of series lies."""
    home = tmp_path_factory.mktemp("series") / ".modelward"
    settings, by = Settings(home=home), local_actor()
    create_home(settings)
    platform = open_platform(settings)
    platform.releases.policies.put(POLICY, by=by)
    (name,) = [name for name in register(platform.registry, by=by) if name.startswith("swing")]
    platform.releases.promote(platform.releases.propose(name, policy="open", by=by).id, by=by)
    table = home.parent / "waves.csv"
    rows = [([[at % 5, step] for step in range(1 + at % 9)] if at % 20 else [], ("slow", "fast")[at % 2]) for at in range(80)]
    table.write_text("wave,pace\n" + "".join(f'"{json.dumps(steps)}",{pace}\n' for steps, pace in rows))
    platform.datasets.add("waves", [table], target="pace", purpose="tests", owner="tester", by=by)
    platform.close()
    with opened(home, tmp_path_factory.mktemp("house")) as found:
        yield found


@pytest.fixture(scope="module")
def visitor(house):
    return house.visitor(Role.ADMINISTRATOR)


def in_chinese(visitor, ask):
    visitor.get("/models?lang=zh")
    try:
        return ask()
    finally:
        visitor.get("/models?lang=en")


def pasted(interface, text):
    return row_of(interface, {"f0": text})["wave"]


@pytest.mark.parametrize(
    "text", ["1 2 null -3.5", "1, 2, , -3.5", "1;2;NA;-3.5", "1\t2\t\t-3.5", "1\n2\nNaN\n-3.5\n", "1, 2,\nnull, -3.5\n"]
)
def test_numbers_are_read_however_they_are_pasted(text):
    assert pasted(ONE, text) == [1, 2, None, -3.5]


def test_of_several_channels_a_step_is_a_line():
    assert pasted(TWO, "1 2\n\n3\t\n , 4\n") == [[1, 2], [3, None], [None, 4]]
    assert pasted(TWO, " [[1, 2]]") == " [[1, 2]]", "lists are left to what reads them anywhere"
    assert pasted(TWO, " \n") is None


@pytest.mark.parametrize(
    ("interface", "text", "said"),
    [
        (ONE, "1\nsecret", "The field 'wave' takes numbers, and line 2 holds something else. Write null where one is missing."),
        (TWO, "1 2\n3", "The field 'wave' takes 2 numbers in each line, and line 2 has 1."),
    ],
)
def test_what_is_no_series_is_named_by_its_line_and_not_shown(interface, text, said):
    with pytest.raises(FieldError) as refused:
        pasted(interface, text)
    assert (str(refused.value), refused.value.feature) == (said, "wave")


@pytest.mark.parametrize("interface", [ONE, TWO])
def test_the_form_begins_with_a_series_that_can_be_answered(interface):
    (field,) = fields_of(interface, {})
    (wave,) = interface.columns([row_of(interface, {"f0": field.value})]).values()
    assert wave.shape == (1, *interface.features[0].shape)


def test_a_pasted_series_is_answered_drawn_and_explained(visitor):
    form = visitor.get(PAGE).text
    assert "Paste numbers with spaces, commas or line breaks" in form
    page = visitor.post(PAGE, {"f0": "9 -2 1.5 2 0"}).text
    told = words_of(page)
    assert f"above {100 * above(-2, 1.5, 2, 0):.1f} %" in told
    assert "wave as the model read it: 4 steps, from -2 to 2." in told
    assert "empty series 50.0 %" in told
    (drawn,) = re.findall(r'<figure class="read">.*?</svg>', page, flags=re.S)
    assert drawn.count("<path") == 1
    stretches = re.findall(r'<rect class="(up|down)" x="(\d)" y="0" width="1"[^>]*fill-opacity="([\d.]+)"', drawn)
    assert sorted((int(start), way) for way, start, strength in stretches if float(strength) > 0.01) == [
        (0, "down"),
        (1, "up"),
        (2, "up"),
    ]


def test_what_was_pasted_wrongly_is_named_and_kept_in_the_form(visitor):
    page = visitor.post(PAGE, {"f0": "1 two"})
    assert page.status_code == 400
    assert "line 1 holds something else" in words_of(page.text)
    assert 'aria-invalid="true"' in page.text
    assert ">1 two</textarea>" in page.text


def test_form_answer_and_profile_are_said_in_chinese_too(visitor):
    for ask in (
        lambda: visitor.get(PAGE).text,
        lambda: visitor.post(PAGE, {"f0": "1.5 2"}).text,
        lambda: visitor.post(PAGE, {"f0": "1.5 two"}).text,
    ):
        assert left_english(in_chinese(visitor, ask)) == []
    told = words_of(in_chinese(visitor, lambda: visitor.get("/data/waves").text))
    assert "各序列有 0 到 9 步，其中一半不超过 5 步。 4 个不含任何数值。" in told
    assert "2 个通道各自的范围" in told


def test_a_profile_shows_lengths_and_the_range_of_each_channel(visitor):
    page = visitor.get("/data/waves").text
    told = words_of(page)
    assert "The series have 0 to 9 steps, half of them at most 5. 4 hold no number." in told
    assert "Range of each of 2 channels" in told
    (ranges,) = re.findall(r'<ol class="ranges">.*?</ol>', page, flags=re.S)
    assert re.findall(r'x="([\d.]+)" width="([\d.]+)"', ranges) == [("0.00", "50.00"), ("0.00", "100.00")]
    assert "Lengths in steps" in told


def test_a_long_series_with_gaps_is_drawn_within_its_frame():
    steps = [[at % 50, None if 100 < at < 300 else 7] for at in range(1500)]
    (picture,) = series_pictures_of(TWO, {"wave": steps}, ())
    assert (picture.steps, picture.channels, picture.stretches) == (900, 2, [])
    first, second = picture.paths
    places = [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", first)]
    assert len(places) == 900
    assert all(0 <= x <= 900 and 6 <= y <= 94 for x, y in places)
    assert second.count("M") == 1, "what is missing came before the last 900 steps"
    assert series_pictures_of(TWO, {"wave": []}, ()) == []


@pytest.mark.browser
@pytest.mark.parametrize(("language", "button"), [("en", "Predict and explain"), ("zh", "预测并解释")])
def test_a_person_pastes_a_series_and_sees_what_it_rests_on(house, language, button):
    browser = pytest.importorskip("entrances.console.test_browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=browser.ARGUMENTS)
        window = browser.Watched(chromium, viewport={"width": 390, "height": 800})
        page = window.page
        page.goto(f"{house.url}/console/sign-in?token={house.token(Role.ADMINISTRATOR)}")
        page.click("main button")
        page.wait_for_url("**/console/models")
        page.goto(f"{house.url}/console/models?lang={language}")
        page.goto(f"{house.url}/console{PAGE}")
        page.get_by_role("textbox", name="wave").fill("-2\n1.5\n2\n0")
        page.get_by_role("button", name=button).click()
        drawn = page.locator("figure.read svg")
        assert drawn.bounding_box()["width"] > 200
        assert page.get_by_role("textbox", name="wave").input_value() == "-2\n1.5\n2\n0"
        for path in ("", "/data/waves"):
            if path:
                page.goto(f"{house.url}/console{path}")
            assert page.evaluate(browser.SPILLING) == 0
            assert page.evaluate(browser.TOO_FAINT) == []
        assert window.elsewhere(house.url) == []
        chromium.close()
