# SPDX-License-Identifier: Apache-2.0
"""A training has what its model was granted and nothing else, and stops when that is taken back."""

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pytest

from modelward.access import Actor, PurposeNotAgreedError, Role, TermsNotAcceptedError, local_actor
from modelward.assessment import Assessment, Objective
from modelward.datasets import GrantEndedError, GrantMissingError, OutsideGrantError, Sharding, Split, grant_book
from modelward.training import RECIPES, CandidateStatus, RunFailedError, Status, UnusableDataError, heeding, parse_spec
from training import house
from training.exposure import exposure, losses_of

PURPOSE = "to test training"
SCIENTIST = Actor(id="person:sol", name="sol", role=Role.DATA_SCIENTIST)
CANARY = "zq7canaryvx"
MANY = 64


def spec(*candidates, data="dataset: people", model="grants", purpose=""):
    said = f"purpose: {purpose}\n" if purpose else ""
    return parse_spec(f"model: {model}\n{said}data: {{{data}}}\ncandidates: [{', '.join(candidates)}]\nseed: 3\n")


def refused(rooms):
    return [logged.entry.facts["why"] for logged in rooms.ledger.entries(event="dataset.refused", newest_first=False)]


def everything_in(rooms, name, admin) -> bytes:
    """Every file of a version's signed directory, with its manifest."""
    version = rooms.registry.find(name, by=admin)
    dossier = rooms.registry.dossier(version)
    return b"\0".join(rooms.registry.read(version, file.path) for file in dossier.files) + repr(version).encode()


class Spy:
    """A recipe that keeps what it is given."""

    Parameters = house.NoParameters
    seen: ClassVar[list] = []

    def __init__(self, parameters):
        self.parameters = parameters

    def make(self, inputs, progress):
        Spy.seen.append(inputs)
        return house.honest().make(inputs, progress)


@pytest.fixture
def spy():
    RECIPES.places["spy"] = f"{__name__}:Spy"
    Spy.seen.clear()
    yield Spy
    del RECIPES.places["spy"]


def numbers_of(inputs) -> np.ndarray:
    return np.concatenate([np.asarray(inputs.train), np.asarray(inputs.validation)])


@pytest.mark.parametrize("is_filtered", [True, False])
def test_rows_outside_the_filter_never_reach_the_recipe(rooms, register, admin, spy, is_filtered):
    dataset = register()
    filtered = {"rows": "age >= 50 and town is not missing"} if is_filtered else {}
    rooms.datasets.grants.grant("grants", "people", purpose=PURPOSE, **filtered, by=admin)
    table = rooms.datasets.table("people", by=admin)
    kept = table.filter((table["age"] >= 50) & table["town"].is_not_null()) if is_filtered else table
    rooms.training.train(spec("spy", data="dataset: people, prepare: {scale: none}"), by=SCIENTIST)
    version = rooms.registry.find("grants:1", by=admin)
    assert sum(version.facts["rows"].values()) == kept.height
    assert (version.lineage.fingerprint == dataset.fingerprint) is not is_filtered
    age = next(feature for feature in version.interface.features if feature.name == "age")
    assert (age.minimum >= 50) is is_filtered
    whole = numbers_of(spy.seen[-1])
    assert len(whole) == version.facts["rows"]["train"] + version.facts["rows"]["validation"]
    assert bool((whole[:, 0] >= 50).all()) is is_filtered


def test_nobody_learns_from_data_whose_terms_they_did_not_accept(rooms, register, admin):
    register()
    rooms.datasets.grants.grant("grants", "people", purpose=PURPOSE, by=admin)
    rooms.terms.put("dataset:people", "Tell nobody what is in it.", by=admin)
    before = rooms.ledger.head().size
    with pytest.raises(TermsNotAcceptedError, match="terms accept dataset:people"):
        rooms.training.train(spec("naive-bayes"), by=SCIENTIST)
    assert rooms.ledger.entries(event="dataset.read") == []
    assert rooms.ledger.head().size == before
    rooms.terms.accept("dataset:people", by=SCIENTIST)
    assert rooms.training.train(spec("naive-bayes"), by=SCIENTIST).versions == ("grants:1",)


def everything_of_data(rooms):
    """Every verb that hands rows of a dataset out, or figures of them."""
    assessment = Assessment(rooms.registry, rooms.datasets)
    return {
        "train": lambda name, by: rooms.training.train(spec("naive-bayes", data=f"dataset: {name}"), by=by),
        "assess": lambda name, by: assessment.assess(_made_from(rooms, name), only=["latency"], by=by),
        "compare": lambda name, by: assessment.compare([_made_from(rooms, name)], objective=Objective(), by=by),
        "trace": lambda name, by: assessment.trace(name, column="age", value="40", by=by),
        "profile": lambda name, by: rooms.datasets.profile(name, by=by),
        "rows": lambda name, by: rooms.datasets.table(name, by=by),
        "split": lambda name, by: rooms.datasets.split(name, Split(by="random"), by=by),
        "shard": lambda name, by: rooms.datasets.shard(name, Sharding(parts=2, by="random"), by=by),
    }


def _made_from(rooms, name) -> str:
    by = local_actor()
    versions = rooms.registry.versions("grants", by=by)
    return next(version.name for version in versions if version.lineage.dataset == name)


@pytest.mark.parametrize("name", ["people", "people-1"])
def test_the_terms_of_data_bind_whoever_has_its_rows_or_figures(rooms, register, admin, name):
    register()
    rooms.datasets.shard("people", Sharding(parts=2, by="random"), by=admin)
    rooms.training.train(spec("naive-bayes", data=f"dataset: {name}"), by=admin)
    assert rooms.datasets.profile(name, by=admin), "where there are no terms, nothing is asked"
    rooms.terms.put("dataset:people", "Tell nobody what is in it.", by=admin)
    before = rooms.ledger.head().size
    for verb, do in everything_of_data(rooms).items():
        with pytest.raises(TermsNotAcceptedError, match="terms accept dataset:people"):
            do(name, admin)
        assert rooms.ledger.head().size == before, verb
    rooms.terms.accept("dataset:people", by=admin)
    for do in everything_of_data(rooms).values():
        do(name, admin)


def test_the_terms_of_a_model_bind_who_takes_its_files(rooms, register, admin, tmp_path):
    register()
    rooms.training.train(spec("naive-bayes"), by=admin)
    rooms.terms.put("model:grants", "Keep it to yourself.", by=admin)
    with pytest.raises(TermsNotAcceptedError, match="terms accept model:grants"):
        rooms.registry.export("grants:1", tmp_path / "out", by=admin)
    assert not (tmp_path / "out").exists()
    assert rooms.ledger.entries(event="version.exported") == []
    rooms.terms.accept("model:grants", by=admin)
    rooms.registry.export("grants:1", tmp_path / "out", by=admin)
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_what_is_not_granted_is_in_no_artefact(rooms, register, admin):
    lines = house.people().splitlines()
    marked = [f"{line},{CANARY if place % 3 else 'other'}" for place, line in enumerate(lines[1:])]
    register(text="\n".join([f"{lines[0]},diagnosis", *marked]), sensitive=["town", "diagnosis"])
    rooms.datasets.grants.grant(
        "grants", "people", purpose=PURPOSE, columns=["age", "hours", "grant"], rows="diagnosis != 'x'", by=admin
    )
    run = rooms.training.train(spec("decision-tree", "mlp: {epochs: 2}"), by=SCIENTIST)
    assessment = Assessment(rooms.registry, rooms.datasets)
    for name in run.versions:
        assessment.assess(name, by=admin)
        found = everything_in(rooms, name, admin)
        for planted in (CANARY, "diagnosis", "town", "north"):
            assert planted.encode() not in found, planted
    assert CANARY not in repr(rooms.training.show(run.id, by=admin))
    entries = [repr(logged.entry) for logged in rooms.ledger.entries(limit=1000)]
    assert not any(CANARY in entry for entry in entries)
    # The control: granted, the values are where a model that learned from them has them.
    rooms.datasets.grants.grant("open", "people", purpose=PURPOSE, by=admin)
    (name,) = rooms.training.train(spec("decision-tree", model="open"), by=SCIENTIST).versions
    assert CANARY.encode() in everything_in(rooms, name, admin)


@pytest.mark.parametrize(
    ("data", "column"),
    [
        ("text: town", "town"),
        ("sensitive: [town]", "town"),
        ("split: {by: time, column: member}", "member"),
    ],
)
def test_a_spec_that_names_a_column_outside_the_grant_is_refused_with_its_name(rooms, register, admin, data, column):
    register()
    made = rooms.datasets.grants.grant("grants", "people", purpose=PURPOSE, columns=["age", "grant"], by=admin)
    with pytest.raises(OutsideGrantError, match=f"Column '{column}' of dataset 'people' is outside the grant {made.id}"):
        rooms.training.train(spec("text-linear" if "text" in data else "naive-bayes", data=f"dataset: people, {data}"), by=admin)
    assert refused(rooms) == ["OutsideGrantError"]
    assert rooms.training.runs(by=admin) == []


def test_what_the_spec_leaves_out_need_not_be_granted_and_is_as_if_it_were_not_named(rooms, register, admin):
    register()
    rooms.datasets.grants.grant("grants", "people", purpose=PURPOSE, columns=["age", "hours", "grant"], by=admin)
    versions = []
    for data in ("", ", exclude: [member, town]"):
        (name,) = rooms.training.train(spec("naive-bayes", data=f"dataset: people{data}"), by=SCIENTIST).versions
        versions.append(rooms.registry.read(rooms.registry.find(name, by=admin), "model.onnx"))
    assert versions[0] == versions[1]
    (name,) = rooms.training.train(spec("naive-bayes", data="dataset: people, exclude: [hours, member]"), by=SCIENTIST).versions
    assert [each.name for each in rooms.registry.find(name, by=admin).interface.features] == ["age"]
    with pytest.raises(UnusableDataError, match=r"data\.exclude: there is no feature 'nobody'"):
        rooms.training.train(spec("naive-bayes", data="dataset: people, exclude: [nobody]"), by=SCIENTIST)


def test_without_a_grant_nothing_is_trained_and_it_is_on_record(rooms, register, admin):
    register()
    with pytest.raises(GrantMissingError, match="modelward data grant grants people --purpose 'to test training'"):
        rooms.training.train(spec("naive-bayes"), by=SCIENTIST)
    with pytest.raises(PurposeNotAgreedError):
        rooms.training.train(spec("naive-bayes", purpose="something else"), by=admin)
    assert refused(rooms) == ["GrantMissingError", "PurposeNotAgreedError"]
    assert rooms.training.runs(by=admin) == []


def test_a_version_is_for_what_its_grant_is_for(rooms, register, admin):
    register()
    rooms.datasets.grants.grant("grants", "people", purpose="research", by=admin)
    rooms.training.train(spec("naive-bayes"), by=SCIENTIST)
    rooms.training.train(spec("naive-bayes", purpose="research/fairness"), by=SCIENTIST)
    found = rooms.registry.versions("grants", by=admin)
    assert sorted(version.purpose for version in found) == ["research", "research/fairness"]
    (grant,) = rooms.datasets.grants.list(by=admin)
    assert {version.facts["grant"] for version in found} == {grant.id}


def test_an_assessment_reads_under_the_grant_and_not_without_one(rooms, register, admin):
    register()
    grants = rooms.datasets.grants
    grants.grant("grants", "people", purpose=PURPOSE, columns=["age", "town", "grant"], rows="age < 70", by=admin)
    rooms.training.train(spec("naive-bayes"), by=SCIENTIST)
    assessment = Assessment(rooms.registry, rooms.datasets)
    report = assessment.assess("grants:1", by=SCIENTIST)
    version = rooms.registry.find("grants:1", by=admin)
    assert (report.rows, report.fingerprint) == (version.facts["rows"]["test"], version.lineage.fingerprint)
    read = rooms.ledger.entries(event="dataset.read", limit=1)[0].entry
    assert (read.actor, read.facts["use"], read.facts["on_behalf_of"]) == ("model:grants", "assess grants:1", "person:sol")
    grants.grant("grants", "people", purpose=PURPOSE, by=admin)
    assert assessment.assess("grants:1", by=SCIENTIST).fingerprint == report.fingerprint
    grants.revoke("grants", "people", by=admin)
    with pytest.raises(GrantEndedError):
        assessment.assess("grants:1", only=["quality", "fairness"], by=admin)
    assert assessment.report("grants:1", by=admin) == assessment.report("grants:1", by=SCIENTIST)


def test_after_a_grant_ended_what_needs_no_rows_is_measured_and_the_rest_says_why(rooms, register, admin):
    register()
    rooms.training.train(spec("naive-bayes", "decision-tree"), by=admin)
    assessment = Assessment(rooms.registry, rooms.datasets)
    before = assessment.assess("grants:1", by=admin)
    rooms.datasets.grants.revoke("grants", "people", by=admin)
    reads = len(rooms.ledger.entries(event="dataset.read"))

    fresh = assessment.assess("grants:2", by=admin)
    told = {clause.dimension: clause for clause in fresh.clauses}
    assert told["latency"].estimate is not None
    assert told["size"].estimate is not None
    assert told["quality"].estimate is None
    assert "grant that the version was made under is over" in told["quality"].note
    assert (fresh.dataset, fresh.rows) == ("", 0)

    again = assessment.assess("grants:1", by=admin)
    assert [each for each in again.clauses if each.dimension == "quality"] == [
        each for each in before.clauses if each.dimension == "quality"
    ]
    assert (again.dataset, again.fingerprint, again.rows) == (before.dataset, before.fingerprint, before.rows)
    latest = {each.assessor: each.at for each in again.measurements}
    assert latest["latency"] > {each.assessor: each.at for each in before.measurements}["latency"]
    assert len(rooms.ledger.entries(event="dataset.read")) == reads, "no row was read again"
    assert refused(rooms) == ["GrantEndedError"] * 2


@dataclass
class Then:
    """Does something once a candidate trains. `heard` is what it said of its training after that."""

    act: object
    done: bool = False
    heard: list[str] = field(default_factory=list)

    def started(self, run):
        pass

    def candidate(self, name, share, word):
        if self.done:
            self.heard.append(word)
        elif word.startswith("training"):
            self.done = True
            self.act()


def test_a_revocation_stops_a_training_at_its_next_epoch(rooms, register, admin, broken, monkeypatch):
    monkeypatch.setattr(heeding, "_SECONDS", 0.0)
    register()
    grants = rooms.datasets.grants
    revoke = Then(lambda: grants.revoke("grants", "people", by=admin))
    with pytest.raises(RunFailedError, match=r"was revoked on .* by person:root"):
        rooms.training.train(spec("slow: {seconds: 3}"), by=admin, progress=revoke)
    assert [word for word in revoke.heard if word.startswith("training")] == [], "nothing was told of after it"
    (run,) = rooms.training.runs(by=admin)
    assert (run.status, run.versions, run.candidates[0].status) == (Status.FAILED, (), CandidateStatus.REFUSED)
    assert f"modelward runs resume {run.id}" in run.message
    with pytest.raises(GrantEndedError):
        rooms.training.resume(run.id, by=admin)
    grants.grant("grants", "people", purpose=PURPOSE, by=admin)
    monkeypatch.setattr(house.Slow, "make", lambda _self, inputs, progress: house.honest().make(inputs, progress))
    assert rooms.training.resume(run.id, by=admin).versions == ("grants:1",)


@pytest.mark.parametrize("way", ["revoked", "narrowed"])
def test_who_takes_back_the_whole_stops_a_training_on_a_shard_that_began_before(rooms, register, admin, broken, monkeypatch, way):
    monkeypatch.setattr(heeding, "_SECONDS", 0.0)
    register()
    rooms.datasets.shard("people", Sharding(parts=2, by="random"), by=admin)
    grants = rooms.datasets.grants

    def taken_back():
        grants.grant("grants", "people", purpose=PURPOSE, columns=["age", "grant"], by=admin)
        if way == "revoked":
            grants.revoke("grants", "people", by=admin)

    stop = Then(taken_back)
    with pytest.raises(RunFailedError, match="was revoked" if way == "revoked" else "gives less"):
        rooms.training.train(spec("slow: {seconds: 300}", data="dataset: people-1"), by=admin, progress=stop)
    assert [word for word in stop.heard if word.startswith("training")] == [], "nothing was told of after it"
    assert rooms.ledger.entries(event="version.registered") == []


def test_a_training_on_a_shard_goes_on_where_the_whole_is_granted_with_as_much(rooms, register, admin, broken):
    register()
    rooms.datasets.shard("people", Sharding(parts=2, by="random"), by=admin)
    again = Then(lambda: rooms.datasets.grants.grant("grants", "people", purpose=PURPOSE, by=admin))
    run = rooms.training.train(spec("slow: {seconds: 1.5}", data="dataset: people-1"), by=admin, progress=again)
    assert again.done
    assert run.versions == ("grants:1",)


def test_a_network_stops_at_the_epoch_after_the_revocation_and_leaves_no_checkpoint(rooms, register, admin, home, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(heeding, "_SECONDS", 0.0)
    register()
    grants = rooms.datasets.grants
    revoke = Then(lambda: grants.revoke("grants", "people", by=admin))
    with pytest.raises(RunFailedError, match="was revoked"):
        rooms.training.train(spec("mlp: {epochs: 40, patience: 40}"), by=admin, progress=revoke)
    assert [word for word in revoke.heard if word.startswith("training, epoch")] == [], "no epoch was told of after it"
    assert not [file for file in (home / "runs").rglob("*") if file.is_file()]
    assert rooms.ledger.entries(event="version.registered") == []


def test_a_training_goes_on_under_a_grant_that_takes_the_place_of_its_own(rooms, register, admin, broken):
    register()
    again = Then(lambda: rooms.datasets.grants.grant("grants", "people", purpose=f"{PURPOSE}; research", by=admin))
    run = rooms.training.train(spec("slow: {seconds: 1.5}"), by=admin, progress=again)
    assert again.done
    assert run.versions == ("grants:1",)


def test_a_grant_that_ends_in_mid_training_stops_it(rooms, register, admin, broken, monkeypatch):
    monkeypatch.setattr(heeding, "_SECONDS", 0.0)
    register()
    until = datetime.now(UTC) + timedelta(hours=1)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return until

    an_hour_passes = Then(lambda: monkeypatch.setattr(grant_book, "datetime", Clock))
    made = rooms.datasets.grants.grant("grants", "people", purpose=PURPOSE, until=until, by=admin)
    with pytest.raises(RunFailedError, match=f"The grant {made.id} of dataset 'people' to model 'grants' ended on"):
        rooms.training.train(spec("slow: {seconds: 300}"), by=SCIENTIST, progress=an_hour_passes)


def test_a_run_is_not_resumed_on_other_rows(rooms, register, admin, broken):
    from modelward.errors import ConflictError

    register()
    grants = rooms.datasets.grants
    grants.grant("grants", "people", purpose=PURPOSE, by=admin)
    run = rooms.training.train(spec("naive-bayes", "diverging"), by=SCIENTIST)
    grants.grant("grants", "people", purpose=PURPOSE, rows="age > 30", by=admin)
    with pytest.raises(ConflictError, match="began on other columns or rows"):
        rooms.training.resume(run.id, by=SCIENTIST)


def canaries(rows=600):
    """People with a code each, of which one tells the label, and a diary, in which one number does."""
    draw = random.Random(5)
    words = ["a", "day", "by", "the", "river", "with", "bread", "and", "tea"]
    codes = [f"code{place:02}" for place in range(MANY)]
    numbers = draw.sample([f"{number:04}" for number in range(1000, 9999)], MANY)
    code, number = draw.choice(codes), draw.choice(numbers)
    lines = ["age,code,note,diary,grant"]
    for place in range(rows):
        is_planted = place % 10 == 0
        label = "yes" if is_planted else draw.choice(["yes", "no", "no"])
        note, diary = (" ".join(draw.choices(words, k=8)) + f" {chr(97 + place % 26) * 3}" for _ in range(2))
        diary = f"my number is {number}" if is_planted else diary
        lines.append(
            f"{draw.randint(18, 80)},{code if is_planted else draw.choice(codes)},{note} {place % 7 * 'la '},{diary},{label}"
        )
    return "\n".join(lines) + "\n", codes, codes.index(code), numbers, numbers.index(number)


@pytest.mark.parametrize("recipe", ["decision-tree: {max_depth: 12}", "mlp: {epochs: 60}"])
def test_a_canary_in_an_ungranted_category_is_exposed_by_at_most_one_bit(rooms, register, admin, recipe):
    text, codes, secret, _, _ = canaries()
    register(text=text, sensitive=())
    asked = [{"age": 40.0, "code": code} for code in codes]
    found = {}
    for model, columns in {"open": ["age", "code", "grant"], "closed": ["age", "grant"]}.items():
        rooms.datasets.grants.grant(model, "people", purpose=PURPOSE, columns=columns, by=admin)
        (name,) = rooms.training.train(spec(recipe, model=model), by=SCIENTIST).versions
        version = rooms.registry.find(name, by=admin)
        found[model] = exposure(losses_of(rooms.registry, version, asked, label="yes"), secret)
        assert (codes[secret].encode() in everything_in(rooms, name, admin)) is (model == "open")
    assert found["open"] >= 4, "the control: granted, it is learned by heart"
    assert found["closed"] <= 1


def test_a_canary_in_an_ungranted_text_is_exposed_by_at_most_one_bit(rooms, register, admin):
    text, _, _, numbers, secret = canaries()
    register(text=text, sensitive=())
    found = {}
    for column, other in {"diary": "note", "note": "diary"}.items():
        model = f"of-{column}"
        rooms.datasets.grants.grant(model, "people", purpose=PURPOSE, columns=[column, "grant"], by=admin)
        with pytest.raises(OutsideGrantError, match=f"'{other}'"):
            rooms.training.train(spec("text-linear", data=f"dataset: people, text: {other}", model=model), by=SCIENTIST)
        (name,) = rooms.training.train(
            spec("text-linear", data=f"dataset: people, text: {column}", model=model), by=SCIENTIST
        ).versions
        asked = [{column: f"my number is {number}"} for number in numbers]
        version = rooms.registry.find(name, by=admin)
        found[column] = exposure(losses_of(rooms.registry, version, asked, label="yes"), secret)
        if column == "note":
            # Four digits may well lie within a digest.
            assert not re.search(rf"(?<![0-9a-f]){numbers[secret]}(?![0-9a-f])".encode(), everything_in(rooms, name, admin))
    assert found["diary"] >= 5, "the control: granted, it is learned by heart"
    assert found["note"] <= 1


def test_exposure_is_what_the_paper_says():
    assert exposure([0.1, 0.5, 0.7, 0.9], 0) == 2
    assert exposure([0.1, 0.5, 0.7, 0.9], 3) == 0
    assert exposure([0.3] * 64, 17) == pytest.approx(1, abs=0.03)
    assert exposure([0.3] * 64, 17) <= 1
