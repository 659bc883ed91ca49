# SPDX-License-Identifier: Apache-2.0
"""What is said of written texts: the figures are sacrebleu's own, and the rivals are what they are called."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import sacrebleu

from assessment import echo
from entrances.speakers import ECHO
from entrances.speakers import echo as echo_graph
from modelward.assessment import ASSESSORS, ClauseVerdict, Sample
from modelward.assessment.asking import ask, is_about
from modelward.assessment.assessor import Examples, NearTraining
from modelward.assessment.overlaps import bleu, chrf, counted
from modelward.assessment.replicates import replicates_file
from modelward.registry import OpenVersion, Version, code_points

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "it", "was", "ever", "so", "flat"]


def sentences(count, *, seed, longest=8):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(1, longest))) for _ in range(count)]


@pytest.mark.parametrize("kind", ["alike", "other", "empty", "equal", "short"])
def test_the_figures_are_those_of_sacrebleu(kind):
    true = sentences(60, seed=1)
    texts = {
        "alike": [text if place % 3 else text.replace("cat", "dog") for place, text in enumerate(true)],
        "other": sentences(60, seed=2),
        "empty": [""] * 60,
        "equal": true,
        "short": [text[:4] for text in true],
    }[kind]
    characters = counted(texts, true, metric="chrf").sum(axis=0, keepdims=True)
    words = counted(texts, true, metric="bleu", tokens="13a").sum(axis=0, keepdims=True)
    assert chrf(characters)[0] == pytest.approx(sacrebleu.corpus_chrf(texts, [true]).score, abs=1e-6)
    assert bleu(words)[0] == pytest.approx(sacrebleu.corpus_bleu(texts, [true]).score, abs=1e-6)


def opened() -> OpenVersion:
    """It answers each text with the letters that come next in the alphabet."""
    version = Version(
        model="echo", number=1, digest="e" * 64, files=(), lineage=echo.LINEAGE, interface=ECHO, purpose="tests", owner="tester",
        facts={}, created=datetime(2026, 1, 1, tzinfo=UTC), by="person:ada",
    )  # fmt: skip
    return OpenVersion(version, echo_graph())


def sample(rows=60, *, examples=True) -> Sample:
    """Half of the rows are answered rightly."""
    random = np.random.default_rng(7)
    sources = ["".join(random.choice(list("abcdefgh"), 6)) for _ in range(rows)]
    targets = ["".join(chr(ord(letter) + 1) for letter in text) if place % 2 else "zzzzzz" for place, text in enumerate(sources)]
    return Sample(
        columns={"said": code_points(sources, ECHO.features[0])},
        labels=np.zeros(rows, dtype=np.int64),
        classes=(),
        sensitive={},
        seed=0,
        dataset="pairs",
        fingerprint="f" * 64,
        split="a" * 64,
        targets=tuple(targets),
        examples=Examples(lambda: (sources, targets)) if examples else None,
    )


def found(sample) -> dict:
    findings = ASSESSORS.load("translation")().assess(opened(), sample)
    return {clause.measure: clause for clause in findings.clauses} | {"evidence": findings.evidence}


def test_a_version_is_measured_against_copying_and_looking_up():
    told = found(sample())
    assert told["exact_match"].estimate == 0.5
    assert 45 < told["chrf"].estimate < 60
    assert told["chrf"].low < told["chrf"].estimate < told["chrf"].high
    assert "nc:6, nw:0, b:2" in told["chrf"].note
    assert told["chrf_over_copy"].verdict is ClauseVerdict.PASSED
    # Who knows all answers cannot be beaten by who knows half.
    assert told["chrf_over_retrieval"].estimate == pytest.approx(told["chrf"].estimate - 100, abs=1e-6)
    replicates = json.loads(told["evidence"][replicates_file("translation")])
    assert set(replicates["figures"]) == {"chrf", "bleu"}
    assert len(replicates["figures"]["chrf"]) == 1000


def test_what_cannot_be_measured_is_said():
    assert "not known" in found(sample(examples=False))["chrf_over_retrieval"].note
    assert all("at least 20" in clause.note for clause in list(found(sample(10)).values())[:5])


def test_it_is_asked_of_versions_that_write_and_others_of_none_but_what_they_measure():
    version, classes = opened(), echo.opened()
    assert is_about("translation", version.version)
    assert not is_about("translation", classes.version)
    assert is_about("quality", version.version)
    for name in ("quality", "baseline", "leakage", "fairness", "degraded"):
        clauses = ask(name, version, sample()).findings.clauses
        assert {clause.note for clause in clauses} == {"The version answers with texts, and this is not measured of texts."}
    assert ask("size", version, sample()).findings.clauses[0].estimate > 0
    assert ask("latency", version, sample()).findings.clauses[0].estimate > 0


def leaked(near, rows=120) -> dict:
    """What the leakage assessor says where these rows have a near-duplicate in training."""
    made = replace(sample(rows), near_training=NearTraining(0.9, lambda: np.asarray(near, dtype=bool)))
    return {clause.measure: clause for clause in ASSESSORS.load("text-leakage")().assess(opened(), made).clauses}


def test_what_near_duplicates_add_to_written_texts_is_found_and_nothing_where_they_are_chance():
    # Every second row is answered rightly. Where those are the linked ones, all that is right was learned by heart.
    told = leaked(np.arange(120) % 2 == 1)
    assert told["near_duplicates"].estimate == 0.5
    assert told["chrf_without"].estimate < 5
    assert (told["chrf_without"].n, told["chrf_gain"].n) == (60, 120)
    assert told["chrf_gain"].low > 30
    twin = leaked(np.arange(120) % 4 < 2)
    assert twin["chrf_gain"].low < 0 < twin["chrf_gain"].high
    none = leaked(np.zeros(120))
    assert [none["chrf_gain"].low, none["chrf_gain"].high] == [0, 0]
    few = leaked(np.arange(120) > 20)
    assert few["chrf_gain"].verdict is ClauseVerdict.NOT_MEASURABLE
    assert "21 of 120 test rows have no near-duplicate" in few["chrf_gain"].note
