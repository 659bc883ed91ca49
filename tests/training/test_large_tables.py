# SPDX-License-Identifier: Apache-2.0
"""A table whose prepared rows would take too much memory is learned from in blocks, and gives the models that it gives whole."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from modelward.datasets import make_split
from modelward.training import RECIPES, RunFailedError, material, memory, parse_spec
from modelward.training.material import gather
from modelward.training.recipe import streams
from modelward.training.rows import PreparedRows
from training import house

STREAMING = [name for name in RECIPES.names() if streams(RECIPES.load(name))]
SETTINGS = {
    "lightgbm": {"rounds": 20},
    "mlp": {"epochs": 3, "batch_size": 64, "hidden": [8]},
    "transformer": {"epochs": 1, "width": 8, "heads": 2, "layers": 1},
    "cnn": {"channels": [4], "hidden": [], "epochs": 1, "batch_size": 64},
    "logistic-regression": {},
}


def spec_of(candidate, *, prepare="{}"):
    return parse_spec(f"model: grants\ndata: {{dataset: people, prepare: {prepare}}}\ncandidates: [{candidate}]\nseed: 5\n")


def gathered(rooms, admin, spec):
    return gather(spec, rooms.datasets.show("people", by=admin), rooms.datasets.columns("people", by=admin))


@pytest.fixture
def large(monkeypatch):
    """From here on every table is a large one, and a block has few rows."""

    def begin():
        monkeypatch.setattr("modelward.training.rows.MATRIX_BYTES", 0)
        monkeypatch.setattr("modelward.training.rows.ROWS_AT_ONCE", 37)

    return begin


@pytest.mark.parametrize(
    "prepare", ["{}", "{encode: ordinal, missing_category: most-frequent}", "{max_categories: 2, outliers: clip}"]
)
def test_rows_that_are_made_when_asked_for_are_those_of_the_matrix(rooms, register, admin, large, prepare):
    register()
    spec = spec_of("lightgbm", prepare=prepare)
    whole = gathered(rooms, admin, spec)
    large()
    made = gathered(rooms, admin, spec)
    for part in ("train", "validation"):
        rows, matrix = getattr(made.inputs, part), getattr(whole.inputs, part)
        assert isinstance(rows, PreparedRows)
        assert (rows.shape, rows.dtype) == (matrix.shape, matrix.dtype)
        assert rows.whole().tobytes() == rows[:].tobytes() == matrix.tobytes()
        chosen = np.array([3, 0, 3])
        assert (rows[chosen] == matrix[chosen]).all()
        assert (rows[matrix[:, 0] > 0] == matrix[matrix[:, 0] > 0]).all()
    assert (made.interface, made.background, made.facts, made.preparation) == (
        whole.interface,
        whole.background,
        whole.facts,
        whole.preparation,
    )


@pytest.mark.parametrize("recipe", STREAMING)
def test_a_recipe_that_streams_makes_the_model_that_it_makes_of_the_matrix(rooms, register, admin, large, recipe):
    register()
    spec = spec_of(f"{recipe}: {SETTINGS[recipe]}")
    versions = []
    for begin in (lambda: None, large):
        begin()
        run = rooms.training.train(spec, by=admin)
        versions.append(rooms.registry.find(run.versions[0], by=admin))
    one, other = (rooms.registry.read(version, "model.onnx") for version in versions)
    if recipe != "logistic-regression":
        assert one == other
        return
    # Its solver is another one where rows come in blocks: it lowers the same to the same tolerance.
    rows = gathered(rooms, admin, spec).test
    first, second = (rooms.registry.open(version).predict(rows) for version in versions)
    assert np.abs(np.asarray(first) - np.asarray(second)).max() < 2e-3


@pytest.mark.parametrize(("target", "weight"), [("grant", "null"), ("grant", "balanced"), ("town", "null")])
def test_the_solver_in_blocks_finds_the_weights_of_the_one_in_memory(rooms, register, admin, large, target, weight):
    from modelward.training.recipe import configure

    lines = [line.split(",") for line in house.people().splitlines()]
    register(text="\n".join(",".join([*line[:2], line[2] or "west", *line[3:]]) for line in lines), target=target, sensitive=())
    spec = spec_of("logistic-regression")
    given = {} if weight == "null" else {"class_weight": weight}
    recipe = configure(RECIPES.load("logistic-regression"), name="logistic-regression", parameters=given)
    whole = gathered(rooms, admin, spec).inputs
    large()
    blocks = gathered(rooms, admin, spec).inputs
    one, other = (recipe.make(inputs, lambda *_: None).predict(whole.train) for inputs in (whole, blocks))
    assert other.shape == (len(whole.train), len(whole.classes))
    assert np.abs(one - other).max() < 2e-3


def test_a_recipe_that_needs_all_rows_is_given_a_matrix_that_fits_and_refused_where_none_does(
    rooms, register, admin, large, monkeypatch
):
    register()
    before = rooms.training.train(spec_of("decision-tree"), by=admin).versions[0]
    large()
    after = rooms.training.train(spec_of("decision-tree"), by=admin).versions[0]
    one, other = (rooms.registry.read(rooms.registry.find(name, by=admin), "model.onnx") for name in (before, after))
    assert one == other
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    with pytest.raises(RunFailedError, match=r"'decision-tree' needs all rows.*lightgbm.*logistic-regression.*mlp"):
        rooms.training.train(spec_of("decision-tree"), by=admin)


def test_rows_are_added_to_a_large_table_where_they_fit(rooms, register, admin, large, monkeypatch):
    register()
    spec = spec_of("lightgbm: {rounds: 3}", prepare="{}, augment: {noise: 0.1, smote: {class: yes}}".replace("yes", "'yes'"))
    before = gathered(rooms, admin, spec).learnt
    large()
    after = gathered(rooms, admin, spec).learnt
    assert after.train.tobytes() == before.train.tobytes()
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    with pytest.raises(memory.TooManyRowsError, match=r"`data.augment` needs all rows.*Leave it out"):
        gathered(rooms, admin, spec)


def test_l1_is_refused_where_rows_come_in_blocks(rooms, register, admin, large):
    register()
    large()
    with pytest.raises(RunFailedError, match="l1_ratio"):
        rooms.training.train(spec_of("logistic-regression: {l1_ratio: 0.5}"), by=admin)


def test_graph_and_estimator_are_compared_on_some_test_rows_of_many(rooms, register, admin, monkeypatch):
    register()
    spec = spec_of("naive-bayes")
    parts = make_split(rooms.datasets.table("people", by=admin), "grant", spec.data.split)
    assert len(next(iter(gathered(rooms, admin, spec).test.values()))) == len(parts.test)
    monkeypatch.setattr(material, "COMPARED_ROWS", 10)
    version = rooms.registry.find(rooms.training.train(spec, by=admin).versions[0], by=admin)
    assert version.facts["parity"]["rows"] == 10
    assert version.facts["rows"]["test"] == len(parts.test)


def test_what_lies_in_memory_of_a_row_is_less_than_its_columns(rooms, register, admin, large):
    register()
    large()
    rows = gathered(rooms, admin, spec_of("lightgbm")).inputs.train
    assert rows.numbers.nbytes + rows.codes.nbytes < rows.nbytes / len(rows) * len(rows.numbers)
    assert house.people().count("\n") > len(rows)


@pytest.mark.nightly
def test_a_million_rows_are_registered_and_learned_from_in_bounded_memory(tmp_path):
    script = Path(__file__).parents[2] / "benchmarks" / "large.py"
    command = [sys.executable, str(script), "--rows", "1000000", "--recipes", "lightgbm", "--place", str(tmp_path)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    peaks = {said["stage"]: said["peak_mb"] for said in map(json.loads, lines)}
    # Held whole, and as polars and Python hold it while it is read, the table alone takes more than a gigabyte.
    assert peaks["register"] < 600
    assert peaks["lightgbm"] < 700
