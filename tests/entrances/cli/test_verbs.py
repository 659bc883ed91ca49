# SPDX-License-Identifier: Apache-2.0
"""Every command there is, as a person sees it and as a program does. A command without a line here fails the first test."""

import json
import re

import pytest
from typer.main import get_command

from entrances.cli.terminal import FREE, ROWS, SPEC, copied, interrupted_run
from modelward.entrances.cli import build
from training.house import people

DECLARED = ["--target", "grant", "--purpose", "tests", "--owner", "the tests"]
# What is typed, and what both the person and the program must find in the answer.
VERBS = {
    "init": (["init", "{folder}/new"], "administrator.token"),
    "doctor": (["doctor"], "sound"),
    "backup": (["backup", "{folder}/home.backup"], "home.backup"),
    "data add": (["data", "add", "more", "{folder}/people.csv", *DECLARED], "more"),
    "data list": (["data", "list"], "people"),
    "data show": (["data", "show", "people"], "town"),
    "data profile": (["data", "profile", "people"], "hours"),
    "data split": (["data", "split", "people", "--seed", "3"], "digest"),
    "data shred": (["data", "shred", "people", "--reason", "the consent ended"], "shredded"),
    "data erase": (["data", "erase", "people", "--rows", "age >= 60", "--reason", "they objected"], "grants:1"),
    "data budget": (["data", "budget", "people", "--epsilon", "2"], "2"),
    "data statistics": (["data", "statistics", "people", "--count", "--where", "age >= 40", "--epsilon", "1"], "rows"),
    "data deidentify": (["data", "deidentify", "people", "--as", "hidden", "--k", "5", "--quasi", "age,town"], "alike"),
    "data forget": (["data", "forget", "hidden", "--reason", "the study ended"], "hidden"),
    "data reidentify": (["data", "reidentify", "hidden", "nobody", "--reason", "complaint 7"], "nobody"),
    "data keys": (["data", "keys", "people"], "m1"),
    "data shard": (["data", "shard", "people", "--parts", "2"], "people-2"),
    "train": (["train", "{folder}/spec.yaml", "--set", "candidates=[naive-bayes]"], "grants:3"),
    "data grant": (
        [
            "data",
            "grant",
            "other",
            "people",
            "--purpose",
            "tests",
            "--columns",
            "age,grant",
            "--rows",
            "age >= 30 and town != 'nroth'",
        ],
        "No row has 'nroth' in column 'town'. Did you mean 'north'?",
    ),
    "data grants": (["data", "grants", "people"], "g-"),
    "data revoke": (["data", "revoke", "grants", "people"], "g-"),
    "data trace": (["data", "trace", "people", "--where", "town=north"], "grants:2"),
    "data reads": (["data", "reads", "people"], "model:grants"),
    "runs list": (["runs", "list"], "run-"),
    "runs show": (["runs", "show", "{run}"], "decision-tree"),
    "runs resume": (["runs", "resume", "{interrupted}"], "grants:3"),
    "compare": (["compare", "grants", "--plot", "{folder}/pareto.svg"], "naive-bayes"),
    "assess": (["assess", "grants:1", "--only", "quality,size", "--report", "{folder}/report"], "quality.roc_auc"),
    "model list": (["model", "list"], "to test the command line"),
    "model show": (["model", "show", "grants:1"], "interface.json"),
    "model import": (["model", "import", "{folder}/out", "--name", "elsewhere"], "elsewhere"),
    "model export": (["model", "export", "grants", "--to", "{folder}/out"], "grants:1"),
    "model verify": (["model", "verify", "grants:2"], "grants:2"),
    "release propose": (["release", "propose", "grants:2", "--policy", "free"], "lineage-complete"),
    "release list": (["release", "list", "--model", "grants"], "awaiting-approval"),
    "release show": (["release", "show", "r-1"], "lineage-complete"),
    "release approve": (["release", "approve", "r-2", "--reason", "figures were discussed"], "figures were discussed"),
    "release refuse": (["release", "refuse", "r-2", "--reason", "too many false alarms"], "too many false alarms"),
    "release promote": (["release", "promote", "r-3"], "live"),
    "release pause": (["release", "pause", "r-1", "--reason", "wrong units in the source"], "wrong units in the source"),
    "release rollback": (["release", "rollback", "grants"], "r-1"),
    "release policy put": (["release", "policy", "put", "{folder}/policy.yaml"], "free"),
    "release policy list": (["release", "policy", "list"], "watched"),
    "release policy show": (["release", "policy", "show", "strict"], "0.999"),
    "predict": (["predict", "grants", "{folder}/rows.csv"], "grants:1"),
    "explain": (["explain", "grants", "{folder}/rows.csv"], "age"),
    "audit log": (["audit", "log", "--event", "release.promoted"], "release.promoted"),
    "audit verify": (["audit", "verify"], ""),
    "audit key": (["audit", "key", "-o", "{folder}/key.txt"], "key.txt"),
    "audit checkpoint": (["audit", "checkpoint", "-o", "{folder}/kept.txt"], "kept.txt"),
    "audit receipt": (["audit", "receipt", "{request}", "-o", "{folder}/receipt.txt"], "receipt.txt"),
    "audit verify-receipt": (["audit", "verify-receipt", "{folder}/r.txt", "--public-key", "{folder}/k.txt"], "inference.batch"),
    "audit export": (["audit", "export", "{folder}/ledger"], "ledger"),
    "captures on": (["captures", "on", "grants", "--share", "0.5", "--keep-days", "3", "--reason", "drift is feared"], "grants"),
    "captures off": (["captures", "off", "grants", "--reason", "looked into"], "grants"),
    "captures rules": (["captures", "rules"], "drift is feared"),
    "captures list": (["captures", "list", "--model", "grants"], ""),
    "captures sweep": (["captures", "sweep"], "0"),
    "users add": (["users", "add", "ada", "--role", "data-scientist"], "ada"),
    "users invite": (["users", "invite", "admin"], "admin"),
    "users list": (["users", "list"], "admin"),
    "users remove": (["users", "remove", "ada"], "ada"),
    "users role": (["users", "role", "ada", "auditor"], "auditor"),
    "users sessions": (["users", "sessions", "ada", "--end", "all"], "ada"),
    "users unlock": (["users", "unlock", "ada"], "ada"),
    "access explain": (["access", "explain", "admin", "models:read", "grants"], "person:admin"),
    "access policies put": (["access", "policies", "put", "site", "{folder}/site.cedar"], "site"),
    "access policies list": (["access", "policies", "list"], "built-in"),
    "access policies show": (["access", "policies", "show", "built-in"], "auditor"),
    "access policies remove": (["access", "policies", "remove", "site", "--revision", "1"], "site"),
    "tenants add": (["tenants", "add", "north"], "north"),
    "tenants list": (["tenants", "list"], "north"),
    "tenants remove": (["tenants", "remove", "north"], "north"),
    "keys create": (["keys", "create", "--name", "app", "--role", "caller", "--models", "grants"], "mw_"),
    "keys list": (["keys", "list"], "till"),
    "keys show": (["keys", "show", "{key}"], "till"),
    "keys rotate": (["keys", "rotate", "{key}", "--grace", "3600"], "mw_"),
    "terms put": (["terms", "put", "model:grants", "{folder}/policy.yaml"], "model:grants"),
    "terms list": (["terms", "list"], "dataset:people"),
    "terms show": (["terms", "show", "dataset:people"], "lineage-complete"),
    "terms accept": (["terms", "accept", "dataset:people"], "dataset:people"),
    "keys revoke": (["keys", "revoke", "{key}"], "till"),
    "keys rotate-master": (["keys", "rotate-master"], "m1"),
}
# Tried elsewhere: it fetches, serves, measures what is served, works on another home, asks for a passphrase or a password, or makes
# certificates.
ELSEWHERE = {"data sample", "serve", "bench", "restore", "keys guard", "users password"}
ELSEWHERE |= {"tls init", "tls issue", "tls renew", "tls show"}
# `tests/entrances/test_captures.py`, where questions are asked
ELSEWHERE |= {"captures show", "captures shred"}
# `tests/entrances/console/test_emergencies.py`
ELSEWHERE |= {f"access break-glass {verb}" for verb in ("ask", "approve", "refuse", "end", "list")}
# What must have been done before.
BEFORE = {
    "data forget": [["data", "deidentify", "people", "--as", "hidden", "--column", "town=pseudonym:token"]],
    "data reidentify": [["data", "deidentify", "people", "--as", "hidden", "--column", "town=pseudonym:token"]],
    **{f"tenants {verb}": [["tenants", "add", "north"]] for verb in ("list", "remove")},
    "access policies remove": [["access", "policies", "put", "site", "{folder}/site.cedar"]],
    **{f"users {verb}": [["users", "add", "ada", "--role", "operator"]] for verb in ("remove", "role", "sessions", "unlock")},
    "model import": [["model", "export", "grants:1", "--to", "{folder}/out"]],
    "release propose": [["release", "refuse", "r-2", "--reason", "to propose it again"]],
    "release approve": [],
    **{f"terms {verb}": [["terms", "put", "dataset:people", "{folder}/policy.yaml"]] for verb in ("list", "show", "accept")},
    **{
        f"captures {verb}": [["captures", "on", "grants", "--share", "0.5", "--keep-days", "3", "--reason", "drift is feared"]]
        for verb in ("off", "rules")
    },
    "release promote": [
        ["release", "refuse", "r-2", "--reason", "to propose it again"],
        ["release", "propose", "grants:2", "--policy", "free"],
    ],
    "audit verify-receipt": [
        ["audit", "key", "-o", "{folder}/k.txt"],
        ["audit", "receipt", "{request}", "-o", "{folder}/r.txt"],
    ],
}
BEFORE["release rollback"] = [*BEFORE["release promote"], ["release", "promote", "r-3"]]
# What the person is told to do next.
NEXT = {
    "data shred": "modelward keys rotate-master",
    "init": "modelward train SPEC.yaml",
    "backup": "without which no backup opens",
    "data add": "modelward train SPEC.yaml",
    "train": "modelward assess grants:3",
    "assess": "modelward predict grants FILE",
    "runs resume": "modelward compare grants:3 grants:4",
    "users add": "modelward serve",
    "users invite": "modelward serve",
    "keys rotate-master": "modelward backup FILE",
    "tenants add": "modelward users add north-admin --role administrator --tenant north",
    "keys create": "/v1/models/grants/predict",
    "model import": "modelward assess elsewhere:1",
    "release propose": "modelward release promote r-3    (by somebody who may promote",
    "release approve": "modelward release promote r-2",
    "release promote": "modelward predict grants FILE    (or POST /v1/models/grants/predict)",
    "release pause": "modelward release promote r-1    (to have it live again)",
    "release rollback": "modelward predict grants FILE",
}


def verbs_of(command, path=()) -> set[str]:
    found = set()
    for name, one in command.commands.items():
        found |= verbs_of(one, (*path, name)) if hasattr(one, "commands") else {" ".join((*path, name))}
    return found


def test_every_command_is_tried():
    assert verbs_of(get_command(build())) == set(VERBS) | ELSEWHERE


@pytest.fixture(scope="module")
def ids(furnished_home, tmp_path_factory):
    """What the furnished home calls its run and its key."""
    terminal = copied(furnished_home, tmp_path_factory.mktemp("ids"))
    return {
        "run": terminal("runs", "list", "--json").json[0]["id"],
        "key": terminal("keys", "list", "--json").json[0]["id"],
    }


@pytest.fixture
def typed(terminal, ids):
    """Types a line of `VERBS` after what must come before it."""
    terminal.file("people.csv", people(200, seed=2))
    terminal.file("spec.yaml", SPEC)
    terminal.file("policy.yaml", FREE)
    terminal.file("site.cedar", 'forbid (principal == Service::"till", action, resource);\n')
    terminal.file("rows.csv", ROWS)
    told = {"folder": terminal.folder, **ids}

    def type_it(name: str, *more: str):
        if any("{request}" in word for line in [VERBS[name][0], *BEFORE.get(name, ())] for word in line):
            told["request"] = terminal("predict", "grants", told["folder"] / "rows.csv", "--json").json["request"]
        if name == "runs resume":
            told["interrupted"] = interrupted_run(terminal)
        for line in BEFORE.get(name, ()):
            done = terminal(*(word.format(**told) for word in line))
            assert done.code == 0, done.err
        words = [word.format(**told) for word in VERBS[name][0]]
        if name == "release approve":
            secret = terminal("keys", "create", "--name", "officer", "--role", "risk-officer", "--json").json["secret"]
            words += ["--key", secret]
        return terminal(*words, *more, home=name != "init")

    return type_it


@pytest.mark.parametrize("name", VERBS)
def test_a_program_reads_one_json_document_and_no_advice(typed, name):
    done = typed(name, "--json")
    assert (done.code, done.err.count("Traceback")) == (0, 0), done.out + done.err
    json.loads(done.out)
    assert VERBS[name][1] in done.out
    assert "Next:" not in done.out + done.err


@pytest.mark.parametrize("name", VERBS)
def test_a_person_reads_a_story_and_what_comes_next(typed, name):
    done = typed(name)
    assert done.code == 0, done.out + done.err
    assert VERBS[name][1] in done.out
    assert done.out.strip()
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.out)
    _, _, step = done.err.partition("Next: ")
    assert NEXT.get(name, "") in step
    for line in step.splitlines():
        program, *words = line.split()
        assert program == "curl" or (program == "modelward" and is_command(words)), line


def is_command(words: list[str]) -> bool:
    """Whether the words begin with a command that there is."""
    command = get_command(build())
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return False
        command, words = command.commands[words[0]], words[1:]
    return True


def test_who_must_approve_is_named(terminal):
    terminal("release", "refuse", "r-2", "--reason", "to propose it again")
    told = terminal("release", "propose", "grants:2", "--policy", "watched").err
    assert "Next: modelward release approve r-3 --reason TEXT    (1 more, by people other than " in told
    assert "a risk-officer" in told


def test_a_person_is_told_what_is_live_and_what_is_not(terminal):
    assert terminal("release", "pause", "r-1", "--reason", "wrong units").out.endswith(
        "Nothing answers for grants: grants:1 is paused.\n"
    )
    assert "income" not in terminal("release", "show", "r-1").out
    assert terminal("release", "promote", "r-1").out.endswith("grants:1 is live.\n")


def test_putting_a_policy_notes_which_rules_it_lacks(terminal):
    put = terminal("release", "policy", "put", terminal.file("p.yaml", FREE.replace("free", "mine")))
    assert put.code == 0
    note = " ".join(put.err.split())
    assert (
        "Note: mine lacks rules of the policy that comes with Modelward: purpose-declared, data-not-erased, assessed-within, "
        in note
    )
    assert "quality-measured" in note
    shown = terminal("release", "policy", "show", "mine", "--json")
    assert "data-not-erased" in shown.json["lacks"]
    assert "Note: mine lacks rules" in terminal("release", "policy", "show", "mine").err
    assert "lacks" not in terminal("release", "policy", "show", "default").err
    default = terminal("release", "policy", "show", "default").out.replace("name: default", "name: whole")
    whole = terminal("release", "policy", "put", terminal.file("w.yaml", default))
    assert (whole.code, "lacks" in whole.err) == (0, False)


def test_assess_and_the_rules_count_the_same_clauses(terminal):
    said = " ".join(terminal("assess", "grants:2", "--only", "quality,size,baseline").out.split())
    told = re.search(r"(\d+) clauses measured \((.+?)\)", said)
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|recorded)", told[2])}
    assert int(told[1]) == sum(counts.values())
    rules = "name: counted\nrules:\n  - rule: no-failed-clause\n  - rule: quality-measured\n"
    assert terminal("release", "policy", "put", terminal.file("c.yaml", rules)).code == 0
    terminal("release", "refuse", "r-2", "--reason", "another policy decides")
    counted, quality = terminal("release", "propose", "grants:2", "--policy", "counted", "--json").json["decisions"]
    passed = counts.get("passed", 0)
    assert f"none of {told[1]} measured clauses failed ({passed} passed, {counts['recorded']} recorded)" in counted["reason"]
    assert quality["reason"] == "measured: quality.accuracy, quality.roc_auc, quality.brier"


def test_putting_a_policy_says_what_it_governs(terminal):
    def put(models: str) -> str:
        return terminal("release", "policy", "put", terminal.file("p.yaml", FREE.replace("free", "mine") + models)).out

    assert put("") == "Policy mine is in place (number 1); it governs no model, and decides where a proposal names it.\n"
    assert put("models: [income, credit]\n") == "Policy mine is in place (number 2); it governs income, credit.\n"
    assert put('models: ["*"]\n') == "Policy mine is in place (number 3); it governs every model that no other policy names.\n"
    default = terminal("release", "policy", "put", terminal.file("d.yaml", FREE.replace("free", "default"))).out
    assert default == "Policy default is in place (number 1); it governs no model, and decides where a proposal names it or none.\n"
    listed = terminal("release", "policy", "list")
    assert "models" in listed.out
    assert '"*"' in terminal("release", "policy", "show", "mine").out
    assert [each["models"] for each in terminal("release", "policy", "list", "--json").json if each["name"] == "mine"] == [["*"]]
    refused = terminal("release", "propose", "grants:1", "--policy", "free")
    assert refused.code == 3
    assert "The policy mine governs grants, and 'free' does not decide over it" in refused.err
