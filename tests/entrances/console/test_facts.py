# SPDX-License-Identifier: Apache-2.0
"""The facts of ledger entries: whatever somebody wrote, they render, escaped, in both languages."""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelward.access import Role
from modelward.audit import Event
from modelward.entrances.console import facts
from modelward.entrances.console.drawn import Drawn
from modelward.entrances.console.words import Translator

DRAWN = Drawn()
SAID = Event("test.said", "A test wrote what it liked.")
# Each looks like a moment, and none is one that can be told in UTC.
NO_MOMENTS = [
    "2026-99-99T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-01-01T00:00:00+99:99",
    "2026-01-01T24:00:01Z",
    "\N{FULLWIDTH DIGIT TWO}026-01-01T00:00:00Z",
    "2026-01-0\N{ARABIC-INDIC DIGIT ONE}T00:00:00Z",
]
HOSTILE = [
    "<script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "[bold red]loud[/]",
    "{{ 7 * 7 }} {0} {name}",
    "a" * 3000,
    "wide, " * 600,
    "\N{RIGHT-TO-LEFT OVERRIDE}txt.exe",
    "items",
]
TEXT = st.one_of(
    st.text(),
    st.sampled_from(HOSTILE + NO_MOMENTS),
    st.from_regex(r"\A\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z"),
)
FACTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(TEXT, parts, max_size=4),
    max_leaves=12,
)


def shown(value, language="en") -> str:
    macro = DRAWN.templates.get_template("parts.html").module.fact
    return str(macro(value, Translator(language)))


@pytest.mark.parametrize("language", ["en", "zh"])
@given(value=FACTS)
@example(value=NO_MOMENTS)
@example(value={text: text for text in HOSTILE})
def test_any_fact_renders_and_nothing_in_it_is_markup(value, language):
    tags = re.findall(r"<[^>]*>?", shown(value, language))
    assert all(re.fullmatch(r'</?(span|i|ul|li)( (class|title)="[^"<]*")?>', tag) for tag in tags)


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_what_only_looks_like_a_moment_is_shown_as_it_was_written(text):
    assert facts.shape(text) == "one"
    assert html.unescape(shown(text)) == text


def test_a_moment_is_told_in_utc():
    assert shown("2026-03-01T13:00:00.5+01:00") == "2026-03-01 12:00:00 UTC"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_ledgers_page_shows_whatever_somebody_wrote(own_house, language):
    visitor, said = own_house.visitor(Role.AUDITOR), [*NO_MOMENTS, *HOSTILE]
    ledger, database = own_house.platform.ledger, own_house.platform.database
    with database.change() as connection:
        for text in said:
            facts = {"reason": text, "parts": {text: [text]}}
            ledger.record(connection, SAID, actor=text[:200], subject=text[:200], facts=facts)
    answer = visitor.get(f"/ledger?lang={language}&event={SAID.name}")
    assert answer.status_code == 200
    assert not re.search(r"<script>document|<img src=x", answer.text)
    assert [text for text in said if text not in html.unescape(answer.text)] == []
