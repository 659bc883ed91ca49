# SPDX-License-Identifier: Apache-2.0
"""What the one loop promises to every network that it trains."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from modelward.training import DivergedError
from modelward.training.neural import (
    ArrayBatches,
    ClassifierLearning,
    DeviceMissingError,
    Learning,
    Loss,
    PrecisionMissingError,
    Randomness,
    Turn,
    class_loss,
    device_named,
    learn,
    squared_error,
)
from modelward.training.neural.devices import is_mixed
from modelward.training.neural.optimizers import clip, gradient_norm
from modelward.training.neural.schedules import learning_rate, plateaus
from training.lessons import CPU, InMemory, StoppedError, adversaries, blobs, learnt, task_of, weights


def accuracy(task):
    rows, labels = blobs(200, seed=77)
    return float((task.turns[0].network(rows).argmax(dim=1) == labels).float().mean())


def vector(task):
    return torch.cat([one.detach().flatten() for turn in task.turns for one in turn.network.parameters()])


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("sgd", 0.3), ("momentum", 0.05), ("nesterov", 0.05), ("adam", 0.03), ("adamw", 0.03), ("nadam", 0.03)]
)
@pytest.mark.parametrize("size", [0, 1, 16])
def test_every_optimiser_learns_from_whole_mini_and_single_batches(optimizer, rate, size):
    epochs, rate = {0: (60, rate), 1: (3, rate / 3), 16: (8, rate)}[size]
    task, found = learnt(Learning(optimizer=optimizer, learning_rate=rate, batch_size=size, epochs=epochs, patience=epochs))
    assert accuracy(task) > 0.85
    assert found.curves["training_loss"][-1] < found.curves["training_loss"][0]


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "one-cycle", "plateau"])
def test_every_schedule_learns_and_tells_its_rate(schedule):
    task, found = learnt(Learning(schedule=schedule, warmup=0.1, learning_rate=0.05, batch_size=16, epochs=10, patience=10))
    assert accuracy(task) > 0.85
    assert len(found.curves["learning_rate"]) == len(found.curves["training_loss"]) == len(found.curves["gradient_norm"]) == 10


def rates(schedule, *, steps=1000, warmup=0.0, count=0):
    asked = Learning(schedule=schedule, learning_rate=2.0, warmup=warmup)
    return [learning_rate(asked, step=step, steps=steps, plateaus=count) for step in range(steps)]


def test_schedules_rise_and_fall_as_they_are_described():
    assert set(rates("constant")) == {2.0}
    cosine, cycle, steps = rates("cosine"), rates("one-cycle"), rates("step")
    assert (cosine[0], cosine[500]) == (2.0, pytest.approx(1.0))
    assert cosine == sorted(cosine, reverse=True)
    assert (cycle[0], max(cycle), cycle.index(max(cycle))) == (pytest.approx(2 / 25), 2.0, 300)
    assert cosine[-1] < 1e-4 > cycle[-1]
    assert (steps[0], steps[333], steps[334], steps[-1]) == (2.0, 2.0, pytest.approx(0.2), pytest.approx(0.02))
    warm = rates("constant", warmup=0.1)
    assert (warm[0], warm[49], warm[99], warm[-1]) == (pytest.approx(0.02), pytest.approx(1.0), pytest.approx(2.0), 2.0)
    assert rates("plateau", count=3)[0] == 0.25
    assert [plateaus(losses) for losses in ([], [3, 2, 1], [3, 4, 4], [3, 4, 4, 4, 4, 2, 2, 2])] == [0, 0, 1, 3]


def test_a_plateau_halves_the_rate():
    _, found = learnt(Learning(schedule="plateau", learning_rate=1.0, batch_size=30, epochs=30, patience=30))
    told = found.curves["learning_rate"]
    assert told[0] == 1.0
    assert told[-1] == 0.5 ** plateaus(found.curves["validation_loss"][:-1]) < 1.0


@pytest.mark.parametrize("parts", [2, 7, 1000])
def test_a_batch_in_parts_makes_the_same_step(parts):
    given = {"optimizer": "sgd", "learning_rate": 0.5, "batch_size": 0, "epochs": 1, "l2": 0.0}
    whole, _ = learnt(Learning(**given))
    cut, found = learnt(Learning(**given, accumulate=parts))
    assert torch.allclose(vector(whole), vector(cut), atol=1e-6)
    assert weights(whole) != weights(cut)
    assert found.curves["training_loss"] == pytest.approx(learnt(Learning(**given))[1].curves["training_loss"])


def one_step(**given):
    """How far one step of length 1 goes."""
    asked = Learning(
        **{"optimizer": "sgd", "learning_rate": 1.0, "batch_size": 0, "epochs": 1, "l2": 0.0, "schedule": "constant"} | given
    )
    return vector(learnt(asked, validation=False)[0]) - vector(task_of(asked))


def test_gradients_are_held_within_their_limits():
    free = one_step()
    assert float(one_step(clip_norm=0.1).norm()) == pytest.approx(0.1, rel=1e-3)
    assert torch.allclose(one_step(clip_norm=1e5), free)
    assert torch.allclose(one_step(clip_value=0.01), free.clamp(-0.01, 0.01), atol=1e-6)
    both = one_step(clip_value=0.01, clip_norm=0.02)
    assert float(both.norm()) == pytest.approx(0.02, rel=1e-3)


def test_penalties_are_on_weights_alone():
    asked = Learning()
    start, free = task_of(asked).turns[0].network, one_step()
    matrices = torch.cat([torch.full((one.numel(),), float(one.ndim > 1)) for one in start.parameters()])
    begun = vector(task_of(asked)) * matrices
    assert torch.allclose(one_step(l1=0.01), free - 0.01 * begun.sign(), atol=1e-6)
    assert torch.allclose(one_step(l2=0.01), free - 0.02 * begun, atol=1e-6)


def test_the_mean_of_the_weights_is_what_is_judged_and_kept():
    given = {"batch_size": 30, "epochs": 1, "learning_rate": 0.1, "schedule": "constant"}
    seen = []

    class Watching(InMemory):
        def is_due(self):
            seen.append(vector(task))
            return False

    asked = Learning(**given, ema=0.5)
    task = task_of(asked)
    begun = vector(task)
    found = learn(task, asked, progress=lambda *_: None, checkpoints=Watching())
    mean = begun
    for step, after in enumerate(seen):
        decay = min(0.5, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * after
    assert torch.allclose(vector(task), mean, atol=1e-6)
    assert not torch.allclose(vector(task), seen[-1], atol=1e-4)
    rows, labels = blobs(30, seed=9)
    judged = nn.functional.cross_entropy(task.turns[0].network(rows), labels).detach()
    assert found.curves["validation_loss"] == (pytest.approx(float(judged), rel=1e-5),)


def test_losses_are_those_that_were_asked_for():
    draw = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(12, 3, generator=draw), torch.tensor([0, 1, 2] * 4)
    balanced = [0.5, 1.0, 3.0]

    def of(**given):
        return class_loss(ClassifierLearning(**given), balanced=balanced, device=CPU)(logits, labels)

    plain = nn.functional.cross_entropy(logits, labels, reduction="none")
    each = torch.tensor(balanced)[labels]
    assert (float(of().mean), of().weight) == (pytest.approx(float(plain.mean())), 12)
    weighed = of(class_weight="balanced")
    assert float(weighed.mean) == pytest.approx(float((plain * each).sum() / each.sum()))
    assert float(weighed.weight) == 18.0
    spread = torch.eye(3)[labels] * 0.9 + 0.1 / 3
    smooth = -(spread * logits.log_softmax(dim=1)).sum(dim=1).mean()
    assert float(of(label_smoothing=0.1).mean) == pytest.approx(float(smooth))
    squared = (logits.softmax(dim=1) - torch.eye(3)[labels]).square().mean(dim=1)
    assert float(of(loss="mse").mean) == pytest.approx(float(squared.mean()))
    assert float(of(loss="mse", class_weight="balanced").mean) == pytest.approx(float((squared * each).sum() / each.sum()))
    assert float(of(loss="mse", label_smoothing=0.1).mean) == pytest.approx(float((logits.softmax(dim=1) - spread).square().mean()))


def test_equal_seeds_train_equal_bits_while_others_train_and_whatever_pytorch_draws_itself():
    asked = Learning(dropout=0.4, batch_size=16, epochs=3)
    alone = weights(learnt(asked)[0])

    def train(number):
        torch.manual_seed(number)
        return weights(learnt(asked)[0])

    before = torch.random.get_rng_state()
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(train, range(8))) == {alone}
    torch.random.set_rng_state(before)
    learnt(asked)
    assert torch.equal(torch.random.get_rng_state(), before), "nothing is drawn from the source that threads share"
    assert weights(learnt(asked, seed=4)[0]) != alone


def test_a_layer_that_draws_from_the_shared_source_is_refused():
    asked = Learning(epochs=1)
    for layer in (nn.Dropout(0.2), nn.LSTM(3, 3, num_layers=2, dropout=0.1), nn.TransformerEncoderLayer(8, 2, dropout=0.1)):
        task = task_of(asked)
        task.turns[0].network.append(layer)
        with pytest.raises(ValueError, match="PyTorch's own source"):
            learnt(asked, make=lambda _, task=task: task)
    quiet = task_of(asked)
    quiet.turns[0].network.append(nn.Dropout(0.0))
    learnt(asked, make=lambda _: quiet)


def test_a_loss_that_is_no_number_is_told_with_its_step_and_the_gradient_before():
    asked = Learning(optimizer="sgd", learning_rate=900, schedule="constant", batch_size=9, epochs=50, patience=50)
    with pytest.raises(DivergedError) as told:
        learnt(asked, shape=(5, 8, 3), task_name="mlp")
    said = str(told.value)
    assert "'mlp' diverged in epoch" in said
    assert "of its 10: its loss is no longer a number. The last gradient had the norm" in said
    assert "Lower learning_rate (it is 900), or set clip_norm: 1.0." in said


def test_divergence_names_the_very_step():
    asked, calls = Learning(batch_size=9, epochs=5, clip_norm=7.0), []

    def make(asked):
        task = task_of(asked, validation=False)

        def loss(batch):
            calls.append(1)
            found = task.turns[0].loss(batch)
            return Loss(found.mean * (math.nan if len(calls) == 24 else 1.0), found.weight)

        return replace(task, turns=(Turn(network=task.turns[0].network, loss=loss),))

    with pytest.raises(DivergedError, match=r"in epoch 3, at step 4 of its 10: .* norm \d.*or lower clip_norm \(it is 7\)"):
        learnt(asked, make=make)
    assert len(calls) == 24


def test_a_first_loss_that_is_no_number_has_no_gradient_before_it():
    def make(asked):
        task = task_of(asked)
        return replace(task, batches=ArrayBatches(blobs()[0] * math.inf, blobs()[1], size=9))

    with pytest.raises(DivergedError, match=r"in epoch 1, at step 1 of its 10: its loss is no longer a number\. Lower"):
        learnt(Learning(), make=make)


def test_a_validation_loss_that_is_no_number_is_told_at_the_last_step():
    def make(asked):
        rows, labels = blobs(30)
        return replace(task_of(asked), validation=ArrayBatches(rows * math.inf, labels, size=16))

    with pytest.raises(
        DivergedError, match=r"in epoch 1, at step 10 of its 10: its validation loss is no longer a number\. The last"
    ):
        learnt(Learning(batch_size=9), make=make)


def test_progress_tells_the_epoch_and_its_losses():
    heard = []
    learnt(Learning(epochs=3, batch_size=30), progress=lambda *told: heard.append(told))
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert (0 < shares[0] <= 1 / 3, shares[-1]) == (True, 1.0)
    assert heard[0][1] == "epoch 1 of 3"
    assert heard[-1][1].startswith("epoch 3 of 3, loss ")
    assert "validation " in heard[-1][1]


def test_it_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best():
    asked = Learning(learning_rate=0.5, schedule="constant", batch_size=30, epochs=200, patience=4)
    task, found = learnt(asked)
    judged = found.curves["validation_loss"]
    best = int(np.argmin(judged)) + 1
    assert len(judged) == best + 4
    assert found.notes == (f"It ran {len(judged)} epochs and kept epoch {best}, the one with the lowest validation loss.",)
    rows, labels = blobs(30, seed=9)
    loss = nn.functional.cross_entropy(task.turns[0].network(rows), labels).detach()
    assert float(loss) == pytest.approx(min(judged), rel=1e-5)
    assert not task.turns[0].network.training


def test_each_of_two_networks_moves_in_its_own_turn():
    asked = Learning(batch_size=30, epochs=4, learning_rate=0.01)
    _, found = learnt(asked, make=adversaries)
    assert list(found.curves) == ["discriminator_loss", "generator_loss", "learning_rate", "gradient_norm"]
    assert "no validation rows" in found.notes[0]
    for moves in (0, 1):
        begun, alone = adversaries(asked), adversaries(asked)
        learnt(asked, make=lambda _, task=alone, turn=moves: replace(task, turns=(task.turns[turn],)))
        pairs = zip(begun.turns, alone.turns, strict=True)
        is_still = [all(map(torch.equal, old.network.parameters(), new.network.parameters())) for old, new in pairs]
        assert is_still == [moves != 0, moves != 1]


def test_mixed_precision_is_where_it_is_asked_for_and_there():
    task, found = learnt(Learning(precision="bfloat16", batch_size=16, epochs=10, learning_rate=0.03))
    assert accuracy(task) > 0.85
    assert found.notes[1] == "It was trained on the device 'cpu' with bfloat16 in mixed precision."
    assert weights(task) != weights(learnt(Learning(batch_size=16, epochs=10, learning_rate=0.03))[0])
    assert {one.dtype for one in task.turns[0].network.parameters()} == {torch.float32}
    assert not is_mixed(CPU, "auto")
    if not torch.cuda.is_available():
        with pytest.raises(PrecisionMissingError, match=r"'cuda' cannot compute with bfloat16 here.*precision: float32"):
            is_mixed(torch.device("cuda"), "bfloat16")


def test_auto_is_an_accelerator_or_the_cpu_and_a_device_that_is_not_there_is_refused():
    there = [name for name in ("cuda", "mps", "xpu") if getattr(torch, name).is_available()]
    assert device_named("auto").type == [*there, "cpu"][0]
    for name in {"cuda", "mps", "xpu"} - set(there):
        with pytest.raises(DeviceMissingError, match=f"no device '{name}'"):
            device_named(name)


def test_an_epoch_has_every_row_once_in_an_order_of_its_own():
    batches = ArrayBatches(torch.arange(10), torch.arange(10) * 2, size=4, seed=5)
    first, again, second = (list(batches.epoch(number)) for number in (1, 1, 2))
    assert batches.steps == len(first) == 3
    assert [len(rows) for rows, _ in first] == [4, 4, 2]
    orders = [torch.cat([rows for rows, _ in epoch]).tolist() for epoch in (first, again, second)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == list(range(10))
    assert all(torch.equal(2 * rows, others) for rows, others in first)
    assert [rows.tolist() for rows, _ in batches.epoch(1, first=2)] == [first[2][0].tolist()]
    assert [rows.tolist() for (rows,) in ArrayBatches(torch.arange(5), size=2).epoch(3, first=1)] == [[2, 3], [4]]
    assert [rows.tolist() for (rows,) in ArrayBatches(torch.arange(3), size=0, seed=1).epoch(1)] == [[0, 1, 2]]


class FromDisk:
    """Batches that are read from a file as they are asked for."""

    def __init__(self, path, labels, size):
        self.rows = np.lib.format.open_memmap(path, mode="r")
        self.labels, self.size = labels, size
        self.steps = -(-len(self.rows) // size)

    def epoch(self, number, *, first=0):
        places = np.random.default_rng(number).permutation(self.steps)
        for place in places[first:]:
            part = slice(place * self.size, (place + 1) * self.size)
            yield torch.from_numpy(self.rows[part].copy()), self.labels[part]


def test_batches_may_come_from_a_disk(tmp_path):
    rows, labels = blobs(200)
    np.save(tmp_path / "rows.npy", rows.numpy())

    def make(asked):
        return replace(task_of(asked), batches=FromDisk(tmp_path / "rows.npy", labels, 16))

    task, _ = learnt(Learning(epochs=8, learning_rate=0.03), make=make)
    assert accuracy(task) > 0.85
    kept = InMemory(stop_after=40)
    with pytest.raises(StoppedError):
        learnt(Learning(epochs=8, learning_rate=0.03), make=make, checkpoints=kept)
    again, _ = learnt(Learning(epochs=8, learning_rate=0.03), make=make, checkpoints=InMemory(kept=kept.kept))
    assert weights(again) == weights(task)


def test_two_sources_of_one_seed_are_not_the_same():
    one, other = Randomness.of(1, CPU), Randomness.of(1, CPU)
    drawn = [torch.rand(4, generator=source).tolist() for source in (one.start, other.start, one.noise)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_norm_of_no_gradient_is_none():
    network = nn.Linear(2, 2)
    assert gradient_norm(network) is None
    network(torch.ones(1, 2)).sum().backward()
    assert gradient_norm(network) == pytest.approx(math.sqrt(6))
    clip(network, Learning(clip_norm=1.0))
    assert gradient_norm(network) == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
def test_momentum_is_as_much_as_was_asked_for(optimizer):
    plain, none, much = (
        vector(learnt(Learning(optimizer=kind, momentum=share, epochs=2, batch_size=16))[0])
        for kind, share in (("sgd", 0.9), (optimizer, 0.0), (optimizer, 0.9))
    )
    assert torch.equal(plain, none)
    assert not torch.equal(none, much)


def test_the_squared_error_is_the_mean_over_rows_and_columns_and_adds_up_over_batches():
    given, wanted = torch.tensor([[1.0, 2.0], [3.0, 5.0], [0.0, 0.0]]), torch.tensor([[1.0, 4.0], [0.0, 5.0], [0.0, 1.0]])
    whole = squared_error(given, wanted)
    assert float(whole.mean) == pytest.approx((4 + 9 + 1) / 6)
    parts = [squared_error(given[rows], wanted[rows]) for rows in (slice(0, 2), slice(2, 3))]
    assert sum(float(part.mean) * part.weight for part in parts) / sum(part.weight for part in parts) == pytest.approx(
        (4 + 9 + 1) / 6
    )
