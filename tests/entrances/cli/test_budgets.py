# SPDX-License-Identifier: Apache-2.0
"""Privacy budgets at a terminal: what is left is shown, and what is not there is refused, also to processes at once."""

import json
import subprocess
import sys

import pytest

from entrances.cli.terminal import SPEC


def count(terminal, *more, epsilon="1"):
    return terminal("data", "statistics", "people", "--count", "--epsilon", epsilon, *more)


def test_a_budget_is_set_spent_and_told_with_its_arithmetic(terminal):
    terminal("data", "budget", "people", "--epsilon", "2.5", "--delta", "1e-7")
    told = terminal("data", "statistics", "people", "--mean", "age", "--lower", "0", "--upper", "100", "--epsilon", "0.5")
    assert "The mean of age in people is about" in told.out
    assert "It cost epsilon 0.5; left of the privacy budget: 2.0" in told.out
    again = terminal("data", "statistics", "people", "--mean", "age", "--lower", "0", "--upper", "100", "--epsilon", "0.5")
    assert again.out.splitlines()[0] == told.out.splitlines()[0]
    assert "costs nothing again" in again.out
    shown = terminal("data", "budget", "people").out
    looks = ("spent 0.5000", "mean of age", "2 × discrete-laplace 4", "settled")
    said = ("epsilon 2.5 of each of its rows at delta 1e-07", *looks, "by the plain sum; the least holds (dp-accounting 0.6")
    assert [part for part in said if part not in " ".join(shown.split())] == []
    assert "trainings 1" in shown


def test_a_histogram_is_a_table_with_ranges(terminal):
    told = terminal("data", "statistics", "people", "--histogram", "town", "--categories", "north,south", "--epsilon", "1").out
    assert all(word in told for word in ("north", "south", "any other", "missing", "from", "to"))
    bins = terminal("data", "statistics", "people", "--histogram", "age", "--bins", "30,50", "--epsilon", "1", "--json").json
    assert [each["label"] for each in bins["figures"]] == ["below 30", "from 30 to below 50", "50 or more", "missing"]


def test_overspending_is_refused_with_exit_code_3_and_the_arithmetic(terminal):
    terminal("data", "budget", "people", "--epsilon", "1.2")
    assert count(terminal).code == 0
    refused = count(terminal, "--where", "age >= 40")
    assert refused.code == 3
    said = " ".join(refused.err.split())
    for part in ("epsilon 1.2 at delta", "Spent so far: epsilon 1.0000 (1 spending)", "Together:", "Left: 0.2000", "Ask for less"):
        assert part in said
    assert terminal("data", "budget", "people", "--json").json["spent"]["epsilon"] <= 1.0


def test_a_training_without_noise_is_refused_where_the_budget_is_required(terminal):
    terminal.file("spec.yaml", SPEC)
    assert "no model is trained on these rows without noise" in terminal("data", "budget", "people", "--required").out
    refused = terminal("train", terminal.folder / "spec.yaml")
    assert (refused.code, "No model learns from dataset 'people' without noise" in " ".join(refused.err.split())) == (3, True)
    terminal("data", "budget", "people", "--not-required")
    assert terminal("train", terminal.folder / "spec.yaml", "--set", "candidates=[naive-bayes]").code == 0


def test_a_key_for_statistics_alone_asks_them_and_sees_neither_rows_nor_profile(terminal):
    made = terminal("keys", "create", "--name", "dashboard", "--role", "data-scientist", "--scope", "data:statistics", "--json")
    key = ("--key", made.json["secret"])
    assert count(terminal, *key).code == 0
    for words in (["data", "show", "people"], ["data", "profile", "people"], ["data", "budget", "people"]):
        assert terminal(*words, *key).code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data", "statistics", "people", "--epsilon", "1"], "Ask for one of"),
        (["data", "statistics", "people", "--count", "--mean", "age", "--epsilon", "1"], "Ask for one of"),
        (["data", "statistics", "people", "--histogram", "age", "--bins", "1,x", "--epsilon", "1"], "Bins are numbers"),
        (["data", "statistics", "people", "--count", "--epsilon", "-1"], "from 0.0001 to 20"),
        (["data", "statistics", "people", "--count", "--epsilon", "inf"], "from 0.0001 to 20"),
        (["data", "budget", "people", "--epsilon", "nan"], "above 0 and at most 100"),
        (["data", "budget", "people", "--epsilon", "-3"], "above 0 and at most 100"),
        (["data", "budget", "people", "--epsilon", "1", "--delta", "0.5"], "giving a whole row away"),
        (["data", "budget", "people", "--delta", "1"], "giving a whole row away"),
    ],
)
def test_what_cannot_be_is_said(terminal, words, said):
    done = terminal(*words)
    assert done.code == 2
    assert said in " ".join(done.err.split())


@pytest.mark.slow
def test_processes_that_ask_at_once_do_not_spend_more_than_there_is(terminal):
    terminal("data", "budget", "people", "--epsilon", "1")
    program = [sys.executable, "-m", "modelward", "data", "statistics", "people", "--count", "--epsilon", "0.6", "--json"]
    begun = [
        subprocess.Popen(
            [*program, "--where", f"age >= {age}", "--home", str(terminal.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for age in (30, 40, 50)
    ]
    done = [(*each.communicate(timeout=120), each.returncode) for each in begun]
    assert sorted(code for *_, code in done) == [0, 3, 3], done
    assert sum(json.loads(out)["epsilon"] for out, _, code in done if code == 0) == 0.6
    assert terminal("data", "budget", "people", "--json").json["spent"]["epsilon"] <= 1
