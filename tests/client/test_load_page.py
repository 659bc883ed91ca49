# SPDX-License-Identifier: Apache-2.0
"""The report of a load is one file that anybody may see: no script, no key, no row; in English, and wholly in Chinese."""

import base64
import itertools
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

import modelward
from client.slow_service import Says, Service
from modelward.client import Client, Load, Plan, Step, report_page, report_pictures
from modelward.client.latencies import summarise
from modelward.client.load import notes_of
from modelward.client.load_pictures import tail
from modelward.client.load_words import LOAD_WORDS, WORDS

TEMPLATE = Path(modelward.__file__).parent / "client" / "templates" / "load.html"
# What a page leaves to a picture on a screen of 400 pixels.
PHONE = 331
KEY, SECRET = "mw_very_secret_key", "very-secret-payload"


def step(connections=4, rate=None, **more) -> Step:
    took = [0.001 + 0.0001 * (at % 37) + (0.2 if at % 50 == 0 else 0) for at in range(2000)]
    told = {
        "connections": connections,
        "rate": rate,
        "requests": 2000,
        "requests_in_time": 1998,
        "refused": 3,
        "failed": 2,
        "unanswered": 1,
        "statuses": {"200": 2000, "503, Retry-After 1 s": 2, "429 without Retry-After": 1, "500": 1},
        "requests_per_second": 999.0,
        "rows_per_second": 1998.0,
        "latencies": summarise([at / 1000 for at in range(2000)], took, seconds=2.0),
        "generator_share": 0.95,
        "waited": 5,
        "late_ms": 0.9,
    }
    made = Step(**told | more)
    return replace(made, notes=tuple(notes_of(made)))


def load(*steps, **plan) -> Load:
    rates = tuple(one.rate for one in steps if one.rate)
    return Load(
        url="http://127.0.0.1:8321",
        service="modelward 0.1.0",
        model="income",
        versions=("income:1", "income:2"),
        at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        machine={"processor": "any", "cores": "2", "memory": "4 GiB", "system": "Linux", "python": "3.11"},
        plan=Plan(**{"connections": (4,), "rates": rates, "seconds": 2.0, "rows": 2} | plan),
        steps=steps,
        notes=("The service and this client shared one machine.",),
    )


NOTHING = step(1, requests=0, requests_in_time=0, latencies=None)
LOADS = {
    "a ladder": load(step(1), step(4), step(16), step(64), step(100), step(200), step(300)),
    "rates": load(step(8, 1000.0), step(8, 2000.5, waited=1, unanswered=2, requests_in_time=10)),
    "one row": load(step(), rows=1),
    "nothing answered in one": load(NOTHING, step()),
    "few answers": load(step(latencies=summarise([0.1], [0.01], seconds=2.0))),
    "all alike": load(step(latencies=summarise([0.1, 0.2], [0.01, 0.01], seconds=2.0))),
}
every_load = pytest.mark.parametrize("name", LOADS)


@every_load
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_one_file_without_script_and_without_anything_from_outside(name, language):
    page = report_page(LOADS[name], language=language).decode()
    assert "<script" not in page
    assert "default-src 'none'" in page
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}">' in page


@every_load
def test_the_pictures_are_equal_for_equal_figures_and_hold_nothing_from_outside(name):
    drawn = report_pictures(LOADS[name].steps)
    assert drawn == report_pictures(LOADS[name].steps)
    root = ElementTree.fromstring(drawn)
    assert not [part for part in root.iter() if part.tag.endswith(("script", "foreignObject", "image"))]
    assert all(link.startswith(b"#") for link in re.findall(rb'(?:href|src)="([^"]*)"', drawn))
    assert b"percentile of the answers" in drawn
    assert b"seconds" in drawn


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_the_pictures_fit_and_their_words_are_no_smaller_than_elsewhere(language):
    tail = summarise([at / 1e5 for at in range(200_000)], [0.001 + at / 1e6 for at in range(200_000)], seconds=2.0)
    page = report_page(load(*[step(1024, rate, latencies=tail) for rate in (1000.0, 20_000.5)]), language=language).decode()
    shown = re.findall(r'<source media="screen and [^"]*" srcset="data:image/svg\+xml;base64,([^"]*)"><img src=', page)
    assert len(shown) == page.count("<img ") == 2
    for coded in shown:
        drawn = base64.b64decode(coded).decode()
        width = float(re.search(r'<svg [^>]*\bwidth="([\d.]+)pt"', drawn)[1]) * 4 / 3
        words = [float(size) * 4 / 3 for size in re.findall(r"font(?:-size)?: (?:[a-z]+ )*([\d.]+)px", drawn)]
        assert len(words) > 5
        assert width <= PHONE
        assert min(words) >= 11.5


@pytest.mark.parametrize("answers", [10, 1000, 20_000, 200_000, 3_000_000])
def test_however_many_nines_there_are_their_names_do_not_lie_on_each_other(answers):
    latencies = summarise(np.zeros(answers), np.full(answers, 0.01), seconds=1.0)
    drawn = tail([step(latencies=latencies)], is_narrow=True).decode()
    named = re.findall(r'text-anchor: middle[^>]*? x="([\d.]+)"[^>]*>([\d.]+)</text>', drawn)
    assert "50" in [word for _, word in named]
    # A digit is as wide as two thirds of its height at most.
    spans = [(float(at) - 3.5 * len(word), float(at) + 3.5 * len(word)) for at, word in named]
    assert all(ends < begins for (_, ends), (begins, _) in itertools.pairwise(spans))


@every_load
def test_the_chinese_page_leaves_nothing_in_english(name):
    page = re.sub(
        r"<style>.*?</style>|<dd.*?</dd>|<img[^>]*>|<title>.*?</title>",
        "",
        report_page(LOADS[name], language="zh").decode(),
        flags=re.S,
    )
    text = re.sub(r"<[^>]*>", "\n", page)
    assert re.findall(r"[A-Za-z]+ [a-z]+ [a-z]+", text) == []
    assert '<span lang="en">' not in page


def test_every_word_of_the_page_has_its_chinese():
    said = set(re.findall(r'\bt\("([^"]+)"\)', TEMPLATE.read_text()))
    assert len(said) > 15
    assert {word for word in said if not re.fullmatch(r"p[\d.]+", word) and LOAD_WORDS.word(word, "zh") == word} == set()
    assert [word for word in WORDS if word not in LOAD_WORDS.words] == []


def test_a_percentile_that_is_accidental_is_marked_and_explained():
    assert b"~ stands before" in report_page(LOADS["few answers"])
    took = [0.001 * (1 + at % 7) for at in range(20_000)]
    sure = load(step(latencies=summarise([0.1] * 20_000, took, seconds=2.0)))
    assert b"~" not in re.sub(rb"<style>.*?</style>|base64,[^\"]*", b"", report_page(sure), flags=re.S)


def test_no_report_holds_a_key_or_what_was_asked():
    with Service(itertools.repeat(Says())) as service:
        url = service.url.replace("http://", f"http://somebody:{SECRET}@")
        with Client(url, key=KEY) as client:
            plan = Plan(connections=(1,), seconds=0.3, warm_up_seconds=0.0)
            made = client.measure("income", plan=plan, examples=[{"age": 39, "town": SECRET}])
    assert made.url == service.url
    for told in (msgspec.json.encode(made), report_page(made), report_page(made, language="zh"), report_pictures(made.steps)):
        assert KEY.encode() not in told
        assert SECRET.encode() not in told


def test_a_load_is_read_back_from_its_json():
    made = LOADS["rates"]
    again = msgspec.json.decode(msgspec.json.encode(made), type=Load)
    assert again == made
    assert report_page(again) == report_page(made)
    assert {field.name for field in fields(Load)} == set(msgspec.json.decode(msgspec.json.encode(made)))
