# SPDX-License-Identifier: Apache-2.0
"""The generators here give back rows of a table that the test chose, so that what must be said of them is known beforehand."""

from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

from assessment import echo
from modelward.assessment import ASSESSORS, ClauseVerdict
from modelward.assessment.assessor import Originals, RealRows
from modelward.registry import Feature, Interface, OpenVersion

DIGITS = tuple("0123456789")
PIXELS = tuple(f"p{place}" for place in range(64))
COPIES, PULL = "generation.copies", "generation.pull"


def player(rows, labels, *, classes, **answer):
    """A version that answers a class and the seed s with the row of that class at the place s, and begins again behind the last."""
    fewest = min(np.bincount(labels))
    table = np.stack([rows[labels == label][:fewest] for label in range(len(classes))]).astype(np.float32)
    interface = Interface(
        (Feature("seed", "number"), Feature("kind", "category", categories=classes)), "kind", answer="values", **answer
    )
    constants = {"table": table, "many": np.int64(fewest), "shape": np.array([-1, *interface.shape], dtype=np.int64)}
    nodes = [
        helper.make_node(
            "LabelEncoder", ["kind"], ["code"], domain="ai.onnx.ml", keys_strings=classes, values_int64s=range(len(classes))
        ),
        helper.make_node("Cast", ["seed"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mod", ["whole", "many"], ["place"]),
        helper.make_node("Concat", ["code", "place"], ["where"], axis=1),
        helper.make_node("GatherND", ["table", "where"], ["row"]),
        helper.make_node("Reshape", ["row", "shape"], ["values"]),
    ]
    ends = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in (("seed", 1), ("kind", 8))]
    values = helper.make_tensor_value_info("values", TensorProto.FLOAT, [None, *interface.shape])
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(helper.make_graph(nodes, "player", ends, [values], kept), opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    version = replace(echo.opened().version, interface=interface, digest="e" * 64)
    return OpenVersion(version, model.SerializeToString())


def found(version, originals):
    sample = replace(echo.calibrated(len(originals.held_out.labels), seed=1), originals=originals)
    return {clause.id: clause for clause in ASSESSORS.load("generation")().assess(version, sample).clauses}


@cache
def digits():
    """Rows to learn from, rows held out, and as many more that nobody saw."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(5).permutation(len(labels))
    return [(pixels[part], labels[part].astype(np.int64)) for part in np.split(order, [700, 1100])]


def real(pixels, labels):
    return RealRows(dict(zip(PIXELS, pixels.T, strict=True)), labels)


@cache
def said(kind):
    (learned, labels), held_out, (fresh, fresh_labels) = digits()
    random = np.random.default_rng(6)
    rows, of = {
        "unseen": (fresh, fresh_labels),
        "copies": (learned, labels),
        "blurred copies": (learned + random.normal(0, 0.2, learned.shape), labels),
        "few modes": (np.concatenate([fresh[fresh_labels == each][:4] for each in range(10)]), np.repeat(np.arange(10), 4)),
        "noise": (random.uniform(0, 16, fresh.shape), fresh_labels),
        "mislabelled": (fresh, (fresh_labels + 1) % 10),
    }[kind]
    return found(player(rows, of, classes=DIGITS, shape=(8, 8)), Originals(real(learned, labels), real(*held_out)))


def test_rows_that_nobody_saw_are_as_good_as_real_ones_and_no_memory():
    clauses = said("unseen")
    assert clauses[COPIES].estimate == 0
    assert clauses[PULL].verdict is ClauseVerdict.PASSED
    assert clauses[PULL].low < 0.1
    assert clauses["generation.coverage"].high > clauses["generation.coverage_by_real"].low
    assert clauses["generation.density"].estimate == pytest.approx(1, abs=0.15)
    assert clauses["generation.accuracy_taught"].low > 0.9
    assert clauses["generation.accuracy_lost"].estimate < 0.04


def test_a_generator_that_gives_back_training_rows_is_called_out():
    clauses = said("copies")
    assert clauses[COPIES].estimate == 1
    assert clauses[COPIES].verdict is ClauseVerdict.FAILED
    assert clauses[PULL].estimate > 0.95
    assert clauses[PULL].verdict is ClauseVerdict.FAILED
    assert clauses["generation.coverage"].estimate > 0.9, "copies are as varied as real rows, which is why they are asked for"


def test_copies_that_were_changed_a_little_are_called_out_too():
    clauses = said("blurred copies")
    assert clauses[COPIES].estimate == 0
    assert clauses[PULL].estimate > 0.9
    assert clauses[PULL].verdict is ClauseVerdict.FAILED


def test_a_generator_that_knows_few_rows_covers_little():
    clauses = said("few modes")
    assert clauses["generation.coverage"].high < 0.6 * clauses["generation.coverage_by_real"].low
    assert clauses["generation.density"].low > 0.7, "each of its rows is like a real one"
    assert clauses[PULL].verdict is ClauseVerdict.PASSED


def test_noise_is_like_nothing_and_teaches_nothing():
    clauses = said("noise")
    assert clauses["generation.density"].high < 0.01
    assert clauses["generation.coverage"].high < 0.1
    assert clauses["generation.accuracy_taught"].high < 0.5
    assert clauses["generation.marginal_distance"].low > said("unseen")["generation.marginal_distance"].high
    assert clauses["generation.correlation_distance"].low > said("unseen")["generation.correlation_distance"].high


def test_rows_of_the_wrong_class_look_right_and_teach_wrong():
    clauses = said("mislabelled")
    assert clauses["generation.density"].estimate == pytest.approx(1, abs=0.15)
    assert clauses["generation.accuracy_taught"].high < 0.1
    assert clauses["generation.accuracy_lost"].low > 0.8


def people(rows, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    age = random.integers(18, 80, rows) + 10.0 * labels
    town = random.choice(["", "north", "south"], rows, p=[0.1, 0.5, 0.4])
    income = np.where(random.random(rows) < 0.1, np.nan, age * 100 + random.normal(0, 50, rows))
    return RealRows({"age": age, "town": town, "income": income}, labels)


def test_a_table_is_compared_in_its_own_categories_and_missing_numbers_do_no_harm():
    towns = ("", "north", "south")
    learned, held_out, fresh = (people(800, seed) for seed in (1, 2, 3))
    income = np.nan_to_num(fresh.columns["income"], nan=5000.0)
    values = np.stack([fresh.columns["age"], np.searchsorted(towns, fresh.columns["town"]), income], axis=1)
    named = {"shape": (3,), "values": ("age", "town", "income"), "categories": ((), towns, ())}
    clauses = found(player(values, fresh.labels, classes=("no", "yes"), **named), Originals(learned, held_out))
    assert clauses["generation.marginal_distance"].estimate < 0.06
    assert clauses["generation.correlation_distance"].estimate < 0.08
    values[:, 1] = 1
    collapsed = found(player(values, fresh.labels, classes=("no", "yes"), **named), Originals(learned, held_out))
    assert collapsed["generation.marginal_distance"].low > clauses["generation.marginal_distance"].high
    assert collapsed["generation.coverage"].high < clauses["generation.coverage"].low


def test_rows_that_repeat_by_nature_are_no_copies():
    """With so few values, test rows equal training rows as well."""
    coarse = [RealRows({"age": people(800, seed).columns["age"] // 30}, people(800, seed).labels) for seed in (1, 2, 3)]
    values = coarse[2].columns["age"][:, None]
    clauses = found(player(values, coarse[2].labels, classes=("no", "yes"), shape=(1,), values=("age",)), Originals(*coarse[:2]))
    assert clauses[COPIES].estimate == 0
    assert clauses[COPIES].verdict is ClauseVerdict.PASSED
    assert clauses[PULL].estimate == pytest.approx(0, abs=1e-9)


def test_too_few_rows_to_compare_are_not_measured():
    (learned, labels), (held_out, of), _ = digits()
    clauses = found(
        player(learned, labels, classes=DIGITS, shape=(8, 8)), Originals(real(learned, labels), real(held_out[:20], of[:20]))
    )
    assert {clause.verdict for clause in clauses.values()} == {ClauseVerdict.NOT_MEASURABLE}
