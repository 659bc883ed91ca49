# SPDX-License-Identifier: Apache-2.0
"""Wherever a training is cut off, it goes on to the same bits."""

from functools import partial

import pytest

from modelward.training.neural import Learning
from modelward.training.neural.checkpoint import unpack
from training.lessons import InMemory, StoppedError, adversaries, learnt, task_of, weights

EVERYTHING = Learning(
    optimizer="nadam", ema=0.9, dropout=0.3, l1=1e-4, clip_norm=1.0, batch_size=32, epochs=3, schedule="one-cycle"
)
CASES = {
    "adam": (Learning(batch_size=32, epochs=3), task_of),
    "everything": (EVERYTHING, task_of),
    "momentum": (Learning(optimizer="momentum", batch_size=30, epochs=3, learning_rate=0.1, warmup=0.3), task_of),
    "accumulated": (Learning(optimizer="adamw", batch_size=45, accumulate=4, epochs=4, dropout=0.2), task_of),
    "plateau": (Learning(schedule="plateau", learning_rate=0.3, batch_size=30, epochs=9, patience=9), task_of),
    "early stop": (Learning(learning_rate=0.5, schedule="constant", batch_size=30, epochs=50, patience=1), task_of),
    "whole batch": (Learning(batch_size=0, epochs=6, optimizer="nesterov", clip_value=0.1), task_of),
    "without validation": (Learning(ema=0.5, batch_size=30, epochs=3), partial(task_of, validation=False)),
    "batch norm": (Learning(ema=0.5, batch_size=30, epochs=3), partial(task_of, normalised=True)),
    "two networks": (Learning(batch_size=30, epochs=3, learning_rate=0.01), adversaries),
}


@pytest.mark.parametrize("name", CASES)
def test_a_training_that_is_cut_off_after_any_step_ends_with_the_same_bits(name):
    asked, make = CASES[name]
    counted = InMemory()
    whole, wanted = learnt(asked, make=make, checkpoints=counted)
    assert counted.steps > 3
    for cut in range(1, counted.steps + 1):
        kept = InMemory(every=1 + cut % 3, stop_after=cut)
        with pytest.raises(StoppedError):
            learnt(asked, make=make, checkpoints=kept)
        again, found = learnt(asked, make=make, checkpoints=InMemory(kept=kept.kept))
        assert weights(again) == weights(whole), f"cut off after step {cut}"
        assert found.curves == wanted.curves


def test_a_training_that_is_cut_off_again_and_again_ends_with_the_same_bits():
    whole, _ = learnt(EVERYTHING)
    kept, cuts = None, 0
    while True:
        checkpoints = InMemory(kept=kept, stop_after=2)
        try:
            again, _ = learnt(EVERYTHING, checkpoints=checkpoints)
            break
        except StoppedError:
            kept, cuts = checkpoints.kept, cuts + 1
    assert cuts > 5
    assert weights(again) == weights(whole)


def test_who_stops_a_training_by_its_progress_finds_a_checkpoint():
    whole, _ = learnt(EVERYTHING)
    kept = InMemory(every=10**9)

    def stop(share, _word):
        if share >= 1 / 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        learnt(EVERYTHING, checkpoints=kept, progress=stop)
    again, found = learnt(EVERYTHING, checkpoints=InMemory(kept=kept.kept))
    assert weights(again) == weights(whole)
    assert "It was stopped, and went on after step 0 of epoch 2; time and energy are those since then." in found.notes


def test_what_another_network_left_is_not_used():
    other = InMemory()
    learnt(Learning(epochs=2), checkpoints=other)
    fresh, _ = learnt(Learning(epochs=1))
    for made in (Learning(epochs=1),):
        checkpoints = InMemory(kept=other.kept)
        again, _ = learnt(made, checkpoints=checkpoints)
        assert weights(again) == weights(fresh)
        assert "another network" in checkpoints.refused[0]


def test_what_another_pytorch_left_is_not_used():
    checkpoints = InMemory()
    learnt(Learning(epochs=1), checkpoints=checkpoints)
    assert isinstance(unpack(checkpoints.kept, made_by={}), str)
    said = unpack(checkpoints.kept, made_by={"version of Modelward": "0.1.0", "version of PyTorch": "1.0"})
    assert said == f"it was made with another version of PyTorch ({__import__('torch').__version__}, now 1.0)"
