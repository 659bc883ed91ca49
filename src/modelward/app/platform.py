# SPDX-License-Identifier: Apache-2.0
"""The composition: every service over one home, built out of the settings."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from modelward.access import Access, Actor, Auditing, Certifying, Condition, Custody, Identities, Rotation, Tenants, local_actor
from modelward.app.home import ANCHOR_FILE, INVITATION_FILE, check_home, open_database
from modelward.app.security import Security
from modelward.assessment import Assessment
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.errors import NotFoundError, RefusedError
from modelward.registry import Registry
from modelward.releases import Releases
from modelward.serving import Serving
from modelward.settings import Settings
from modelward.storage import OBJECT_STORES, Connection, Keyring, Means, ObjectStore, Vault, sweep_passing_folders
from modelward.training import Training


class Platform:
    """Every service over one home. An entrance holds one and says `platform.releases.approve(release, by=actor)`."""

    def __init__(self, settings: Settings, *, means: Means | None = None) -> None:
        self.settings = settings
        self.keyring = Keyring.open(settings.keyring_path, means or Means.of(settings))
        self.database = open_database(settings)
        self.database.create_tables()
        self.objects = object_store(settings)
        self.vault = Vault(self.objects, self.keyring, self.database)
        self.ledger = Ledger(self.database, self.keyring, anchor=settings.home / ANCHOR_FILE)
        self.access = Access(
            self.database,
            self.ledger,
            self.keyring,
            settings=settings,
            granted=self._granted,
            divided=self._divided,
            learned=self._learned,
            live=self._live,
        )
        self.custody = Custody(self.database, self.ledger, self.keyring)
        self.certifying = Certifying(self.database, self.ledger, self.keyring, settings=settings)
        self.identities = Identities(self.database, self.ledger, self.keyring, settings=settings, divided=self._divided)
        self.security = Security(self)
        self.auditing = Auditing(self.ledger)
        self.datasets = Datasets(self.database, self.vault, self.ledger, self.keyring, settings=settings)
        self.grants = self.datasets.grants
        self.shredding = self.datasets.shredding
        self.erasing = self.datasets.erasing
        self.deidentifying = self.datasets.deidentifying
        self.registry = Registry(self.database, self.vault, self.ledger, self.keyring)
        self.rotation = Rotation(self.database, self.ledger, self.keyring, self.vault, named=self.sealed_objects)
        self.training = Training(
            self.database,
            self.ledger,
            self.datasets,
            self.registry,
            self.vault,
            settings=settings,
        )
        self.tenants = Tenants(self.database, self.ledger, self.keyring, names_in_use=self._names)
        self.assessment = Assessment(self.registry, self.datasets)
        self.releases = Releases(self.database, self.ledger, self.registry, self.assessment)
        self.serving = Serving(
            self.database,
            self.ledger,
            access=self.access,
            registry=self.registry,
            releases=self.releases,
            vault=self.vault,
            keyring=self.keyring,
            settings=settings,
        )
        self.captures = self.serving.captures

    def sealed_objects(self, connection: Connection) -> dict[str, str]:
        """The digest of every sealed object that a row of any room names, with the label that it is sealed under."""
        return self.datasets.sealed_objects(connection) | self.registry.sealed_objects(connection)

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

    def _granted(self, model: str, dataset: str, by: Actor) -> Sequence[Condition]:
        return self.grants.conditions(model, dataset, by)

    def _divided(self, dataset: str) -> Sequence[str]:
        return self.datasets.divided(dataset)

    def _learned(self, model: str, by: Actor) -> Sequence[Sequence[str]]:
        return self.grants.granted(model, by)

    def _live(self, model: str) -> tuple[str, str] | None:
        release = self.releases.live().get(model)
        if release is None:
            return None
        with suppress(RefusedError, NotFoundError):
            return release.version, self.registry.find(release.version, by=local_actor()).purpose
        return None

    def _names(self, connection: Connection) -> set[str]:
        """The name of every model and dataset."""
        return self.datasets.names(connection) | self.registry.names(connection) | self.training.names(connection)

    def close(self) -> None:
        """Write the ledger's anchor and close the database."""
        self.ledger.anchor_now()
        self.database.close()


def open_platform(settings: Settings, *, means: Means | None = None) -> Platform:
    """The platform over an existing home. `means` open its keyring; else those that the settings name.

    Raises:
        HomeMissingError: no home is there. HomeUnfinishedError: its making was cut off. Whatever keyring and database raise.
    """
    check_home(settings.home)
    sweep_passing_folders()
    return Platform(settings, means=means)


def key_for_workers(settings: Settings, *, means: Means | None = None) -> bytes:
    """What processes of ours open the home's keyring with, as `Means.key`, without asking again; empty where it needs nothing.

    Raises: what `open_platform` raises for want of a home or a keyring.
    """
    check_home(settings.home)
    return Keyring.open(settings.keyring_path, means or Means.of(settings)).handed_key


def object_store(settings: Settings) -> ObjectStore:
    """Where the sealed objects of a home lie."""
    url = settings.objects_url or (settings.home / "objects").as_uri()
    store: ObjectStore = OBJECT_STORES.load(url.partition(":")[0])(url)
    return store
