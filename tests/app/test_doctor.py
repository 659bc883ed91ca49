# SPDX-License-Identifier: Apache-2.0
"""The doctor looks at everything, names what is ill, and sweeps away what nobody can need any more."""

import io
import os
import sqlite3
import time

import pytest

from modelward.access import local_actor
from modelward.app import create_home, examine, open_platform
from registry.tiny import put


@pytest.fixture
def settings(tmp_path):
    from modelward.settings import Settings

    made = Settings(home=tmp_path / ".modelward")
    create_home(made)
    platform = open_platform(made)
    put(platform.registry, local_actor())
    platform.close()
    return made


def found(settings) -> dict[str, tuple[bool, str]]:
    return {check.what: (check.is_well, check.found) for check in examine(settings)}


def test_a_sound_home_is_well(settings):
    checks = found(settings)
    assert list(checks) == [
        "Python",
        "extras",
        "free space",
        "workers",
        "home",
        "ledger",
        "keys and people",
        "tenants",
        "sealed objects",
        "data keys",
        "erased data",
        "left-overs",
    ]
    assert all(is_well for is_well, _ in checks.values())
    assert checks["left-overs"] == (True, "none that is older than an hour")


def test_where_no_home_is_the_rest_is_still_looked_at(tmp_path):
    from modelward.settings import Settings

    checks = found(Settings(home=tmp_path / "deep" / "nowhere"))
    assert [what for what, (is_well, _) in checks.items() if not is_well] == ["home"]
    assert "modelward init" in checks["home"][1]


def test_more_workers_than_cores_are_advised_against(settings):
    import msgspec

    from modelward.compute import usable_cores

    cores = usable_cores()
    assert found(settings)["workers"][1].startswith(f"1 on {cores} core")
    is_well, told = found(msgspec.structs.replace(settings, workers=cores + 1))["workers"]
    assert (is_well, f"Set MODELWARD_WORKERS to {cores}." in told) == (True, True)


def age(home, seconds: float) -> None:
    for file in [*(home / "objects").rglob("*"), *home.glob(".ledger.checkpoint.*")]:
        if file.is_file():
            os.utime(file, (time.time() - seconds, time.time() - seconds))


def test_what_interrupted_work_left_is_removed_after_an_hour_and_not_before(settings):
    platform = open_platform(settings)
    orphan = platform.vault.put(io.BytesIO(b"left behind"), label="version income:2 model.onnx")
    (settings.home / "objects" / "incoming" / "tmp-cut-off").write_bytes(b"hal")
    assert found(settings)["left-overs"] == (True, "none that is older than an hour")
    assert platform.vault.holds(orphan)
    (settings.home / ".ledger.checkpoint.cut-off").write_text("half a")
    age(settings.home, 3700)
    under_way = platform.vault.put(io.BytesIO(b"somebody is about to name it"), label="version income:2 model.onnx")
    assert found(settings)["left-overs"] == (
        True,
        "removed: 1 sealed objects that nothing names, 2 files that were cut off in the writing",
    )
    assert not platform.vault.holds(orphan)
    assert platform.vault.holds(under_way)
    assert not list((settings.home / "objects" / "incoming").iterdir())
    assert [file.name for file in settings.home.glob("*ledger.checkpoint*")] == ["ledger.checkpoint"]
    assert platform.registry.verify("income:1", by=local_actor()).is_sound
    platform.close()


@pytest.mark.parametrize("first", ["tenant", "model"])
def test_a_tenant_that_is_called_as_a_model_is_named(settings, first):
    platform = open_platform(settings)
    me, model = local_actor(), platform.registry.find("income:1", by=local_actor())
    if first == "model":  # As an older Modelward had it, which did not look.
        platform.tenants._names_in_use = lambda _connection: ()
        platform.tenants.add("income", by=me)
    else:
        platform.tenants.add("north", by=me)
        assert found(settings)["tenants"] == (True, "none is called as a model or dataset is")
        platform.registry.register(
            "north",
            {"model.onnx": platform.registry.read(model, "model.onnx")},
            lineage=model.lineage,
            interface=model.interface,
            purpose="tests",
            owner="tests",
            facts={},
            by=me,
        )
    is_well, told = found(settings)["tenants"]
    name = "income" if first == "model" else "north"
    assert (is_well, told.startswith(f"{name} called as a model"), f"{name}-1" in told) == (False, True, True)
    platform.close()


def test_what_files_still_hold_of_destroyed_keys_is_overwritten_once(settings, cleared):
    platform = open_platform(settings)
    digest = platform.vault.put(io.BytesIO(b"records"), label="dataset people")
    with platform.database.change() as connection:
        platform.vault.shred(connection, {digest: "dataset people"})
    platform.vault.discard(digest)
    assert found(settings)["left-overs"] == (
        True,
        "removed: 0 sealed objects that nothing names, 0 files that were cut off in the writing, what files of the database still "
        "held of keys that were destroyed",
    )
    assert cleared().count("VACUUM") == 1
    assert found(settings)["left-overs"] == (True, "none that is older than an hour")
    assert cleared().count("VACUUM") == 1
    platform.close()


def test_what_a_row_of_any_room_names_is_never_swept(settings, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("age,label\n" + "".join(f"{age},{'yes' if age % 3 else 'no'}\n" for age in range(20, 80)))
    platform = open_platform(settings)
    platform.datasets.add("people", [file], target="label", purpose="planning", owner="education", by=local_actor())
    age(settings.home, 3700)
    assert found(settings)["left-overs"] == (True, "none that is older than an hour")
    assert platform.datasets.table("people", by=local_actor()).height == 60
    assert platform.registry.verify("income:1", by=local_actor()).is_sound
    platform.close()


def test_a_lost_object_is_named(settings):
    platform = open_platform(settings)
    with platform.database.look() as connection:
        lost = sorted(platform.registry.sealed_objects(connection))[0]
    platform.vault.discard(lost)
    platform.close()
    is_well, words = found(settings)["sealed objects"]
    assert not is_well
    assert lost[:16] in words
    assert "backup" in words


def test_a_damaged_ledger_is_ill_and_the_rest_is_looked_at(settings):
    rows = sqlite3.connect(settings.home / "modelward.db")
    for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        rows.execute(f"DROP TRIGGER {name}")
    rows.execute("DELETE FROM ledger_entries WHERE idx = 1")
    rows.commit()
    rows.close()
    checks = found(settings)
    assert [what for what, (is_well, _) in checks.items() if not is_well] == ["ledger"]
    assert "modelward audit verify" in checks["ledger"][1]


def test_somebody_whose_row_was_edited_is_named(settings):
    rows = sqlite3.connect(settings.home / "modelward.db")
    rows.execute("UPDATE access_users SET role = 'caller'")
    rows.commit()
    rows.close()
    checks = found(settings)
    assert [what for what, (is_well, _) in checks.items() if not is_well] == ["keys and people"]
    assert "user 'admin'" in checks["keys and people"][1]


def test_half_a_keyring_is_removed_where_the_keyring_lies(settings, tmp_path):
    import shutil

    from msgspec.structs import replace

    elsewhere = tmp_path / "safe" / "keys.json"
    elsewhere.parent.mkdir()
    shutil.move(settings.keyring_path, elsewhere)
    half = elsewhere.with_name(".keys.json.cut-off")
    half.write_text("half a")
    os.utime(half, (time.time() - 3700, time.time() - 3700))
    assert found(replace(settings, keys=str(elsewhere)))["left-overs"] == (
        True,
        "removed: 0 sealed objects that nothing names, 1 files that were cut off in the writing",
    )
    assert not half.exists()


def test_a_missing_optional_part_is_named_with_its_command(settings, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "shap", None)
    assert found(settings)["extras"] == (True, "not installed: explain (`pip install 'modelward[explain]'`)")
