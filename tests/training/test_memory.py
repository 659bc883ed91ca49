# SPDX-License-Identifier: Apache-2.0
"""A candidate that runs out of memory says so with figures, and may be tried again with less; what cannot fit is not begun."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from modelward.training import Candidate, InvalidSpecError, LayersTooLargeError, RunFailedError, memory, parse_spec
from modelward.training.failing import what_went_wrong
from modelward.training.recipe import Inputs, UnusableInputsError, configure
from modelward.training.recipes import RECIPES

ROOM_BYTES = 500 << 20
AMOUNT = r"[\d.]+ [kMG]B"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only here do the limits of a process hold")


@pytest.fixture(scope="module")
def starved():
    """What became of three candidates in a process that cannot have more than half a gigabyte."""
    program = Path(__file__).with_name("hungry.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, program, str(ROOM_BYTES)], capture_output=True, text=True, timeout=120, env=environment, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@linux
def test_a_candidate_that_runs_out_of_memory_says_how_much_it_asked_for_and_what_to_write(starved):
    message = starved["fail"]["failed"]
    # How much that is depends on which of its steps the machine has no room for.
    assert re.match(rf"Out of memory: {AMOUNT} were asked for at once\. A batch has 60,000 rows: set `batch_size: 7500`", message)
    assert "`out_of_memory: smaller-batch`" in message


@linux
def test_where_the_spec_allows_it_the_same_candidate_is_made_with_smaller_batches_and_says_so(starved):
    made = starved["smaller-batch"]
    assert made["made"] == {"hidden": [1024], "batch_size": 7500, "epochs": 1}
    (text,) = made["findings"]
    assert re.fullmatch(
        rf"With batches of 60,000 rows it ran out of memory: {AMOUNT} were asked for at once\. It was made with batches of 7,500\.",
        text,
    )


@linux
def test_layers_that_cannot_fit_are_refused_with_their_numbers(starved):
    message = starved["absurd"]["failed"]
    assert message.startswith(f"The layers of 'mlp' do not fit: with `hidden: {[4096] * 16}` they have 251,764,738 weights.")
    assert "takes about 8.06 GB, where " in message


def test_the_version_says_that_it_was_made_with_smaller_batches(rooms, register, admin, broken):
    register()
    spec = "model: grants\ndata: {dataset: people}\ncandidates: [insatiable]\n"
    with pytest.raises(RunFailedError, match=r"Out of memory\. A batch has 160 rows: set `batch_size: 20`"):
        rooms.training.train(parse_spec(spec), by=admin)
    run = rooms.training.train(parse_spec(spec + "out_of_memory: smaller-batch\n"), by=admin)
    (candidate,) = run.candidates
    assert candidate.parameters == {"batch_size": 160}, "what the spec asks for"
    assert [each.kind for each in candidate.findings] == ["out-of-memory"]
    version = rooms.registry.find(candidate.version, by=admin)
    assert version.lineage.parameters == {"batch_size": 20}, "what it was made with"
    assert b"It was made with batches of 20." in rooms.registry.read(version, "training.json")


def checked(name, *, columns=100, **parameters):
    rows, labels = np.zeros((2, columns), dtype=np.float32), np.arange(2)
    inputs = Inputs(train=rows, train_labels=labels, validation=rows, validation_labels=labels, classes=("a", "b"))
    memory.check_layers(configured(name, **parameters), inputs, name=name)


def configured(name, **parameters):
    return configure(RECIPES.load(name), name=name, parameters=parameters)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("mlp", {"hidden": [4096] * 3}, "`hidden`: `hidden: [2048, 2048, 2048]` would fit."),
        (
            "cnn",
            {"shape": [10, 10], "channels": [1024] * 3, "kernel": 7},
            "`channels` or `hidden`: `channels: [512, 512, 512]`, ",
        ),
        ("rnn", {"units": 4096, "layers": 8}, "`units`: `units: 256` would fit."),
        ("transformer", {"width": 2048, "inner": 8192, "layers": 24}, "`width` or `inner`: `width: 256`, `inner: 1024` would fit."),
    ],
)
def test_layers_are_counted_before_anything_is_allocated(monkeypatch, name, parameters, said):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)
    checked(name)
    with pytest.raises(LayersTooLargeError, match=re.escape(f"Lower {said}")):
        checked(name, **parameters)


def test_what_a_graph_cannot_hold_is_refused_however_much_memory_there_is(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**15)
    for name, parameters in (
        ("transformer", {"width": 2048, "inner": 8192, "layers": 24}),
        ("rnn", {"units": 4096, "layers": 8, "cell": "lstm"}),
        ("cnn", {"shape": [128, 128], "channels": [1024], "hidden": [4096]}),
    ):
        with pytest.raises(LayersTooLargeError, match="and a graph holds "):
            checked(name, columns=128 * 128, **parameters)
    checked("decision-tree")


def test_a_shape_that_the_columns_do_not_fill_is_told_rather_than_what_it_would_weigh():
    with pytest.raises(UnusableInputsError, match="has 16,777,216 places, and the prepared rows have 100 columns"):
        checked("cnn", shape=[4096, 4096])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mlp", {"hidden": [5, 7]}),
        ("cnn", {}),
        ("cnn", {"shape": [6, 8], "channels": [3, 5], "layers": 2, "hidden": []}),
        ("cnn", {"shape": [4, 4, 3], "channels": [3, 5, 7, 9], "kernel": 5, "hidden": [4, 6]}),
        ("rnn", {"units": 3}),
        ("rnn", {"shape": [6, 8], "cell": "lstm", "units": 5, "layers": 3, "both_ways": False}),
        ("transformer", {"width": 8, "inner": 5}),
        ("transformer", {"shape": [6, 8], "width": 4, "layers": 3}),
    ],
)
def test_a_recipe_counts_the_weights_that_its_network_has(name, parameters):
    random = np.random.default_rng(0)
    rows, labels = random.normal(size=(30, 48)).astype(np.float32), np.arange(30) % 3
    inputs = Inputs(train=rows, train_labels=labels, validation=rows, validation_labels=labels, classes=("a", "b", "c"))
    recipe = configured(name, epochs=1, **parameters)
    assert recipe.weights(inputs) == recipe.make(inputs, lambda *_: None).parameters


def test_a_layer_without_units_is_refused_by_its_place():
    spec = "model: m\ndata: {dataset: d}\ncandidates: [mlp: {hidden: [64, 0]}]\n"
    with pytest.raises(InvalidSpecError, match=r"candidates\[0\]\.mlp\.hidden\[1\]: expected `int` >= 1\."):
        parse_spec(spec)


@pytest.mark.parametrize(
    ("parameters", "rows", "wanted"),
    [
        ({"batch_size": 0}, 1000, (1000, 125)),
        ({"batch_size": 4096}, 1000, (1000, 125)),
        ({"batch_size": 256}, 1000, (256, 32)),
        ({"batch_size": 4}, 1000, (4, 1)),
        ({"batch_size": 1}, 1000, None),
        ({"max_depth": 3}, 1000, None),
    ],
)
def test_a_batch_becomes_an_eighth_of_what_it_really_was(parameters, rows, wanted):
    smaller = memory.smaller_batch(parameters, rows=rows)
    assert (smaller and (smaller.before, smaller.after)) == wanted
    assert smaller is None or smaller.parameters == {"batch_size": wanted[1]}


def raised(work):
    try:
        work()
    except Exception as fault:  # noqa: BLE001  # whichever it is
        return fault
    raise AssertionError("it was done")


def told(fault, **parameters):
    rows, labels = np.zeros((100, 3), np.float32), np.arange(100) % 2
    inputs = Inputs(train=rows, train_labels=labels, validation=rows[:0], validation_labels=labels[:0], classes=("a", "b"))
    return what_went_wrong(fault, Candidate(name="mlp", recipe="mlp", parameters=parameters), inputs)[1]


def test_where_the_weights_are_what_does_not_fit_their_size_is_named_too(monkeypatch):
    full = MemoryError()
    assert "weights alone" not in told(full, hidden=[8])
    monkeypatch.setattr(memory, "available_bytes", lambda: 2_000_000)
    said = told(full, hidden=[200, 100], batch_size=100)
    assert "Its 21,102 weights alone take about 675 kB while they are trained, whatever the batch: lower `hidden`." in said
    assert "set `batch_size: 12`" in said


def test_libraries_that_run_out_of_memory_are_understood():
    import torch

    for work, bytes_ in (
        (lambda: np.ones((1 << 30, 1 << 25)), 1 << 58),
        (lambda: torch.empty(1 << 58), 1 << 60),
    ):
        fault = raised(work)
        assert memory.is_out_of_memory(fault)
        assert memory.asked_bytes(fault) == pytest.approx(bytes_, rel=0.01)
    assert memory.is_out_of_memory(raised(lambda: raised_from(MemoryError())))
    assert not memory.is_out_of_memory(ValueError("a column is called out of memory"))


def raised_from(cause):
    raise RuntimeError("a batch could not be made") from cause


def test_shapes_that_do_not_fit_are_told_in_words_and_sizes():
    import torch

    narrow = torch.zeros(2, 3)
    for work, wanted, given in (
        (lambda: narrow @ torch.zeros(4, 5), "4", "3"),
        (lambda: narrow + torch.zeros(2, 7), "7", "3"),
        (lambda: np.zeros((2, 3)) @ np.zeros((4, 5)), "4", "3"),
        (lambda: np.zeros((2, 3)) + np.zeros((4, 5)), "4,5", "2,3"),
        (lambda: torch.nn.Conv2d(3, 4, 3)(torch.zeros(1, 1, 8, 8)), "3", "1"),
        (lambda: torch.nn.Conv2d(1, 4, 9)(torch.zeros(1, 1, 8, 8)), "9 x 9", "8 x 8"),
    ):
        message = told(raised(work))
        assert message.startswith(f"The layers do not fit together: one takes {wanted} numbers a row"), message
        assert f"is given {given}." in message
    assert told(ValueError("could not convert 'Ada'")).startswith("An unexpected ValueError")


def test_what_is_left_is_no_more_than_the_machine_has():
    import psutil

    assert 0 < memory.available_bytes() <= psutil.virtual_memory().total
    assert [memory.told(size) for size in (12, 3_400, 5_600_000, 7.8e9)] == ["12 bytes", "3.4 kB", "5.6 MB", "7.8 GB"]


@pytest.mark.parametrize("shape", [[6, 8], [16, 1, 3], [3, 16, 1], [4, 4, 3]])
def test_a_generator_of_images_counts_the_weights_of_its_critic_too(shape):
    from modelward.training.neural import image_weights
    from modelward.training.neural.adversarial import Critic, Generator
    from modelward.training.neural.bodies import Painting, Viewing
    from modelward.training.neural.layers import Dropout

    whole, start = (*shape, 1)[:3], torch.Generator()
    painting = Painting(5 + 3, filters=[3, 5, 7], shape=whole, start=start)
    viewing = Viewing([3, 5, 7], shape=whole, dropout=Dropout(0.0, start), start=start)
    networks = Generator(painting), Critic(viewing, classes=3, start=start)
    counted = sum(part.numel() for network in networks for part in network.parameters())
    assert image_weights(shape, [3, 5, 7], told=5 + 3, classes=3) == counted
