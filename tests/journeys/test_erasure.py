# SPDX-License-Identifier: Apache-2.0
"""Somebody objects: their records go, from every file, and which models may remember them is known and heeded."""

import pytest

from modelward.access import Role, local_actor
from modelward.app import create_home, examine, open_platform
from modelward.assessment import DataChangedError
from modelward.datasets import DatasetErasedError
from modelward.registry import TamperedVersionError
from modelward.releases import ReleaseRefusedError
from modelward.releases.evidence import evidence_of
from modelward.settings import Settings
from modelward.training import RunFailedError, parse_spec
from training.house import people

CANARY = "Canaryville-on-Sea"
REASON = "objection of 3 November"
SPEC = """
model: {model}
purpose: tests
owner: the tests
data: {{dataset: people, split: {{seed: 3, test: 0.3}}}}
candidates: [decision-tree: {{max_depth: 3}}]
"""


@pytest.fixture
def house(tmp_path):
    settings = Settings(home=tmp_path / ".modelward", training_isolation="none")
    create_home(settings)
    platform = open_platform(settings)
    table = tmp_path / "people.csv"
    lines = people(300).splitlines()
    rows = [line.split(",") for line in lines]
    for row in rows[-3:]:
        row[2] = CANARY
    table.write_text("\n".join(map(",".join, rows)))
    platform.datasets.add("people", [table], target="grant", purpose="tests", owner="tester", by=local_actor())
    table.unlink()
    yield platform
    platform.close()


def train(platform, model):
    platform.training.train(parse_spec(SPEC.format(model=model)), by=local_actor())


def assessed_and_live(platform, name):
    platform.assessment.assess(name, only=["quality", "size"], by=local_actor())
    release = platform.releases.propose(name, by=local_actor())
    return platform.releases.promote(release.id, by=local_actor())


def shown(platform) -> list[str]:
    """The sealed objects that open and show the canary."""
    with platform.database.look() as connection:
        named = platform.sealed_objects(connection)
    return [label for digest, label in named.items() if CANARY.encode() in platform.vault.read(digest, label=label)]


def test_who_objects_is_gone_from_every_file_and_the_gate_knows_which_models_may_remember(house, tmp_path):
    me, filter_ = local_actor(), f'town == "{CANARY}"'
    house.grants.grant("careful", "people", purpose="tests", rows=f'town != "{CANARY}"', by=me)
    for model in ("grants", "careful"):
        train(house, model)
        assessed_and_live(house, f"{model}:1")
    assert any(label.startswith("dataset people") for label in shown(house)), "the canary is found while it is there"
    trial = house.assessment.erase("people", rows=filter_, reason="", is_trial=True, by=me)
    done = house.assessment.erase("people", rows=filter_, reason=REASON, by=me)
    assert trial.versions == done.versions == ("grants:1",)
    assert (done.erased.gone, done.erased.parts[0].before) == (3, 300)
    assert [label for label in shown(house) if label.startswith("dataset")] == []
    found = {name: house.assessment.erasures(house.registry.find(name, by=me)) for name in ("grants:1", "careful:1")}
    assert {name: len(each) for name, each in found.items()} == {"grants:1": 1, "careful:1": 0}
    check = next(each for each in examine(house.settings) if each.what == "erased data")
    learned = found["grants:1"][0].gone
    rows = "1 row" if learned == 1 else f"{learned} rows"
    assert (check.is_well, f"grants:1 ({rows} of people)" in check.found) == (False, True)
    told = {model: house.assessment.erased_versions(model, by=me) for model in ("grants", "careful")}
    assert ([(each.version, each.rows) for each in told["grants"]], told["careful"]) == ([("grants:1", learned)], ())
    assert f"the version learned from, or may have: {learned}." in house.assessment.page("grants:1", by=me).decode()
    assert b"or may have" not in house.assessment.page("careful:1", by=me)
    with pytest.raises(DataChangedError, match="Train again"):
        house.assessment.assess("grants:1", only=["quality"], by=me)
    train(house, "grants")
    assessed_and_live(house, "grants:2")
    with pytest.raises(ReleaseRefusedError, match="may have learned from rows that were erased since"):
        house.releases.propose("grants:1", by=me)
    house.grants.revoke("careful", "people", by=me)
    assert next(each for each in examine(house.settings) if each.what == "erased data").is_well


def test_a_training_that_reads_what_is_erased_meanwhile_registers_nothing(house, monkeypatch):
    from modelward.datasets.granting import Grants

    opened = Grants.opened

    def and_then_erased(self, *given, **more):
        view = opened(self, *given, **more)
        monkeypatch.setattr(Grants, "opened", opened)
        house.assessment.erase("people", rows=f'town == "{CANARY}"', reason=REASON, by=local_actor())
        return view

    monkeypatch.setattr(Grants, "opened", and_then_erased)
    with pytest.raises((RunFailedError, DatasetErasedError), match="taken out of dataset"):
        train(house, "grants")
    with pytest.raises(Exception, match="No model is called"):
        house.registry.versions("grants", by=local_actor())
    train(house, "grants")
    assert not issubclass(DatasetErasedError, TamperedVersionError)


def test_an_erasure_while_a_release_is_being_decided_stops_it(house, monkeypatch):
    me = local_actor()
    train(house, "grants")
    house.assessment.assess("grants:1", only=["quality", "size"], by=me)
    release = house.releases.propose("grants:1", by=me)

    def and_then_erased(*given, **more):
        evidence = evidence_of(*given, **more)
        house.assessment.erase("people", rows=f'town == "{CANARY}"', reason=REASON, by=me)
        return evidence

    monkeypatch.setattr("modelward.releases.service.evidence_of", and_then_erased)
    with pytest.raises(ReleaseRefusedError, match="may have learned from rows that were erased since"):
        house.releases.promote(release.id, by=me)
    assert house.releases.live() == {}


def test_a_version_does_not_lose_its_past_by_leaving_the_house_and_coming_back(house, tmp_path):
    me = local_actor()
    house.grants.grant("older", "people", purpose="tests", rows="age >= 0", by=me)
    house.grants.grant("careful", "people", purpose="tests", rows=f'town != "{CANARY}"', by=me)
    for model in ("grants", "older", "careful"):
        train(house, model)
    house.assessment.erase("people", rows=f'town == "{CANARY}"', reason=REASON, by=me)
    came = {}
    for model in ("grants", "older", "careful"):
        house.registry.export(f"{model}:1", tmp_path / model, by=me)
        came[model] = house.registry.import_folder(tmp_path / model, f"{model}-back", public_key=house.registry.public_key, by=me)
    train(house, "careful")

    def gone(version):
        return sum(each.gone for each in house.assessment.erasures(version))

    originals = {model: gone(house.registry.find(f"{model}:1", by=me)) for model in came}
    assert {model: gone(version) for model, version in came.items()} == originals
    assert (bool(originals["grants"]), bool(originals["older"]), originals["careful"]) == (True, True, 0)
    with pytest.raises(ReleaseRefusedError, match="may have learned from rows that were erased since"):
        house.releases.propose("grants-back:1", by=me)
    train(house, "older")
    assert house.assessment.erasures(house.registry.find("older:2", by=me)) == ()


@pytest.fixture
def other_house(tmp_path):
    settings = Settings(home=tmp_path / "other" / ".modelward", training_isolation="none")
    create_home(settings)
    platform = open_platform(settings)
    yield platform
    platform.close()


def came_back(house, other_house, tmp_path, name, back):
    """The version, exported, imported in another house under no origin, exported there, and imported again by that house's key."""
    me, model = local_actor(), name.partition(":")[0]
    house.registry.export(name, tmp_path / f"{model}-out", by=me)
    other_house.registry.import_folder(tmp_path / f"{model}-out", f"their-{model}", by=me)
    other_house.registry.export(f"their-{model}:1", tmp_path / f"{model}-theirs", by=me)
    key = other_house.registry.public_key
    return house.registry.import_folder(tmp_path / f"{model}-theirs", back, public_key=key, by=me)


@pytest.mark.parametrize("moment", ["before it is erased", "after it was erased"])
def test_a_version_does_not_lose_its_past_under_another_origin_in_another_house(house, other_house, tmp_path, moment):
    me = local_actor()
    house.grants.grant("careful", "people", purpose="tests", rows=f'town != "{CANARY}"', by=me)
    for model in ("grants", "careful"):
        train(house, model)

    def erased():
        return house.assessment.erase("people", rows=f'town == "{CANARY}"', reason=REASON, by=me)

    done = erased() if moment.startswith("after") else None
    back, clear = (came_back(house, other_house, tmp_path, f"{model}:1", f"{model}-back") for model in ("grants", "careful"))
    assert {back.lineage.dataset, clear.lineage.dataset} == {""}, "it says nothing of where it comes from"
    if not done:
        traced = {each.version: each for each in house.assessment.trace("people", column="town", value=CANARY, by=me).sightings}
        assert {**vars_of(traced["grants-back:1"]), "version": ""} == {**vars_of(traced["grants:1"]), "version": ""}
        done = erased()
        assert set(done.versions) == {"grants:1", "grants-back:1"}
    found = house.assessment.erasures(back)
    assert found == house.assessment.erasures(house.registry.find("grants:1", by=me)) != ()
    assert house.assessment.erasures(clear) == ()
    assert [each.version for each in house.assessment.erased_versions("grants-back", by=me)] == ["grants-back:1"]
    with pytest.raises(ReleaseRefusedError, match="may have learned from rows that were erased since"):
        house.releases.propose("grants-back:1", by=me)
    assert set(erased().versions) >= {"grants:1", "grants-back:1"}, "told again"


def vars_of(sighting):
    return {name: getattr(sighting, name) for name in ("train", "validation", "test", "outside", "unknown")}


def test_who_has_a_graph_of_another_tenant_is_warned_and_told_nothing_of_their_data(house, other_house, tmp_path):
    me, table = local_actor(), tmp_path / "north.csv"
    for tenant in ("north", "south"):
        house.tenants.add(tenant, by=me)
    table.write_text(people(300))
    house.datasets.add("north-people", [table], target="grant", purpose="tests", owner="tester", by=me)
    house.training.train(parse_spec(SPEC.format(model="north-grants").replace("dataset: people", "dataset: north-people")), by=me)
    back = came_back(house, other_house, tmp_path, "north-grants:1", "south-back")
    house.assessment.erase("north-people", rows="age > 60", reason=REASON, by=me)
    key = house.access.create_key("south-sol", role=Role.DATA_SCIENTIST, tenant="south", purpose="pilot", by=me)
    theirs = house.access.authenticate(key.secret)
    (mine,), (told,) = (house.assessment.erasures(back, by=by) for by in (me, theirs))
    assert (mine.dataset, told.dataset, told.before, told.after) == ("north-people", "", "", "")
    assert told.gone == mine.gone
    (version,) = house.assessment.erased_versions("south-back", by=theirs)
    assert version.erasures == (told,)


def test_a_version_registered_in_the_moment_of_the_erasure_is_known_to_have_learned_from_the_rows(house, monkeypatch):
    register, me = type(house.registry).register, local_actor()

    def just_before(self, *given, **more):
        monkeypatch.setattr(type(house.registry), "register", register)
        house.assessment.erase("people", rows=f'town == "{CANARY}"', reason=REASON, by=me)
        return register(self, *given, **more)

    monkeypatch.setattr(type(house.registry), "register", just_before)
    train(house, "grants")
    assert [each.gone for each in house.assessment.erasures(house.registry.find("grants:1", by=me))] == [3]


def test_what_only_tested_a_version_is_in_none_of_its_files_and_what_it_learned_from_may_be(house, tmp_path):
    rows = [line.split(",") for line in people(300).splitlines()]
    rows[-1][2] = CANARY
    table, me = tmp_path / "others.csv", local_actor()
    table.write_text("\n".join(map(",".join, rows)))
    house.datasets.add("others", [table], target="grant", purpose="tests", owner="tester", by=me)
    spec = SPEC.replace("dataset: people", "dataset: others")
    for model, seed in (("tested", 1), ("learned", 2)):
        house.training.train(parse_spec(spec.format(model=model).replace("seed: 3", f"seed: {seed}")), by=me)
        house.assessment.assess(f"{model}:1", by=me)
    told = house.assessment.erase("others", rows=f'town == "{CANARY}"', reason=REASON, by=me)
    assert [(each.version, each.train, each.test) for each in told.sightings] == [("learned:1", 1, 0), ("tested:1", 0, 1)]
    labels = " ".join(label for label in shown(house) if "people" not in label)
    assert ("learned:1" in labels, "tested:1" in labels) == (True, False)
    assert told.versions == ("learned:1",)
    house.releases.propose("tested:1", by=me)
