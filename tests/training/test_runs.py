# SPDX-License-Identifier: Apache-2.0
"""A run that is stopped, in whatever way, leaves a sound home, and goes on where it was."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from modelward.errors import UnavailableError
from modelward.training import CandidateStatus, RunBusyError, RunFailedError, RunFinishedError, RunMissingError, Status, parse_spec
from modelward.training.process import Process
from training.house import Told, reopened

HOUSE = Path(__file__).with_name("house.py")


def spec(*candidates):
    return f"model: grants\ndata: {{dataset: people}}\ncandidates: [{', '.join(candidates)}]\n"


@pytest.fixture
def begin(home):
    """Begin training in a process of its own; what is still there after the test is ended."""
    processes = []

    def begun(verb, what):
        command = [sys.executable, str(HOUSE), str(home), verb, what]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield begun
    for process in processes:
        process.kill()
        with process:
            pass


def wait_for(process, word):
    """Read what the process tells up to a line with `word` in it."""
    for line in process.stdout:
        if word in line:
            return line
    raise AssertionError(f"it ended before it said {word!r}: {process.stderr.read()}")


def came(process, word):
    """Whether the process told a line with `word` in it before it ended."""
    return any(word in line for line in process.stdout)


def check_sound(rooms, admin):
    """The ledger verifies, and every version that can be seen is whole."""
    assert rooms.ledger.verify().is_sound
    names = [name for run in rooms.training.runs(by=admin) for name in run.versions]
    for name in names:
        assert rooms.registry.verify(name, by=admin).is_sound
    return names


def test_a_run_that_is_killed_at_any_moment_leaves_a_sound_home_and_can_be_resumed(home, rooms, register, admin, begin):
    register()
    draw = random.Random(20261122)
    bayes = [f"naive-bayes: {{smoothing: {n}.5}}" for n in range(6)]
    process, run_id = begin("train", spec(*bayes)), ""
    for word in ("naive-bayes training", "next it is signed", "naive-bayes-3"):
        run_id = run_id or wait_for(process, "started").split()[1]
        wait_for(process, word)
        time.sleep(draw.uniform(0, 0.08))
        process.kill()
        process.communicate()
        left = reopened(home)
        run = left.training.show(run_id, by=admin)
        assert run.status is Status.INTERRUPTED
        assert f"modelward runs resume {run_id}" in run.message
        assert CandidateStatus.RUNNING not in {each.status for each in run.candidates}
        check_sound(left, admin)
        left.database.close()
        process = begin("resume", run_id)
    process.communicate(timeout=60)
    run = rooms.training.show(run_id, by=admin)
    assert run.status is Status.DONE
    assert sorted(check_sound(rooms, admin)) == [f"grants:{n}" for n in range(1, 7)], "each once, whenever it was killed"
    parameters = [rooms.registry.find(each.version, by=admin).lineage.parameters["smoothing"] for each in run.candidates]
    assert parameters == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_ctrl_c_stops_a_run_cleanly_and_it_can_be_resumed(rooms, register, admin, begin):
    register()
    process = begin("train", spec("naive-bayes", "slow: {seconds: 60}"))
    run_id = wait_for(process, "started").split()[1]
    wait_for(process, "naive-bayes grants:1")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    run = rooms.training.show(run_id, by=admin)
    assert run.status is Status.INTERRUPTED
    assert [str(each.status) for each in run.candidates] == ["done", "waiting"]
    assert rooms.ledger.entries()[0].entry.event == "run.interrupted"
    check_sound(rooms, admin)


NETWORK = "mlp: {hidden: [16], batch_size: 4, epochs: 10, patience: 10, dropout: 0.2, ema: 0.9, optimizer: nadam}"


def graph_of(rooms, run, admin):
    return rooms.registry.read(rooms.registry.find(run.versions[0], by=admin), "model.onnx")


@pytest.mark.slow
def test_a_network_that_is_killed_while_it_learns_ends_with_the_same_graph(home, rooms, register, admin, begin, monkeypatch):
    register()
    whole = graph_of(rooms, rooms.training.train(parse_spec(spec(NETWORK)), by=admin), admin)
    monkeypatch.setenv("MODELWARD_CHECKPOINT_SECONDS", "0")
    draw = random.Random(20261122)
    process, run_id, kills = begin("train", spec(NETWORK)), "", 0
    run_id = wait_for(process, "started").split()[1]
    for _ in range(4):
        # A first step is in a checkpoint once the first epoch is told; a fast machine may be done soon after.
        if not came(process, "mlp training, epoch"):
            break
        time.sleep(draw.uniform(0, 0.3) if kills else 0)
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        process = begin("resume", run_id)
    process.communicate(timeout=60)
    assert kills, "no kill hit a running training"
    run = rooms.training.show(run_id, by=admin)
    assert graph_of(rooms, run, admin) == whole
    told = rooms.registry.read(rooms.registry.find(run.versions[0], by=admin), "training.json")
    assert b"It was stopped, and went on after step" in told
    assert list((home / "runs").iterdir()) == [], "a version needs no checkpoint"


def test_ctrl_c_keeps_what_a_network_has_learnt(home, rooms, register, admin, begin, monkeypatch):
    register()
    whole = graph_of(rooms, rooms.training.train(parse_spec(spec(NETWORK)), by=admin), admin)
    monkeypatch.setenv("MODELWARD_CHECKPOINT_SECONDS", "3600")
    process = begin("train", spec(NETWORK))
    run_id = wait_for(process, "started").split()[1]
    wait_for(process, "epoch 2 of 10, loss 0.")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert rooms.training.show(run_id, by=admin).status is Status.INTERRUPTED
    old = home / "runs" / "run-000000" / "mlp"  # of a run that was forgotten
    old.parent.mkdir()
    old.write_bytes(b"old")
    assert rooms.training.sweep(idle_seconds=0.0) == 1
    assert [file.name for file in (home / "runs" / run_id).iterdir()] == ["mlp"]
    assert graph_of(rooms, rooms.training.resume(run_id, by=admin), admin) == whole


@pytest.mark.usefixtures("broken")
def test_a_run_that_goes_on_is_neither_resumed_nor_called_interrupted(rooms, register, admin):
    register()
    started, stop = threading.Event(), threading.Event()
    seen = []

    def tell(line):
        if "slow training" in line:
            started.set()
            if stop.is_set():
                raise RuntimeError("enough")

    def work():
        try:
            rooms.training.train(parse_spec(spec("slow: {seconds: 60}")), by=admin, progress=Told(tell))
        except RunFailedError as failed:
            seen.append(failed)

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(30)
    (run,) = rooms.training.runs(by=admin)
    assert run.status is Status.RUNNING
    assert run.candidates[0].status is CandidateStatus.RUNNING
    with pytest.raises(RunBusyError, match="is going on"):
        rooms.training.resume(run.id, by=admin)
    stop.set()
    thread.join(30)
    assert len(seen) == 1
    assert rooms.training.show(run.id, by=admin).status is Status.FAILED


def test_a_finished_run_has_nothing_to_resume(rooms, register, admin):
    register()
    run = rooms.training.train(parse_spec(spec("naive-bayes")), by=admin)
    with pytest.raises(RunFinishedError, match="grants:1"):
        rooms.training.resume(run.id, by=admin)
    with pytest.raises(RunMissingError, match="'run-000000'"):
        rooms.training.resume("run-000000", by=admin)


def test_a_failed_candidate_is_tried_again_alone(rooms, register, admin, broken):
    from modelward.training import RECIPES

    register()
    run = rooms.training.train(parse_spec(spec("naive-bayes", "diverging")), by=admin)
    assert run.versions == ("grants:1",)
    again = rooms.training.resume(run.id, by=admin)
    assert again.versions == ("grants:1",)
    assert again.candidates[1].status is CandidateStatus.FAILED
    RECIPES.places["diverging"] = RECIPES.places["naive-bayes"]  # somebody mended it
    mended = rooms.training.resume(run.id, by=admin)
    assert mended.versions == ("grants:1", "grants:2")
    assert (mended.status, mended.message) == (Status.DONE, "")


def test_a_version_that_was_registered_before_the_power_was_cut_is_found_again(rooms, register, admin):
    from modelward.training import store

    register()
    run = rooms.training.train(parse_spec(spec("naive-bayes", "decision-tree")), by=admin)
    with rooms.database.change() as connection:  # what a kill between the two transactions leaves
        store.set_candidate(connection, run.id, replace(run.candidates[1], status=CandidateStatus.RUNNING, version=""))
        store.set_status(connection, run.id, Status.RUNNING)
        store.set_process(connection, run.id, Process(Process.current().host, 2**22 + 1, 0.0))
    assert rooms.training.show(run.id, by=admin).status is Status.INTERRUPTED
    again = rooms.training.resume(run.id, by=admin)
    assert again.versions == ("grants:1", "grants:2")
    assert [version.name for version in rooms.registry.versions("grants", by=admin)] == ["grants:1", "grants:2"]
    assert again.candidates[1].seconds == run.candidates[1].seconds


class FullDisk:
    """A registry on a disk without room."""

    def __init__(self, registry):
        self.registry = registry

    def __getattr__(self, name):
        return getattr(self.registry, name)

    def register(self, *arguments, **named):
        raise UnavailableError("No space is left.")


def test_a_full_disk_interrupts_a_run_that_is_resumed_when_there_is_room(home, vault, rooms, register, admin):
    from modelward.settings import Settings
    from modelward.training import Training

    register()
    full = Training(
        rooms.database,
        rooms.ledger,
        rooms.datasets,
        FullDisk(rooms.registry),
        vault,
        settings=Settings(home=home),
    )
    with pytest.raises(UnavailableError, match="No space"):
        full.train(parse_spec(spec("naive-bayes")), by=admin)
    (run,) = rooms.training.runs(by=admin)
    assert (run.status, run.versions) == (Status.INTERRUPTED, ())
    assert rooms.training.resume(run.id, by=admin).versions == ("grants:1",)


def test_a_process_is_told_from_another_that_has_its_number():
    current = Process.current()
    assert current.number == os.getpid()
    assert not current.is_gone()
    assert replace(current, started=current.started - 60).is_gone()
    assert replace(current, number=2**22 + 1).is_gone()
    assert not replace(current, host="another-machine", number=2**22 + 1).is_gone(), "nothing is known of it"


def test_a_run_whose_end_could_not_be_written_down_is_interrupted_in_the_same_process(
    home, vault, rooms, register, admin, monkeypatch
):
    from modelward.settings import Settings
    from modelward.training import Training
    from modelward.training.execution import Execution

    def no_room(_self, _stopped):
        raise UnavailableError("No space is left.")

    register()
    full = Training(
        rooms.database,
        rooms.ledger,
        rooms.datasets,
        FullDisk(rooms.registry),
        vault,
        settings=Settings(home=home),
    )
    monkeypatch.setattr(Execution, "_interrupt", no_room)
    with pytest.raises(UnavailableError, match="No space"):
        full.train(parse_spec(spec("naive-bayes")), by=admin)
    for training in (full, rooms.training):
        (run,) = training.runs(by=admin)
        assert training.show(run.id, by=admin).status is run.status is Status.INTERRUPTED
    assert rooms.training.resume(run.id, by=admin).versions == ("grants:1",)
