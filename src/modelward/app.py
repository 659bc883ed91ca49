# SPDX-License-Identifier: Apache-2.0
"""The composition root: builds a `Platform` from `Settings`. It alone knows every room.

There are no globals: two platforms can live in one process, each with its own home.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import hmac
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from modelward.access import Access, Auditing, Role, local_actor
from modelward.assessment import Assessment
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.errors import ConflictError, InvalidError, ModelwardError, PrerequisiteError
from modelward.registry import Registry
from modelward.releases import Releases
from modelward.serving import Serving
from modelward.settings import Settings
from modelward.storage import (
    OBJECT_STORES,
    Database,
    FolderTakenError,
    Keyring,
    NoSpaceError,
    ObjectStore,
    Vault,
    replace_durably,
    sweep_passing_folders,
)
from modelward.training import Training

ADMINISTRATOR = "admin"
INVITATION_FILE = "administrator.token"
ANCHOR_FILE = "ledger.checkpoint"
_UNFINISHED = "unfinished"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_LEAST_FREE_BYTES = 1 << 30
_IDLE_SECONDS = 3600.0


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


class Platform:
    """Every service over one home. An entrance holds one and says `platform.releases.approve(release, by=actor)`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keyring = Keyring.open(settings.keyring_path)
        self.database = _database(settings)
        self.database.create_tables()
        self.vault = Vault(_object_store(settings), self.keyring)
        self.ledger = Ledger(self.database, self.keyring, anchor=settings.home / ANCHOR_FILE)
        self.access = Access(self.database, self.ledger, self.keyring, settings=settings)
        self.auditing = Auditing(self.ledger)
        self.datasets = Datasets(self.database, self.vault, self.ledger, settings=settings)
        self.registry = Registry(self.database, self.vault, self.ledger, self.keyring)
        self.training = Training(self.database, self.ledger, self.datasets, self.registry, settings=settings)
        self.assessment = Assessment(self.registry, self.datasets)
        self.releases = Releases(self.database, self.ledger, self.registry, self.assessment)
        self.serving = Serving(
            self.database,
            self.ledger,
            access=self.access,
            registry=self.registry,
            releases=self.releases,
            settings=settings,
        )

    @property
    def first_invitation(self) -> Path | None:
        """Where the first administrator's one-time token lies, as long as one can sign in with it."""
        file = self.settings.home / INVITATION_FILE
        return file if file.is_file() and self.access.is_invitation(file.read_text().strip()) else None

    def discard_spent(self, token: str) -> None:
        """Remove the file of the first administrator's token once that token was used."""
        file = self.settings.home / INVITATION_FILE
        if file.is_file() and hmac.compare_digest(file.read_text().strip().encode(), token.encode()):
            file.unlink()

    def close(self) -> None:
        """Write the ledger's anchor and close the database."""
        self.ledger.anchor_now()
        self.database.close()


def open_platform(settings: Settings) -> Platform:
    """The platform over an existing home.

    Raises:
        HomeMissingError: no home is there. HomeUnfinishedError: its making was cut off. Whatever keyring and database raise.
    """
    if not settings.home.is_dir():
        raise HomeMissingError(f"No home at {settings.home}. Run `modelward init`, or name one with --home or MODELWARD_HOME.")
    if (settings.home / _UNFINISHED).exists():
        raise HomeUnfinishedError(
            f"The making of the home at {settings.home} was cut off. Run `modelward init --home {settings.home}` to finish it."
        )
    sweep_passing_folders()
    return Platform(settings)


def create_home(settings: Settings) -> NewHome:
    """Make a home: keyring, database, ledger, and an administrator who signs in with a one-time token.

    A making that was cut off, at whatever moment, is taken up where it stopped.

    Raises:
        HomeExistsError: a whole home is there; it is left as it is. FolderTakenError: the folder holds other things.
        HomeUnusableError, NoSpaceError: nothing can be written there.
    """
    try:
        with _making(settings.home):
            return _furnish(settings)
    except OSError as fault:
        if fault.errno in _FULL:
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


def _furnish(settings: Settings) -> NewHome:
    """Put everything into the home that is not there yet."""
    path, actor = settings.keyring_path, local_actor()
    for cut_off in _cut_off(settings):
        cut_off.unlink()
    keyring = Keyring.open(path) if path.exists() else Keyring.create(path, secrets=_new_secrets())
    database = _database(settings)
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


def _cut_off(settings: Settings) -> list[Path]:
    """Files of the home, and of a keyring that lies elsewhere, that were being written when their writer was killed."""
    keyring = settings.keyring_path
    of_keyring = keyring.parent.glob(f".{glob.escape(keyring.name)}.*")
    return [*of_keyring, *settings.home.glob(f"{ANCHOR_FILE}.*"), *settings.home.glob(f"{INVITATION_FILE}.*")]


def _database(settings: Settings) -> Database:
    return Database(settings.database_url) if settings.database_url else Database.in_file(settings.home / "modelward.db")


def _object_store(settings: Settings) -> ObjectStore:
    url = settings.objects_url or (settings.home / "objects").as_uri()
    store: ObjectStore = OBJECT_STORES.load(url.partition(":")[0])(url)
    return store


def _new_secrets() -> dict[str, bytes]:
    signer = ec.generate_private_key(ec.SECP256R1())
    return {
        "ledger": ed25519.Ed25519PrivateKey.generate().private_bytes_raw(),
        "signer": signer.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        "digests": secrets.token_bytes(32),
        "pepper": secrets.token_bytes(32),
    }


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the doctor looked at."""

    what: str
    found: str
    is_well: bool


def examine(settings: Settings) -> list[Check]:
    """Look a home over. What interrupted work left in the object store is removed once nobody touched it for an hour."""
    checks = [_of_python(), _of_extras(), _of_space(settings)]
    try:
        platform = open_platform(settings)
    except ModelwardError as error:
        return [*checks, Check("home", str(error), is_well=False)]
    try:
        return [*checks, Check("home", str(settings.home), is_well=True), *_of_platform(platform)]
    finally:
        platform.close()


def _of_platform(platform: Platform) -> Iterator[Check]:
    for what, look in (
        ("ledger", _of_ledger),
        ("keys and people", _of_access),
        ("sealed objects", _of_objects),
        ("left-overs", _of_left_overs),
    ):
        try:
            yield look(what, platform)
        except ModelwardError as error:
            yield Check(what, str(error), is_well=False)


def _of_ledger(what: str, platform: Platform) -> Check:
    found = platform.ledger.verify()
    if found.is_sound:
        return Check(what, f"{found.size} entries, sound", is_well=True)
    rest = len(found.faults) - 1
    more = f" And {rest} {'fault' if rest == 1 else 'faults'} more." if rest else ""
    return Check(what, f"{found.faults[0].what}{more} Run `modelward audit verify`.", is_well=False)


def _of_access(what: str, platform: Platform) -> Check:
    altered = platform.access.altered()
    if not altered:
        return Check(what, "as they were written", is_well=True)
    more = f" and {len(altered) - 3} more" if len(altered) > 3 else ""
    found = f"{', '.join(altered[:3])}{more} altered by something other than Modelward: they open nothing. Restore a backup."
    return Check(what, found, is_well=False)


def _of_objects(what: str, platform: Platform) -> Check:
    named = platform.datasets.sealed_objects() | platform.registry.sealed()
    missing = sorted(digest for digest in named if not platform.vault.holds(digest))
    if missing:
        shown = ", ".join(f"{digest[:16]}…" for digest in missing[:3])
        return Check(what, f"{len(missing)} of {len(named)} are missing: {shown}. Restore them from a backup.", is_well=False)
    return Check(what, f"{len(named)}, all there", is_well=True)


def _of_left_overs(what: str, platform: Platform) -> Check:
    swept = platform.registry.sweep(others=platform.datasets.sealed_objects())
    old = [file for file in _cut_off(platform.settings) if _is_idle(file)]
    for file in old:
        file.unlink(missing_ok=True)
    if not (halves := swept.fragments + len(old)) and not swept.objects:
        return Check(what, "none that is older than an hour", is_well=True)
    counts = f"{swept.objects} sealed objects that nothing names, {halves} files that were cut off in the writing"
    return Check(what, f"removed: {counts}", is_well=True)


def _is_idle(file: Path) -> bool:
    try:
        return time.time() - file.stat().st_mtime > _IDLE_SECONDS
    except FileNotFoundError:  # its writer was only slow
        return False


def _of_python() -> Check:
    found = sys.version_info
    return Check("Python", f"{found.major}.{found.minor}.{found.micro}", is_well=found >= (3, 11))


def _of_extras() -> Check:
    named = {"torch": "torch", "explain": "shap"}
    lacking = [extra for extra, module in named.items() if find_spec(module) is None]
    advice = f"not installed: {', '.join(lacking)} (`pip install 'modelward[{','.join(lacking)}]'`)"
    return Check("extras", advice if lacking else ", ".join(named), is_well=True)


def _of_space(settings: Settings) -> Check:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    return Check("free space", f"{free / 1e9:.1f} GB", is_well=free > _LEAST_FREE_BYTES)
