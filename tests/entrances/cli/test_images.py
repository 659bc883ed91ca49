# SPDX-License-Identifier: Apache-2.0
"""An image file is explained where it lies, without a table around it."""

import pytest

import pictures
from entrances.cli.terminal import Terminal
from modelward.access import local_actor
from modelward.app import open_platform
from modelward.registry import GRAPH_FILE
from modelward.settings import Settings
from serving.tiny import LINEAGE

GRAPH, INTERFACE = pictures.bright()


@pytest.fixture
def lit(terminal) -> Terminal:
    """The furnished home, in which `light:1` is live as well."""
    said = {"lineage": LINEAGE, "interface": INTERFACE, "purpose": "tests", "owner": "tester", "facts": {}}
    platform, by = open_platform(Settings(home=terminal.home)), local_actor()
    platform.registry.register("light", {GRAPH_FILE: GRAPH}, **said, by=by)
    platform.releases.promote(platform.releases.propose("light:1", policy="free", by=by).id, by=by)
    platform.close()
    return terminal


def test_an_image_is_explained_by_its_patches(lit):
    (lit.folder / "scan.png").write_bytes(pictures.png(pictures.drawn(0)))
    told = lit("explain", "light", lit.folder / "scan.png", "--json")
    assert told.code == 0, told.out + told.err
    (found,) = told.json
    assert found["base_of"] == "blank image"
    assert all(part["feature"].startswith("scan[") for part in found["contributions"])


def test_an_image_for_a_model_of_a_table_is_refused(terminal):
    (terminal.folder / "scan.png").write_bytes(pictures.png(pictures.drawn(0)))
    told = terminal("explain", "grants", terminal.folder / "scan.png", "--json")
    assert (told.code, told.error) == (2, "scan.png is an image, and grants takes something else. Give it a table.")
