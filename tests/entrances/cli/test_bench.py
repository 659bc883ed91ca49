# SPDX-License-Identifier: Apache-2.0
"""`modelward bench` measures the home or a service, shows it on a terminal, and writes a report."""

import re

import pytest

from modelward.client.latencies import Latencies
from modelward.client.load import Step
from modelward.entrances.cli.distribution import distribution

QUICK = ("bench", "--seconds", "0.5", "--warm-up", "0")


def test_the_bench_serves_measures_and_leaves_no_key_behind(terminal):
    done = terminal(*QUICK, "--connections", "4", "--json")
    assert done.code == 0, done.err
    assert (done.json["model"], done.json["versions"]) == ("grants", ["grants:1"])
    (step,) = done.json["steps"]
    assert (step["requests"] > 0, step["failed"]) == (True, 0)
    (key,) = (key for key in terminal("keys", "list", "--json").json if key["name"].startswith("bench-"))
    assert key["revoked"]


def test_a_ladder_is_shown_as_a_table_with_the_spread_of_each_step(terminal, tmp_path):
    rows = terminal.file("rows.jsonl", '{"age": 30, "hours": 40, "town": "north", "member": true}\n')
    page = tmp_path / "load.html"
    done = terminal(*QUICK, "--connections", "1,2", "--rows", "3", "--examples", rows, "--report", page)
    assert done.code == 0, done.err
    assert re.search(r"^version +grants:1", done.out, re.M)
    assert re.search(r"^service +modelward ", done.out, re.M)
    assert re.search(r"^load +answers/s +rows/s +p50 +p90 +p99 +p99.9 +greatest", done.out, re.M)
    for name in ("1 connection", "2 connections"):
        assert re.search(rf"^{name} +\d", done.out, re.M)
        assert re.search(rf"^ *{name} [▁▂▃▄▅▆▇█ ]+$", done.out, re.M)
    assert re.search(r"╵[\d.]+ (µs|ms|s)", done.out)
    assert "fewer than 10 answers were slower" in done.out
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', page.read_text().partition("</thead>")[0])
    assert " ".join(heads).lower().split() == re.search(r"^load .*$", done.out, re.M)[0].lower().split()
    assert "负载报告" in (tmp_path / "load.zh.html").read_text()
    assert "The report is in" in done.err


def test_a_rate_is_kept_and_its_pictures_are_written(terminal, tmp_path):
    picture = tmp_path / "load.svg"
    done = terminal(*QUICK, "--rate", "40", "--arrivals", "constant", "--connections", "8", "--report", picture, "--json")
    assert done.code == 0, done.err
    (step,) = done.json["steps"]
    assert step["rate"] == 40
    assert step["requests"] + step["refused"] + step["failed"] in (19, 20, 21)
    assert picture.read_bytes().startswith(b"<svg")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--connections", "many"], "--connections is 'many'"),
        (["--connections", "0"], "above 0"),
        (["--connections", "1.5"], "whole numbers"),
        (["--connections", "1,,2"], "with commas between them"),
        (["--connections", "100000"], "up to 2,048"),
        (["--connections", ",".join(["1"] * 17)], "more than 16 loads"),
        (["--rate", "-1"], "above 0"),
        (["--rate", "nan"], "above 0"),
        (["--arrivals", "bursts"], "poisson, constant"),
        (["--protocol", "soap"], "records, v2, v2-binary, mlflow"),
        (["--report", "load.txt"], "ends in .html or .svg"),
        (["--report", "nowhere/load.html"], "name another file with `--report`"),
    ],
    ids=" ".join,
)
def test_a_load_that_cannot_be_is_refused_before_anything_is_asked(terminal, words, told):
    done = terminal(*QUICK, *words, "--json")
    assert (done.code, told in done.error) == (2, True), done.error
    assert [key for key in terminal("keys", "list", "--json").json if key["name"].startswith("bench-")] == []


def test_the_bench_asks_which_model(fresh):
    done = fresh("bench", "--json")
    assert (done.code, "--model" in done.error) == (2, True)


def step(bins: dict[float, int], connections=1) -> Step:
    latencies = Latencies(answers=1, mean_ms=1, percentiles=(), max_ms=1, curve=(), bins=tuple(bins.items()), moments=())
    return Step(
        connections=connections, rate=None, requests=1, requests_in_time=1, refused=0, failed=0, unanswered=0, statuses={},
        requests_per_second=1, rows_per_second=1, latencies=latencies, generator_share=0, waited=0, late_ms=None,
    )  # fmt: skip


def test_the_spread_shows_whatever_is_there_over_one_axis():
    lines = list(distribution([step({1.0: 1000, 10 ** (1 / 20): 500, 10.0: 1}), step({10.0: 7}, connections=64)]))
    assert lines == [
        "  1 connection █▄" + " " * 18 + "▁",
        "64 connections " + " " * 20 + "█",
        " " * 15 + "╵1 ms ╵2 ms   ╵5 ms ╵10 ms",
    ]


def test_a_wide_spread_is_made_to_fit():
    lines = list(distribution([step({0.001: 1, 1.0: 1, 10_000.0: 1})]))
    assert max(map(len, lines)) < 90
    assert lines[0].count("█") == 3
    assert list(distribution([])) == []
