# SPDX-License-Identifier: Apache-2.0
"""The gate over real rooms, with tiny models on the shelf."""

from dataclasses import dataclass, replace

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
    assessment = Assessment(registry, Datasets(database, vault, ledger, settings=settings))
    releases = Releases(database, ledger, registry, assessment)
    for text in (FREE, TWO_PEOPLE, NOTHING):
        releases.policies.put(text, by=BOB)
    return Gate(registry, releases, ledger, admin)
