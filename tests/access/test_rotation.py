# SPDX-License-Identifier: Apache-2.0
"""The master key is replaced under everything that is sealed: nothing is lost, whatever happens meanwhile."""

from __future__ import annotations

import io
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from modelward.access import NotPermittedError, Role, Rotation, RotationUnfinishedError
from modelward.access.actor import Actor
from modelward.audit import Ledger
from modelward.storage import (
    OBJECT_STORES,
    Database,
    DatabaseBusyError,
    Keyring,
    KeyringInUseError,
    MasterKeyMissingError,
    NoSpaceError,
    Vault,
)
from storage.first_layout import put_first

LABELS = [f"version income:{number} model.onnx" for number in range(1, 8)]


class House:
    """The rooms that a rotation stands on, as a process has them that opened a home."""

    def __init__(self, home):
        self.keyring, self.database = Keyring.open(home / "keys.json"), Database.in_file(home / "modelward.db")
        self.objects = OBJECT_STORES.load("file")((home / "objects").as_uri())
        self.vault = Vault(self.objects, self.keyring, self.database)
        self.ledger = Ledger(self.database, self.keyring, anchor=home / "ledger.checkpoint")
        self.named: dict[str, str] = {}
        self.rotation = Rotation(self.database, self.ledger, self.keyring, self.vault, named=lambda _: self.named)

    def put(self, label, *, first=False):
        data = label.encode() * 50
        if first:
            digest = put_first(self.objects, data, label=label, keyring=self.keyring)
        else:
            digest = self.vault.put(io.BytesIO(data), label=label)
        self.named[digest] = label
        return digest

    def opens(self, named=None):
        return all(self.vault.read(digest, label=label) == label.encode() * 50 for digest, label in (named or self.named).items())


@pytest.fixture
def house(home, ledger, database):
    """Seven objects, three of the first layout, and the key of a checkpoint."""
    made = House(home)
    for place, label in enumerate(LABELS):
        made.put(label, first=place < 3)
    made.checkpoint = made.vault.sealer("checkpoint run-1 mlp")
    yield made
    made.database.close()


def rows(home, statement):
    with sqlite3.connect(home / "modelward.db") as raw:
        found = raw.execute(statement).fetchall()
    raw.close()
    return found


def events(house):
    return [(e.entry.event, e.entry.facts) for e in house.ledger.entries(newest_first=False) if e.entry.event.startswith("master.")]


def test_another_master_key_wraps_everything_and_the_one_before_is_gone(house, home, admin):
    before, sealed = (
        house.keyring.current,
        {digest: (home / "objects" / digest[:2] / digest).read_bytes() for digest in house.named},
    )
    made = house.rotation.rotate(by=admin)
    assert (made.before, made.rewrapped) == ((before,), 8)
    assert Keyring.open(home / "keys.json").masters == (made.master,)
    assert rows(home, "SELECT DISTINCT master FROM data_keys") == [(made.master,)]
    assert rows(home, "SELECT count(*) FROM data_keys") == [(8,)]
    assert house.opens()
    assert House(home).opens(house.named)
    assert House(home).vault.sealer("checkpoint run-1 mlp") == house.checkpoint
    assert sealed == {digest: (home / "objects" / digest[:2] / digest).read_bytes() for digest in house.named}, "rows only"
    facts = {"to": made.master, "from": [before]}
    assert events(house) == [("master.rotating", facts), ("master.rotated", facts | {"rewrapped": 8})]
    again = house.rotation.rotate(by=admin)
    assert again.before == (made.master,)
    assert house.opens()


def test_a_process_that_opened_the_home_before_goes_on_reading_and_writing(house, home, admin):
    running = House(home)
    assert running.opens(house.named)
    made = house.rotation.rotate(by=admin)
    assert running.keyring.current != made.master, "it has the old keyring in memory"
    assert running.opens(house.named)
    written = House(home)
    house.rotation.rotate(by=admin)
    digest = written.put("version income:9 model.onnx")
    assert rows(home, f"SELECT master FROM data_keys WHERE object = '{digest}'") == [(house.keyring.current,)]
    assert House(home).opens(written.named)


def test_who_seals_between_the_keyring_and_the_database_is_not_turned_away(house, home, admin):
    writer = House(home)
    house.rotation.rotate(by=admin)
    house.keyring.add_master()
    digest = writer.put("version income:9 model.onnx")
    assert rows(home, f"SELECT master FROM data_keys WHERE object = '{digest}'") == [(house.keyring.current,)]
    house.named |= writer.named
    house.rotation.rotate(by=admin)
    assert House(home).opens(writer.named)
    assert house.opens()


def test_what_is_sealed_while_master_keys_rotate_opens_after_it(house, home, admin):
    stop, writer = threading.Event(), House(home)

    def write():
        number = 100
        while not stop.is_set():
            writer.put(f"version income:{number} model.onnx")
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(4):
            house.rotation.rotate(by=admin)
    finally:
        stop.set()
        thread.join()
    assert writer.named
    assert House(home).opens(house.named | writer.named)
    assert len(Keyring.open(home / "keys.json").masters) == 1


# The process kills itself before, or after, the call of that number of a function that every step passes.
KILLED = """
import os, pathlib, signal, sys
sys.path.insert(0, {tests!r})
import sqlalchemy as sa
from access.test_rotation import House, LABELS
from modelward.access import local_actor

house, place, after = House(pathlib.Path({home!r})), sys.argv[1], int(sys.argv[2])
house.named = {named!r}
calls = 0

def dying(real, late=False, only=None):
    def call(*given, **more):
        global calls
        counts = only is None or only in given
        calls += counts
        if counts and calls == after and not late:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*given, **more)
        if counts and calls == after and late:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return call

if place == "sync":
    os.fsync = dying(os.fsync)
elif place == "rename":
    pathlib.Path.replace = dying(pathlib.Path.replace)
elif place == "renamed":
    pathlib.Path.replace = dying(pathlib.Path.replace, late=True)
elif place == "commit":
    sa.Connection.exec_driver_sql = dying(sa.Connection.exec_driver_sql, only="COMMIT")
elif place == "committed":
    sa.Connection.exec_driver_sql = dying(sa.Connection.exec_driver_sql, late=True, only="COMMIT")
elif place == "row":
    sa.Connection.execute = dying(sa.Connection.execute)
house.rotation.rotate(by=local_actor())
"""
MOMENTS = [
    *(("sync", number) for number in (1, 2, 4)),
    *((place, number) for place in ("rename", "renamed") for number in (1, 2)),
    *((place, number) for place in ("commit", "committed") for number in (1, 3, 5, 6)),
    *(("row", number) for number in (1, 6, 12)),
]


@pytest.mark.parametrize(("place", "number"), MOMENTS)
def test_a_kill_at_any_moment_loses_nothing_and_the_next_rotation_finishes(house, home, admin, request, place, number):
    script = KILLED.format(home=str(home), tests=str(request.config.rootpath / "tests"), named=house.named)
    ended = subprocess.run([sys.executable, "-c", script, place, str(number)], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    left = House(home)
    assert left.opens(house.named)
    assert left.vault.sealer("checkpoint run-1 mlp") == house.checkpoint
    # One that is being replaced neither: a process of before and one of after may both write.
    digest = left.put("version income:20 model.onnx")
    house.named |= {digest: "version income:20 model.onnx"}
    assert house.opens()
    made = house.rotation.rotate(by=admin)
    assert House(home).keyring.masters == (made.master,)
    assert House(home).opens(house.named)
    assert "m1" not in {master for (master,) in rows(home, "SELECT master FROM data_keys")}
    assert house.ledger.verify().is_sound
    assert events(house)[-1][0] == "master.rotated"


def test_one_that_was_cut_off_goes_on_with_the_master_key_it_had_made(house, home, admin, request):
    script = KILLED.format(home=str(home), tests=str(request.config.rootpath / "tests"), named=house.named)
    subprocess.run([sys.executable, "-c", script, "commit", "3"], check=False)
    between = Keyring.open(home / "keys.json")
    assert len(between.masters) == 2
    assert House(home).rotation is not None
    assert house.rotation.rotate(by=admin).master == between.current
    assert [event for event, _ in events(house)] == ["master.rotating", "master.rotated"]


def test_two_at_once_do_not_get_in_each_others_way(house, home, admin):
    other = House(home)
    with house.keyring.turning(), pytest.raises(KeyringInUseError, match="already"):
        other.rotation.rotate(by=admin)
    assert len(Keyring.open(home / "keys.json").masters) == 1
    other.named = house.named
    other.rotation.rotate(by=admin)
    assert house.opens()


@contextmanager
def no_file_longer_than(size_bytes):
    """As a full disk: nobody can write more into a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    held = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, held)


@pytest.mark.parametrize("room", ["none", "for the keyring alone"])
def test_a_full_disk_loses_nothing_and_the_same_again_finishes(house, home, admin, room):
    # The write-ahead log is longer than the keyring, which is what fits.
    limit = 10 if room == "none" else (home / "keys.json").stat().st_size + 500
    with no_file_longer_than(limit), pytest.raises((NoSpaceError, DatabaseBusyError, OSError)):
        house.rotation.rotate(by=admin)
    assert House(home).opens(house.named)
    made = House(home)
    made.named = house.named
    assert len(made.keyring.masters) == (1 if room == "none" else 2)
    made.rotation.rotate(by=admin)
    assert House(home).opens(house.named)
    assert len(Keyring.open(home / "keys.json").masters) == 1


@pytest.mark.parametrize("fault", ["a missing object", "a changed object", "a changed row"])
def test_where_a_key_cannot_be_unwrapped_the_master_key_before_stays(house, home, admin, fault):
    first, last = next(iter(house.named)), list(house.named)[-1]
    file, before = home / "objects" / first[:2] / first, house.keyring.current
    kept, row = file.read_bytes(), rows(home, f"SELECT hex(wrapped) FROM data_keys WHERE object = '{last}'")[0][0]
    if fault == "a missing object":
        file.unlink()
    elif fault == "a changed object":
        file.write_bytes(kept[:-1] + b"?")
    else:
        rows(home, f"UPDATE data_keys SET wrapped = x'{row[:-2]}00' WHERE object = '{last}'")
    with pytest.raises(RotationUnfinishedError, match=f"{before} stays in the keyring"):
        house.rotation.rotate(by=admin)
    assert set(Keyring.open(home / "keys.json").masters) == {before, house.keyring.current}
    assert House(home).opens({digest: label for digest, label in house.named.items() if digest not in (first, last)})
    file.write_bytes(kept)
    rows(home, f"UPDATE data_keys SET wrapped = x'{row}' WHERE object = '{last}' AND master = '{before}'")
    house.rotation.rotate(by=admin)
    assert House(home).opens(house.named)
    assert before not in Keyring.open(home / "keys.json").masters


def test_an_older_database_is_dead_once_the_master_key_of_its_time_is_gone(house, home, admin):
    """A copy of the database holds the wrapped keys of its time. As long as the master key is there, they open; then no more."""
    digest, label = next((digest, label) for digest, label in house.named.items() if label == LABELS[-1])
    house.database.copy_to(home / "backup.db")
    with house.database.change() as connection:
        house.vault.shred(connection, {digest: label})
    before = Vault(house.objects, house.keyring, Database.in_file(home / "backup.db"))
    assert before.read(digest, label=label), "as long as the master key is there"
    del house.named[digest]
    house.rotation.rotate(by=admin)
    with pytest.raises(MasterKeyMissingError, match="'m1'"):
        Vault(house.objects, Keyring.open(home / "keys.json"), Database.in_file(home / "backup.db")).read(digest, label=label)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_an_administrator_rotates_it(house, home, role):
    with pytest.raises(NotPermittedError, match="keys:manage"):
        house.rotation.rotate(by=Actor("person:eve", "eve", role))
    assert Keyring.open(home / "keys.json").masters == ("m1",)


def test_nobody_of_a_tenant_rotates_the_key_of_the_whole_house(house, home):
    with pytest.raises(NotPermittedError, match="whole house"):
        house.rotation.rotate(by=Actor("person:north-ada", "north-ada", Role.ADMINISTRATOR, tenant="north"))
    assert Keyring.open(home / "keys.json").masters == ("m1",)


def test_a_keyring_under_a_guard_rotates_without_asking_again(home, ledger, database, admin, tmp_path, monkeypatch):
    from modelward.access import Custody
    from modelward.storage import Means
    from modelward.storage.guards import passphrase

    monkeypatch.setattr(passphrase, "_MEMORY_KIB", 8 << 10)
    words = tmp_path / "words"
    words.write_text("six words drawn at random")
    words.chmod(0o600)
    house = House(home)
    house.put(LABELS[0])
    Custody(house.database, house.ledger, house.keyring).put_under("passphrase", Means(passphrase_file=words), by=admin)
    words.unlink()
    house.rotation.rotate(by=admin)
    assert house.opens()
