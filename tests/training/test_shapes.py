# SPDX-License-Identifier: Apache-2.0
"""A glass box is its terms: whoever reads `shapes.json` can compute every answer, and sees features as the data has them."""

from dataclasses import dataclass
from functools import cache

import msgspec
import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.training import graph
from modelward.training.preparation import Preparation, Prepare
from modelward.training.recipe import Inputs, configure
from modelward.training.recipes import RECIPES
from modelward.training.shapes import NO_VALUE, OTHER_VALUES, SHAPES_FILE, Shape, Shapes, draw_shapes, gathering, seen_features


@dataclass(frozen=True)
class Feature:
    name: str
    kind: str


FEATURES = (Feature("age", "number"), Feature("hours", "number"), Feature("town", "category"), Feature("member", "category"))
TOWNS = np.array(["north", "south", "east", "west", "", "hill"], dtype=object)


def people(rows, *, seed, classes=2):
    """Age and hours act together, the town by itself; whether somebody is a member does nothing."""
    random = np.random.default_rng(seed)
    age, hours = random.uniform(18, 80, rows), random.normal(40, 10, rows)
    hours[random.random(rows) < 0.05] = np.nan
    town = random.choice(len(TOWNS), rows, p=(0.3, 0.3, 0.2, 0.1, 0.05, 0.05))
    score = np.sin(age / 10) * 2 + ((age > 50) & (hours > 45)) * 2 + (town == 0) * 2 + random.logistic(size=rows) - 1.5
    columns = {
        "age": age.astype(np.float32).reshape(-1, 1),
        "hours": hours.astype(np.float32).reshape(-1, 1),
        "town": TOWNS[town].reshape(-1, 1),
        "member": random.choice(np.array(["true", "false"], dtype=object), (rows, 1)),
    }
    return columns, np.digitize(score, [0, 2][: classes - 1]).astype(np.int64)


@cache
def glass_box(encode="one-hot", classes=2, max_categories=4):
    """The served graph, and its terms as they lie beside it."""
    columns, labels = people(1500, seed=1, classes=classes)
    prepare = Prepare(encode=encode, max_categories=max_categories)
    preparation = Preparation.fit(columns, FEATURES, prepare)
    prepared = preparation.apply(columns)
    names = tuple(f"class {number}" for number in range(classes))
    inputs = Inputs(
        train=prepared,
        train_labels=labels,
        validation=prepared[:0],
        validation_labels=labels[:0],
        classes=names,
        seed=3,
        preparation=preparation,
    )
    made = configure(RECIPES.load("ebm"), name="ebm", parameters={"bags": 3, "interactions": 3}).make(inputs, lambda _: None)
    served = onnxruntime.InferenceSession(
        graph.finish(preparation.graph(), made.graph(), names), providers=["CPUExecutionProvider"]
    )
    return served, msgspec.json.decode(made.files[SHAPES_FILE], type=Shapes), preparation


def bin_of(axis, value, fill):
    """The bin of a value, by what `Axis` says of itself and nothing else."""
    if axis.cuts is not None:
        return int(np.searchsorted(axis.cuts, fill if np.isnan(value) else value, side="right"))
    known = value if value in axis.values else OTHER_VALUES if value and OTHER_VALUES in axis.values else NO_VALUE
    return axis.values.index(known)


def answered_by_hand(shapes, columns, fills):
    rows = len(next(iter(columns.values())))
    scores = np.zeros((rows, len(shapes.classes)))
    scores[:, len(shapes.classes) - len(shapes.scored) :] = shapes.intercept
    for row in range(rows):
        for term in shapes.terms:
            place = tuple(bin_of(axis, columns[axis.feature][row, 0], fills.get(axis.feature)) for axis in term.axes)
            for number, held in enumerate(term.scores):
                scores[row, len(shapes.classes) - len(shapes.scored) + number] += np.array(held)[place]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("encode", "classes"), [("one-hot", 2), ("ordinal", 2), ("one-hot", 3)])
def test_the_file_alone_answers_as_the_graph(encode, classes):
    served, shapes, preparation = glass_box(encode, classes)
    columns, _ = people(300, seed=2)
    columns["town"][:3, 0] = "never seen"
    by_hand = answered_by_hand(shapes, columns, {step.name: step.fill for step in preparation.numbers})
    assert np.abs(served.run(["probabilities"], columns)[0] - by_hand).max() < 1e-5


def test_terms_speak_of_features_in_their_own_units_and_values():
    _, shapes, _ = glass_box()
    terms = {tuple(axis.feature for axis in term.axes): term for term in shapes.terms}
    assert {("age",), ("hours",), ("town",), ("member",)} <= terms.keys()
    age, town = terms["age",].axes[0], terms["town",].axes[0]
    assert 17 < age.cuts[0] < age.cuts[-1] < 81
    assert list(age.cuts) == sorted(age.cuts)
    assert town.values == (NO_VALUE, "east", "north", "south", OTHER_VALUES)
    best = np.argmax(terms["town",].scores[0])
    assert town.values[best] == "north"


def test_terms_are_ordered_by_what_they_add_and_hold_an_error_for_every_score():
    _, shapes, _ = glass_box()
    importances = [term.importance for term in shapes.terms]
    assert importances == sorted(importances, reverse=True)
    assert {tuple(axis.feature for axis in shapes.terms[place].axes) for place in (0, 1)} == {("age",), ("town",)}
    for term in shapes.terms:
        assert np.shape(term.scores) == np.shape(term.errors) == (1, *(axis.bins for axis in term.axes))
        assert (np.array(term.errors) >= 0).all()
    assert np.max(shapes.terms[0].errors) > 0


def test_what_acts_together_is_found_among_the_pairs_of_two_classes_and_no_pair_is_learnt_of_three():
    pairs = [term for term in glass_box()[1].terms if len(term.axes) == 2]
    assert len(pairs) == 3
    assert {axis.feature for axis in pairs[0].axes} == {"age", "hours"}
    _, three, _ = glass_box("one-hot", 3)
    assert three.scored == three.classes
    assert all(len(term.axes) == 1 for term in three.terms)


def test_a_category_of_one_value_is_told_from_its_absence_however_it_is_encoded():
    columns = {"town": np.array([["north"], [""], ["new"]], dtype=object)}
    for encode in ("one-hot", "ordinal"):
        preparation = Preparation.fit({"town": columns["town"][:2]}, (Feature("town", "category"),), Prepare(encode=encode))
        weights, biases = gathering(seen_features(preparation, columns=1))
        assert (preparation.apply(columns) @ weights + biases).ravel().tolist() == [0, -1, -1]


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=12, unique=True),
    scores=st.integers(0, 2**32 - 1),
    rows=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
)
def test_a_row_falls_into_the_bin_that_begins_at_its_cut(cuts, scores, rows):
    """Also where a row lies on a cut, and where float32 has no such number."""
    edges = np.sort(np.array(cuts))
    rows = np.array([*rows, *edges.astype(np.float32)], dtype=np.float32).reshape(-1, 1)
    rows = rows[np.abs(rows[:, 0]) >= np.finfo(np.float32).tiny]
    steps = np.random.default_rng(scores).integers(0, 4, (len(edges) + 1, 1)).astype(np.float64)
    shape = Shape(places=(0,), cuts=(edges,), scores=steps, errors=steps, importance=1.0)
    seen = seen_features(None, columns=1)
    drawn = graph.estimator(
        lambda drawing, name: draw_shapes(drawing, name, seen=seen, shapes=[shape], base=np.zeros(2)), width=1, classes=2
    )
    session = onnxruntime.InferenceSession(drawn.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = steps[np.searchsorted(edges, rows[:, 0].astype(np.float64), side="right"), 0]
    assert session.run(None, {"X": rows})[0][:, 1].tolist() == wanted.tolist()
