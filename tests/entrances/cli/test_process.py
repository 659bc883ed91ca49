# SPDX-License-Identifier: Apache-2.0
"""`modelward` as the process that people start: what only a process of its own can show."""

import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrances.cli.terminal import ROWS
from training.house import people

# To Python, a module that is None is one that is not installed.
HIDING = """
import sys
sys.modules[{hidden!r}] = None
from modelward.entrances.cli import main
main()
"""
# No file may grow beyond a size: to whoever writes it, the disk is full.
SMALL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from modelward.entrances.cli import main
main()
"""


def run(*words, code: str | None = None, **more) -> subprocess.CompletedProcess:
    program = ["-c", code] if code else ["-m", "modelward"]
    return subprocess.run(
        [sys.executable, *program, *map(str, words)], capture_output=True, text=True, timeout=120, check=False, **more
    )


def test_the_installed_command_answers(fresh):
    command = shutil.which("modelward", path=Path(sys.executable).parent)
    done = subprocess.run([command, "data", "list", "--json", "--home", fresh.home], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_a_cut_off_pipe_is_no_fault(terminal):
    command = f"{sys.executable} -m modelward audit log --limit 1000 --json --home {terminal.home} | head -c 10"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[\n  {\n    ", "")


def test_a_terminal_that_knows_ascii_alone_gets_an_answer(terminal):
    done = run("compare", "grants", "--home", terminal.home, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "grants:1" in done.stdout


def test_on_a_terminal_long_work_shows_bars_and_the_answer_stays_clean(terminal):
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "modelward", "assess", "grants:1", "--only", "size", "--json", "--home", str(terminal.home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other side has gone
                break
            if not piece:
                break
            seen += piece
        out = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(out)["model"] == "grants"
    assert "━".encode() in seen


def test_a_fault_of_ours_names_the_place_and_shows_no_traceback_and_no_value(fresh):
    code = """
from modelward.datasets import Datasets
def broken(self, *, by):
    secret = "Ada Example, 3 Mill Lane"
    raise ValueError(secret)
Datasets.list = broken
from modelward.entrances.cli import main
main()
"""
    words = ["data", "list", "--home", fresh.home]
    told, asked = run(*words, code=code), run(*words, "--json", code=code)
    assert (told.returncode, asked.returncode) == (1, 1)
    assert "ValueError at <string>:5. This is a defect" in told.stderr
    assert json.loads(asked.stdout)["error"]["kind"] == "fault"
    assert "Traceback" not in told.stderr + asked.stderr
    assert "Mill Lane" not in told.stderr + told.stdout + asked.stderr + asked.stdout
    traced = run(*words, code=code, env={**os.environ, "MODELWARD_LOG_LEVEL": "debug"})
    assert "Traceback" in traced.stderr


@pytest.mark.parametrize(
    ("words", "hidden", "command"),
    [
        ("explain grants {rows}", "shap", "pip install 'modelward[explain]'"),
        ("train {spec}", "torch", "pip install 'modelward[torch]'"),
    ],
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(terminal, words, hidden, command):
    places = {"rows": terminal.file("rows.csv", ROWS)}
    places["spec"] = terminal.file("spec.yaml", "model: deep\ndata: {dataset: people}\ncandidates: [mlp]\n")
    line = words.format(**places).split()
    done = run(*line, "--json", "--home", terminal.home, code=HIDING.format(hidden=hidden))
    assert command in json.loads(done.stdout)["error"]["message"]
    assert done.returncode in {1, 2, 3, 6}


def test_a_full_disk_while_data_is_registered_leaves_nothing(fresh):
    draw = random.Random(1)
    noise = "".join(f"20,1,{draw.randbytes(40).hex()},true,no\n" for _ in range(20_000))
    file = fresh.file("wide.csv", people(100) + noise)
    words = ["data", "add", "wide", file, "--target", "grant", "--purpose", "tests", "--owner", "tests", "--home", fresh.home]
    with fresh.nothing_written():
        done = run(*words, code=SMALL_DISK.format(limit=300_000))
    assert (done.returncode, "No space left" in done.stderr) == (6, True), done.stderr
    assert not list((fresh.home / "objects" / "incoming").iterdir())
    assert fresh("audit", "verify").code == 0
    assert run(*words).returncode == 0, "with room it is taken"


def test_a_full_disk_while_a_version_is_written_leaves_nothing(terminal):
    import onnx
    from onnx import TensorProto, helper

    assert terminal("model", "export", "grants:1", "--to", terminal.folder / "out").code == 0
    graph = onnx.load(terminal.folder / "out" / "model.onnx")
    graph.graph.initializer.append(helper.make_tensor("ballast", TensorProto.FLOAT, [300_000], [0.0] * 300_000))
    onnx.save(graph, terminal.folder / "heavy.onnx")
    words = ["model", "import", terminal.folder / "heavy.onnx", "--name", "heavy", "--json", "--home", terminal.home]
    with terminal.nothing_written():
        done = run(*words, code=SMALL_DISK.format(limit=900_000))
    assert done.returncode == 6, done.stdout + done.stderr
    assert "No space left" in json.loads(done.stdout)["error"]["message"]
    assert not list((terminal.home / "objects" / "incoming").iterdir())
    assert terminal("model", "show", "heavy").code == 4
    assert terminal("audit", "verify").code == 0
    assert run(*words).returncode == 0, "with room it is taken"


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_training_that_is_asked_to_end_leaves_a_run_that_can_be_resumed(terminal, ending, code):
    spec = terminal.file("spec.yaml", "model: slow\ndata: {dataset: people}\ncandidates: [mlp: {epochs: 10000}, naive-bayes]\n")
    words = [sys.executable, "-m", "modelward", "train", str(spec), "--home", str(terminal.home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0) as process:
        while not any(run["model"] == "slow" for run in terminal("runs", "list", "--json").json):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        process.send_signal(ending)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code
    (stopped,) = (run for run in terminal("runs", "list", "--json").json if run["model"] == "slow")
    assert stopped["status"] == "interrupted"
    assert f"`modelward runs resume {stopped['id']}`" in err
    assert "Traceback" not in err
    assert terminal("audit", "verify").code == 0


TAKES_LONG_TO_STOP = """
import sys, time
from modelward.entrances.cli.waiting import ending_in_order
with ending_in_order():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("stopping", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once_what_takes_long_to_stop(first, second):
    # Whoever starts a process in the background may have it ignore Ctrl-C.
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{TAKES_LONG_TO_STOP}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        for line, ending in (("begun", first), ("stopping", second)):
            assert process.stdout.readline().strip() == line
            process.send_signal(ending)
        process.communicate(timeout=30)
    assert process.returncode == -second


@pytest.fixture
def service(terminal):
    """`modelward serve --json` over the furnished home, and what it said."""
    words = [sys.executable, "-m", "modelward", "serve", "--port", "0", "--json", "--home", str(terminal.home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            text = ""
            while not text.endswith("}\n"):
                line = process.stdout.readline()
                assert line, process.stderr.read()
                text += line
            yield process, json.loads(text)
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_link_names_the_address_in_use_as_long_as_the_server_runs(terminal, service, ending):
    process, told = service
    assert f"{told['address']}/console/sign-in?token=" in terminal("users", "add", "ada", "--role", "auditor").out
    process.send_signal(ending)
    process.wait()
    link = terminal("users", "invite", "ada").out
    assert ("/console/sign-in?token=" in link, told["address"] in link) == (True, False)


def test_a_server_says_where_it_is_once_it_answers_and_ends_in_good_order(terminal, service):
    process, told = service
    assert told["pid"] == process.pid
    assert told["home"] == str(terminal.home)
    assert told["console"] == f"{told['address']}/console"
    assert told["administrator_token"] == str(terminal.home / "administrator.token")
    assert told["live"] == {"grants:1": "r-1"}
    key = terminal("keys", "create", "--name", "olga", "--role", "administrator", "--json").json["secret"]
    there = ["--url", told["address"], "--key", key]
    for words in (["data", "list"], ["model", "show", "grants"], ["release", "list"], ["audit", "log"], ["keys", "list"]):
        here, away = terminal(*words, "--json"), terminal(*words, *there, "--json", home=False)
        assert (away.code, away.json) == (0, here.json), words
    rows = terminal.file("rows.csv", ROWS)
    caller = terminal("keys", "create", "--name", "app", "--role", "caller", "--models", "grants", "--json").json["secret"]
    asked = ["--url", told["address"], "--key", caller]
    here, away = (
        terminal("predict", "grants", rows, "--json").json,
        terminal("predict", "grants", rows, *asked, "--json", home=False).json,
    )
    assert away["predictions"] == here["predictions"]
    objects = terminal.file("rows.json", '{"rows": [{"age": 300, "hours": null, "town": "west", "member": true, "id": 7}]}')
    here_too, away_too = (
        terminal("predict", "grants", objects, "--json").json,
        terminal("predict", "grants", objects, *asked, "--json", home=False).json,
    )
    assert here_too["predictions"] == away_too["predictions"]
    assert (away_too["predictions"][0]["unfamiliar"], away_too["unfamiliar_rows"]) == (["age", "town"], 1)
    assert away_too["ignored"] == ["id"]
    assert away["ignored"] == here["ignored"] == ["grant"]
    for explained in (
        terminal("explain", "grants", rows, *asked, "--json", home=False),
        terminal("explain", "grants", rows, "--json"),
    ):
        assert explained.code == 0, explained.out
        assert [part["label"] for part in explained.json] == [part["label"] for part in here["predictions"]]
    assert terminal("model", "verify", "grants", *asked, "--json", home=False).json["name"] == "grants:1"
    absent = terminal("model", "show", "nobody", *there, "--json", home=False)
    assert (absent.code, absent.error) == (4, terminal("model", "show", "nobody", "--json").error)
    for words in (there, ["--home", terminal.home]):
        blank = terminal("audit", "verify", "--since", terminal.file("kept.txt", ""), *words, "--json", home=False)
        assert (blank.code, "not a checkpoint as it was signed" in blank.error) == (2, True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert process.stderr.read() == ""


def story_of(home: Path) -> str:
    """What `modelward serve` tells a person until it answers."""
    words = [sys.executable, "-m", "modelward", "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        try:
            for line in process.stderr:
                lines.append(line)
                if "administrator" in line:
                    break
        finally:
            process.kill()
    return "".join(lines)


def test_a_server_says_what_is_live_and_how_the_administrator_comes_in(terminal):
    told = story_of(terminal.home)
    assert re.search(r"^Live: grants:1 \(release r-1\)$", told, re.MULTILINE)
    assert re.search(r"^Console: http://127.0.0.1:\d+/console$", told, re.MULTILINE)
    assert str(terminal.home / "administrator.token") in told


def test_a_server_without_a_live_version_says_how_one_goes_live(fresh):
    assert "No model is live yet. Run `modelward release propose MODEL:1`" in story_of(fresh.home)


def test_a_server_without_a_live_version_says_what_its_releases_wait_for(terminal):
    assert terminal("release", "pause", "r-1", "--reason", "the source changed").code == 0
    told = story_of(terminal.home)
    assert "No model is live. grants:2 (r-2) is awaiting-approval: modelward release approve r-2 --reason TEXT" in told
    assert "No model is live. grants:1 (r-1) is paused: modelward release promote r-1" in told
    assert "release propose" not in told
    assert terminal("release", "refuse", "r-2", "--reason", "to propose it again").code == 0
    assert terminal("release", "propose", "grants:2", "--policy", "free").code == 0
    assert "No model is live. grants:2 (r-3) is approved: modelward release promote r-3" in story_of(terminal.home)


def test_a_server_names_what_is_live_and_cannot_be_opened(terminal):
    for sealed in (terminal.home / "objects").rglob("*"):
        if sealed.is_file():
            sealed.chmod(0o600)
            sealed.write_bytes(b"somebody else's")
    told = story_of(terminal.home)
    assert "Not answering: grants:1 is released and cannot be opened" in told
    assert "Live:" not in told


def test_a_taken_port_is_unavailable(terminal, service):
    _, told = service
    done = terminal("serve", "--port", told["address"].rpartition(":")[2], "--json")
    assert (done.code, "--port" in done.error) == (6, True)


def test_a_sample_is_written_with_the_permissions_of_new_files(fresh, tmp_path, monkeypatch):
    """From the cache, which is made here, so that nothing is fetched."""
    from dataclasses import replace

    from modelward.datasets import samples
    from modelward.digest import sha256_hex

    data = b"age,income\n1,2\n"
    sample = replace(samples.SAMPLES["adult"], file_sha256=sha256_hex(data))
    monkeypatch.setitem(samples.SAMPLES, "adult", sample)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cached = samples._cache_file(sample)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(data)
    before = os.umask(0o027)
    try:
        done = fresh("data", "sample", "adult", "-o", tmp_path, "--json", home=False)
    finally:
        os.umask(before)
    assert done.json == {"file": str(tmp_path / "adult.csv")}
    assert (tmp_path / "adult.csv").read_bytes() == data
    assert (tmp_path / "adult.csv").stat().st_mode & 0o777 == 0o640
