# SPDX-License-Identifier: Apache-2.0
"""Who carries a story out: the platform in this process, a client of a server elsewhere, or the command line."""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from entrances.cli.terminal import Terminal
from modelward.access import Actor, local_actor
from modelward.app import Platform, open_platform
from modelward.assessment import Objective
from modelward.audit import verify_receipt
from modelward.client import Client
from modelward.errors import ModelwardError
from modelward.settings import Settings
from modelward.training import parse_spec

OBJECTIVE = Objective(metric="roc_auc", prefer="smallest-within", tolerance=0.005)


class RefusedStepError(Exception):
    """What was asked for was refused; the message is the refusal's."""


@dataclass
class Rooms:
    """The rooms of a house, called as the SDK calls them: `who` is an actor of the platform, or the owner of a client's key."""

    houses: dict[str, Platform | Client]
    actors: dict[str, Actor]

    def do(self, who: str, verb: str, given: dict[str, Any]) -> Any:
        try:
            answer = self._call(self.houses[who], verb, dict(given), by=self.actors.get(who))
        except ModelwardError as refused:
            raise RefusedStepError(str(refused)) from refused
        return msgspec.json.decode(msgspec.json.encode(answer))

    def _call(self, house: Any, verb: str, given: dict[str, Any], *, by: Actor | None) -> Any:
        if verb == "verify_receipt":
            return verify_receipt(given["receipt"], public_key=given["key"].strip()).entry
        if "files" in given:
            given["files"] = [Path(file) for file in given["files"]]
        if verb == "serving.predict_file":
            given["file"] = Path(given["file"])
        if verb == "serving.explain":
            given["rows"] = json.loads(Path(given.pop("file")).read_text())
        if verb == "training.train":
            given["spec"] = parse_spec(given["spec"])
        if verb == "assessment.compare":
            given["objective"] = OBJECTIVE
        room, _, name = verb.replace("policies.", "releases.policies.").rpartition(".")
        for part in room.split("."):
            house = getattr(house, part)
        return getattr(house, name)(**given, by=by)


@dataclass
class CommandLine:
    """The same verbs, typed."""

    terminal: Terminal
    keys: dict[str, str]
    typed: list[list[str]] = field(default_factory=list)

    def do(self, who: str, verb: str, given: dict[str, Any]) -> Any:
        words = [str(word) for word in getattr(self, verb.replace(".", "_"))(**given)]
        self.typed.append(words)
        done = self.terminal(*words, "--key", self.keys[who], "--json")
        assert "Traceback" not in done.err
        if done.code:
            assert done.code in {2, 3, 4, 5, 6}, done.out
            raise RefusedStepError(done.error)
        answer = done.json
        if verb == "auditing.receipt":
            return answer["receipt"]
        if verb == "auditing.public_key":
            return answer["public_key"]
        return answer["entry"] if verb == "verify_receipt" else answer

    def datasets_add(self, name, files, target, sensitive, purpose, owner):
        marked = [word for column in sensitive for word in ("--sensitive", column)]
        return ["data", "add", name, *files, "--target", target, *marked, "--purpose", purpose, "--owner", owner]

    def datasets_list(self):
        return ["data", "list"]

    def datasets_profile(self, name):
        return ["data", "profile", name]

    def training_train(self, spec):
        return ["train", self.terminal.file("spec.yaml", spec)]

    def assessment_compare(self, names):
        return ["compare", *names]

    def policies_put(self, text):
        return ["release", "policy", "put", self.terminal.file("policy.yaml", text)]

    def releases_propose(self, name, policy):
        return ["release", "propose", name, "--policy", policy]

    def releases_approve(self, id, reason):
        return ["release", "approve", id, "--reason", reason]

    def releases_promote(self, id):
        return ["release", "promote", id]

    def releases_pause(self, id, reason):
        return ["release", "pause", id, "--reason", reason]

    def releases_roll_back(self, model):
        return ["release", "rollback", model]

    def releases_list(self):
        return ["release", "list"]

    def serving_predict_file(self, name, file):
        return ["predict", name, file]

    def serving_explain(self, name, file):
        return ["explain", name, file]

    def registry_verify(self, name):
        return ["model", "verify", name]

    def auditing_receipt(self, request):
        return ["audit", "receipt", request]

    def auditing_public_key(self):
        return ["audit", "key"]

    def auditing_verify(self):
        return ["audit", "verify"]

    def verify_receipt(self, receipt, key):
        files = self.terminal.file("receipt.txt", receipt), self.terminal.file("key.txt", key)
        return ["audit", "verify-receipt", files[0], "--public-key", files[1]]


def keys_for(home: Path, people: dict) -> dict[str, str]:
    """A key for each person."""
    platform = open_platform(Settings(home=home))
    made = {who: platform.access.create_key(who, role=role, by=local_actor()).secret for who, role in people.items()}
    platform.close()
    return made


@contextmanager
def serving(home: Path):
    """`modelward serve` over `home`; its address."""
    words = [sys.executable, "-m", "modelward", "serve", "--port", "0", "--json", "--home", str(home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            text = ""
            while not text.endswith("}\n"):
                line = process.stdout.readline()
                assert line, process.stderr.read()
                text += line
            yield json.loads(text)["address"]
        finally:
            process.terminate()
        assert process.wait(60) == 0, process.stderr.read()
