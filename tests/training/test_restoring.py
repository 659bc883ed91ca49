# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass

import numpy as np
import onnxruntime
import pytest

from modelward.training import restoring
from modelward.training.graph import FLOAT, Drawing
from modelward.training.preparation import Preparation, Prepare

ROWS = 3000


@dataclass(frozen=True)
class Feature:
    name: str
    kind: str


def table():
    random = np.random.default_rng(4)
    numbers = {
        "age": random.integers(17, 91, ROWS),
        "gain": np.where(random.random(ROWS) < 0.9, 0, random.integers(1, 90_000, ROWS)),
        "price": np.round(random.gamma(2.0, 20.0, ROWS), 2),
        "height": random.normal(170, 9, ROWS),
        "same": np.full(ROWS, 3),
    }
    columns = {name: values.astype(np.float32).reshape(-1, 1) for name, values in numbers.items()}
    columns["colour"] = np.array(["red", "green", ""], dtype=object)[random.integers(0, 3, ROWS)].reshape(-1, 1)
    features = [Feature(name, "number") for name in numbers] + [Feature("colour", "category")]
    return columns, features


def learnable_of(**prepare):
    columns, features = table()
    preparation = Preparation.fit(columns, features, Prepare(**prepare))
    return columns, restoring.fit(preparation.apply(columns), preparation)


@pytest.mark.parametrize("prepare", [{}, {"scale": "minmax"}, {"scale": "none", "encode": "ordinal"}, {"scale": "robust"}])
def test_numbers_come_back_as_they_were_before_they_were_prepared(prepare):
    columns, found = learnable_of(**prepare)
    chance = np.random.default_rng(0).random(found.low.shape, dtype=np.float32)
    restored = found.restoration.apply(found.low + (found.high - found.low) * chance)
    for name in ("age", "same"):
        assert (restored[:, found.restoration.names.index(name)] == columns[name][:, 0]).all()
    for name, near in (("gain", 300), ("price", 0.5), ("height", 0.05)):
        differences = np.abs(restored[:, found.restoration.names.index(name)] - columns[name][:, 0])
        assert np.quantile(differences, 0.9) < near
    gains = restored[:, found.restoration.names.index("gain")]
    assert ((gains == 0) == (columns["gain"][:, 0] == 0)).all()


def test_what_comes_back_is_written_as_finely_as_the_data_and_lies_within_its_range():
    columns, found = learnable_of()
    shares = np.random.default_rng(1).random((5000, 5), dtype=np.float32)
    shares[:2] = [[0.0], [1.0]]
    restored = found.restoration.apply(shares)
    prices = restored[:, found.restoration.names.index("price")].astype(np.float64)
    assert np.abs(prices * 100 - np.round(prices * 100)).max() < 0.01
    for place, name in enumerate(["age", "gain", "price", "height", "same"]):
        assert columns[name].min() <= restored[:, place].min()
        assert restored[:, place].max() <= columns[name].max() * (1 + 2e-7), "float32 rounds"


def test_each_number_is_spread_evenly_whatever_it_counts():
    _, found = learnable_of()
    chance = np.random.default_rng(0).random(found.low.shape, dtype=np.float32)
    shares = np.sort(found.low + (found.high - found.low) * chance, axis=0)
    assert np.abs(shares - np.linspace(0, 1, ROWS)[:, None]).max() < 0.03


def test_evenly_drawn_shares_give_the_distribution_of_the_data():
    columns, found = learnable_of()
    restored = found.restoration.apply(np.random.default_rng(1).random((ROWS, 5), dtype=np.float32))
    assert abs((restored[:, 1] == 0).mean() - (columns["gain"] == 0).mean()) < 0.03
    assert abs(np.median(restored[:, 3]) - np.median(columns["height"])) < 1


def test_the_value_of_one_row_alone_is_not_kept_but_for_the_least_and_the_most():
    columns, found = learnable_of()
    heights = next(one for one in found.restoration.numbers if one.name == "height")
    ends = np.concatenate([heights.low, heights.low + heights.slope * (heights.end - heights.start)]).astype(np.float32)
    own = columns["height"][(columns["height"] > columns["height"].min()) & (columns["height"] < columns["height"].max())]
    assert not np.isin(ends, own).any()


def test_categories_have_a_place_for_what_is_missing():
    columns, found = learnable_of()
    ((name, values),) = found.restoration.categories
    assert (name, values) == ("colour", ("green", "red", restoring.MISSING))
    assert (np.array(values, dtype=object)[found.places[:, 0]] == columns["colour"][:, 0]).all()


def test_the_graph_restores_the_same_bits():
    _, found = learnable_of()
    drawing = Drawing()
    drawing.node("Identity", found.restoration.draw(drawing, "shares"), called="values")
    graph = drawing.finish({"shares": (FLOAT, ("N", 5))}, {"values": (FLOAT, ("N", 5))})
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    shares = np.random.default_rng(1).random((5000, 5), dtype=np.float32)
    shares[:2] = [[0.0], [1.0]]
    assert session.run(None, {"shares": shares})[0].tobytes() == found.restoration.apply(shares).tobytes()
