# SPDX-License-Identifier: Apache-2.0
"""The console speaks English and Chinese, wholly."""

import re
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from entrances.console.conftest import ROW, words_of
from modelward.access import EmergencyState, Means, Permission, Role, local_actor
from modelward.assessment import ASSESSORS, REPORT_WORDS, ClauseVerdict, Measure
from modelward.datasets import WARNINGS, ColumnKind
from modelward.entrances.console import visit
from modelward.entrances.console.access_words import ACCESS_WORDS
from modelward.entrances.console.curves_view import WORDS_OF_PICTURES
from modelward.entrances.console.people_words import PEOPLE_SENTENCES, PEOPLE_WORDS
from modelward.entrances.console.singular_words import SINGULAR
from modelward.entrances.console.words import CHINESE, FACTS, SENTENCES, WORDS, Translator, choose_language
from modelward.releases import DECISION_WORDS, ReleaseState
from modelward.training import FINDINGS, CandidateStatus, Status

CONSOLE = Path(visit.__file__).parent
TEMPLATES = sorted((CONSOLE / "templates").glob("*.html"))
CALL = re.compile(r"""\bt\(\s*("([^"]*)"|'([^']*)')""")


def words_of_templates() -> set[str]:
    return {double or single for path in TEMPLATES for _, double, single in CALL.findall(path.read_text())}


def bases_of_explanations() -> set[str]:
    """What an explanation may begin from, as its sources say it."""
    sources = "".join(path.read_text() for path in (CONSOLE.parents[1] / "serving").rglob("*.py"))
    return set(re.findall(r'base_of(?:: str)? ?= ?"([^"]+)"', sources))


def reasons_of_weak_points() -> set[str]:
    """Why each weak point matters, as the checks say it."""
    sources = "".join(path.read_text() for path in (CONSOLE.parents[1] / "app").glob("security*.py"))
    return set(re.findall(r'why="([^"]+)"', sources))


def words_of_data() -> set[str]:
    """Words that come out of values: roles, verdicts, states, measures, sections, titles of failures."""
    assessors = [ASSESSORS.load(name) for name in ASSESSORS.places]
    return {
        *Role,
        *EmergencyState,
        *(verdict.value for verdict in ClauseVerdict),
        *(state.value for state in ReleaseState),
        *(assessor.title for assessor in assessors),
        *(measure.title for assessor in assessors for measure in assessor.measures),
        *(word for _, word, _ in visit._SECTIONS),
        *(word for _, word, _ in visit.ACCESS_TABS),
        *(role.meaning for role in Role),
        *(permission.meaning for permission in Permission),
        *visit.TITLES.values(),
        *FINDINGS,
        *WARNINGS,
        *ColumnKind,
        *CandidateStatus,
        *Status,
        *WORDS_OF_PICTURES,
        *bases_of_explanations(),
        *get_args(Means),
        *reasons_of_weak_points(),
        "broken",
    }


def test_every_word_of_a_template_is_known_in_chinese():
    found = words_of_templates()
    assert len(found) > 100, "the pattern finds them"
    assert found - set(WORDS.words) == set()


def test_every_word_that_comes_out_of_values_is_known_in_chinese():
    assert words_of_data() - set(WORDS.words) == set()


def test_no_word_is_kept_that_no_page_says():
    assert (set(CHINESE) | set(ACCESS_WORDS) | set(PEOPLE_WORDS)) - words_of_templates() - words_of_data() - {"One row"} == set()


def test_no_word_is_translated_in_two_places():
    assert (set(CHINESE) | set(ACCESS_WORDS) | set(PEOPLE_WORDS) | set(FACTS)) & set(REPORT_WORDS.words) == set()
    assert (set(CHINESE) | set(ACCESS_WORDS) | set(PEOPLE_WORDS)) & set(FACTS) == set()
    assert set(CHINESE) & set(ACCESS_WORDS) == set()
    assert (set(CHINESE) | set(ACCESS_WORDS)) & set(PEOPLE_WORDS) == set()
    assert set(SENTENCES) & set(DECISION_WORDS.sentences) == set()


def test_no_sentence_is_kept_that_the_console_does_not_say():
    elsewhere = (
        "access/accounts.py",
        "access/attempts.py",
        "access/password.py",
        "access/second_factors.py",
        "access/service.py",
        "access/sessions.py",
        "entrances/faults.py",
        "registry/service.py",
        "releases/service.py",
        "serving/explainers/shapley.py",
        "serving/explanations.py",
        "serving/varied.py",
    )
    sources = [CONSOLE.parents[1] / path for path in elsewhere] + [
        path for path in CONSOLE.glob("*.py") if "words" not in path.name
    ]
    said = re.sub(r'"\s*\n\s*f?"', "", "\0".join(path.read_text() for path in sources))
    for template in SENTENCES | PEOPLE_SENTENCES:
        longest = max(re.split(r"\{[^}]*\}", template), key=len).strip(" .:")
        # Said in two parts: how the explainer counted, and of what.
        counted = longest.removeprefix("interventional Shapley values over ")
        for how in (
            " of passages, which are left out where they are not known",
            " of entries, which are left out where they are not known",
            " of patches, which show the mean colour where they are not known",
            " of stretches, which are missing where they are not known",
        ):
            assert how in said
            counted = counted.removesuffix(how)
        assert counted in said, template


def test_a_translation_names_the_values_that_its_word_names():
    for word, chinese in CHINESE.items():
        assert sorted(re.findall(r"\{\w+\}", chinese)) == sorted(re.findall(r"\{\w+\}", word)), word
        assert chinese.strip()


def test_every_fact_of_a_ledger_is_called_by_a_chinese_name(house):
    names = {name.replace("_", " ") for logged in house.entries() for name in logged.entry.facts}
    assert len(names) > 20
    assert names - set(WORDS.words) == set()


def test_no_name_of_a_fact_is_kept_that_no_room_writes_down():
    said = "".join(path.read_text() for path in CONSOLE.parents[1].rglob("*.py") if path.name != "words.py")
    assert [name for name in FACTS if f'"{name.replace(" ", "_")}"' not in said] == []


def test_a_word_nobody_translated_stays_as_it_is():
    assert Translator("zh")("a plug-in's own measure") == "a plug-in's own measure"
    assert Translator("en")("not-measurable") == "not measurable"
    assert Translator("en")("{n} files", n=3) == "3 files"


def test_one_of_a_thing_is_not_said_as_many():
    assert set(SINGULAR) <= words_of_templates(), "each is of a template"
    assert Translator("en")("{n} rows a day", n="1") == "1 row a day"
    assert (Translator("en")("{n} rows a day", n="1,000"), Translator("zh")("{n} rows a day", n=1)) == (
        "1,000 rows a day",
        "每天 1 行",
    )


@pytest.mark.parametrize(
    "path",
    [
        *("/models", "/models/grant", "/models/grant/1", "/models/grant/3", "/models/grant/99", "/models/nix"),
        *("/releases", "/releases/r-99", "/ledger", "/nowhere", "/access/people", "/access/people/admin", "/access/keys"),
        "/access/terms",
        *("/access", "/access/captures", "/access/security", "/access/why", "/access/account", "/access/emergencies"),
        *("/access/keyring", "/access/tenants", "/access/policies"),
    ],
)
def test_a_chinese_page_has_no_english_of_ours_left(admin_visitor, path):
    page = admin_visitor.get(f"{path}?lang=zh").text
    assert '<html lang="zh-Hans">' in page
    assert left_english(page) == []
    text = words_of(re.sub(r'<(details|a)[^>]*(id="card"|lang="en")[^>]*>.*?</\1>', " ", page, flags=re.S))
    for word, chinese in WORDS.words.items():
        if " " in word and "{" not in word and chinese != word:
            assert word not in text, word
    admin_visitor.get("/models?lang=en")


def left_english(page: str) -> list[str]:
    """What a Chinese page says in English, but for the model card, which is a signed text, and the way to the English page."""
    page = re.sub(r'<details class="fold" id="card">.*?</details>', " ", page, flags=re.S)
    return [words_of(text) for text in re.findall(r'<[^>]* lang="en"[^>]*>(.*?)</', page, flags=re.S) if text != "English"]


def test_a_sentence_that_stayed_english_is_found_on_the_page(own_house):
    """The positive control: a plug-in says something of its own."""
    made = Measure(assessor="fairness", key="grace", title="Grace", meaning="grace").not_measurable("No mirror hangs here.")
    visitor = own_house.visitor(Role.ADMINISTRATOR)
    assessment = own_house.platform.assessment
    report = assessment.report("grant:1", by=local_actor())
    assessment.report = lambda *_, **__: replace(report, clauses=(*report.clauses, made))
    assert left_english(visitor.get("/models/grant/1?lang=zh").text) == ["No mirror hangs here."]


def test_the_report_is_shown_in_the_language_of_the_visitor(admin_visitor, house):
    admin_visitor.get("/models?lang=zh")
    page = admin_visitor.get("/models/grant/1").text
    assert 'href="/console/models/grant/1/report"' in page
    chinese = admin_visitor.get("/models/grant/1/report")
    assert '<html lang="zh-Hans">' in chinese.text
    assert left_english(chinese.text) == []
    assert "sandbox" in chinese.headers["content-security-policy"]
    admin_visitor.get("/models?lang=en")
    assert '<html lang="en">' in admin_visitor.get("/models/grant/1/report").text
    assert admin_visitor.get("/models/grant/3/report").status_code == 404


def test_the_answer_is_chinese_too(house):
    visitor = house.visitor(Role.CALLER)
    visitor.get("/models?lang=zh")
    assert "预测并解释" in visitor.get("/models/grant/1").text, "the choice is remembered"
    page = visitor.post("/models/grant/1", ROW).text
    assert left_english(page) == []
    text = words_of(page)
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


def loose_places(template: str) -> int:
    """How many places of a template a search may have to end at every character, one for each end of the one before.

    Where a number, an interval or code ends is decided by the characters that they may hold, and so it is with a
    word before a blank. The search of a template takes at most the length of the text to this power.
    """
    parts = list(Formatter().parse(template))
    following = [text for text, *_ in parts[1:]] + [""]
    places = [(kind, after) for (_, name, kind, _), after in zip(parts, following, strict=True) if name is not None]
    return sum(kind in ("", "text", "said") or (kind == "name" and not after.startswith(" ")) for kind, after in places)


def test_no_sentence_can_take_more_than_the_square_of_its_length():
    assert loose_places("The {kind} {name} needs the package {package}, which is not installed.") == 3, "the rule finds one"
    assert loose_places("{n:n} of {what}, {it:code} is {name:name} {at:interval}.") == 1
    assert [template for template in WORDS.sentences if loose_places(template) > 2] == []
