# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.access.purpose import covers, names_purpose, purposes_of

PURPOSES = st.lists(st.from_regex(r"[a-z]{1,6}( [a-z]{1,6})?(/[a-z]{1,6})?", fullmatch=True), max_size=4).map("; ".join)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ()),
        (" ; ;", ()),
        ("Research.", ("research",)),
        ("  pre-screening   of grants ;RESEARCH; research.", ("pre-screening of grants", "research")),
        ("贷款预审", ("贷款预审",)),
    ],
)
def test_a_line_names_its_purposes(text, named):
    assert purposes_of(text) == named
    assert names_purpose(text) is bool(named)
    assert names_purpose(text, or_none=True) is (bool(named) or not text.strip())


@pytest.mark.parametrize(
    ("agreed", "wanted"),
    [("research", "Research."), ("research", "research/fairness"), ("loans; research", "research; loans"), ("", ""), ("loans", "")],
)
def test_what_was_agreed_to_is_covered(agreed, wanted):
    assert covers(agreed, wanted)


@pytest.mark.parametrize(
    ("agreed", "wanted"),
    [
        ("", "research"),
        ("research", "marketing"),
        ("research", "research; marketing"),
        ("research/fairness", "research"),
        ("research", "researching"),
        ("research", "re"),
        ("research", ";"),
        ("research", " . ; "),
        ("", ";"),
        (";", ";"),
    ],
)
def test_what_nobody_agreed_to_is_not_covered(agreed, wanted):
    assert not covers(agreed, wanted)


@given(PURPOSES, PURPOSES, PURPOSES)
def test_covering_is_an_order(one, two, three):
    assert covers(one, one)
    assert covers(f"{one}; {two}", one)
    if covers(one, two) and covers(two, three):
        assert covers(one, three)
