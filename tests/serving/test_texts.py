# SPDX-License-Identifier: Apache-2.0
"""A model of texts: the same numbers however it is asked, and reasons in the words of the text."""

import asyncio
import io
from dataclasses import replace

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.registry import GRAPH_FILE, Feature, Interface, InvalidRowsError, code_points
from modelward.serving import Answer, Explanation, Question, Why
from modelward.serving.varied import passages_of
from modelward.training import RECIPES, Inputs
from modelward.training.graph import finish
from modelward.training.text_preparation import TextPreparation
from serving.tiny import LINEAGE

FEATURE = Feature("review", "text", nullable=True, length=60, lowercase=True)
INTERFACE = Interface((FEATURE,), "mood", ("bad", "good"))
TEXTS = [
    "a good book",
    "good, very good",
    "很好 的书",
    "really good story",
    "a bad book",
    "bad, very bad",
    "不好 的书",
    "really bad story",
]
ROWS = [{"review": text} for text in [*TEXTS, "?", "NA", "TRUE", "Ｇood", "a \r\n\t bad  one", "x" * 500, "🙂"]]


@pytest.fixture(scope="module")
def drawn():
    """A graph that learned the words for good and bad."""
    points = code_points(TEXTS * 3, FEATURE)
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0] * 3)
    recipe = RECIPES.load("text-linear")
    trained = recipe(recipe.Parameters()).make(
        Inputs(train=points, train_labels=labels, validation=points[:0], validation_labels=labels[:0], classes=("bad", "good")),
        lambda _: None,
    )
    preparation = TextPreparation(name="review", length=60, lowercase=True)
    return finish(preparation.graph(), trained.graph(), INTERFACE.classes)


@pytest.fixture
def moods(house, drawn):
    """A house in which `moods:1` is live."""
    said = {"lineage": LINEAGE, "interface": INTERFACE, "purpose": "tests", "owner": "tester", "facts": {}}
    house.make_live(house.registry.register("moods", {GRAPH_FILE: drawn}, **said, by=house.admin).name)
    return house


def online(house, parts):
    async def run():
        async with house.serving.gateway() as gateway:
            question = Question(caller=house.admin, model="moods", payload=b"")
            replies = [await gateway.predict(question, part) for part in parts]
            return [one for reply in replies for one in msgspec.json.decode(reply.payload, type=Answer).predictions]

    return asyncio.run(run())


def test_an_answer_names_the_text_that_was_cut_and_says_nothing_of_others(moods, tmp_path):
    rows = [{"review": "a good book"}, {"review": "a good book " + "x" * 10**5}]
    assert [one.cut for one in online(moods, [rows, rows[:1]])] == [(), ("review",), ()]
    table = pl.DataFrame(rows)
    table.write_csv(tmp_path / "rows.csv")
    batch = moods.serving.predict_file("moods", tmp_path / "rows.csv", by=moods.admin)
    assert (batch.rows, batch.cut_rows) == (2, 1)
    assert pl.read_csv(io.BytesIO(batch.payload))["cut"].to_list() == [None, '["review"]']
    table[:1].write_csv(tmp_path / "rows.csv")
    assert b"cut" not in moods.serving.predict_file("moods", tmp_path / "rows.csv", by=moods.admin).payload


def test_a_text_is_answered_alike_alone_among_others_and_in_a_file(moods, tmp_path):
    alone = [(one.label, one.probabilities) for one in online(moods, [[row] for row in ROWS])]
    assert [(one.label, one.probabilities) for one in online(moods, [ROWS])] == alone
    assert [label for label, _ in alone[:8]] == ["good"] * 4 + ["bad"] * 4
    table = pl.DataFrame(ROWS)
    table.write_csv(tmp_path / "rows.csv")
    table.write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(msgspec.json.encode(row) for row in ROWS))
    for name in ("rows.csv", "rows.parquet", "rows.jsonl"):
        found = pl.read_csv(io.BytesIO(moods.serving.predict_file("moods", tmp_path / name, by=moods.admin).payload))
        assert found["probability_good"].to_list() == [probabilities["good"] for _, probabilities in alone], name
        assert found["label"].to_list() == [label for label, _ in alone]
        assert found["unfamiliar"].is_null().all()


def test_a_row_of_a_file_that_holds_no_text_is_taken_as_empty_where_the_version_takes_it(moods, tmp_path):
    (tmp_path / "rows.csv").write_text("id,review\n1,good\n2,\n3,   \n")
    found = pl.read_csv(io.BytesIO(moods.serving.predict_file("moods", tmp_path / "rows.csv", by=moods.admin).payload))
    (empty,) = online(moods, [[{"review": ""}]])
    assert found["probability_good"].to_list()[1:] == [empty.probabilities["good"]] * 2


@pytest.mark.parametrize("value", [3, ["good"], "half \ud800", "x" * 1_000_001])
def test_what_is_no_text_is_refused_by_row_and_feature(moods, value):
    with pytest.raises(InvalidRowsError, match="Row 2: feature 'review'"):
        online(moods, [[{"review": "good"}, {"review": value}]])


def test_a_text_of_a_hundred_thousand_characters_is_cut_like_any_other(moods):
    long, short = online(moods, [[{"review": "good book " * 10_000}, {"review": "good book " * 6}]])
    assert (long.cut, short.cut) == (("review",), ())
    assert replace(long, cut=()) == short


def test_an_explanation_is_in_the_passages_of_the_text_and_adds_up(moods):
    (found,) = moods.serving.explain("moods", [{"review": "A GOOD  book, 不好"}], label="good", by=moods.admin)
    told = {part.feature: part.value for part in found.contributions}
    assert told == {
        "review[0:2]": "a", "review[2:7]": "good", "review[7:13]": "book,", "review[13:14]": "不", "review[14:15]": "好",
    }  # fmt: skip
    adds = {part.value: part.contribution for part in found.contributions}
    assert max(adds, key=adds.get) == "good"
    assert min(adds, key=adds.get) == "不"
    assert found.base + sum(adds.values()) == pytest.approx(found.probability, abs=1e-6)
    (empty,) = online(moods, [[{"review": ""}]])
    assert found.base == pytest.approx(empty.probabilities["good"], abs=1e-6)
    assert (found.base_of, found.background_rows) == ("empty text", 1)
    assert "passages, which are left out" in found.method


@pytest.mark.parametrize("text", ["", " \x00 ", None, "good"])
def test_also_a_text_with_nothing_to_leave_out_is_explained(moods, text):
    (found,) = moods.serving.explain("moods", [{"review": text}], by=moods.admin)
    assert len(found.contributions) == (text == "good")
    assert abs(found.residual) < 1e-6


def test_each_text_is_explained_by_its_own_passages_over_the_gateway_too(moods):
    async def run():
        async with moods.serving.gateway() as gateway:
            question = Question(caller=moods.key(), model="moods", payload=b"{}")
            return await gateway.explain(question, lambda: Why([{"review": "a good one"}, {"review": "word " * 12}]))

    first, second = msgspec.convert(msgspec.json.decode(asyncio.run(run()).payload)["explanations"], list[Explanation])
    assert [len(found.contributions) for found in (first, second)] == [3, 12]
    assert max(abs(found.residual) for found in (first, second)) < 1e-6


words = st.lists(st.sampled_from(["good", "很好", "a", "สวัสดี", "🙂", "안녕", "「", "x,y"]), max_size=300).map(" ".join)


@given(text=words)
def test_passages_are_the_whole_text_in_bounded_number(text):
    feature = Feature("review", "text", length=900, lowercase=True)
    points = code_points([text], feature)
    varied = passages_of(feature, points[0], 64)
    assert len(varied.row) <= 64
    assert bool(varied.row) == bool(text)
    if varied.row:
        assert (varied.whole(varied.row)["review"] == points).all()
        assert not varied.whole(varied.background)["review"].any()


def test_a_passage_that_is_left_out_leaves_no_gap():
    varied = passages_of(FEATURE, code_points(["a good book"], FEATURE)[0], 64)
    asked = dict(varied.row) | {"review[2:7]": np.zeros((1, 1), np.int8)}
    assert (varied.whole(asked)["review"] == code_points(["a book"], FEATURE)).all()
