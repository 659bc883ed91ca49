# SPDX-License-Identifier: Apache-2.0
"""Another room is entered by its door: `from modelward.registry import Version`. A door holds what is needed outside."""

import re
from importlib import import_module
from pathlib import Path
from types import UnionType

import grimp
import pytest

ROOT = Path(__file__).parents[2]
ROOMS = sorted(door.parent.name for door in (ROOT / "src" / "modelward").glob("*/__init__.py"))
IMPORT = re.compile(r"from modelward\.(\w+) import (\([^)]*\)|.*)")


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


def imported_outside(room: str) -> set[str]:
    """The names that code outside of a room, in tests and pages too, imports from its door."""
    own = ROOT / "src" / "modelward" / room
    places = [path for top in ("src", "tests", "docs", "examples", "benchmarks") for path in (ROOT / top).rglob("*.*")]
    texts = (path.read_text() for path in places if path.suffix in {".py", ".md"} and own not in path.parents)
    found = (names for text in texts for place, names in IMPORT.findall(text) if place == room)
    return {name for names in found for name in re.findall(r"\w+", names)}


def needless(room: str, needed: set[str]) -> list[str]:
    """What the door exports and nobody needs. Classes and unions of them stay: verbs take, return and raise them."""
    door = import_module(f"modelward.{room}")
    kinds = {name: getattr(door, name) for name in getattr(door, "__all__", ())}
    return [name for name, value in kinds.items() if name not in needed and not isinstance(value, type | UnionType)]


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_door_exports_is_needed_outside(room):
    assert needless(room, imported_outside(room)) == []


def test_a_needless_export_would_be_seen():
    assert needless("audit", imported_outside("audit") - {"verify_receipt"}) == ["verify_receipt"]
