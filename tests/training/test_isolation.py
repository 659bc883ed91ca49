# SPDX-License-Identifier: Apache-2.0
"""What learns holds no key, reaches nothing but what it is handed, and makes the same; however it ends, that is told."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import psutil
import pytest

import pictures
from modelward.compute import ExposedHomeError, Frame, SandboxMissingError, WorkshopLostError, landlock_version
from modelward.errors import InvalidError, TooLargeError
from modelward.training import (
    RECIPES,
    OutOfMemoryError,
    RunFailedError,
    Status,
    UnfitCandidateError,
    UnusableDataError,
    apart,
    parse_spec,
)
from modelward.training.finding import Finding
from modelward.training.told import prepared_told
from training import house, spies

needs_sandbox = pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock")
SEVERAL = "[naive-bayes, logistic-regression, decision-tree, knn, lightgbm, {mlp: {epochs: 3, hidden: [8]}}]"


def spec_text(candidates, *, more=""):
    return f"model: grants\ndata: {{dataset: people, split: {{seed: 3}}}}\ncandidates: {candidates}\n{more}"


def spec_of(candidates, *, more=""):
    return parse_spec(spec_text(candidates, more=more))


@pytest.fixture
def among(database, vault, ledger, keyring, settings):
    """The rooms, with training isolated as is said."""

    def open_rooms(isolation, **changed):
        chosen = msgspec.structs.replace(settings, training_isolation=isolation, **changed)
        return house.rooms_over(database, vault, ledger, keyring, chosen)

    return open_rooms


@pytest.fixture
def spying():
    RECIPES.places["spy"] = spies.PLACE
    yield
    del RECIPES.places["spy"]


def graphs(rooms, run, admin):
    return [rooms.registry.read(rooms.registry.find(name, by=admin), "model.onnx") for name in run.versions]


def notes(rooms, version, admin):
    told = json.loads(rooms.registry.read(rooms.registry.find(version, by=admin), "training.json"))["notes"]
    return dict(note.split(": ", 1) for note in told)


def test_what_is_learnt_apart_is_what_is_learnt_here(among, register, admin):
    register()
    here, apart = (among(isolation) for isolation in ("none", "process"))
    one, other = (rooms.training.train(spec_of(SEVERAL), by=admin) for rooms in (here, apart))
    assert len(one.versions) == len(other.versions) == 6
    assert graphs(here, one, admin) == graphs(apart, other, admin)
    assert one.findings == other.findings
    for before, after in zip(one.candidates, other.candidates, strict=True):
        assert (after.findings, after.standing.curves) == (before.findings, before.standing.curves)


def few(header, line, rows=120) -> str:
    return "\n".join([header, *map(line, range(rows))]) + "\n"


# Of each kind of data: the file, what it is registered as, what a spec reads of it, and who learns.
KINDS = {
    "texts": (
        few(
            "said,mood",
            lambda at: f"{['a great read', 'a waste of money'][at % 2]} on page {at * 37 % 101},{['good', 'bad'][at % 2]}",
        ),
        {"target": "mood"},
        "text: said",
        "text-linear, {rnn: {epochs: 2}}",
    ),
    "series": (
        few("wave,pace", lambda at: f'"{[at % 7, at % 5 + at % 2 * 9.5, at % 3]}",{["slow", "fast"][at % 2]}'),
        {"target": "pace"},
        "series: wave",
        "rnn: {epochs: 2}",
    ),
    "pairs": (
        few(
            "digits,spoken",
            lambda at: f"n{at},{' '.join(chr(97 + int(digit)) * 2 for digit in str(at))}",
        ),
        {"target": "spoken", "task": "text"},
        "text: digits",
        "seq2seq: {epochs: 2, units: 8, width: 8, vocabulary: 40}",
    ),
    "histories": (
        few("who,film,at", lambda at: f"user {at // 6},film {(at // 6 * 5 + at % 6) % 15},{at % 6}", 360),
        {"target": "film", "task": "items", "user": "who", "time": "at"},
        "history: 5, split: {by: last}",
        "popularity, {sasrec: {epochs: 2, width: 8}}",
    ),
    "images": ("", {"target": "label"}, "image: image", "logistic-regression, {cnn: {channels: [4], hidden: [4], epochs: 2}}"),
    "generated": ("", {"target": "label"}, "image: image", "gan: {channels: [4, 8], epochs: 2}"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_learnt_apart_of_any_kind_of_data_is_what_is_learnt_here(among, admin, tmp_path, kind):
    text, said, data, candidates = KINDS[kind]
    (folder := tmp_path / "given").mkdir()
    if text:
        (folder / "rows.csv").write_text(text)
    else:
        pictures.folder_of(folder / "bars", rows=60)
    (source,) = folder.iterdir()
    made = []
    for isolation in ("none", "process"):
        rooms = among(isolation)
        if not made:
            rooms.datasets.add("given", [source], purpose="tests", owner="tests", by=admin, **said)
        spec = parse_spec(f"model: grants\ndata: {{dataset: given, {data}}}\ncandidates: [{candidates}]\n")
        run = rooms.training.train(spec, by=admin)
        assert run.status is Status.DONE, run.candidates
        made.append(graphs(rooms, run, admin))
    assert made[0] == made[1]
    assert all(made[0])


def test_it_is_on_record_how_it_was_isolated(among, register, admin, ledger):
    register()
    wanted = f"landlock-{landlock_version()}" if landlock_version() else "process"
    for isolation, said in (("none", "none"), ("process", wanted)):
        rooms = among(isolation)
        run = rooms.training.train(spec_of("[naive-bayes]"), by=admin)
        assert rooms.registry.find(run.versions[0], by=admin).facts["isolation"] == said
        entries = [each.entry for each in ledger.entries() if each.entry.subject == run.id]
        assert [each.facts["isolation"] for each in entries if each.event == "run.started"] == [said]


@needs_sandbox
def test_who_learns_reads_no_key_no_database_no_object_and_no_file_of_others(among, register, admin, spying, home, tmp_path):
    register()
    (others := tmp_path / "others").mkdir()
    (others / "letter").write_text("private")
    sealed = next(file for file in (home / "objects").rglob("*") if file.is_file())
    files = [home / "keys.json", home / "modelward.db", sealed, others / "letter", Path("/etc/passwd")]
    asked = json.dumps({"spy": {"files": [*map(str, files)], "folders": [str(home), str(others)]}})
    outcomes = {}
    for isolation in ("none", "process"):
        rooms = among(isolation)
        run = rooms.training.train(spec_of(f"[{asked}]"), by=admin)
        outcomes[isolation] = notes(rooms, run.versions[0], admin)
    looked = [name for name in outcomes["none"] if name.startswith(("read", "list", "write"))]
    assert len(looked) == 9
    assert {outcomes["none"][name] for name in looked} == {"done"}, "the spy can look, where nothing is in its way"
    assert {outcomes["process"][name] for name in looked} == {"refused by PermissionError"}
    assert outcomes["none"]["process"] == str(os.getpid()) != outcomes["process"]["process"]


@needs_sandbox
def test_who_learns_calls_nobody_starts_nothing_and_sees_no_other_process(among, register, admin, spying, tmp_path, monkeypatch):
    register()
    monkeypatch.setenv("MODELWARD_SECRET", "hunter2")
    # One that nothing protects but the sandbox: what trains has the same user.
    other = subprocess.Popen(["sleep", "600"])
    datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with datagrams, socket.socket(socket.AF_UNIX) as local, socket.create_server(("127.0.0.1", 0)) as server:
        local.bind(str(tmp_path / "s"))
        local.listen()
        datagrams.bind(str(tmp_path / "s-datagrams"))
        asked = {"port": server.getsockname()[1], "socket": str(tmp_path / "s"), "process": other.pid}
        outcomes = {}
        for isolation in ("none", "process"):
            rooms = among(isolation)
            run = rooms.training.train(spec_of(f"[{json.dumps({'spy': asked})}]"), by=admin)
            outcomes[isolation] = notes(rooms, run.versions[0], admin)
    other.kill()
    other.wait()
    tries = {"tcp", "udp", "unix", "datagram", "owner", "look environ", "look maps", "signal", "program", "own program", "news"}
    assert {outcomes["none"][name] for name in tries} == {"done"}
    assert {outcomes["process"][name] for name in {*tries, "look mem"}} == {"refused by PermissionError"}
    assert "MODELWARD_SECRET" in outcomes["none"]["variables"].split()
    assert not [name for name in outcomes["process"]["variables"].split() if name.startswith("MODELWARD")]


def test_nothing_that_learnt_is_left(among, register, admin, home):
    register()
    among("process").training.train(spec_of("[naive-bayes]"), by=admin)
    assert not (home / "scratch").exists()
    assert learning() == []


@pytest.mark.usefixtures("broken")
def test_what_goes_wrong_apart_is_told_as_it_is_here(among, register, admin):
    register()
    told = []
    for isolation in ("none", "process"):
        training = among(isolation).training
        with pytest.raises(RunFailedError):
            training.train(spec_of("[diverging, greedy, talkative, unfaithful]"), by=admin)
        run = training.runs(by=admin)[0]
        told.append([(each.name, each.status, each.message) for each in run.candidates])
    assert told[0] == told[1]
    assert all(message for _, _, message in told[0])


@pytest.mark.usefixtures("broken")
def test_a_second_attempt_with_smaller_batches_is_made_apart(among, register, admin):
    register()
    run = among("process").training.train(spec_of("[insatiable]", more="out_of_memory: smaller-batch\n"), by=admin)
    assert [each.kind for each in run.candidates[0].findings] == ["out-of-memory"]


def test_what_cannot_be_learnt_is_refused_apart_as_here(among, register, admin):
    register()
    training = among("process").training
    with pytest.raises(UnusableDataError, match=r"data\.exclude: there is no feature 'nobody'"):
        training.train(parse_spec("model: m\ndata: {dataset: people, exclude: [nobody]}\ncandidates: [knn]\n"), by=admin)
    with pytest.raises(UnfitCandidateError, match=r"candidates\[0\]\.isolation-forest"):
        training.train(spec_of("[{isolation-forest: {normal: maybe}}]"), by=admin)
    assert training.runs(by=admin) == []


def test_rows_that_do_not_fit_into_memory_are_told_so(among, register, admin, monkeypatch):
    register()
    monkeypatch.setattr("modelward.training.apart._PLACE", spies.FULL)
    with pytest.raises(OutOfMemoryError, match="did not fit into memory"):
        among("process").training.train(spec_of("[naive-bayes]"), by=admin)


def learning(parent=None) -> list[psutil.Process]:
    """Our children that learn; other tests in this process may have left others running."""
    return [child for child in psutil.Process(parent).children() if "modelward.compute.child" in child.cmdline()]


def kill_the_one_that_learns():
    (child,) = learning()
    os.kill(child.pid, signal.SIGKILL)


@pytest.mark.usefixtures("broken")
def test_a_run_whose_process_is_killed_says_so_and_goes_on(among, register, admin):
    register()
    training = among("process").training
    begun = threading.Event()

    class Killer:
        def started(self, run):
            pass

        def candidate(self, name, share, word):
            if name == "slow" and share == 0.45 and not begun.is_set():
                begun.set()
                kill_the_one_that_learns()

    with pytest.raises(WorkshopLostError, match=r"was ended by SIGKILL\. Somebody ended it, or the system did when memory ran out"):
        training.train(spec_of("[{slow: {seconds: 60}}, naive-bayes]"), by=admin, progress=Killer())
    (run,) = training.runs(by=admin)
    assert run.status is Status.INTERRUPTED
    assert run.message == (
        "The process that trained was ended by SIGKILL. Somebody ended it, or the system did when memory ran out. "
        f"Run `modelward runs resume {run.id}`."
    )


def test_a_network_whose_process_is_killed_goes_on_to_the_same_bytes(among, register, admin):
    register()
    rooms = among("process", checkpoint_seconds=0.0, training_workers=1)
    spec = spec_of("[{mlp: {epochs: 30, hidden: [8], batch_size: 16, dropout: 0.2}}]")
    whole = rooms.training.train(spec, by=admin)

    class Killer:
        def __init__(self):
            self.is_done = False

        def started(self, run):
            pass

        def candidate(self, name, share, word):
            if share > 0.3 and not self.is_done:
                self.is_done = True
                kill_the_one_that_learns()

    with pytest.raises(WorkshopLostError):
        rooms.training.train(spec, by=admin, progress=Killer())
    run = rooms.training.runs(by=admin)[0]
    resumed = rooms.training.resume(run.id, by=admin)
    assert graphs(rooms, resumed, admin) == graphs(rooms, whole, admin)
    told = json.loads(rooms.registry.read(rooms.registry.find(resumed.versions[0], by=admin), "training.json"))["notes"]
    assert any(note.startswith("It was stopped, and went on after step") for note in told)


def test_where_a_sandbox_is_required_and_there_is_none_nothing_is_learnt(among, register, admin, monkeypatch):
    register()
    monkeypatch.setattr("modelward.compute.workshop.landlock_version", lambda: 0)
    with pytest.raises(SandboxMissingError, match="no Landlock"):
        among("required").training.train(spec_of("[naive-bayes]"), by=admin)
    run = (rooms := among("process")).training.train(spec_of("[naive-bayes]"), by=admin)
    assert rooms.registry.find(run.versions[0], by=admin).facts["isolation"] == "process"


@needs_sandbox
def test_a_home_among_the_programs_is_refused(among, register, admin, monkeypatch, home):
    register()
    monkeypatch.setattr("sys.prefix", str(home.parent))
    with pytest.raises(ExposedHomeError, match=r"\.modelward lies below"):
        among("process").training.train(spec_of("[naive-bayes]"), by=admin)


@pytest.mark.parametrize("is_deaf", [False, True])
def test_data_that_is_taken_back_stops_what_learns_and_nothing_of_it_stays(among, register, admin, home, monkeypatch, is_deaf):
    register()
    if is_deaf:
        monkeypatch.setitem(RECIPES.places, "mlp", spies.DEAF)
        monkeypatch.setattr("modelward.training.apart.STOP_SECONDS", 0.5)
    rooms = among("process", checkpoint_seconds=0.0, training_workers=1)

    class Owner:
        """Takes the data back in the first epoch that is heard of."""

        revoked = False

        def started(self, run):
            pass

        def candidate(self, name, share, word):
            if not self.revoked and word.startswith("training, epoch"):
                self.revoked = True
                rooms.datasets.grants.revoke("grants", "people", by=admin)

    with pytest.raises((RunFailedError, WorkshopLostError), match=r"was revoked on .* by person:root"):
        rooms.training.train(spec_of(LONG), by=admin, progress=Owner())
    (run,) = rooms.training.runs(by=admin)
    assert (run.status, run.versions) == (Status.FAILED, ())
    told = [each.entry for each in rooms.ledger.entries(event="candidate.failed")]
    assert [each.facts["kind"] for each in told] == ["GrantEndedError"]
    assert rooms.ledger.entries(event="version.registered") == []
    assert not [file for file in (home / "runs").rglob("*") if file.is_file()], "no checkpoint stays"
    assert learning() == []


def test_who_learns_is_given_no_column_that_was_not_granted(among, register, admin, monkeypatch):
    register()
    rooms = among("process")
    rooms.datasets.grants.grant("grants", "people", columns=("age", "hours", "grant"), purpose="to test training", by=admin)
    monkeypatch.setattr("modelward.training.apart._PLACE", spies.GREEDY)
    with pytest.raises(InvalidError) as told:
        rooms.training.train(spec_of("[naive-bayes]"), by=admin)
    assert str(told.value) == "told of age,hours,grant; given age; not given town, member, ledger"


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("kind", "Exception", "4711 [2J"),
        ("flood", "Exception", "4711 [2J"),
        ("facts", "TooMuchMadeError", "more than 1024 KiB"),
        ("parameters", "TooMuchMadeError", "more than 1024 KiB"),
        ("files", "TooMuchMadeError", "more than 1000 files"),
        ("form", "ValidationError", "An unexpected ValidationError"),
    ],
)
def test_what_comes_back_in_no_form_fails_that_candidate_and_puts_no_words_of_its_own_on_record(
    among, register, admin, monkeypatch, how, kind, said
):
    register()
    rooms = among("process")
    monkeypatch.setattr("modelward.training.apart._PLACE", spies.hostile(how))
    with pytest.raises(RunFailedError) as told:
        rooms.training.train(spec_of("[naive-bayes]"), by=admin)
    assert said in str(told.value)
    assert len(str(told.value)) < 2600
    assert "\x1b" not in str(told.value)
    (failed,) = [each.entry.facts for each in rooms.ledger.entries(event="candidate.failed")]
    assert failed["kind"] == kind
    assert learning() == []


@pytest.mark.parametrize(
    ("how", "said"),
    [("split", "has no form"), ("kind", "has no form"), ("form", "has no form"), ("much", "more than 1024 KiB")],
)
def test_what_is_said_of_prepared_rows_is_taken_in_a_form_and_in_bounds(among, register, admin, monkeypatch, how, said):
    register()
    rooms = among("process")
    monkeypatch.setattr("modelward.training.apart._PLACE", spies.strange(how))
    with pytest.raises((WorkshopLostError, TooLargeError), match=said) as told:
        rooms.training.train(spec_of("[naive-bayes]"), by=admin)
    assert "4711" not in str(told.value)
    assert learning() == []


def test_words_of_what_was_found_move_no_terminal():
    told = prepared_told({"findings": [spies.FOUND], "split_digest": "0" * 64})
    assert told.findings == (Finding(kind="leakage", text="4711 [2J", remedy=""),)


def test_words_of_a_refusal_are_bounded_and_move_no_terminal(among, register, admin, monkeypatch):
    register()
    monkeypatch.setattr("modelward.training.apart._PLACE", spies.WORDY)
    with pytest.raises(UnusableDataError) as told:
        among("process").training.train(spec_of("[naive-bayes]"), by=admin)
    assert str(told.value) == "4711 [2J" + "x" * 1992


def test_who_says_what_nobody_understands_is_not_listened_to(among, register, admin, monkeypatch):
    register()
    monkeypatch.setattr("modelward.training.apart._PLACE", spies.hostile("unknown"))
    with pytest.raises(WorkshopLostError, match="what nobody here understands"):
        among("process").training.train(spec_of("[naive-bayes]"), by=admin)
    assert learning() == []


@pytest.mark.parametrize("how", ["silence", "chatter"])
def test_who_says_nothing_of_its_way_is_held_to_what_was_taken_back(among, register, admin, monkeypatch, how):
    register()
    rooms = among("process")
    monkeypatch.setattr("modelward.training.apart._PLACE", spies.hostile(how))
    monkeypatch.setattr("modelward.training.apart.STOP_SECONDS", 0.5)
    taken_back = threading.Event()

    class Owner:
        """Takes the data back once somebody learns from it, who says nothing."""

        def started(self, run):
            pass

        def candidate(self, name, share, word):
            if not taken_back.is_set():
                taken_back.set()
                rooms.datasets.grants.revoke("grants", "people", by=admin)

    with pytest.raises((RunFailedError, WorkshopLostError), match=r"was revoked on .* by person:root"):
        rooms.training.train(spec_of("[naive-bayes]"), by=admin, progress=Owner())
    assert rooms.ledger.entries(event="version.registered") == []
    assert learning() == []


LONG = "[{mlp: {epochs: 10000, hidden: [256], batch_size: 4, patience: 10000}}]"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whoever_ends_the_one_that_started_it_ends_the_one_that_learns(among, register, home, how):
    register()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MODELWARD_TRAINING_ISOLATION": "process"}
    command = [sys.executable, house.__file__, str(home), "train", spec_text(LONG)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as starter:
        told = iter(starter.stdout)
        assert any("epoch 2" in line for line in told)
        (child,) = psutil.Process(starter.pid).children()
        starter.send_signal(how)
        for _ in told:
            continue
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_what_waits_of_who_learns_is_bounded_in_bytes_and_one_large_file_still_comes(monkeypatch):
    monkeypatch.setattr("modelward.training.apart._STEP_SECONDS", 0.01)
    inbox = apart._Inbox()
    large, small = (Frame({}, b"", size) for size in (apart._WAITING_BYTES * 2, 1))
    assert inbox.put(large)
    assert not inbox.put(small), "there is no room beside it"
    assert inbox.get() is large
    assert inbox.put(small)
    assert not inbox.put(large)
    assert inbox.get() is small
    assert inbox.get() is None
    inbox.end()
    with pytest.raises(EOFError):
        inbox.get()
