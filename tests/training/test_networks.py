# SPDX-License-Identifier: Apache-2.0
"""Networks that look at neighbours: drawn as they were trained, whatever their shape; and images changed at random."""

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.datasets import load_digits

from modelward.training.neural.augmenting import augmented
from modelward.training.recipe import Inputs, InvalidParameterError, UnusableInputsError, configure
from modelward.training.recipes import RECIPES
from modelward.training.recipes.cnn import ConvolutionalParameters as Changes


def inputs(matrix, labels, *, kept=200, seed=3):
    matrix = np.asarray(matrix, dtype=np.float32)
    classes = tuple(f"class {number}" for number in range(int(labels.max()) + 1))
    return Inputs(
        train=matrix[kept:],
        train_labels=labels[kept:],
        validation=matrix[:kept],
        validation_labels=labels[:kept],
        classes=classes,
        seed=seed,
    )


def digits(rows=900):
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))[:rows]
    return inputs(pixels[order] / 8 - 1, labels[order].astype(np.int64))


def noise(rows=260, *, width, classes=3):
    """Nothing to learn, only shapes to go through."""
    random = np.random.default_rng(1)
    return inputs(random.normal(size=(rows, width)) * 40 + 100, random.integers(0, classes, rows))


def make(name, given, **parameters):
    return configure(RECIPES.load(name), name=name, parameters=parameters).make(given, lambda *_: None)


def differing(made, rows):
    """By how much the graph differs from what was trained."""
    session = onnxruntime.InferenceSession(made.graph().SerializeToString(), providers=["CPUExecutionProvider"])
    return np.abs(session.run(["probabilities"], {"X": rows})[0] - made.predict(rows)).max()


@pytest.mark.parametrize(
    ("name", "width", "parameters"),
    [
        ("cnn", 48, {"shape": [6, 8]}),
        ("cnn", 48, {"shape": [4, 4, 3], "layers": 2, "kernel": 5, "hidden": []}),
        ("cnn", 48, {"shape": [1, 48], "channels": [4, 8, 8], "kernel": 7, "dropout": 0.2}),
        ("cnn", 48, {"shape": [48, 1, 1], "hidden": [8, 8]}),
        ("cnn", 49, {"shape": [7, 7], "channels": [3, 5, 7, 9, 11], "kernel": 1, "shift": 1, "flip": True}),
        ("cnn", 1, {}),
        ("cnn", 48, {"shape": [6, 8], "activation": "silu", "crop": 0.3}),
        ("cnn", 48, {"shape": [6, 8], "activation": "tanh", "hidden": [8, 8]}),
        ("rnn", 24, {"shape": [6, 4], "cell": "lstm", "layers": 2, "units": 5}),
        ("rnn", 24, {"shape": [6, 4], "cell": "lstm", "pooling": "last", "units": 7}),
        ("rnn", 24, {"shape": [6, 4], "cell": "lstm", "pooling": "last", "both_ways": False}),
        ("rnn", 24, {"shape": [12, 2], "pooling": "last", "layers": 2, "dropout": 0.3}),
        ("rnn", 24, {"both_ways": False, "units": 1}),
        ("rnn", 24, {"shape": [1, 24], "layers": 3}),
        ("transformer", 24, {"shape": [6, 4], "layers": 3, "heads": 1, "width": 6, "inner": 5}),
        ("transformer", 24, {"heads": 8, "width": 16, "dropout": 0.1}),
        ("transformer", 1, {"layers": 1}),
    ],
)
def test_a_network_of_any_shape_is_served_as_it_was_trained(name, width, parameters):
    given = noise(width=width)
    made = make(name, given, epochs=3, **parameters)
    assert differing(made, given.validation) < 1e-5
    assert differing(made, given.validation[:1]) < 1e-5
    assert np.unique(made.predict(given.validation).round(3), axis=0).shape[0] > 1, "it answers something"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cnn", {"shape": [8, 8], "batch_size": 32}),
        ("rnn", {"shape": [8, 8], "cell": "lstm"}),
        ("rnn", {"shape": [8, 8], "cell": "gru", "pooling": "last"}),
        ("transformer", {"shape": [8, 8], "batch_size": 32, "epochs": 25}),
    ],
)
def test_handwritten_digits_are_read(name, parameters):
    given = digits()
    made = make(name, given, **parameters)
    assert (made.predict(given.validation).argmax(axis=1) == given.validation_labels).mean() > 0.93


def test_neighbours_matter_to_a_convolution_and_not_to_sums():
    """Positive control: pixels in another order are as good for sums, and much worse for filters."""
    given, order = digits(700), np.random.default_rng(4).permutation(64)
    mixed = inputs(
        np.concatenate((given.validation, given.train))[:, order], np.concatenate((given.validation_labels, given.train_labels))
    )
    parameters = {"shape": [8, 8], "channels": [8, 16, 32], "hidden": [], "batch_size": 32, "epochs": 8}
    right, wrong = (
        (make("cnn", each, **parameters).predict(each.validation).argmax(axis=1) == each.validation_labels).mean()
        for each in (given, mixed)
    )
    assert right > wrong + 0.02


@pytest.mark.parametrize("batch_size", [1, 59])
def test_a_last_batch_of_one_row_is_learnt_from_too(batch_size):
    given = noise(rows=260, width=4)
    made = make("cnn", given, shape=[2, 2], channels=[4, 4, 4], batch_size=batch_size, epochs=1)
    assert (60 % batch_size) in {0, 1}
    assert differing(made, given.validation) < 1e-5


@pytest.mark.parametrize(
    ("name", "shape", "told"),
    [("cnn", [8, 9], "has 72 places"), ("rnn", [8, 9], "has 72 places"), ("transformer", [9, 8], "has 72 places")],
)
def test_a_shape_that_the_columns_do_not_fill_is_refused_with_both_numbers(name, shape, told):
    with pytest.raises(UnusableInputsError, match=f"{told}, and the prepared rows have 64 columns"):
        make(name, digits(250), shape=shape)


def test_heads_that_cannot_share_the_width_are_refused_before_anything_is_made():
    with pytest.raises(InvalidParameterError, match="`width: 35`"):
        configure(RECIPES.load("transformer"), name="transformer", parameters={"heads": 5, "width": 32})


SHAPE = (5, 6, 2)


def changed(rows, *, seed=7, **how):
    return augmented(rows, how=Changes(**how), shape=SHAPE, spread=1.0, noise=torch.Generator().manual_seed(seed))


@pytest.fixture
def images():
    return torch.tensor(np.random.default_rng(2).normal(size=(64, 60)), dtype=torch.float32)


def test_without_a_change_an_image_stays_as_it_is(images):
    assert changed(images) is images


def test_a_shift_moves_whole_pixels_and_fills_with_the_nearest_edge(images):
    found = changed(images, shift=1).view(-1, *SHAPE)
    padded = torch.nn.functional.pad(images.view(-1, *SHAPE).permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate").permute(
        0, 2, 3, 1
    )
    places = [
        {
            (down, across)
            for down in range(3)
            for across in range(3)
            if torch.allclose(image, whole[down : down + 5, across : across + 6], atol=1e-5)
        }
        for image, whole in zip(found, padded, strict=True)
    ]
    assert all(len(place) == 1 for place in places)
    assert len(set.union(*places)) == 9, "each way, and not at all"


def test_a_crop_shows_a_part_of_the_image_as_large_as_was_asked_for_and_nothing_from_outside():
    """Each pixel says where it lies, so that what is seen tells which part it is."""
    places = torch.linspace(0, 1, 40)
    image = torch.stack((places.expand(40, 40), places[:, None].expand(40, 40)), dim=2)
    rows, source = image.reshape(1, -1).repeat(300, 1), torch.Generator().manual_seed(3)
    found = augmented(rows, how=Changes(crop=0.4), shape=(40, 40, 2), spread=1.0, noise=source).view(300, 40, 40, 2)
    across, down = found[:, 20, :, 0], found[:, :, 20, 1]
    wide, high = (line[:, -2] - line[:, 1] for line in (across, down))
    assert torch.allclose(wide, high, atol=1e-4), "as wide as high"
    left = wide / (places[-2] - places[1])
    assert 0.59 < float(left.min()) < 0.63
    assert 0.97 < float(left.max()) < 1.01
    assert float(left.mean()) == pytest.approx(0.8, abs=0.03)
    assert (across.diff(dim=1)[:, 1:-1] > 0.01).all(), "no edge is drawn out"
    assert float(across[:, 20].std()) > 0.05 < float(down[:, 20].std()), "from everywhere"


def test_a_flip_mirrors_about_half_of_the_images_left_to_right(images):
    found, given = changed(images, flip=True).view(-1, *SHAPE), images.view(-1, *SHAPE)
    mirrored = [torch.allclose(one, other.flip(1), atol=1e-5) for one, other in zip(found, given, strict=True)]
    kept = [torch.allclose(one, other, atol=1e-5) for one, other in zip(found, given, strict=True)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 16 < sum(mirrored) < 48


def test_a_turn_by_no_more_than_asked_leaves_the_middle_where_it_is():
    image = torch.zeros(1, 9, 9, 1)
    image[0, 4, :, 0] = 1.0
    rows = image.reshape(1, -1).repeat(50, 1)
    found = augmented(rows, how=Changes(rotate=30.0), shape=(9, 9, 1), spread=1.0, noise=torch.Generator().manual_seed(1)).view(
        50, 9, 9
    )
    assert torch.allclose(found[:, 4, 4], torch.ones(50), atol=1e-4)
    assert (found[:, :2].abs().amax(dim=(1, 2)) < 1e-4).any(), "some are turned a little"
    assert (found[:, :3].abs().amax(dim=(1, 2)) > 0.1).any(), "some are turned a lot"
    assert (found[:, 0].abs() < 1e-4).all(), "none is turned by more than 30 degrees"


def test_a_cutout_blanks_one_square_of_the_size_that_was_asked_for(images):
    found = (changed(images, cutout=0.4) != images).view(-1, *SHAPE).all(dim=3)
    assert (found.sum(dim=(1, 2)) == 2 * 2).all()
    assert len({tuple(each.nonzero()[0].tolist()) for each in found}) > 8, "everywhere"


def test_noise_has_the_spread_that_was_asked_for(images):
    added = changed(images, noise=0.5) - images
    assert float(added.std()) == pytest.approx(0.5, rel=0.05)
    assert abs(float(added.mean())) < 0.03


def test_noise_spreads_a_batch_of_one_pixel_too():
    given = noise(rows=261, width=1)
    assert make("cnn", given, noise=0.5, batch_size=60, epochs=1).notes


def test_changes_follow_from_the_seed(images):
    how = {"shift": 2, "rotate": 20.0, "flip": True, "cutout": 0.3, "noise": 0.1}
    assert torch.equal(changed(images, **how), changed(images, **how))
    assert not torch.equal(changed(images, **how), changed(images, seed=8, **how))


@pytest.mark.parametrize(("batch_size", "most"), [(8, 8), (0, 1024), (2048, 1024)])
def test_nothing_is_judged_in_larger_batches_than_it_is_learnt_from(monkeypatch, batch_size, most):
    seen = []
    given, real = noise(3000, width=4), torch.nn.Linear.forward

    def forward(layer, rows):
        seen.append((torch.is_grad_enabled(), len(rows)))
        return real(layer, rows)

    monkeypatch.setattr(torch.nn.Linear, "forward", forward)
    made = make("mlp", given, batch_size=batch_size, epochs=1, hidden=[4])
    made.predict(given.train)
    assert max(rows for is_learnt_from, rows in seen if not is_learnt_from) == min(most, 2800)
    judged = [rows for is_learnt_from, rows in seen[-2 * -(-2800 // most) :] if not is_learnt_from]
    assert sum(judged) == 2 * 2800, "every row, by each of the two layers"
