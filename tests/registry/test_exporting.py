# SPDX-License-Identifier: Apache-2.0
"""A version as plain files: whole, signed, recorded, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from modelward.registry import TamperedVersionError, verify_folder
from modelward.storage import FolderTakenError, FolderUnusableError


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
    with pytest.raises(FolderTakenError):
        registry.export("income:1", tmp_path / "full", by=admin)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for target in ("file", "link", "file/below"):
        with pytest.raises(FolderUnusableError):
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
    assert "| ROC AUC | 0.9123 | 0.9 – 0.92 |  | recorded |" in card
    assert "Not assessed yet" not in card


def test_the_card_says_what_could_not_be_measured_and_why(registry, register):
    from modelward.registry import model_card

    clause = {"title": "Precision", "estimate": None, "low": None, "high": None, "threshold": None, "verdict": "not-measurable"}
    version = register()
    cards = [
        model_card(version, report={"clauses": [clause | more]})
        for more in ({}, {"threshold": "≥ 0.8", "note": "The positive class is never decided."})
    ]
    assert "| Precision | – |  |  | not measurable |" in cards[0]
    assert "| Precision | – |  | ≥ 0.8 | not measurable: The positive class is never decided. |" in cards[1]
    assert not any("– –" in card for card in cards)


def test_the_card_tells_once_what_many_clauses_share(registry, register):
    from modelward.registry import model_card

    said = {
        "estimate": None,
        "low": None,
        "high": None,
        "threshold": None,
        "verdict": "not-measurable",
        "note": "It has no classes.",
    }
    known = {"title": "Copies", "estimate": 0.0, "low": 0.0, "high": 0.01, "threshold": None, "verdict": "recorded"}
    titles = ("Accuracy", "Recall", "Precision", "ROC AUC")
    card = model_card(register(), report={"clauses": [*({"title": title} | said for title in titles), known]})
    assert "Not measurable: Accuracy, Recall, Precision, ROC AUC. It has no classes." in card
    assert card.count("It has no classes") == 1
    assert "| Copies | 0 | 0 – 0.01 |  | recorded |" in card


def test_the_card_names_the_first_of_many_classes_and_how_many_there_are(registry, register):
    from modelward.registry import Interface, model_card

    version = register()
    classes = tuple(f"item{place}" for place in range(1678))
    many = replace(version, interface=Interface(version.interface.features, "item", classes, top=10))
    card = model_card(many).replace("\\", "")
    assert "item49, … (1,678)." in card
    assert "item50" not in card


def test_the_card_names_the_favourable_class(registry, register):
    from modelward.registry import model_card

    version = register()
    named = replace(version, facts={**version.facts, "positive": version.interface.classes[0]})
    assert "Favourable class" not in model_card(version)
    assert f"Favourable class: {version.interface.classes[0]}." in model_card(named).replace("\\", "")


def test_what_people_write_does_not_become_markup(registry, admin):
    from registry.tiny import put

    version = put(registry, admin, purpose="<script>alert(1)</script> | [x](y) `z`", owner="# big")
    card = registry.read(version, "README.md").decode()
    assert "<script>" not in card.replace("\\<script\\>", "")
    assert "\\# big" in card
    assert front_matter(card)["model_name"] == "income:1"
