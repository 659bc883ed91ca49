# SPDX-License-Identifier: Apache-2.0
"""A backup, as who runs the house takes one and needs one."""

import shutil

import pytest

from entrances.cli.terminal import ROWS, Terminal


@pytest.fixture
def file(terminal, tmp_path):
    return tmp_path / "home.backup"


def test_a_home_is_lost_and_comes_back(terminal, file, tmp_path, monkeypatch):
    made = terminal("backup", file, "--json")
    assert made.code == 0, made.out
    taken = made.json
    assert taken["objects"] > 5
    monkeypatch.setenv("MODELWARD_KEYS", str(shutil.copy2(terminal.home / "keys.json", tmp_path / "kept.json")))
    shutil.rmtree(terminal.home)
    back = Terminal(tmp_path / "back", tmp_path)
    restored = back("restore", file)
    assert restored.code == 0
    assert f"MODELWARD_KEYS={tmp_path / 'kept.json'} modelward doctor" in restored.out + restored.err
    assert "set it from now on" in restored.out + restored.err
    assert f"{taken['entries']}" in restored.out
    assert "grants:1" in back("predict", "grants", back.file("rows.csv", ROWS)).out
    assert back("audit", "verify").code == 0


def test_who_lacks_the_keyring_is_told_so(terminal, file, tmp_path):
    assert terminal("backup", file).code == 0
    lost = Terminal(tmp_path / "back", tmp_path)("restore", file)
    assert lost.code == 6
    assert "Put it back from your backup" in lost.err
    assert not (tmp_path / "back").exists()
