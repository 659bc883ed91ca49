# SPDX-License-Identifier: Apache-2.0
"""What a real disk and a real kill do to checkpoints, and what becomes of data that changes after it was registered."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelward.errors import RefusedError
from modelward.storage import Sealer
from modelward.training import CandidateStatus, Status, parse_spec
from modelward.training.checkpoints import checkpoints_of
from training.house import people

TESTS = Path(__file__).parents[1]
SPEC = "model: grants\ndata: {dataset: people, split: {seed: 3}}\ncandidates: [naive-bayes, decision-tree]\n"

# A disk of 64 KiB on which a network of 20,000 weights is kept after each step, and the same network without any checkpoint.
ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
from modelward.storage import Sealer
from modelward.training.checkpoints import checkpoints_of
from modelward.training.neural import Learning
from training.lessons import learnt, weights

sealer = lambda label: Sealer(label, "it", bytes(32))
home, asked, shape = Path(sys.argv[1]), Learning(batch_size=30, epochs=2), (5, 2500, 3)
kept = checkpoints_of("run-1", "mlp", made_from=("spec",), home=home, sealer=sealer, seconds=0.0)
task, _ = learnt(asked, checkpoints=kept, shape=shape)
whole, _ = learnt(asked, shape=shape)
assert weights(task) == weights(whole), "training went on as if nothing were"
assert kept.notes == ("6 checkpoints could not be saved: no space is left on the disk. Training went on without.",), kept.notes
kept.save(lambda: b"before")
kept.save(lambda: b"after " * 20_000)
assert kept.load() == b"before", "the one before counts"
assert [file.name for file in kept.path.parent.iterdir()] == ["mlp"], "nothing half written is left"
print("held")
"""

# One checkpoint is kept; the writer of the next is killed at the call that it names.
KILLED = """
import os, signal, sys
from pathlib import Path
from modelward.storage import Sealer
from modelward.training.checkpoints import checkpoints_of

sealer = lambda label: Sealer(label, "it", bytes(32))
home, call = Path(sys.argv[1]), sys.argv[2]
kept = checkpoints_of("run-1", "mlp", made_from=("spec",), home=home, sealer=sealer, seconds=0.0)
kept.save(lambda: b"before " * 100_000)
setattr(os, call, lambda *given, **more: os.kill(os.getpid(), signal.SIGKILL))
kept.save(lambda: b"after " * 100_000)
print("it was not killed")
"""


def sealer(label):
    return Sealer(label, "it", bytes(32))


def run(program, *arguments, before=()):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [*before, sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_disk_without_room_lets_training_go_on_and_the_checkpoint_before_count(home):
    disk = home / "runs"
    disk.mkdir()
    alone = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        f'mount -t tmpfs -o size=64k tmpfs "{disk}" && exec "$@"',
        "sh",
    ]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a small disk of their own here")
    ended = run(ON_A_SMALL_DISK, home, before=alone)
    assert ended.stdout == "held\n", ended.stderr


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_writer_that_is_killed_in_the_middle_leaves_the_checkpoint_before(home, call):
    ended = run(KILLED, home, call)
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    assert any(file.name.startswith(".") for file in (home / "runs" / "run-1").iterdir()), "half of it was written"
    kept = checkpoints_of("run-1", "mlp", made_from=("spec",), home=home, sealer=sealer, seconds=0.0)
    assert kept.load() == b"before " * 100_000
    kept.save(lambda: b"later")
    assert (kept.load(), kept.notes) == (b"later", ())
    kept.discard()
    assert not (home / "runs" / "run-1").exists(), "what the killed writer left is gone, too"


def test_a_file_that_changes_after_it_was_registered_changes_nothing(rooms, register, admin, tmp_path):
    register()
    graphs = []
    for _ in range(2):
        versions = rooms.training.train(parse_spec(SPEC), by=admin).versions
        graphs.append([rooms.registry.read(rooms.registry.find(name, by=admin), "model.onnx") for name in versions])
        (tmp_path / "people.csv").write_text(people(240, seed=9))
    assert graphs[0] == graphs[1]


def changed(home, dataset):
    """The sealed rows of a dataset with one bit turned; who calls it puts them back."""
    sealed = home / "objects" / dataset.sealed[:2] / dataset.sealed
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    return lambda: sealed.write_bytes(whole)


def test_rows_that_changed_in_the_home_are_not_learnt_from_and_a_run_waits_for_them(home, rooms, register, admin, monkeypatch):
    dataset = register()
    put_back = changed(home, dataset)
    with pytest.raises(RefusedError):
        rooms.training.train(parse_spec(SPEC), by=admin)
    assert rooms.training.runs(by=admin) == []
    put_back()

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(rooms.registry), "register", stop)
    with pytest.raises(KeyboardInterrupt):
        rooms.training.train(parse_spec(SPEC), by=admin)
    monkeypatch.undo()
    (run,) = rooms.training.runs(by=admin)
    put_back = changed(home, dataset)
    with pytest.raises(RefusedError):
        rooms.training.resume(run.id, by=admin)
    assert rooms.training.show(run.id, by=admin).status is Status.INTERRUPTED
    put_back()
    resumed = rooms.training.resume(run.id, by=admin)
    assert {each.status for each in resumed.candidates} == {CandidateStatus.DONE}
