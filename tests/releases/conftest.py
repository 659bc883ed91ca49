# SPDX-License-Identifier: Apache-2.0
"""The gate over real rooms, with tiny models on the shelf."""

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec
import pytest

from modelward.access import Actor, Role
from modelward.assessment import Assessment
from modelward.datasets import Datasets
from modelward.registry import Registry
from modelward.releases import Releases
from serving.tiny import LINEAGE, register

ADA = Actor("person:ada", "ada", Role.DATA_SCIENTIST)
BOB = Actor("person:bob", "bob", Role.RISK_OFFICER)
EVE = Actor("person:eve", "eve", Role.RISK_OFFICER)
OLE = Actor("person:ole", "ole", Role.OPERATOR)

FREE = "name: free\nrules:\n  - rule: signed\n  - rule: lineage-complete\n"
TWO_PEOPLE = "name: two-people\napprovals: 2\nrules:\n  - rule: signed\n  - rule: lineage-complete\n"
NOTHING = "name: nothing\nrules: []\n"


@contextmanager
def editing(home):
    """The database as somebody with its file has it, behind the back of the gate and without the guards of its tables."""
    rows = sqlite3.connect(home / "modelward.db")
    for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        rows.execute(f"DROP TRIGGER {name}")
    with rows:
        yield rows
    rows.close()


def put_back(home, release, *, policy=None, **said) -> None:
    """Write a release's row, and its policy's text, behind the back of the gate."""
    row = msgspec.to_builtins(release) | said
    with editing(home) as rows:
        changed = rows.execute(
            "UPDATE releases SET state = ?, document = ?, policy_text = coalesce(?, policy_text) WHERE serial = ?",
            (row["state"], msgspec.json.encode(row), policy, int(release.id.removeprefix("r-"))),
        ).rowcount
    assert changed == 1


@dataclass
class Gate:
    """The rooms, and shortcuts to put things into them."""

    registry: Registry
    releases: Releases
    ledger: object
    admin: Actor

    def register(self, *, is_known: bool = True, model: str = "income") -> str:
        lineage = LINEAGE if is_known else replace(LINEAGE, fingerprint="")
        return register(self.registry, model, by=self.admin, lineage=lineage).name

    def logged(self, event: str) -> list:
        return [found.entry for found in self.ledger.entries(event=event, limit=10_000, newest_first=False)]


@pytest.fixture
def gate(database, vault, ledger, keyring, settings, admin):
    database.create_tables()
    registry = Registry(database, vault, ledger, keyring)
    assessment = Assessment(registry, Datasets(database, vault, ledger, keyring, settings=settings))
    releases = Releases(database, ledger, registry, assessment)
    for text in (FREE, TWO_PEOPLE, NOTHING):
        releases.policies.put(text, by=BOB)
    return Gate(registry, releases, ledger, admin)
