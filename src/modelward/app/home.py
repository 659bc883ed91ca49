# SPDX-License-Identifier: Apache-2.0
"""The folder of a home: how one is made, whatever cuts the making off, and what lies in it."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from modelward.access import Access, Role, local_actor
from modelward.audit import Ledger
from modelward.errors import ConflictError, InvalidError, PrerequisiteError
from modelward.settings import Settings
from modelward.storage import Database, FolderTakenError, Keyring, Means, NoSpaceError, cut_off, is_full, replace_durably

ADMINISTRATOR = "admin"
INVITATION_FILE = "administrator.token"
ANCHOR_FILE = "ledger.checkpoint"
_UNFINISHED = "unfinished"


class HomeMissingError(PrerequisiteError):
    """There is no home where the settings say it is."""


class HomeUnfinishedError(PrerequisiteError):
    """The making of the home was cut off."""


class HomeExistsError(ConflictError):
    """A home is there already."""


class HomeUnusableError(InvalidError):
    """No home can be made in that place."""


@dataclass(frozen=True, slots=True)
class NewHome:
    """A home just made: where it is, and where the administrator's one-time token lies (mode 0600)."""

    path: Path
    invitation: Path


def check_home(home: Path) -> None:
    """Nothing, where a whole home is.

    Raises:
        HomeMissingError: there is none. HomeUnfinishedError: its making was cut off.
    """
    if not home.is_dir():
        raise HomeMissingError(f"No home at {home}. Run `modelward init`, or name one with --home or MODELWARD_HOME.")
    if (home / _UNFINISHED).exists():
        raise HomeUnfinishedError(f"The making of the home at {home} was cut off. Run `modelward init --home {home}` to finish it.")


def create_home(settings: Settings, *, means: Means | None = None) -> NewHome:
    """Make a home: keyring, database, ledger, and an administrator who signs in with a one-time token.

    A making that was cut off, at whatever moment, is taken up where it stopped.

    Raises:
        HomeExistsError: a whole home is there; it is left as it is. FolderTakenError: the folder holds other things.
        HomeUnusableError, NoSpaceError: nothing can be written there.
    """
    try:
        with _making(settings.home):
            return _furnish(settings, means)
    except OSError as fault:
        if is_full(fault):
            raise NoSpaceError(f"No space left for a home at {settings.home}. Free some and run `modelward init` again.") from fault
        raise HomeUnusableError(f"No home can be made at {settings.home}: {fault.strerror}. Name another folder.") from fault


@contextmanager
def _making(home: Path) -> Iterator[None]:
    """The folder of a home that is being made: ours alone meanwhile, private, and marked until everything is in it."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Released with the handle, so also by a kill.
        fcntl.flock(handle, fcntl.LOCK_EX)
        _must_be_free(home)
        # What `mkdir` gives depends on the umask, and on who made the folder.
        home.chmod(0o700)
        (home / _UNFINISHED).touch(mode=0o600)
        os.fsync(handle)
        yield
        (home / _UNFINISHED).unlink()
        os.fsync(handle)
    finally:
        os.close(handle)


def _must_be_free(home: Path) -> None:
    there = {file.name for file in home.iterdir()}
    if not there or _UNFINISHED in there:
        return
    if ANCHOR_FILE in there or INVITATION_FILE in there:
        raise HomeExistsError(f"A home is at {home} already. It is left as it is.")
    raise FolderTakenError(f"The folder {home} holds other things. Name a new one.")


def _furnish(settings: Settings, means: Means | None) -> NewHome:
    """Put everything into the home that is not there yet."""
    path, actor = settings.keyring_path, local_actor()
    for file in half_written(settings):
        file.unlink()
    keyring = Keyring.open(path, means or Means.of(settings)) if path.exists() else Keyring.create(path, secrets=_new_secrets())
    database = open_database(settings)
    try:
        database.create_tables()
        ledger = Ledger(database, keyring, anchor=settings.home / ANCHOR_FILE)
        ledger.create(f"modelward/{secrets.token_hex(6)}", actor=actor.id)
        access = Access(database, ledger, keyring, settings=settings)
        if access.users(by=actor):
            invitation = access.invite(ADMINISTRATOR, by=actor)
        else:
            invitation = access.add_user(ADMINISTRATOR, role=Role.ADMINISTRATOR, by=actor)
        replace_durably(settings.home / INVITATION_FILE, f"{invitation.token}\n".encode())
        ledger.anchor_now()
    finally:
        database.close()
    return NewHome(settings.home, settings.home / INVITATION_FILE)


def half_written(settings: Settings) -> list[Path]:
    """Files of the home, and of a keyring that lies elsewhere, that were being written when their writer was killed."""
    places = (settings.keyring_path, settings.home / ANCHOR_FILE, settings.home / INVITATION_FILE, *settings.tls_files)
    return [file for place in places for file in cut_off(place)]


def open_database(settings: Settings) -> Database:
    """The database of a home, in the home or where the settings say."""
    return Database(settings.database_url) if settings.database_url else Database.in_file(settings.home / "modelward.db")


def _new_secrets() -> dict[str, bytes]:
    signer = ec.generate_private_key(ec.SECP256R1())
    return {
        "ledger": ed25519.Ed25519PrivateKey.generate().private_bytes_raw(),
        "signer": signer.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        "digests": secrets.token_bytes(32),
        "pepper": secrets.token_bytes(32),
    }
