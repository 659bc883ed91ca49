# SPDX-License-Identifier: Apache-2.0
"""Backups: a whole home but its keyring, as one sealed file, taken while the home is in use.

The file is one sealed stream (see `modelward.storage.encryption`) of a tar archive: the database as it stood at one moment, every
sealed object that its rows name, the ledger's checkpoint. The keyring is not in it: whoever finds a backup finds nothing readable,
and whoever restores one needs the keyring that made it.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from modelward.access import Actor, Permission, local_actor
from modelward.app.home import ANCHOR_FILE, HomeExistsError
from modelward.app.platform import Platform, object_store, open_platform
from modelward.audit import Event, Ledger
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from modelward.settings import Settings
from modelward.storage import (
    Database,
    Keyring,
    Means,
    NoSpaceError,
    ObjectStore,
    as_stream,
    is_full,
    new_file,
    passing_folder,
    seal,
    unseal,
)

BACKUP_TAKEN: Final = Event("backup.taken", "A backup of the home was begun; it holds the home as it stood right after this entry.")
BACKUP_RESTORED: Final = Event("backup.restored", "A home was made out of a backup; what is before this entry is what that held.")

_LABEL = "backup"
_DATABASE = "modelward.db"
_OBJECTS = "objects/"
_ABOUT = "about.json"
_ABOUT_LIMIT_BYTES = 1 << 16
_BLOCK_BYTES = 512
_CHUNK_BYTES = 1 << 20
Heard = Callable[[int, int], None]
"""Told how many sealed objects are done, of how many."""


class BackupTakenError(ConflictError):
    """A file is there already; no backup is overwritten."""


class BackupMissingError(NotFoundError):
    """No backup lies there."""


class BackupOvertakenError(ConflictError):
    """Something was shredded or removed while it was being backed up."""


class BackupUnusableError(RefusedError):
    """What was unsealed is no whole home."""


class RestorePlaceError(InvalidError):
    """A home cannot be restored to where the settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds: the ledger's entries, sealed objects, and bytes of the file."""

    path: str
    origin: str
    entries: int
    objects: int
    size_bytes: int


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    origin: str
    entries: int
    objects: int


def back_up(platform: Platform, file: Path, *, by: Actor, heard: Heard = lambda _done, _of: None) -> Backup:
    """Write the home as it stands now into the new file `file`, sealed; who uses the home goes on meanwhile.

    Raises:
        NotPermittedError: `by` lacks keys:manage. BackupTakenError: something is there. BackupOvertakenError: an object went away
        meanwhile. NoSpaceError: it did not fit. Whatever is raised, no file is left behind.
    """
    by.require(Permission.KEYS_MANAGE)
    by.require_house()
    file = file.expanduser().absolute()
    if file.exists():
        raise BackupTakenError(f"{file} is there already, and is not overwritten. Name a new file.")
    if not file.parent.is_dir():
        raise InvalidError(f"There is no folder {file.parent}. Make it, or name a file elsewhere.")
    with platform.database.change() as connection:
        platform.ledger.record(connection, BACKUP_TAKEN, actor=by.id, subject="home", facts={})
    try:
        with passing_folder() as folder, new_file(file) as sink:
            about, members = _contents(platform, folder)
            for piece in seal(as_stream(_archive(about, members, heard)), label=_LABEL, keyring=platform.keyring):
                sink.write(piece)
    except OSError as fault:
        if is_full(fault):
            raise NoSpaceError(f"No space left for a backup at {file}. No file is left there. Free some and try again.") from fault
        raise
    return Backup(path=str(file), origin=about.origin, entries=about.entries, objects=about.objects, size_bytes=file.stat().st_size)


def restore(settings: Settings, file: Path, *, means: Means | None = None, heard: Heard = lambda _done, _of: None) -> Backup:
    """Make the home that the settings name out of a backup, with the keyring that the settings name, and prove it whole.

    Raises:
        HomeExistsError: something is there. BackupMissingError. SealBrokenError: the file was changed or cut off, or the keyring is
        another. BackupUnusableError: it holds no whole home. Whatever is raised, nothing is left behind.
    """
    if settings.database_url or settings.objects_url:
        raise RestorePlaceError(
            "A backup is restored into one folder: unset MODELWARD_DATABASE_URL and MODELWARD_OBJECTS_URL, restore, and then move "
            "the database and the objects to where they should lie."
        )
    home = settings.home
    keyring = Keyring.open(settings.keyring_path, means or Means.of(settings))
    # It is opened once more when the home is proved whole; nobody is asked again, and an inherited descriptor is read once.
    means = Means(key=keyring.handed_key)
    _check_place(settings)
    if not file.is_file():
        raise BackupMissingError(f"No backup lies at {file}. Name the file that `modelward backup` wrote.")
    home.parent.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=f".{home.name[:50]}.", dir=home.parent))
    try:
        about = _unpack(file, incoming, keyring, heard)
        if settings.keyring_path.parent == home:
            with new_file(incoming / settings.keyring_path.name) as copy:
                copy.write(settings.keyring_path.read_bytes())
        _prove(msgspec.structs.replace(settings, home=incoming, keys=""), about, keyring_path=settings.keyring_path, means=means)
        _move_in(incoming, home)
    except OSError as fault:
        if is_full(fault):
            raise NoSpaceError(f"No space left under {home.parent}. Nothing was restored. Free some and try again.") from fault
        raise
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return Backup(path=str(home), origin=about.origin, entries=about.entries, objects=about.objects, size_bytes=file.stat().st_size)


def _contents(platform: Platform, folder: Path) -> tuple[_About, Iterator[tuple[str, int, BinaryIO]]]:
    """What is in the backup, and its parts: name, bytes, and a stream of them."""
    copy = folder / _DATABASE
    platform.database.copy_to(copy)
    database = Database.in_file(copy)
    try:
        with database.look() as connection:
            named = sorted(platform.sealed_objects(connection))
        # Of the copy: the ledger itself may have grown since.
        head = Ledger(database, platform.keyring, anchor=folder / ANCHOR_FILE).head()
    finally:
        database.close()
    about = _About(1, head.origin, head.size, len(named))

    def members() -> Iterator[tuple[str, int, BinaryIO]]:
        yield _DATABASE, copy.stat().st_size, copy.open("rb")
        anchor = head.text.encode()
        yield ANCHOR_FILE, len(anchor), as_stream(iter([anchor]))
        for digest in named:
            yield f"{_OBJECTS}{digest}", *_object(platform.objects, digest)

    return about, members()


def _object(store: ObjectStore, digest: str) -> tuple[int, BinaryIO]:
    try:
        stream = store.open(digest)
    except NotFoundError as gone:
        raise BackupOvertakenError(
            f"Object {digest[:16]}… went away while the home was being backed up. No backup was written. Run it again; if that "
            "does not help, `modelward doctor` lists what is missing."
        ) from gone
    size = stream.seek(0, 2)
    stream.seek(0)
    return size, stream


def _archive(about: _About, members: Iterator[tuple[str, int, BinaryIO]], heard: Heard) -> Iterator[bytes]:
    """A tar archive in pieces, so that it never lies anywhere in the clear."""
    head = msgspec.json.encode(about)
    yield from _member(_ABOUT, len(head), as_stream(iter([head])))
    done = 0
    for name, size, stream in members:
        with stream:
            yield from _member(name, size, stream)
        if name.startswith(_OBJECTS):
            done += 1
            heard(done, about.objects)
    yield bytes(2 * _BLOCK_BYTES)


def _member(name: str, size: int, stream: BinaryIO) -> Iterator[bytes]:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    yield entry.tobuf(tarfile.PAX_FORMAT)
    left = size
    while left and (chunk := stream.read(min(_CHUNK_BYTES, left))):
        left -= len(chunk)
        yield chunk
    if left:
        raise BackupOvertakenError("A file became shorter while it was being backed up. No backup was written. Run it again.")
    yield bytes(-size % _BLOCK_BYTES)


def _unpack(file: Path, into: Path, keyring: Keyring, heard: Heard) -> _About:
    """Everything in the backup, each part where it belongs. Nothing is used before the last byte proved authentic."""
    about, done = None, 0
    store = object_store(Settings(home=into))
    with file.open("rb") as sealed, _whole(), ExitStack() as stack:
        plain = stack.enter_context(as_stream(unseal(sealed, label=_LABEL, keyring=keyring)))
        archive = stack.enter_context(tarfile.open(fileobj=plain, mode="r|"))
        for entry in archive:
            part = archive.extractfile(entry) if entry.isreg() else None
            if part is None:
                raise _unusable()
            if entry.name == _ABOUT and about is None and entry.size <= _ABOUT_LIMIT_BYTES:
                about = _read_about(part.read())
            elif about and entry.name in (_DATABASE, ANCHOR_FILE):
                with (into / entry.name).open("xb") as sink:
                    shutil.copyfileobj(part, sink, _CHUNK_BYTES)
            elif about and entry.name.startswith(_OBJECTS):
                if store.put(cast(BinaryIO, part)) != entry.name.removeprefix(_OBJECTS):
                    raise _unusable()
                done += 1
                heard(done, about.objects)
            else:
                raise _unusable()
        while plain.read(_CHUNK_BYTES):
            continue
    if about is None or done != about.objects:
        raise _unusable()
    return about


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as wrong:
        raise _unusable() from wrong


def _read_about(raw: bytes) -> _About:
    try:
        about = msgspec.json.decode(raw, type=_About)
    except msgspec.DecodeError as wrong:
        raise _unusable() from wrong
    if about.version != 1:
        raise _unusable()
    return about


def _prove(settings: Settings, about: _About, *, keyring_path: Path, means: Means | None) -> None:
    """The restored home opens, its ledger is sound, and no object is missing; that it was restored is on record in it."""
    platform = open_platform(msgspec.structs.replace(settings, keys=str(keyring_path)), means=means)
    try:
        found = platform.ledger.verify()
        with platform.database.look() as connection:
            missing = [digest for digest in platform.sealed_objects(connection) if not platform.vault.holds(digest)]
        if not found.is_sound or missing or found.size < about.entries:
            raise _unusable()
        with platform.database.change() as connection:
            by = local_actor()
            platform.ledger.record(connection, BACKUP_RESTORED, actor=by.id, subject="home", facts={"entries": about.entries})
    finally:
        platform.close()


def _check_place(settings: Settings) -> None:
    home = settings.home
    there = {file.name for file in home.iterdir()} if home.is_dir() else set()
    if home.exists() and there - {settings.keyring_path.name if settings.keyring_path.parent == home else ""}:
        raise HomeExistsError(
            f"Something lies at {home} already. It is left as it is. Name a new folder with --home; if the keyring should lie in "
            "it, put that alone into it first."
        )


def _move_in(incoming: Path, home: Path) -> None:
    """The restored home takes its place as a whole. What was there, the keyring at most, goes last, for a copy of it is inside."""
    incoming.chmod(0o700)
    before = incoming.with_name(f"{incoming.name}.before")
    if home.exists():
        home.rename(before)
    try:
        incoming.rename(home)
    except BaseException:
        if before.exists():
            before.rename(home)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _unusable() -> BackupUnusableError:
    return BackupUnusableError(
        "The backup holds no whole home. Nothing was restored. Take another backup, or restore an older one."
    )
