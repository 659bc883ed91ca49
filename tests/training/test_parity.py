# SPDX-License-Identifier: Apache-2.0
"""A graph that does not answer as its estimator is refused, with the rows that show it."""

import dataclasses
from dataclasses import dataclass
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.errors import RefusedError
from modelward.training import graph, parity
from modelward.training.graph import Drawing, estimator
from modelward.training.preparation import Preparation, Prepare
from modelward.training.recipe import Inputs, Made, configure
from modelward.training.recipes import RECIPES
from modelward.training.trees import Tree, draw_trees, float32_at_most, of_scikit_learn

CLASSES = ("no", "yes")


@dataclass(frozen=True)
class Feature:
    name: str
    kind: str = "number"


@cache
def trained(recipe):
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=(200, 1)).astype(np.float32) for name in ("one", "two")}
    labels = (columns["one"] + columns["two"] > 0).astype(np.int64).ravel()
    preparation = Preparation.fit(columns, [Feature("one"), Feature("two")], Prepare())
    rows = preparation.apply(columns)
    inputs = Inputs(train=rows, train_labels=labels, validation=rows, validation_labels=labels, classes=CLASSES)
    made = configure(RECIPES.load(recipe), name=recipe, parameters={}).make(inputs, lambda *_: None)
    return preparation, made, columns


def broken(model, change):
    """A copy of `model` in which `change` was made to the first constant that holds weights."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    constant = copy.graph.initializer[0]
    constant.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(constant).copy()), constant.name))
    return copy


def test_an_honest_graph_passes():
    preparation, made, columns = trained("logistic-regression")
    report = parity.check(graph.finish(preparation.graph(), made.graph(), CLASSES), preparation, made, columns)
    assert (report.rows, report.differing) == (200, ())
    assert report.worst < 1e-6
    report.require("logistic-regression")


def test_a_graph_with_one_changed_weight_is_refused_with_its_rows():
    preparation, made, columns = trained("logistic-regression")

    def change(weights):
        weights[0, 1] += 0.01
        return weights

    report = parity.check(graph.finish(preparation.graph(), broken(made.graph(), change), CLASSES), preparation, made, columns)
    assert len(report.differing) > 100
    assert report.worst > parity.TOLERANCE
    first = ", ".join(map(str, report.differing[:10]))
    with pytest.raises(
        parity.ParityError, match=rf"'logistic-regression'.*{len(report.differing)} of 200 rows \(the first: {first}\)"
    ):
        report.require("logistic-regression")
    assert issubclass(parity.ParityError, RefusedError)


def test_a_graph_with_another_preparation_is_refused():
    preparation, made, columns = trained("decision-tree")
    shifted = dataclasses.replace(preparation.numbers[0], shift=preparation.numbers[0].shift + 0.5)
    other = dataclasses.replace(preparation, numbers=(shifted, preparation.numbers[1]))
    assert parity.check(graph.finish(other.graph(), made.graph(), CLASSES), preparation, made, columns).differing


def test_a_graph_that_gives_no_number_is_refused():
    preparation, made, columns = trained("logistic-regression")
    nothing = broken(made.graph(), lambda weights: weights * np.float32(np.nan))
    report = parity.check(graph.finish(preparation.graph(), nothing, CLASSES), preparation, made, columns)
    assert len(report.differing) == 200
    assert report.worst == 1.0


def test_a_tree_trained_on_float64_is_refused_and_one_trained_on_float32_is_not():
    """Account numbers: float64 tells them apart, the float32 that is served does not."""
    from sklearn.tree import DecisionTreeClassifier

    accounts, labels = np.repeat([[1e9], [1e9 + 1]], 20, axis=0), np.repeat([0, 1], 20)
    columns = {"account": accounts.astype(np.float32)}
    preparation = Preparation.fit(columns, [Feature("account")], Prepare())
    reports = []
    for rows in (accounts - 1e9, preparation.apply(columns)):
        fitted = DecisionTreeClassifier(random_state=0).fit(rows, labels)
        answer = Made(predict=lambda _, rows=rows, fitted=fitted: fitted.predict_proba(rows), graph=lambda: None, parameters=1)
        reports.append(parity.check(graph.finish(preparation.graph(), drawn(fitted), CLASSES), preparation, answer, columns))
    assert reports[0].differing == tuple(range(20, 40))
    assert reports[0].worst == 1.0
    assert reports[1].differing == ()


def drawn(fitted):
    tree = of_scikit_learn(fitted.tree_)
    return estimator(lambda drawing, rows: draw_trees(drawing, rows, trees=[tree], base=np.zeros(2)), width=1, classes=2)


finite = st.floats(width=64, allow_nan=False, min_value=-3e38, max_value=3e38)


@given(finite, st.integers(-2, 2))
def test_a_float32_threshold_sends_every_float32_where_the_float64_one_did(threshold, steps):
    value = np.float32(threshold)
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.float32(np.inf) * np.float32(np.sign(steps)))
    rounded = float32_at_most(np.array([threshold]))[0]
    assert bool(value <= rounded) == bool(np.float64(value) <= threshold)


def test_rounding_to_the_nearest_would_send_some_the_other_way():
    threshold = np.nextafter(np.float64(np.float32(0.1)), 0)
    assert np.float32(0.1) <= np.float32(threshold)
    assert not np.float32(0.1) <= float32_at_most(np.array([threshold]))[0]


def test_a_row_exactly_above_a_boosted_threshold_goes_right():
    """The float64 thresholds of gradient boosting lie anywhere; data that meets them must not flip."""
    threshold = np.nextafter(np.float64(np.float32(0.1)), 0)
    tree = Tree(
        feature=np.array([0, 0, 0]),
        threshold=np.array([threshold, 0.0, 0.0]),
        left=np.array([1, 0, 0]),
        right=np.array([2, 0, 0]),
        is_leaf=np.array([False, True, True]),
        values=np.array([[0.0], [-1.0], [1.0]]),
    )
    drawing = Drawing()
    out = draw_trees(drawing, "X", trees=[tree], base=np.zeros(1))
    model = drawing.finish({"X": (1, ("N", 1))}, {out: (1, ("N", 1))})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rows = np.array([[np.nextafter(np.float32(0.1), np.float32(0))], [0.1]], dtype=np.float32)
    assert session.run(None, {"X": rows})[0].ravel().tolist() == [-1.0, 1.0]


def test_the_graph_holds_nothing_of_the_machine():
    preparation, made, _ = trained("random-forest")
    model = onnx.ModelProto.FromString(graph.finish(preparation.graph(), made.graph(), CLASSES))
    assert (model.producer_name, model.producer_version, model.domain, model.doc_string) == ("modelward", "", "", "")
    assert list(model.metadata_props) == []
    assert {one.domain: one.version for one in model.opset_import} == {"": 21, "ai.onnx.ml": 3}
    assert model.ir_version == 10
    assert [one.name for one in model.graph.output] == ["label", "probabilities"]


def test_a_graph_beyond_the_limit_is_refused():
    preparation, made, _ = trained("random-forest")
    with pytest.raises(graph.GraphTooLargeError, match=r"10,000 is the limit.*fewer trees"):
        graph.finish(preparation.graph(), made.graph(), CLASSES, limit_bytes=10_000)
