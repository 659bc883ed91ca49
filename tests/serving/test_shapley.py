# SPDX-License-Identifier: Apache-2.0
"""Shapley values: what the library gives is what the definition says."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from modelward.serving import EXPLAINERS

NAMES = ("age", "hours", "sector")


def brute_force(probability, row, background):
    """Shapley values straight from their definition: every coalition, every background row."""
    names = list(row)
    rows = len(next(iter(background.values())))

    def worth(known):
        return float(
            probability({name: np.repeat(row[name], rows, axis=0) if name in known else background[name] for name in names}).mean()
        )

    found = {}
    for name in names:
        others = [other for other in names if other != name]
        found[name] = sum(
            factorial(size) * factorial(len(others) - size) / factorial(len(names)) * (worth({*known, name}) - worth(known))
            for size in range(len(others) + 1)
            for known in map(set, combinations(others, size))
        )
    return worth(set()), found


def entangled(columns):
    """Features that only count together, a category among them, and a missing number."""
    age = np.nan_to_num(columns["age"][:, 0].astype(np.float64), nan=40.0)
    hours = columns["hours"][:, 0].astype(np.float64)
    public = (columns["sector"][:, 0] == "public").astype(np.float64)
    return 1 / (1 + np.exp(-(age * hours / 800 - 2 * public * (hours > 30) - 1)))


@pytest.fixture
def background():
    chance = np.random.default_rng(3)
    return {
        "age": np.append(chance.uniform(18, 80, 24), np.nan).astype(np.float32).reshape(-1, 1),
        "hours": chance.uniform(5, 60, 25).astype(np.float32).reshape(-1, 1),
        "sector": chance.choice(np.array(["public", "private", ""], dtype=object), 25).reshape(-1, 1),
    }


@pytest.fixture
def row():
    return {
        "age": np.array([[52]], dtype=np.float32),
        "hours": np.array([[41]], dtype=np.float32),
        "sector": np.array([["public"]], dtype=object),
    }


@pytest.fixture
def explain():
    explainer = EXPLAINERS.load("shapley")()
    return lambda probability, row, background: explainer.explain(probability, row, background, seed=0, evaluations=1 << 17)


def test_shapley_values_are_those_of_the_definition(explain, row, background):
    base, expected = brute_force(entangled, row, background)
    found = explain(entangled, row, background)
    assert found.base == pytest.approx(base, abs=1e-9)
    assert found.contributions == pytest.approx(expected, abs=1e-9)
    assert min(abs(value) for value in expected.values()) > 0.01


def test_of_a_linear_model_each_feature_adds_its_weight_times_its_distance_from_the_mean(explain):
    chance = np.random.default_rng(5)
    weights = {f"x{at}": weight for at, weight in enumerate(chance.normal(size=14))}
    background = {name: chance.normal(size=(60, 1)).astype(np.float32) for name in weights}
    row = {name: chance.normal(size=(1, 1)).astype(np.float32) for name in weights}

    def linear(columns):
        return sum(weight * columns[name][:, 0].astype(np.float64) for name, weight in weights.items())

    found = explain(linear, row, background)
    expected = {name: weight * float(row[name][0, 0] - background[name].mean()) for name, weight in weights.items()}
    assert found.contributions == pytest.approx(expected, abs=1e-6)
    assert found.base + sum(found.contributions.values()) == pytest.approx(float(linear(row)[0]), abs=1e-9)


def test_with_many_features_the_sum_is_still_exact_and_the_values_are_near(explain):
    chance = np.random.default_rng(6)
    names = [f"x{at}" for at in range(12)]
    background = {name: chance.normal(size=(20, 1)).astype(np.float32) for name in names}
    row = {name: chance.normal(size=(1, 1)).astype(np.float32) for name in names}

    def pairs(columns):
        values = np.concatenate([columns[name] for name in names], axis=1).astype(np.float64)
        return np.tanh(values[:, :6] * values[:, 6:]).sum(axis=1)

    found = explain(pairs, row, background)
    base, expected = brute_force(pairs, row, background)
    assert found.base + sum(found.contributions.values()) == pytest.approx(float(pairs(row)[0]), abs=1e-9)
    assert found.base == pytest.approx(base)
    assert found.contributions == pytest.approx(expected, abs=1e-6)


def test_nobody_elses_chance_is_disturbed(explain):
    chance = np.random.default_rng(7)
    names = [f"x{at}" for at in range(11)]
    background = {name: chance.normal(size=(5, 1)).astype(np.float32) for name in names}
    row = {name: values[:1] + 1 for name, values in background.items()}

    def product(columns):
        return np.concatenate([columns[name] for name in names], axis=1).astype(np.float64).prod(axis=1)

    np.random.seed(11)
    expected = np.random.random(3)
    np.random.seed(11)
    first = explain(product, row, background)
    assert (np.random.random(3) == expected).all()
    assert explain(product, row, background) == first


@pytest.mark.parametrize("features", [3, 10, 14, 60])
@pytest.mark.parametrize("evaluations", [2048, 16384, 1 << 17])
def test_a_slow_model_is_asked_for_no_more_rows_than_it_affords(features, evaluations):
    chance = np.random.default_rng(8)
    names = [f"x{at}" for at in range(features)]
    background = {name: chance.normal(size=(100, 1)).astype(np.float32) for name in names}
    row = {name: chance.normal(size=(1, 1)).astype(np.float32) for name in names}
    asked = []

    def product(columns):
        asked.append(len(columns["x0"]))
        return np.tanh(np.concatenate([columns[name] for name in names], axis=1).astype(np.float64)).sum(axis=1) ** 2

    found = EXPLAINERS.load("shapley")().explain(product, row, background, seed=0, evaluations=evaluations)
    least = 4 * 10 * (2 * features + 1)
    assert sum(asked) <= max(evaluations, least) * 1.01
    assert found.base + sum(found.contributions.values()) == pytest.approx(float(product(row)[0]), abs=1e-9)
    assert 10 <= found.background_rows <= 100


@pytest.mark.parametrize("features", [1, 4, 9, 10, 11, 16, 64])
def test_no_row_takes_fewer_questions_than_the_least_nor_more_than_are_allowed(features):
    explainer = EXPLAINERS.load("shapley")()
    least, asked = explainer.least(features), []
    names = [f"x{at}" for at in range(features)]
    row, background = ({name: np.full((1, 1), value, dtype=np.int8) for name in names} for value in (1, 0))

    def product(columns):
        asked.append(len(columns["x0"]))
        return np.concatenate([columns[name] for name in names], axis=1).astype(np.float64).sum(axis=1)

    found = explainer.explain(product, row, background, seed=0, evaluations=least)
    assert sum(asked) <= least
    assert list(found.contributions.values()) == pytest.approx([1.0] * features)
