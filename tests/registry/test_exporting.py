# SPDX-License-Identifier: Apache-2.0
"""A version as plain files: whole, signed, recorded, or not at all."""

from __future__ import annotations

import pytest
import yaml

from modelward.registry import TamperedVersionError, TargetNotEmptyError, TargetUnusableError, verify_folder
from modelward.registry.exporting import write_export


def test_an_export_holds_every_file_of_the_dossier_and_verifies(registry, exported, admin):
    found = {file.relative_to(exported).as_posix() for file in exported.rglob("*") if file.is_file()}
    version = registry.find("income:1", by=admin)
    assert found == {file.path for file in registry.dossier(version).files} | {"model.sig"}
    verification = verify_folder(exported, public_key=registry.public_key)
    assert (verification.name, verification.is_sound, verification.files_checked) == ("income:1", True, 6)
    assert (exported / "public-key.pem").read_bytes() == registry.public_key


def test_an_export_is_for_its_owner_alone(exported):
    assert exported.stat().st_mode & 0o077 == 0


def test_an_export_is_in_the_ledger(exported, ledger, registry, admin):
    entry = ledger.entries(event="version.exported")[0].entry
    assert (entry.subject, entry.actor, entry.facts["digest"]) == (
        "income:1",
        "person:root",
        registry.find("income:1", by=admin).digest,
    )


def test_nothing_that_lies_there_is_overwritten(registry, register, ledger, admin, tmp_path):
    register()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(TargetNotEmptyError):
        registry.export("income:1", tmp_path / "full", by=admin)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for target in ("file", "link", "file/below"):
        with pytest.raises(TargetUnusableError):
            registry.export("income:1", tmp_path / target, by=admin)
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    assert ledger.entries(event="version.exported") == []


def test_an_empty_folder_and_a_new_one_deep_down_are_filled(registry, register, admin, tmp_path):
    register()
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "empty", tmp_path / "a" / "b" / "c"):
        registry.export("income:1", target, by=admin)
        assert verify_folder(target, public_key=registry.public_key).is_sound


def test_a_tampered_version_is_not_exported(home, registry, register, ledger, admin, tmp_path):
    version = register()
    sealed = next(file.sealed for file in version.files if file.path == "model.onnx")
    place = home / "objects" / sealed[:2] / sealed
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(TamperedVersionError, match=r"model\.onnx"):
        registry.export("income:1", tmp_path / "out", by=admin)
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob("*out*")) == []


def front_matter(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def test_the_card_has_front_matter_that_reads_as_yaml(exported):
    card = (exported / "README.md").read_text()
    front = front_matter(card)
    assert front["library_name"] == "onnx"
    assert front["datasets"] == ["adult"]
    assert front["model_name"] == "income:1"
    for part in ("pre-screening of grant applications", "social-affairs", "logistic-regression", "17 – 90", "How to verify"):
        assert part in card


def test_the_card_shows_the_figures_of_a_report(registry, register):
    from modelward.registry import model_card

    clause = {"title": "ROC AUC", "estimate": 0.91234, "low": 0.9, "high": 0.92, "threshold": None, "verdict": "recorded"}
    card = model_card(register(), report={"assessed": "2026-11-22", "verdict": "passed", "clauses": [clause]})
    assert "| ROC AUC | 0.9123 | 0.9 – 0.92 | – | recorded |" in card
    assert "Not assessed yet" not in card


def test_what_people_write_does_not_become_markup(registry, admin):
    from registry.tiny import put

    version = put(registry, admin, purpose="<script>alert(1)</script> | [x](y) `z`", owner="# big")
    card = registry.read(version, "README.md").decode()
    assert "<script>" not in card.replace("\\<script\\>", "")
    assert "\\# big" in card
    assert front_matter(card)["model_name"] == "income:1"


def test_a_folder_that_filled_up_meanwhile_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(TargetNotEmptyError):
        write_export(tmp_path / "out", {"model.onnx": b"theirs"})
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_an_export_that_fails_half_way_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="name"):
        write_export(tmp_path / "out", {"first.txt": b"one", "x" * 300: b"two"})
    assert list(tmp_path.iterdir()) == []
