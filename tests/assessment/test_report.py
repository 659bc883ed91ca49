# SPDX-License-Identifier: Apache-2.0
"""The report as a file that others can check, and as a page that people can read."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from assessment import echo
from modelward.assessment import (
    Estimate,
    Measure,
    Plot,
    ReportUnreadableError,
    Threshold,
    plots,
    report_json_schema,
)
from modelward.assessment.assessors.fairness import Fairness
from modelward.assessment.assessors.quality import Quality
from modelward.assessment.page import figures, render_page
from modelward.assessment.report import digests, parse_report

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "trust-report.schema.json"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'
TINY = "<b onmouseover=alert(1)>tiny</b>"


@pytest.fixture(scope="module")
def made():
    sample = echo.calibrated(600, seed=1, town=["north"] * 190 + ["south"] * 190 + [HOSTILE] * 200 + [TINY] * 20)
    found = [assessor.assess(echo.opened(), sample) for assessor in (Quality(), Fairness())]
    evidence = {path: data for one in found for path, data in one.evidence.items()}
    report = echo.report(
        *(clause for one in found for clause in one.clauses),
        measured=(("quality", "Quality"), ("fairness", "Fairness")),
        rows=600,
        plots=tuple(plot for one in found for plot in one.plots),
        evidence=digests(evidence),
    )
    return report, evidence


class Reader(HTMLParser):
    """What a browser would load and run, and the text it would show."""

    def __init__(self):
        super().__init__()
        self.loaded, self.tags, self.text, self.handlers = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text.append(data)


def page(made, **options):
    text = render_page(*made, **options).decode()
    reader = Reader()
    reader.feed(text)
    return text, reader


def test_the_published_schema_is_that_of_the_code():
    assert json.loads(PUBLISHED.read_text()) == report_json_schema()


def test_a_report_is_valid_under_the_schema_and_a_changed_one_is_not(made):
    schema = report_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    told = json.loads(made[0].to_json())
    validator.validate(told)
    for wrong in ({**told, "verdict": "fine"}, {**told, "rows": "many"}, {key: told[key] for key in told if key != "digest"}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(wrong)


def test_a_report_is_read_back_as_it_was_written(made):
    report, _ = made
    assert parse_report(report.to_json(), digest=report.digest) == report
    assert parse_report(report.to_json(), digest=report.digest).to_json() == report.to_json()


def test_a_report_of_another_version_or_form_is_not_read(made):
    report, _ = made
    for data in (report.to_json(), b"{}", b"no", replace(report, schema="another", digest="0" * 64).to_json()):
        with pytest.raises(ReportUnreadableError):
            parse_report(data, digest="0" * 64)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_loads_nothing_and_runs_nothing(made, language):
    text, reader = page(made, language=language)
    assert "script" not in reader.tags
    assert reader.handlers == []
    assert all(value.startswith("data:image/svg+xml;base64,") for value in reader.loaded)
    assert not re.findall(r"url\(|@import|https?://", text)


def test_the_page_tells_every_clause_and_every_verdict_in_words(made):
    _, reader = page(made)
    words = " ".join(reader.text)
    for clause in made[0].clauses:
        assert clause.title in words
        assert clause.slice.partition("=")[2] in words
        assert figures(clause)[0] in words
    assert "not measurable" in words
    assert all(clause.note in words for clause in made[0].clauses if clause.estimate is None)
    assert all(clause.method in words for clause in made[0].clauses)


def test_what_a_user_named_is_text_and_never_markup(made):
    text, _ = page(made)
    assert HOSTILE not in text
    assert TINY not in text
    assert "&lt;script&gt;" in text


def test_every_plot_is_there_with_words_for_who_cannot_see_it(made):
    text, reader = page(made)
    assert reader.tags.count("img") == len(made[0].plots) == 4
    assert [unescape(words) for words in re.findall(r'<img [^>]*alt="([^"]+)"', text)] == [plot.text for plot in made[0].plots]


def test_the_chinese_page_is_in_chinese(made):
    text, reader = page(made, language="zh")
    assert '<html lang="zh-Hans">' in text
    words = " ".join(reader.text)
    assert all(word in words for word in ("可信报告", "通过", "已记录", "公平性", "准确率"))
    assert "Trust report" not in words


@pytest.mark.parametrize(
    ("estimate", "low", "high", "told"),
    [
        (0.92812, 0.92311, 0.93354, ("0.9281", "0.9231 – 0.9335")),
        (0.3, 0.2, 0.4, ("0.30", "0.20 – 0.40")),
        (1234567.8, 1200000.0, 1300000.0, ("1,234,568", "1,200,000 – 1,300,000")),
        (15.0, 15.0, 15.0, ("15", "")),
        (2484.0, 2484.0, 2484.0, ("2,484", "")),
    ],
)
def test_figures_show_two_digits_of_what_is_not_sure(estimate, low, high, told):
    clause = Measure(assessor="a", key="b", title="t", meaning="m").clause(Estimate(estimate, low, high, 5, "by hand"))
    assert figures(clause) == told


def test_somebody_elses_clauses_and_plots_are_shown_without_any_other_change(made):
    report, evidence = made
    measure = Measure(
        assessor="beauty", key="grace", title="Grace", meaning="grace", threshold=Threshold(0.5, "at-least", "Vitruvius")
    )
    drawing = plots.confusion_matrix([[1, 0], [0, 1]], classes=("a", "b"))
    more = replace(
        report,
        clauses=(*report.clauses, measure.clause(Estimate(0.9, 0.8, 0.95, 40, "by eye"))),
        plots=(*report.plots, Plot("plots/beauty.grace.svg", "Graceful", "How graceful it is.")),
    )
    _, reader = page((more, {**evidence, "plots/beauty.grace.svg": drawing}))
    words = " ".join(reader.text)
    assert all(word in words for word in ("Grace", "Vitruvius", "by eye", "Graceful"))
    assert reader.tags.count("img") == 5
