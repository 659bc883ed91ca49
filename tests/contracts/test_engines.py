# SPDX-License-Identifier: Apache-2.0
"""What every engine and every explainer of the tables promises."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelward.errors import ModelwardError
from modelward.registry import GRAPH_FILE, Columns, Feature, Interface, Registry
from modelward.serving import ENGINES, EXPLAINERS
from serving.tiny import BACKGROUND, LINEAGE, ROW, register

FEATURES = 24
WIDE = Interface(
    features=tuple(Feature(f"x{at}", "number", minimum=-1.0, maximum=1.0) for at in range(FEATURES)),
    target="y",
    classes=("no", "yes"),
)


def linear_graph(*, is_turned: bool = False) -> bytes:
    """The linear classifier of scikit-learn's logistic regressions, whose sums depend on how many rows come together."""
    names = WIDE.names[::-1] if is_turned else WIDE.names
    weights = np.random.default_rng(1).normal(size=(2, FEATURES)).astype(np.float32)
    weights[0] = -weights[1]
    classifier = {
        "coefficients": weights.ravel(),
        "intercepts": [0.1, -0.1],
        "post_transform": "SOFTMAX",
        "classlabels_ints": [0, 1],
    }
    nodes = [
        helper.make_node("Concat", names, ["row"], axis=1),
        helper.make_node("LinearClassifier", ["row"], ["place", "probabilities"], domain="ai.onnx.ml", **classifier),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in names]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(helper.make_graph(nodes, "wide", inputs, outputs), opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(made)
    return made.SerializeToString()


@pytest.fixture(params=ENGINES.names())
def kind(request):
    return ENGINES.load(request.param)


@pytest.fixture
def registry(database, vault, ledger, keyring):
    database.create_tables()
    return Registry(database, vault, ledger, keyring)


@pytest.fixture
def tiny(registry, admin):
    return registry.open(register(registry, by=admin))


@pytest.fixture
def wide(registry, admin):
    version = registry.register(
        "wide", {GRAPH_FILE: linear_graph()}, lineage=LINEAGE, interface=WIDE, purpose="tests", owner="tester", facts={}, by=admin
    )
    return registry.open(version)


def wide_columns(rows):
    numbers = np.random.default_rng(2).normal(size=(rows, len(WIDE.features))).astype(np.float32)
    return Columns(tuple(WIDE.names), numbers, {})


def cut(columns, start, stop):
    return Columns(columns.number_names, columns.numbers[start:stop], columns.others)


def test_a_row_gets_the_same_bits_alone_and_in_any_company(kind, wide):
    engine, columns = kind(wide), wide_columns(300)
    together = engine.answers(columns)
    for size in (1, 2, 7, 64):
        parts = [engine.answers(cut(columns, at, at + size)) for at in range(0, 300, size)]
        assert np.array_equal(np.concatenate(parts), together), size


@pytest.mark.parametrize("is_turned", [False, True], ids=["in the order of the features", "in another order"])
def test_numbers_that_lie_side_by_side_are_the_same_as_columns(registry, admin, is_turned):
    files = {GRAPH_FILE: linear_graph(is_turned=is_turned)}
    named = {"interface": WIDE, "purpose": "tests", "owner": "tester", "facts": {}}
    opened = registry.open(registry.register("wide", files, lineage=LINEAGE, by=admin, **named))
    columns = wide_columns(65)
    apart = {name: columns[name] for name in columns}
    assert {name: values.tobytes() for name, values in columns.apart().items()} == {
        name: values.tobytes() for name, values in apart.items()
    }
    assert opened.predict(columns).tobytes() == opened.predict(apart).tobytes()


def test_answers_are_probabilities_of_every_class(kind, wide):
    answers = kind(wide).answers(wide_columns(50))
    assert answers.shape == (50, 2)
    assert answers.dtype == np.float32
    assert (answers >= 0).all()
    assert answers.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)


def test_many_threads_get_what_one_gets(kind, wide):
    engine, columns = kind(wide), wide_columns(200)
    expected = engine.answers(columns)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda at: engine.answers(cut(columns, at, at + 1)), range(200)))
    assert np.array_equal(np.concatenate(found), expected)


def test_what_was_asked_is_left_as_it_was(kind, tiny):
    columns = tiny.interface.encode([tiny.interface.table_of_rows([ROW])]).columns
    before = {name: values.copy() for name, values in columns.items()}
    kind(tiny).answers(columns)
    assert all(np.array_equal(columns[name], before[name]) for name in before)


def test_an_engine_knows_what_it_costs(kind, tiny):
    cost = kind(tiny).cost
    assert cost.size_bytes == tiny.size_bytes
    assert 0 <= cost.row_seconds < 5
    assert 0 <= cost.call_seconds < 5
    assert cost.call_seconds + cost.row_seconds > 0


def test_a_closed_engine_answers_nothing(kind, tiny):
    engine = kind(tiny)
    engine.close()
    with pytest.raises(ModelwardError):
        engine.answers(tiny.interface.encode([tiny.interface.table_of_rows([ROW])]).columns)


@pytest.fixture(params=EXPLAINERS.names())
def explainer(request):
    return EXPLAINERS.load(request.param)()


def test_contributions_add_up_and_repeat_and_leave_out_what_changes_nothing(explainer, tiny):
    def probability(columns):
        return tiny.predict(columns)[:, 1].astype("float64")

    row, background = tiny.interface.columns([ROW]), tiny.interface.columns(BACKGROUND)
    idle = {"idle": np.array([["here"]], dtype=object)}, {"idle": np.array([["there"]] * len(BACKGROUND), dtype=object)}

    def without_idle(columns):
        return probability({name: values for name, values in columns.items() if name != "idle"})

    found = explainer.explain(without_idle, row | idle[0], background | idle[1], seed=4, evaluations=1 << 17)
    assert found == explainer.explain(without_idle, row | idle[0], background | idle[1], seed=4, evaluations=1 << 17)
    assert found.contributions["idle"] == pytest.approx(0, abs=1e-9)
    assert found.base == pytest.approx(probability(background).mean(), abs=1e-6)
    assert found.base + sum(found.contributions.values()) == pytest.approx(probability(row)[0], abs=1e-4)
    assert set(found.contributions) == {*row, "idle"}
