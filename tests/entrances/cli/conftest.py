# SPDX-License-Identifier: Apache-2.0
"""Terminals over homes: made once, copied for each test."""

import pytest

from entrances.cli.terminal import Terminal, copied, furnish
from modelward.app import create_home
from modelward.settings import Settings


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty")
    create_home(Settings(home=folder / ".modelward"))
    (folder / ".modelward" / "objects" / "incoming").mkdir(parents=True)
    return folder / ".modelward"


@pytest.fixture(scope="session")
def furnished_home(tmp_path_factory):
    return furnish(tmp_path_factory.mktemp("furnished"))


@pytest.fixture
def fresh(empty_home, tmp_path) -> Terminal:
    """A terminal in a home in which nothing was done yet."""
    return copied(empty_home, tmp_path)


@pytest.fixture
def terminal(furnished_home, tmp_path) -> Terminal:
    """A terminal in the furnished home, see `furnish`."""
    return copied(furnished_home, tmp_path)
