# SPDX-License-Identifier: Apache-2.0
"""Bad input at the command line: a clear message that says what to do, exit code 2, and nothing written."""

import io
import pickle

import pytest

from entrances.cli.terminal import ROWS
from training.house import people

SAID = ["--purpose", "tests", "--owner", "the tests"]
GOOD = people(60)
NAMES = ["../evil", "/etc/passwd", "Grants", "grants\n", "-x", "a" * 64, "grants:1/../2", ""]


def with_column(name: str, value) -> str:
    head, *rows = GOOD.splitlines()
    return "\n".join([f"{name},{head}", *(f"{value(place)},{row}" for place, row in enumerate(rows))]) + "\n"


def one_class() -> str:
    head, *rows = GOOD.splitlines()
    return "\n".join([head, *(row.rsplit(",", 1)[0] + ",yes" for row in rows)]) + "\n"


TABLES = {
    "empty file": ("", "grant", "is empty"),
    "only a head": ("age,grant\n", "grant", "row"),
    "wrong delimiter": (GOOD.replace(",", ":"), "grant", "one single column"),
    "mixed delimiters": (GOOD.replace(",", ";", 30), "grant", ""),
    "duplicate columns": (GOOD.replace("hours,", "age,", 1), "grant", "age"),
    "target missing": (GOOD, "loan", "loan"),
    "target constant": (with_column("same", lambda place: "x"), "same", "same"),
    "one class only": (one_class(), "grant", "grant"),
    "target with missing values": (GOOD.replace(",yes\n", ",\n", 1), "grant", "grant"),
    "all-missing column": (with_column("gone", lambda place: ""), "grant", "gone"),
    "infinity": (with_column("far", lambda place: "inf" if place == 3 else place), "grant", "far"),
    "ragged": (GOOD + "1,2\n", "grant", ""),
    "not text": (b"\xff\xfe\x00\x01" * 40, "grant", ""),
    "a pickle by content": (pickle.dumps({"age": [1, 2]}), "grant", "pickle"),
}


@pytest.mark.parametrize("what", TABLES)
def test_data_that_cannot_be_learned_from_is_refused(fresh, what):
    text, target, named = TABLES[what]
    file = fresh.file("table.csv", text)
    with fresh.nothing_written():
        done = fresh("data", "add", "table", file, "--target", target, *SAID, "--json")
    assert done.code == 2, done.out
    assert named in done.error
    assert done.error.rstrip().endswith((".", "`")), done.error
    assert done.json["error"]["kind"] == "InvalidError"
    assert "Traceback" not in done.err
    assert fresh("data", "list", "--json").json == []


def test_good_data_is_taken_by_the_same_command(fresh):
    done = fresh("data", "add", "table", fresh.file("table.csv", GOOD), "--target", "grant", *SAID, "--json")
    assert (done.code, done.json["rows"]) == (0, 60)


def test_a_target_of_ten_thousand_categories_is_refused(fresh):
    lines = "\n".join(f"{place},code-{place}" for place in range(10_000))
    with fresh.nothing_written():
        done = fresh("data", "add", "wide", fresh.file("wide.csv", f"age,code\n{lines}\n"), "--target", "code", *SAID)
    assert (done.code, "code" in done.err) == (2, True)


def test_a_feature_of_ten_thousand_categories_is_named_before_it_is_trained_on(fresh):
    lines = "\n".join(f"code-{place},{place % 7},{'yes' if place % 3 else 'no'}" for place in range(10_000))
    done = fresh("data", "add", "wide", fresh.file("wide.csv", f"code,age,grant\n{lines}\n"), "--target", "grant", *SAID)
    assert done.code == 0, done.err
    assert "code" in fresh("data", "profile", "wide").out
    spec = fresh.file("spec.yaml", "model: wide\ndata: {dataset: wide}\ncandidates: [naive-bayes]\n")
    trained = fresh("train", spec)
    assert trained.code == 2
    assert "'code'" in trained.err
    assert "exclude: [code]" in trained.err
    assert fresh("model", "list", "--json").json == []


@pytest.mark.parametrize("ending", [".pkl", ".joblib", ".pickle", ".pt", ".sav", ".npy"])
def test_a_pickle_is_not_imported_whatever_it_is_called(fresh, ending):
    file = fresh.file(f"model{ending}", pickle.dumps({"weights": [1.0, 2.0]}))
    with fresh.nothing_written():
        done = fresh("model", "import", file, "--name", "elsewhere", "--json")
    assert done.code == 2
    assert "ONNX" in done.error or "pickle" in done.error


def test_a_pickle_that_is_called_onnx_is_not_imported(fresh):
    stream = io.BytesIO()
    pickle.Pickler(stream, protocol=4).dump({"weights": list(range(50))})
    file = fresh.file("model.onnx", stream.getvalue())
    with fresh.nothing_written():
        done = fresh("model", "import", file, "--name", "elsewhere")
    assert done.code == 2
    assert "pickle" in done.err


def test_a_pickle_beside_a_good_graph_is_not_imported(terminal):
    assert terminal("model", "export", "grants:1", "--to", terminal.folder / "out").code == 0
    terminal.file("out/helper.pkl", pickle.dumps([1]))
    with terminal.nothing_written():
        done = terminal("model", "import", terminal.folder / "out", "--name", "elsewhere")
    assert (done.code, "helper.pkl" in done.err) == (2, True)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_is_refused_wherever_one_is_given(fresh, name):
    file, policy = fresh.file("table.csv", GOOD), fresh.file("policy.yaml", f"name: {name!r}\nrules:\n  - rule: signed\n")
    before = sorted(fresh.folder.rglob("*"))
    for words in (
        ["data", "add", "--target", "grant", *SAID, "--", name, file],
        ["model", "import", file, f"--name={name}"],
        ["users", "add", "--role", "auditor", "--", name],
        ["keys", "create", f"--name={name}", "--role", "caller"],
        ["keys", "create", "--name", "app", "--role", "caller", f"--models={name or '/'}"],
        ["release", "policy", "put", policy],
    ):
        with fresh.nothing_written():
            # A word after `--` is no option; so the home is named before.
            done = fresh("--json", "--home", fresh.home, *words, home=False)
        assert done.code == 2, (words, done.out)
        assert done.error
    for words in (
        ["data", "show"],
        ["data", "profile"],
        ["model", "show"],
        ["model", "verify"],
        ["release", "show"],
        ["runs", "show"],
    ):
        done = fresh("--json", "--home", fresh.home, *words, "--", name, home=False)
        assert done.code in {2, 4}, (words, done.out)
    assert sorted(fresh.folder.rglob("*")) == before


ROWS_FILES = {
    "unknown shape": ("rows.json", '{"people": []}', "JSON list of objects"),
    "no JSON": ("rows.json", "{", "JSON list of objects"),
    "not objects": ("rows.json", "[1, 2]", "JSON list of objects"),
    "deeply nested": ("rows.json", "[" * 100_000 + "]" * 100_000, "JSON list of objects"),
    "not UTF-8": ("rows.json", b'[{"age": "\xff"}]', "JSON list of objects"),
    "unknown feature": ("rows.json", '[{"age": 3, "colour": 1}]', "hours, town, member"),
    "missing feature": ("rows.json", '[{"age": 3}]', "hours"),
    "wrong type": ("rows.json", '[{"age": "x-secret", "hours": 1, "town": "north", "member": true}]', "age"),
    "infinity": ("rows.json", '[{"age": 1e999, "hours": 1, "town": "north", "member": true}]', ""),
    "empty": ("rows.csv", "", "is empty"),
    "a table without a feature": ("rows.csv", "age,town\n1,north\n", "hours"),
    "text for a number": ("rows.csv", "age,hours,town,member\nx-secret,1,north,true\n", "age"),
}


@pytest.mark.parametrize("what", ROWS_FILES)
def test_rows_that_do_not_fit_are_refused_and_their_values_not_told(terminal, what):
    name, text, named = ROWS_FILES[what]
    file = terminal.file(name, text)
    with terminal.nothing_written():
        done = terminal("explain", "grants", file, "--json")
    assert done.code == 2, done.out
    assert named in done.error
    assert "x-secret" not in done.out + done.err


@pytest.mark.parametrize("what", ROWS_FILES)
def test_a_file_of_rows_that_do_not_fit_is_not_answered(terminal, what):
    name, text, named = ROWS_FILES[what]
    file, answers = terminal.file(name, text), terminal.folder / "answers.csv"
    with terminal.nothing_written():
        done = terminal("predict", "grants", file, "-o", answers, "--json")
    assert (done.code, named in done.error) == (2, True)
    assert "x-secret" not in done.out + done.err
    assert not answers.exists()


def test_answers_that_cannot_be_kept_are_not_given(terminal):
    file = terminal.file("rows.csv", ROWS)
    (terminal.folder / "closed").mkdir()
    for output in (terminal.folder / "missing" / "answers.csv", terminal.folder / "closed", terminal.home / "modelward.db" / "x"):
        with terminal.nothing_written():
            done = terminal("predict", "grants", file, "-o", output)
        assert (done.code, "-o" in done.err) == (2, True)


def test_an_older_answer_is_replaced_whole_and_a_link_is_followed(terminal):
    file, answers = terminal.file("rows.csv", ROWS), terminal.file("answers.csv", "old")
    answers.chmod(0o640)
    link = terminal.folder / "link.csv"
    link.symlink_to(answers)
    assert terminal("predict", "grants", file, "-o", link).code == 0
    assert link.is_symlink()
    assert answers.read_text().startswith("row,label,")
    assert answers.stat().st_mode & 0o777 == 0o640


SPECS = {
    "no YAML": ("model: [", ""),
    "not text": (b"\xff\xfe", "UTF-8"),
    "unknown key": ("modle: grants\ndata: {dataset: people}\ncandidates: [knn]\n", "model"),
    "unknown recipe": ("model: grants\ndata: {dataset: people}\ncandidates: [decision-treee]\n", "decision-tree"),
    "traversal in the model": ("model: ../x\ndata: {dataset: people}\ncandidates: [knn]\n", "model"),
    "traversal in the dataset": ("model: grants\ndata: {dataset: ../people}\ncandidates: [knn]\n", "dataset"),
    "code": ("model: !!python/object/apply:os.system ['true']\n", ""),
}


@pytest.mark.parametrize("what", SPECS)
def test_a_spec_that_cannot_be_is_refused(terminal, what):
    text, named = SPECS[what]
    file = terminal.file("spec.yaml", text)
    with terminal.nothing_written():
        done = terminal("train", file, "--json")
    assert (done.code, named in done.error) == (2, True), done.out
    with terminal.nothing_written():
        assert terminal("compare", file).code == 2


def test_a_long_file_is_not_read_as_a_spec(fresh):
    done = fresh("train", fresh.file("spec.yaml", "#" * (5 << 20)))
    assert (done.code, "longer than" in done.err) == (2, True)
