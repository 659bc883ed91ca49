# SPDX-License-Identifier: Apache-2.0
"""The words around the verbs: options that all take, help, mistakes, and what is shown where."""

import re
from pathlib import Path

import pytest

from entrances.cli.terminal import SPEC, interrupted_run
from modelward import errors
from modelward.entrances.cli.failing import EXIT, exit_code_of, of_system
from modelward.entrances.faults import kind_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "words",
    [
        "--json --home {home} data list",
        "data --json --home {home} list",
        "data list --json --home {home}",
        "--home {home} data --json list",
        "--home /nowhere data list --home {home} --json",
    ],
)
def test_options_may_stand_anywhere_and_the_last_word_wins(fresh, words):
    done = fresh(*words.format(home=fresh.home).split(), home=False)
    assert (done.code, done.json) == (0, [])


def test_the_home_may_come_from_the_environment(fresh, monkeypatch):
    monkeypatch.setenv("MODELWARD_HOME", str(fresh.home))
    assert fresh("data", "list", "--json", home=False).json == []
    monkeypatch.setenv("MODELWARD_HOME", str(fresh.folder / "nowhere"))
    assert fresh("data", "list", home=False).code == 6


def test_the_nearest_home_upward_is_taken(fresh, monkeypatch):
    inner = fresh.folder / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert fresh("data", "list", "--json", home=False).json == []


@pytest.mark.parametrize("words", [[], ["data"], ["release", "policy"]])
def test_a_noun_without_a_verb_shows_its_help_once(fresh, words):
    done = fresh(*words, home=False)
    assert (done.code, (done.out + done.err).count("Usage:")) == (2, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("data shwo people", "No such command 'shwo'. Did you mean 'show'? Run `modelward data --help`."),
        ("grants", "No such command 'grants'. Did you mean `modelward data grants`? Run `modelward --help`."),
        ("data trace people --where person", "written as a column and a value, with one `=` between them"),
        ("data trace people --where person==4711", "with one `=` between them"),
        ("data show", "Missing argument 'NAME'. Run `modelward data show --help`."),
        ("data show people --colour red", "No such option '--colour'"),
        ("audit log --limit many", "Invalid value for '--limit'"),
        ("serve --port 70000", "Invalid value for '--port'"),
        ("train nowhere.yaml", "'nowhere.yaml' does not exist"),
        ("data list --url http://x", "give one of them"),
        ("keys create --name app", "Missing option '--role'"),
        ("keys create --name app --role caller --expires soon", "Invalid value for '--expires'"),
        ("init here --home there", "not both"),
    ],
)
def test_wrong_words_are_invalid_input_and_say_what_to_do(fresh, words, message):
    told = fresh(*words.split())
    assert (told.code, told.out) == (2, "")
    assert message in told.err
    asked = fresh(*words.split(), "--json")
    assert asked.code == 2
    assert message in asked.error
    assert asked.json["error"]["kind"] == "InvalidError"


@pytest.mark.parametrize("words", ["init", "doctor", "serve", "data sample adult"])
def test_what_works_here_alone_is_not_sent_elsewhere(fresh, words):
    done = fresh(*words.split(), "--url", "http://127.0.0.1:1", "--key", "k", home=False)
    assert done.code == 2
    assert "works on this machine alone" in done.err


def test_a_service_needs_an_address_and_a_key(fresh, monkeypatch):
    astray = fresh("data", "list", "--url", "example.org", "--key", "mw_x", home=False)
    assert (astray.code, "'example.org' is no address of a service" in astray.err) == (2, True)
    without = fresh("data", "list", "--url", "http://127.0.0.1:1", home=False)
    assert (without.code, "--key" in without.err) == (3, True)
    odd = fresh("data", "list", "--url", "http://127.0.0.1:1", "--key", "schlüssel", home=False)
    assert (odd.code, "schlüssel" in odd.err, "begins with mw_" in odd.err) == (2, False, True)
    here = fresh("data", "list", "--key", "schlüssel")
    assert (here.code, "schlüssel" in here.err) == (3, False)
    monkeypatch.setenv("MODELWARD_KEY", "mw_x")
    nobody = fresh("data", "list", "--url", "http://127.0.0.1:1", "--json", home=False)
    assert (nobody.code, nobody.json["error"]["kind"]) == (6, "UnavailableError")


def test_without_words_the_help_is_shown(fresh):
    for words in ([], ["release"]):
        done = fresh(*words, home=False)
        assert done.code == 2
        assert "Usage: modelward" in done.out
    asked = fresh("release", "--json", home=False)
    assert asked.error == "Missing command. Run `modelward release --help`."


def test_the_help_shows_arguments_options_and_an_example(fresh):
    done = fresh("data", "add", "--help", home=False)
    assert done.code == 0
    for words in ("Name of the dataset.", "CSV, Excel or Parquet", "--sensitive", "For example:", "Every command takes"):
        assert words in done.out


def test_the_version_is_told(fresh):
    from modelward import __version__

    assert fresh("--version", home=False).out == f"modelward {__version__}\n"


def test_a_key_in_the_wrong_place_is_not_repeated(fresh):
    done = fresh("data", "list", "mw_abcdefgh_secret-secret")
    assert (done.code, "secret" in done.err, "(mw_…)" in done.err) == (2, False, True)


def test_words_that_are_no_text_are_refused(fresh):
    done = fresh("data", "show", "\udcff")
    assert (done.code, "not UTF-8" in done.err) == (2, True)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 130, 200])
@pytest.mark.parametrize("words", ["compare grants", "model show grants", "data profile people", "release show r-1", "runs list"])
def test_no_line_is_longer_than_the_terminal(terminal, monkeypatch, columns, words):
    monkeypatch.setenv("COLUMNS", str(columns))
    done = terminal(*words.split())
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= columns


def test_where_no_terminal_is_tables_are_wide(terminal, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    done = terminal("compare", "grants")
    assert re.search(r"→  grants:\d  \S+ +0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\] +\d\.\d{3} ms +[\d.]+ KB  \d+ passed · ", done.out)
    assert " J" in done.out
    assert "no room" not in done.out


def test_a_narrow_terminal_says_what_it_leaves_out(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    done = terminal("compare", "grants")
    assert "There was no room for: recipe, energy" in done.out
    assert "✓ passed" in done.out


def test_an_assessment_shows_what_was_judged_and_says_how_much_else_there_is(terminal):
    judged = terminal("assess", "grants:1", "--only", "quality")
    everything = terminal("assess", "grants:1", "--only", "quality", "--all")
    assert "quality.roc_auc" in judged.out
    assert "quality.accuracy" not in judged.out
    assert "quality.accuracy" in everything.out
    report = terminal("assess", "grants:1", "--only", "quality", "--json").json
    recorded = [clause for clause in report["clauses"] if clause["verdict"] == "recorded" and clause["estimate"] is not None]
    assert f"{len(recorded)} more figures are recorded with nothing asked of them: --all shows them." in judged.out


def test_the_report_is_written_as_pages_in_both_languages(terminal):
    folder = terminal.folder / "report"
    assert terminal("assess", "grants:1", "--only", "quality", "--report", folder).code == 0
    assert sorted(file.name for file in folder.iterdir()) == ["trust_report.html", "trust_report.json", "trust_report.zh.html"]
    assert '<html lang="en">' in (folder / "trust_report.html").read_text()
    assert "可信报告" in (folder / "trust_report.zh.html").read_text()


def test_the_step_after_training_weighs_as_the_spec_does(terminal):
    spec = terminal.file("best.yaml", SPEC + "objective: {metric: brier, prefer: best}\n")
    told = terminal("train", spec).err
    step = told[told.index("Next: modelward ") :].split()[2:]
    assert step == ["compare", "grants:3", "grants:4", "--metric", "brier", "--tolerance", "0"]
    assert terminal(*step).code == 0


def test_a_spec_is_compared_by_its_latest_run_and_its_own_objective(terminal):
    spec = terminal.file("spec.yaml", SPEC + "objective: {metric: accuracy, prefer: best}\n")
    found = terminal("compare", spec, "--metric", "brier", "--json").json
    assert (found["objective"]["metric"], found["objective"]["prefer"]) == ("accuracy", "best")
    assert {row["version"] for row in found["rows"]} == {"grants:1", "grants:2"}
    untrained = terminal("compare", terminal.file("other.yaml", SPEC.replace("model: grants", "model: loans")))
    assert (untrained.code, "modelward train" in untrained.err) == (4, True)
    assert terminal("compare", terminal.folder / "nowhere.yaml").code == 2


def test_a_model_without_a_number_is_its_live_version(terminal):
    assert terminal("model", "verify", "grants", "--json").json["name"] == "grants:1"
    made = terminal("model", "export", "grants", "--to", terminal.folder / "out", "--json").json
    assert made["version"] == "grants:1"


def test_whoever_may_see_a_model_may_name_it_without_a_number(terminal):
    caller = terminal("keys", "create", "--name", "app", "--role", "caller", "--models", "grants", "--json").json["secret"]
    assert terminal("model", "verify", "grants", "--key", caller, "--json").json["name"] == "grants:1"
    for refused in (["model", "export", "grants", "--to", terminal.folder / "out"], ["model", "verify", "loans"]):
        assert terminal(*refused, "--key", caller).code == 3


def test_a_home_below_another_is_pointed_out(fresh):
    made = fresh("init", fresh.folder / "inner", home=False)
    assert (made.code, f"{fresh.home} is a home too" in made.err) == (0, True)
    assert "is a home too" not in fresh("init", "--home", fresh.folder / "elsewhere", home=False).err


@pytest.mark.parametrize("columns", ["", "20"])
def test_what_is_said_is_whole_however_wide_the_terminal_is(fresh, monkeypatch, columns):
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    inner = fresh.folder / ("a-folder-with-a-long-name-" * 8) / "inner"
    inner.parent.mkdir()
    (said,) = (told for told in fresh("init", inner, home=False).err.splitlines() if "Note" in told)
    assert said.startswith(f"Note: {fresh.home} is a home too. In {inner} and below it")


def test_a_sign_in_link_is_whole_and_says_how_long_it_works(fresh):
    for done in (fresh("users", "add", "ada", "--role", "auditor"), fresh("users", "invite", "ada")):
        assert re.search(r"^http://127\.0\.0\.1:8321/console/sign-in\?token=mwi_\S+$", done.out, re.MULTILINE)
        assert re.search(r"good until +20\d\d-\d\d-\d\d \d\d:\d\d UTC", done.out)


def test_a_sign_in_link_bears_the_address_that_the_settings_give(fresh, monkeypatch):
    for host, address in (("modelward.example", "modelward.example"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")):
        monkeypatch.setenv("MODELWARD_HOST", host)
        monkeypatch.setenv("MODELWARD_PORT", "9000")
        assert f"\nhttp://{address}:9000/console/sign-in?token=" in fresh("users", "invite", "admin").out


def test_a_key_for_a_model_that_is_not_there_is_made_and_pointed_out(terminal):
    near = terminal("keys", "create", "--name", "a", "--role", "caller", "--models", "grant,grants", "--json")
    assert (near.code, near.json["key"]["models"]) == (0, ["grant", "grants"])
    assert "no model is called grant yet" in near.err
    assert "nearest there is: grants." in near.err
    assert "nearest" not in terminal("keys", "create", "--name", "b", "--role", "caller", "--models", "zzz").err
    assert "Note" not in terminal("keys", "create", "--name", "c", "--role", "caller", "--models", "grants").err


def test_terms_for_what_is_not_there_are_put_and_pointed_out(terminal, tmp_path):
    (tmp_path / "terms.txt").write_text("Not to be passed on.")
    for wrong, right in (("model:grant", "grants"), ("dataset:peple", "people")):
        kind, _, name = wrong.partition(":")
        near = terminal("terms", "put", wrong, str(tmp_path / "terms.txt"))
        assert near.code == 0
        assert f"no {kind} is called {name} yet" in near.err
        assert f"nearest there is: {right}." in near.err
    assert "Note" not in terminal("terms", "put", "model:grants", str(tmp_path / "terms.txt")).err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        *(
            (["keys", "create", "--name", "empty", "--role", "caller"], option)
            for option in ("models", "scope", "purpose", "tenant")
        ),
        (["users", "add", "empty", "--role", "auditor"], "tenant"),
        *((["data", "grant", "empty", "people", "--purpose", "to test"], option) for option in ("columns", "rows")),
    ],
)
def test_a_limit_whose_value_is_empty_is_no_missing_limit(terminal, words, option):
    """`--scope "$SCOPE"`, where nobody set the variable, must not make a key that may all."""
    for empty in ("", "  ") if option in ("purpose", "tenant", "rows") else ("", " , "):
        done = terminal(*words, f"--{option}", empty)
        assert (done.code, done.out) == (2, "")
        assert f"'--{option}': it is empty, and would limit nothing" in done.err


def test_a_policy_about_whom_there_is_not_is_put_and_pointed_out(terminal, tmp_path):
    file = tmp_path / "site.cedar"
    file.write_text(
        '// of Person::"nobody"\n'
        'forbid(principal == Service::"nosuch", action == Action::"models:export", resource == Model::"grant");\n'
        'forbid(principal == Person::"nix", action == Action::"data:erase", resource == Dataset::"people");\n'
    )
    done = terminal("access", "policies", "put", "site", str(file))
    assert done.code == 0
    assert re.findall(r"there is no (\S+)", done.err) == ['Model::"grant"', 'Person::"nix"', 'Service::"nosuch"']
    assert "nearest there is: grants." in done.err
    assert terminal("access", "policies", "remove", "site").code == 0


def test_a_spec_that_is_trained_again_on_the_same_data_says_so(terminal):
    spec = terminal.file("again.yaml", SPEC)
    first = terminal("runs", "list", "--json").json[0]
    again = terminal("train", spec)
    assert (again.code, "grants:3" in again.out) == (0, True)
    assert f"before: {first['id']} made grants:1, grants:2." in again.err
    other = terminal("train", spec, "--set", "data.split.seed=4")
    assert (other.code, "trained on the same data before" in other.err) == (0, False)


def test_an_interrupted_run_says_how_it_goes_on(terminal):
    run = interrupted_run(terminal)
    assert f"Next: modelward runs resume {run}" in terminal("runs", "show", run).err
    whole = terminal("runs", "list", "--json").json[-1]["id"]
    assert "Next" not in terminal("runs", "show", whole).err


def test_every_kind_of_error_has_its_exit_code():
    kinds = {errors.ModelwardError, *errors.ModelwardError.__subclasses__(), *errors.InvalidError.__subclasses__()}
    kinds |= set(errors.UnavailableError.__subclasses__())
    assert {kind for kind in kinds if kind.__module__ == "modelward.errors"} == set(EXIT)
    codes = {0: "done", 1: "fault", 2: "invalid", 3: "refused", 4: "not found", 5: "conflict", 6: "unavailable"}
    assert set(EXIT.values()) | {0} == set(codes)


def test_the_page_of_errors_says_the_same_exit_codes():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    for kind, code in EXIT.items():
        if kind is not errors.ModelwardError:
            assert re.search(rf"\| `{kind.__name__}` \|.*\| {code} \|", page), kind


def test_an_error_counts_as_its_nearest_kind():
    class BadDatasetError(errors.TooLargeError):
        pass

    assert (exit_code_of(BadDatasetError("x")), kind_of(BadDatasetError("x"))) == (2, "TooLargeError")
    assert exit_code_of(ValueError("x")) == 1
    assert exit_code_of(of_system(OSError(28, "No space left on device", "/x"))) == 6
    assert exit_code_of(of_system(PermissionError(13, "Permission denied", "/x"))) == 2


def test_a_model_s_versions_come_with_the_one_that_is_live(terminal):
    assert "grants:1 is live." in terminal("model", "show", "grants").out
    assert terminal("release", "pause", "r-1", "--reason", "to look again").code == 0
    assert "None of them is live." in terminal("model", "show", "grants").out


def test_who_proposes_again_after_a_policy_changed_is_told_how_it_is_decided_anew(terminal):
    waiting = terminal("release", "propose", "grants:2")
    assert waiting.code == 5
    assert "by the policy of today, first run `modelward release refuse r-2 --reason TEXT`" in waiting.err
    assert "release refuse" not in terminal("release", "propose", "grants:1").err, "it is live, and stays so"
