# SPDX-License-Identifier: Apache-2.0
import importlib
import sys
from pathlib import Path

import pytest

import modelward
from modelward.errors import NotFoundError, PrerequisiteError
from modelward.plugins import MissingExtraError, PluginTable, UnknownPluginError

PLACES = {
    "digest": "modelward.digest:sha256_hex",
    "heavy": "garden_of_plugins.heavy:Heavy",
    "light": "garden_of_plugins.light:Light",
    "broken": "garden_of_plugins.broken:Broken",
}


@pytest.fixture
def table(tmp_path, monkeypatch):
    package = tmp_path / "garden_of_plugins"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "heavy.py").write_text("import a_library_that_nobody_has.part\nclass Heavy: ...\n")
    (package / "light.py").write_text("import another_that_nobody_has\nclass Light: ...\n")
    (package / "broken.py").write_text("import modelward.a_room_that_is_not_there\nclass Broken: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield PluginTable(family="gardens", places=PLACES, extras={"heavy": "torch"})
    for name in [name for name in sys.modules if name.startswith("garden_of_plugins")]:
        del sys.modules[name]


def test_a_plugin_is_loaded_by_its_name(table):
    from modelward.digest import sha256_hex

    assert table.load("digest") is sha256_hex


def test_nothing_is_imported_before_it_is_loaded(table):
    assert list(table) == table.names() == ["broken", "digest", "heavy", "light"]
    assert not [name for name in sys.modules if name.startswith("garden_of_plugins")]


def test_an_unknown_name_is_told_those_there_are(table):
    with pytest.raises(
        UnknownPluginError, match=r"^No garden is called 'rose'\. There are: broken, digest, heavy, light"
    ) as caught:
        table.load("rose")
    assert isinstance(caught.value, NotFoundError)


def test_people_are_told_of_one_of_a_family_in_their_words():
    with pytest.raises(UnknownPluginError, match=r"^No object store is called 's3'"):
        PluginTable(family="object_stores", places={}).load("s3")


def test_a_missing_extra_names_the_command_that_installs_it(table):
    with pytest.raises(MissingExtraError, match=r"a_library_that_nobody_has.*`pip install 'modelward\[torch\]'`") as caught:
        table.load("heavy")
    assert isinstance(caught.value, PrerequisiteError)


def test_a_missing_library_of_no_extra_is_named_itself(table):
    with pytest.raises(MissingExtraError, match=r"`pip install 'another_that_nobody_has'`"):
        table.load("light")


def test_a_fault_of_our_own_is_not_blamed_on_an_extra(table):
    with pytest.raises(ModuleNotFoundError, match="a_room_that_is_not_there"):
        table.load("broken")


def test_another_distribution_joins_by_an_entry_point(table, tmp_path):
    metadata = tmp_path / "foreign-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[modelward.gardens]\norchard = foreign_orchard:Orchard\n")
    (tmp_path / "foreign_orchard.py").write_text("class Orchard: ...\n")
    importlib.invalidate_caches()
    assert "orchard" in table.names()
    assert table.load("orchard").__name__ == "Orchard"
    del sys.modules["foreign_orchard"]


def test_ours_is_not_replaced_by_an_entry_point_of_the_same_name(table, tmp_path):
    metadata = tmp_path / "foreign-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[modelward.gardens]\ndigest = foreign_orchard:Orchard\n")
    importlib.invalidate_caches()
    assert table.load("digest").__name__ == "sha256_hex"


def tables():
    """Every table that the rooms hold, with the package it stands in."""
    found = {}
    for door in sorted(Path(modelward.__file__).parent.glob("*/*/__init__.py")):
        package = ".".join(door.parent.relative_to(Path(modelward.__file__).parents[1]).parts)
        for value in vars(importlib.import_module(package)).values():
            if isinstance(value, PluginTable):
                found[package] = value
    return found


def test_an_entry_point_group_is_called_like_the_folder_of_its_family():
    assert len(tables()) >= 9
    assert {package: table.group for package, table in tables().items()} == {
        package: f"modelward.{package.rpartition('.')[2]}" for package in tables()
    }
