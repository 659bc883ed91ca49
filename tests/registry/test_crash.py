# SPDX-License-Identifier: Apache-2.0
"""A power cut (kill -9) at any moment of registering, attaching and exporting: no half version, no lost one, and a sound ledger."""

from __future__ import annotations

import subprocess
import sys

import pytest

from modelward.storage import Swept
from registry.tiny import put

# The process kills itself before the given call of a function that every step passes: reaching the disk, or the database.
SCRIPT = """
import os, pathlib, signal, sys
sys.path.insert(0, {tests!r})
from modelward.access import local_actor
from modelward.audit import Event, Ledger
from modelward.registry import Registry
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault
from registry.tiny import put

home, verb, place, after = pathlib.Path({home!r}), sys.argv[1], sys.argv[2], int(sys.argv[3])
keyring, database = Keyring.open(home / "keys.json"), Database("sqlite:///" + str(home / "modelward.db"))
vault = Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, database)
registry = Registry(database, vault, Ledger(database, keyring, anchor=home / "ledger.checkpoint"), keyring)
calls = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def dying(real):
    def call(*given, **named):
        global calls
        calls += 1
        if calls == after:
            die()
        return real(*given, **named)
    return call

def dying_around_commit(real):
    def call(connection, statement, *given):
        if statement == "COMMIT" and place == "before commit":
            die()
        answer = real(connection, statement, *given)
        if statement == "COMMIT":
            die()
        return answer
    return call

if place == "sync":
    os.fsync = dying(os.fsync)
elif place == "entry":
    Ledger.record_all = dying(Ledger.record_all)
elif place == "after entry":
    record = Ledger.record_all
    Ledger.record_all = lambda *given: (record(*given), die())
else:
    import sqlalchemy as sa
    if place == "statement":
        sa.Connection.execute = dying(sa.Connection.execute)
    else:
        sa.Connection.exec_driver_sql = dying_around_commit(sa.Connection.exec_driver_sql)
if verb == "register":
    put(registry, local_actor())
elif verb == "attach":
    version = registry.find("income:1", by=local_actor())
    calls = 0
    registry.attach(version, {{"trust_report.json": b"[]"}}, event=Event("version.assessed", "."), facts={{}}, by=local_actor())
else:
    registry.export("income:1", home.parent / "exported", by=local_actor())
"""


@pytest.fixture
def die(home, request):
    """Run a verb in a process of its own that is killed at a moment; whether it was."""

    def run(verb: str, place: str, after: int) -> bool:
        script = SCRIPT.format(home=str(home), tests=str(request.config.rootpath / "tests"))
        command = [sys.executable, "-c", script, verb, place, str(after)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, -9), done.stderr
        return done.returncode == -9

    return run


MOMENTS = [("sync", 1), ("sync", 6), ("statement", 2), ("statement", 4), ("entry", 1), ("after entry", 0), ("before commit", 0)]


@pytest.mark.parametrize(("place", "after"), MOMENTS)
def test_a_power_cut_while_registering_leaves_no_half_version(home, database, registry, vault, ledger, die, admin, place, after):
    put(registry, admin)
    assert die("register", place, after)
    assert [version.number for version in registry.versions("income", by=admin)] == [1]
    assert registry.verify("income:1", by=admin).is_sound
    assert ledger.verify().is_sound
    assert len(ledger.entries(event="version.registered")) == 1
    assert vault.sweep(named=registry.sealed_objects, idle_seconds=3600) == Swept(objects=0, fragments=0), (
        "what is young may be somebody's work"
    )
    swept = vault.sweep(named=registry.sealed_objects, idle_seconds=0)
    assert swept.objects > 0 or place == "sync"
    assert swept.objects + swept.fragments > 0
    assert not list((home / "objects" / "incoming").iterdir())
    with database.look() as connection:
        assert set(vault.digests()) == set(registry.sealed_objects(connection))
    assert put(registry, admin).number == 2
    assert registry.verify("income:2", by=admin).is_sound


def test_a_power_cut_right_after_registering_loses_nothing(database, registry, vault, ledger, die, admin):
    put(registry, admin)
    assert die("register", "after commit", 0)
    assert [version.number for version in registry.versions("income", by=admin)] == [1, 2]
    assert registry.verify("income:2", by=admin).is_sound
    assert vault.sweep(named=registry.sealed_objects, idle_seconds=0) == Swept(objects=0, fragments=0)
    assert ledger.verify().is_sound


@pytest.mark.parametrize(("place", "after", "dossiers"), [("sync", 3, 1), ("before commit", 0, 1), ("after commit", 0, 2)])
def test_a_power_cut_while_attaching_leaves_a_whole_dossier_or_none(registry, ledger, die, admin, place, after, dossiers):
    version = put(registry, admin)
    assert die("attach", place, after)
    assert registry.dossier(version).sequence == dossiers
    assert registry.verify("income:1", by=admin).is_sound
    assert ledger.verify().is_sound
    registry.open(version)


def test_a_power_cut_while_exporting_leaves_no_folder_that_looks_whole(home, registry, die, admin):
    put(registry, admin)
    assert die("export", "sync", 3)
    assert not (home.parent / "exported").exists()
    assert not die("export", "sync", 10**6)
    assert (home.parent / "exported" / "model.sig").is_file()
