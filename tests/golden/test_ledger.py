# SPDX-License-Identifier: Apache-2.0
"""Ledgers and receipts of earlier versions verify for ever. The folders beside this file are never written again.

`ledger-1` was written by version 0.1.0: 270 entries, of which entry 100 answers `request-100`. Its secrets are the SHA-256 of
`golden ledger` and `golden digests`, so that the test can open the database.
"""

import hashlib
import shutil
from pathlib import Path

import pytest

from modelward.audit import LEDGER_OPENED, Draft, Ledger, open_checkpoint, verify_receipt
from modelward.audit.checkpoint import VerifierKey
from modelward.audit.merkle import Frontier, check_consistency, leaf_hash
from modelward.storage import Database, Keyring

GOLDEN = Path(__file__).parent / "ledger-1"
KEY = "modelward/golden-1+521df82a+AVRZMGjW3aatsZJ3kt4kBQwRtSG+D7Xoin7uFC8a/SuJ"
ROOT = "cd9003bfde2767f4ea29ffc7906eda8db604c6e45c0de4789594d111710acd68"


@pytest.fixture
def ledger(tmp_path):
    for name in ("ledger.sqlite", "ledger.checkpoint"):
        shutil.copy(GOLDEN / name, tmp_path / name)
    secrets = {name: hashlib.sha256(b"golden " + name.encode()).digest() for name in ("ledger", "digests")}
    keyring = Keyring.create(tmp_path / "keys.json", secrets=secrets)
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield Ledger(database, keyring, anchor=tmp_path / "ledger.checkpoint")
    database.close()


def test_its_database_verifies(ledger):
    found = ledger.verify(earlier=(GOLDEN / "earlier.checkpoint").read_text())
    assert (found.faults, found.size, found.root) == ((), 270, ROOT)
    assert ledger.public_key() == KEY


def test_its_database_gives_the_same_receipt_and_can_be_appended_to(ledger):
    assert ledger.receipt("request-100") == (GOLDEN / "request-100.tlog-proof").read_text()
    ledger.create("modelward/golden-1")
    assert ledger.commit(lambda: [Draft(LEDGER_OPENED, actor="test", subject="test")]) == 270
    assert ledger.verify().is_sound


def test_its_database_is_brought_up_to_date_when_it_is_opened(ledger):
    ledger._database.create_tables()
    for _ in range(4):
        ledger.commit(lambda: [Draft(LEDGER_OPENED, actor="test", subject="test")] * 250)
    assert ledger.verify().is_sound
    assert [one.index for one in ledger.entries(request="request-100")] == [100]
    assert len(ledger.entries(actor="test", limit=10_000)) == 1000
    assert ledger.entries(event="ledger.opened", limit=10_000)[-1].index == 0


def test_its_receipt_verifies():
    receipt = verify_receipt((GOLDEN / "request-100.tlog-proof").read_text(), public_key=KEY)
    assert (receipt.index, receipt.size, receipt.root) == (100, 270, ROOT)
    assert receipt.confirms(b'{"age":44}', "input")
    assert receipt.confirms(b"granted", "output")
    assert not receipt.confirms(b"refused", "output")


def test_its_export_verifies():
    frontier = Frontier()
    for line in (GOLDEN / "export" / "entries.jsonl").read_bytes().splitlines():
        frontier.append(leaf_hash(line))
    checkpoint = open_checkpoint((GOLDEN / "export" / "checkpoint.txt").read_text(), VerifierKey.parse(KEY))
    assert (frontier.size, frontier.root().hex()) == (checkpoint.size, checkpoint.root) == (270, ROOT)
    assert (GOLDEN / "export" / "public-key.txt").read_text().strip() == KEY


def test_its_consistency_proof_convinces():
    earlier = open_checkpoint((GOLDEN / "earlier.checkpoint").read_text(), VerifierKey.parse(KEY))
    path = [bytes.fromhex(line) for line in (GOLDEN / "consistency-100.txt").read_text().split()]
    check_consistency(path, older=(earlier.size, bytes.fromhex(earlier.root)), newer=(270, bytes.fromhex(ROOT)))
