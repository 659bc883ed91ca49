# SPDX-License-Identifier: Apache-2.0
"""A run over pairs of texts: from two columns of a table to a version that writes, is measured, compared and asked."""

import random

import pytest
from markupsafe import escape

from modelward.assessment import Assessment, ClauseVerdict, Objective
from modelward.assessment.page import render_page
from modelward.training import Objective as Chosen
from modelward.training import Status, UnusableDataError, parse_spec

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
QUICK = "units: 32, width: 16, learning_rate: 0.01, batch_size: 32, vocabulary: 60"


def pairs(rows=400, *, empty=0) -> str:
    draw = random.Random(3)
    lines = ["digits,spoken,group"]
    for at in range(rows):
        digits = "n" + "".join(str(draw.randint(0, 9)) for _ in range(draw.randint(1, 3)))
        spoken = " ".join(DIGITS[int(digit)] for digit in digits[1:])
        lines.append(f"{'' if at < empty else digits},{spoken},{draw.choice('ab')}")
    return "\n".join(lines) + "\n"


def spec_of(candidates, *, data="text: digits", more=""):
    return parse_spec(f"model: speaker\ndata: {{dataset: pairs, {data}}}\ncandidates: [{candidates}]\n{more}")


def test_what_is_written_is_compared_by_chrf_unless_a_spec_says_otherwise():
    assert spec_of("seq2seq").objective.metric == "chrf"
    assert spec_of("seq2seq", more="objective: {metric: bleu}").objective.metric == "bleu"
    assert spec_of("seq2seq", more="objective: {prefer: best}").objective == Chosen(metric="chrf", prefer="best")
    assert spec_of("text-linear").objective.metric == "roc_auc"
    assert spec_of("gan", data="exclude: []").objective.metric == "accuracy_taught"


@pytest.fixture
def registered(rooms, tmp_path, admin):
    """Registers pairs."""

    def add(text, **said):
        (tmp_path / "pairs.csv").write_text(text)
        said = {"target": "spoken", "task": "text"} | said
        rooms.datasets.add("pairs", [tmp_path / "pairs.csv"], purpose="tests", owner="tests", by=admin, **said)

    return add


def test_a_version_writes_is_measured_and_compared(rooms, registered, admin):
    registered(pairs())
    candidates = f"seq2seq: {{{QUICK}, epochs: 12}}, seq2seq: {{{QUICK}, epochs: 1, beam: 1}}"
    run = rooms.training.train(
        spec_of("{" + candidates.replace("}, seq", "}}, {seq") + "}", more="objective: {metric: chrf}"), by=admin
    )
    assert run.status is Status.DONE
    version = rooms.registry.find("speaker:1", by=admin)
    assert (version.interface.answer, version.interface.target) == ("text", "spoken")
    assert version.facts["parity"] == {"rows": 80, "differing_texts": 0, "tolerance": 0.005}
    assessment = Assessment(rooms.registry, rooms.datasets)
    report = assessment.assess("speaker:1", by=admin)
    assert report.clause("translation.chrf").estimate > 80
    assert report.clause("translation.chrf_over_copy").verdict is ClauseVerdict.PASSED
    assert report.clause("quality.accuracy").verdict is ClauseVerdict.NOT_MEASURABLE
    alike = report.unmeasured_alike
    assert max(map(len, alike.values())) > 5
    assert not any(report.clause("translation.chrf_over_copy") in clauses for clauses in alike.values())
    page = render_page(report, {}).decode()
    for reason in alike:
        asked = sum(clause.note == reason and clause.threshold is not None for clause in report.clauses)
        assert page.count(str(escape(reason))) == 1 + asked, "a reason is said once, and where something was asked"
    compared = assessment.compare(["speaker:1", "speaker:2"], objective=Objective(prefer="best"), by=admin)
    assert (compared.objective.metric, compared.recommended) == ("chrf", "speaker:1")
    assert compared.rows[1].behind_low > 0


def test_an_empty_text_is_learned_from_and_answered_where_training_had_one(rooms, registered, admin):
    registered(pairs(empty=3))
    assert rooms.training.train(spec_of(f"{{seq2seq: {{{QUICK}, epochs: 1}}}}"), by=admin).status is Status.DONE
    version = rooms.registry.find("speaker:1", by=admin)
    opened = rooms.registry.open(version)
    answers = opened.predict(version.interface.columns([{"digits": None}, {"digits": "never ✓ seen " * 50}]))
    assert answers.shape == (2, version.interface.length)


def test_recipe_and_task_go_together(rooms, registered, admin):
    registered(pairs())
    with pytest.raises(UnusableDataError, match="answer with classes, and dataset 'pairs' was registered for the task 'text'"):
        rooms.training.train(spec_of("text-linear"), by=admin)
    with pytest.raises(UnusableDataError, match=r"data\.positive: it is of classes"):
        rooms.training.train(spec_of("seq2seq", data="text: digits, positive: one"), by=admin)


def test_classes_are_not_written(rooms, registered, admin):
    registered(pairs(), target="group", task="classes")
    with pytest.raises(UnusableDataError, match="answer with text, and dataset 'pairs' was registered for the task 'classes'"):
        rooms.training.train(spec_of("seq2seq"), by=admin)


def copied(rows=150, *, copies=100) -> str:
    """Sentences that nobody can learn to answer, and most of them again with one letter changed."""
    draw = random.Random(5)
    texts = [" ".join("".join(draw.choices("abcdefghij", k=6)) for _ in range(10)) for _ in range(rows)]
    texts += [text[:-1] + "k" for text in texts[:copies]]
    return "\n".join(["digits,spoken", *(f"{text},{DIGITS[at % 10]}" for at, text in enumerate(texts))]) + "\n"


def test_planted_copies_of_what_is_read_are_found_between_training_and_test_and_a_split_by_cluster_has_none(
    rooms, registered, admin
):
    registered(copied())
    for by in ("random", "cluster"):
        data = f"text: digits, split: {{by: {by}, test: 0.3, validation: 0.1, seed: 2}}"
        (name,) = rooms.training.train(spec_of(f"{{seq2seq: {{{QUICK}, epochs: 1, beam: 1}}}}", data=data), by=admin).versions
        report = Assessment(rooms.registry, rooms.datasets).assess(name, only=["text-leakage"], by=admin)
        share = report.clause("text-leakage.near_duplicates").estimate
        assert share == 0 if by == "cluster" else 0.35 < share < 0.7
        assert report.clause("text-leakage.chrf_gain").verdict is ClauseVerdict.RECORDED
