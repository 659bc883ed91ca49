# SPDX-License-Identifier: Apache-2.0
"""What most tests stand on: a fresh home, and the rooms below over it. All of it real."""

import os
import secrets
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A test may import ONNX Runtime before it imports us; see `modelward/__init__.py`.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# Hypothesis keeps its examples out of the tree.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", ".cache/hypothesis")
# How long an example takes depends on who else uses the machine.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

TERMINAL = {"COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"}


def new_secrets() -> dict[str, bytes]:
    """The secrets of a fresh keyring: ledger and signer keys, digest key and pepper."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    signer = ec.generate_private_key(ec.SECP256R1())
    return {
        "ledger": ed25519.Ed25519PrivateKey.generate().private_bytes_raw(),
        "signer": signer.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        "digests": secrets.token_bytes(32),
        "pepper": secrets.token_bytes(32),
    }


@pytest.fixture(autouse=True)
def untouched_environment(monkeypatch):
    """No setting of whoever runs the tests reaches them, nor the width and the colours of their terminal."""
    for name in [name for name in os.environ if name.startswith("MODELWARD_") or name in TERMINAL]:
        monkeypatch.delenv(name)
    # Hundreds of trainings need not start a process each; those that must, say so.
    monkeypatch.setenv("MODELWARD_TRAINING_ISOLATION", "none")


@pytest.fixture
def home(tmp_path) -> Path:
    """The folder of a fresh home, empty."""
    folder = tmp_path / ".modelward"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def settings(home):
    from modelward.settings import Settings

    return Settings(home=home, training_isolation="none")


@pytest.fixture
def keyring(home):
    from modelward.storage import Keyring

    return Keyring.create(home / "keys.json", secrets=new_secrets())


@pytest.fixture
def vault(home, keyring, database):
    from modelward.storage import OBJECT_STORES, Vault

    return Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, database)


@pytest.fixture
def database(home):
    """A database with the tables of every room imported so far; a room imported later calls `create_tables` itself."""
    from modelward.storage import Database

    opened = Database(f"sqlite:///{home / 'modelward.db'}")
    opened.create_tables()
    yield opened
    opened.close()


@pytest.fixture
def cleared(monkeypatch):
    """What was done to the whole file of a database to overwrite what was deleted, as SQLite tells it."""
    from modelward.storage import Database

    statements, opened = [], Database._open

    def watched(self):
        connection = opened(self)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(Database, "_open", watched)
    return lambda: [each for each in statements if each in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")]


@pytest.fixture
def ledger(home, database, keyring):
    from modelward.audit import Ledger

    database.create_tables()
    opened = Ledger(database, keyring, anchor=home / "ledger.checkpoint")
    opened.create("modelward/test")
    return opened


@pytest.fixture
def access(database, ledger, keyring, settings):
    from modelward.access import Access

    database.create_tables()
    return Access(database, ledger, keyring, settings=settings)


@pytest.fixture
def admin():
    """An actor with every permission."""
    from modelward.access import Actor, Role

    return Actor(id="person:root", name="root", role=Role.ADMINISTRATOR)
