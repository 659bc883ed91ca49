# SPDX-License-Identifier: Apache-2.0
"""A home with tiny models on the shelf, some of them live. All rooms are real."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass

import msgspec
import pytest

from modelward.access import Role
from modelward.assessment import Assessment
from modelward.datasets import Datasets
from modelward.registry import Registry
from modelward.releases import Releases
from modelward.serving import Serving
from serving.engines import made_for_tests
from serving.tiny import OPEN_POLICY, register


@dataclass
class House:
    """The rooms that serving stands on, and shortcuts to put things into them."""

    registry: Registry
    releases: Releases
    serving: Serving
    access: object
    ledger: object
    admin: object

    def register(self, model: str = "income", *, weight: float = 0.05, purpose: str = "tests", background: bool = True) -> str:
        return register(self.registry, model, by=self.admin, weight=weight, purpose=purpose, background=background).name

    def make_live(self, name: str) -> str:
        release = self.releases.propose(name, policy="by-purpose", by=self.admin)
        return self.releases.promote(release.id, by=self.admin).id

    def key(self, name: str = "till", *, role: Role = Role.CALLER, models=None) -> str:
        return self.access.create_key(name, role=role, models=models, by=self.admin).secret

    def logged(self, event: str) -> list:
        return [found.entry for found in self.ledger.entries(event=event, limit=10_000, newest_first=False)]


@pytest.fixture
def settings(home):
    from modelward.settings import Settings

    return Settings(
        home=home, training_isolation="none", refresh_seconds=0.05, shutdown_grace_seconds=2, rows_limit=64, explain_rows_limit=2
    )


@pytest.fixture
def house(database, vault, ledger, keyring, access, settings, admin):
    database.create_tables()
    registry = Registry(database, vault, ledger, keyring)
    assessment = Assessment(registry, Datasets(database, vault, ledger, keyring, settings=settings))
    releases = Releases(database, ledger, registry, assessment)
    releases.policies.put(OPEN_POLICY, by=admin)
    serving = Serving(
        database, ledger, access=access, registry=registry, releases=releases, vault=vault, keyring=keyring, settings=settings
    )
    return House(registry, releases, serving, access, ledger, admin)


@pytest.fixture
def live(house):
    """A house in which `income:1` is live."""
    house.make_live(house.register())
    return house


@pytest.fixture
def engines():
    """Models get the engines made for tests, by their names."""
    with made_for_tests() as gate:
        yield gate


@pytest.fixture
def gate(engines):
    """The gate of the models called `gated` and `gated-too`, which are made live by whoever uses it; open at first."""
    yield engines
    engines.open()


@pytest.fixture
def entered(live):
    """What enters a gateway in an event loop of its own, with some settings changed: the gateway, and what runs a coroutine."""
    with ExitStack() as leaving:

        def enter(**settings):
            live.serving._settings = msgspec.structs.replace(live.serving._settings, **settings)
            loop, gateway = asyncio.new_event_loop(), live.serving.gateway()
            leaving.callback(loop.close)
            loop.run_until_complete(gateway.__aenter__())
            leaving.callback(lambda: loop.run_until_complete(gateway.__aexit__(None, None, None)))
            return gateway, loop.run_until_complete

        yield enter
