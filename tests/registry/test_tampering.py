# SPDX-License-Identifier: Apache-2.0
"""Whatever is changed behind the registry's back is found: sealed files, rows, signatures, whole dossiers."""

from __future__ import annotations

import dataclasses
import io
import sqlite3

import pytest

from modelward.audit import Event
from modelward.registry import ModelMissingError, Registry, Signer, TamperedVersionError
from registry.tiny import new_key, put

ASSESSED = Event("version.assessed", "A version was measured.")


@pytest.fixture
def version(registry, register, admin):
    found = register()
    registry.attach(found, {"trust_report.json": b'{"clauses":[]}'}, event=ASSESSED, facts={}, by=admin)
    return found


@pytest.fixture
def behind(home):
    """Change the database as nobody should."""

    def run(statement: str, *values: object) -> int:
        with sqlite3.connect(home / "modelward.db") as connection:
            count = connection.execute(statement, values).rowcount
        connection.close()
        return count

    return run


def sealed_place(home, digest):
    return home / "objects" / digest[:2] / digest


def faults_of(registry, admin, name="income:1"):
    found = registry.verify(name, by=admin)
    return {fault.path for fault in found.faults}, " ".join(fault.what for fault in found.faults)


def test_an_untouched_version_is_sound(registry, version, admin):
    found = registry.verify("income:1", by=admin)
    assert (found.is_sound, found.is_signed, found.faults) == (True, True, ())
    # Four files of the version; card and key twice, the report once.
    assert found.files_checked == 9


def test_every_sealed_file_that_is_changed_is_found_and_named(home, registry, version, admin):
    own = {file.path for file in version.files}
    for sequence in (1, 2):
        for file in registry.dossier(version, sequence=sequence).files:
            place = sealed_place(home, file.sealed)
            kept = place.read_bytes()
            place.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
            with pytest.raises(TamperedVersionError, match=file.path):
                registry.read(version, file.path, sequence=sequence)
            if file.path in own:
                with pytest.raises(TamperedVersionError, match=file.path):
                    registry.open(version)
            assert file.path in faults_of(registry, admin)[0]
            place.unlink()
            assert file.path in faults_of(registry, admin)[0]
            place.write_bytes(kept)
    assert registry.verify("income:1", by=admin).is_sound


def test_a_sealed_file_put_in_the_place_of_another_is_found(registry, vault, version, register, behind, admin):
    other = register(slope=0.5)
    theirs = next(file for file in other.files if file.path == "model.onnx")
    assert behind("UPDATE registry_files SET sealed=? WHERE number=1 AND path='model.onnx'", theirs.sealed)
    with pytest.raises(TamperedVersionError, match=r"model\.onnx"):
        registry.open(version)
    # Sealed under the right label by somebody who has the keyring, and still not what was signed.
    forged = vault.put(io.BytesIO(b"forged"), label="version income:1 model.onnx")
    behind("UPDATE registry_files SET sealed=? WHERE number=1 AND path='model.onnx'", forged)
    with pytest.raises(TamperedVersionError, match=r"model\.onnx"):
        registry.open(version)
    assert faults_of(registry, admin)[0] == {"model.onnx"}


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE registry_versions SET digest=?", "0" * 64),
        ("UPDATE registry_versions SET manifest=replace(manifest, 'social-affairs', ?)", "somebody-else"),
        ("UPDATE registry_versions SET manifest=?", "{}"),
        ("UPDATE registry_versions SET manifest=?", ""),
        ("UPDATE registry_files SET digest=? WHERE path='model.onnx'", "0" * 64),
        ("UPDATE registry_files SET size_bytes=? WHERE path='interface.json'", 1),
        ("UPDATE registry_files SET path=? WHERE path='preparation.json'", "other.json"),
        ("DELETE FROM registry_files WHERE path=?", "preparation.json"),
        ("DELETE FROM registry_files WHERE path=? AND sequence=2", "README.md"),
        ("UPDATE registry_files SET sequence=2 WHERE path=?", "model.onnx"),
        ("UPDATE registry_dossiers SET signature=?", "{}"),
        ("UPDATE registry_dossiers SET signature=replace(signature, 'A', ?)", "B"),
        ("DELETE FROM registry_dossiers WHERE ?", 1),
    ],
)
def test_a_row_that_is_changed_is_found_and_nothing_is_opened(registry, version, behind, admin, statement, value):
    assert behind(statement, value)
    for act in (
        lambda: registry.open(version),
        lambda: registry.find("income:1", by=admin),
        lambda: registry.versions("income", by=admin),
        lambda: registry.read(version, "README.md"),
        lambda: registry.dossier(version),
    ):
        with pytest.raises(TamperedVersionError, match="income:1"):
            act()
    assert not registry.verify("income:1", by=admin).is_sound
    assert [model.model for model in registry.models(by=admin)] == ["income"]


def test_a_version_moved_to_another_number_or_model_is_found(registry, version, behind, admin):
    for column, value, name in (("number", 7, "income:7"), ("model", "churn", "churn:7")):
        for table in ("registry_versions", "registry_dossiers", "registry_files"):
            assert behind(f"UPDATE {table} SET {column}=?", value)
        with pytest.raises(TamperedVersionError, match=name):
            registry.find(name, by=admin)
        assert not registry.verify(name, by=admin).is_sound
    with pytest.raises(TamperedVersionError, match="gone"):
        registry.open(version)


def test_a_dossier_signed_with_another_key_is_found(registry, version, behind, admin):
    digests = {file.path: file.digest for file in registry.dossier(version).files}
    behind("UPDATE registry_dossiers SET signature=? WHERE sequence=2", Signer(new_key()).sign("income:1", digests=digests))
    with pytest.raises(TamperedVersionError, match="another key"):
        registry.open(version)
    found = registry.verify("income:1", by=admin)
    assert not found.is_signed


def test_a_dossier_that_is_taken_away_is_missed(registry, version, behind, admin):
    """Its predecessor is validly signed: only the ledger knows that there was a later one."""
    for table in ("registry_files", "registry_dossiers"):
        assert behind(f"DELETE FROM {table} WHERE sequence=2")
    assert registry.dossier(version).sequence == 1
    assert "Dossier 2 is gone" in faults_of(registry, admin)[1]


def test_an_older_dossier_under_a_newer_number_is_found(registry, version, behind, admin):
    behind("UPDATE registry_dossiers SET signature=(SELECT signature FROM registry_dossiers WHERE sequence=1) WHERE sequence=2")
    with pytest.raises(TamperedVersionError):
        registry.read(version, "README.md")
    assert "model.sig" in faults_of(registry, admin)[0]


def test_a_version_that_is_taken_away_is_missed(registry, version, behind, admin):
    for table in ("registry_files", "registry_dossiers", "registry_versions"):
        assert behind(f"DELETE FROM {table}")
    assert "its row is gone" in faults_of(registry, admin)[1]
    with pytest.raises(ModelMissingError):
        registry.verify("income:2", by=admin)


def test_a_version_that_was_never_recorded_is_found(database, vault, keyring, ledger, register, registry, admin):
    """Rows and signature are right, as somebody with the keyring could write them; the ledger does not have it."""

    class ForgetfulLedger:
        def record(self, connection, event, **entry):
            return 0

    register()
    put(Registry(database, vault, ForgetfulLedger(), keyring), admin)
    assert registry.find("income:2", by=admin).number == 2
    assert "is not in the ledger" in faults_of(registry, admin, "income:2")[1]
    assert registry.verify("income:1", by=admin).is_sound


def test_a_version_found_before_its_rows_were_swapped_is_not_opened(registry, version):
    stale = dataclasses.replace(version, digest="0" * 64)
    with pytest.raises(TamperedVersionError, match="found under this name before"):
        registry.open(stale)
