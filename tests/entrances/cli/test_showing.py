# SPDX-License-Identifier: Apache-2.0
"""What is shown is what was there, in units, and no text takes the terminal over."""

import io
import re
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from assessment import echo
from modelward.entrances.cli import showing
from modelward.entrances.cli.comparing import show_report
from modelward.entrances.cli.shelf import _answers_with, _taken
from modelward.registry import Feature, Interface
from releases.evidence import clause


def shown(show, *, width=80) -> str:
    sink = io.StringIO()
    show(Console(file=sink, width=width, force_terminal=False, color_system=None))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        ("", "–"),
        ((), "–"),
        (0, "0"),
        (0.0, "0"),
        (3.0, "3"),
        (True, "yes"),
        (48842, "48842"),
        (189664.13, "189664"),
        (0.123456, "0.1235"),
        (1e-9, "1e-09"),
        (datetime(2030, 1, 31, 9, 5, tzinfo=UTC), "2030-01-31 09:05 UTC"),
        (("a", "b"), "a, b"),
        ("[red]x", "[red]x"),
    ],
)
def test_a_value_is_shown_in_few_words(value, told):
    assert shown(lambda console: console.print(showing.cell(value), highlight=False)).strip() == told


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (12_700, "12.7 KB"), (4.3e6, "4.3 MB"), (2e9, "2 GB")]
)
def test_sizes_have_their_unit(size, told):
    assert showing.size(size) == told


def test_an_interval_has_its_bounds_and_its_unit():
    assert showing.interval(0.25, 0.2, 0.3, unit="ms") == "0.25 [0.2, 0.3] ms"
    assert showing.interval(4.0, 4.0, 4.0, unit="bytes") == "4 bytes"
    assert showing.interval(0.123456, 0.1, 0.2, digits=3) == "0.123 [0.1, 0.2]"
    assert showing.interval(0.00483, 0.00126, 0.0891, digits=3) == "0.0048 [0.0013, 0.0891]"
    assert showing.interval(3.14e-7, 1e-8, 0.5, digits=3) == "3.14e-07 [1e-08, 0.5]"
    assert showing.interval(None, None, None) == "–"


cells = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(cells, cells, cells), max_size=5), width=st.integers(20, 200))
def test_no_text_breaks_a_table_or_moves_the_cursor(rows, width):
    out = shown(lambda console: showing.table(console, ("[a]", "b", "c"), rows, text=("b",), spare=("c",)), width=width)
    assert not set(out) & {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160))}
    assert ("[a]" in out) == bool(rows)
    assert all(Console(width=1000).measure(line).maximum <= width for line in out.splitlines() if line.isascii())


def test_what_has_no_room_is_left_out_and_named_the_last_first():
    rows = [("x" * 20, "y" * 20, "z" * 20)]

    def draw(console):
        showing.table(console, ("one", "two", "three"), rows, spare=("two", "three"))

    assert "no room" not in shown(draw, width=62)
    assert "no room for: three." in shown(draw, width=61)
    assert "no room for: two, three." in shown(draw, width=40)


def test_words_stay_whole_as_long_as_there_is_room_for_them():
    rows = [("refused", "measured (clauses: [quality.*, latency.*])", "fairness.sex.demographic_parity_ratio is 0.31, below 0.8")]

    def draw(console):
        showing.table(console, ("verdict", "rule", "reason"), rows, text=("rule", "reason"))

    out = shown(draw, width=80)
    assert {"fairness.sex.demographic_parity_ratio", "[quality.*,", "latency.*])"} <= set(out.split())


@given(long=st.text("abc ", max_size=90), width=st.integers(56, 120))
def test_a_table_that_is_broken_into_lines_loses_nothing(long, width):
    out = shown(
        lambda console: showing.table(console, ("x", "one", "two"), [("x", long, long[::-1])], text=("one", "two")), width=width
    )
    assert sum(out.count(letter) for letter in "abc") == 2 * sum(map(long.count, "abc"))


def test_what_a_program_reads_as_a_token_is_words_to_people():
    assert shown(lambda console: console.print(showing.verdict("not-measurable"))).strip() == "not measurable"


def test_an_empty_table_says_so():
    assert shown(lambda console: showing.table(console, ("one",), [])) == "none\n"


def test_a_comparison_keeps_its_words_whole_in_a_narrow_window(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    head, *rows = terminal("compare", "grants").out.splitlines()[:3]
    assert head.split() == ["version", "roc_auc", "p50", "graph", "verdicts"]
    assert {name for row in rows for name in ("grants:1", "grants:2") if f" {name} 0." in row} == {"grants:1", "grants:2"}


def test_a_sign_is_explained_only_where_it_stands(terminal):
    *rows, legend = [line for line in terminal("compare", "grants").out.splitlines() if line.strip()][:4]
    assert ("•" in legend) == any(row.startswith("•") for row in rows)
    alone = terminal("compare", "grants:1").out
    assert "→ recommended" in alone
    assert "•" not in alone


def test_a_digest_that_is_cut_says_so(terminal):
    shown = terminal("model", "show", "grants:1").out
    digests = {file["path"]: file["digest"] for file in terminal("model", "show", "grants:1", "--json").json["files"]}
    for path, digest in digests.items():
        assert f"{path} " in shown
        assert f" {digest[:16]}…" in shown


def test_a_curve_in_letters_goes_down_as_its_values_do():
    assert showing.spark([3.0, 2.0, 1.0]) == "█▅▁"
    assert showing.spark([1.0, 1.0]) == "▁▁"
    assert len(showing.spark([float(n) for n in range(1000)])) == 40


def test_what_is_not_measured_for_one_reason_is_one_line_and_thousands_of_items_are_not_listed(fresh):
    """A recommender is no classifier: none of the figures of classes is measured of it."""
    rows = [f"u{at % 60},{at},film {at * 7 % 71}" for at in range(600)]
    log = fresh.file("log.csv", "\n".join(["who,at,film", *rows]))
    said = ("--task", "items", "--target", "film", "--user", "who", "--time", "at", "--purpose", "tests", "--owner", "me")
    assert fresh("data", "add", "log", log, *said).code == 0
    spec = "model: films\ndata: {dataset: log, history: 5, split: {by: last}}\ncandidates: [popularity]\n"
    assert fresh("train", fresh.file("spec.yaml", spec)).code == 0
    shown = fresh("model", "show", "films:1").out
    assert "… (71)" in shown
    assert "answers with" not in shown
    told = " ".join(fresh("assess", "films:1").out.split())
    assert told.count("The version recommends some of many items") == 1
    assert re.search(r"not measurable quality \(9\), baseline \(\d+\), leakage \(\d+\), .*degraded \(\d+\): The version", told)
    assert "quality.accuracy" not in told
    assert "quality.accuracy" in fresh("assess", "films:1", "--only", "quality", "--all").out


def test_a_report_that_judged_nothing_shows_what_such_versions_are_compared_by():
    made = echo.report(clause("ranking.ndcg_10"), clause("ranking.hr_10"), clause("ranking.mrr"))
    told = shown(partial(show_report, report=made, is_whole=False), width=120)
    assert "ranking.ndcg_10" in told
    assert "hr_10" not in told
    assert "2 more figures are recorded" in told


def test_a_version_that_makes_rows_says_what_it_is_told_and_what_it_gives():
    seed = Feature("seed", "number", minimum=0.0, maximum=16777215.0, is_bound=True)
    level = Feature("level", "category", categories=("low", "high"), is_bound=True)
    assert _taken(seed) == "seed (0 to 16,777,215)"
    assert _taken(level) == "level (low, high)"
    assert _taken(Feature("age", "number", minimum=17.0, maximum=90.0)) == "age"
    row = Interface((seed, level), "level", answer="values", shape=(2,), values=("town", "price"))
    assert _answers_with(row) == "values: town, price"
    assert _answers_with(Interface((seed, level), "level", answer="values", shape=(8, 8))) == "values of shape 8 × 8"
