# SPDX-License-Identifier: Apache-2.0
"""The console speaks English and Chinese, wholly."""

import re
from pathlib import Path

import pytest

from entrances.console.conftest import ROW, words_of
from modelward.access import Role
from modelward.assessment import ASSESSORS, ClauseVerdict
from modelward.entrances.console import visit
from modelward.entrances.console.words import CHINESE, choose_language, translator
from modelward.releases import ReleaseState

TEMPLATES = sorted((Path(visit.__file__).parent / "templates").glob("*.html"))
CALL = re.compile(r"""\bt\(\s*("([^"]*)"|'([^']*)')""")


def words_of_templates() -> set[str]:
    return {double or single for path in TEMPLATES for _, double, single in CALL.findall(path.read_text())}


def words_of_data() -> set[str]:
    """Words that come out of values: roles, verdicts, states, dimensions, measures, sections, titles of failures."""
    measures = [measure for name in ASSESSORS.places for measure in ASSESSORS.load(name).measures]
    return {
        *Role,
        *(verdict.value for verdict in ClauseVerdict),
        *(state.value for state in ReleaseState),
        *(measure.assessor for measure in measures),
        *(measure.title for measure in measures),
        *(word for _, word, _ in visit._SECTIONS),
        *(title for _, title in visit.FACES.values()),
        "house default",
        "broken",
    }


def test_every_word_of_a_template_is_known_in_chinese():
    found = words_of_templates()
    assert len(found) > 100, "the pattern finds them"
    assert found - set(CHINESE) == set()


def test_every_word_that_comes_out_of_values_is_known_in_chinese():
    assert words_of_data() - set(CHINESE) == set()


def test_no_word_is_kept_that_no_page_says():
    in_loops = {"One row", "Model file", "Energy of training", "ROC AUC"}
    assert set(CHINESE) - words_of_templates() - words_of_data() - in_loops == set()


def test_a_translation_names_the_values_that_its_word_names():
    for word, chinese in CHINESE.items():
        assert sorted(re.findall(r"\{\w+\}", chinese)) == sorted(re.findall(r"\{\w+\}", word)), word
        assert chinese.strip()


def test_a_word_nobody_translated_stays_as_it_is():
    assert translator("zh")("a plug-in's own measure") == "a plug-in's own measure"
    assert translator("en")("not-measurable") == "not measurable"
    assert translator("en")("{n} files", n=3) == "3 files"


@pytest.mark.parametrize(
    "path", ["/models", "/models/grant", "/models/grant/1", "/models/grant/3", "/releases", "/ledger", "/nowhere"]
)
def test_a_chinese_page_has_no_english_of_ours_left(admin_visitor, path):
    page = admin_visitor.get(f"{path}?lang=zh").text
    assert '<html lang="zh-Hans">' in page
    page = re.sub(r'<details class="fold" id="card">.*?</details>', " ", page, flags=re.S)
    text = words_of(re.sub(r'<(\w+)[^>]*lang="en"[^>]*>.*?</\1>', " ", page, flags=re.S))
    for word, chinese in CHINESE.items():
        if " " in word and "{" not in word and chinese != word:
            assert word not in text, word
    admin_visitor.get("/models?lang=en")


def test_the_answer_is_chinese_too(house):
    visitor = house.visitor(Role.CALLER)
    visitor.get("/models?lang=zh")
    assert "预测并解释" in visitor.get("/models/grant/1").text, "the choice is remembered"
    text = words_of(visitor.post("/models/grant/1", ROW).text)
    assert "答案" in text
    assert "账本条目" in text


def test_changing_the_language_keeps_everything_else_that_was_asked(admin_visitor):
    page = admin_visitor.get("/ledger?event=session.opened&before=40&lang=en&subject=a%26b").text
    assert 'href="?event=session.opened&amp;before=40&amp;subject=a%26b&amp;lang=zh"' in page


def test_the_link_to_sign_in_with_survives_a_change_of_language(house):
    page = house.stranger().get("/sign-in?token=mwi_x&lang=zh").text
    assert 'href="?token=mwi_x&amp;lang=en"' in page


@pytest.mark.parametrize(
    ("chosen", "accepted", "spoken"),
    [
        (None, "", "en"),
        (None, "de-DE,zh;q=0.5", "zh"),
        (None, "zh-TW", "zh"),
        (None, "en-GB,zh", "en"),
        ("zh", "en", "zh"),
        ("tlh", "zh", "zh"),
        ("<script>", "", "en"),
    ],
)
def test_the_language_is_what_was_chosen_else_what_the_browser_takes(chosen, accepted, spoken):
    assert choose_language(chosen, accepted) == spoken
