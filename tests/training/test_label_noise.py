# SPDX-License-Identifier: Apache-2.0
"""Wrong labels are found where they were planted, and hardly any where there are none. Real tables, fixed seeds.

A false alarm asks the low end of a 95 % interval to lie above 0.02, so a clean table gives one in forty times at most.
"""

from functools import cache

import numpy as np
import pytest
from sklearn import datasets as tables
from sklearn.preprocessing import StandardScaler

from modelward.training import label_noise
from modelward.training.recipe import Inputs
from modelward.training.reference import consult

TABLES = {"cancer": tables.load_breast_cancer, "digits": tables.load_digits}
every_table = pytest.mark.parametrize("name", TABLES)


@cache
def planted(name, share, seed=1):
    """The reference of a table of which so many labels were changed to another class, and which rows these are."""
    rows, labels = TABLES[name](return_X_y=True)
    random, classes = np.random.default_rng(seed), int(labels.max()) + 1
    flipped = random.random(len(labels)) < share
    labels[flipped] = (labels[flipped] + random.integers(1, classes, flipped.sum())) % classes
    return consult(inputs(rows, labels)), flipped


def inputs(rows, labels):
    rows, labels = StandardScaler().fit_transform(rows).astype(np.float32), labels.astype(np.int64)
    names = tuple(map(str, range(int(labels.max()) + 1)))
    return Inputs(train=rows, train_labels=labels, validation=rows[:0], validation_labels=labels[:0], classes=names)


@every_table
def test_planted_wrong_labels_are_counted_and_found(name):
    reference, flipped = planted(name, 0.1)
    found = label_noise.estimate(reference)
    assert found.share.low < flipped.mean() < found.share.high
    suspected = np.zeros(len(flipped), dtype=bool)
    suspected[reference.places[found.suspects]] = True
    hits = (suspected & flipped).sum()
    assert hits / suspected.sum() > 0.85, "precision"
    assert hits / flipped.sum() > 0.6, "recall"


@every_table
def test_the_clean_twin_says_nothing(name):
    reference, _ = planted(name, 0.0)
    found = label_noise.estimate(reference)
    assert found.share.value < 0.01
    assert len(found.suspects) < 0.02 * reference.rows
    assert label_noise.finding(reference, rows=np.arange(reference.of)) is None


def test_the_finding_names_the_share_and_the_worst_rows_as_the_dataset_counts_them():
    reference, flipped = planted("cancer", 0.1)
    said = label_noise.finding(reference, rows=np.arange(reference.of) + 1000)
    assert said.kind == "label-noise"
    assert "`knn`, cross-validated on 569 of 569 training rows drawn with seed 0" in said.text
    named = [int(word) - 1001 for word in said.remedy.partition(": rows ")[2].partition(" of")[0].split(", ")]
    assert len(named) == 8
    assert flipped[named].sum() >= 7


ONE_WAY = [("cancer", 0, 1), ("cancer", 1, 0), ("digits", 1, 0), ("digits", 3, 7), ("wine", 0, 1)]


@pytest.mark.parametrize(("name", "lost", "won"), ONE_WAY)
def test_wrong_labels_that_all_go_one_way_are_counted_and_found(name, lost, won):
    rows, labels = (TABLES | {"wine": tables.load_wine})[name](return_X_y=True)
    flipped = (labels == lost) & (np.random.default_rng(1).random(len(labels)) < 0.3)
    reference = consult(inputs(rows, np.where(flipped, won, labels)))
    found = label_noise.estimate_one_way(reference)
    assert found.share.low < flipped.sum() / (labels == lost).sum() < found.share.high
    assert flipped[reference.places[found.suspects]].mean() > 0.85, "precision"
    said = label_noise.finding(reference, rows=np.arange(reference.of))
    assert "of the training rows that look like one class seem to bear a wrong label" in said.text


@pytest.mark.parametrize("load", [tables.load_breast_cancer, tables.load_digits, tables.load_wine, tables.load_iris])
def test_real_tables_have_no_wrong_labels_that_go_one_way(load):
    assert label_noise.estimate_one_way(consult(inputs(*load(return_X_y=True)))) is None


@pytest.mark.parametrize("rare", [0.03, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("apart", [0.5, 1.0, 2.0, 3.0])
def test_classes_that_overlap_have_no_wrong_labels_that_go_one_way(rare, apart):
    random = np.random.default_rng(0)
    labels = (random.random(1500) < rare).astype(int)
    rows = random.normal(size=(1500, 3))
    rows[:, 0] += apart * labels
    assert label_noise.estimate_one_way(consult(inputs(rows, labels))) is None


def test_a_class_that_is_one_half_another_is_not_taken_for_wrong_labels():
    random = np.random.default_rng(0)
    labels = random.choice(3, 1500, p=(0.3, 0.5, 0.2))
    rows = random.normal(size=(1500, 3))
    rows[:, 0] += 8 * (labels == 0)
    assert label_noise.estimate_one_way(consult(inputs(rows, labels))) is None


def test_wrong_labels_are_told_from_classes_that_overlap():
    """Confident learning alone would suspect a fifth of these rows, whose labels are all as they were drawn."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(3000, 3))
    labels = random.random(3000) < 1 / (1 + np.exp(3 - 1.5 * rows[:, 0]))
    reference = consult(inputs(rows, labels))
    found = label_noise.estimate(reference)
    assert found is None or found.share.low < label_noise.LEAST_SHARE
    flipped = random.random(3000) < 0.1
    noisy = label_noise.estimate(consult(inputs(rows, labels ^ flipped)))
    assert noisy.share.low > label_noise.LEAST_SHARE


def test_a_target_that_the_columns_do_not_tell_has_no_wrong_labels_to_find():
    random = np.random.default_rng(0)
    assert label_noise.estimate(consult(inputs(random.normal(size=(600, 4)), random.integers(0, 2, 600)))) is None


def test_the_reference_bears_rare_classes_one_class_and_wide_rows():
    random = np.random.default_rng(0)
    rows, labels = random.normal(size=(400, 4)), random.integers(0, 2, 400)
    labels[:3] = 2
    reference = consult(inputs(rows, labels))
    assert set(reference.labels) == {0, 1}, "a class of three rows cannot be in every part"
    assert reference.probabilities.shape == (397, 3)
    few = inputs(rows[:10], np.array([0] * 7 + [1] * 3))
    assert consult(few) is None
    wide = consult(inputs(random.normal(size=(1000, 4000)), random.integers(0, 2, 1000)))
    assert wide.rows == 250


def test_the_same_seed_gives_the_same_reference():
    rows, labels = tables.load_wine(return_X_y=True)
    once, again = (consult(inputs(rows, labels)) for _ in range(2))
    assert (once.places == again.places).all()
    assert (once.probabilities == again.probabilities).all()
