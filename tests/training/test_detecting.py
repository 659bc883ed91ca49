# SPDX-License-Identifier: Apache-2.0
"""Detectors learn from no label, and their probability is what it says."""

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from modelward.training import UnfitCandidateError, UnusableDataError, parse_spec
from modelward.training.detecting import Rarity
from modelward.training.recipe import Inputs, UnusableInputsError, configure
from modelward.training.recipes import RECIPES

DETECTORS = {"autoencoder": {"hidden": [4], "epochs": 5}, "isolation-forest": {"trees": 25}}
every_detector = pytest.mark.parametrize("name", DETECTORS)


def strangers(rows=600, *, seed=1, rare=0.05, width=5, classes=("ordinary", "strange")):
    """A heap of rows, and a few far from it that lie nowhere in particular."""
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < rare).astype(np.int64)
    matrix = (random.normal(size=(rows, width)) * np.where(labels, 6, 1)[:, None]).astype(np.float32)
    first = rows * 3 // 4
    return Inputs(
        train=matrix[:first],
        train_labels=labels[:first],
        validation=matrix[first:],
        validation_labels=labels[first:],
        classes=classes,
        seed=seed,
    )


def make(name, inputs, **parameters):
    return configure(RECIPES.load(name), name=name, parameters={**DETECTORS[name], **parameters}).make(inputs, lambda *_: None)


def drawn(name, inputs, **parameters):
    return make(name, inputs, **parameters).graph().SerializeToString()


@every_detector
def test_what_the_labels_are_makes_no_difference(name):
    inputs, random = strangers(), np.random.default_rng(5)
    mixed = replace(inputs, train_labels=random.permutation(inputs.train_labels), validation_labels=inputs.validation_labels[::-1])
    assert drawn(name, inputs) == drawn(name, mixed)
    assert drawn(name, inputs, normal="ordinary") != drawn(name, mixed, normal="ordinary")


@every_detector
def test_with_a_normal_class_no_row_of_the_other_is_looked_at(name):
    inputs = strangers()
    moved = replace(
        inputs,
        train=np.where(inputs.train_labels[:, None] == 1, np.float32(1e5), inputs.train),
        validation=np.where(inputs.validation_labels[:, None] == 1, np.float32(1e5), inputs.validation),
    )
    assert drawn(name, inputs, normal="ordinary") == drawn(name, moved, normal="ordinary")
    assert drawn(name, inputs) != drawn(name, moved)


@every_detector
@pytest.mark.parametrize("normal", [None, "ordinary"])
def test_strangers_are_found_whichever_class_comes_first(name, normal):
    inputs = strangers()
    turned = replace(
        inputs,
        train_labels=1 - inputs.train_labels,
        validation_labels=1 - inputs.validation_labels,
        classes=("strange", "ordinary"),
    )
    one, other = (make(name, each, normal=normal).predict(inputs.validation) for each in (inputs, turned))
    assert roc_auc_score(inputs.validation_labels, one[:, 1]) > 0.95
    assert (one == other[:, ::-1]).all()


@every_detector
@pytest.mark.parametrize("contamination", [0.02, 0.1, 0.3])
def test_the_share_that_was_asked_for_is_called_anomalous(name, contamination):
    inputs = strangers(2000)
    judged = inputs.train if name == "isolation-forest" else inputs.validation
    found = make(name, inputs, contamination=contamination).predict(judged)[:, 1] > 0.5
    assert found.mean() == pytest.approx(contamination, abs=0.004), "the threshold was found on these rows"


def test_the_forest_is_the_one_of_scikit_learn_to_the_last_score():
    rows, labels = load_breast_cancer(return_X_y=True)
    rows, benign = rows.astype(np.float32), labels == 1
    inputs = Inputs(
        train=rows[:400],
        train_labels=labels[:400],
        validation=rows[400:],
        validation_labels=labels[400:],
        classes=("malignant", "benign"),
        seed=3,
    )
    forest = IsolationForest(n_estimators=40, random_state=3).fit(rows[:400][benign[:400]])
    made = make("isolation-forest", inputs, trees=40, normal="benign")
    session = onnxruntime.InferenceSession(made.graph().SerializeToString(), providers=["CPUExecutionProvider"])
    (served,) = session.run(["probabilities"], {"X": rows})
    odds = np.log(served[:, 0].astype(np.float64) / served[:, 1])
    wanted = np.log2(-forest.score_samples(rows))
    slope, offset = np.polyfit(wanted, odds, 1)
    assert slope > 0
    assert odds == pytest.approx(slope * wanted + offset, abs=1e-4)


def test_the_odds_are_the_contamination_over_the_share_of_rows_as_strange():
    scores = np.random.default_rng(0).exponential(size=200_000) * 3 + 7
    for contamination in (0.2, 0.05, 0.01):
        rarity = Rarity.fit(scores, contamination=contamination, anomalous=1)
        asked = np.quantile(scores, [1 - contamination, 1 - contamination / 10, 1 - contamination / 100])
        high = rarity.probabilities(asked)[:, 1]
        assert high / (1 - high) == pytest.approx([1, 10, 100], rel=0.3)


def test_a_tail_of_too_few_rows_is_drawn_on_from_ten():
    scores = np.random.default_rng(0).exponential(size=300)
    rarity = Rarity.fit(scores, contamination=0.0001, anomalous=1)
    assert scores.max() < rarity.threshold < 2 * np.log(10_000), "no row lies beyond, and the tail says where one in 10,000 would"


def test_rows_that_are_all_alike_are_all_as_strange():
    rarity = Rarity.fit(np.full(200, 3.0), contamination=0.1, anomalous=0)
    assert rarity.probabilities(np.array([3.0, 2.0]))[:, 0] == pytest.approx([0.5, 1 / (1 + np.e)])


@every_detector
def test_more_classes_than_two_and_an_unknown_one_are_refused_with_what_to_write(name):
    inputs = strangers()
    three = replace(inputs, train_labels=inputs.train_labels + np.arange(len(inputs.train)) % 2, classes=("a", "b", "c"))
    with pytest.raises(UnusableInputsError, match=r"tells two classes apart, and there are 3\. .* with none"):
        make(name, three)
    with pytest.raises(UnusableInputsError, match=r"normal: 'normal' is no class\. Write 'ordinary' or 'strange'\."):
        make(name, inputs, normal="normal")


def test_an_autoencoder_says_how_badly_each_column_is_given_back():
    inputs = strangers(width=3)
    said = json.loads(make("autoencoder", inputs).files["reconstruction.json"])
    assert list(said["mean_squared_errors"]) == ["column 1", "column 2", "column 3"]
    assert all(error > 0 for error in said["mean_squared_errors"].values())
    assert said["rows"] == len(inputs.validation)


def test_noise_is_added_while_it_learns_and_not_when_it_answers():
    inputs = strangers()
    plain, noisy = (make("autoencoder", inputs, noise=noise) for noise in (0.0, 0.5))
    assert plain.graph().SerializeToString() != noisy.graph().SerializeToString()
    assert (noisy.predict(inputs.train) == noisy.predict(inputs.train)).all()


def bare(rooms, tmp_path, admin):
    """Rows of which nobody says what is to be predicted."""
    random = np.random.default_rng(1)
    lines = [
        f"{value:.4f},{town}" for value, town in zip(random.normal(size=200), random.choice(["north", "south"], 200), strict=True)
    ]
    path = tmp_path / "bare.csv"
    path.write_text("size,town\n" + "\n".join(lines) + "\n")
    return rooms.datasets.add("bare", [path], target="", task="none", purpose="test", owner="tests", by=admin)


BARE = "model: bare\ndata: {{dataset: bare}}\ncandidates: [{candidates}]\n"


def test_where_nothing_is_predicted_rows_are_normal_or_anomalous(rooms, tmp_path, admin):
    bare(rooms, tmp_path, admin)
    spec = parse_spec(
        BARE.format(candidates="isolation-forest: {trees: 25, contamination: 0.1}, autoencoder: {hidden: [2], epochs: 5}")
    )
    run = rooms.training.train(spec, by=admin)
    for name in run.versions:
        version = rooms.registry.find(name, by=admin)
        assert (version.interface.classes, version.interface.target) == (("anomalous", "normal"), "")
        assert version.facts["positive"] == "normal"
        session = onnxruntime.InferenceSession(rooms.registry.read(version, "model.onnx"), providers=["CPUExecutionProvider"])
        columns = version.interface.columns([{"size": size, "town": "north"} for size in (0.0, 40.0)])
        assert session.run(["label"], columns)[0].tolist() == ["normal", "anomalous"]
    assert [each.findings for each in run.candidates] == [(), ()], "nobody told them what they would have had to learn"


def test_where_nothing_is_predicted_a_recipe_that_needs_labels_is_refused(rooms, tmp_path, admin):
    bare(rooms, tmp_path, admin)
    with pytest.raises(UnusableDataError, match=r"candidates\[1\]\.knn: .* registered for the task 'none'"):
        rooms.training.train(parse_spec(BARE.format(candidates="isolation-forest, knn")), by=admin)


@every_detector
def test_a_normal_class_is_refused_where_nobody_labelled_the_rows(name, rooms, tmp_path, admin):
    bare(rooms, tmp_path, admin)
    for normal in ("normal", "anomalous", "ordinary"):
        spec = parse_spec(BARE.format(candidates=f"{name}: {{normal: {normal}}}"))
        with pytest.raises(UnfitCandidateError, match=rf"{name}: normal: '{normal}' names a class, .* Leave `normal` out"):
            rooms.training.train(spec, by=admin)
