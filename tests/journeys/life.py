# SPDX-License-Identifier: Apache-2.0
"""The life of a model, told once: who does what, with what, and what must come of it. Three drivers carry it out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from modelward.access import Role

PEOPLE = {
    "ada": Role.DATA_SCIENTIST,
    "olga": Role.RISK_OFFICER,
    "omar": Role.OPERATOR,
    "till": Role.CALLER,
    "eve": Role.AUDITOR,
}
SPEC = """
model: grants
purpose: to tell the life of a model
owner: the tests
data: {dataset: people, split: {seed: 3, test: 0.3}}
candidates: [decision-tree: {max_depth: 3}, naive-bayes, logistic-regression]
"""
STRICT = "name: strict\nrules:\n  - rule: clause-at-least\n    clause: quality.roc_auc\n    value: 0.9999\n"
WATCHED = """
name: watched
approvals: 1
rules:
  - rule: signed
  - rule: lineage-complete
  - rule: measured
    clauses: [quality.accuracy, quality.roc_auc]
"""
ROWS = "age,hours,town,member\n30,40,north,true\n70,,south,false\n"


@dataclass(frozen=True)
class Step:
    """`who` asks for `verb` with `given`. `expect` says what the answer, as JSON, must be; `refused` what a refusal must say.
    `keep` remembers parts of the answer; a given text in braces is what was remembered.
    """

    who: str
    verb: str
    given: dict[str, Any] = field(default_factory=dict)
    expect: Callable[[Any], bool] = bool
    refused: str = ""
    keep: dict[str, Callable[[Any], Any]] = field(default_factory=dict)


def _is(**wanted: Any) -> Callable[[Any], bool]:
    return lambda answer: all(answer[name] == value for name, value in wanted.items())


def _explains(answer: Any) -> bool:
    one = answer[0]
    told = one["base"] + sum(part["contribution"] for part in one["contributions"])
    return abs(told - one["probability"]) < 1e-6 and {part["feature"] for part in one["contributions"]} == {
        "age",
        "hours",
        "town",
        "member",
    }


def _release(version: int, number: int) -> list[Step]:
    """From the proposal of a version to its going live."""
    release, it = {"id": f"r-{number}"}, {"model": "grants", "number": version}
    proposed = {"name": f"grants:{version}", "policy": "watched"}
    return [
        Step("ada", "releases.propose", proposed, _is(state="awaiting-approval", **release, **it)),
        Step("omar", "releases.promote", release, refused="awaiting-approval"),
        Step("ada", "releases.approve", {**release, "reason": "it is mine"}, refused="releases:decide"),
        Step("olga", "releases.approve", {**release, "reason": "the figures were discussed"}, _is(state="approved")),
        Step("omar", "releases.promote", release, _is(state="live", **it)),
    ]


LIFE = [
    Step("till", "datasets.list", refused="data:read"),
    Step(
        "ada",
        "datasets.add",
        {
            "name": "people",
            "files": ["{folder}/people.csv"],
            "target": "grant",
            "sensitive": ["town"],
            "purpose": "to tell the life of a model",
            "owner": "the tests",
        },
        _is(rows=300, target="grant", sensitive=["town"]),
    ),
    Step("ada", "datasets.profile", {"name": "people"}, lambda answer: sum(answer["classes"].values()) == 300),
    Step(
        "ada",
        "training.train",
        {"spec": SPEC},
        lambda answer: [each["version"] for each in answer["candidates"]] == ["grants:1", "grants:2", "grants:3"],
    ),
    Step(
        "ada",
        "assessment.compare",
        {"names": ["grants:1", "grants:2", "grants:3"]},
        lambda answer: answer["recommended"] in {"grants:1", "grants:2", "grants:3"} and "<svg" in answer["plot"],
    ),
    Step("olga", "policies.put", {"text": STRICT}, _is(name="strict")),
    Step("olga", "policies.put", {"text": WATCHED}, _is(name="watched", approvals=1)),
    Step("till", "serving.predict_file", {"name": "grants", "file": "{folder}/rows.csv"}, refused="No version of 'grants' is live"),
    Step("ada", "releases.propose", {"name": "grants:1", "policy": "strict"}, refused="must be at least 0.9999"),
    *_release(1, 2),
    *_release(2, 3),
    Step(
        "till",
        "serving.predict_file",
        {"name": "grants", "file": "{folder}/rows.csv"},
        _is(version="grants:2", rows=2),
        keep={"request": lambda answer: answer["request"]},
    ),
    Step("till", "serving.explain", {"name": "grants", "file": "{folder}/rows.json"}, _explains),
    Step("till", "auditing.public_key", keep={"key": lambda answer: answer}),
    Step("till", "auditing.receipt", {"request": "{request}"}, keep={"receipt": lambda answer: answer}),
    Step("till", "verify_receipt", {"receipt": "{receipt}", "key": "{key}"}, lambda answer: answer["subject"] == "grants:2"),
    Step("till", "verify_receipt", {"receipt": "{receipt}x", "key": "{key}"}, refused="receipt"),
    Step("ada", "releases.pause", {"id": "r-3", "reason": "not mine to pause"}, refused="releases:promote"),
    Step("omar", "releases.pause", {"id": "r-3", "reason": "the source sends wrong units"}, _is(state="paused", number=2)),
    Step("omar", "releases.promote", {"id": "r-3"}, _is(state="live", number=2)),
    Step("omar", "releases.roll_back", {"model": "grants"}, _is(id="r-2", number=1, state="live")),
    Step("till", "serving.predict_file", {"name": "grants", "file": "{folder}/rows.csv"}, _is(version="grants:1")),
    Step("omar", "releases.roll_back", {"model": "grants"}, refused="No version of grants was live before"),
    Step("ada", "releases.list", {}, lambda answer: [each["state"] for each in answer] == ["rolled-back", "live", "refused"]),
    Step("eve", "registry.verify", {"name": "grants:1"}, _is(faults=[])),
    Step("eve", "auditing.verify", expect=_is(faults=[])),
]
# What the ledger must tell of it, whichever way it was done; keys, reads of data and checks aside.
EVENTS = [
    "dataset.registered",
    "dataset.granted",
    "run.started",
    "version.registered",
    "version.registered",
    "version.registered",
    "run.finished",
    "version.assessed",
    "version.assessed",
    "version.assessed",
    "policy.changed",
    "policy.changed",
    "release.refused",
    *["release.proposed", "release.approved", "release.promoted"] * 2,
    "inference.batch",
    "inference.explained",
    "release.paused",
    "release.promoted",
    "release.rolled-back",
    "inference.batch",
]
BESIDE = {"ledger.opened", "user.added", "user.invited", "key.created", "dataset.read"}
