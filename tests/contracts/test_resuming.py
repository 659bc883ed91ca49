# SPDX-License-Identifier: Apache-2.0
"""Every recipe that keeps checkpoints goes on from one to the same bytes, whatever it learns from."""

from dataclasses import replace

import pytest

from contracts.test_recipes import CASES, DATA, opened, prepared
from modelward.training import graph
from modelward.training.neural import Learning
from modelward.training.recipe import configure
from modelward.training.recipes import RECIPES
from training.lessons import InMemory, StoppedError

NETWORKS = [case for case in CASES if issubclass(RECIPES.load(case.partition(" over ")[0]).Parameters, Learning)]


@pytest.mark.parametrize("case", NETWORKS)
def test_one_that_was_stopped_goes_on_to_the_same_bytes(case):
    preparation, inputs = prepared(case, 2)
    name = case.partition(" over ")[0]
    recipe = configure(RECIPES.load(name), name=name, parameters={"epochs": 3, "dropout": 0.2, "ema": 0.9, "batch_size": 16})

    def trained(checkpoints):
        made = recipe.make(replace(inputs, checkpoints=checkpoints), lambda *_: None)
        return graph.finish(preparation.graph(), made.graph(), inputs.classes)

    whole = trained(InMemory(every=10**9))
    assert opened(whole).get_outputs()
    cut = InMemory(stop_after=4)
    with pytest.raises(StoppedError):
        trained(cut)
    went_on = InMemory(kept=cut.kept, every=10**9)
    assert trained(went_on) == whole
    assert not went_on.refused


def test_networks_over_every_kind_of_data_are_tried():
    assert {case.partition(" over ")[2] for case in NETWORKS} == set(DATA)
