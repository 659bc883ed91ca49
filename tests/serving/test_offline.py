# SPDX-License-Identifier: Apache-2.0
"""Files: the same numbers as online, one entry for all of them."""

import asyncio
import io
import json

import msgspec
import polars as pl
import pytest

from modelward.access import NotPermittedError, Role
from modelward.datasets import UnreadableFileError, UnusableTableError
from modelward.registry import InvalidRowsError, ModelMissingError
from modelward.serving import Answer, NotServedError, Question, RowsFileError
from modelward.serving.engines.onnx import OnnxEngine

ROWS = [
    {"age": None if at % 7 == 0 else at % 80 + 0.1, "hours": at % 90 + 0.5, "sector": ("public", "private", None, "new")[at % 4]}
    for at in range(60)
]


@pytest.fixture
def file(tmp_path):
    pl.DataFrame(ROWS).write_csv(tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


def online(house, rows):
    async def run():
        async with house.serving.gateway() as gateway:
            replies = [
                await gateway.predict(Question(caller=house.admin, model="income", payload=b""), part)
                for part in (rows[:1], rows[1:2], rows[2:])
            ]
            return [one for reply in replies for one in msgspec.json.decode(reply.payload, type=Answer).predictions]

    return asyncio.run(run())


def test_a_file_gets_the_numbers_that_its_rows_get_online(live, file):
    batch = live.serving.predict_file("income", file, by=live.admin)
    table = pl.read_csv(io.BytesIO(batch.payload))
    assert table.columns == ["row", "label", "probability_high", "probability_low", "unfamiliar"]
    assert table["row"].to_list() == list(range(1, 61))
    expected = online(live, ROWS)
    assert table["label"].to_list() == [one.label for one in expected]
    for name in ("high", "low"):
        assert table[f"probability_{name}"].to_list() == [one.probabilities[name] for one in expected]
    unfamiliar = [tuple(json.loads(text or "[]")) for text in table["unfamiliar"].to_list()]
    assert unfamiliar == [one.unfamiliar for one in expected]
    assert {("age",), ("age", "sector"), ("sector",), ()} <= set(unfamiliar)
    assert batch.unfamiliar_rows == sum(map(bool, unfamiliar))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_every_format_in_and_out_says_the_same(live, file, tmp_path, form):
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet}
    table = pl.read_csv(file)
    table.write_parquet(tmp_path / "rows.parquet")
    table.write_excel(tmp_path / "rows.xlsx")
    (tmp_path / "rows.json").write_bytes(msgspec.json.encode(ROWS))
    (tmp_path / "wrapped.json").write_bytes(msgspec.json.encode({"rows": ROWS}))
    (tmp_path / "rows.jsonl").write_bytes(msgspec.json.Encoder().encode_lines(ROWS))
    answers = [
        read[form](io.BytesIO(live.serving.predict_file("income:1", tmp_path / name, form=form, by=live.admin).payload))
        for name in ("rows.csv", "rows.parquet", "rows.xlsx", "rows.json", "wrapped.json", "rows.jsonl")
    ]
    assert all(answer.equals(answers[0]) for answer in answers)


def test_a_file_is_one_entry_that_commits_to_its_answers(live, file):
    batch = live.serving.predict_file("income", file, by=live.admin)
    (entry,) = live.logged("inference.batch")
    assert entry.facts["rows"] == 60
    assert entry.facts["output"] == live.ledger.request_key(batch.request).commitment(batch.payload)
    assert (entry.index, entry.request, entry.subject) == (batch.entry, batch.request, "income:1")


def test_what_is_on_record_is_what_was_answered_even_if_the_file_changes_meanwhile(live, file, monkeypatch):
    asked = file.read_bytes()

    def meanwhile(self, columns, answers=OnnxEngine.answers):
        if len(columns["age"]) == len(ROWS):  # fewer are the engine's probes, before the file is read
            file.write_text("another")
        return answers(self, columns)

    monkeypatch.setattr(OnnxEngine, "answers", meanwhile)
    batch = live.serving.predict_file("income", file, by=live.admin)
    assert file.read_bytes() != asked
    (entry,) = live.logged("inference.batch")
    assert entry.facts["input"] == live.ledger.request_key(batch.request).commitment(asked)


def test_columns_that_the_model_does_not_know_are_named_and_not_used(live, tmp_path):
    pl.DataFrame(ROWS).with_columns(income=pl.lit("low"), id=pl.int_range(60)).write_csv(tmp_path / "more.csv")
    (tmp_path / "more.json").write_bytes(msgspec.json.encode([row | {"income": "low", "id": at} for at, row in enumerate(ROWS)]))
    for name in ("more.csv", "more.json"):
        assert live.serving.predict_file("income", tmp_path / name, by=live.admin).ignored == ("income", "id")


def test_a_missing_column_is_named(live, tmp_path):
    pl.DataFrame(ROWS).drop("hours").write_csv(tmp_path / "less.csv")
    with pytest.raises(InvalidRowsError, match="lacks the feature 'hours'"):
        live.serving.predict_file("income", tmp_path / "less.csv", by=live.admin)


def test_a_column_that_is_misspelt_is_named_with_the_one_that_is_meant(live, tmp_path):
    pl.DataFrame(ROWS).rename({"hours": "Hour"}).write_csv(tmp_path / "misspelt.csv")
    with pytest.raises(RowsFileError, match="has no column 'hours', which the model takes, and one called 'Hour'"):
        live.serving.predict_file("income", tmp_path / "misspelt.csv", by=live.admin)


def test_a_row_that_does_not_fit_is_named_by_its_number_in_the_file(live, tmp_path):
    rows = [ROWS[1]] * 3000
    rows[2500] = {**ROWS[1], "hours": None}
    pl.DataFrame(rows).write_csv(tmp_path / "rows.csv")
    with pytest.raises(InvalidRowsError, match=r"Row 2501: feature 'hours'"):
        live.serving.predict_file("income", tmp_path / "rows.csv", by=live.admin)
    assert live.logged("inference.batch") == []


def test_words_where_numbers_belong_are_refused_without_telling_them(live, tmp_path):
    pl.DataFrame([{**ROWS[1], "hours": "secretive"}]).write_csv(tmp_path / "rows.csv")
    with pytest.raises((InvalidRowsError, UnusableTableError)) as refused:
        live.serving.predict_file("income", tmp_path / "rows.csv", by=live.admin)
    assert "hours" in str(refused.value)
    assert "row 1 holds something else. Mend it" in str(refused.value)
    assert "secretive" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content"), [("rows.csv", b""), ("rows.parquet", b"PAR1 and no more"), ("rows.pkl", b"\x80\x04.")]
)
def test_what_is_no_table_is_refused(live, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFileError):
        live.serving.predict_file("income", tmp_path / name, by=live.admin)


def test_a_file_of_another_kind_is_told_every_ending_that_is_read(live, tmp_path):
    (tmp_path / "rows.yaml").write_text("rows: []")
    with pytest.raises(UnreadableFileError, match=r"none of \.csv.*\.json, \.jsonl"):
        live.serving.predict_file("income", tmp_path / "rows.yaml", by=live.admin)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.csv", b"age,hours,sector\n", "."),
        ("rows.json", b"[]", "holds no rows"),
        ("rows.json", b'{"people": []}', "must hold a JSON list of objects"),
        ("rows.json", b'["secretive"]', "must hold a JSON list of objects"),
        ("rows.json", b'[{"age": "\xff"}]', "must hold a JSON list of objects"),
        ("rows.jsonl", b'{"age": 1}\n{"secretive', "must hold a JSON object on each line"),
    ],
)
def test_a_file_without_rows_is_refused_without_telling_what_it_holds(live, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises((RowsFileError, UnreadableFileError), match=words) as refused:
        live.serving.predict_file("income", tmp_path / name, by=live.admin)
    assert "secretive" not in str(refused.value)


def test_a_version_that_is_not_live_answers_no_file(live, file):
    live.register()
    with pytest.raises(NotServedError, match="income:1 is"):
        live.serving.predict_file("income:2", file, by=live.admin)
    with pytest.raises(ModelMissingError, match="There are: income"):
        live.serving.predict_file("unheard-of", file, by=live.admin)


def test_who_may_not_predict_gets_no_file_answered(live, file):
    auditor = live.access.authenticate(live.key(role=Role.AUDITOR))
    with pytest.raises(NotPermittedError):
        live.serving.predict_file("income", file, by=auditor)
