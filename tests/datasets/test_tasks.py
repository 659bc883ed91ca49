# SPDX-License-Identifier: Apache-2.0
"""A dataset says what it is for: a target of classes, of texts, of items, or none."""

import numpy as np
import polars as pl
import pytest

from modelward.datasets import (
    DatasetExistsError,
    InvalidDeclarationError,
    Split,
    UnreadableFileError,
    UnusableTableError,
    make_split,
)

SAID = {"purpose": "tests", "owner": "tester"}
PAIRS = pl.DataFrame(
    {
        "word": [f"word {place}" for place in range(200)],
        "spelt": [f"spelt {place % 150}" for place in range(200)],
        "length": [float(place % 7) for place in range(200)],
    }
)


@pytest.fixture
def pairs(tmp_path):
    PAIRS.write_csv(tmp_path / "pairs.csv")
    return [tmp_path / "pairs.csv"]


def test_a_target_of_texts_is_registered_shown_and_divided(datasets, admin, pairs, ledger):
    added = datasets.add("pairs", pairs, target="spelt", task="text", by=admin, **SAID)
    assert (added.task, added.positive) == ("text", "")
    assert datasets.show("pairs", by=admin) == added
    assert datasets.list(by=admin) == [added]
    profile = datasets.profile("pairs", by=admin)
    assert profile.classes == {}
    assert not {warning.kind for warning in profile.warnings} & {"imbalance", "small-class", "leakage", "favourable-class"}
    summary = datasets.split("pairs", Split(), by=admin)
    assert (summary.train, summary.validation, summary.test, summary.classes) == (140, 20, 40, {})
    (registered,) = [logged.entry for logged in ledger.entries(event="dataset.registered")]
    assert registered.facts["task"] == "text"
    assert datasets.add("pairs", pairs, target="spelt", task="text", by=admin, **SAID) == added
    with pytest.raises(DatasetExistsError, match=r"with another .*task"):
        datasets.add("pairs", pairs, task="none", by=admin, **SAID)


def test_what_is_for_nothing_has_no_target(datasets, admin, pairs):
    added = datasets.add("pairs", pairs, task="none", by=admin, **SAID)
    assert (added.target, [column.name for column in added.features]) == ("", ["word", "spelt", "length"])
    assert datasets.split("pairs", Split(by="random", seed=3), by=admin).test == 40
    for task, target in (("none", "spelt"), ("text", ""), ("classes", ""), ("poems", "spelt")):
        with pytest.raises(InvalidDeclarationError, match=r"--target|--task"):
            datasets.add("other", pairs, task=task, target=target, by=admin, **SAID)


def test_texts_are_written_of_texts_alone(datasets, admin, pairs, tmp_path):
    with pytest.raises(UnusableTableError, match="'length' is a number, and the task is to write texts"):
        datasets.add("pairs", pairs, target="length", task="text", by=admin, **SAID)
    holes = PAIRS.with_columns(spelt=pl.when(pl.col("length") == 1).then(None).otherwise(pl.col("spelt")))
    holes.write_parquet(tmp_path / "holes.parquet")
    with pytest.raises(UnusableTableError, match="missing in 29 of 200 rows"):
        datasets.add("holes", [tmp_path / "holes.parquet"], target="spelt", task="text", by=admin, **SAID)


def test_without_classes_stratified_draws_as_random_does():
    stratified, random = (make_split(PAIRS, "spelt", Split(by=by, seed=5), task="text") for by in ("stratified", "random"))
    assert np.array_equal(stratified.test, random.test)
    assert stratified.digest != random.digest


def test_what_is_for_classes_is_recorded_as_before(datasets, admin, declared, csv_file, ledger):
    datasets.add("people", [csv_file], by=admin, **declared)
    (registered,) = [logged.entry for logged in ledger.entries(event="dataset.registered")]
    assert "task" not in registered.facts


def lines(count, word):
    return "".join(f"{word} number {place}\n" for place in range(count))


def test_two_files_of_lines_become_pairs(datasets, admin, tmp_path):
    (tmp_path / "news.en").write_text(lines(60, "a line, with a comma;") + "NA\n\u2028 \n")
    (tmp_path / "news.de").write_text(lines(60, "eine Zeile").replace("\n", "\r\n") + "letzte\nleer\n")
    files = [tmp_path / "news.en", tmp_path / "news.de"]
    added = datasets.add("news", files, target="de", task="text", by=admin, **SAID)
    assert (added.rows, [column.name for column in added.columns]) == (62, ["en", "de"])
    table = datasets.table("news", by=admin)
    assert table["en"][3] == "a line, with a comma; number 3"
    assert table["de"].to_list()[59:] == ["eine Zeile number 59", "letzte", "leer"]
    assert table["en"][60] == "NA"


def test_two_files_with_different_numbers_of_lines_are_told_with_both(datasets, admin, tmp_path):
    (tmp_path / "news.en").write_text(lines(60, "a"))
    (tmp_path / "news.zh").write_text(lines(59, "b"))
    with pytest.raises(UnreadableFileError, match=r"news.en has 60 lines and news.zh has 59, so they cannot be paired"):
        datasets.add("news", [tmp_path / "news.en", tmp_path / "news.zh"], target="zh", task="text", by=admin, **SAID)
    (tmp_path / "news.zh").write_bytes(b"\xff\xfe" * 60)
    with pytest.raises(UnreadableFileError, match=r"news.zh is no text in UTF-8"):
        datasets.add("news", [tmp_path / "news.en", tmp_path / "news.zh"], target="zh", task="text", by=admin, **SAID)


def test_other_files_are_tables_whatever_they_are_for(datasets, admin, tmp_path):
    (tmp_path / "news.en").write_text(lines(60, "a"))
    for files in (["news.en"], ["news.en", "news.en"]):
        with pytest.raises(UnreadableFileError, match="ends in none of"):
            datasets.add("news", [tmp_path / file for file in files], target="en", task="text", by=admin, **SAID)
