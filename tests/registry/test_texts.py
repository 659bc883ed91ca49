# SPDX-License-Identifier: Apache-2.0
"""What a model reads of a text. These lines are what models were trained on: where one changes, every model of texts does."""

import sys
import unicodedata

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from modelward.registry import (
    LENGTH_LIMIT,
    Feature,
    GraphUnfitError,
    Interface,
    InvalidInterfaceError,
    InvalidRowsError,
    UnrunnableGraphError,
    code_points,
    text_of,
)
from modelward.registry.graph import check_ends
from modelward.registry.joining import join_columns
from registry.tiny import OPSETS, put

LOWER, AS_IT_IS = (Feature("review", "text", nullable=True, length=40, lowercase=lower) for lower in (True, False))
INTERFACE = Interface((LOWER,), "mood", ("bad", "good"))
REQUIRED = Interface((Feature("review", "text", length=40),), "mood", ("bad", "good"))


def read(text, feature=LOWER):
    return text_of(code_points([text], feature)[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great, GREAT book!", "great, great book!"),
        ("  Two\t\tlines\r\n\r\nof  it \u00a0", "two lines of it"),
        ("这本书\u3000很 好！", "这本书 很 好!"),
        ("ＡＢＣ１２３，ｶﾞ", "abc123,ガ"),
        ("ﬁne ½ ① ㎏ ™", "fine 1⁄2 1 kg tm"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("İSTANBUL straße ΣΑΣ", "i\u0307stanbul straße σας"),
        ("a\x00b\x07c\x1fd\x7fe\x85f", "a b c d e f"),
        ("\ufeffzero\u200bwidth\u00adsoft", "\ufeffzero\u200bwidth\u00adsoft"),
        ("🙂👍🏽 👨\u200d👩\u200d👧", "🙂👍🏽 👨\u200d👩\u200d👧"),
        ("", ""),
        (" \t\n\x00\u3000", ""),
        ("x" * 100_000, "x" * 40),
        (" " * 320 + "beyond what is looked at", ""),
        ("word " * 10, "word word word word word word word word"),
    ],
)
def test_a_text_is_read_as_it_always_was(text, expected):
    assert read(text) == expected


def is_mark(letter):
    return unicodedata.combining(unicodedata.normalize("NFKD", letter)[0]) > 0


def longest_run(text):
    longest = run = 0
    for letter in text:
        run = run + 1 if is_mark(letter) else 0
        longest = max(longest, run)
    return longest


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\uff9e\u0301", "\u0f73\u0301", "\u0344", "\U0001e94a\u0316"])
@pytest.mark.parametrize("before", ["", "a", "x" * 17, "\u00e9\u0301 " * 9])
def test_no_text_makes_normalising_it_dear(monkeypatch, marks, before):
    seen, normalize = [], unicodedata.normalize
    hostile = before + marks * 100
    code_points(["warm"], LOWER)
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: seen.append(text) or normalize(form, text))
    read(hostile)
    read(hostile, AS_IT_IS)
    monkeypatch.undo()
    assert [longest_run(text) for text in seen] == [30, 30]


def test_thirty_marks_on_a_letter_are_kept_and_more_are_cut():
    wide = Feature("review", "text", length=99)
    kept = [read("q" + "\u0301" * many + " end q" + "\u0301" * many, wide) for many in (29, 30, 31, 100)]
    assert [text.count("\u0301") for text in kept] == [58, 60, 60, 60]
    assert [text.count("end") for text in kept] == [1, 1, 1, 1]


def test_no_mark_lies_where_marks_are_not_looked_for():
    beyond = [*range(0x300), *range(0x20000, sys.maxunicode + 1)]
    assert not [number for number in beyond if unicodedata.combining(unicodedata.normalize("NFKD", chr(number))[0])]


def test_capitals_are_kept_where_that_is_asked():
    assert read("Great, GREAT ＢＯＯＫ", AS_IT_IS) == "Great, GREAT BOOK"


def test_code_points_are_those_of_unicode_with_zeros_behind_the_end():
    points = code_points(["aé中🙂", ""], LOWER)
    assert points.dtype == np.int32
    assert points.shape == (2, 40)
    assert points[0].tolist() == [0x61, 0xE9, 0x4E2D, 0x1F642] + [0] * 36
    assert not points[1].any()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(text=texts, others=st.lists(texts, max_size=3))
def test_a_text_is_read_alike_alone_and_among_others(text, others):
    together = code_points([*others, text], LOWER)
    assert (together[-1] == code_points([text], LOWER)[0]).all()


@given(text=texts)
def test_no_text_holds_a_zero_a_control_character_or_two_spaces(text):
    points = code_points([text], LOWER)[0]
    end = np.count_nonzero(points)
    assert not points[end:].any()
    kept = read(text)
    assert len(kept) == end
    assert kept == kept.strip(" ")
    assert "  " not in kept
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in kept)


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ("x" * 40, False),
        ("x" * 41, True),
        ("x" * 39 + " y", True),
        ("x" * 40 + " \t\n", False),
        (" " * 500 + "x" * 40, True),
        ("x" + " " * 500, False),
        ("x" + " " * 500 + "y", True),
        ("ﬃ" * 13, False),
        ("ﬃ" * 14, True),
        ("ＡＢ" * 20, False),
        ("", False),
    ],
)
def test_of_what_is_read_in_part_the_row_is_told_by_its_characters_and_not_by_its_blanks(text, is_cut):
    encoded = INTERFACE.encode([INTERFACE.table_of_rows([{"review": "short"}, {"review": text}])])
    assert encoded.cut == ([(), ("review",)] if is_cut else ())


def test_a_missing_text_is_one_without_characters_where_the_version_takes_it():
    columns = INTERFACE.columns([{"review": None}, {"review": ""}, {"review": "ok"}])
    assert [np.count_nonzero(row) for row in columns["review"]] == [0, 0, 2]
    for missing in (None, ""):
        with pytest.raises(InvalidRowsError, match="Row 1: feature 'review' is empty"):
            REQUIRED.columns([{"review": missing}])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "must be text and is a number"),
        (True, "must be text and is true or false"),
        (["a"], "must be text and is a list"),
        ("SECRET" + "x" * 1_000_000, "is 1000006 characters long; the limit is 1000000"),
        ("SECRET\ud800", "half a character"),
    ],
)
def test_what_is_no_text_is_refused_by_row_and_feature_and_never_told(value, message):
    with pytest.raises(InvalidRowsError, match=f"Row 2: feature 'review' .*{message}") as refusal:
        INTERFACE.table_of_rows([{"review": "fine"}, {"review": value}])
    assert "SECRET" not in str(refusal.value)


def test_nothing_in_a_text_is_called_unfamiliar():
    assert INTERFACE.encode([INTERFACE.table_of_rows([{"review": "Ω" * 99}])]).unfamiliar == [()]


@pytest.mark.parametrize(
    "feature",
    [
        Feature("review", "text"),
        Feature("review", "text", length=LENGTH_LIMIT + 1),
        Feature("review", "text", length=-1),
        Feature("review", "category", length=5),
        Feature("review", "number", lowercase=True),
    ],
)
def test_an_interface_whose_lengths_make_no_sense_is_refused(feature):
    with pytest.raises(InvalidInterfaceError, match="'review'"):
        Interface((feature,), "mood", ("bad", "good"))


def graph(*, length=40, kind=TensorProto.INT32, names=("review",)):
    """bad: how many characters there are, as a share."""
    joined = helper.make_node("Concat", list(names), ["all"], axis=1)
    nodes = [
        joined,
        helper.make_node("Cast", ["all"], ["points"], to=TensorProto.FLOAT),
        helper.make_node("Sign", ["points"], ["is_there"]),
        helper.make_node("ReduceMean", ["is_there", "axes"], ["bad"], keepdims=1),
        helper.make_node("Sub", ["one", "bad"], ["good"]),
        helper.make_node("Concat", ["bad", "good"], ["probabilities"], axis=1),
    ]
    held = [
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        helper.make_tensor("one", TensorProto.FLOAT, [1, 1], [1.0]),
    ]
    inputs = [helper.make_tensor_value_info(name, kind, [None, length]) for name in names]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    made = helper.make_graph(nodes, "texts", inputs, outputs, held)
    return helper.make_model(made, opset_imports=OPSETS, ir_version=10)


def test_a_version_of_texts_answers_many_rows_as_it_answers_each(registry, admin):
    version = put(registry, admin, files={"model.onnx": graph().SerializeToString()}, interface=INTERFACE)
    opened = registry.open(version)
    rows = [{"review": "x" * (at % 40)} for at in range(601)]
    together = opened.predict(INTERFACE.encode([INTERFACE.table_of_rows(rows)]).columns)
    assert together.shape == (601, 2)
    for at in (0, 1, 255, 256, 257, 600):
        assert opened.predict(INTERFACE.columns([rows[at]]))[0].tobytes() == together[at].tobytes()
    assert together[39].tolist() == pytest.approx([39 / 40, 1 / 40])


def test_a_card_says_how_much_of_a_text_is_read(registry, admin):
    version = put(registry, admin, files={"model.onnx": graph().SerializeToString()}, interface=INTERFACE)
    card = registry.read(version, "README.md").decode()
    assert "pipeline_tag: text-classification" in card
    assert "the first 40 characters are read, in lower case" in card


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (graph(kind=TensorProto.INT64), r"of type int32 \(text\)"),
        (graph(length=30), r"takes \[N, 30\] of a text, and the interface says \[N, 40\]"),
    ],
)
def test_a_graph_that_takes_other_texts_than_its_interface_is_refused(made, message):
    with pytest.raises(GraphUnfitError, match=message):
        check_ends(made, INTERFACE)


def test_a_text_model_made_elsewhere_is_imported_with_its_interface(registry, admin, tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(graph(kind=TensorProto.INT64).SerializeToString())
    (folder / "interface.json").write_bytes(INTERFACE.to_json())
    version = registry.import_folder(folder, "moods", by=admin)
    assert registry.open(version).predict(version.interface.columns([{"review": "x" * 20}])).tolist() == [[0.5, 0.5]]
    onnx.checker.check_model(onnx.load_model_from_string(registry.read(version, "model.onnx")))
    wrong = Interface((Feature("review", "text", length=30),), "mood", ("bad", "good"))
    (folder / "interface.json").write_bytes(wrong.to_json())
    with pytest.raises((GraphUnfitError, UnrunnableGraphError)):
        registry.import_folder(folder, "moods", by=admin)


def test_two_texts_are_never_taken_for_two_columns():
    model = graph(names=("title", "review"))
    assert not join_columns(model, model.SerializeToString()).matrices
