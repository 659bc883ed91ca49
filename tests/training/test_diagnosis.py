# SPDX-License-Identifier: Apache-2.0
"""Why a training went as it did is said where it went so, and not where it did not."""

import json
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn import datasets as tables
from sklearn.preprocessing import StandardScaler

from modelward.training import FINDINGS, RECIPES, parse_spec
from modelward.training.diagnosis import Answered, Facts, diagnose, diagnose_gains
from modelward.training.estimating import difference, mean, share
from modelward.training.examining import examine
from modelward.training.recipe import Gains, Inputs, answers, configure, takes, uses_labels
from modelward.training.reference import consult
from training.house import people


def divided(rows, labels, seed=0):
    """A fifth of the rows is for validation."""
    order = np.random.default_rng(seed).permutation(len(labels))
    rows, labels = StandardScaler().fit_transform(rows).astype(np.float32)[order], labels.astype(np.int64)[order]
    cut = len(labels) * 4 // 5
    names = tuple(map(str, range(int(labels.max()) + 1)))
    return Inputs(train=rows[:cut], train_labels=labels[:cut], validation=rows[cut:], validation_labels=labels[cut:], classes=names)


def noise(rows=1500):
    random = np.random.default_rng(0)
    return divided(random.normal(size=(rows, 8)), random.integers(0, 2, rows))


def found(recipe, inputs, *, reference=None, **parameters):
    made = configure(RECIPES.load(recipe), name=recipe, parameters=parameters).make(inputs, lambda *_: None)
    every = msgspec.to_builtins(msgspec.convert(parameters, RECIPES.load(recipe).Parameters))
    return examine(made, inputs, parameters=every, reference=reference)


def test_a_tree_that_learns_by_heart_overfits():
    (said,) = found("decision-tree", noise(), max_depth=30, min_samples_leaf=1)
    assert said.kind == "overfitting"
    assert said.text.startswith("The accuracy is 1.000 on training rows and 0.")
    assert said.remedy == "Lower `max_depth` (it is 30). Raise `min_samples_leaf` (it is 1). More training rows help, too."


def test_what_is_learnt_well_has_no_findings():
    inputs = divided(*tables.load_breast_cancer(return_X_y=True))
    reference = consult(inputs)
    for name in RECIPES:
        recipe = RECIPES.load(name)
        if "table" in takes(recipe) and uses_labels(recipe) and answers(recipe) == "classes":
            assert found(name, inputs, reference=reference) == (), name


def test_a_model_of_what_cannot_be_told_underfits():
    (said,) = found("logistic-regression", noise(2500))
    assert said.kind == "underfitting"
    assert "than always answering the frequencies of the classes" in said.text
    assert said.remedy.startswith("Raise `C` (it is 1).")


def test_a_model_behind_a_quick_reference_underfits():
    inputs = divided(*tables.load_digits(return_X_y=True))
    (said,) = found("decision-tree", inputs, reference=consult(inputs), max_depth=3)
    assert said.kind == "underfitting"
    assert said.text.startswith("On training rows it is behind a quick reference")
    assert "Raise `max_depth` (it is 3)." in said.remedy


def test_a_network_that_does_not_move_is_on_a_plateau():
    (said,) = found("mlp", noise(2500), learning_rate=1e-8, epochs=9)
    assert said.kind == "plateau"
    assert said.text.startswith("The training loss changed by ")
    assert said.remedy.startswith("Raise `learning_rate` (it is 1e-08). Try another `schedule` or `optimizer`.")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"epochs": 2, "learning_rate": 1e-6}, "Raise `learning_rate` (it is 1e-06). Raise `epochs` (it is 2)."),
        ({"epochs": 2, "learning_rate": 3e-3}, "Raise `epochs` (it is 2). More or larger `hidden` layers."),
    ],
)
def test_a_network_that_learnt_too_little_is_told_what_its_loss_asks_for(parameters, said):
    inputs = divided(*tables.load_digits(return_X_y=True))
    finding = found("mlp", inputs, reference=consult(inputs), **parameters)[0]
    assert finding.kind in {"underfitting", "plateau"}
    assert finding.remedy.startswith(said), (finding.text, finding.remedy)


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([0.7, 0.69, 0.68, 0.7, 0.72, 0.75, 0.8], "Lower `learning_rate` (it is 0.1). Or try"),
        ([1.9e6, 1e6, 5e5, 2e5, 1e5, 8e4, 4.7e4], "Lower `learning_rate` (it is 0.1). Or try"),
        ([9e4, 5e4, 4.7e4, 4.7e4, 4.7e4, 4.7e4, 4.69e4], "Lower `learning_rate` (it is 0.1). Try another `schedule`."),
        ([0.7, 0.6, 0.55, 0.53, 0.51, 0.49, 0.47], "Raise `epochs` (it is 7). More or larger `hidden` layers. Or try"),
        ([0.7, 0.6, 0.5, 0.5, 0.5, 0.5, 0.4999], "More or larger `hidden` layers. Raise `learning_rate` (it is 0.1)."),
        ([0.7, 0.69, 0.69, 0.69, 0.69, 0.69, 0.6899], "Raise `learning_rate` (it is 0.1). Try another `schedule`."),
    ],
)
def test_each_course_of_the_loss_has_its_own_remedy(losses, said):
    even = np.arange(2000) % 2
    blind = Answered(labels=even, probabilities=np.full((2000, 2), 0.5))
    parameters = {"hidden": [8], "learning_rate": 0.1, "epochs": 7, "schedule": "cosine"}
    curves, counts = {"training_loss": losses}, np.array([1000, 1000])
    (finding,) = diagnose(Facts(training=blind, validation=None, counts=counts, parameters=parameters, curves=curves))
    assert finding.remedy.startswith(said)


def test_no_figure_is_told_with_a_sign_against_its_word():
    even = np.arange(2000) % 2
    wild = np.where(even, 0.1, 0.9)
    answers = Answered(labels=even, probabilities=np.stack([1 - wild, wild], axis=1))
    (said,) = diagnose(Facts(training=answers, validation=None, counts=np.array([1000, 1000]), parameters={}))
    assert re.search(r"Its log loss is higher by 1\.609 \[.*\]\. Its balanced accuracy is lower by 0\.500 \[", said.text)


def gained(training, validation, *, rows=400, curves=None):
    """The findings about a candidate whose rows gain so much on the whole, each another amount."""
    random = np.random.default_rng(0)
    parts = (part + random.normal(scale=0.5, size=rows) for part in (training, validation))
    parameters = {"units": 64, "dropout": 0.1, "epochs": 9, "learning_rate": 0.01, "schedule": "cosine"}
    return diagnose_gains(Gains(training=next(parts), validation=next(parts)), parameters=parameters, curves=curves or {}, seed=0)


def test_what_answers_with_more_than_a_few_classes_is_judged_by_what_it_gains_over_their_frequencies():
    assert gained(2.0, 1.9) == ()
    assert gained(0.3, 0.25) == ()
    assert gained(2.0, 1.0, rows=19) == (), "too few rows"
    (said,) = gained(2.0, 1.0)
    assert said.kind == "overfitting"
    assert re.search(r"by 1\.9\d\d on training rows and by 0\.9\d\d on validation rows, a gap of 0\.9\d\d \[0\.", said.text)
    assert said.remedy.startswith("Lower `units` (it is 64). Raise `dropout` (it is 0.1).")
    (said,) = gained(-0.1, -0.1)
    assert (said.kind, "Its log loss is higher by 0." in said.text) == ("underfitting", True)
    (said,) = gained(-0.1, -0.1, curves={"training_loss": [3.0] * 9})
    assert said.kind == "plateau"
    assert said.remedy == "Raise `learning_rate` (it is 0.01). Try another `schedule`."


def skewed(recall, *, rare=60, rows=3000, seed=0):
    """Answers to rows of which few are of the second class, and a share of those is found."""
    random, labels = np.random.default_rng(seed), (np.arange(rows) < rare).astype(np.int64)
    given = np.where(labels == 1, np.where(random.random(rows) < recall, 0.8, 0.3), 0.02)
    return Answered(labels=labels, probabilities=np.stack([1 - given, given], axis=1))


def facts(part, **more):
    given = {"counts": np.bincount(part.labels), "parameters": {"class_weight": None}, **more}
    return Facts(training=part, validation=part, **given)


def test_a_rare_class_that_is_hardly_found_is_said():
    (said,) = diagnose(facts(skewed(0.2)))
    assert said.kind == "imbalance"
    assert said.text.startswith("The rarest class has 60 of 3,000 training rows. All rows weighed the same")
    assert "`class_weight: balanced`" in said.remedy
    (without,) = diagnose(facts(skewed(0.2), parameters={}))
    assert "a recipe that has `class_weight`" in without.remedy
    assert diagnose(facts(skewed(1.0))) == ()


def test_a_rare_class_that_was_weighed_is_said_where_its_probabilities_are_too_high():
    part = skewed(1.0)
    given = np.where(part.labels == 1, 0.8, 0.2)
    weighed = Answered(labels=part.labels, probabilities=np.stack([1 - given, given], axis=1))
    (said,) = diagnose(facts(weighed, parameters={"class_weight": "balanced"}))
    assert "The classes weighed the same in training" in said.text
    assert diagnose(facts(part, parameters={"class_weight": "balanced"})) == ()


def test_a_gap_that_chance_could_make_is_not_said():
    """The same accuracy behind either part: at 95 % and a margin of 0.03 hardly ever a finding."""
    random = np.random.default_rng(0)
    said = 0
    for seed in range(100):
        parts = []
        for rows in (1000, 200):
            labels = random.integers(0, 2, rows)
            given = np.where((random.random(rows) < 0.8) == labels, 0.8, 0.2)
            parts.append(Answered(labels=labels, probabilities=np.stack([1 - given, given], axis=1)))
        counts = np.bincount(parts[0].labels)
        told = diagnose(Facts(training=parts[0], validation=parts[1], counts=counts, parameters={}, seed=seed))
        said += "overfitting" in [each.kind for each in told]
    assert said <= 1


def test_intervals_hold_what_they_are_of_in_19_of_20_times():
    random = np.random.default_rng(0)
    held = {"mean": 0, "difference": 0, "share": 0}
    for seed in range(300):
        one, other = random.random(80) < 0.7, random.random(120) < 0.6
        for name, (figure, true) in {
            "mean": (mean(one, seed=seed), 0.7),
            "difference": (difference(one, other, seed=seed), 0.1),
            "share": (share(int(one.sum()), of=80), 0.7),
        }.items():
            held[name] += figure.low <= true <= figure.high
    # Fewer than 90 % of 300 would be seven deviations below what is promised of the difference, and no less of the others.
    assert all(count > 270 for count in held.values()), held


def test_findings_do_not_depend_on_the_clock_but_a_dear_recipe_is_asked_less():
    inputs = noise(2000)
    recipe = configure(RECIPES.load("decision-tree"), name="decision-tree", parameters={"min_samples_leaf": 1, "max_depth": 40})
    made = recipe.make(inputs, lambda *_: None)
    asked = []

    def answer(rows):
        asked.append(len(rows))
        return made.predict(rows)

    slow = replace(made, predict=answer)
    every = {"parameters": {}, "reference": None}
    assert examine(slow, inputs, **every)[0].kind == "overfitting"
    assert sum(asked) == 2000
    asked.clear()
    assert examine(slow, inputs, **every, budget_seconds=0)[0].kind == "overfitting"
    assert asked == [500, 400]


def test_a_fault_while_examining_costs_no_version():
    inputs = noise(200)
    made = configure(RECIPES.load("naive-bayes"), name="naive-bayes", parameters={}).make(inputs, lambda *_: None)

    def broken(_rows):
        raise ValueError("Ada Example, 3 Mill Lane")

    (said,) = examine(replace(made, predict=broken), inputs, parameters={}, reference=None)
    assert said.kind == "not-examined"
    assert "ValueError" in said.text
    assert "Ada" not in said.text + said.remedy


def test_findings_are_kept_in_the_version_and_shown_with_the_run(rooms, register, admin):
    register(text=people(400))
    spec = "model: grants\ndata: {dataset: people}\ncandidates: [decision-tree: {max_depth: 20, min_samples_leaf: 1}, knn]\n"
    run = rooms.training.train(parse_spec(spec), by=admin)
    tree, knn = run.candidates
    assert [each.kind for each in tree.findings] == ["overfitting"]
    assert knn.findings == ()
    assert rooms.training.show(run.id, by=admin) == run
    version = rooms.registry.find(tree.version, by=admin)
    kept = json.loads(rooms.registry.read(version, "training.json"))["findings"]
    assert kept == [msgspec.to_builtins(each) for each in tree.findings]
    assert {each.kind for each in tree.findings} <= set(FINDINGS)


def test_what_is_wrong_with_the_rows_is_said_before_anything_is_trained(rooms, register, admin):
    """A column that says the target, and another class's label in one of six rows."""
    header, *lines = people(900).splitlines()
    cells = [line.split(",") for line in lines]
    for row in cells:
        row.append({"yes": "granted", "no": "declined"}[row[4]])
    told = "\n".join([f"{header},letter", *(",".join(row) for row in cells)])
    register("told", told)
    other = {"yes": "no", "no": "yes"}
    noisy = [[*row[:4], other[row[4]] if at % 6 == 0 else row[4]] for at, row in enumerate(cells)]
    register("noisy", "\n".join([header, *(",".join(row) for row in noisy)]))
    heard = []

    class Watch:
        def started(self, run):
            heard.append(run.findings)

        def candidate(self, name, share, word):
            heard.append(word)

    spec = "model: grants\ndata: {{dataset: {}}}\ncandidates: [naive-bayes]\n"
    run = rooms.training.train(parse_spec(spec.format("told")), by=admin, progress=Watch())
    (leak,) = heard[0]
    assert (leak.kind, run.findings) == ("leakage", (leak,))
    assert leak.text == "Column 'letter' says the same as the target, value for value."
    assert leak.remedy == "Unless it is known before the outcome, write `data: {exclude: [letter]}`."
    run = rooms.training.train(parse_spec(spec.format("noisy")), by=admin)
    assert [each.kind for each in run.findings] == ["label-noise"]
    version = rooms.registry.find(run.versions[0], by=admin)
    assert json.loads(rooms.registry.read(version, "training.json"))["findings"][0]["kind"] == "label-noise"
    excluded = rooms.training.train(parse_spec(spec.format("told, exclude: [letter]")), by=admin)
    assert excluded.findings == ()


@pytest.mark.parametrize("name", FINDINGS)
def test_every_kind_of_finding_is_explained_where_training_is(name):
    page = (Path(__file__).parents[2] / "docs/how-to/train.md").read_text()
    assert f"`{name}`" in page
