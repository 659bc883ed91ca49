# SPDX-License-Identifier: Apache-2.0
"""The command line warns of the rows before it trains, and says afterwards why candidates came out as they did."""

import re

from training.house import people

OTHER = {"yes": "no", "no": "yes"}


def noisy(rows=900):
    """One label in six is another one."""
    header, *lines = people(rows).splitlines()
    cells = [line.split(",") for line in lines]
    changed = [[*row[:4], OTHER[row[4]] if at % 6 == 0 else row[4]] for at, row in enumerate(cells)]
    return "\n".join([header, *(",".join(row) for row in changed)])


def test_wrong_labels_are_warned_of_before_the_first_candidate_and_overfitting_is_said_at_the_end(fresh):
    said = ("--target", "grant", "--purpose", "tests", "--owner", "me")
    assert fresh("data", "add", "people", fresh.file("people.csv", noisy()), *said).code == 0
    spec = fresh.file(
        "spec.yaml",
        "model: m\ndata: {dataset: people}\ncandidates: [decision-tree: {max_depth: 20, min_samples_leaf: 1}, naive-bayes]\n",
    )
    done = fresh("train", spec)
    assert done.code == 0
    first, second = done.err.find("Warning, label-noise: About 0."), done.err.find("decision-tree: m:1")
    assert -1 < first < second, "the warning stands before the first candidate"
    assert "\nrows: label-noise. About 0." in done.out
    assert "\ndecision-tree: overfitting. The accuracy is " in done.out
    shown = fresh("runs", "list", "--json").json[0]["id"]
    again = fresh("runs", "show", shown, "--json").json
    assert [each["kind"] for each in again["findings"]] == ["label-noise"]
    assert [each["kind"] for each in again["candidates"][0]["findings"]] == ["overfitting"]
    assert again["candidates"][0]["findings"][0]["remedy"].startswith("Lower `max_depth` (it is 20).")
    assert "\nrows: label-noise. " in fresh("runs", "show", shown).out


def test_a_run_in_which_nothing_stands_out_says_nothing(terminal):
    run = terminal("runs", "list", "--json").json[0]["id"]
    shown = terminal("runs", "show", run).out
    assert ": overfitting." not in shown
    assert "\nrows:" not in shown


def test_test_rows_that_have_a_copy_in_training_are_told_by_train_and_on_the_version(fresh):
    header, *lines = people(200).splitlines()
    said = ("--target", "grant", "--purpose", "tests", "--owner", "me")
    assert fresh("data", "add", "twice", fresh.file("twice.csv", "\n".join([header, *lines, *lines])), *said).code == 0
    done = fresh("train", fresh.file("spec.yaml", "model: m\ndata: {dataset: twice}\ncandidates: [naive-bayes]\n"))
    assert done.code == 0
    assert "Warning, test-rows-near-training: " in done.err
    assert "`data: {split: {by: cluster}}`" in done.err
    assert " (near-duplicates)" in fresh("model", "show", "m:1").out
    assert "near-duplicates" not in fresh("model", "show", "m:1", "--json").out


def test_a_run_shows_the_curves_of_its_candidates_in_letters(fresh):
    said = ("--target", "grant", "--purpose", "tests", "--owner", "me")
    assert fresh("data", "add", "people", fresh.file("people.csv", people(200)), *said).code == 0
    spec = "model: m\ndata: {dataset: people}\ncandidates: [gradient-boosting: {rounds: 5}, decision-tree]\n"
    assert fresh("train", fresh.file("spec.yaml", spec)).code == 0
    shown = fresh("runs", "show", fresh("runs", "list", "--json").json[0]["id"]).out
    (curve,) = [line for line in shown.splitlines() if line.startswith("gradient-boosting: training loss ")]
    assert re.search(r" █[▁-█]{3}▁ [\d.]+ to [\d.]+ at 5$", curve)
    assert "decision-tree: training loss" not in shown
