# SPDX-License-Identifier: Apache-2.0
"""A backup is the whole home but its keyring, and comes back whole or not at all."""

import errno
import io
import shutil
import tarfile
import threading
from pathlib import Path

import msgspec
import pytest

from modelward.access import Actor, NotPermittedError, Role, local_actor
from modelward.app import (
    BackupMissingError,
    BackupOvertakenError,
    BackupTakenError,
    BackupUnusableError,
    HomeExistsError,
    RestorePlaceError,
    back_up,
    create_home,
    open_platform,
    restore,
)
from modelward.errors import InvalidError
from modelward.settings import Settings
from modelward.storage import Keyring, KeyringMissingError, Means, NoSpaceError, SealBrokenError, as_stream, seal
from training.house import people

CANARY = "Hintertupfingen"
ME = local_actor()


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> tuple[Settings, Path]:
    """A home with a dataset, and a backup of it."""
    folder = tmp_path_factory.mktemp("kept")
    settings = Settings(home=folder / ".modelward")
    create_home(settings)
    platform = open_platform(settings)
    try:
        table = folder / "people.csv"
        table.write_text(people(200).replace("north", CANARY))
        platform.datasets.add("people", [table], target="grant", purpose="tests", owner="social-affairs", by=ME)
        table.unlink()
        back_up(platform, folder / "monday.backup", by=ME)
    finally:
        platform.close()
    return settings, folder / "monday.backup"


def elsewhere(folder: Path, kept: Settings) -> Settings:
    """A place for a home whose keyring lies beside it."""
    shutil.copy2(kept.keyring_path, folder / "keys.json")
    return Settings(home=folder / "home", keys=str(folder / "keys.json"))


def nothing_is_left(folder: Path, *but: str) -> bool:
    return {file.name for file in folder.iterdir()} == {"keys.json", *but}


def test_the_one_time_token_of_the_first_administrator_does_not_come_back_and_another_is_given(kept, tmp_path):
    settings, file = kept
    assert (settings.home / "administrator.token").is_file()
    place = elsewhere(tmp_path, settings)
    restore(place, file)
    assert not (place.home / "administrator.token").exists()
    there = open_platform(place)
    try:
        invited = there.access.invite("admin", by=there.access.owner())
        assert there.access.sign_in(invited.token).actor.id == "person:admin"
    finally:
        there.close()


def test_a_home_comes_back_as_it_was(kept, tmp_path):
    settings, file = kept
    told = []
    made = restore(elsewhere(tmp_path, settings), file, heard=lambda done, of: told.append((done, of)))
    assert made.objects >= 2
    assert told[-1] == (made.objects, made.objects)
    here, there = open_platform(settings), open_platform(Settings(home=tmp_path / "home", keys=str(tmp_path / "keys.json")))
    try:
        assert there.datasets.table("people", by=ME).equals(here.datasets.table("people", by=ME))
        assert there.ledger.verify().is_sound
        entries = there.ledger.entries(newest_first=False)
        assert [logged.entry for logged in entries[: made.entries]] == [
            logged.entry for logged in here.ledger.entries(newest_first=False)[: made.entries]
        ]
        assert entries[made.entries - 1].entry.event == "backup.taken"
        assert entries[made.entries].entry.event == "backup.restored"
    finally:
        here.close()
        there.close()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert nothing_is_left(tmp_path, "home")


def test_a_keyring_may_lie_in_the_home_that_is_restored(kept, tmp_path):
    settings, file = kept
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy2(settings.keyring_path, home / "keys.json")
    restore(Settings(home=home), file)
    platform = open_platform(Settings(home=home))
    assert platform.datasets.show("people", by=ME).rows == 200
    platform.close()
    assert (home / "keys.json").stat().st_mode & 0o777 == 0o600
    assert [place.name for place in tmp_path.iterdir()] == ["home"]


def test_a_guarded_keyring_is_asked_for_once(kept, tmp_path):
    settings, file = kept
    there = elsewhere(tmp_path, settings)
    asked = []

    def ask(question: str) -> str:
        asked.append(question)
        return "six words drawn at random"

    Keyring.open(there.keyring_path).move("passphrase", Means(ask=ask))
    asked.clear()
    restore(there, file, means=Means(ask=ask))
    assert len(asked) == 1
    open_platform(there, means=Means(ask=ask)).close()


def test_nothing_readable_lies_in_a_backup(kept):
    settings, file = kept
    raw, keyring = file.read_bytes(), settings.keyring_path.read_bytes()
    for word in (CANARY.encode(), b"people", b"SQLite", b"social-affairs"):
        assert word not in raw
    platform = open_platform(settings)
    assert CANARY in platform.datasets.table("people", by=ME).write_csv()
    platform.close()
    assert keyring[40:80] not in raw
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("where", [0, 10, 40, 200, 5000, -17, -1])
def test_a_changed_byte_restores_nothing(kept, tmp_path, where):
    settings, file = kept
    raw = bytearray(file.read_bytes())
    raw[where] ^= 1
    (tmp_path / "changed").write_bytes(raw)
    with pytest.raises(SealBrokenError):
        restore(elsewhere(tmp_path, settings), tmp_path / "changed")
    assert nothing_is_left(tmp_path, "changed")


@pytest.mark.parametrize("kept_bytes", [0, 7, 100, 1 << 16, -1])
def test_a_backup_that_was_cut_off_restores_nothing(kept, tmp_path, kept_bytes):
    settings, file = kept
    (tmp_path / "cut").write_bytes(file.read_bytes()[:kept_bytes])
    with pytest.raises(SealBrokenError):
        restore(elsewhere(tmp_path, settings), tmp_path / "cut")
    assert nothing_is_left(tmp_path, "cut")


def test_another_keyring_opens_no_backup(kept, tmp_path):
    _, file = kept
    create_home(Settings(home=tmp_path / "other", keys=str(tmp_path / "keys.json")))
    shutil.rmtree(tmp_path / "other")
    with pytest.raises(SealBrokenError, match="another keyring"):
        restore(Settings(home=tmp_path / "home", keys=str(tmp_path / "keys.json")), file)
    assert nothing_is_left(tmp_path)


def test_without_a_keyring_nothing_is_restored(kept, tmp_path):
    with pytest.raises(KeyringMissingError, match="cannot be read without it"):
        restore(Settings(home=tmp_path / "home"), kept[1])
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_there_is_left_as_it_is(kept):
    settings, file = kept
    before = sorted((place.name, place.stat().st_mtime_ns) for place in settings.home.iterdir())
    with pytest.raises(HomeExistsError, match="left as it is"):
        restore(settings, file)
    assert sorted((place.name, place.stat().st_mtime_ns) for place in settings.home.iterdir()) == before


def test_a_file_that_is_there_is_not_overwritten(kept):
    settings, file = kept
    platform, before = open_platform(settings), file.read_bytes()
    with pytest.raises(BackupTakenError):
        back_up(platform, file, by=ME)
    with pytest.raises(InvalidError, match="no folder"):
        back_up(platform, file.parent / "nowhere" / "monday.backup", by=ME)
    platform.close()
    assert file.read_bytes() == before


def test_there_must_be_a_backup_and_one_place_for_it(kept, tmp_path):
    settings = elsewhere(tmp_path, kept[0])
    with pytest.raises(BackupMissingError):
        restore(settings, tmp_path / "none")
    with pytest.raises(RestorePlaceError, match="one folder"):
        restore(msgspec.structs.replace(settings, objects_url=(tmp_path / "objects").as_uri()), kept[1])
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_an_administrator_takes_backups(kept, tmp_path, role):
    platform = open_platform(kept[0])
    with pytest.raises(NotPermittedError):
        back_up(platform, tmp_path / "mine", by=Actor("person:eve", "eve", role))
    platform.close()
    assert list(tmp_path.iterdir()) == []


def archive(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return sink.getvalue()


ABOUT = {"version": 1, "origin": "x", "entries": 1, "objects": 0}


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"no archive" * 200,
        archive(),
        archive(**{"about.json": b"{}"}),
        archive(**{"about.json": msgspec.json.encode(ABOUT | {"version": 2})}),
        archive(**{"modelward.db": b""}),
        archive(**{"about.json": msgspec.json.encode(ABOUT), "..__..__escaped": b"x"}),
        archive(**{"about.json": msgspec.json.encode(ABOUT), "objects__../../escaped": b"x"}),
        archive(**{"about.json": msgspec.json.encode(ABOUT | {"objects": 1}), "objects__" + "0" * 64: b"x"}),
        archive(**{"about.json": msgspec.json.encode(ABOUT | {"objects": 1})}),
    ],
)
def test_what_is_sealed_and_no_home_restores_nothing(kept, tmp_path, plain):
    settings = elsewhere(tmp_path, kept[0])
    sealed = b"".join(seal(io.BytesIO(plain), label="backup", keyring=Keyring.open(settings.keyring_path)))
    (tmp_path / "odd").write_bytes(sealed)
    with pytest.raises(BackupUnusableError):
        restore(settings, tmp_path / "odd")
    assert nothing_is_left(tmp_path, "odd")
    assert not (tmp_path.parent / "escaped").exists()


def test_a_home_is_backed_up_while_it_is_in_use(kept, tmp_path):
    settings = kept[0]
    platform, writer = open_platform(settings), open_platform(settings)
    enough = threading.Event()

    def keep_writing() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            writer.access.create_key(f"{tmp_path.name[-30:].strip('-').replace('_', '-')}-{number}", role=Role.CALLER, by=ME)

    thread = threading.Thread(target=keep_writing)
    thread.start()
    try:
        taken = [back_up(platform, tmp_path / f"{number}.backup", by=ME) for number in range(3)]
    finally:
        enough.set()
        thread.join()
        writer.close()
        platform.close()
    for number, each in enumerate(taken):
        place = tmp_path / str(number)
        place.mkdir()
        restored = restore(elsewhere(place, settings), Path(each.path))
        assert (restored.entries, restored.objects) == (each.entries, each.objects)
    assert taken[0].entries < taken[1].entries < taken[2].entries


def test_an_object_that_goes_away_meanwhile_leaves_no_backup(kept, tmp_path):
    settings = kept[0]
    platform = open_platform(settings)
    with platform.database.look() as connection:
        digest = sorted(platform.sealed_objects(connection))[-1]
    place = settings.home / "objects" / digest[:2] / digest
    aside = place.rename(tmp_path / digest)
    try:
        with pytest.raises(BackupOvertakenError, match="modelward doctor"):
            back_up(platform, tmp_path / "monday.backup", by=ME)
    finally:
        aside.rename(place)
        platform.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_backup_and_no_home(kept, tmp_path, monkeypatch):
    settings, file = elsewhere(tmp_path, kept[0]), kept[1]
    platform = open_platform(kept[0])

    def full(*_arguments: object, **_named: object) -> bytes:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr("modelward.app.backup.seal", lambda *_a, **_n: (full() for _ in range(1)))
        with pytest.raises(NoSpaceError):
            back_up(platform, tmp_path / "monday.backup", by=ME)
    platform.close()
    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfileobj", full)
        with pytest.raises(NoSpaceError):
            restore(settings, file)
    assert nothing_is_left(tmp_path)


def test_pieces_are_read_as_a_stream():
    assert as_stream(iter([b"", b"ab", b"", b"cde"])).read() == b"abcde"
