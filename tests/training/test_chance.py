# SPDX-License-Identifier: Apache-2.0
import numpy as np
import onnxruntime
import pytest
from scipy.stats import kstest

from modelward.training import chance
from modelward.training.graph import FLOAT, Drawing

COUNT = 24


@pytest.fixture(scope="module")
def drawn():
    drawing = Drawing()
    drawing.node("Identity", chance.draw_uniform(drawing, "seed", COUNT), called="chance")
    graph = drawing.finish({"seed": (FLOAT, ("N", 1))}, {"chance": (FLOAT, ("N", COUNT))})
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda seeds: session.run(None, {"seed": seeds})[0]


def column(*seeds):
    return np.array(seeds, dtype=np.float32).reshape(-1, 1)


def test_the_graph_gives_the_same_bits_whatever_the_seed(drawn):
    seeds = column(*range(500), chance.SEEDS - 1, chance.SEEDS, 1e30, -3, 2.7, np.nan, np.inf)
    assert drawn(seeds).tobytes() == chance.uniform(seeds, COUNT).tobytes()


def test_seeds_that_are_no_whole_numbers_are_read_as_the_nearest_below():
    assert (chance.uniform(column(2.7, -3, 1e30, np.nan), 3) == chance.uniform(column(2, 3, chance.SEEDS - 1, 0), 3)).all()


def test_numbers_are_evenly_spread_within_a_seed_and_across_seeds():
    across = chance.uniform(column(*range(4000)), COUNT)
    within = chance.uniform(column(*range(COUNT)), 4000)
    assert ((across > 0) & (across < 1)).all()
    # Forty-eight tests of uniform numbers: one below 0.0001 comes once in two hundred such suites, and the seeds are fixed.
    assert min(kstest(numbers, "uniform").pvalue for numbers in (*across.T, *within)) > 1e-4


def test_neighbouring_seeds_and_places_tell_nothing_of_each_other():
    numbers = chance.uniform(column(*range(20_000)), COUNT) - 0.5
    for first, second in ((numbers[:-1], numbers[1:]), (numbers[:, :-1], numbers[:, 1:]), (numbers[:-1, :-1], numbers[1:, 1:])):
        assert abs((first * second).mean() * 12) < 4 / np.sqrt(first.size)


def test_each_seed_has_numbers_of_its_own():
    assert len(np.unique(chance.uniform(column(*range(100_000)), 2), axis=0)) == 100_000
