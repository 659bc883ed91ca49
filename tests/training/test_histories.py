# SPDX-License-Identifier: Apache-2.0
"""A run over a log of interactions: from who took what to a version that recommends, and that knows nobody."""

import json

import numpy as np
import pytest

from modelward.assessment import Assessment, Objective
from modelward.datasets import Split
from modelward.registry import Feature, Interface, InvalidInterfaceError, InvalidRowsError
from modelward.training import InvalidSpecError, Status, UnusableDataError, parse_spec
from modelward.training.chains import chains, taken, windows
from modelward.training.history_preparation import HistoryPreparation

ITEMS = 12
QUICK = "[popularity, item-knn: {decay: 0.5}, sasrec: {width: 16, inner: 16, layers: 1, epochs: 40, reach: 4, batch_size: 16}]"


def log(users=60, each=9, seed=1, extra="") -> str:
    """Each user goes round the items from somewhere on, one after the other; times are those of the steps."""
    draw = np.random.default_rng(seed)
    lines = ["who,film,at"]
    for user in range(users):
        start = int(draw.integers(ITEMS))
        lines += [f"secret-{user},film {(start + step) % ITEMS:02},{step}" for step in range(each)]
    return "\n".join(lines) + "\n" + extra


def spec_of(data="history: 5, split: {by: last}", candidates="[popularity]"):
    return parse_spec(f"model: films\ndata: {{dataset: films, {data}}}\ncandidates: {candidates}\n")


@pytest.fixture
def registered(rooms, tmp_path, admin):
    def register(text=None):
        (tmp_path / "log.csv").write_text(text or log())
        said = {"task": "items", "target": "film", "user": "who", "time": "at", "purpose": "tests", "owner": "tester"}
        return rooms.datasets.add("films", [tmp_path / "log.csv"], by=admin, **said)

    return register


@pytest.fixture
def trained(rooms, registered, admin):
    registered()
    run = rooms.training.train(spec_of(candidates=QUICK), by=admin)
    assert run.status is Status.DONE, run.message
    return [rooms.registry.find(name, by=admin) for name in run.versions]


def answers(rooms, version, *histories):
    opened = rooms.registry.open(version)
    given = opened.predict(version.interface.columns([{"history": list(each)} for each in histories]))
    return [version.interface.classes[place] for place in given.argmax(axis=1)], given


def test_what_comes_next_is_recommended_and_measured_against_the_plain_ones(rooms, trained, admin):
    popularity, _, sasrec = trained
    assert sasrec.interface.classes == tuple(f"film {item:02}" for item in range(ITEMS))
    assert sasrec.interface.top == 10
    named, given = answers(rooms, sasrec, ["film 01", "film 02", "film 03"], ["film 10", "film 11"])
    assert named == ["film 04", "film 00"]
    assert given.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assessment = Assessment(rooms.registry, rooms.datasets)
    reports = {version.lineage.recipe: assessment.assess(version.name, by=admin) for version in trained}
    figure = {
        recipe: {clause.measure: clause.estimate for clause in report.dimensions["ranking"]} for recipe, report in reports.items()
    }
    assert figure["sasrec"]["ndcg_10"] > 0.9 > 0.7 > figure["popularity"]["ndcg_10"]
    assert figure["sasrec"]["hr_10"] == 1
    assert figure["popularity"]["ndcg_10_over_popularity"] == pytest.approx(0, abs=1e-6)
    assert figure["sasrec"]["ndcg_10_over_popularity"] > 0.2
    # The rival is the recipe without parameters, whose steps count other than those of the candidate.
    assert figure["item-knn"]["ndcg_10_over_item_knn"] == pytest.approx(0, abs=0.1)
    assert figure["sasrec"]["unknown_items"] == 0
    assert {clause.verdict for clause in reports["sasrec"].dimensions["quality"]} == {"not-measurable"}
    compared = assessment.compare([each.name for each in trained], objective=Objective(), by=admin)
    assert compared.objective.metric == "ndcg_10"
    assert compared.recommended != popularity.name
    behind = {row.recipe: row.behind_low for row in compared.rows}
    assert behind["popularity"] > 0, "the rows tell the two apart"


@pytest.mark.parametrize(("has_rule", "kinds"), [(True, []), (False, ["plateau"])])
def test_a_recommender_that_learns_no_more_than_what_is_taken_most_is_said_to(rooms, registered, admin, has_rule, kinds):
    draw = np.random.default_rng(3)
    by_chance = [f"secret-{user},film {draw.integers(ITEMS):02},{step}\n" for user in range(60) for step in range(9)]
    registered(log() if has_rule else "who,film,at\n" + "".join(by_chance))
    network = "sasrec: {seen: keep, width: 16, inner: 16, layers: 1, epochs: 40, reach: 4, batch_size: 16, patience: 40}"
    run = rooms.training.train(spec_of(candidates=f"[{network}, item-knn, popularity]"), by=admin)
    assert [[found.kind for found in each.findings] for each in run.candidates] == [kinds, [], []], run.candidates[0].findings


def test_what_was_taken_before_is_left_out_unless_it_may_be_taken_again(rooms, registered, admin):
    registered()
    run = rooms.training.train(spec_of(candidates="[popularity, popularity: {seen: keep}, item-knn: {seen: keep}]"), by=admin)
    without, kept, _ = [rooms.registry.find(name, by=admin) for name in run.versions]
    history = [f"film {item:02}" for item in range(5)]
    assert (answers(rooms, without, history)[1][0, :5] == 0).all()
    assert (answers(rooms, kept, history)[1][0] > 0).all()


def test_a_log_that_is_divided_by_time_is_learned_from_before_it_is_asked_about(rooms, registered, admin):
    # Of the last three of the twelve moments there are films of their own, which nobody can know before.
    lines = ["who,film,at"]
    for user in range(40):
        lines += [f"secret-{user},{'late' if step > 8 else 'film'} {(user + step) % ITEMS:02},{step}" for step in range(12)]
    registered("\n".join(lines) + "\n")
    split = "history: 5, split: {by: time, column: at, test: 0.25, validation: 0.0834}"
    run = rooms.training.train(spec_of(split, "[popularity, item-knn]"), by=admin)
    assert run.status is Status.DONE, run.message
    version = rooms.registry.find(run.versions[1], by=admin)
    assert not any("late" in item for item in version.interface.classes)
    report = Assessment(rooms.registry, rooms.datasets).assess(version.name, only=["ranking"], by=admin)
    unknown = report.clause("ranking.unknown_items")
    assert (unknown.estimate, unknown.n) == (1, 40 * 3)
    assert report.clause("ranking.hr_10").estimate == 0
    assert b"secret" not in b"".join(rooms.registry.read(version, file.path) for file in version.files)


def test_a_user_without_history_is_answered_with_what_is_taken_first(rooms, registered, admin):
    registered(log(users=8) + "".join(f"new-{user},film 07,{moment}\n" for user in range(30) for moment in (0, 1, 2)))
    run = rooms.training.train(spec_of(candidates="[popularity, item-knn, sasrec: {width: 8, inner: 8, epochs: 30}]"), by=admin)
    for name in run.versions:
        assert answers(rooms, rooms.registry.find(name, by=admin), [])[0] == ["film 07"]


def test_an_unseen_item_is_answered_and_told_as_unfamiliar(rooms, trained):
    for version in trained:
        rows = [{"history": ["film 01", "a film of tomorrow"]}, {"history": ["film 01"]}, {"history": []}]
        columns, unfamiliar, _ = version.interface.encode([version.interface.table_of_rows(rows)])
        assert unfamiliar == [("history",), (), ()]
        given = rooms.registry.open(version).predict(columns)
        assert given.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_an_item_of_the_test_rows_alone_counts_as_missed(rooms, registered, admin):
    registered(log() + "secret-0,a late film,99\nsecret-1,a late film,99\n")
    run = rooms.training.train(spec_of(), by=admin)
    version = rooms.registry.find(run.versions[0], by=admin)
    assert "a late film" not in version.interface.classes
    assert version.facts["test_rows_of_unknown_items"] == 2
    report = Assessment(rooms.registry, rooms.datasets).assess(version.name, only=["ranking"], by=admin)
    assert report.clause("ranking.unknown_items").estimate == pytest.approx(2 / 60)


def test_a_version_and_its_report_know_no_user(rooms, trained, admin):
    Assessment(rooms.registry, rooms.datasets).assess(trained[1].name, by=admin)
    for version in trained:
        for file in version.files:
            assert b"secret" not in rooms.registry.read(version, file.path), file.path
    assert "secret" not in json.dumps([logged.entry.facts for logged in rooms.ledger.entries()])


def test_histories_of_any_length_are_read_and_wrong_ones_refused_without_their_values(trained):
    interface = trained[0].interface
    many = [f"film {place % ITEMS:02}" for place in range(9_999)]
    assert interface.columns([{"history": many}])["history"].tolist() == [many[-5:]]
    assert interface.columns([{"history": []}])["history"].tolist() == [[""] * 5]
    assert interface.columns([{"history": ["film 01"]}])["history"].tolist() == [["", "", "", "", "film 01"]]
    for wrong, message in (
        (["film 01"] * 100_000, "has 100,000 entries, and the limit is 10,000; send the last 5"),
        ("film 01", "must be a list of texts and is text"),
        (None, "must be a list of texts and is null"),
        (["film 01", 7], "an entry, number 2, that must be a text and is a number"),
        (["hidden" * 50], "number 1, that is 300 characters long"),
        (["half \ud800"], "half a character"),
    ):
        with pytest.raises(InvalidRowsError, match=message) as refused:
            interface.table_of_rows([{"history": wrong}])
        assert "hidden" not in str(refused.value)
        assert "film 01" not in str(refused.value)


def test_a_spec_that_does_not_fit_a_log_says_what_to_write(rooms, registered, admin):
    registered()
    for data, candidates, message in (
        ("split: {by: stratified}", "[knn]", "Write `data: {history: 50}`"),
        ("history: 5", "[popularity]", "by: last"),
    ):
        with pytest.raises(Exception, match=message):
            rooms.training.train(spec_of(data, candidates), by=admin)
    for data, candidates, message in (
        ("history: 5", "[knn]", "learns from a table"),
        ("split: {by: last}", "[sasrec]", r"data: \{history: 50\}"),
        ("history: 5, text: film", "[popularity]", "none of"),
        ("history: 5000", "[popularity]", "1024"),
    ):
        with pytest.raises(InvalidSpecError, match=message):
            spec_of(data, candidates)


def test_histories_are_of_a_log_alone(rooms, register, admin):
    register("films", "size,film\n" + "".join(f"{place},{'xy'[place % 2]}\n" for place in range(40)), target="film", sensitive=())
    with pytest.raises(UnusableDataError, match="--task items --user COLUMN --time COLUMN"):
        rooms.training.train(spec_of(), by=admin)


def test_a_log_is_compared_by_how_it_ranks_unless_a_spec_says_otherwise():
    assert spec_of().objective.metric == "ndcg_10"
    assert parse_spec("model: m\ndata: {dataset: d}\ncandidates: [knn]\n").objective.metric == "roc_auc"
    said = parse_spec("model: m\ndata: {dataset: d, history: 5}\ncandidates: [popularity]\nobjective: {metric: mrr}\n")
    assert said.objective.metric == "mrr"
    assert spec_of().data.split == Split(by="last")


def test_a_sequence_has_a_length_that_a_graph_can_have():
    assert Feature("history", "sequence", length=5).graph_shape == (5,)
    with pytest.raises(InvalidInterfaceError, match="length of 1 to 1024"):
        Interface((Feature("history", "sequence"),), "film", ("x", "y"))


def test_windows_ask_about_every_row_once_with_the_history_it_had():
    preparation = HistoryPreparation(name="history", length=3, items=tuple("abcdef"))
    sequences, rows, labels = ["abcde", "fa", "b"], [], []
    for sequence in sequences:
        for place, item in enumerate(sequence):
            words = list(sequence[max(0, place - 3) : place])
            rows.append([""] * (3 - len(words)) + words)
            labels.append("abcdef".index(item))
    histories, wanted = preparation.apply({"history": np.array(rows, dtype=object)}), np.array(labels)
    assert chains(histories, wanted).tolist() == [0] * 5 + [1] * 2 + [2]
    found = windows(histories, wanted)
    asked = {
        (tuple(code for code in found.histories[row, : place + 1] if code), int(found.wanted[row, place]))
        for row, place in zip(*np.nonzero(found.wanted >= 0), strict=True)
    }
    assert (found.wanted >= 0).sum() == len(labels)
    assert asked == {((), 0), ((1,), 1), ((1, 2), 2), ((1, 2, 3), 3), ((2, 3, 4), 4), ((), 5), ((6,), 0), ((), 1)} - {
        ((1, 2, 3), 3),
        ((2, 3, 4), 4),
        ((1, 2), 2),
    } | {((2,), 2), ((2, 3), 3), ((2, 3, 4), 4)}
    users, items = taken(histories[2:], wanted[2:], known=6)
    assert sorted(items[users == 0].tolist()) == [0, 1, 2, 3, 4], "what stood before the first row was taken too"
