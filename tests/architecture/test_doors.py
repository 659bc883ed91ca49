# SPDX-License-Identifier: Apache-2.0
"""Another room is entered by its door: `from modelward.registry import Version`."""

import grimp
import pytest


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("modelward", cache_dir=None)


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def trespasses(graph) -> list[str]:
    return sorted(
        f"{importer} reaches into {imported}"
        for importer in graph.modules - {"modelward.__main__"}  # which is the command line by another name
        for imported in graph.find_modules_directly_imported_by(importer)
        if room(importer) != room(imported) and imported != room(imported)
    )


def test_a_room_is_entered_by_its_door(graph):
    assert trespasses(graph) == []


def test_a_trespass_would_be_seen(graph):
    graph.add_import(importer="modelward.training.service", imported="modelward.registry.store")
    try:
        assert trespasses(graph) == ["modelward.training.service reaches into modelward.registry.store"]
    finally:
        graph.remove_import(importer="modelward.training.service", imported="modelward.registry.store")
