# SPDX-License-Identifier: Apache-2.0
"""Whatever a report says, its Chinese page says in Chinese, and what it cannot say it marks up as English."""

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

import modelward
from assessment import echo
from contracts.test_assessors import SAMPLES, asked
from modelward.assessment import (
    ASSESSORS,
    REPORT_WORDS,
    ClauseVerdict,
    IncomparableError,
    Measure,
    Objective,
    Phrasebook,
    asking,
)
from modelward.assessment import page as page_file
from modelward.assessment.asking import ask
from modelward.assessment.assessors import latency
from modelward.assessment.comparison import recommend, row_of, weigh
from modelward.assessment.page import render_page
from modelward.assessment.replicates import Replicates
from modelward.assessment.report import digests
from modelward.plugins import MissingExtraError
from modelward.training import energy

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCES = Path(modelward.__file__).parent
# The method of the energy that these facts tell of is the tests' own word.
FACTS = echo.METERED | {"energy_method": "counted"}


@cache
def found(kind):
    sample = SAMPLES[kind]() if kind else None
    opened = echo.opened(sample.classes if sample else ("no", "yes"), facts=FACTS)
    return {name: ask(name, opened, sample) for name in ASSESSORS.places}


def report_of(kind, *more):
    replies = found(kind)
    evidence = {path: data for reply in replies.values() for path, data in reply.findings.evidence.items()}
    report = echo.report(
        *(clause for reply in replies.values() for clause in reply.findings.clauses),
        *more,
        measured=[(name, reply.title) for name, reply in replies.items()],
        plots=tuple(plot for reply in replies.values() for plot in reply.findings.plots),
        evidence=digests(evidence),
    )
    return report, evidence


def texts_of(findings):
    for clause in findings.clauses:
        yield from (clause.title, clause.note, clause.method, clause.source)
    for plot in findings.plots:
        yield from (plot.title, plot.text)


def untranslated(texts):
    """Texts that stay English, or of which a part does: three English words in a row that are no code."""
    said = {text: REPORT_WORDS.sentence(text, "zh") for text in texts}
    return {
        text
        for text, chinese in said.items()
        if chinese is None or re.search(r"[a-z]+ [a-z]+ [a-z]+", re.sub("`.+?`", "", chinese))
    }


def left_english(page: bytes) -> list[str]:
    return re.findall(r'lang="en">(.*?)<', page.decode())


@pytest.mark.parametrize("kind", [*SAMPLES, ""])
def test_no_sentence_of_an_assessor_stays_english(kind):
    replies = found(kind)
    assert untranslated(text for reply in replies.values() for text in (reply.title, *texts_of(reply.findings))) == set()
    assert left_english(render_page(*report_of(kind), language="zh")) == []


def test_a_sentence_that_nobody_translated_is_found_and_marked_up_as_english():
    made = Measure(assessor="beauty", key="grace", title="Accuracy", meaning="grace")
    clause = replace(made.not_measurable("No mirror hangs here. Hold out more rows."), method="by eye")
    assert untranslated([clause.title, clause.note, clause.method]) == {clause.note, "by eye"}
    page = render_page(*report_of("two classes", clause), language="zh")
    assert left_english(page) == [clause.note, clause.note, "by eye"]
    assert left_english(render_page(*report_of("two classes", clause))) == []


def test_what_is_rarely_said_is_said_in_chinese_too(monkeypatch):
    slow = latency._or_too_few(latency.P99, None, 12)
    crowd = asked("fairness", echo.calibrated(400, seed=1, town=[str(at) for at in range(400)]))
    uncounted = asked("size", SAMPLES["two classes"](), facts={})
    unmetered = asked("energy", SAMPLES["two classes"](), facts={})
    texts = [slow.note, *texts_of(crowd), *texts_of(uncounted), *texts_of(unmetered)]
    texts += [energy._assumed(2.5, watts=8.0).method, energy._metered([], []).method]

    def without(_table, name):
        raise MissingExtraError(f"The assessor {name!r} needs the package 'x', which is not installed. Run `pip install 'x'`.")

    monkeypatch.setattr(type(ASSESSORS), "load", without)
    texts += texts_of(ask("quality", echo.opened(), None).findings)
    assert untranslated(texts) == set()


def test_why_a_whole_part_is_not_measured_is_said_in_chinese():
    assert untranslated([*asking._OTHER_ANSWER.values(), asking._NO_LABELS, asking.NO_SAMPLE, asking.WITHHELD]) == set()


def rows(*estimates, **verdicts):
    made = [
        row_of(report_of("two classes")[0], recipe=recipe, metric="accuracy")
        for recipe, _ in zip(("mlp", "", "svm"), estimates, strict=False)
    ]
    return [
        replace(row, version=f"m:{at}", estimate=value, low=value - 0.01, high=value + 0.01, size_bytes=900 * at, verdicts=verdicts)
        for at, (row, value) in enumerate(zip(made, estimates, strict=True), 1)
    ]


@pytest.mark.parametrize("prefer", ["best", "smallest-within"])
@pytest.mark.parametrize("estimates", [(0.9,), (0.9, 0.903), (0.9, 0.7), (0.8, 0.84, 0.845), (0.84, 0.845, 0.85)])
@pytest.mark.parametrize("verdicts", [{}, {"failed": 1}, {"failed": 2, "not-measurable": 1}, {"not-measurable": 3}])
def test_a_recommendation_is_made_in_chinese(prefer, estimates, verdicts):
    objective = Objective(metric="accuracy", prefer=prefer, tolerance=0.01)
    made = rows(*estimates, **verdicts)
    alike = {each.version: Replicates.of({"accuracy": np.linspace(0, each.estimate, 100)}, places=np.ones(100)) for each in made}
    for replicates in (alike, {}):
        assert untranslated([recommend(weigh(made, objective, replicates=replicates), objective)]) == set()


def test_why_versions_are_not_compared_is_said_in_chinese():
    with pytest.raises(IncomparableError) as nothing:
        weigh([], Objective(), replicates={})
    with pytest.raises(IncomparableError) as unmeasured:
        row_of(report_of("two classes")[0], recipe="", metric="grace")
    assert untranslated([str(nothing.value), str(unmeasured.value)]) == set()


def test_every_word_of_the_page_is_known_in_chinese():
    template = (Path(page_file.__file__).parent / "templates" / "report.html").read_text()
    words = set(re.findall(r'\bt\("([^"]+)"\)', template))
    assert len(words) > 20, "the pattern finds them"
    words |= {verdict.value for verdict in ClauseVerdict}
    assert words - set(REPORT_WORDS.words) == set()


def said_in_the_sources() -> list[str]:
    """Every text that the sources write down, the fixed parts of one with values in it joined by a mark."""
    found = []
    for file in SOURCES.rglob("*.py"):
        if file.name in ("wording.py", "words.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append("\0".join(part.value for part in node.values if isinstance(part, ast.Constant)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_no_sentence_is_kept_that_nobody_says():
    said = "\0".join(said_in_the_sources())
    for template in REPORT_WORDS.sentences:
        for part in (text.strip(" .;,:()[]") for text, *_ in Formatter().parse(template)):
            assert part in said, template


def test_a_translation_names_what_its_sentence_names():
    for english, chinese in REPORT_WORDS.sentences.items():
        names = [sorted(name for _, name, *_ in Formatter().parse(text) if name) for text in (english, chinese)]
        assert set(names[0]) - set(names[1]) <= {"kind", "them"}, english
        assert set(names[1]) <= set(names[0]), english


BOOK = Phrasebook(
    {"gone": "没了", "not-there": "不在"},
    {
        "{n:n} of {what}.": "{what} 有 {n}。",
        "{first:said}, twice": "{first}两遍",
        "Do {it:code}.": "请 {it}。",
        "{who:text} wrote: three.": "{who} 写道三",
    },
)
UPPER = Phrasebook({}, {"{what} is {how:said}": "{what}：{how}"}, upon=BOOK)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("1,204 of a, b.", "a, b 有 1,204。"),
        ("3 of x. Do `it. now; then`.", "x 有 3。请 `it. now; then`。"),
        ("gone; 3 of x.", "没了；x 有 3。"),
        ("gone, twice", "没了两遍"),
        ("three of x.", None),
        ("3 of x. And what nobody knows.", None),
        ("what nobody knows, twice", None),
        ("3 of Dr. Who.", None),
        ("Dr. Who; or so wrote: three.", "Dr. Who; or so 写道三"),
        ("it is gone", None),
        ("", ""),
    ],
)
def test_a_sentence_is_recognised_by_what_stands_between_its_places(english, chinese):
    assert BOOK.sentence(english, "zh") == chinese
    assert BOOK.sentence(english, "en") == english


def test_a_book_stands_upon_another():
    assert UPPER.sentence("it is gone", "zh") == "it：没了"
    assert UPPER.sentence("3 of x.", "zh") == "x 有 3。"
    assert [UPPER.word(word, "zh") for word in ("gone", "not-there", "whatever")] == ["没了", "不在", "whatever"]
    assert UPPER.word("not-there", "en") == "not there"


def test_what_stands_in_a_sentence_stays_text_on_a_page():
    assert BOOK.html("3 of <b>`x`</b>.", "zh") == "&lt;b&gt;<code>x</code>&lt;/b&gt; 有 3。"
    assert BOOK.html("<i>unknown</i>", "zh") == '<span lang="en">&lt;i&gt;unknown&lt;/i&gt;</span>'
    assert BOOK.html("<i>unknown</i>", "en") == "&lt;i&gt;unknown&lt;/i&gt;"
    assert BOOK.html("3 of {what}.", "zh") == "{what} 有 3。", "a brace in a value is a brace"


def test_a_longer_text_than_any_sentence_is_not_searched():
    assert BOOK.sentence(f"3 of {'x' * 900}.", "zh") == f"{'x' * 900} 有 3。"
    assert BOOK.sentence(f"3 of {'x' * 1000}.", "zh") is None


@pytest.mark.parametrize("times", [100, 480])
def test_a_sentence_within_a_sentence_ends_somewhere(times):
    assert REPORT_WORDS.sentence("counted" + ", seed 1" * times, "zh") == (
        None if times == 480 else "计数" + "，随机种子 1" * times
    )


def test_a_long_text_costs_little():
    """A thousand sentences that are nearly known: an exponential search would not end."""
    assert BOOK.sentence("3 of x, twice; " * 1000, "zh") is None
