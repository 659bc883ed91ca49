# SPDX-License-Identifier: Apache-2.0
"""The composition root: builds a `Platform` from `Settings`. It alone knows every room.

There are no globals: two platforms can live in one process, each with its own home.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from modelward.access import Access, Auditing, Role, local_actor
from modelward.assessment import Assessment
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.errors import ConflictError, ModelwardError, PrerequisiteError
from modelward.registry import Registry
from modelward.releases import Releases
from modelward.serving import Serving
from modelward.settings import Settings
from modelward.storage import OBJECT_STORES, Database, Keyring, ObjectStore, Vault
from modelward.training import Training

ADMINISTRATOR = "admin"
INVITATION_FILE = "administrator.token"
_LEAST_FREE_BYTES = 1 << 30


class HomeMissingError(PrerequisiteError):
    """There is no home where the settings say it is."""


class HomeExistsError(ConflictError):
    """A home is there already."""


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
        self.database = Database(database_url(settings))
        self.database.create_tables()
        self.vault = Vault(_object_store(settings), self.keyring)
        self.ledger = Ledger(self.database, self.keyring, anchor=settings.home / "ledger.checkpoint")
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

    def close(self) -> None:
        """Write the ledger's anchor and close the database."""
        self.ledger.anchor_now()
        self.database.close()


def open_platform(settings: Settings) -> Platform:
    """The platform over an existing home.

    Raises:
        HomeMissingError: no home is there. Whatever the keyring and the database raise.
    """
    if not settings.home.is_dir():
        raise HomeMissingError(f"No home at {settings.home}. Run `modelward init`, or name one with --home or MODELWARD_HOME.")
    return Platform(settings)


def create_home(settings: Settings) -> NewHome:
    """Make a home: keyring, database, ledger, and an administrator who signs in with a one-time token.

    A making that was cut off is taken up where it stopped.

    Raises:
        HomeExistsError: a whole home is there; it is left as it is.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    invitation = settings.home / INVITATION_FILE
    if settings.keyring_path.exists():
        keyring = Keyring.open(settings.keyring_path)
    else:
        keyring = Keyring.create(settings.keyring_path, secrets=_new_secrets())
    database = Database(database_url(settings))
    database.create_tables()
    ledger = Ledger(database, keyring, anchor=settings.home / "ledger.checkpoint")
    ledger.create(f"modelward/{secrets.token_hex(6)}", actor=local_actor().id)
    access = Access(database, ledger, keyring, settings=settings)
    if not (known := access.users(by=local_actor())):
        _write_private(invitation, access.add_user(ADMINISTRATOR, role=Role.ADMINISTRATOR, by=local_actor()).token)
    elif [user.name for user in known] == [ADMINISTRATOR] and not invitation.exists():
        _write_private(invitation, access.invite(ADMINISTRATOR, by=local_actor()).token)
    else:
        database.close()
        raise HomeExistsError(f"A home is at {settings.home} already. It is left as it is.")
    ledger.anchor_now()
    database.close()
    return NewHome(settings.home, invitation)


def database_url(settings: Settings) -> str:
    """The database's URL: the setting, or SQLite in the home."""
    return settings.database_url or f"sqlite:///{settings.home / 'modelward.db'}"


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


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the doctor looked at."""

    what: str
    found: str
    is_well: bool


def examine(settings: Settings) -> list[Check]:
    """Look a home over. Sealed objects that no row names, left by a process that was killed, are removed."""
    checks = [_of_python(), _of_extras(), _of_space(settings)]
    try:
        platform = open_platform(settings)
    except ModelwardError as error:
        return [*checks, Check("home", str(error), is_well=False)]
    try:
        return [*checks, Check("home", str(settings.home), is_well=True), *_of_platform(platform)]
    finally:
        platform.close()


def _of_platform(platform: Platform) -> list[Check]:
    ledger = platform.ledger.verify()
    datasets, versions = platform.datasets.sealed_objects(), platform.registry.sealed()
    missing = [digest for digest in datasets | versions if not platform.vault.holds(digest)]
    swept = platform.registry.sweep(others=datasets)
    return [
        Check("ledger", ledger.faults[0].what if ledger.faults else f"{ledger.size} entries, sound", is_well=ledger.is_sound),
        Check("sealed objects", f"{len(missing)} of {len(datasets | versions)} are missing", is_well=not missing),
        Check("left-overs", f"{swept} objects of interrupted work were removed", is_well=True),
    ]


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
