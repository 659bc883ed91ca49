# SPDX-License-Identifier: Apache-2.0
"""Rows that a spec adds: to training alone, as many as were asked for, the same for the same seed."""

import json

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from modelward.registry import Feature
from modelward.training import InvalidSpecError, UnusableInputsError, parse_spec
from modelward.training.augmenting import Augment, Smote, augmented
from modelward.training.material import gather
from modelward.training.neural import Randomness, class_loss
from modelward.training.neural.learning import ClassifierLearning
from modelward.training.neural.mixing import mixed_loss
from modelward.training.preparation import Preparation, Prepare
from modelward.training.recipe import Inputs, configure
from modelward.training.recipes import RECIPES
from training.lessons import CPU, InMemory, StoppedError

FEATURES = (Feature("size", "number"), Feature("flat", "number"), Feature("colour", "category"))


def inputs(rows=200, *, seed=1, rare=0.1):
    """Two numbers, one of which never varies, and a category; few rows are of the second class, and lie elsewhere."""
    random = np.random.default_rng(seed)
    labels = (np.arange(rows) < rare * rows).astype(np.int64)
    columns = {
        "size": (random.normal(size=(rows, 1)) * 3 + labels[:, None] * 20).astype(np.float32),
        "flat": np.full((rows, 1), 7, dtype=np.float32),
        "colour": random.choice(np.array(["red", "green", "blue"], dtype=object), (rows, 1)),
    }
    preparation = Preparation.fit(columns, FEATURES, Prepare(scale="none"))
    prepared, half = preparation.apply(columns), rows // 2
    return Inputs(
        train=prepared,
        train_labels=labels,
        validation=prepared[:half],
        validation_labels=labels[:half],
        classes=("often", "rare"),
        seed=seed,
        preparation=preparation,
    )


def test_noise_has_the_scale_that_was_asked_for_in_deviations_of_each_number():
    before = inputs(20_000)
    after = augmented(before, Augment(noise=0.5))
    added = after.train[20_000:] - before.train
    assert (after.train[:20_000] == before.train).all()
    assert added[:, 0].std() == pytest.approx(0.5 * before.train[:, 0].std(), rel=0.02)
    assert added[:, 0].mean() == pytest.approx(0, abs=0.1)
    assert (added[:, 1:] == 0).all(), "what never varies and what is no number stays as it is"
    assert (after.train_labels == np.tile(before.train_labels, 2)).all()


def test_validation_rows_and_what_was_given_are_left_as_they_are():
    before = inputs()
    train = before.train.copy()
    before.train.flags.writeable = before.validation.flags.writeable = False
    after = augmented(before, Augment(noise=0.3, smote=Smote(class_="rare", times=3), mixup=0.2))
    assert after.validation is before.validation
    assert after.validation_labels is before.validation_labels
    assert (before.train == train).all()
    assert (after.train[: len(train)] == train).all()
    assert after.mixup == 0.2


@pytest.mark.parametrize("times", [1.5, 3, 9])
def test_the_rare_class_has_as_many_rows_as_were_asked_for(times):
    after = augmented(inputs(), Augment(smote=Smote(class_="rare", times=times)))
    assert np.bincount(after.train_labels).tolist() == [180, 20 * times]
    noisy = augmented(inputs(), Augment(noise=0.1, smote=Smote(class_="rare", times=times)))
    assert np.bincount(noisy.train_labels).tolist() == [360, 40 * times], "noise leaves the balance as it is"


def test_a_made_up_row_lies_between_two_neighbours_of_its_class_and_has_a_whole_category():
    before = inputs()
    after = augmented(before, Augment(smote=Smote(class_="rare", times=20, neighbours=3)))
    own, made = before.train[before.train_labels == 1], after.train[200:]
    near = NearestNeighbors(n_neighbors=3).fit(own).kneighbors(return_distance=False)
    pairs = [(own[one], own[other]) for one in range(len(own)) for other in near[one]]
    for row in made:
        assert any(
            min(a[0], b[0]) <= row[0] <= max(a[0], b[0]) and any((row[1:] == end[1:]).all() for end in (a, b)) for a, b in pairs
        )
    assert (made[:, 2:].sum(axis=1) == 1).all()
    assert len(np.unique(made[:, 0])) > 0.95 * len(made)


def test_the_same_seed_makes_up_the_same_rows():
    asked = Augment(noise=0.2, smote=Smote(class_="rare"))
    one, same, other = (augmented(inputs(seed=seed), asked).train for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()
    alone = augmented(inputs(), Augment(smote=Smote(class_="rare"))).train
    assert (one[: len(alone)] == alone).all(), "noise does not move what is made up"


def test_what_rows_cannot_be_made_up_for_is_refused():
    with pytest.raises(
        UnusableInputsError, match=r"data\.augment\.smote: there is no class 'rarer'\. The classes are 'often', 'rare'"
    ):
        augmented(inputs(), Augment(smote=Smote(class_="rarer")))
    with pytest.raises(UnusableInputsError, match="a single training row"):
        augmented(inputs(rare=0.005), Augment(smote=Smote(class_="rare")))


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
@pytest.mark.parametrize("weight", [None, "balanced"])
def test_the_gradient_of_mixup_is_that_of_the_soft_label(loss, weight):
    asked = ClassifierLearning(loss=loss, class_weight=weight)
    loss_of = class_loss(asked, balanced=[1.0, 1.0, 1.0], device=CPU)
    rows, labels = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3
    found = []
    for made in ("mixed", "soft"):
        noise, weights = Randomness.of(5, CPU).noise, torch.eye(3, requires_grad=True)
        if made == "mixed":
            mixed_loss(
                lambda given, weights=weights: given @ weights, rows, labels, alpha=0.4, loss_of=loss_of, noise=noise
            ).mean.backward()
        else:
            begin = int(torch.randint(0, 2**62, (1,), generator=noise))
            share = np.random.Generator(np.random.PCG64(begin)).beta(0.4, 0.4)
            partner, truth = torch.randperm(40, generator=noise), torch.eye(3)[labels]
            soft = share * truth + (1 - share) * truth[partner]
            logits = (share * rows + (1 - share) * rows[partner]) @ weights
            if loss == "mse":
                (torch.softmax(logits, dim=1) - soft).square().mean().backward()
            else:
                torch.nn.functional.cross_entropy(logits, soft).backward()
        found.append(weights.grad)
    assert found[0] == pytest.approx(found[1], abs=1e-6)


@pytest.mark.parametrize("name", ["mlp", "transformer"])
def test_mixup_changes_what_a_network_learns_and_goes_on_to_the_same_bits(name):
    def graph(given, checkpoints):
        from dataclasses import replace

        recipe = configure(RECIPES.load(name), name=name, parameters={"epochs": 3, "batch_size": 32, "dropout": 0.1})
        return recipe.make(replace(given, checkpoints=checkpoints), lambda *_: None).graph().SerializeToString()

    mixed, kept = augmented(inputs(), Augment(mixup=0.4)), InMemory(stop_after=11)
    whole = graph(mixed, InMemory(every=10**9))
    assert whole != graph(inputs(), InMemory(every=10**9))
    with pytest.raises(StoppedError):
        graph(mixed, kept)
    assert graph(mixed, InMemory(kept=kept.kept)) == whole


SPEC = """
model: grants
data:
  dataset: people
  split: {{seed: 3}}
  augment: {augment}
candidates: [naive-bayes, {candidates}]
seed: 5
"""


def test_only_training_rows_are_added_and_the_version_says_so(rooms, register, admin):
    dataset, table = register(), rooms.datasets.table("people", by=admin, purpose="to look at")
    written = "{noise: 0.1, smote: {class: 'yes', times: 3}, mixup: 0.2}"
    plain, more = (gather(parse_spec(SPEC.format(augment=each, candidates="knn")), dataset, table) for each in ("null", written))
    assert (plain.learnt is plain.inputs, "augmented" in plain.facts) == (True, False)
    for column in plain.test:
        assert (plain.test[column] == more.test[column]).all()
    assert (more.learnt.validation == plain.inputs.validation).all()
    assert (more.inputs.train == plain.inputs.train).all()
    assert more.facts["rows"] == plain.facts["rows"]
    before = np.bincount(plain.inputs.train_labels).tolist()
    assert more.facts["augmented"] == {
        "noise": 0.1,
        "smote": {"class": "yes", "times": 3.0, "neighbours": 5},
        "mixup": 0.2,
        "rows_of_class": {"no": [before[0], 2 * before[0]], "yes": [before[1], 6 * before[1]]},
    }


def test_who_cannot_mix_says_so_and_who_can_does(rooms, register, admin):
    register()
    run = rooms.training.train(parse_spec(SPEC.format(augment="{mixup: 0.2}", candidates="mlp: {epochs: 2}")), by=admin)
    notes = [
        json.loads(rooms.registry.read(rooms.registry.find(name, by=admin), "training.json"))["notes"] for name in run.versions
    ]
    assert [any("mixup, which is of networks" in note for note in each) for each in notes] == [True, False]


def test_rows_that_nothing_can_be_added_to_are_refused_where_the_spec_is_read():
    with pytest.raises(InvalidSpecError, match=r"candidates\[1\]\.isolation-forest: the recipe learns from no label"):
        parse_spec(SPEC.format(augment="{smote: {class: 'yes'}}", candidates="isolation-forest"))
    assert parse_spec(SPEC.format(augment="{noise: 0.1}", candidates="isolation-forest"))
    with pytest.raises(InvalidSpecError, match=r"data\.augment: rows are added to tables and images, and this is a text"):
        parse_spec("model: m\ndata: {dataset: d, text: t, augment: {noise: 0.1}}\ncandidates: [text-linear]\n")
    with pytest.raises(InvalidSpecError, match=r"data\.augment\.smote\.klass: unknown; did you mean class"):
        parse_spec(SPEC.format(augment="{smote: {klass: 'yes'}}", candidates="knn"))
