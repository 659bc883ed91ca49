# SPDX-License-Identifier: Apache-2.0
"""However rows are sent, they are the same rows: every way of reading takes the same ones, and makes the same columns of them."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelward.registry import Feature, Interface, InvalidRowsError

LARGEST = float(np.finfo(np.float32).max)
MIXED = Interface(
    (
        Feature("job", "category", categories=("clerk", "nurse"), nullable=True),
        Feature("age", "number", minimum=0.0, maximum=90.0, nullable=True),
        Feature("town", "category"),
        Feature("hours", "number"),
    ),
    "income",
    ("low", "high"),
)
NUMBERS = Interface(
    (Feature("age", "number", minimum=0.0, maximum=90.0, nullable=True), Feature("hours", "number")), "income", ("low", "high")
)
TEXTS = Interface((Feature("job", "category", nullable=True), Feature("town", "category")), "income", ("low", "high"))
ODD = Interface((Feature("f1", "number"), Feature("f0", "number", nullable=True), Feature("é 🙂", "category")), "x", ("a", "b"))
ESCAPED = Interface(
    (Feature('the "age"', "number"), Feature("back\\slash", "category"), Feature("rows", "number")), "x", ("a", "b")
)
PROSE = Interface(
    (
        Feature("review", "text", nullable=True, length=12, lowercase=True),
        Feature("age", "number", nullable=True),
        Feature("title", "text", length=3),
        Feature("town", "category", categories=("Leeds",), nullable=True),
    ),
    "mood",
    ("bad", "good"),
)
INTERFACES = st.sampled_from([MIXED, MIXED, NUMBERS, TEXTS, ODD, ESCAPED, PROSE, PROSE])

fitting_numbers = st.one_of(
    st.floats(-LARGEST, LARGEST),
    st.floats(0, 100, width=32),
    st.integers(-(10**38), 10**38),
    st.sampled_from([0, -0.0, LARGEST, -LARGEST, 5e-324, 1e-45, 2**53 + 1, 2**63, -(2**64) - 1, 16_777_217]),
)
other_numbers = st.one_of(
    st.floats(min_value=LARGEST, exclude_min=True, allow_infinity=False),
    st.integers(min_value=10**39),
    st.sampled_from([LARGEST * (1 + 1e-12), -LARGEST * (1 + 1e-9), 1e300, -(10**300), 10**400]),
)
fitting_texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.sampled_from(["clerk", "null", "x" * 10_000, "é" * 10_000, "🙂" * 10_000, "\x00", "e\u0301", '"\\']),
)
long_texts = st.one_of(fitting_texts, st.sampled_from(["x" * 10_001, "Ａ \r\n B" * 999, " "]))
other_texts = st.sampled_from(["x" * 10_001, "🙂" * 10_001, "\ud800", "half \udfff of one"])
strange = st.sampled_from([None, "", [], {}, [1], {"a": 1}])


def values(feature, *, fits):
    """What a row may hold there; or, with `fits` false, anything."""
    if feature.kind == "number":
        fitting = fitting_numbers | st.none() if feature.nullable else fitting_numbers
        others = other_numbers | strange | st.booleans() | st.just("1")
    elif feature.kind == "text":
        fitting = long_texts | st.sampled_from([None, ""]) if feature.nullable else long_texts
        others = st.sampled_from(["\ud800", "half \udfff of one"]) | strange | st.booleans() | st.just(1)
    else:
        fitting = fitting_texts | st.booleans() | st.sampled_from([None, ""]) if feature.nullable else fitting_texts | st.booleans()
        others = other_texts | strange | st.just(1)
    return fitting if fits else st.one_of(fitting, fitting, others)


@st.composite
def interface_and_rows(draw):
    """Rows; about every second list of them fits."""
    interface, fits = draw(INTERFACES), draw(st.booleans())
    row = st.fixed_dictionaries({feature.name: values(feature, fits=fits) for feature in interface.features})
    rows = draw(st.lists(row, min_size=1, max_size=4))
    return interface, rows


def result(read, *arguments):
    """What came of reading: the columns as bytes and texts, and what is unfamiliar in them; or the refusal."""
    try:
        table = read(*arguments)
    except InvalidRowsError as refusal:
        return str(refusal)
    return table


def written(interface, *tables):
    columns, unfamiliar, _ = interface.encode(tables)
    shown = {
        name: column.tolist() if column.dtype == object else (column.dtype.str, column.tobytes())
        for name, column in columns.items()
    }
    return shown, {name: column.shape for name, column in columns.items()}, unfamiliar


def of_json(interface, body):
    """As the records protocol reads it."""
    table = interface.table_of_json(body)
    if table is not None:
        return table
    try:
        rows = msgspec.json.decode(body)["rows"]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidRowsError("no JSON") from None
    return interface.table_of_rows(rows)


def as_columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def as_matrix(interface, rows):
    return [[row[name] for name in interface.names] for row in rows]


@given(asked=interface_and_rows())
def test_every_way_of_sending_rows_is_taken_or_refused_alike(asked):
    interface, rows = asked
    found = [
        result(interface.table_of_rows, rows),
        result(interface.table_of_columns, as_columns(rows)),
        result(interface.table_of_matrix, as_matrix(interface, rows)),
    ]
    by_json = result(of_json, interface, json.dumps({"rows": rows}).encode())
    if isinstance(found[0], str):
        assert found == found[:1] * 3, "in the same words"
        assert isinstance(by_json, str)
        assert by_json in (found[0], "no JSON")
    else:
        expected = written(interface, found[0])
        assert [written(interface, table) for table in [*found, by_json]] == [expected] * 4


@given(asked=interface_and_rows(), place=st.integers(0, 1), adds=st.booleans())
def test_a_feature_that_is_missing_or_unknown_is_refused_however_it_is_sent(asked, place, adds):
    interface, rows = asked
    name = interface.names[place]
    if adds:
        rows = [row | {"wages": 1} for row in rows]
    else:
        rows = [{held: value for held, value in row.items() if held != name} for row in rows]
    found = result(interface.table_of_rows, rows)
    assert "'wages' is unknown" in found if adds else f"lacks the feature {name!r}" in found
    assert result(interface.table_of_columns, as_columns(rows)) == found
    assert isinstance(result(of_json, interface, json.dumps({"rows": rows}).encode()), str)
    narrow = [list(row.values()) for row in rows]
    assert result(interface.table_of_matrix, narrow).startswith(f"Row 1 has {len(narrow[0])} values")


@given(asked=interface_and_rows(), again=st.data())
def test_of_a_feature_sent_twice_in_json_the_last_counts(asked, again):
    interface, rows = asked
    parts = []
    for row in rows:
        pairs = list(row.items())
        feature = again.draw(st.sampled_from(interface.features))
        pairs.insert(
            again.draw(st.integers(0, len(pairs))), (feature.name, again.draw(values(feature, fits=again.draw(st.booleans()))))
        )
        parts.append("{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}")
    body = ('{"rows":[' + ",".join(parts) + "]}").encode()
    by_json, by_rows = result(of_json, interface, body), result(interface.table_of_rows, json.loads(body)["rows"])
    if isinstance(by_rows, str):
        assert by_json in (by_rows, "no JSON")
    elif by_json != "no JSON":  # what is no text, or no number, is not read also where another takes its place
        assert written(interface, by_json) == written(interface, by_rows)


cells = st.one_of(fitting_numbers, fitting_numbers, st.none(), other_numbers, st.just(float("inf")))


@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=4), kind=st.sampled_from([np.float64, np.float32]))
@example(rows=[(LARGEST * (1 + 1e-12), 1.0)], kind=np.float64)
@example(rows=[(1.0, None)], kind=np.float64)
def test_arrays_of_numbers_are_read_like_lists_of_them(rows, kind):
    try:
        with np.errstate(over="ignore"):
            block = np.array([[np.nan if cell is None else cell for cell in row] for row in rows], dtype=np.float64).astype(kind)
    except OverflowError:  # no array holds such a number
        return
    # What the array holds, as Python says it.
    listed = [[None if cell != cell else cell for cell in row] for row in block.tolist()]
    expected = result(NUMBERS.table_of_matrix, listed)
    columns = dict(zip(NUMBERS.names, block.T, strict=True))
    found = [
        result(NUMBERS.table_of_matrix, block),
        result(NUMBERS.table_of_matrix, np.asfortranarray(block)),
        result(NUMBERS.table_of_columns, columns),
        result(NUMBERS.table_of_columns, {name: column.reshape(-1, 1) for name, column in columns.items()}),
    ]
    if isinstance(expected, str):
        place = expected.split(" is ")[0]
        assert all(isinstance(one, str) and one.startswith(place) for one in found), (expected, found)
    else:
        assert [written(NUMBERS, table) for table in found] == [written(NUMBERS, expected)] * 4


@given(
    rows=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=4),
    kind=st.sampled_from(["u1", "u2", "u4", "u8", "i2", "i4", "i8", "f2", ">i4", ">f8"]),
)
def test_arrays_of_every_kind_of_number_are_read_alike(rows, kind):
    table = NUMBERS.table_of_matrix(np.array(rows, dtype=kind))
    assert written(NUMBERS, table) == written(NUMBERS, NUMBERS.table_of_matrix([list(row) for row in rows]))


@pytest.mark.parametrize("kind", ["u8", "i8"])
def test_the_largest_whole_numbers_fit(kind):
    largest, smallest = int(np.iinfo(kind).max), int(np.iinfo(kind).min)
    table = NUMBERS.table_of_matrix(np.array([[largest, smallest]], dtype=kind))
    assert written(NUMBERS, table) == written(NUMBERS, NUMBERS.table_of_matrix([[largest, smallest]]))


@pytest.mark.parametrize("shape", [(0, 2), (1, 3), (2, 1), (2,), (1, 2, 1), ()])
def test_an_array_of_another_shape_is_refused(shape):
    with pytest.raises(InvalidRowsError):
        NUMBERS.table_of_matrix(np.ones(shape))


@st.composite
def interface_and_tables(draw):
    """Rows that fit, and their tables, each read in another way."""
    interface = draw(INTERFACES)
    row = st.fixed_dictionaries({feature.name: values(feature, fits=True) for feature in interface.features})
    parts = draw(st.lists(st.lists(row, min_size=1, max_size=3), min_size=1, max_size=6))
    ways = {
        "rows": interface.table_of_rows,
        "json": lambda rows: of_json(interface, json.dumps({"rows": rows}).encode()),
        "columns": lambda rows: interface.table_of_columns(as_columns(rows)),
        "matrix": lambda rows: interface.table_of_matrix(as_matrix(interface, rows)),
    }
    if interface is NUMBERS:
        ways["array"] = lambda rows: interface.table_of_matrix(np.array(as_matrix(interface, rows), dtype=np.float64))
    tables = [ways[draw(st.sampled_from(sorted(ways)))](rows) for rows in parts]
    return interface, [row for rows in parts for row in rows], tables


@given(asked=interface_and_tables())
def test_tables_that_are_computed_together_are_the_columns_of_all_their_rows(asked):
    interface, rows, tables = asked
    assert written(interface, *tables) == written(interface, interface.table_of_rows(rows))
    together = written(interface, *tables)[2]
    assert together == [one for table in tables for one in written(interface, table)[2]]


@given(asked=interface_and_tables())
def test_encoding_leaves_tables_as_they_are(asked):
    interface, _, tables = asked
    first = written(interface, *tables)
    assert written(interface, *reversed(tables)) is not None
    assert written(interface, *tables) == first
