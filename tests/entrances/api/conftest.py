# SPDX-License-Identifier: Apache-2.0
"""One home and one server over it for all tests of a file."""

import pytest

from entrances.api.house import House, Threaded, build, client
from modelward.access import Role


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
def caller(house, server):
    """An application with a key."""
    with client(server.url, house.key()) as opened:
        yield opened


@pytest.fixture(scope="module")
def administrator(house, server):
    """Somebody who may do everything, over HTTP."""
    with client(server.url, house.key(Role.ADMINISTRATOR)) as opened:
        yield opened


@pytest.fixture(scope="module")
def stranger(server):
    """Somebody without a key."""
    with client(server.url) as opened:
        yield opened
