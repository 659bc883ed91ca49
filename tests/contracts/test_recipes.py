# SPDX-License-Identifier: Apache-2.0
"""What every recipe promises, whatever library it stands on. The suite runs over the table, so a new recipe is tested at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import msgspec
import numpy as np
import onnxruntime
import pytest

from modelward import registry
from modelward.training import graph, parity
from modelward.training.history_preparation import HistoryPreparation
from modelward.training.preparation import Preparation, Prepare
from modelward.training.recipe import Inputs, InvalidParameterError, UnusableInputsError, answers, configure, takes, uses_labels
from modelward.training.recipes import RECIPES
from modelward.training.series_preparation import SeriesPreparation
from modelward.training.text_preparation import TextPreparation

CLASSES = {2: ("no", "yes"), 3: ("low", "中", "high")}
# Those that answer with texts keep their promises in `tests/training/test_seq2seq.py`, those with values in `test_generators`.
CLASSIFIERS = [name for name in RECIPES if answers(RECIPES.load(name)) == "classes"]
every_recipe = pytest.mark.parametrize("name", list(RECIPES))


def sorts_of(name):
    """The sorts of data that a recipe is tested on: what it takes."""
    recipe = RECIPES.load(name)
    return takes(recipe) if uses_labels(recipe) else ("strangers",)


every_size = pytest.mark.parametrize("classes", [2, 3])


@dataclass(frozen=True)
class Feature:
    name: str
    kind: str


class Table:
    """Numbers and a category: each class has its own place, size and favourite colour; some values are missing."""

    features = (Feature("size", "number"), Feature("the weight", "number"), Feature("颜色", "category"))
    inputs: ClassVar = {"size": "tensor(float)", "the weight": "tensor(float)", "颜色": "tensor(string)"}

    def rows(self, count, *, classes, seed):
        random = np.random.default_rng(seed)
        labels = random.integers(0, classes, count)
        number = random.normal(size=(count, 2)) + labels[:, None] * (3, -2)
        number[random.random((count, 2)) < 0.05] = np.nan
        colour = np.array(["red", "green", "blue", ""], dtype=object)[np.where(random.random(count) < 0.7, labels, 3)]
        columns = (number[:, :1].astype(np.float32), number[:, 1:].astype(np.float32), colour.reshape(-1, 1))
        return dict(zip((one.name for one in self.features), columns, strict=True)), labels.astype(np.int64)

    def fit(self, columns):
        return Preparation.fit(columns, self.features, Prepare(outliers="clip"))

    def odd_rows(self):
        """Missing everywhere, beyond everything seen, a value never seen."""
        far = np.array([[np.nan], [3e38], [-3e38], [1e-45]], dtype=np.float32)
        return {"size": far, "the weight": far[::-1].copy(), "颜色": np.array([[""], ["new"], ["red"], ["中"]], dtype=object)}


class Texts:
    """A few words of either language: each class has words of its own, among others that all of them use; some are empty."""

    feature = registry.Feature("评论", "text", nullable=True, length=40, lowercase=True)
    inputs: ClassVar = {"评论": "tensor(int32)"}
    words = (("awful", "很差"), ("Fine", "还行"), ("great", "很好"))

    def rows(self, count, *, classes, seed):
        random = np.random.default_rng(seed)
        labels = random.integers(0, classes, count)
        fillers = np.array(["the film", "这部电影", "story", "and", "了", "\U0001f642"])
        texts = []
        for label in labels:
            own = random.choice(self.words[label]) if random.random() < 0.95 else ""
            texts.append(" ".join(random.permutation([own, *random.choice(fillers, random.integers(1, 4))])))
        texts[0] = ""
        return {"评论": registry.code_points(texts, self.feature)}, labels.astype(np.int64)

    def fit(self, columns):
        return TextPreparation(name="评论", length=self.feature.length, lowercase=True)

    def odd_rows(self):
        """Nothing, what is cut, what was never seen, characters of every plane."""
        texts = ["", "great " * 100, "Ωмега ελ", "\U0010ffff\U00020000\x00\x07\ufffe", "，。！"]
        return {"评论": registry.code_points(texts, self.feature)}


class Strangers(Table):
    """One heap of rows, and few, each of which lies somewhere far from it: for recipes that nobody tells which they are."""

    def rows(self, count, *, classes, seed):
        random = np.random.default_rng(seed)
        labels = (random.random(count) < 0.04).astype(np.int64)
        angle = random.uniform(0, 2 * np.pi, count)
        number = random.normal(size=(count, 2)) + (labels * 9)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        number[random.random((count, 2)) < 0.01] = np.nan
        colour = random.choice(np.array(["red", "green", "blue", ""], dtype=object), count)
        columns = (number[:, :1].astype(np.float32), number[:, 1:].astype(np.float32), colour.reshape(-1, 1))
        return dict(zip((one.name for one in self.features), columns, strict=True)), labels


class Histories:
    """Two items, each of which is taken after the other, and with three classes one that is taken first."""

    feature = registry.Feature("history", "sequence", length=6)
    inputs: ClassVar = {"history": "tensor(string)"}

    def rows(self, count, *, classes, seed):
        random = np.random.default_rng(seed)
        labels = random.choice([0, 1, 2][:classes], count, p=[[0.5, 0.5], [0.25, 0.25, 0.5]][classes - 2])
        given = [[] if label == 2 else [*["unseen"] * random.integers(3), CLASSES[classes][1 - label]] for label in labels]
        return {"history": self.feature.sort.column(given, self.feature)}, labels.astype(np.int64)

    def fit(self, columns):
        return HistoryPreparation(name="history", length=6, items=CLASSES[2 if "yes" in columns["history"] else 3])

    def odd_rows(self):
        """Nothing, what was never seen, one item again and again, all items."""
        given = [[], ["new", "中"], ["yes"] * 6, ["yes", "no", "low", "中", "high"]]
        return {"history": self.feature.sort.column(given, self.feature)}


class Series:
    """Steps of two numbers, few or many, whose mean tells the class; some are missing, and some series are empty."""

    feature = registry.Feature("波", "series", nullable=True, shape=(20, 2))
    inputs: ClassVar = {"波": "tensor(float)"}

    def rows(self, count, *, classes, seed):
        random = np.random.default_rng(seed)
        labels = random.integers(0, classes, count)
        series = [random.normal(size=(random.integers(3, 20), 2)) * 5 + (100 + 10 * label) for label in labels]
        for steps in series:
            steps[random.random(steps.shape) < 0.05] = np.nan
        series[0] = series[0][:0]
        return {"波": self.feature.sort.column(series, self.feature)}, labels.astype(np.int64)

    def fit(self, columns):
        return SeriesPreparation.fit("波", list(columns["波"]), Prepare(length=20))

    def odd_rows(self):
        """Nothing, far beyond everything seen, gaps, one step, all steps."""
        nan = np.nan
        series = [[], [[3e38, -3e38]] * 3, [[nan, 1], [nan, nan], [2, nan]], [[1e-45, 0]], [[100, 110]] * 20]
        return {"波": self.feature.sort.column([np.array(each).reshape(-1, 2) for each in series], self.feature)}


DATA = {"table": Table(), "text": Texts(), "series": Series(), "sequence": Histories(), "strangers": Strangers()}
# Each recipe over each sort of data; images are tested with what reads them, in `tests/training/test_images.py`.
CASES = [f"{name} over {sort}" for name in CLASSIFIERS for sort in sorts_of(name) if sort in DATA]
every_case = pytest.mark.parametrize("case", CASES)


def data_of(case):
    return DATA[case.partition(" over ")[2]]


def classes_of(case, classes):
    """A detector tells two classes apart."""
    return 2 if data_of(case) is DATA["strangers"] else classes


def rows(case, count, *, classes, seed):
    return data_of(case).rows(count, classes=classes, seed=seed)


def prepared(case, classes):
    return prepared_of(case.partition(" over ")[2], classes_of(case, classes))


def recipe_of(case):
    name = case.partition(" over ")[0]
    return configure(RECIPES.load(name), name=name, parameters={})


@cache
def prepared_of(taken, classes):
    data = DATA[taken]
    train, train_labels = data.rows(300, classes=classes, seed=1)
    validation, validation_labels = data.rows(60, classes=classes, seed=2)
    preparation = data.fit(train)
    return preparation, Inputs(
        train=preparation.apply(train),
        train_labels=train_labels,
        validation=preparation.apply(validation),
        validation_labels=validation_labels,
        classes=CLASSES[classes],
        seed=7,
        preparation=preparation,
        taken=taken if taken in ("text", "series") else "table",
        shape=preparation.shape if taken == "series" else (),
    )


def make(case, classes):
    preparation, inputs = prepared(case, classes)
    trained = recipe_of(case).make(inputs, lambda *_: None)
    return trained, graph.finish(preparation.graph(), trained.graph(), inputs.classes)


made = cache(make)


def opened(served):
    return onnxruntime.InferenceSession(served, providers=["CPUExecutionProvider"])


@every_size
@every_case
def test_it_learns_what_can_be_learnt(case, classes):
    if (case, classes) == ("popularity over sequence", 3):
        pytest.skip("it tells nobody apart by what they took")
    columns, labels = rows(case, 200, classes=classes, seed=3)
    classes = classes_of(case, classes)
    named, probabilities = opened(made(case, classes)[1]).run(["label", "probabilities"], columns)
    wanted = np.array(CLASSES[classes], dtype=object)[labels]
    assert (named == wanted).mean() > 0.85
    if data_of(case) is DATA["strangers"]:
        assert (named == wanted)[labels == 1].mean() > 0.7, "most rows are no strangers"
    assert probabilities.shape == (200, classes)
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@every_size
@every_case
def test_the_graph_answers_as_the_trained_estimator(case, classes):
    columns, _ = rows(case, 500, classes=classes, seed=4)
    estimator, served = made(case, classes)
    report = parity.check(served, prepared(case, classes)[0], estimator, columns)
    assert report.rows == 500
    assert report.differing == ()
    assert report.worst <= parity.TOLERANCE
    report.require(case)


@pytest.mark.parametrize("taken", DATA)
def test_a_preparation_gives_the_same_bits_as_its_graph(taken):
    for columns in (DATA[taken].rows(50, classes=3, seed=8)[0], DATA[taken].odd_rows()):
        preparation = prepared_of(taken, 2)[0]
        (drawn,) = opened(preparation.graph().SerializeToString()).run(None, columns)
        assert drawn.tobytes() == preparation.apply(columns).tobytes()


@every_size
@every_case
def test_a_row_is_answered_alone_as_among_others(case, classes):
    columns, _ = rows(case, 40, classes=classes, seed=5)
    session = opened(made(case, classes)[1])
    together = session.run(["probabilities"], columns)[0]
    for row in range(40):
        alone = session.run(["probabilities"], {key: column[row : row + 1] for key, column in columns.items()})[0]
        assert alone[0] == pytest.approx(together[row], abs=1e-6)


@every_size
@every_case
def test_odd_rows_get_probabilities_too(case, classes):
    columns = data_of(case).odd_rows()
    report = parity.check(made(case, classes)[1], prepared(case, classes)[0], made(case, classes)[0], columns)
    assert report.differing == ()
    assert np.isfinite(opened(made(case, classes)[1]).run(["probabilities"], columns)[0]).all()


@every_case
def test_outputs_are_label_and_probabilities_and_inputs_are_the_features(case):
    session = opened(made(case, 3)[1])
    assert [(one.name, one.type) for one in session.get_outputs()] == [
        ("label", "tensor(string)"),
        ("probabilities", "tensor(float)"),
    ]
    assert {one.name: one.type for one in session.get_inputs()} == data_of(case).inputs


@every_case
def test_the_same_seed_makes_the_same_bytes(case):
    assert make(case, 3)[1] == made(case, 3)[1]


def test_the_same_seed_makes_the_same_bytes_while_others_are_trained():
    cases = [*CASES, *CASES]
    with ThreadPoolExecutor(4) as threads:
        served = list(threads.map(lambda case: make(case, 2)[1], cases))
    assert [one == made(case, 2)[1] for case, one in zip(cases, served, strict=True)] == [True] * len(cases)


@every_case
def test_it_counts_what_it_learnt_and_says_how_it_went(case):
    estimator, _ = made(case, 2)
    assert estimator.parameters > 0
    assert estimator.notes
    assert all(note.endswith(".") for note in estimator.notes)
    for curve, values in estimator.curves.items():
        assert np.isfinite(values).all()
        assert {type(value) for value in values} == {float}, "they are written as JSON"
        assert min(values) < values[0] or not curve.endswith("_loss")


@every_case
def test_it_tells_how_far_it_is_and_can_be_stopped(case):
    heard = []
    recipe = recipe_of(case)
    recipe.make(prepared(case, 2)[1], lambda share, _word="": heard.append(share))
    assert heard == sorted(heard)
    assert 0 <= heard[0] <= heard[-1] <= 1

    def stop(*_):
        raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        recipe.make(prepared(case, 2)[1], stop)


@every_case
def test_it_works_without_validation_rows(case):
    _, inputs = prepared(case, 2)
    bare = Inputs(
        train=inputs.train,
        train_labels=inputs.train_labels,
        validation=inputs.validation[:0],
        validation_labels=inputs.validation_labels[:0],
        classes=inputs.classes,
        taken=inputs.taken,
        shape=inputs.shape,
    )
    trained = recipe_of(case).make(bare, lambda *_: None)
    assert (trained.predict(inputs.train).argmax(axis=1) == inputs.train_labels).mean() > 0.85


@every_case
def test_a_frozen_matrix_is_left_as_it_is(case):
    _, inputs = prepared(case, 2)
    before = inputs.train.copy()
    for part in (inputs.train, inputs.train_labels, inputs.validation, inputs.validation_labels):
        part.flags.writeable = False
    make(case, 2)
    assert (inputs.train == before).all()


@every_recipe
def test_an_unknown_parameter_is_refused_by_name(name):
    known = RECIPES.load(name).Parameters.__struct_fields__[0]
    with pytest.raises(InvalidParameterError, match=f"'{known}x'.*Did you mean '{known}'"):
        configure(RECIPES.load(name), name=name, parameters={f"{known}x": 1})


@every_recipe
def test_a_parameter_out_of_range_is_refused_by_name(name):
    schema = next(iter(msgspec.json.schema_components([RECIPES.load(name).Parameters])[1].values()))
    limited = {key: one for key, one in schema["properties"].items() if "minimum" in one or "exclusiveMinimum" in one}
    assert limited, "every recipe has a number to set, and the number has limits"
    for parameter, one in limited.items():
        low = one.get("minimum", one.get("exclusiveMinimum"))
        for wrong in (type(low)(low - 1), "many"):
            with pytest.raises(InvalidParameterError, match=re.escape(repr(parameter))):
                configure(RECIPES.load(name), name=name, parameters={parameter: wrong})


@every_recipe
def test_every_parameter_has_a_default_and_a_description(name):
    recipe = RECIPES.load(name)
    schema = next(iter(msgspec.json.schema_components([recipe.Parameters])[1].values()))
    assert recipe.Parameters.__struct_config__.forbid_unknown_fields
    assert recipe.Parameters.__struct_config__.frozen
    assert all("default" in one and one["description"].endswith(".") for one in schema["properties"].values())
    assert configure(recipe, name=name, parameters={})


def test_inputs_that_nothing_can_be_learnt_from_are_refused():
    _, good = prepared_of("table", 3)
    fields = {name: getattr(good, name) for name in good.__slots__}
    infinite = good.train.copy()
    infinite[0, 0] = np.inf
    for change, word in (
        ({"train_labels": np.where(good.train_labels == 1, 0, good.train_labels)}, "no row of the class '中'"),
        ({"train": infinite}, "float32"),
        ({"train": good.train[:-1]}, "shape"),
        ({"validation": good.validation[:, 1:]}, "shape"),
        ({"classes": ("only",), "train_labels": good.train_labels * 0}, "two or more"),
    ):
        with pytest.raises(UnusableInputsError, match=word):
            Inputs(**{**fields, **change})
