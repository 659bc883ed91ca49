# SPDX-License-Identifier: Apache-2.0
"""What every recipe promises that answers with values, made from a seed and a class. The suite runs over the table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
import onnxruntime
import pytest

from modelward.registry import VALUES, Feature, Interface
from modelward.training.checkpoints import Checkpoints
from modelward.training.preparation import Preparation, Prepare
from modelward.training.recipe import Inputs, UnusableInputsError, answers, configure
from modelward.training.recipes import RECIPES

CLASSES = ("低", "high")
FEATURES = (Feature("颜色", "category"), Feature("size", "number"), Feature("count", "number"))
every_generator = pytest.mark.parametrize("name", [name for name in RECIPES if answers(RECIPES.load(name)) == "values"])
FEW = {"epochs": 30}


def rows(count, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    size = random.normal(labels * 4.0, 1.0).astype(np.float32)
    counts = np.where(random.random(count) < 0.6, 0, random.integers(1, 9, count)).astype(np.float32)
    colour = np.array(["red", "blue", ""], dtype=object)[np.where(random.random(count) < 0.8, labels, 2)]
    return {"颜色": colour[:, None], "size": size[:, None], "count": counts[:, None]}, labels.astype(np.int64)


@cache
def inputs():
    columns, labels = rows(400, seed=1)
    preparation = Preparation.fit(columns, FEATURES, Prepare())
    prepared = preparation.apply(columns)
    return Inputs(
        train=prepared,
        train_labels=labels,
        validation=prepared[:0],
        validation_labels=labels[:0],
        classes=CLASSES,
        seed=7,
        preparation=preparation,
    )


def interface():
    return Interface(FEATURES, "level", CLASSES)


def make(name, **parameters):
    return configure(RECIPES.load(name), name=name, parameters={**FEW, **parameters}).make(inputs(), lambda *_: None)


@cache
def finished(name):
    return configure(RECIPES.load(name), name=name, parameters={}).make(inputs(), lambda *_: None).finish(interface())


def asked(whole, *, seeds, classes):
    session = onnxruntime.InferenceSession(whole.graph, providers=["CPUExecutionProvider"])
    seed, target = whole.interface.names
    question = {seed: np.array(seeds, dtype=np.float32)[:, None], target: np.array(classes, dtype=object)[:, None]}
    return session.run([VALUES], question)[0]


@every_generator
def test_it_takes_a_seed_and_a_class_and_gives_named_values(name):
    given = finished(name).interface
    assert [(one.name, one.kind) for one in given.features] == [("seed", "number"), ("level", "category")]
    assert given.features[1].categories == CLASSES
    assert given.answer == "values"
    assert given.values == ("颜色", "size", "count")
    assert given.categories == (("blue", "red", ""), (), ())


@every_generator
def test_what_it_makes_is_like_the_rows_of_the_class(name):
    whole = finished(name)
    for place, label in enumerate(CLASSES):
        made = asked(whole, seeds=range(1000), classes=[label] * 1000)
        columns, labels = rows(4000, seed=3)
        real = {key: column[labels == place, 0] for key, column in columns.items()}
        assert np.mean(made[:, 1]) == pytest.approx(np.mean(real["size"]), abs=0.5)
        assert np.std(made[:, 1]) == pytest.approx(np.std(real["size"]), abs=0.35)
        assert (made[:, 2] == 0).mean() == pytest.approx((real["count"] == 0).mean(), abs=0.12)
        colours = np.array(whole.interface.categories[0], dtype=object)[made[:, 0].astype(int)]
        for colour in ("red", "blue", ""):
            assert (colours == colour).mean() == pytest.approx((real["颜色"] == colour).mean(), abs=0.12)


@every_generator
def test_the_graph_is_what_was_trained(name):
    compared = finished(name).compared
    assert compared.rows > 100
    assert compared.differing == ()
    compared.require(name)


@every_generator
def test_the_same_question_has_the_same_answer_alone_and_among_others(name):
    whole = finished(name)
    together = asked(whole, seeds=[1, 2, 3, 1], classes=["低", "high", "低", "低"])
    assert (together[0] == together[3]).all()
    assert (together[0] != together[2]).any()
    for row, (seed, label) in enumerate([(1, "低"), (2, "high"), (3, "低")]):
        assert asked(whole, seeds=[seed], classes=[label])[0] == pytest.approx(together[row], rel=1e-6)


@every_generator
def test_odd_questions_are_answered_too(name):
    made = asked(finished(name), seeds=[np.nan, -1, 3e38, 0.5], classes=["never seen", "", "high", "低"])
    assert np.isfinite(made).all()


@every_generator
def test_the_same_seed_makes_the_same_bytes_also_while_others_are_trained(name):
    alone = make(name).finish(interface()).graph
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: make(name).finish(interface()).graph, range(2)))
    assert both == [alone, alone]


@every_generator
def test_it_tells_how_far_it_is_and_how_it_went(name):
    heard = []
    recipe = configure(RECIPES.load(name), name=name, parameters=FEW)
    made = recipe.make(inputs(), lambda share, _word="": heard.append(share))
    assert heard == sorted(heard)
    assert made.parameters > 0
    assert all(note.endswith(".") for note in made.notes)
    assert {"critic_loss", "generator_loss"} <= made.curves.keys()
    assert all(np.isfinite(values).all() for values in made.curves.values())


class Kept(Checkpoints):
    """Keeps the last checkpoint, as a disk would."""

    def __init__(self):
        self.last = None
        self.refused = []

    def load(self):
        return self.last

    def is_due(self):
        return False

    def save(self, checkpoint):
        self.last = checkpoint()

    def refuse(self, why):
        self.refused.append(why)


@every_generator
def test_one_that_was_stopped_goes_on_to_the_same_bytes(name):
    recipe, kept = configure(RECIPES.load(name), name=name, parameters=FEW), Kept()
    whole = recipe.make(inputs(), lambda *_: None).finish(interface())

    def stop(share, _word="", /):
        if share > 0.4:
            raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        recipe.make(replace(inputs(), checkpoints=kept), stop)
    assert kept.last
    assert recipe.make(replace(inputs(), checkpoints=kept), lambda *_: None).finish(interface()).graph == whole.graph
    assert kept.refused == []


@every_generator
def test_an_image_is_made_of_numbers_alone_that_fill_its_shape(name):
    for shape, word in (((2, 3), "6 places"), ((1, 4), "颜色")):
        recipe = configure(RECIPES.load(name), name=name, parameters={"shape": shape})
        with pytest.raises(UnusableInputsError, match=word):
            recipe.make(inputs(), lambda *_: None)


@every_generator
def test_an_image_comes_in_its_shape_and_within_the_range_of_the_pixels(name):
    random = np.random.default_rng(2)
    features = tuple(Feature(f"p{place}", "number") for place in range(6))
    labels = random.integers(0, 2, 300)
    pixels = np.clip(random.normal(labels[:, None] * 8, 2, (300, 6)), 0, 16).round().astype(np.float32)
    columns = {feature.name: pixels[:, [place]] for place, feature in enumerate(features)}
    preparation = Preparation.fit(columns, features, Prepare())
    learned = replace(
        inputs(), train=preparation.apply(columns), train_labels=labels, preparation=preparation, validation=pixels[:0]
    )
    recipe = configure(RECIPES.load(name), name=name, parameters={"shape": (2, 3, 1)})
    whole = recipe.make(learned, lambda *_: None).finish(Interface(features, "level", CLASSES))
    made = asked(whole, seeds=range(200), classes=["high"] * 200)
    assert made.shape == (200, 2, 3, 1)
    assert whole.interface.shape == (2, 3, 1)
    assert 0 <= made.min() <= made.max() <= 16
    assert (made == np.round(made)).all(), "pixels are whole numbers, as in the data"
    assert made.mean() > asked(whole, seeds=range(200), classes=["低"] * 200).mean() + 3
    assert whole.compared.differing == ()


@cache
def images():
    random = np.random.default_rng(4)
    labels = np.arange(60) % 2
    pixels = (random.integers(0, 100, (60, 90)) + 100 * labels[:, None]) / np.float32(255)
    return replace(inputs(), train=pixels.astype(np.float32), train_labels=labels, validation=pixels[:0].astype(np.float32),
                   preparation=None, taken="image", shape=(5, 6, 3))  # fmt: skip


@every_generator
def test_one_of_images_makes_the_same_bytes_also_when_it_was_stopped(name):
    recipe = configure(RECIPES.load(name), name=name, parameters={"epochs": 6, "batch_size": 16, "channels": [3, 4, 5]})
    like = Interface((Feature("image", "image", shape=(5, 6, 3)),), "level", CLASSES)
    whole, again = (recipe.make(images(), lambda *_: None).finish(like) for _ in range(2))
    assert whole.graph == again.graph
    assert whole.compared.differing == ()
    assert asked(whole, seeds=[1], classes=["high"]).shape == (1, 5, 6, 3)
    kept = Kept()

    def stop(share, _word="", /):
        if share > 0.4:
            raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        recipe.make(replace(images(), checkpoints=kept), stop)
    assert kept.last
    assert recipe.make(replace(images(), checkpoints=kept), lambda *_: None).finish(like).graph == whole.graph
    assert kept.refused == []
