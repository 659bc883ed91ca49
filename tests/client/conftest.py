# SPDX-License-Identifier: Apache-2.0
"""A real service, and clients of it."""

import pytest

from entrances.api.house import House, Threaded, build
from modelward.access import Role
from modelward.client import Client


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> House:
    """A home in which `income:1` is live."""
    built = build(tmp_path_factory.mktemp("house"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def server(house) -> Threaded:
    """A server over the house."""
    with Threaded(house.settings) as running:
        yield running


@pytest.fixture(scope="module")
def remote(house, server) -> Client:
    """A client that may do everything."""
    with Client(server.url, key=house.key(Role.ADMINISTRATOR)) as opened:
        yield opened


@pytest.fixture(scope="module")
def officer(house, server) -> Client:
    """A client that decides on releases."""
    with Client(server.url, key=house.key(Role.RISK_OFFICER)) as opened:
        yield opened
