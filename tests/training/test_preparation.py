# SPDX-License-Identifier: Apache-2.0
"""Preparation: numpy and ONNX give the same bits, and every option does what it says."""

from dataclasses import dataclass

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.training.preparation import Preparation, Prepare, UnusableFeatureError


@dataclass(frozen=True)
class Feature:
    name: str
    kind: str


def numbers(*values):
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32).reshape(-1, 1)


def categories(*values):
    return np.array(values, dtype=object).reshape(-1, 1)


def fit(prepare=None, **columns):
    features = [Feature(name, "category" if column.dtype == object else "number") for name, column in columns.items()]
    return Preparation.fit(columns, features, prepare or Prepare())


def by_onnx(preparation, columns):
    graph = preparation.graph()
    onnx.checker.check_model(graph, full_check=True)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(columns))[0]


odd = [0.0, -0.0, 1e-45, -1e-45, 1.1754944e-38, 3.4e38, -3.4e38, 1.0, np.nextafter(np.float32(1), np.float32(2)), 0.1, np.nan]
number = st.one_of(st.sampled_from(odd), st.floats(width=32, allow_infinity=False))
text = st.one_of(
    st.sampled_from(["", "a", "b", "？", "中文", "O'Neil", '"']), st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
)
prepares = st.builds(
    Prepare,
    missing=st.sampled_from(["median", "mean", "zero", "most-frequent"]),
    missing_category=st.sampled_from(["none", "most-frequent"]),
    outliers=st.sampled_from(["none", "clip", "clip-iqr"]),
    scale=st.sampled_from(["standard", "minmax", "robust", "none"]),
    encode=st.sampled_from(["one-hot", "ordinal"]),
    max_categories=st.integers(2, 5),
)


@st.composite
def tables(draw):
    """Columns to fit to and other columns to apply to, with names that people give."""
    name = st.sampled_from(["age", "hours per week", "年龄", 'the "quoted"', "/", "//x", "X", "n0", "c0", "a=b", "it's"])
    names = draw(st.lists(name, min_size=1, max_size=6, unique=True))
    kinds = [draw(st.sampled_from(["number", "category"])) for _ in names]

    def rows(count):
        values = {kind: st.lists(one, min_size=count, max_size=count) for kind, one in (("number", number), ("category", text))}
        columns = {name: draw(values[kind]) for name, kind in zip(names, kinds, strict=True)}
        return {
            name: (numbers if kind == "number" else categories)(*columns[name]) for name, kind in zip(names, kinds, strict=True)
        }

    train, other = rows(draw(st.integers(1, 8))), rows(draw(st.integers(1, 40)))
    return [Feature(*pair) for pair in zip(names, kinds, strict=True)], train, other


@settings(max_examples=150, deadline=None)
@given(tables(), prepares)
def test_numpy_and_onnx_give_the_same_bits(table, prepare):
    features, train, other = table
    try:
        preparation = Preparation.fit(train, features, prepare)
    except UnusableFeatureError:
        return
    for columns in (train, other):
        wanted = preparation.apply(columns)
        assert wanted.dtype == np.float32
        assert np.isfinite(wanted).all()
        assert wanted.shape[1] == len(preparation.names()) == len(preparation.sources())
        assert by_onnx(preparation, columns).tobytes() == wanted.tobytes()
    assert preparation.graph().SerializeToString(deterministic=True) == preparation.graph().SerializeToString(deterministic=True)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(preparation)), Preparation) == preparation


def test_the_graph_takes_the_features_under_their_own_names():
    preparation = fit(**{"hours per week": numbers(1, 2), "职业": categories("a", "b")})
    sides = {one.name: one.type.tensor_type.elem_type for one in preparation.graph().graph.input}
    assert sides == {"hours per week": onnx.TensorProto.FLOAT, "职业": onnx.TensorProto.STRING}


@pytest.mark.parametrize(("missing", "fill"), [("median", 2.0), ("mean", 4.0), ("zero", 0.0), ("most-frequent", 1.0)])
def test_a_missing_number_is_filled(missing, fill):
    preparation = fit(Prepare(missing=missing, scale="none"), x=numbers(1, 1, 3, 11, None))
    assert preparation.apply({"x": numbers(None)}).item() == fill


def test_a_missing_number_is_filled_with_the_median_before_it_is_scaled():
    preparation = fit(Prepare(), x=numbers(0, 2, 4, None))
    assert preparation.apply({"x": numbers(None)}).item() == 0.0


@pytest.mark.parametrize(
    ("scale", "wanted"),
    [("standard", [-1.0, 1.0]), ("minmax", [0.0, 1.0]), ("robust", [-1.0, 1.0]), ("none", [2.0, 6.0])],
)
def test_a_number_is_scaled(scale, wanted):
    assert fit(Prepare(scale=scale), x=numbers(2, 6)).apply({"x": numbers(2, 6)}).ravel().tolist() == wanted


def test_far_numbers_are_held_at_the_quantiles():
    column = numbers(*range(101))
    preparation = fit(Prepare(outliers="clip", scale="none"), x=column)
    assert preparation.apply({"x": numbers(-1e6, 50, 1e6)}).ravel().tolist() == [1.0, 50.0, 99.0]


def test_far_numbers_are_held_near_the_quartiles():
    preparation = fit(Prepare(outliers="clip-iqr", scale="none"), x=numbers(*range(5)))
    assert preparation.apply({"x": numbers(-1e6, 1e6)}).ravel().tolist() == [-2.0, 6.0]


def test_a_column_that_is_mostly_one_value_keeps_its_variation_when_it_is_clipped():
    column = numbers(*[0.0] * 95, *[100.0] * 5)
    for outliers in ("clip", "clip-iqr"):
        assert fit(Prepare(outliers=outliers, scale="none"), x=column).apply({"x": numbers(0, 100)}).ravel().tolist() == [
            0.0,
            100.0,
        ]
    for scale in ("standard", "robust", "minmax"):
        assert fit(Prepare(scale=scale), x=column).apply({"x": column}).std() < 10


def test_a_constant_column_becomes_zeros():
    assert fit(x=numbers(0.1, 0.1, 0.1)).apply({"x": numbers(0.1, 0.1)}).ravel().tolist() == [0.0, 0.0]


def test_known_values_have_a_column_each_and_unknown_and_missing_none():
    preparation = fit(job=categories("b", "a", "b", ""))
    assert preparation.names() == ["job=a", "job=b"]
    assert preparation.apply({"job": categories("a", "b", "new", "")}).tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_a_missing_category_can_become_the_most_frequent():
    preparation = fit(Prepare(missing_category="most-frequent"), job=categories("b", "a", "b", ""))
    assert preparation.apply({"job": categories("")}).tolist() == [[0, 1]]


def test_rare_and_new_values_share_a_column_when_there_are_too_many():
    preparation = fit(Prepare(max_categories=3), job=categories("a", "a", "b", "b", "c", "d"))
    assert preparation.names() == ["job=a", "job=b", "job (other)"]
    assert preparation.apply({"job": categories("b", "c", "new", "")}).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]]


def test_ordinal_codes_follow_the_alphabet():
    preparation = fit(Prepare(encode="ordinal", max_categories=3), job=categories("b", "a", "b", "a", "c", "d"))
    assert preparation.names() == ["job"]
    assert preparation.apply({"job": categories("a", "b", "c", "new", "")}).ravel().tolist() == [0, 1, 2, 2, -1]


def test_numbers_stand_first_and_every_column_knows_its_feature():
    preparation = fit(job=categories("a", "b"), age=numbers(1, 2))
    assert preparation.names() == ["age", "job=a", "job=b"]
    assert preparation.sources() == ["age", "job", "job"]


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"label": numbers(1, 2)}, "output of the model"),
        ({"probabilities": numbers(1, 2)}, "output of the model"),
        ({"": numbers(1, 2)}, "empty"),
        ({"age": numbers(None, None)}, "no value"),
        ({"job": categories("", "")}, "no value"),
        ({"age": numbers(1, float("inf"))}, "infinity"),
        ({}, "no feature"),
    ],
)
def test_a_feature_that_cannot_be_used_is_refused(columns, word):
    with pytest.raises(UnusableFeatureError, match=word):
        fit(**columns)


def test_a_feature_that_is_there_twice_is_refused():
    with pytest.raises(UnusableFeatureError, match="twice"):
        Preparation.fit({"age": numbers(1, 2)}, [Feature("age", "number")] * 2, Prepare())
