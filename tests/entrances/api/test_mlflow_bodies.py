# SPDX-License-Identifier: Apache-2.0
"""The bodies of MLflow's protocol become the rows that they say, or are refused with the row and the feature."""

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.entrances.api.bodies import MalformedBodyError
from modelward.entrances.api.mlflow_bodies import read_json, read_plain, table_of, table_of_csv
from modelward.registry import Feature, Interface, InvalidRowsError
from serving.tiny import INTERFACE

NAMES = ["age", "hours", "sector"]
ROWS = [[40, 38.5, "public"], [None, 5.0, None], [71.25, 12, "unheard of"]]
RECORDS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
COLUMNS = {name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)}
SINGLE = Interface(features=(Feature("age", "number", nullable=True),), target="t", classes=("a", "b"))
PROSE = Interface(features=(Feature("review", "text", length=9),), target="t", classes=("a", "b"))
MORE_PROSE = Interface(
    features=(Feature("review", "text", length=9, nullable=True), Feature("n", "number")), target="t", classes=("a", "b")
)
SECRET = "very-secret-payload"


def read(body, interface=INTERFACE):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return table_of(read_json(data, depth_limit=32), interface)


def held(table):
    return [list(numbers) for numbers in table.numbers], [list(texts) for texts in table.others]


EXPECTED = held(INTERFACE.table_of_rows(RECORDS))


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "data": ROWS}},
        {"dataframe_split": {"index": [7, "x", None], "columns": NAMES, "data": ROWS}},
        {"dataframe_split": {"columns": NAMES[::-1], "data": [row[::-1] for row in ROWS]}},
        {"dataframe_split": {"columns": [0, 1, 2], "data": ROWS}},
        {"dataframe_split": {"data": ROWS}},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"instances": ROWS},
        {"inputs": RECORDS},
        {"inputs": ROWS},
        {"inputs": COLUMNS},
        {"inputs": {name: [[value] for value in values] for name, values in COLUMNS.items()}},
        {"inputs": ROWS, "params": {}},
        {"inputs": ROWS, "params": None},
    ],
    ids=str,
)
def test_every_shape_says_the_same_rows(body):
    assert held(read(body)) == EXPECTED


def test_one_row_of_named_values_needs_no_brackets():
    assert held(read({"inputs": RECORDS[0]})) == held(INTERFACE.table_of_rows(RECORDS[:1]))


@pytest.mark.parametrize("shape", ["inputs", "instances"])
def test_values_without_brackets_are_the_rows_of_a_model_with_one_feature(shape):
    assert held(read({shape: [1, None, 2.5]}, SINGLE)) == held(SINGLE.table_of_rows([{"age": 1}, {"age": None}, {"age": 2.5}]))
    with pytest.raises(InvalidRowsError, match="takes 3 features"):
        read({shape: [40, 38.5, "public"]})


def test_the_word_nan_is_a_missing_value_outside_of_texts_only():
    body = json.dumps({"dataframe_split": {"columns": NAMES, "data": [[float("nan"), 5.0, 'a "NaN" \\'], [1, 2, float("nan")]]}})
    assert "NaN, 5.0" in body
    expected = INTERFACE.table_of_rows([
        {"age": None, "hours": 5.0, "sector": 'a "NaN" \\'},
        {"age": 1, "hours": 2, "sector": None},
    ])  # fmt: skip
    assert held(read(body.encode())) == held(expected)
    with pytest.raises(InvalidRowsError, match="Row 1: feature 'hours' is null"):
        read(b'{"inputs": [[NaN, NaN, "x"]]}')


@pytest.mark.parametrize("word", ["Infinity", "-Infinity"])
def test_the_word_infinity_is_refused(word):
    with pytest.raises(MalformedBodyError, match="infinite number"):
        read(b'{"inputs": [[%s, 1, "x"]]}' % word.encode())


@given(st.recursive(st.none() | st.booleans() | st.floats(width=16) | st.text(), lambda inner: st.lists(inner), max_leaves=8))
def test_reading_the_word_nan_changes_nothing_else(values):
    text = json.dumps({"inputs": [values]}, ensure_ascii=False)
    has_infinity = any(word in json.dumps(_words(values)) for word in ["Infinity"])
    if has_infinity:
        with pytest.raises(MalformedBodyError):
            read_json(text.encode("utf-8", "surrogatepass"), depth_limit=200)
    elif text.isascii() or text.encode("utf-8", "replace").decode() == text:
        assert read_json(text.encode(), depth_limit=200).inputs == [_without_nan(values)]


def _words(values):
    """The values without their texts, which may hold any word."""
    if isinstance(values, list):
        return [_words(value) for value in values]
    return None if isinstance(values, str) else values


def _without_nan(values):
    if isinstance(values, list):
        return [_without_nan(value) for value in values]
    return None if isinstance(values, float) and values != values else values


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "exactly one of dataframe_split, dataframe_records, instances, inputs. It has none"),
        ({"inputs": ROWS, "instances": ROWS}, "It has instances and inputs"),
        ({"messages": []}, "unknown field"),
        ({"inputs": None}, "inputs"),
        ({"inputs": 1}, "inputs"),
        ([ROWS], "shape"),
        (b'{"inputs": [[1,', "not valid JSON"),
        (b'{"inputs": "\xff"}', "not"),
        ({"dataframe_split": {"columns": NAMES}}, "data"),
        ({"dataframe_split": {"columns": NAMES, "data": ROWS, "more": 1}}, "unknown field"),
        ({"dataframe_records": {"age": [1]}}, "dataframe_records"),
        ({"inputs": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}, "deeper than 32"),
    ],
    ids=str,
)
def test_a_body_that_is_no_question_is_refused(body, told):
    with pytest.raises(MalformedBodyError, match=told):
        read(body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"inputs": []}, "no rows"),
        ({"inputs": {}}, "lacks"),
        ({"inputs": {name: [] for name in NAMES}}, "no rows"),
        ({"dataframe_split": {"columns": NAMES, "data": []}}, "no rows"),
        ({"dataframe_records": []}, "no rows"),
        ({"inputs": [ROWS[0], [1, 2]]}, "Row 2 has 2 values, and the version takes 3"),
        ({"inputs": [ROWS[0], RECORDS[0]]}, "Row 2 is of another kind than row 1"),
        ({"instances": [RECORDS[0], 5]}, "Row 2 is of another kind than row 1"),
        ({"inputs": [SECRET]}, "takes 3 features"),
        ({"inputs": [[1, SECRET, "x"]]}, "Row 1: feature 'hours' must be a number and is text"),
        ({"inputs": [ROWS[0], [True, 1, "x"]]}, "Row 2: feature 'age' must be a number and is true or false"),
        ({"inputs": [[1, 1e39, "x"]]}, "Row 1: feature 'hours' is not finite or beyond"),
        ({"inputs": [[1, [2], "x"]]}, "Row 1: feature 'hours' must be a number and is a list"),
        ({"inputs": [[1, 2, 3]]}, "Row 1: feature 'sector' must be text and is a number"),
        ({"inputs": [{"age": 1, "hours": 2}]}, "Row 1 lacks the feature 'sector'"),
        ({"inputs": [{**RECORDS[0], "sectr": 1}]}, "feature 'sectr' is unknown"),
        ({"inputs": {**COLUMNS, "age": [1, 2]}}, "column 'age' has 2 rows and another has 3"),
        ({"inputs": {**COLUMNS, "age": 1}}, "column 'age' is no list, and others are"),
        ({"inputs": {**COLUMNS, "age": [[1], [2, 3], [4]]}}, "Row 2: the column 'age' must have the shape"),
        ({"inputs": {**COLUMNS, "age": [[1], 2, [4]]}}, "Row 2: the column 'age' must have the shape"),
        ({"inputs": {"age": COLUMNS["age"], "hours": COLUMNS["hours"]}}, "lacks the feature 'sector'"),
        ({"dataframe_split": {"columns": ["age", "hours", "age"], "data": ROWS}}, "More than one column is called 'age'"),
        ({"dataframe_split": {"columns": NAMES[::-1], "data": [[1, 2]]}}, "Row 1 has 2 values, and there are 3 columns"),
        ({"dataframe_split": {"columns": ["age", 1, "sector"], "data": ROWS}}, "a name that is no text"),
        ({"dataframe_split": {"columns": ["age", "", "sector"], "data": ROWS}}, "Column 2 of 3 has no name"),
        ({"dataframe_split": {"columns": NAMES, "index": [1], "data": ROWS}}, "index names 1 rows, and the data has 3"),
    ],
    ids=str,
)  # fmt: skip
def test_rows_that_do_not_fit_are_refused_by_row_and_feature(body, told):
    with pytest.raises(InvalidRowsError, match=told) as refused:
        read(body)
    assert SECRET not in str(refused.value)


def written(rows, names=NAMES) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(names)
    writer.writerows(rows)
    return sink.getvalue().encode()


def test_csv_says_the_same_rows():
    assert held(table_of_csv(written(ROWS), INTERFACE)) == EXPECTED
    assert held(table_of_csv(b"\xef\xbb\xbf" + written([row[::-1] for row in ROWS], NAMES[::-1]), INTERFACE)) == EXPECTED
    assert held(table_of_csv(b"hours, age ,sector\r\n\r\n38.5, 40.0 , public\n", INTERFACE)) == held(
        INTERFACE.table_of_rows(RECORDS[:1])
    )


@pytest.mark.parametrize("word", ["", "?", "NA", "N/A", "null", "NULL", "NaN", "nan", "None"])
def test_a_csv_says_in_words_that_a_value_is_missing(word):
    table = table_of_csv(f"age,hours,sector\n{word},5,{word}\n".encode(), INTERFACE)
    assert held(table) == held(INTERFACE.table_of_rows([RECORDS[1]]))


def test_a_category_that_looks_like_a_number_or_a_truth_is_text():
    table = table_of_csv(b"age,hours,sector\n1,2,007\n1,2,True\n", INTERFACE)
    assert held(table)[1] == [["007"], ["true"]]


def test_a_text_is_taken_as_it_is_written_in_every_shape():
    told = ["?", "NA", "TRUE", " two\r\nlines, 第二行", "x" * 200_000]
    expected = held(PROSE.table_of_rows([{"review": text} for text in told]))
    sink = io.StringIO()
    csv.writer(sink).writerows([["review"], *([text] for text in told)])
    by_csv = held(table_of_csv(sink.getvalue().encode(), PROSE))
    assert [[text.strip() for text in row] for row in by_csv[1]] == [[text.strip() for text in row] for row in expected[1]]
    for body in (
        {"dataframe_split": {"columns": ["review"], "data": [[text] for text in told]}},
        {"dataframe_records": [{"review": text} for text in told]},
        {"instances": told},
        {"inputs": {"review": told}},
    ):
        assert held(read(body, PROSE)) == expected


def test_a_text_that_is_missing_in_a_csv_is_refused_where_the_version_does_not_take_it():
    assert held(table_of_csv(b'review,n\n"",1\n', MORE_PROSE))[1] == [[""]]
    with pytest.raises(InvalidRowsError, match="Row 2: feature 'review' is empty"):
        table_of_csv(b'review\nfine\n"  "\n', PROSE)


def test_a_column_alone_may_have_missing_values():
    assert held(table_of_csv(b'age\n1\n""\n\n2\n', SINGLE))[0] == [[1.0], [None], [2.0]]


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (b"", MalformedBodyError, "empty"),
        (b"\n1,2,x\n", MalformedBodyError, "empty"),
        (b"age,hours,sector\n", InvalidRowsError, "no rows"),
        (b"\xff\xfe", MalformedBodyError, "byte 0"),
        (b'age,hours,sector\n1,2,"never closed\n', MalformedBodyError, "not well-formed"),
        (b"age,hours,sector\n1,2\n", InvalidRowsError, "Row 1 has 2 values, and there are 3 columns"),
        (b",age,hours,sector\n0,1,2,x\n", InvalidRowsError, "Column 1 of 4 has no name"),
        (b"age,age,sector\n0,1,x\n", InvalidRowsError, "More than one column is called 'age'"),
        (b"age,hours,sectr\n0,1,x\n", InvalidRowsError, "'sectr' is unknown"),
        (b"age,hours,sector,more\n0,1,x,y\n", InvalidRowsError, "'more' is unknown"),
        (b"age,hours,sector\n1,1,x\n0,%s,x\n" % SECRET.encode(), InvalidRowsError, "Row 2: feature 'hours' must be a number"),
        (b"age,hours,sector\n0,inf,x\n", InvalidRowsError, "Row 1: feature 'hours' must be a number"),
        (b"age,hours,sector\n0,1_000,x\n", InvalidRowsError, "Row 1: feature 'hours' must be a number"),
        (b"age,hours,sector\n0,1e39,x\n", InvalidRowsError, "Row 1: feature 'hours' is not finite"),
        (b"age,hours,sector\n0,,x\n", InvalidRowsError, "Row 1: feature 'hours' is null"),
        (b"age,hours,sector\n" + b"0,1," + b"x" * 1_100_000, MalformedBodyError, "not well-formed"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_csv_that_does_not_fit_is_refused(body, kind, told):
    with pytest.raises(kind, match=told) as refused:
        table_of_csv(body, INTERFACE)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"39,40,%s", "column 1 has a number there. Write the names of the features: age, hours, sector."),
        (b"%s,secret,hidden", "none of its 3 columns is a feature"),
        (b"age,-4.5e1,%s", "column 2 has a number there"),
        (b"%s,%s,7", "column 3 has a number there"),
        (b"%s", "none of its 1 columns is a feature"),
    ],
)
def test_a_csv_without_names_hears_no_value_of_its_first_row(line, told):
    with pytest.raises(InvalidRowsError, match=re.escape(told)) as refused:
        table_of_csv(line.replace(b"%s", SECRET.encode()) + b"\n41,42,public\n", INTERFACE)
    assert not any(value in str(refused.value) for value in (SECRET, "39", "40", "4.5", "secret", "hidden"))


def test_features_that_are_called_by_numbers_are_names():
    numbered = Interface(features=(Feature("0", "number"), Feature("1", "number")), target="t", classes=("no", "yes"))
    assert held(table_of_csv(b"1,0\n5,6\n", numbered))[0] == [[6.0, 5.0]]


def test_a_long_text_of_quotation_marks_is_read_at_once():
    """What is searched for numbers' words is read once, however it is quoted."""
    with pytest.raises(MalformedBodyError):
        read(b'{"inputs": ["' + rb"\"" * 500_000 + b"NaN")


PAIR = Interface(features=(Feature("a", "number", nullable=True), Feature("b", "number")), target="t", classes=("no", "yes"))
VALUES = st.one_of(st.floats(-100, 100), st.integers(-(2**70), 2**70), st.sampled_from([0, 1e39, -1e39, True, None, "1", [1]]))
MATRICES = st.lists(st.lists(VALUES, min_size=1, max_size=3) | st.lists(st.floats(-9, 9), min_size=2, max_size=2), max_size=3)


@given(
    MATRICES,
    st.sampled_from(["inputs", "instances", "dataframe_split"]),
    st.sampled_from([["a", "b"], ["b", "a"], ["a"]]),
    st.sampled_from([None, [0, 1], []]),
)
def test_what_is_read_in_one_go_is_what_a_closer_look_finds(rows, shape, columns, index):
    held_rows = {"columns": columns, "data": rows} | ({} if index is None else {"index": index})
    body = json.dumps({shape: held_rows if shape == "dataframe_split" else rows, "params": {"x": "1"}}).encode()
    plain = read_plain(body, PAIR)
    try:
        looked = read(body, PAIR)
    except InvalidRowsError:
        assert plain is None
        return
    if plain is not None:
        assert held(plain[0]) == held(looked)
        assert plain[1] == {"x": "1"}


@pytest.mark.parametrize("shape", ['"inputs": [[1, 2]]', '"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}'])
def test_params_are_no_deeper_than_the_limit_however_plain_the_rows_are(shape):
    body = b'{%b, "params": {"predict_method": %b}}' % (shape.encode(), b"[" * 33 + b"]" * 33)
    assert read_plain(body, PAIR) is None
    with pytest.raises(MalformedBodyError, match="deeper than 32"):
        read(body, PAIR)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [[1, 2.5], [3, 4]]},
        {"inputs": [[1, 2]], "params": {"predict_method": "predict_proba"}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2.5]]}},
        {"dataframe_split": {"index": [0, 1], "columns": ["a", "b"], "data": [[1, 2.5], [3, 4]]}},
    ],
    ids=str,
)
def test_what_programs_ask_most_is_read_in_one_go(body):
    plain = read_plain(json.dumps(body).encode(), PAIR)
    assert plain is not None
    assert held(plain[0]) == held(read(body, PAIR))
    assert plain[1] == body.get("params")
