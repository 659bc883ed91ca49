# SPDX-License-Identifier: Apache-2.0
"""A process that is killed while it erases leaves the dataset and its shards as they were, or as they are without the rows."""

import signal
import subprocess
import sys

import pytest

from modelward.datasets import Sharding

# The process kills itself before, or after, the call of that number of what every step passes.
ERASE = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from modelward.access import Actor, Role
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.settings import Settings
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault

home, place, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0


def dying(real, late=False, only=None):
    def call(*given, **more):
        global calls
        counts = only is None or only in given
        calls += counts
        if counts and calls == number and not late:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*given, **more)
        if counts and calls == number and late:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return call


keyring = Keyring.open(home / "keys.json")
database = Database(f"sqlite:///{home / 'modelward.db'}")
vault = Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, database)
ledger = Ledger(database, keyring, anchor=home / "ledger.checkpoint")
shelf = Datasets(database, vault, ledger, keyring, settings=Settings(home=home))
if place == "sealed":
    vault._seal = dying(vault._seal, late=True)
elif place == "row":
    sa.Connection.execute = dying(sa.Connection.execute)
elif place == "commit":
    sa.Connection.exec_driver_sql = dying(sa.Connection.exec_driver_sql, only="COMMIT")
elif place == "committed":
    sa.Connection.exec_driver_sql = dying(sa.Connection.exec_driver_sql, late=True, only="COMMIT")
elif place == "erased":
    database.erase = dying(database.erase, late=True)
elif place == "discarded":
    vault.discard = dying(vault.discard, late=True)
by = Actor(id="person:ada", name="ada", role=Role.DATA_OWNER)
shelf.erasing.erase("people", rows="age >= 80", reason="they objected", by=by)
"""
BEFORE = [("sealed", 1), ("sealed", 4), ("row", 3), ("row", 12), ("row", 20), ("commit", 1)]
AFTER = [("committed", 1), ("erased", 1), ("discarded", 1), ("discarded", 3)]
NAMES = ("people", "people-1", "people-2")


def erase(home, place, number) -> int:
    return subprocess.run([sys.executable, "-c", ERASE, str(home), place, str(number)], check=False).returncode


@pytest.fixture
def people(datasets, admin, declared, csv_file):
    datasets.add("people", [csv_file], by=admin, **declared)
    datasets.shard("people", Sharding(parts=2, by="random"), by=admin)
    return datasets


@pytest.mark.parametrize(("place", "number"), [*BEFORE, *AFTER])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_whole_and_the_next_attempt_finishes(
    people, admin, ledger, vault, home, place, number
):
    before = {name: people.table(name, by=admin) for name in NAMES}
    rest = {name: table.filter(table.get_column("age") < 80) for name, table in before.items()}
    assert rest["people"].height < before["people"].height
    assert erase(home, place, number) == -signal.SIGKILL
    wanted = rest if (place, number) in AFTER else before
    assert all(people.table(name, by=admin).equals(wanted[name]) for name in NAMES)
    assert ledger.verify().is_sound
    assert erase(home, "nowhere", 0) == 0
    assert all(people.table(name, by=admin).equals(rest[name]) for name in NAMES)
    assert len(ledger.entries(event="dataset.erased", subject="people")) == 1
    vault.sweep(named=people.sealed_objects, idle_seconds=0)
    with people._database.look() as connection:
        assert set(vault.digests()) == set(people.sealed_objects(connection))
