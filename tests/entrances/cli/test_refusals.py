# SPDX-License-Identifier: Apache-2.0
"""What is refused, not found or damaged: the message names it, the exit code is that of its kind, and nothing is written."""

import contextlib
import re
import shutil
import sqlite3

import pytest

from entrances.cli.terminal import ROWS, SPEC, Terminal
from modelward.access import local_actor
from modelward.app import open_platform
from modelward.settings import Settings

ABSENT = {
    "data show nobody": "No dataset is called 'nobody'",
    "data profile nobody": "No dataset is called 'nobody'",
    "data split nobody": "No dataset is called 'nobody'",
    "data shard nobody --parts 2": "No dataset is called 'nobody'",
    "runs show run-000000": "run-000000",
    "runs resume run-000000": "run-000000",
    "model show nobody": "No model is called 'nobody'",
    "model show grants:9": "There are: grants:1, grants:2",
    "model show nobody:1": "No model is called 'nobody'",
    "model verify grants:9": "There are: grants:1, grants:2",
    "model verify nobody": "No model is called 'nobody'. There are: grants.",
    "model export grants:9 --to out": "There are: grants:1, grants:2",
    "assess grants:9": "There are: grants:1, grants:2",
    "assess nobody": "No model is called 'nobody'. There are: grants.",
    "compare nobody": "No model is called 'nobody'",
    "release propose grants:9": "There are: grants:1, grants:2",
    "release propose grants:1 --policy nobody": "nobody",
    "release show r-99": "No release is called 'r-99'",
    "release approve r-99 --reason because": "No release is called 'r-99'",
    "release refuse r-99 --reason because": "No release is called 'r-99'",
    "release promote r-99": "No release is called 'r-99'",
    "release pause r-99 --reason because": "No release is called 'r-99'",
    "release pause grants --reason because": "No release is called 'grants'. r-1 is grants:1, live.",
    "release rollback nobody": "No model is called 'nobody'. There are: grants.",
    "release policy show nobody": "nobody",
    "audit receipt req-1": "req-1",
    "users invite nobody": "nobody",
    "users remove nobody": "nobody",
    "keys revoke nobody": "No key has the id 'nobody'",
    "keys revoke till": "The key named till has the id ",
    "predict nobody {rows}": "No model is called 'nobody'. There are: grants.",
    "explain nobody {rows}": "No model is called 'nobody'. There are: grants.",
    "predict grants:2 {rows}": "grants:1 is",
    "explain grants:2 {rows}": "grants:1 is",
    "data sample nobody": "There are: adult",
}
CONFLICTS = {
    "release promote r-2": "awaiting-approval",
    "release propose grants:1 --policy free": "r-1",
    "release rollback grants": "No version of grants was live before",
    "release refuse r-1 --reason late": "live",
    "release pause r-2 --reason because": "awaiting-approval and cannot be paused",
    "users add admin --role auditor": "admin",
    "keys create --name till --role caller": "till",
    "model export grants:1 --to {folder}": "",
    "audit export {folder}": "",
}
CALLER = {
    "data list": "data:read",
    "train {spec}": "training:run",
    "assess grants:1": "models:assess",
    "release promote r-2": "releases:promote",
    "release approve r-2 --reason mine": "releases:decide",
    "audit verify": "audit:read",
    "users list": "users:manage",
    "keys create --name mine --role administrator": "keys:manage",
    "model import {rows} --name mine": "models:import",
}


@pytest.fixture
def typed(terminal):
    """Types a line with its files filled in, and asks for JSON."""
    places = {"rows": terminal.file("rows.csv", ROWS), "folder": terminal.folder}
    places["spec"] = terminal.file("spec.yaml", "model: grants\ndata: {dataset: people}\ncandidates: [naive-bayes]\n")

    def type_it(line: str, *more: str):
        return terminal(*line.format(**places).split(), *more, "--json")

    return type_it


@pytest.mark.parametrize("line", ABSENT)
def test_what_is_not_there_is_not_found(terminal, typed, line):
    with terminal.nothing_written():
        done = typed(line)
    assert done.code == 4, done.out
    assert ABSENT[line] in done.error
    assert done.json["error"]["kind"] == "NotFoundError"


@pytest.mark.parametrize("line", CONFLICTS)
def test_what_cannot_be_done_now_is_a_conflict(terminal, typed, line):
    with terminal.nothing_written():
        done = typed(line)
    assert done.code == 5, done.out
    assert CONFLICTS[line] in done.error
    assert done.json["error"]["kind"] == "ConflictError"


@pytest.fixture
def caller(terminal) -> str:
    return terminal("keys", "create", "--name", "app", "--role", "caller", "--models", "grants", "--json").json["secret"]


@pytest.mark.parametrize("line", CALLER)
def test_a_key_does_only_what_its_role_may(terminal, typed, caller, line):
    with terminal.nothing_written():
        done = typed(line, "--key", caller)
    assert done.code == 3, done.out
    assert CALLER[line] in done.error
    assert "service:app" in done.error


def test_a_key_reaches_only_its_models(terminal, typed):
    other = terminal("keys", "create", "--name", "other", "--role", "caller", "--models", "loans", "--json").json["secret"]
    with terminal.nothing_written():
        done = typed("predict grants {rows}", "--key", other)
    assert (done.code, "grants" in done.error) == (3, True)


def test_a_wrong_and_a_revoked_key_read_the_same_and_are_never_repeated(terminal, typed, caller):
    assert typed("predict grants {rows}", "--key", caller).code == 0
    known = next(key["id"] for key in terminal("keys", "list", "--json").json if key["name"] == "app")
    assert terminal("keys", "revoke", known).code == 0
    with terminal.nothing_written():
        for secret in (caller, "mw_wrong", caller[:-1] + ("A" if caller[-1] != "A" else "B"), "x" * 5000):
            done = typed("predict grants {rows}", "--key", secret)
            assert (done.code, done.error) == (3, typed("model list", "--key", "mw_other").error)
            assert secret not in done.out + done.err


def test_the_key_may_come_from_the_environment_and_options_win(terminal, caller, monkeypatch):
    monkeypatch.setenv("MODELWARD_KEY", "mw_wrong")
    assert terminal("model", "list").code == 3
    assert terminal("model", "list", "--key", caller).code == 0


def test_a_model_that_is_not_there_is_not_told_to_a_limited_key_by_the_names_of_others(terminal):
    key = terminal("keys", "create", "--name", "narrow", "--role", "caller", "--models", "grant", "--json").json["secret"]
    for words in (["predict", "grant"], ["explain", "grant"], ["predict", "nobody"]):
        done = terminal(*words, terminal.file("rows.csv", ROWS), "--key", key)
        assert done.code in (3, 4)
        assert "grants" not in done.err


def test_a_clause_that_is_misspelt_is_noted_when_the_policy_is_put_and_named_when_it_refuses(terminal):
    rules = [
        "{rule: clause-at-least, clause: quality.roc_au, value: 0.1}",
        "{rule: measured, clauses: [fairness.*.x, 'quality.*', fairness.*.true_positive_rate]}",
    ]
    text = "\n  - ".join(["name: odd\nmodels: [grants, grant]\nrules:", *rules])
    done = terminal("release", "policy", "put", terminal.file("odd.yaml", text))
    notes = [line for line in done.err.splitlines() if line.startswith("Note:")]
    assert (done.code, len(notes)) == (0, 4)
    assert notes[3].startswith("Note: odd lacks rules of the policy that comes with Modelward: signed, ")
    assert notes[0].endswith("no model is called grant yet; the policy governs it once there is one. The nearest there is: grants.")
    assert "measures quality.roc_au; the policy refuses until one does. The nearest there is: quality.roc_auc." in notes[1]
    assert "measures fairness.*.x; " in notes[2]
    terminal("release", "refuse", "r-2", "--reason", "to propose it again")
    terminal("assess", "grants:2", "--only", "quality")
    refused = terminal("release", "propose", "grants:2")
    assert "no clause of grants:2 is called quality.roc_au; did you mean quality.roc_auc?" in refused.err


def test_an_assessment_leads_to_what_its_version_waits_for(terminal):
    assert "Next: modelward predict grants FILE" in terminal("assess", "grants:1", "--only", "size").err
    assert "Next: modelward release approve r-2" in terminal("assess", "grants:2", "--only", "size").err


def test_a_refused_release_names_every_failing_clause_with_its_figures(terminal):
    terminal("release", "refuse", "r-2", "--reason", "to propose it again")
    size, _ = terminal.written()
    done = terminal("release", "propose", "grants:2", "--policy", "strict", "--json")
    assert done.code == 3
    assert "quality.roc_auc is 0." in done.error
    assert "must be at least 0.999" in done.error
    assert "or put a policy of your own in place: `modelward release policy put FILE`" in done.error
    assert "beginning from `modelward release policy show strict`" in done.error
    refused = terminal("release", "show", "r-3", "--json").json
    assert (refused["state"], refused["decisions"][0]["verdict"]) == ("refused", "refused")
    assert terminal.written()[0] == size + 1, "the refusal is on record"


def test_whoever_proposes_does_not_approve(terminal):
    with terminal.nothing_written():
        done = terminal("release", "approve", "r-2", "--reason", "I like it")
    assert (done.code, "proposed r-2 and cannot approve it" in done.err) == (3, True)


def test_a_decision_without_a_reason_is_none(terminal):
    with terminal.nothing_written():
        assert terminal("release", "refuse", "r-2", "--reason", "  ").code == 2
        assert terminal("release", "refuse", "r-2").code == 2


def damage(terminal, name: str, path: str) -> None:
    """Flip a byte of a sealed file."""
    platform = open_platform(Settings(home=terminal.home))
    version = platform.registry.find(name, by=local_actor())
    platform.close()
    sealed = next(file.sealed for file in version.files if file.path == path)
    lying = terminal.home / "objects" / sealed[:2] / sealed
    data = bytearray(lying.read_bytes())
    data[-1] ^= 1
    lying.write_bytes(data)


def test_a_tampered_artefact_is_never_opened_and_is_named(terminal, typed):
    damage(terminal, "grants:1", "model.onnx")
    for line in ("predict grants {rows}", "explain grants {rows}", "assess grants:1", "model export grants:1 --to {folder}/out"):
        with terminal.nothing_written():
            done = typed(line)
        assert done.code == 3, (line, done.out)
        assert "model.onnx" in done.error
    assert not (terminal.folder / "out").exists()
    verified = typed("model verify grants:1")
    assert verified.code == 3
    assert "model.onnx" in {fault["path"] for fault in verified.json["faults"]}
    told = terminal("model", "verify", "grants:1")
    assert (told.code, "model.onnx" in told.out, "is not sound" in told.err) == (3, True, True)
    assert terminal("model", "verify", "grants:2").code == 0, "the other one is"


def test_a_tampered_version_does_not_go_live(terminal):
    damage(terminal, "grants:2", "model.onnx")
    terminal("release", "refuse", "r-2", "--reason", "to propose it again")
    done = terminal("release", "propose", "grants:2", "--policy", "free")
    assert (done.code, "signed" in done.err) == (3, True)


def tamper(terminal, change: str, *values) -> None:
    """Change the ledger as somebody with every right could."""
    with contextlib.closing(sqlite3.connect(terminal.home / "modelward.db")) as rows:
        for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            rows.execute(f"DROP TRIGGER {name}")
        rows.execute(change, values)
        rows.commit()


CHANGES = {
    "changed": ("UPDATE ledger_entries SET entry = replace(entry, 'person:', 'persom:') || x'20' WHERE idx = ?", "3"),
    "removed": ("DELETE FROM ledger_entries WHERE idx = ?", "3"),
}


@pytest.mark.parametrize("how", CHANGES)
def test_a_tampered_ledger_is_refused_and_the_entry_is_named(terminal, how):
    assert terminal("audit", "verify").code == 0
    tamper(terminal, CHANGES[how][0], 3)
    done = terminal("audit", "verify", "--json")
    assert done.code == 3
    assert 3 in {fault["index"] for fault in done.json["faults"]}
    told = terminal("audit", "verify")
    assert (told.code, "is not sound" in told.err) == (3, True)
    assert re.search(r"fault .*\b3\b", told.out)
    ill = terminal("doctor", "--json")
    # What an entry told of a grant is not told any more: that grant is then in doubt, too.
    unwell = {check["what"] for check in ill.json if not check["is_well"]}
    assert (ill.code, unwell - {"keys and people"}) == (6, {"ledger"})


def test_a_ledger_cut_short_is_refused_against_a_kept_checkpoint(terminal):
    kept = terminal.file("kept.txt", "")
    assert f"The checkpoint is in {kept}." in terminal("audit", "checkpoint", "-o", kept).out
    grown = terminal("audit", "verify", "--since", kept)
    assert (grown.code, "It extends the checkpoint in" in grown.out) == (0, True)
    size, _ = terminal.written()
    tamper(terminal, "DELETE FROM ledger_entries WHERE idx = ?", size - 1)
    assert "The ledger is not sound: 1 fault. " in terminal("audit", "verify", "--since", kept).err
    done = terminal("audit", "verify", "--since", kept, "--json")
    assert done.code == 3
    assert size - 1 in {fault["index"] for fault in done.json["faults"]}


@pytest.mark.parametrize("content", ["", "\n", "What I wanted to keep.\n", "modelward/x\n3\n"])
def test_a_file_that_is_no_checkpoint_is_invalid_and_says_nothing_of_the_ledger(terminal, content):
    kept = terminal.file("kept.txt", content)
    done = terminal("audit", "verify", "--since", kept)
    assert (done.code, done.out) == (2, "")
    assert "What you kept is not a checkpoint as it was signed" in done.err
    assert "`modelward audit checkpoint -o FILE`" in done.err
    assert "not sound" not in done.err
    assert terminal("audit", "verify", "--since", kept, "--json").json["error"]["kind"] == "InvalidError"


def test_a_checkpoint_of_another_history_is_refused(terminal):
    fork = Terminal(terminal.folder / "fork", terminal.folder)
    shutil.copytree(terminal.home, fork.home)
    for branch, name in ((terminal, "ada"), (fork, "eve")):
        assert branch("users", "add", name, "--role", "auditor").code == 0
    kept = terminal.file("kept.txt", "")
    assert terminal("audit", "checkpoint", "-o", kept).code == 0
    assert terminal("audit", "verify", "--since", kept).code == 0
    assert fork("audit", "verify").code == 0, "nothing inside tells"
    done = fork("audit", "verify", "--since", kept)
    size, _ = terminal.written()
    assert done.code == 3
    assert f"The first {size} entries do not have the root that the checkpoint you kept signs" in " ".join(done.out.split())


def test_nothing_is_recorded_in_a_ledger_whose_head_is_not_its_own(terminal):
    tamper(terminal, "UPDATE ledger_head SET size = size - ?", 1)
    with terminal.nothing_written():
        done = terminal("users", "add", "ada", "--role", "auditor", "--json")
    assert (done.code, "audit verify" in done.error) == (3, True)


@pytest.fixture
def receipt(terminal, typed):
    """A genuine receipt, and the ledger's key."""
    request = typed("predict grants {rows}").json["request"]
    receipt, key = terminal.folder / "receipt.txt", terminal.folder / "key.txt"
    assert terminal("audit", "receipt", request, "-o", receipt).code == 0
    assert terminal("audit", "key", "-o", key).code == 0
    return receipt, key


def test_a_receipt_verifies_with_nothing_but_the_key(terminal, receipt):
    file, key = receipt
    words = ["audit", "verify-receipt", file, "--public-key", key, "--asked", terminal.folder / "rows.csv"]
    done = terminal(*words, "--home", terminal.folder / "nowhere", "--json", home=False)
    assert (done.code, done.json["verified"], done.json["input_confirmed"], done.json["output_confirmed"]) == (0, True, True, None)


def test_a_changed_receipt_or_another_key_is_refused(terminal, receipt, fresh_key):
    file, key = receipt
    text = file.read_text()
    # Every place is tried where receipts are verified; here it is the message and the code.
    for place in range(0, len(text), len(text) // 8):
        changed = text[:place] + ("x" if text[place] != "x" else "y") + text[place + 1 :]
        done = terminal("audit", "verify-receipt", terminal.file("changed.txt", changed), "--public-key", key)
        assert done.code in {2, 3}, place
    assert terminal("audit", "verify-receipt", file, "--public-key", fresh_key).code == 3
    other = terminal.file("other.csv", ROWS + "20,20,north,no,no\n")
    done = terminal("audit", "verify-receipt", file, "--public-key", key, "--asked", other)
    assert (done.code, "is not the input" in done.err) == (3, True)


@pytest.fixture
def fresh_key(terminal, tmp_path):
    """The key of another ledger."""
    assert terminal("init", tmp_path / "other", home=False).code == 0
    file = tmp_path / "other-key.txt"
    assert terminal("audit", "key", "-o", file, "--home", tmp_path / "other" / ".modelward", home=False).code == 0
    return file


@pytest.mark.parametrize(
    ("damage_it", "code", "named"),
    [
        (lambda home: (home / "keys.json").chmod(0o644), 3, "chmod 600"),
        (lambda home: (home / "keys.json").unlink(), 6, "No keyring"),
        (lambda home: (home / "keys.json").write_text("{}"), 3, "not a keyring"),
        (lambda home: (home / "modelward.db").write_bytes(b"no database" * 500), 3, "Restore it from a backup"),
        (lambda home: (home / "unfinished").touch(), 6, "modelward init --home"),
    ],
    ids=["keyring open to others", "keyring gone", "keyring broken", "database broken", "half made"],
)
def test_a_damaged_home_says_what_is_wrong_with_it(fresh, damage_it, code, named):
    damage_it(fresh.home)
    done = fresh("data", "list", "--json")
    assert (done.code, named in done.error) == (code, True), done.out
    ill = fresh("doctor", "--json")
    assert (ill.code, [check["what"] for check in ill.json if not check["is_well"]]) == (6, ["home"])


def test_evidence_is_not_written_over(terminal):
    kept = terminal.folder / "kept.txt"
    for what in ("checkpoint", "key"):
        words = ("audit", what, "-o", kept)
        kept.unlink(missing_ok=True)
        assert terminal(*words).code == 0
        first = kept.read_bytes()
        assert terminal(*words).code == 0, "the same bytes"
        kept.write_bytes(b"kept since May")
        done = terminal(*words)
        assert (done.code, f"{kept} is there already" in done.err, kept.read_bytes()) == (5, True, b"kept since May")
        assert first != b""


def test_answers_are_written_over(terminal):
    file = terminal.file("answers.csv", "old")
    assert terminal("predict", "grants", terminal.file("rows.csv", ROWS), "-o", file).code == 0
    assert file.read_text().startswith("row,label,")


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["--event", "release.promotd"], "Note: no entry has the event release.promotd. The nearest there is: release.promoted."),
        (["--actor", "nobody"], "Note: no entry has the actor nobody."),
        (["--event", "release.promoted", "--limit", "1", "--since", "9999"], ""),
    ],
)
def test_a_search_of_the_ledger_that_finds_nothing_says_so(terminal, words, note):
    done = terminal("audit", "log", *words)
    assert (done.code, done.out, done.err.strip()) == (0, "No entry matches.\n", note)
    done = terminal("audit", "log", *words, "--json")
    assert (done.code, done.json, done.err) == (0, [], "")


def test_what_an_answer_was_made_from_is_not_replaced_by_it(terminal):
    rows, spec = terminal.file("rows.csv", ROWS), terminal.file("spec.yaml", SPEC)
    before = [rows.read_bytes(), spec.read_bytes()]
    entries = len(terminal("audit", "log", "--limit", "1000", "--json").json)
    for words, said in (
        (["predict", "grants", rows, "-o", rows], "holds the rows that are asked about"),
        (["predict", "grants", rows, "-o", spec], "Name one that ends in .csv or .parquet."),
        (["compare", "grants", "--plot", spec], "Name one that ends in .svg."),
    ):
        done = terminal(*words, "--json")
        assert (done.code, said in done.error) == (2, True)
    assert [rows.read_bytes(), spec.read_bytes()] == before
    assert len(terminal("audit", "log", "--limit", "1000", "--json").json) == entries
    assert terminal("predict", "grants", rows, "-o", terminal.folder / "answers.csv").code == 0


def test_rows_without_any_feature_are_told_the_features(terminal):
    done = terminal("predict", "grants", terminal.file("other.csv", "a,b\n1,2\n3,4\n"), "--json")
    assert (done.code, done.error) == (
        2,
        "No column of other.csv is a feature of the model. Its features are: age, hours, town, member.",
    )
