# SPDX-License-Identifier: Apache-2.0
"""What is lost by degraded data: everything by who leans on one column that goes missing, nothing by who looks at none."""

from dataclasses import replace
from functools import cache

import msgspec
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

import pictures
from assessment import echo
from entrances.takers import SWING, swing
from modelward.assessment import ClauseVerdict, Sample, degrading
from modelward.assessment.assessors import degraded
from modelward.assessment.assessors.degraded import Degraded
from modelward.assessment.degrading import Degradable
from modelward.registry import Feature, Interface, OpenVersion
from modelward.training import RECIPES, Inputs, Preparation, Prepare
from modelward.training.graph import finish

CLASSES = ("malignant", "benign")
TOWNS = np.array(["east", "north", "south", "west"], dtype=object)


@cache
def table():
    """A real table of four measurements, and a made-up town of each row that tells nothing: columns, labels, features."""
    rows, labels = load_breast_cancer(return_X_y=True)
    names = ("radius", "texture", "perimeter", "area")
    columns = {name: rows[:, at : at + 1].astype(np.float32) for at, name in enumerate(names)}
    columns["town"] = np.random.default_rng(0).choice(TOWNS, (len(labels), 1)).astype(object)
    features = [Feature(name, "number") for name in names]
    return columns, labels.astype(np.int64), (*features, Feature("town", "category", categories=tuple(TOWNS), nullable=True))


def trained(recipe, *, only=None, numbers=True, towns=True, **parameters):
    """A version learnt from every other row, and the sample of the others."""
    columns, labels, features = table()
    kinds = {"number"} if numbers and not towns else {"category"} if towns and not numbers else {"number", "category"}
    features = tuple(each for each in features if each.kind in kinds and each.name in (only or columns))
    columns = {each.name: columns[each.name] for each in features}
    learnt = {name: values[::2] for name, values in columns.items()}
    preparation = Preparation.fit(learnt, features, Prepare())
    rows, wanted = preparation.apply(learnt), labels[::2]
    inputs = Inputs(train=rows, train_labels=wanted, validation=rows[:0], validation_labels=wanted[:0], classes=CLASSES)
    kind = RECIPES.load(recipe)
    made = kind(msgspec.convert(parameters, kind.Parameters)).make(inputs, lambda _: None)
    served = finish(preparation.graph(), made.graph(), CLASSES)
    version = replace(echo.opened(CLASSES).version, interface=Interface(features, "kind", CLASSES))
    held = {name: values[1::2] for name, values in columns.items()}
    sample = Sample(
        columns=held, labels=labels[1::2], classes=CLASSES, sensitive={}, seed=0, dataset="d", fingerprint="f" * 64, split="a" * 64
    )
    return OpenVersion(version, served), sample


def found(version, sample):
    return {clause.id: clause for clause in Degraded().assess(version, sample).clauses}


@cache
def of(recipe, **parameters):
    return found(*trained(recipe, **parameters))


def test_a_version_that_looks_at_one_column_loses_all_that_it_knew_when_that_goes_missing():
    version, sample = trained("decision-tree", max_depth=1, min_samples_leaf=5)
    clauses = found(version, sample)
    right = sample.answers(version).decisions == sample.labels
    majority = np.bincount(sample.labels).max() / sample.rows
    losses = {name: clauses[f"degraded.{name}.without"] for name in sample.columns}
    (leant,) = [name for name, clause in losses.items() if clause.estimate != 0]
    assert right.mean() > majority + 0.2
    assert losses[leant].estimate == pytest.approx(right.mean() - majority, abs=1e-8)
    assert losses[leant].low > 0.15
    assert all(clause.high < 0.02 for name, clause in losses.items() if name != leant)


def test_a_version_whose_answer_never_changes_loses_nothing():
    clauses = of("decision-tree", min_samples_leaf=1_000_000)
    changed = {id: clause for id, clause in clauses.items() if not clause.measure.startswith(("mislabelled", "blurred"))}
    assert {clause.estimate for clause in changed.values()} == {0.0}
    assert all(clause.low == 0 for clause in changed.values())


def test_more_of_the_same_loses_more():
    clauses = of("logistic-regression")
    for slight, strong in (("missing_10", "missing_30"), ("noise_10", "noise_50")):
        for end in ("", "_brier"):
            assert clauses[f"degraded.{slight}{end}"].estimate < clauses[f"degraded.{strong}{end}"].estimate
    assert clauses["degraded.missing_30"].low > 0


def test_a_tenth_of_wrong_labels_costs_what_arithmetic_says_and_what_drawing_them_shows():
    version, sample = trained("logistic-regression")
    clause = found(version, sample)["degraded.mislabelled_10"]
    right = (sample.answers(version).decisions == sample.labels).mean()
    assert clause.estimate == pytest.approx(0.9 * right + 0.1 * (1 - right), abs=1e-8)
    random, drawn = np.random.default_rng(0), []
    for _ in range(200):
        flipped = random.random(sample.rows) < 0.1
        drawn.append((sample.answers(version).decisions == np.where(flipped, 1 - sample.labels, sample.labels)).mean())
    assert np.mean(drawn) == pytest.approx(clause.estimate, abs=0.005)


def test_of_three_classes_a_wrong_decision_is_lucky_half_as_often():
    sample = echo.many(400)
    version = echo.opened(sample.classes)
    right = (sample.answers(version).decisions == sample.labels).mean()
    assert found(version, sample)["degraded.mislabelled_10"].estimate == pytest.approx(0.9 * right + 0.05 * (1 - right), abs=1e-8)


def degrade(way):
    version, sample = trained("naive-bayes")
    names = np.arange(sample.rows)
    made = degraded._degradable(version, sample, names)
    before = {name: values.copy() for name, values in made.columns.items()}
    changed = way(made, np.random.default_rng(1))
    assert all((made.columns[name] == before[name]).all() for name in before), "the sample stays as it was"
    assert {name: values.dtype for name, values in changed.items()} == {name: values.dtype for name, values in before.items()}
    return before, changed, made


def test_what_is_called_a_tenth_missing_is_a_tenth():
    before, changed, _ = degrade(degrading.missing(0.1))
    empty = [np.isnan(values).mean() if values.dtype == np.float32 else (values == "").mean() for values in changed.values()]
    assert np.mean(empty) == pytest.approx(0.1, abs=0.02)
    kept = ~np.isnan(changed["area"])
    assert (changed["area"][kept] == before["area"][kept]).all()


def test_noise_is_as_strong_as_stated_in_units_of_each_column():
    before, changed, made = degrade(degrading.noisy(0.5))
    for name in made.measured:
        added = changed[name] - before[name]
        assert added.std() == pytest.approx(0.5 * made.spreads[name], rel=0.1)
        assert added.mean() == pytest.approx(0, abs=0.1 * made.spreads[name])
    assert (changed["town"] == before["town"]).all()


def test_a_shift_moves_every_number_by_the_same():
    before, changed, made = degrade(degrading.shifted(0.5))
    for name in made.measured:
        assert changed[name] - before[name] == pytest.approx(0.5 * made.spreads[name], rel=1e-2)


def test_a_swapped_category_is_another_one_of_its_column():
    before, changed, _ = degrade(degrading.swapped(0.1))
    differs = changed["town"] != before["town"]
    assert differs.mean() == pytest.approx(0.1, abs=0.05)
    assert set(changed["town"].ravel()) == set(TOWNS)
    assert (changed["area"] == before["area"]).all()
    every = degrade(degrading.swapped(1.0))
    assert (every[1]["town"] != every[0]["town"]).all()


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        (np.random.default_rng(0).normal(7, 3, 20_000), 3.0),
        ([*np.random.default_rng(0).normal(7, 3, 20_000), 1e9, np.nan], 3.0),
        ([0.0] * 90 + [1.0] * 10, 0.3),
        ([5.0] * 10, 0.0),
        ([np.nan] * 10, 0.0),
    ],
)
def test_the_spread_is_the_deviation_without_what_lies_far_out(values, spread):
    assert degrading.spread(np.array(values)) == pytest.approx(spread, rel=0.05)


def test_what_a_version_has_none_of_is_not_measurable_with_the_reason():
    numbers = of("naive-bayes", towns=False)
    assert numbers["degraded.swapped_10"].note == "The version takes no categories of two values or more."
    towns = of("naive-bayes", numbers=False)
    for key in ("noise_10", "noise_50_brier", "shifted_50"):
        assert towns[f"degraded.{key}"].verdict is ClauseVerdict.NOT_MEASURABLE
        assert towns[f"degraded.{key}"].note == "The version takes no numbers."
    assert towns["degraded.missing_10"].verdict is ClauseVerdict.RECORDED


def test_texts_are_not_degraded():
    version, sample = trained("naive-bayes", towns=False)
    wide = {name: np.repeat(values, 3, axis=1) for name, values in sample.columns.items()}
    mislabelled = found(version, sample)["degraded.mislabelled_10"]
    clauses = found(version, replace(sample, columns=wide))
    assert replace(clauses.pop("degraded.mislabelled_10"), evidence=mislabelled.evidence) == mislabelled, "it takes labels only"
    assert {clause.verdict for clause in clauses.values()} == {ClauseVerdict.NOT_MEASURABLE}
    assert {clause.note for clause in clauses.values()} == {
        "The version takes more than images, series, numbers and categories, one a cell. Only these are degraded here."
    }


@cache
def bars():
    """A version that tells bright images from dark ones, and a sample of grey ones around where it decides."""
    served, interface = pictures.bright()
    random = np.random.default_rng(0)
    pixels = np.clip(random.normal(110 + 36 * random.integers(0, 2, (400, 1, 1, 1)), 40, (400, 12, 12, 1)), 0, 255).astype(np.uint8)
    labels = np.where(pixels.mean(axis=(1, 2, 3)) > 127.5, interface.classes.index("bright"), 1 - interface.classes.index("bright"))
    version = replace(echo.opened(interface.classes).version, interface=interface)
    split = {"dataset": "d", "fingerprint": "f" * 64, "split": "a" * 64}
    held = {interface.features[0].name: pixels}
    return OpenVersion(version, served), Sample(
        columns=held, labels=labels.astype(np.int64), classes=interface.classes, sensitive={}, seed=0, **split
    )


def test_noise_and_brightness_of_images_are_as_strong_as_stated_in_deviations_of_all_pixels():
    version, sample = bars()
    made = degraded._degradable(version, sample, np.arange(sample.rows))
    ((name, before),) = made.columns.items()
    assert made.spreads[name] == pytest.approx(before.std(), rel=1e-6)
    noisy = degrading.noisy(0.5)(made, np.random.default_rng(1))[name]
    shifted = degrading.shifted(0.5)(made, np.random.default_rng(1))[name]
    inside = (before > 100) & (before < 150)
    assert (noisy[inside] - before[inside].astype(float)).std() == pytest.approx(0.5 * before.std(), rel=0.1)
    assert np.abs(shifted[inside] - before[inside].astype(float) - 0.5 * before.std()).max() <= 0.51
    assert (noisy.dtype, noisy.shape, shifted.max()) == (np.uint8, before.shape, 255)


def test_a_blur_is_as_wide_as_stated_and_leaves_the_mean_and_a_table_as_they_are():
    """A single bright pixel becomes a normal bell, whose deviation is told by its second moment."""
    version, sample = bars()
    pixels = np.zeros((2, 100, 200, 1), dtype=np.uint8)
    pixels[0, 45:55, 95:105] = 255
    made = replace(degraded._degradable(version, sample, np.arange(2)), columns={"scan": pixels})
    (seen, black) = degrading.blurred(0.06)(made, np.random.default_rng(1))["scan"][..., 0].astype(float)
    for side in (0, 1):
        places = np.indices(seen.shape)[side]
        mean = (places * seen).sum() / seen.sum()
        variance = (np.square(places - mean) * seen).sum() / seen.sum()
        # The square alone has a variance of (10 * 10 - 1) / 12.
        assert np.sqrt(variance - 99 / 12) == pytest.approx(6, rel=0.05)
    assert seen.sum() == pytest.approx(pixels[0].sum(dtype=float), rel=0.01)
    assert not black.any()
    assert (pixels[0].max(), pixels.dtype) == (255, np.uint8), "the sample stays as it was"
    before, changed, _ = degrade(degrading.blurred(0.06))
    assert all((changed[name] == before[name]).all() for name in before)


def test_what_a_version_decides_by_small_things_is_lost_by_a_blur_and_what_it_decides_by_brightness_is_not():
    clauses = found(*bars())
    assert clauses["degraded.blurred_6"].verdict is ClauseVerdict.RECORDED
    assert abs(clauses["degraded.blurred_6"].estimate) < 0.05
    assert not [name for name in of("naive-bayes") if "blurred" in name], "nobody asks how a table bears a blur"


def test_a_version_of_images_loses_by_brightness_what_it_decides_by_it():
    clauses = found(*bars())
    assert clauses["degraded.shifted_50"].low > 0.3
    assert abs(clauses["degraded.noise_10"].estimate) < 0.05
    for key in ("missing_10", "missing_30_brier", "without"):
        assert clauses[f"degraded.{key}"].note == "The version takes images alone, and none of them can be missing."


@cache
def swings():
    """A version that adds up the last four numbers of a series, and a sample of shorter and longer ones that it decides rightly."""
    random = np.random.default_rng(0)
    waves = random.normal(0.5, 1, (300, 4, 1)).astype(np.float32)
    waves[np.arange(4) >= random.integers(1, 5, (300, 1))] = np.nan
    labels = (np.nansum(waves, axis=(1, 2)) > 0).astype(np.int64)
    version = replace(echo.opened(SWING.classes).version, interface=SWING)
    split = {"dataset": "d", "fingerprint": "f" * 64, "split": "a" * 64}
    sample = Sample(columns={"wave": waves}, labels=labels, classes=SWING.classes, sensitive={}, seed=0, **split)
    return OpenVersion(version, swing()), sample


def test_a_version_of_series_loses_by_its_level_and_by_gaps_what_it_decides_by_them():
    clauses = found(*swings())
    assert clauses["degraded.shifted_50"].low > 0.02
    assert clauses["degraded.missing_30"].estimate > clauses["degraded.missing_10"].estimate > 0
    assert clauses["degraded.noise_50"].estimate > clauses["degraded.noise_10"].estimate
    assert clauses["degraded.missing_10"].note == "", "a number may be missing in service, too"
    assert clauses["degraded.without"].note == "The version takes a series alone: without it nothing is left to ask."
    assert clauses["degraded.swapped_10"].verdict is ClauseVerdict.NOT_MEASURABLE


def test_each_channel_of_a_series_is_degraded_by_its_own_spread_and_its_end_stays_where_it_is():
    random = np.random.default_rng(0)
    series = (random.normal(size=(400, 9, 2)) * (1, 1000)).astype(np.float32)
    series[:, 6:] = np.nan
    feature = Feature("wave", "series", shape=(9, 2))
    made = Degradable((feature,), {"wave": series}, np.zeros(400, dtype=np.int64), {"wave": degrading.spreads_of(series, feature)})
    assert made.spreads["wave"] == pytest.approx([1, 1000], rel=0.05)
    for degrade in (degrading.noisy(0.5), degrading.shifted(0.5)):
        changes = (degrade(made, np.random.default_rng(1))["wave"].astype(float) - series)[:, :6].reshape(-1, 2)
        assert np.sqrt(np.square(changes).mean(axis=0)) == pytest.approx([0.5, 500], rel=0.06)
    emptied = degrading.missing(0.3)(made, np.random.default_rng(1))["wave"]
    assert np.isnan(emptied[:, :6]).mean() == pytest.approx(0.3, abs=0.02)
    assert np.isnan(degrading.noisy(0.5)(made, np.random.default_rng(1))["wave"][:, 6:]).all()


def test_a_note_says_where_service_would_refuse_what_was_asked_here():
    note = of("logistic-regression")["degraded.missing_10"].note
    assert note == "Asked in service, requests without a value are refused in 4 of 5 columns."


def test_an_answer_that_is_no_number_counts_as_wrong():
    """The echo answers a missing value with a missing value."""
    sample = echo.calibrated(600, seed=1)
    version = echo.opened()
    clauses = found(version, sample)
    right = (sample.answers(version).decisions == sample.labels).mean()
    assert clauses["degraded.p0.without"].estimate == pytest.approx(right, abs=1e-8)


def test_the_evidence_and_the_picture_show_every_loss_in_accuracy():
    found = Degraded().assess(*trained("naive-bayes"))
    (plot,) = found.plots
    drawn = found.evidence[plot.path].decode()
    shown = ["a tenth missing", "three tenths missing", "slight noise", "strong noise", "a tenth swapped", "shifted"]
    assert [name for name in [*shown, "without area", "without town"] if f">{name}<" not in drawn] == []
    told = msgspec.json.decode(found.evidence[degraded.LOSSES])
    assert [each["clause"] for each in told["losses"]] == [clause.id for clause in found.clauses]
    assert set(told["spread_of_column"]) == {"radius", "texture", "perimeter", "area"}


def test_wide_tables_are_not_taken_apart_column_by_column():
    features = tuple(Feature(f"c{at}", "number") for at in range(51))
    columns = {each.name: np.zeros((40, 1), dtype=np.float32) for each in features}
    made = Degradable(features, columns, np.zeros(40, dtype=np.int64), dict.fromkeys(columns, 1.0))
    base = degraded._Judged(np.ones(40), np.zeros(40))
    (clause,) = degraded._columns(echo.opened(), echo.calibrated(40, seed=0), made, base)
    assert clause.id == "degraded.without"
    assert clause.note == "The version takes 51 columns; at most 50 are taken away one by one."


def test_intervals_hold_the_loss_of_all_rows():
    """The loss over many rows lies within the 95 % interval from a few of them; of 40 samples no more than five may miss."""
    random, missed = np.random.default_rng(0), 0
    right, worse = random.random(100_000) < 0.9, random.random(100_000) < 0.7
    changes = right.astype(float) - worse
    for seed in range(40):
        some = changes[random.integers(0, len(changes), 300)]
        (estimate,) = degraded._means(some[:, None], seed=seed)
        missed += not estimate.low <= changes.mean() <= estimate.high
    assert missed <= 5
