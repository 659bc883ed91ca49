# SPDX-License-Identifier: Apache-2.0
"""Figures as people read them, and forms as a version asks for them."""

from datetime import UTC, datetime

import pytest

from entrances.console.conftest import words_of
from modelward.assessment import Clause, ClauseVerdict, picture_of
from modelward.entrances.console import figures
from modelward.entrances.console.asking import FieldError, bars_of, fields_of, row_of
from modelward.entrances.console.drawn import Drawn
from modelward.entrances.console.words import Translator
from modelward.registry import Feature, Interface


def clause(estimate, low, high, *, threshold=None, unit=""):
    measured = {"estimate": estimate, "low": low, "high": high, "threshold": threshold, "unit": unit}
    direction = None if threshold is None else "at-least"
    return Clause(id="quality.x", title="X", direction=direction, verdict=ClauseVerdict.RECORDED, n=1, method="", **measured)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0374, "ms", "37.4 µs"),
        (1500, "ms", "1.5 s"),
        (12.3456, "ms", "12.3 ms"),
        (177044, "bytes", "177 KB"),
        (999, "bytes", "999 B"),
        (0, "bytes", "0 B"),
        (4_290_000, "bytes", "4.29 MB"),
        (19.22, "J", "19.2 J"),
        (12_500, "J", "12.5 kJ"),
        (268606.8, "rows/s", "269 k rows/s"),
        (0.92807, "", "0.9281"),
        (5795, "", "5795"),
        (123456, "", "123,456"),
        (0.27761, "nats", "0.2776 nats"),
        (None, "ms", "–"),
    ],
)
def test_a_figure_is_in_the_step_of_its_unit_that_suits_it(value, unit, shown):
    assert figures.quantity(value, unit) == shown


def test_an_interval_is_in_the_unit_of_its_estimate():
    assert figures.interval(clause(0.0759, 0.0477, 4.141, unit="ms")) == "47.7 – 4141"
    assert figures.interval(clause(0.9281, 0.9231, 0.9335)) == "0.9231 – 0.9335"
    assert figures.interval(clause(5795, 5795, 5795)) == ""
    assert figures.interval(clause(None, None, None)) == ""


def test_what_is_asked_of_a_clause_says_its_direction():
    assert figures.asked(clause(0.9, 0.8, 0.95, threshold=0.6)) == "≥ 0.6"
    assert figures.asked(clause(0.9, 0.8, 0.95)) == ""


def test_a_picture_lies_between_nothing_and_everything():
    share = picture_of(clause(0.3, 0.25, 0.35, threshold=0.8))
    assert (share.low, share.high, share.threshold) == pytest.approx((26, 35.6, 78.8))
    free = picture_of(clause(-0.4, -0.5, 3.0, threshold=0.0))
    assert 0 < free.low < free.threshold < free.high < 100
    assert picture_of(clause(5, 5, 5, threshold=5)) is not None
    assert picture_of(clause(0.3, 0.25, 0.35)) is None
    assert picture_of(clause(None, None, None, threshold=0.8)) is None


def test_moments_are_in_utc():
    moment = datetime(2026, 11, 22, 4, 17, 5, tzinfo=UTC)
    assert (figures.minute(moment), figures.second(moment)) == ("2026-11-22 04:17", "2026-11-22 04:17:05")
    assert figures.iso(moment) == "2026-11-22T04:17:05Z"


def shown(value) -> str:
    module = Drawn().templates.get_template("parts.html").module
    return str(module.fact(value, Translator("en")))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        ([], "–"),
        ({}, "–"),
        (True, "yes"),
        (0, "0"),
        (1567.0291234, '<span title="1567.0291234">1567.03</span>'),
        (["sex", "race"], "sex, race"),
        (["a", "b (c: d, e: 1)"], '<ul class="values"><li>a</li><li>b (c: d, e: 1)</li></ul>'),
        ("2026-11-22T15:06:07.590963+01:00", "2026-11-22 14:06:07 UTC"),
        ("fit for the purpose that was agreed in March", "fit for the purpose that was agreed in March"),
        ("<b>", "&lt;b&gt;"),
        (["<b>"], "&lt;b&gt;"),
        ("ab" * 32, f'<span title="{"ab" * 32}">abababababab…</span>'),
    ],
)
def test_a_fact_is_shown_as_people_read_it(value, text):
    assert shown(value) == text


def test_a_fact_of_parts_is_shown_part_by_part():
    assert words_of(shown({"passed": 4, "not_measurable": {"sex": None}})) == "passed 4 not measurable sex –"
    assert words_of(shown([{"a": 1}, {"a": [2, 3]}])) == "a 1 a 2, 3"


INTERFACE = Interface(
    (
        Feature("age", "number", minimum=17.0, maximum=90.0, nullable=True),
        Feature("amount", "number", minimum=0.0, maximum=99999.0),
        Feature('a "b" <c>', "category", categories=(" with a blank", "x"), nullable=True),
    ),
    "income",
    ("low", "high"),
)


def test_a_form_has_a_field_for_each_feature_whatever_it_is_called():
    age, amount, odd = fields_of(INTERFACE, {})
    assert (age.key, age.value, age.hint) == ("f0", "35", "17 – 90")
    assert amount.value == "0"
    assert (odd.key, odd.options) == ("f2", (" with a blank", "x"))
    assert fields_of(INTERFACE, {"f0": "44"})[0].value == "44"


def test_a_row_is_typed_by_the_interface():
    assert row_of(INTERFACE, {"f0": " 44.5 ", "f1": "1e3", "f2": " with a blank"}) == {
        "age": 44.5,
        "amount": 1000.0,
        'a "b" <c>': " with a blank",
    }
    assert row_of(INTERFACE, {}) == {"age": None, "amount": None, 'a "b" <c>': None}
    with pytest.raises(FieldError) as raised:
        row_of(INTERFACE, {"f0": "secret"})
    assert raised.value.feature == "age"
    assert "secret" not in str(raised.value)


def test_bars_are_sorted_and_fit():
    bars = bars_of([{"feature": "a", "value": 1.0, "contribution": -0.1}, {"feature": "b", "value": None, "contribution": 0.4}])
    assert [(bar.name, bar.value) for bar in bars] == [("b", ""), ("a", "1")]
    assert (bars[0].left, bars[0].width) == (0.0, 50.0)
    assert (bars[1].left, bars[1].width) == (-12.5, 12.5)
    assert bars_of([{"feature": "a", "value": 1.0, "contribution": 0.0}])[0].width == 0


def test_messages_and_cards_are_escaped():
    assert Translator("en").say("run `a <b>` & <i>") == "run <code>a &lt;b&gt;</code> &amp; &lt;i&gt;"
    drawn = Drawn().card("---\ntags: x\n---\n# title **x**\n\n## part\n\n<b onclick=x>\n\n[a](http://b) ![c](d) <http://e>\n")
    assert "title" not in drawn
    assert "<h3>part</h3>" in drawn
    assert "<b" not in drawn
    assert "href" not in drawn
    assert "<img" not in drawn
