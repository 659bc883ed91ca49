# SPDX-License-Identifier: Apache-2.0
"""A version that format 1 wrote and signed must verify, come in and answer for ever. The files beside this one never change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from model_signing import verifying

from modelward.audit import Ledger
from modelward.registry import Registry, parse_manifest, verify_folder

HERE = Path(__file__).parent
FOLDER, KEY = HERE / "version-1", HERE / "version-1.pem"
ROWS = [{"age": 40, "hours": 38.5, "job": "nurse"}, {"age": None, "hours": 10, "job": None}]
ANSWERS = [[0.7631450295448303, 0.23685498535633087], [0.5498339533805847, 0.4501659870147705]]


@pytest.fixture
def registry(database, vault, ledger: Ledger, keyring) -> Registry:
    database.create_tables()
    return Registry(database, vault, ledger, keyring)


def test_a_signature_of_format_1_verifies():
    found = verify_folder(FOLDER, public_key=KEY.read_bytes())
    assert (found.is_sound, found.name, found.files_checked) == (True, "income:1", 8)
    verifying.Config().use_elliptic_key_verifier(public_key=KEY).verify(FOLDER, FOLDER / "model.sig")


def test_a_changed_copy_of_it_does_not_verify(tmp_path):
    copy = shutil.copytree(FOLDER, tmp_path / "copy")
    (copy / "trust_report.json").write_text('{"clauses": []}')
    assert not verify_folder(copy, public_key=KEY.read_bytes()).is_sound


def test_a_manifest_of_format_1_is_read():
    manifest = parse_manifest((FOLDER / "manifest.json").read_bytes())
    assert (manifest.model, manifest.number, manifest.lineage.dataset) == ("income", 1, "adult")


def test_a_version_of_format_1_comes_in_and_answers_the_same(registry, admin):
    version = registry.import_folder(FOLDER, "income", by=admin, public_key=KEY.read_bytes())
    answers = registry.open(version).predict(version.interface.columns(ROWS))
    assert version.lineage.run == "run-1"
    assert answers.tolist() == [pytest.approx(row, abs=1e-6) for row in ANSWERS]


def test_a_version_of_format_1_calls_unfamiliar_what_its_interface_lacks_and_nothing_it_says_nothing_of(registry, admin):
    version = registry.import_folder(FOLDER, "income", by=admin, public_key=KEY.read_bytes())
    strange = {"age": 91, "hours": 1e9, "job": "pilot"}
    assert version.interface.encode([version.interface.table_of_rows([*ROWS, strange])]).unfamiliar == [(), (), ("age", "job")]
