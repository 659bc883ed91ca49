# SPDX-License-Identifier: Apache-2.0
"""Rows of JSON into columns: what fits comes out equal, what does not is refused by row and feature, never by value."""

from __future__ import annotations

import difflib
import json
import math
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.registry import Feature, Interface, InvalidInterfaceError, InvalidRowsError, parse_interface, texts_of
from registry.tiny import INTERFACE, ROWS

LARGEST = float(np.finfo(np.float32).max)
FINITE = st.floats(-LARGEST, LARGEST) | st.integers(-(10**30), 10**30)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROW = st.fixed_dictionaries({"age": FINITE | st.none(), "hours": FINITE, "job": TEXT | st.none() | st.booleans()})


def refused(row, *more):
    with pytest.raises(InvalidRowsError) as caught:
        INTERFACE.columns([*more, row])
    return str(caught.value)


def test_rows_become_one_column_per_feature():
    columns = INTERFACE.columns(ROWS)
    assert list(columns) == ["age", "hours", "job"]
    assert {name: column.dtype.kind for name, column in columns.items()} == {"age": "f", "hours": "f", "job": "O"}
    assert columns["hours"].dtype == np.float32
    np.testing.assert_array_equal(columns["age"], np.array([[40], [np.nan]], np.float32))
    assert columns["job"].tolist() == [["nurse"], [""]]


@given(rows=st.lists(ROW, min_size=1, max_size=8))
def test_every_fitting_row_is_taken_and_keeps_its_place(rows):
    columns = INTERFACE.columns(rows)
    for name, column in columns.items():
        assert column.shape == (len(rows), 1)
        assert column.flags.c_contiguous
        for row, (cell,) in zip(rows, column, strict=True):
            given_value = row[name]
            if name == "job":
                expected = {None: "", True: "true", False: "false"}.get(given_value, given_value)
                assert cell == expected
            else:
                assert math.isnan(cell) if given_value is None else cell == np.float32(given_value)


@given(rows=st.lists(ROW, min_size=2, max_size=6))
def test_many_rows_at_once_equal_each_alone(rows):
    together = INTERFACE.columns(rows)
    for position, row in enumerate(rows):
        for name, column in INTERFACE.columns([row]).items():
            np.testing.assert_array_equal(column[0], together[name][position])


@pytest.mark.parametrize(
    ("changes", "wording"),
    [
        ({"age": "40"}, "must be a number and is text"),
        ({"age": True}, "must be a number and is true or false"),
        ({"age": [40]}, "must be a number and is a list"),
        ({"age": {}}, "must be a number and is an object"),
        ({"age": float("nan")}, "not finite"),
        ({"age": float("inf")}, "not finite"),
        ({"age": -float("inf")}, "not finite"),
        ({"age": 3.5e38}, "beyond what float32 holds"),
        ({"age": 10**400}, "beyond what float32 holds"),
        ({"hours": None}, "is null"),
        ({"job": 3}, "must be text and is a number"),
        ({"job": ["nurse"]}, "must be text and is a list"),
        ({"job": "x" * 10_001}, "10001 characters"),
        ({"job": "\ud800"}, "lone surrogate"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_row_and_feature(changes, wording):
    name = next(iter(changes))
    message = refused({**ROWS[0], **changes}, ROWS[0])
    assert message.startswith(f"Row 2: feature '{name}' ")
    assert wording in message


def test_the_longest_text_and_the_largest_numbers_fit():
    columns = INTERFACE.columns([{"age": LARGEST, "hours": -LARGEST, "job": "x" * 10_000}])
    assert (columns["age"].item(), columns["hours"].item(), columns["job"].item()) == (LARGEST, -LARGEST, "x" * 10_000)


def test_an_unknown_feature_is_named_with_its_nearest_match():
    row = {"age": 1, "hour": 2, "job": "nurse"}
    assert refused(row) == "Row 1: feature 'hour' is unknown. Did you mean 'hours'?"
    assert "There are: age, hours, job" in refused({**ROWS[0], "zzzzzzzz": 1})
    assert len(refused({**ROWS[0], "q" * 5000: 1})) < 500


def test_every_unknown_feature_is_named_and_the_nearest_to_the_first():
    row = {"hour": 1, "jobs": 2, "age": 3}
    assert refused(row) == "Row 1: 2 features are unknown: hour, jobs. Did you mean 'hours' by 'hour'?"
    message = refused({f"{at:02d}": 1 for at in range(30)})
    assert message.startswith("Row 1: 30 features are unknown: 00, 01, 02, 03, 04, 05, 06, 07, 08, 09 and 20 more. There are: ")


def test_among_many_features_that_are_called_alike_the_nearest_is_named():
    many = Interface(tuple(Feature(f"sensor_{place:03d}_mean", "number") for place in range(100)), "t", ("a", "b"))
    with pytest.raises(InvalidRowsError, match=r"unknown\. Did you mean 'sensor_042_mean'\?"):
        many.columns([{"sensr_042_mean": 1.0}])


def calls_that_compare_names(features, length):
    """How many functions of the standard library's comparison of texts run when all columns of a row have another name."""
    names = ["x" * length + str(place) for place in range(features)]
    interface = Interface(tuple(Feature(name, "number") for name in names), "t", ("a", "b"))
    calls = 0

    def count(frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call") and frame.f_code.co_filename == difflib.__file__

    sys.setprofile(count)
    try:
        with pytest.raises(InvalidRowsError, match="Did you mean"):
            interface.columns([{f"{name}_": 1.0 for name in names}])
    finally:
        sys.setprofile(None)
    return calls


def test_a_hint_costs_others_who_wait_no_more_for_many_features_or_long_names():
    few = calls_that_compare_names(3, 48)
    assert calls_that_compare_names(2000, 48) <= 2 * few
    assert calls_that_compare_names(3, 190) <= 2 * few


def test_what_a_row_lacks_is_not_taken_for_all_that_there_is():
    assert refused({"zzz": 1, "age": 2, "job": "nurse"}) == "Row 1: feature 'zzz' is unknown. The row lacks 'hours'."
    assert refused({"zzz": 1, "qqq": 2, "age": 2}) == "Row 1: 2 features are unknown: zzz, qqq. The row lacks 'hours', 'job'."
    assert refused({"zzz": 1}) == "Row 1: feature 'zzz' is unknown. There are: age, hours, job."


def test_every_missing_feature_is_named():
    assert refused({"age": 1, "job": "nurse"}).startswith("Row 1 lacks the feature 'hours'. ")
    assert refused({}) == "Row 1 lacks 3 features: age, hours, job. Send each, or null where the version fills it in."
    assert refused({"age": 1}, ROWS[0]).startswith("Row 2 lacks 2 features: hours, job. ")
    wide = Interface(tuple(Feature(f"f{at}", "number") for at in range(14)), "income", ("low", "high"))
    with pytest.raises(InvalidRowsError, match="lacks 13 features: f1, f2, f3, f4, f5, f6, f7, f8, f9, f10 and 3 more"):
        wide.columns([{"f0": 1}])


SEEN = Interface(
    (
        Feature("age", "number", minimum=0.1, maximum=0.7, nullable=True),
        Feature("job", "category", categories=("clerk", "true"), nullable=True),
        Feature("hours", "number"),
        Feature("town", "category"),
        Feature("pay", "number", minimum=-1e300, maximum=5),
    ),
    "income",
    ("low", "high"),
)
FAMILIAR = {"age": 0.3, "job": "clerk", "hours": 1e9, "town": "anywhere", "pay": 5}


@pytest.mark.parametrize(
    ("changes", "unfamiliar"),
    [
        ({}, ()),
        ({"age": 0.1}, ()),
        ({"age": 0.7}, ()),
        ({"age": float(np.float32(0.7))}, ()),
        ({"age": float(np.float32(0.1))}, ()),
        ({"age": 0.09}, ("age",)),
        ({"age": 0.71}, ("age",)),
        ({"age": None, "job": None}, ()),
        ({"job": ""}, ()),
        ({"job": True}, ()),
        ({"job": False}, ("job",)),
        ({"job": "Clerk"}, ("job",)),
        ({"job": "nurse", "age": 9, "pay": 6}, ("age", "job", "pay")),
        ({"pay": -3e38}, ()),
    ],
)
def test_what_training_never_saw_is_named_in_the_order_of_the_features(changes, unfamiliar):
    assert SEEN.encode([SEEN.table_of_rows([FAMILIAR | changes])]).unfamiliar == [unfamiliar]


def test_where_training_said_nothing_nothing_is_called_unfamiliar():
    told = Interface((Feature("hours", "number"), Feature("town", "category")), "income", ("low", "high"))
    assert told.encode([told.table_of_rows([{"hours": 1e30, "town": "nowhere"}])]).unfamiliar == [()]


@given(rows=st.lists(st.fixed_dictionaries({"age": FINITE, "hours": FINITE, "job": TEXT}), min_size=1, max_size=6))
def test_what_is_unfamiliar_is_the_same_alone_and_in_company(rows):
    tables = [INTERFACE.table_of_rows([row]) for row in rows]
    alone = [INTERFACE.encode([table]).unfamiliar[0] for table in tables]
    assert INTERFACE.encode([INTERFACE.table_of_rows(rows)]).unfamiliar == INTERFACE.encode(tables).unfamiliar == alone


@pytest.mark.parametrize("rows", [[], None, {}, {"age": 1}, "text", [None], [[1, 2, 3]], [3], ["abc"]])
def test_what_are_no_rows_is_refused(rows):
    with pytest.raises(InvalidRowsError):
        INTERFACE.columns(rows)


def test_empty_text_is_missing_and_refused_where_nothing_fills_it_in():
    strict = Interface((Feature("job", "category"),), "income", ("low", "high"))
    for value in (None, ""):
        with pytest.raises(InvalidRowsError, match="is empty"):
            strict.columns([{"job": value}])
    assert INTERFACE.columns([{**ROWS[0], "job": ""}])["job"].tolist() == [[""]]


SECRET = "Zx81secret"


@given(
    row=st.dictionaries(
        st.sampled_from(["age", "hours", "job"]),
        st.sampled_from([SECRET, [SECRET], {SECRET: 1}, SECRET * 2000, 8_181_818.5, None, 81818181 * 10**40]),
        min_size=1,
    )
)
def test_no_message_tells_a_value(row):
    message = ""
    try:
        INTERFACE.columns([row])
    except InvalidRowsError as refusal:
        message = str(refusal)
    assert SECRET not in message
    assert "81818" not in message


def test_an_interface_round_trips_with_and_without_having_been_used():
    INTERFACE.columns(ROWS)
    assert parse_interface(INTERFACE.to_json()) == INTERFACE
    assert msgspec.json.decode(msgspec.json.encode(INTERFACE), type=Interface) == INTERFACE
    assert set(json.loads(INTERFACE.to_json())) == {"features", "target", "classes"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"classes": ("a", "b"), "answer": "text", "length": 4}, "'classes' belongs to another"),
        ({"classes": ("a", "b"), "length": 4}, "'length' belongs to another"),
        ({"answer": "text"}, "a length of 1 to"),
        ({"answer": "text", "length": 1 << 15}, "a length of 1 to"),
        ({"answer": "values"}, "Values have a shape"),
        ({"answer": "values", "shape": (3, 0)}, "Values have a shape"),
        ({"answer": "values", "shape": (2,), "values": ("a",)}, "1 names for values of the shape"),
        ({"answer": "values", "shape": (2,), "values": ("a", "a")}, "listed twice"),
        ({}, "entries of kind class"),
    ],
)
def test_an_answer_says_what_it_is_made_of_and_nothing_else(said, words):
    with pytest.raises(InvalidInterfaceError, match=words):
        Interface(INTERFACE.features, "target", **said)


def test_an_answer_of_another_kind_is_written_and_read():
    text = Interface(INTERFACE.features, "target", answer="text", length=9)
    values = Interface(INTERFACE.features, "", answer="values", shape=(2, 3))
    for interface, shape in ((text, (9,)), (values, (2, 3)), (INTERFACE, (2,))):
        assert parse_interface(interface.to_json()) == interface
        assert interface.answer_shape == shape


def test_texts_end_at_their_first_zero_and_hold_characters_alone():
    points = np.array([[97, 0, 98], [0, 0, 0], [0xD800, 0x110000, -5], [0x1F642, 98, 99]], dtype=np.int32)
    assert texts_of(points) == ["a", "", "\ufffd\ufffd\ufffd", "🙂bc"]


@pytest.mark.parametrize(
    "interface",
    [
        {"features": [], "target": "t", "classes": ["a", "b"]},
        {"features": [{"name": "a", "kind": "number"}] * 2, "target": "t", "classes": ["a", "b"]},
        {"features": [{"name": "a", "kind": "number"}], "target": "t", "classes": ["a"]},
        {"features": [{"name": "a", "kind": "number"}], "target": "t", "classes": ["a", "a"]},
        {"features": [{"name": "a", "kind": "image"}], "target": "t", "classes": ["a", "b"]},
        {"features": [{"name": "a\n", "kind": "number"}], "target": "t", "classes": ["a", "b"]},
        {"features": [{"name": "", "kind": "number"}], "target": "t", "classes": ["a", "b"]},
        [],
    ],
)
def test_an_interface_that_checks_nothing_is_refused(interface):
    with pytest.raises(InvalidInterfaceError):
        parse_interface(json.dumps(interface).encode())


def test_values_that_stand_for_a_category_are_named_by_its_text():
    feature = Feature("seed", "number")
    given = Interface((feature,), "made", answer="values", shape=(2,), values=("age", "town"), categories=((), ("", "north")))
    assert given.named([41.0, 1.0]) == {"age": 41.0, "town": "north"}
    assert given.named([41.0, 7.0])["town"] == "north", "a graph made elsewhere may give any number"
    assert parse_interface(given.to_json()) == given
    with pytest.raises(InvalidInterfaceError, match="1 lists of categories for 2 values"):
        Interface((feature,), "made", answer="values", shape=(2,), values=("age", "town"), categories=((),))


def test_no_more_rows_are_taken_than_memory_should_hold():
    """A few bytes of JSON may stand for a large image or a long series, and a seed for an image."""
    image = Feature("scan", "image", shape=(1024, 1024, 3))
    series = Feature("log", "series", shape=(1 << 14, 64))
    number = Feature("seed", "number")
    wide = [
        (Interface((image,), "bar", ("a", "b")), {"scan": [[0]]}, 85),
        (Interface((series,), "bar", ("a", "b")), {"log": [[0] * 64]}, 64),
        (Interface((number,), "bar", answer="values", shape=(512, 512, 4)), {"seed": 1}, 8),
    ]
    for interface, row, most in wide:
        assert interface.most_rows == most
        (name,) = row
        for ask in (
            lambda count, interface=interface, row=row: interface.table_of_rows([row] * count),
            lambda count, interface=interface, row=row, name=name: interface.table_of_columns({name: [row[name]] * count}),
            lambda count, interface=interface, row=row, name=name: interface.table_of_matrix([[row[name]]] * count),
        ):
            assert len(ask(2)) == 2
            with pytest.raises(InvalidRowsError, match=f"There are {most + 1} rows.* {most} are the most at once"):
                ask(most + 1)
    assert Interface((number,), "bar", ("a", "b")).most_rows > 1_000_000


def test_what_is_bound_must_say_to_what():
    for feature in (
        Feature("seed", "number", is_bound=True),
        Feature("seed", "number", minimum=0, maximum=9, nullable=True, is_bound=True),
        Feature("level", "category", is_bound=True),
        Feature("said", "text", length=8, is_bound=True),
    ):
        with pytest.raises(InvalidInterfaceError, match="is bound, and nothing says to what"):
            Interface((feature,), "risk", ("low", "high"))


def test_what_is_bound_is_held_to_it_however_rows_come():
    bound = Interface((Feature("seed", "number", minimum=0, maximum=9, is_bound=True),), "risk", ("low", "high"))
    assert bound.table_of_json(b'{"rows": [{"seed": 10}]}') is None
    assert bound.table_of_json(b'{"rows": [{"seed": 9}]}') is not None
    for rows in ([[10]], [[1.5]], np.array([[10.0]]), np.array([[-1]])):
        with pytest.raises(InvalidRowsError, match="must be a whole number from 0 to 9"):
            bound.table_of_matrix(rows)
    assert bound.encode([bound.table_of_matrix(np.array([[9.0], [0.0]]))]).columns.apart()["seed"].tolist() == [[9.0], [0.0]]


def test_an_interface_is_read_back_as_it_was_and_says_nothing_that_is_not_so():
    bound = Interface((Feature("seed", "number", minimum=0, maximum=9, is_bound=True),), "risk", ("low", "high"))
    assert parse_interface(bound.to_json()) == bound
    assert b"is_bound" not in INTERFACE.to_json()
