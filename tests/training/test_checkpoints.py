# SPDX-License-Identifier: Apache-2.0
"""Checkpoints are sealed, whole, and used for nothing but what they were made of."""

import resource
import stat
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from modelward.training import checkpoints
from modelward.training.checkpoints import checkpoints_of
from modelward.training.energy import Meter
from modelward.training.making import Terms, _learn
from modelward.training.neural import Learning
from modelward.training.recipe import Inputs
from modelward.training.run import Candidate
from training.lessons import blobs, learnt, weights

ASKED = Learning(batch_size=30, epochs=3, dropout=0.2)


@pytest.fixture
def opened(home, vault):
    """Opens the checkpoints of a candidate."""

    def of(run="run-1", candidate="mlp", *, made_from=("spec", "data", "split"), seconds=0.0):
        return checkpoints_of(run, candidate, made_from=made_from, home=home, sealer=vault.sealer, seconds=seconds)

    return of


@contextmanager
def no_file_longer_than(size_bytes):
    """As a full disk: nobody can write more into a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_checkpoint_comes_out_as_it_went_in_and_nothing_of_it_can_be_read(opened, home):
    opened().save(lambda: b"the weights " * 1000)
    assert opened().load() == b"the weights " * 1000
    (file,) = (home / "runs" / "run-1").iterdir()
    assert b"the weights" not in file.read_bytes()
    assert b"spec" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert opened("run-2").load() is opened(candidate="mlp-2").load() is None


def test_a_candidate_of_any_name_has_its_file_in_the_folder_of_its_run(opened, home):
    kept = opened(candidate="../../odd name")
    kept.save(lambda: b"1")
    assert [path.is_file() for path in (home / "runs" / "run-1").iterdir()] == [True]
    kept.discard()
    assert not (home / "runs" / "run-1").exists()


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other spec", "other data", "another candidate's"])
def test_a_checkpoint_that_is_not_its_own_or_not_whole_is_left_aside_and_said(opened, damage):
    whole, _ = learnt(ASKED)
    first = opened()
    learnt(ASKED, checkpoints=first)
    left, other = first.path.read_bytes(), {"other spec": ("new", "data", "split"), "other data": ("spec", "new", "split")}
    again = opened(made_from=other.get(damage, ("spec", "data", "split")))
    if damage == "another candidate's":
        again = opened(candidate="mlp-2")
    changed = {"cut": left[:-100], "changed": left[:-9] + b"x" + left[-8:], "empty": b""}
    again.path.write_bytes(changed.get(damage, left))
    task, _ = learnt(ASKED, checkpoints=again)
    assert weights(task) == weights(whole)
    (note,) = again.notes
    why = (
        "it was cut off or changed, or sealed"
        if damage in {"cut", "changed"}
        else "of another run, spec or data, by an earlier version, or cut off"
    )
    assert why in note
    assert note.startswith("A checkpoint of it was not used: ")
    assert note.endswith("It was trained from the beginning.")


def test_where_the_disk_is_full_training_goes_on_and_the_checkpoint_before_counts(opened):
    whole, _ = learnt(ASKED)
    kept, never = opened(), opened(candidate="mlp-2")
    kept.save(lambda: b"before")
    with no_file_longer_than(100):
        task, _ = learnt(ASKED, checkpoints=never)
        kept.save(lambda: b"after" * 100)
    assert weights(task) == weights(whole)
    assert never.notes == ("9 checkpoints could not be saved: no space is left on the disk. Training went on without.",)
    assert kept.notes == ("1 checkpoint could not be saved: no space is left on the disk. Training went on without.",)
    assert kept.trouble == "the last checkpoint was not saved: no space is left on the disk"
    assert opened().load() == b"before"
    assert list(kept.path.parent.iterdir()) == [kept.path], "nothing half written is left"
    kept.save(lambda: b"later")
    assert (kept.trouble, opened().load()) == ("", b"later")


def retried(kept, *, stop_in=0):
    """A candidate the first attempt of which has no memory in its third epoch; the second may be stopped in one of its own."""
    rows, labels = (part.numpy() for part in blobs(96))
    inputs = Inputs(train=rows, train_labels=labels, validation=rows, validation_labels=labels, classes=("a", "b", "c"))
    attempts, retry = [], kept.of_retry()

    def report(_share, word):
        if word == "loading":
            attempts.append(word)
        if len(attempts) == 1 and word.startswith("training, epoch 3 "):
            raise MemoryError
        if len(attempts) == 2 and word.startswith(f"training, epoch {stop_in} "):
            raise KeyboardInterrupt

    report.curves = lambda _so_far: None
    candidate = Candidate(name="mlp", recipe="mlp", parameters={"batch_size": 64, "epochs": 6, "hidden": [8], "dropout": 0.2})
    meter, terms = Meter(watts_per_core=8, is_alone=True), Terms(may_retry=True)
    learnt = _learn(candidate, inputs, terms=terms, meter=meter, report=report, checkpoints=kept, retry=retry)
    return learnt.made.graph().SerializeToString(), learnt.made.notes, (*kept.notes, *retry.notes)


def test_each_attempt_at_a_candidate_goes_on_from_checkpoints_of_its_own(opened, home):
    whole, _, refused = retried(opened(candidate="never stopped"))
    assert refused == ()
    with pytest.raises(KeyboardInterrupt):
        retried(opened(), stop_in=4)
    assert len(list((home / "runs" / "run-1").glob("mlp*"))) == 2
    again, notes, refused = retried(opened())
    assert again == whole
    assert refused == ()
    assert "It was stopped, and went on after step 0 of epoch 4; time and energy are those since then." in notes
    opened().discard()
    assert list((home / "runs" / "run-1").glob("mlp*")) == []


@pytest.mark.parametrize("make", [lambda: np.ones((1 << 30, 1 << 25)).tobytes(), lambda: torch.empty(1 << 58).numpy().tobytes()])
def test_where_there_is_no_memory_for_a_checkpoint_training_goes_on_and_the_one_before_counts(opened, make):
    kept = opened()
    kept.save(lambda: b"before")
    kept.save(make)
    assert kept.notes == ("1 checkpoint could not be saved: there is not enough memory for it. Training went on without.",)
    assert kept.trouble == "the last checkpoint was not saved: there is not enough memory for it"
    assert opened().load() == b"before"


def test_a_fault_of_the_recipe_while_it_makes_a_checkpoint_is_not_hidden(opened):
    def make():
        raise RuntimeError("sizes differ")

    with pytest.raises(RuntimeError, match="sizes differ"):
        opened().save(make)


def test_one_is_due_after_so_many_seconds(opened):
    assert opened(seconds=0.0).is_due()
    assert not opened(seconds=3600.0).is_due()


def test_what_a_killed_writer_left_is_swept_away_and_what_a_run_may_go_on_from_is_not(opened, home):
    for run in ("run-1", "run-2"):
        opened(run).save(lambda: b"1")
    half = opened("run-1").path.with_name(".mlp.0123456789abcdef")
    half.write_bytes(b"half")
    assert opened("run-1").load() == b"1", "the one before counts"
    assert checkpoints.sweep(home, kept={"run-1"}, idle_seconds=3600.0) == 0
    assert checkpoints.sweep(home, kept={"run-1"}, idle_seconds=0.0) == 2
    assert opened("run-1").load() == b"1"
    assert [folder.name for folder in (home / "runs").iterdir()] == ["run-1"]
