# SPDX-License-Identifier: Apache-2.0
"""A house to train in."""

import pytest

from training import house


@pytest.fixture
def rooms(database, vault, ledger, keyring, settings):
    """The rooms that training stands on, and training itself."""
    return house.rooms_over(database, vault, ledger, keyring, settings)


@pytest.fixture
def register(rooms, tmp_path, admin):
    """Register a table under a name."""

    def add(name="people", text=None, *, target="grant", sensitive=("town",)):
        path = tmp_path / f"{name}.csv"
        path.write_text(text or house.people())
        said = {"purpose": "to test training", "owner": "the tests"}
        return rooms.datasets.add(name, [path], target=target, sensitive=sensitive, by=admin, **said)

    return add


@pytest.fixture
def broken():
    """Recipes that go wrong are listed for the time of a test."""
    from modelward.training import RECIPES

    house.plant(RECIPES.places)
    yield
    for name in house.BROKEN:
        del RECIPES.places[name]
