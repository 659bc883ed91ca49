# SPDX-License-Identifier: Apache-2.0
"""A recommender tells the most probable items alone, and a file of histories is read as a request is."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.registry import Feature, Interface, InvalidInterfaceError, InvalidRowsError
from modelward.serving.computed import CallAnswers, Computed
from modelward.serving.explanations import _some
from modelward.serving.file_rows import kinds_of, rows_of_file, sequences_of, with_lists
from modelward.serving.records import as_records
from modelward.serving.varied import entries_of

HISTORY = Feature("history", "sequence", categories=("a", "b", "c"), length=3)
INTERFACE = Interface((HISTORY,), "film", ("a", "b", "c"), top=2)


def test_only_the_most_probable_are_told_and_none_that_is_left_out():
    shares = np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0]], dtype=np.float32)
    computed = Computed(CallAnswers(INTERFACE, shares, [(), ("history",)]), 0, 2, "r", "films", 1)
    first, second = json.loads(as_records(computed).body)["predictions"]
    assert first["label"] == "b"
    assert [each["item"] for each in first["ranking"]] == ["b", "c"]
    assert first["ranking"][1]["probability"] == pytest.approx(0.3)
    assert [each["item"] for each in second["ranking"]] == ["b"]
    assert second["unfamiliar"] == ["history"]


def test_so_many_are_told_as_there_are_at_most():
    for top in (-1, 4):
        with pytest.raises(InvalidInterfaceError, match="`top`"):
            Interface((HISTORY,), "film", ("a", "b", "c"), top=top)


def test_a_table_holds_histories_as_json(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text(f'id,history\n1,"[""a"",""b""]"\n2,[]\n3,a\n4,{"[" * 100_000}\n')
    rows = with_lists(rows_of_file(file, file.read_bytes(), kinds=kinds_of([HISTORY])).all(), sequences_of([HISTORY]))
    assert [row["history"] for row in rows] == [["a", "b"], [], "a", "[" * 100_000]
    assert len(INTERFACE.table_of_rows(rows[:2])) == 2
    with pytest.raises(InvalidRowsError, match="Row 3: feature 'history' must be a list"):
        INTERFACE.table_of_rows(rows)


def test_an_array_is_padded_with_empty_texts():
    table = INTERFACE.table_of_columns({"history": np.array([["", "a", "b"], ["", "", ""]], dtype=object)})
    assert INTERFACE.encode([table]).columns["history"].tolist() == [["", "a", "b"], ["", "", ""]]


def words_of(history, length=200):
    feature = Feature("history", "sequence", categories=("a", "b", "c"), length=length)
    row = Interface((feature,), "film", ("a", "b", "c")).columns([{"history": history}])["history"][0]
    return feature, row


@given(history=st.lists(st.sampled_from("abcx"), max_size=300))
def test_a_history_is_varied_in_a_bounded_number_of_parts_that_are_all_of_it(history):
    feature, row = words_of(history)
    varied = entries_of(feature, row, 64)
    assert len(varied.row) == min(64, len(history))
    if history:
        assert (varied.whole(varied.row)["history"] == row).all()
        assert not any(varied.whole(varied.background)["history"][0])
        assert ", ".join(varied.values.values()) == ", ".join(history[-200:])
        slices = [name.removeprefix("history[").removesuffix("]").split(":") for name in varied.row]
        read = history[-200:]
        found = [read[int(first) :][: int(last[0] or 0) - int(first)] if last else [read[int(first)]] for first, *last in slices]
        assert [item for part in found for item in part] == read, "each part is called by its place from the end"


def test_an_entry_that_is_left_out_leaves_no_gap():
    feature, row = words_of(["a", "b", "c"], length=5)
    varied = entries_of(feature, row, 64)
    assert [*varied.row] == ["history[-3]", "history[-2]", "history[-1]"]
    asked = dict(varied.row) | {"history[-2]": np.zeros((1, 1), np.int8)}
    assert varied.whole(asked)["history"].tolist() == [["", "", "", "a", "c"]]


def test_ten_thousand_items_are_not_listed_to_who_names_an_unknown_one():
    assert _some(("a", "b")) == "a, b"
    assert _some([str(item) for item in range(10_000)]).endswith("48, 49, and 9,950 others")
