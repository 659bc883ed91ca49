# SPDX-License-Identifier: Apache-2.0
"""A version's page says what training found, in either language; every sentence of it is known in Chinese."""

import re
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

import modelward.training
from entrances.console.conftest import words_of
from entrances.console.test_words import left_english
from modelward.access import Role
from modelward.entrances.console.finding_words import FINDING_SENTENCES
from modelward.entrances.console.words import WORDS
from modelward.training import FINDINGS, TRAINING_FILE, Finding, label_noise
from modelward.training.diagnosis import Answered, Facts, diagnose, diagnose_gains
from modelward.training.estimating import share
from modelward.training.forewarning import _near
from modelward.training.recipe import Gains
from modelward.training.remedies import learn_less, learn_more, move_on
from training.test_label_noise import planted

TREE = {"max_depth": 20, "min_samples_leaf": 1, "class_weight": None}
NETWORK = {"hidden": [64, 32], "learning_rate": 0.002, "schedule": "cosine", "optimizer": "adam", "dropout": 0.1, "epochs": 20}


def answered(labels, given):
    return Answered(labels=np.asarray(labels), probabilities=np.stack([1 - np.asarray(given), given], axis=1))


def every_diagnosis():
    """Findings of each kind, by the rules themselves."""
    even, rare = np.arange(2000) % 2, (np.arange(2000) < 40).astype(np.int64)
    sure, blind, wild = answered(even, np.where(even, 0.9, 0.1)), answered(even, np.full(2000, 0.45)), answered(even, 1.0 - even)
    calm = answered(even, np.where(even, 0.51, 0.49))
    unseen, seen_late = answered(rare, np.full(2000, 0.02)), answered(rare, np.where(rare, 0.9, 0.4))
    curve, short = {"training_loss": [0.69] * 9}, {"training_loss": [0.7, 0.69]}
    more = {"counts": np.array([1000, 1000]), "parameters": TREE}
    skew = {"counts": np.array([1960, 40])}
    facts = [
        Facts(training=sure, validation=wild, **more),
        Facts(training=sure, validation=calm, **more),
        Facts(training=blind, validation=None, **more),
        Facts(training=blind, validation=None, curves=curve, counts=np.array([1000, 1000]), parameters=NETWORK),
        Facts(training=blind, validation=None, curves=short, counts=np.array([1000, 1000]), parameters=NETWORK),
        Facts(training=calm, validation=blind, **more),
        Facts(training=wild, validation=None, **more),
        Facts(
            training=answered(even, np.where(np.arange(2000) % 5 < 3, np.where(even, 0.6, 0.4), 0.5 - 0.1 * (even - 0.5))),
            validation=None,
            reference=sure.probabilities,
            **more,
        ),
        *(
            Facts(training=seen, validation=validation, parameters={"class_weight": weight}, **skew)
            for seen, weight in ((seen_late, "balanced"), (unseen, None))
            for validation in (None, seen)
        ),
        Facts(training=unseen, validation=None, parameters={}, **skew),
    ]
    high, low = np.full(50, 1.0), np.full(50, -1.0)
    gained = [
        diagnose_gains(Gains(training=high, validation=low), parameters=NETWORK, curves={}, seed=0),
        diagnose_gains(Gains(training=low, validation=low), parameters=NETWORK, curves=curve, seed=0),
        diagnose_gains(Gains(training=low * 0, validation=low), parameters=NETWORK, curves=short, seed=0),
    ]
    return [finding for found in (*map(diagnose, facts), *gained) for finding in found]


def test_every_sentence_that_the_rules_say_is_known_in_chinese():
    found = every_diagnosis()
    assert {each.kind for each in found} == {"overfitting", "underfitting", "plateau", "imbalance"}
    remedies = [
        *(rule(parameters) for rule in (learn_less, learn_more) for parameters in (TREE, NETWORK, {"C": 1.0}, {})),
        *(move_on(parameters, is_rising=rises) for parameters in (NETWORK, {"activation": "relu"}, {}) for rises in (True, False)),
        move_on(NETWORK, is_rising=False, has_learnt=True),
        *(learn_more(NETWORK, course=course) for course in ("falling", "slow", "rising")),
    ]
    said = [*(each.text for each in found), *(each.remedy for each in found), *remedies]
    assert [text for text in said if WORDS.sentence(text, "zh") is None] == []


def test_every_sentence_about_rows_and_memory_is_known_in_chinese():
    reference, _ = planted("cancer", 0.1)
    noise = label_noise.finding(reference, rows=np.arange(reference.of))
    found = label_noise.LabelNoise(share(30, of=100), 50, reference.places[:10], is_one_way=True)
    one_way = label_noise.told(found, reference, rows=np.arange(reference.of))
    (near,) = _near(SimpleNamespace(facts={"test_rows_near_training": 400, "rows": {"test": 1000}}))
    said = [
        noise.text,
        noise.remedy,
        one_way.text,
        near.text,
        near.remedy,
        "Column 'letter' says the same as the target, value for value.",
        "Column 'size' alone separates the classes: ROC AUC 0.998.",
        "The values of column 'town' alone tell the class: they remove 98.0% of the error of guessing.",
        "Whether column 'date' is missing tells the class: it removes 97.1% of the error of guessing.",
        "Unless it is known before the outcome, write `data: {exclude: [letter]}`.",
        "With batches of 1,000 rows it ran out of memory: 246 MB were asked for at once. It was made with batches of 125.",
        "With batches of 1,000 rows it ran out of memory. It was made with batches of 125.",
        "Set `batch_size: 125` in the spec.",
        "Why it is as it is could not be examined: ValueError.",
        "Assess the version, and report the recipe with its spec.",
    ]
    assert [text for text in said if WORDS.sentence(text, "zh") is None] == []


def test_no_sentence_is_kept_that_training_does_not_say():
    room = Path(modelward.training.__file__).parent
    sources = "".join(path.read_text() for path in [*room.glob("*.py"), room.parent / "datasets" / "leakage.py"])
    said = re.sub(r'"\s*\n\s*f?"', "", sources)
    said = said.replace("{word}", "training") + said.replace("{word}", "validation")
    for template in FINDING_SENTENCES:
        longest = max(re.split(r"\{[^}]*\}", template), key=len).strip(" .:")
        assert longest in said, template


@pytest.fixture
def told(own_house):
    """A visitor to a house in which training found all there is to find about `grant:1`."""
    findings = [*every_diagnosis(), Finding(kind="not-examined", text="<b>No mirror hangs here.</b>", remedy="Buy `one`.")]
    registry = own_house.platform.registry
    read = registry.read

    def instead(version, path):
        return msgspec.json.encode({"findings": findings}) if path == TRAINING_FILE else read(version, path)

    registry.read = instead
    return own_house.visitor(Role.ADMINISTRATOR)


def test_the_page_of_a_version_says_what_training_found(told):
    text = words_of(told.get("/models/grant/1").text)
    assert "What training found" in text
    assert "Lower max_depth (it is 20)." in text
    assert "<b>No mirror" not in told.get("/models/grant/1").text


def test_it_says_so_in_chinese_too(told):
    page = told.get("/models/grant/1?lang=zh").text
    assert "过拟合" in words_of(page)
    assert re.search(r"请降低 max_depth ?（现为 20）。", words_of(page))
    assert left_english(page) == ["<b>No mirror hangs here.</b>", "Buy one"]


def test_every_kind_has_a_chinese_word():
    assert set(FINDINGS) <= set(WORDS.words)


def test_a_version_without_findings_shows_no_such_part(admin_visitor):
    """Those of the house were made where nothing stood out."""
    assert "What training found" not in admin_visitor.get("/models/grant/1?lang=en").text
