# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document is kept to the letter: schemathesis asks a real server all that it promises, and much that it forbids."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from entrances.api.house import Process, body, build, client
from modelward.access import Actor, Role
from modelward.datasets import Hiding
from modelward.training import parse_spec
from training.house import people

HERE = Path(__file__).parent
SPEC = """
model: grants
purpose: tests
owner: the tests
data: {dataset: people, split: {seed: 3, test: 0.3}}
candidates: [decision-tree: {max_depth: 3}, naive-bayes]
"""
WATCHED = "name: watched\napprovals: 1\nrules:\n  - rule: signed\n"
ADA = Actor("person:ada", "ada", Role.DATA_SCIENTIST)
# What a question made from schemas never brings about, and who else does.
NEVER_GRANTED = {
    "POST /api/v1/access/emergencies": "a key is no person; console/test_emergencies.py asks as one",
    "POST /api/v1/access/emergencies/{id}/approve": "likewise",
    "POST /api/v1/access/emergencies/{id}/refuse": "likewise",
    "POST /api/v1/access/emergencies/{id}/end": "nothing was asked for; console/test_emergencies.py ends one by a key",
    "POST /api/v1/datasets": "its files need names with endings; test_verbs.py uploads them",
    "POST /api/v1/datasets/{name}/erase": "its filter must mean rows; test_verbs.py of the client takes some out",
    "POST /api/v1/datasets/{name}/statistics": "its question must fit the columns; test_verbs.py of the client asks one",
    "POST /api/v1/models/{model}/batches": "its file needs a name with an ending; test_verbs.py uploads one",
    "POST /api/v1/models": "its files must be a model; test_verbs.py uploads one",
    "DELETE /api/v1/users/{name}/sessions/{id}": "nobody is signed in; test_verbs.py of the client signs somebody in",
    "POST /api/v1/captures/{request}/read": "nothing is kept of its questions; test_captures.py has some kept",
    "POST /api/v1/captures/shred": "likewise",
    "POST /api/v1/runs/{id}/resume": "no run was interrupted; test_verbs.py interrupts one",
}


@pytest.fixture
def lived_in(tmp_path_factory):
    """A home in which there is something of everything: the server's environment for schemathesis to ask it in. Each test has
    its own, for what is approved, revoked or removed can be so only once.
    """
    folder = tmp_path_factory.mktemp("lived-in")
    house = build(folder)
    platform, me = house.platform, house.by
    platform.releases.policies.put(WATCHED, by=me)
    for weight in (0.2, 0.3):
        platform.releases.propose(house.register(weight=weight), policy="watched", by=ADA)
    house.make_live(house.register("other"))
    house.register("fresh")
    (folder / "people.csv").write_text(people(300))
    platform.datasets.add(
        "people", [folder / "people.csv"], target="grant", sensitive=["town"], purpose="tests", owner="tester", by=me
    )
    platform.datasets.add("spare", [folder / "people.csv"], target="grant", purpose="tests", owner="tester", by=me)
    for name in ("hidden", "unseen"):
        platform.deidentifying.deidentify("spare", name, Hiding(columns={"town": "pseudonym:token"}), by=me)
    run = platform.training.train(parse_spec(SPEC), by=me)
    for name in ("grants:1", "grants:2"):
        platform.assessment.assess(name, only=["size", "quality", "latency"], by=me)
        house.make_live(name)
    for name in ("ada", "omar"):
        platform.access.add_user(name, role=Role.OPERATOR, by=me)
    house.key()
    spare = platform.access.keys(by=me)[-1].id
    key = house.key(Role.ADMINISTRATOR)
    with Process(house.settings.home) as server, client(server.url, key) as http:
        request = http.post("/v1/models/income/predict", content=body()).headers["x-request-id"]
        said = {
            "MODELWARD_TEST_URL": server.url,
            "MODELWARD_TEST_KEY": key,
            "MODELWARD_TEST_KEY_ID": platform.access.keys(by=me)[-1].id,
            "MODELWARD_TEST_SPARE_ID": spare,
            "MODELWARD_TEST_RUN": run.id,
            "MODELWARD_TEST_REQUEST": request,
        }
        yield said, http.get("/api/openapi.json").json(), server
    platform.close()


def probe(said: dict, document: dict, folder: Path, *, phases="coverage,fuzzing,stateful", examples=8, only="") -> tuple[str, dict]:
    """What schemathesis tells of a server that should keep to `document`, and which statuses each operation answered with."""
    (folder / "document.json").write_text(json.dumps(document))
    report = folder / "report.ndjson"
    words = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "--no-color", "run"]
    words += [str(folder / "document.json"), "--url", said["MODELWARD_TEST_URL"], "--phases", phases, "-n", str(examples)]
    words += ["--continue-on-failure", "--report", "ndjson", "--report-ndjson-path", str(report)]
    words += ["--include-path-regex", only] if only else []
    done = subprocess.run(
        words,
        env={**os.environ, **said, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    told = done.stdout.partition("= FAILURES =")[2]
    assert bool(done.returncode) == bool(told), done.stdout + done.stderr
    return told, answered(report)


def answered(report: Path) -> dict[str, set[int]]:
    found = defaultdict(set)
    for line in report.read_text().splitlines():
        scenario = json.loads(line).get("ScenarioFinished", {"recorder": {}})["recorder"]
        for name, interaction in (scenario.get("interactions") or {}).items():
            case = scenario["cases"][name]["value"]
            found[f"{case['method']} {case['path']}"].add((interaction["response"] or {}).get("status_code"))
    return found


def check(lived_in, folder: Path, *, examples: int) -> None:
    said, document, server = lived_in
    told, statuses = probe(said, document, folder, examples=examples)
    assert not told, told
    granted = {name for name, seen in statuses.items() if any(status and status < 300 for status in seen)}
    asked = {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found}
    assert asked - granted == set(NEVER_GRANTED), "all that may be granted was granted once, and held against its schema"
    assert "request failed" not in server.errors()


@pytest.mark.slow
def test_no_answer_is_a_fault_or_other_than_the_document_says(lived_in, tmp_path):
    check(lived_in, tmp_path, examples=5)


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.timeout(1200)
def test_no_answer_is_a_fault_or_other_than_the_document_says_when_asked_for_long(lived_in, tmp_path):
    check(lived_in, tmp_path, examples=150)


@pytest.mark.slow
def test_an_answer_that_the_document_does_not_promise_would_be_seen(lived_in, tmp_path):
    """The control: the same server against a document that is wrong in five ways."""
    said, document, _server = lived_in
    paths = document["paths"]
    paths["/api/v1/whoami"]["get"]["responses"]["200"]["content"] = {
        "application/json": {"schema": {"type": "object", "required": ["number"]}}
    }
    del paths["/api/v1/models/{model}/versions"]["get"]["responses"]["400"]
    paths["/livez"]["get"]["responses"]["200"]["headers"]["x-nobody-sends-it"] = {"required": True, "schema": {"type": "string"}}
    paths["/v2"]["get"]["responses"]["200"]["content"] = {"text/plain": {}}
    paths["/api/v1/ledger/entries"]["get"]["parameters"] = [
        {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer"}}
    ]
    only = r"^(/livez|/v2|/api/v1/ledger/entries|/api/v1/whoami|/api/v1/models/\{model\}/versions)$"
    told, _ = probe(said, document, tmp_path, phases="coverage", only=only)
    names = dict(re.findall(r"_+ (\w+ \S+) _+\n(?s:.*?)- \w+ ([^\n]+)", told))
    assert names == {
        "GET /api/v1/ledger/entries": "Schema-violating request accepted",
        "GET /api/v1/models/{model}/versions": "Undocumented status code",
        "GET /api/v1/whoami": "Response violates schema",
        "GET /livez": "Missing required response headers",
        "GET /v2": "Undocumented Content-Type",
    }, told
