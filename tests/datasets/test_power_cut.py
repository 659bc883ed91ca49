# SPDX-License-Identifier: Apache-2.0
"""A process that is killed while it registers data leaves no half dataset, and the next attempt succeeds."""

import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

REGISTER = """
import os, signal, sys
from pathlib import Path
from modelward.access import Actor, Role
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.settings import Settings
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault

home, file, moment = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]


def die_after(verb):
    def act(*given, **more):
        verb(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)
    return act


keyring = Keyring.open(home / "keys.json")
database = Database(f"sqlite:///{home / 'modelward.db'}")
vault = Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, database)
ledger = Ledger(database, keyring, anchor=home / "ledger.checkpoint")
shelf = Datasets(database, vault, ledger, keyring, settings=Settings(home=home))
if moment == "after the rows are sealed":
    vault._seal = die_after(vault._seal)
if moment == "before the change is committed":
    ledger.record = die_after(ledger.record)
shelf.add("people", [file], target="label", purpose="p", owner="o", by=Actor(id="person:ada", name="ada", role=Role.DATA_OWNER))
"""


def register(home, file, moment) -> int:
    return subprocess.run([sys.executable, "-c", REGISTER, str(home), str(file), moment], check=False).returncode


@pytest.mark.parametrize("moment", ["after the rows are sealed", "before the change is committed"])
def test_a_kill_while_registering_leaves_no_half_dataset(datasets, admin, ledger, home, csv_file, moment):
    assert register(home, csv_file, moment) == -signal.SIGKILL
    assert datasets.list(by=admin) == []
    assert ledger.verify().is_sound
    assert register(home, csv_file, "never") == 0
    assert [dataset.name for dataset in datasets.list(by=admin)] == ["people"]
    assert datasets.table("people", by=admin).height == 200


def test_an_interrupt_right_after_the_commit_keeps_what_was_registered(datasets, database, admin, csv_file, monkeypatch):
    @contextmanager
    def interrupted():
        with change() as connection:
            yield connection
        raise KeyboardInterrupt

    change = database.change
    monkeypatch.setattr(database, "change", interrupted)
    with pytest.raises(KeyboardInterrupt):
        datasets.add("people", [csv_file], target="label", purpose="p", owner="o", by=admin)
    monkeypatch.undo()
    assert datasets.show("people", by=admin).rows == 200
    assert datasets.table("people", by=admin).height == 200


def test_an_interrupt_before_the_commit_leaves_nothing_on_the_shelf(datasets, vault, ledger, admin, csv_file, monkeypatch):
    def interrupted(*_given, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        datasets.add("people", [csv_file], target="label", purpose="p", owner="o", by=admin)
    assert list(vault.digests()) == []
