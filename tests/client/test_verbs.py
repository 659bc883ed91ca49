# SPDX-License-Identifier: Apache-2.0
"""Every verb of the client does what the platform's verb does, and gives the same noun."""

import csv
import inspect
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrances.api.house import ROW
from modelward.access import Access, Auditing, Role, SitePolicies, Tenants
from modelward.assessment import LANGUAGES, Assessment, Objective
from modelward.audit import verify_receipt
from modelward.client.asking import RemoteServing
from modelward.client.budgeting import RemoteBudgets, RemoteStatistics
from modelward.client.capturing import RemoteCaptures
from modelward.client.deciding import (
    RemoteAccess,
    RemoteAuditing,
    RemotePolicies,
    RemoteReleases,
    RemoteSitePolicies,
    RemoteTenants,
)
from modelward.client.granting import RemoteGrants
from modelward.client.making import RemoteAssessment, RemoteDatasets, RemoteRegistry, RemoteTraining
from modelward.datasets import Anonymising, Budgets, Datasets, Grants, Hiding, OverspentError, Question, Sharding, Split, Statistics
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from modelward.registry import Registry
from modelward.releases import Policies, Releases, ReleaseState
from modelward.serving import Captures, Serving
from modelward.training import RunFailedError, Status, Training, parse_spec
from serving.tiny import graph
from training.house import people

SPEC = """
model: grants
purpose: tests
owner: tester
data: {dataset: people, target: grant, sensitive: [town]}
candidates: [naive-bayes, {decision-tree: {max_depth: 3}}]
"""
PAIRS = (
    (Access, RemoteAccess),
    (Assessment, RemoteAssessment),
    (Budgets, RemoteBudgets),
    (Auditing, RemoteAuditing),
    (Captures, RemoteCaptures),
    (Datasets, RemoteDatasets),
    (Grants, RemoteGrants),
    (Policies, RemotePolicies),
    (Registry, RemoteRegistry),
    (Releases, RemoteReleases),
    (Serving, RemoteServing),
    (SitePolicies, RemoteSitePolicies),
    (Statistics, RemoteStatistics),
    (Tenants, RemoteTenants),
    (Training, RemoteTraining),
)


def verbs(room) -> dict:
    return {name: verb for name, verb in inspect.getmembers(room, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize(("here", "there"), PAIRS, ids=[here.__name__ for here, _ in PAIRS])
def test_a_verb_takes_what_the_platform_s_verb_takes(here, there):
    shared = set(verbs(here)) & set(verbs(there))
    assert shared
    for name in shared:
        wanted = inspect.signature(verbs(here)[name]).parameters
        given = inspect.signature(verbs(there)[name]).parameters
        assert set(given) == set(wanted), name
        for parameter in wanted.values():
            assert given[parameter.name].kind == parameter.kind, (name, parameter.name)


def test_every_verb_that_a_command_needs_is_there(remote):
    sources = (Path(__file__).parents[2] / "src/modelward/entrances/cli").glob("*.py")
    used = {found for source in sources for found in re.findall(r"house\.((?:\w+\.)+\w+)\(", source.read_text())}
    assert len(used) > 30
    # Private keys stay on their machine: its commands make certificates, and no service does.
    for verb in used - {"access.authenticate", *(f"certifying.{name}" for name in ("begin", "certificates", "issue", "renew"))}:
        found = remote
        for name in verb.split("."):
            found = getattr(found, name)
        assert callable(found), verb


@pytest.fixture(scope="module")
def data(remote, tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "people.csv"
    file.write_text(people())
    said = {"target": "grant", "positive": "no", "sensitive": ["town"], "purpose": "tests", "owner": "tester"}
    return remote.datasets.add("people", [file], **said)


def test_data(house, remote, data):
    here = house.platform.datasets
    assert data == here.show("people", by=house.by) == remote.datasets.show("people")
    assert data.positive == "no"
    assert remote.datasets.list() == here.list(by=house.by)
    assert remote.datasets.profile("people") == here.profile("people", by=house.by)
    for split in (Split(by="random", test=0.25, validation=0.25, seed=3), Split(by="cluster", similarity=1.0)):
        assert remote.datasets.split("people", split) == here.split("people", split, by=house.by)
    sharding = Sharding(parts=2, by="random", seed=3)
    assert remote.datasets.shard("people", sharding) == here.shard("people", sharding, by=house.by)
    assert remote.datasets.show("people-2").shard == here.show("people-2", by=house.by).shard


class Told:
    def __init__(self):
        self.words = []

    def started(self, run):
        self.words.append("started")

    def candidate(self, name, share, word):
        self.words.append(f"{name} {share:g}")


@pytest.fixture(scope="module")
def run(remote, data):
    told = Told()
    made = remote.training.train(parse_spec(SPEC), progress=told)
    assert told.words[0] == "started"
    assert {"naive-bayes 1", "decision-tree 1"} <= set(told.words)
    return made


def test_training(house, remote, run):
    here = house.platform.training
    assert run.status is Status.DONE
    assert run.versions == ("grants:1", "grants:2")
    assert run == here.show(run.id, by=house.by) == remote.training.show(run.id)
    assert remote.training.runs() == here.runs(by=house.by)
    with pytest.raises(ConflictError, match="Every candidate"):
        remote.training.resume(run.id)


def test_a_run_that_makes_nothing_fails_here_as_there(house, remote, data):
    from modelward.training import RECIPES

    RECIPES.places["diverging"] = "training.house:Diverging"
    try:
        hopeless = parse_spec(SPEC.replace("naive-bayes, {decision-tree: {max_depth: 3}}", "diverging"))
        with pytest.raises(RunFailedError) as there:
            remote.training.train(hopeless)
        with pytest.raises(RunFailedError) as here:
            house.platform.training.train(hopeless, by=house.by)
    finally:
        del RECIPES.places["diverging"]
    assert without_id(there) == without_id(here)
    assert "The loss became infinite" in str(there.value)


def without_id(raised) -> str:
    return re.sub(r"run-\w+", "run", str(raised.value))


def test_the_shelf(house, remote, run, tmp_path):
    here = house.platform.registry
    assert remote.registry.models() == here.models(by=house.by)
    assert remote.registry.versions("grants") == here.versions("grants", by=house.by)
    version = remote.registry.find("grants:1")
    assert version == here.find("grants:1", by=house.by)
    assert remote.registry.dossier(version) == remote.registry.dossier(version, sequence=1) == here.dossier(version)
    assert remote.registry.read(version, "README.md") == here.read(version, "README.md")
    assert remote.registry.verify("grants:1") == here.verify("grants:1", by=house.by)
    told = remote.registry.export("grants:1", tmp_path / "out")
    assert told == here.dossier(version)
    here.export("grants:1", tmp_path / "same", by=house.by)
    assert contents(tmp_path / "out") == contents(tmp_path / "same")
    with pytest.raises(ConflictError, match="not empty"):
        remote.registry.export("grants:1", tmp_path / "out")
    imported = remote.registry.import_folder(tmp_path / "out", "copied", public_key=here.public_key)
    assert imported.name == "copied:1"
    assert imported.interface == version.interface


def test_a_lone_graph_is_imported(remote, tmp_path):
    file = tmp_path / "a model.onnx"
    file.write_bytes(graph())
    assert remote.registry.import_folder(file, "lone", purpose="tests", owner="tester").name == "lone:1"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_assessment(house, remote, run):
    here = house.platform.assessment
    assert remote.assessment.report("grants:2") is remote.assessment.page("grants:2") is None
    for name in run.versions:
        report = remote.assessment.assess(name, only=["size", "quality", "latency"])
        assert report == here.report(name, by=house.by) == remote.assessment.report(name)
        assert report.clauses
        for language in LANGUAGES:
            page = remote.assessment.page(name, language=language)
            assert page == here.page(name, language=language, by=house.by)
    objective = Objective(metric="accuracy")
    compared = remote.assessment.compare(list(run.versions), objective=objective)
    assert compared == here.compare(list(run.versions), objective=objective, by=house.by)


POLICY = "name: four-eyes\napprovals: 1\nrules:\n  - rule: signed\n"


def test_releases(house, remote, officer, run):
    here = house.platform.releases
    put = remote.releases.policies.put(POLICY)
    assert put == here.policies.show("four-eyes", by=house.by) == remote.releases.policies.show("four-eyes")
    assert remote.releases.policies.list() == here.policies.list(by=house.by)
    proposed = remote.releases.propose("grants:1", policy="four-eyes")
    assert proposed == here.show(proposed.id, by=house.by) == remote.releases.show(proposed.id)
    approved = officer.releases.approve(proposed.id, reason="It fits its purpose.")
    assert approved.approvals[0].reason == "It fits its purpose."
    assert remote.releases.promote(proposed.id).state is ReleaseState.LIVE
    second = remote.releases.propose("grants:2", policy="four-eyes")
    officer.releases.approve(second.id, reason="Better still.")
    remote.releases.promote(second.id)
    assert here.live()["grants"].version == "grants:2"
    paused = remote.releases.pause(second.id, reason="Wrong units.")
    assert paused == here.standing()["grants"]
    assert (paused.state, here.live().get("grants")) == (ReleaseState.PAUSED, None)
    assert remote.releases.promote(second.id) == here.live()["grants"]
    remote.releases.roll_back("grants")
    assert here.live()["grants"].version == "grants:1"
    third = remote.releases.propose("grants:2", policy="four-eyes")
    assert officer.releases.refuse(third.id, reason="Not again.").state is ReleaseState.REFUSED
    assert remote.releases.list() == here.list(by=house.by)
    assert remote.releases.list(model="grants") == here.list(model="grants", by=house.by)
    governs = remote.releases.policies.put(POLICY + "models: [grants]\n")
    assert governs.models == ("grants",)
    with pytest.raises(RefusedError, match="The policy four-eyes governs grants"):
        remote.releases.propose("grants:2", policy="default")
    assert remote.releases.propose("grants:2").policy == "four-eyes"


def test_serving(house, remote, tmp_path):
    asked = remote.serving.predict("income", [ROW])
    assert (asked.version, asked.answer.predictions[0].label) == ("income:1", "high")
    assert house.logged(request=asked.request)[0].index == asked.entry
    assert remote.serving.predict("income:1", [ROW]).answer.predictions == asked.answer.predictions
    with pytest.raises(NotFoundError):
        remote.serving.predict("income:2", [ROW])
    (why,) = remote.serving.explain("income:1", [ROW], label="low")
    (same,) = house.platform.serving.explain("income:1", [ROW], label="low", by=house.by)
    assert (why.contributions, why.base) == (same.contributions, same.base)
    with pytest.raises(NotFoundError):
        remote.serving.explain("income:2", [ROW])
    assert remote.serving.made_up_row("income") == {"age": 1.0, "hours": 1.0, "sector": "x"}
    file = tmp_path / "rows of mine.csv"
    file.write_text("age,hours,sector,spare\n40,38.5,public,1\n,5,,2\n")
    batch = remote.serving.predict_file("income", file)
    assert batch.payload == house.platform.serving.predict_file("income", file, by=house.by).payload
    assert (batch.rows, batch.ignored, batch.version) == (2, ("spare",), "income:1")
    answer = next(csv.DictReader(io.StringIO(batch.payload.decode())))
    assert float(answer["probability_high"]) == asked.answer.predictions[0].probabilities["high"]
    assert remote.serving.predict_file("income:1", file, form="parquet").payload[:4] == b"PAR1"


def test_the_ledger(house, remote, tmp_path):
    here = house.platform.auditing
    for filters in (
        {},
        {"event": "key.created"},
        {"since": 2, "until": 5, "newest_first": False},
        {"limit": 3},
        {"subject": "income:1"},
    ):
        assert remote.auditing.log(**filters) == here.log(**filters, by=house.by)
    asked = remote.serving.predict("income", [ROW])
    key = remote.auditing.public_key()
    assert key == here.public_key(by=house.by)
    assert verify_receipt(remote.auditing.receipt(asked.request), public_key=key).index == asked.entry
    assert remote.auditing.verify() == here.verify(by=house.by)
    kept = remote.auditing.checkpoint()
    assert kept == here.checkpoint(by=house.by)
    assert remote.auditing.verify(earlier=kept.text).is_sound
    remote.access.revoke_key(remote.access.create_key("witness", role=Role.CALLER).key.id)
    assert remote.auditing.verify_since(kept.text) == here.checkpoint(by=house.by)
    assert here.verify_since(kept.text, by=house.by).size > kept.size
    assert remote.auditing.consistency(kept.size) == here.consistency(kept.size, by=house.by)
    assert remote.auditing.consistency(3, kept.size) == here.consistency(3, kept.size, by=house.by)
    for damaged in ("", "\n", kept.text.replace("\n", "\n9", 1)):
        for ask in (lambda text: remote.auditing.verify(earlier=text), remote.auditing.verify_since):
            with pytest.raises(InvalidError, match="not a checkpoint as it was signed"):
                ask(damaged)
    assert remote.auditing.export(tmp_path / "there") == here.export(tmp_path / "here", by=house.by)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_people_and_keys(house, remote):
    here = house.platform.access
    assert remote.access.whoami().role is Role.ADMINISTRATOR
    invited = remote.access.add_user("wilma", role=Role.AUDITOR)
    assert here.sign_in(invited.token).actor.name == "wilma"
    again = remote.access.invite("wilma")
    assert again.user == invited.user
    assert remote.access.users() == here.users(by=house.by)
    accounts = remote.access.accounts
    assert accounts.set_password("wilma", "seven brass herons at dusk").name == "wilma"
    signed_in = here.accounts.sign_in("wilma", "seven brass herons at dusk", address="192.0.2.1")
    assert accounts.standing("wilma") == here.accounts.standing("wilma", by=house.by)
    assert accounts.end_sessions("wilma", signed_in.actor.credential) == 1
    here.accounts.sign_in("wilma", "seven brass herons at dusk", address="192.0.2.1")
    assert accounts.end_sessions("wilma") == 1
    assert accounts.unlock("wilma").name == "wilma"
    assert accounts.change_role("wilma", Role.OPERATOR).role is Role.OPERATOR
    assert remote.access.remove_user("wilma").removed
    ends = datetime.now(UTC) + timedelta(hours=1)
    issued = remote.access.create_key("kiosk", role=Role.CALLER, models=["income"], purpose="tests", expires=ends)
    assert here.authenticate(issued.secret).models == ("income",)
    assert issued.key.expires == ends
    assert remote.access.keys() == here.keys(by=house.by)
    assert remote.access.keys(name=remote.access.keys()[0].name, limit=1) == here.keys(by=house.by)[:1]
    assert remote.access.revoke_key(issued.key.id).revoked


def test_policies_tenants_and_why_are_the_same_there(house, remote):
    here = house.platform.access
    put = remote.access.policies.put("site", 'forbid (principal == Service::"nobody", action, resource);')
    assert put == here.policies.show("site", by=house.by) == remote.access.policies.show("site")
    assert remote.access.policies.list() == here.policies.list(by=house.by)
    with pytest.raises(ConflictError):
        remote.access.policies.put("site", 'permit (principal == Service::"nobody", action, resource);')
    with pytest.raises(InvalidError, match="Line 1, column 8"):
        remote.access.policies.put("wrong", "permit(;")
    assert remote.access.explain("admin", "models:read", "income") == here.explain("admin", "models:read", "income", by=house.by)
    assert remote.access.policies.remove("site", revision=1) == "site"
    assert remote.tenants.add("north") == house.platform.tenants.list(by=house.by)[0] == remote.tenants.list()[0]
    key = remote.access.create_key("north-till", role=Role.CALLER, tenant="north").key
    assert key.tenant == "north"
    remote.access.revoke_key(key.id)
    assert remote.tenants.remove("north") == "north"


def test_rows_are_taken_out_elsewhere_once_they_were_tried(house, remote, tmp_path):
    (tmp_path / "those.csv").write_text(people(300))
    remote.datasets.add("those", [tmp_path / "those.csv"], target="grant", purpose="tests", owner="tester")
    spec = parse_spec(SPEC.replace("people", "those").replace("model: grants", "model: others").replace(", sensitive: [town]", ""))
    version = remote.registry.find(remote.training.train(spec).versions[0])
    assert remote.assessment.erasures(version) == ()
    trial = remote.assessment.erase("those", rows="age >= 75", reason="", is_trial=True)
    assert trial.erased.erased is None
    done = remote.assessment.erase("those", rows="age >= 75", reason="they objected")
    assert (done.erased.gone, done.versions, done.sightings) == (trial.erased.gone, trial.versions, trial.sightings)
    assert remote.datasets.show("those").rows == done.erased.parts[0].before - done.erased.gone
    assert version.name in done.versions
    assert remote.assessment.erasures(version) == house.platform.assessment.erasures(version)
    model = version.name.partition(":")[0]
    assert remote.assessment.erased_versions(model) == house.platform.assessment.erased_versions(model, by=house.by)
    assert [each.gone for each in remote.assessment.erasures(version)] == [done.sightings[0].train + done.sightings[0].validation]


def test_who_is_in_the_data_is_hidden_and_told_elsewhere_as_here(house, remote, tmp_path):
    (tmp_path / "shown.csv").write_text(people(300))
    remote.datasets.add("shown", [tmp_path / "shown.csv"], target="grant", purpose="tests", owner="tester")
    hiding = Hiding(columns={"town": "pseudonym:token"}, drop=("hours",), anonymous=Anonymising(k=5, quasi=("age",)))
    plan = remote.deidentifying.deidentify("shown", "unseen", hiding, is_trial=True)
    made = remote.deidentifying.deidentify("shown", "unseen", hiding)
    assert (plan.derived, plan.fingerprint) == (made.derived, "")
    assert remote.datasets.show("unseen").derived == made.derived
    before, after = (house.platform.datasets.table(name, by=house.by)["town"] for name in ("shown", "unseen"))
    place = next(at for at, town in enumerate(before) if town)
    assert remote.deidentifying.reidentify("unseen", [after[place]], reason="complaint 7").texts == (before[place],)
    assert len(remote.deidentifying.forget("unseen", reason="the study ended").keys) == 1


def test_a_privacy_budget_is_the_same_there_and_statistics_are_answered_from_it(house, remote, data):
    budgets = house.platform.datasets.budgets
    set_ = remote.datasets.budgets.limit("people", epsilon=2.0, delta=1e-7)
    assert set_ == remote.datasets.budgets.show("people") == budgets.show("people", house.by)
    question = Question(kind="histogram", column="town", categories=("north", "south"), epsilon=1.5)
    told = remote.datasets.statistics.ask("people", question)
    again = house.platform.datasets.statistics.ask("people", question, by=house.by)
    assert (again.figures, again.repeated, again.left) == (told.figures, True, told.left)
    with pytest.raises(RefusedError, match=r"Left: 0\.5") as refused:
        remote.datasets.statistics.ask("people", Question(kind="count", epsilon=1.0))
    assert type(refused.value).__name__ in {"RefusedError", OverspentError.__name__}
