# SPDX-License-Identifier: Apache-2.0
"""Data that a model was not granted is refused at every door, on record; what it was granted is not."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from entrances.api.house import Threaded, client
from entrances.cli.terminal import Terminal
from modelward.access import Role, local_actor
from modelward.app import create_home, open_platform
from modelward.client import Client
from modelward.errors import NotFoundError, RefusedError
from modelward.settings import Settings
from modelward.training import parse_spec
from training.house import people

PURPOSE = "planning of courses"


def spec(model, data="", purpose=""):
    said = f"purpose: {purpose}\n" if purpose else ""
    return f"model: {model}\n{said}data: {{dataset: people{data}}}\ncandidates: [naive-bayes]\n"


@dataclass
class House:
    """A home, a server over it, and a data scientist who does not own the data."""

    platform: object
    terminal: Terminal
    url: str
    key: str

    def by_command(self, text: str) -> str:
        done = self.terminal("train", self.terminal.file("spec.yaml", text), "--key", self.key, "--json")
        assert done.code in (0, 3), done.out
        return done.error if done.code else ""

    def by_http(self, text: str) -> str:
        with client(self.url, self.key) as http:
            answer = http.post("/api/v1/runs", json={"spec": text})
            assert answer.status_code in (202, 403), answer.text
            if answer.status_code == 403:
                return answer.json()["detail"]
            while http.get(f"/api/v1/runs/{answer.json()['id']}").json()["status"] == "running":
                time.sleep(0.05)
        return ""

    def by_client(self, text: str) -> str:
        with Client(self.url, key=self.key) as remote:
            try:
                remote.training.train(parse_spec(text))
            except RefusedError as refused:
                return str(refused)
        return ""

    def refusals(self) -> list:
        entries = self.platform.ledger.entries(event="dataset.refused", limit=1000, newest_first=False)
        return [(logged.entry.actor, logged.entry.facts["on_behalf_of"], logged.entry.facts["why"]) for logged in entries]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grants")
    settings = Settings(home=folder / ".modelward")
    create_home(settings)
    platform, by = open_platform(settings), local_actor()
    (folder / "people.csv").write_text(people(300))
    platform.datasets.add("people", [folder / "people.csv"], target="grant", purpose=PURPOSE, owner="adult-education", by=by)
    key = platform.access.create_key("sol", role=Role.DATA_SCIENTIST, by=by).secret
    with Threaded(settings) as server:
        yield House(platform, Terminal(settings.home, folder), server.url, key)
    platform.close()


DOORS = {"command": House.by_command, "http": House.by_http, "client": House.by_client}


@pytest.fixture(params=DOORS)
def door(request, house) -> Callable[[str], str]:
    return DOORS[request.param].__get__(house)


@pytest.fixture
def model(request) -> str:
    """A model of one's own for each test and door."""
    return f"m{abs(hash(request.node.name)) % 10**9}"


def test_data_that_was_never_granted_is_refused_on_record(house, door, model):
    before = house.refusals()
    said = door(spec(model))
    assert f"modelward data grant {model} people --purpose '{PURPOSE}'" in said
    assert house.refusals() == [*before, (f"model:{model}", "service:sol", "GrantMissingError")]
    house.platform.grants.grant(model, "people", purpose=PURPOSE, by=local_actor())
    assert door(spec(model)) == ""


def test_a_column_outside_the_grant_is_refused_by_its_name(house, door, model):
    house.platform.grants.grant(model, "people", purpose=PURPOSE, columns=["age", "grant"], by=local_actor())
    before = house.refusals()
    assert "Column 'town' of dataset 'people' is outside the grant" in door(spec(model, ", sensitive: [town]"))
    assert house.refusals() == [*before, (f"model:{model}", "service:sol", "OutsideGrantError")]
    assert door(spec(model)) == ""
    version = house.platform.registry.find(f"{model}:1", by=local_actor())
    assert [*version.interface.names] == ["age"]


def test_another_purpose_is_refused(house, door, model):
    house.platform.grants.grant(model, "people", purpose=PURPOSE, by=local_actor())
    before = house.refusals()
    assert "is to be for 'advertising'" in door(spec(model, purpose="advertising"))
    assert house.refusals() == [*before, (f"model:{model}", "service:sol", "PurposeNotAgreedError")]


def test_a_grant_that_ended_is_refused(house, door, model):
    until = datetime.now(UTC) + timedelta(seconds=1)
    house.platform.grants.grant(model, "people", purpose=PURPOSE, until=until, by=local_actor())
    while datetime.now(UTC) < until:
        time.sleep(0.05)
    assert "ended on" in door(spec(model))
    house.platform.grants.grant(model, "people", purpose=PURPOSE, by=local_actor())
    house.platform.grants.revoke(model, "people", by=local_actor())
    assert "was revoked on" in door(spec(model))


def test_who_may_not_grant_grants_at_no_door(house, model):
    assert house.terminal("data", "grant", model, "people", "--purpose", PURPOSE, "--key", house.key).code == 3
    with client(house.url, house.key) as http:
        asked = {"model": model, "purpose": PURPOSE}
        assert http.post("/api/v1/datasets/people/grants", json=asked).status_code == 403
        assert http.delete(f"/api/v1/datasets/people/grants/{model}").status_code == 403
        assert http.get("/api/v1/datasets/people/reads").status_code == 403
    assert house.platform.grants.list(model=model, by=local_actor()) == []


def test_purposes_are_said_one_by_one_or_with_semicolons(house):
    file = house.terminal.file("more.csv", people(100, seed=4))
    said = ["--target", "grant", "--owner", "me", "--purpose", "research; planning", "--purpose", "teaching"]
    assert house.terminal("data", "add", "several", file, *said).code == 0
    for place, purpose in enumerate(["Teaching.", "research/fairness; planning", ""]):
        text = spec(f"several-{place}", purpose=purpose).replace("people", "several")
        assert house.terminal("train", house.terminal.file("spec.yaml", text)).code == 0
    text = spec("several-9", purpose="research; advertising").replace("people", "several")
    refused = house.terminal("train", house.terminal.file("spec.yaml", text))
    assert refused.code == 3
    assert "is to be for 'research; advertising', and dataset 'several' is for 'research; planning; teaching'" in " ".join(
        refused.err.split()
    )


def test_a_client_grants_and_sees_what_was_read(house):
    owner = house.platform.access.create_key("ada", role=Role.DATA_OWNER, by=local_actor()).secret
    with Client(house.url, key=owner) as remote:
        made = remote.grants.grant("afar", "people", purpose=PURPOSE, columns=["age", "grant"], rows="age > 20")
        assert made == remote.grants.grant("afar", "people", purpose=PURPOSE, columns=["age", "grant"], rows="age > 20")
        assert house.by_client(spec("afar")) == ""
        (read,) = remote.grants.reads("people", limit=1)
        assert (read.reader, read.by, read.columns, read.grant) == ("model:afar", "service:sol", ("age", "grant"), made.id)
        assert remote.grants.list(model="afar") == [made]
        ended = remote.grants.revoke("afar", "people")
        assert remote.grants.list(dataset="people", model="afar") == [ended]


def test_why_names_the_grants_that_a_model_learns_under(house, model):
    def asked(*words):
        done = house.terminal("access", "explain", *words)
        assert done.code == 0, done.err
        return " ".join(done.out.split())

    for words in ((f"model:{model}", "data:read", "people"), ("service:sol", "training:run", model)):
        assert f"is granted to model {model}" in asked(*words)
        assert f"modelward data grant {model}" in asked(*words)
    made = house.platform.grants.grant(
        model, "people", purpose=PURPOSE, columns=["age", "grant"], rows="town == 'north'", by=local_actor()
    )
    for words in ((f"model:{model}", "data:read", "people"), ("service:sol", "training:run", model)):
        said = asked(*words)
        assert f"{made.id} gives model {model} 2 columns of the rows that its filter keeps of people" in said
        assert "north" not in said, "a filter may quote values"
    house.platform.grants.revoke(model, "people", by=local_actor())
    assert f"any more: {made.id} of people is over" in asked(f"model:{model}", "data:read", "people")


def test_a_revocation_by_command_stops_a_training_by_command(house, model):
    pytest.importorskip("torch")
    house.platform.grants.grant(model, "people", purpose=PURPOSE, by=local_actor())
    text = f"model: {model}\ndata: {{dataset: people}}\ncandidates: [mlp: {{epochs: 5000, patience: 5000}}]\n"
    words = ["train", str(house.terminal.file("long.yaml", text)), "--home", str(house.terminal.home), "--json"]
    before = house.platform.ledger.head().size
    with subprocess.Popen([sys.executable, "-m", "modelward", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as training:
        try:
            while not house.platform.ledger.entries(event="run.started", limit=1, since=before):
                assert training.poll() is None, training.communicate()
                time.sleep(0.05)
            revoked = house.terminal("data", "revoke", model, "people")
            out, err = training.communicate(timeout=120)
        finally:
            training.kill()
    assert revoked.code == 0, revoked.err
    assert training.returncode not in (0, None)
    assert "was revoked on" in (out + err).decode()
    with pytest.raises(NotFoundError):
        house.platform.registry.find(f"{model}:1", by=local_actor())
