# SPDX-License-Identifier: Apache-2.0
"""A receipt proves offline what was asked and answered; no byte of it can be changed."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import naive
from audit.opened import DONE, close, draft, law, open_ledger
from modelward.audit import (
    CheckpointBrokenError,
    Draft,
    PublicKeyUnreadableError,
    ReceiptBrokenError,
    ReceiptMissingError,
    UnknownCommitmentError,
    verify_receipt,
)
from modelward.audit.checkpoint import CheckpointSigner

SIZE = 300


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    opened = open_ledger(tmp_path_factory.mktemp("receipts"))
    drafts = [draft(number, request=f"r-{number}") for number in range(1, SIZE - 1)]
    key = opened.request_key("asked")
    facts = {"input": key.commitment(b"age=44"), "output": key.commitment(b"yes"), "rows": 1}
    drafts.insert(100, Draft(DONE, actor="service:till", subject="income:3", facts=facts, request="asked"))
    opened.commit(lambda: drafts)
    assert opened.head().size == SIZE
    yield opened
    close(opened)


@pytest.fixture(scope="module")
def receipt(ledger):
    return ledger.receipt("asked")


@pytest.fixture(scope="module")
def key(ledger):
    return ledger.public_key()


def test_a_receipt_verifies_with_the_public_key_alone(receipt, key):
    found = verify_receipt(receipt, public_key=key)
    assert (found.origin, found.index, found.size) == ("modelward/test", 101, SIZE)
    assert (found.entry.event, found.entry.actor, found.entry.request) == (DONE.name, "service:till", "asked")


def test_a_receipt_confirms_the_payload_and_no_guess(receipt, key):
    found = verify_receipt(receipt, public_key=key)
    assert found.confirms(b"age=44", "input")
    assert found.confirms(b"yes", "output")
    assert not found.confirms(b"age=45", "input")
    assert not found.confirms(b"age=44", "output")
    for field in ("inptu", "rows"):
        with pytest.raises(UnknownCommitmentError, match="input, output, rows"):
            found.confirms(b"age=44", field)


def test_a_receipt_reveals_the_key_of_its_own_request_only(ledger, receipt, key):
    other = verify_receipt(ledger.receipt("r-7"), public_key=key)
    assert other.key != verify_receipt(receipt, public_key=key).key
    assert ledger.request_key("asked").secret.hex() == verify_receipt(receipt, public_key=key).key


@law
@given(st.data())
def test_every_flipped_byte_of_a_receipt_is_refused(receipt, key, data):
    raw = bytearray(receipt.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ReceiptBrokenError):
        verify_receipt(raw.decode(errors="replace"), public_key=key)


def test_every_flipped_letter_of_the_entry_and_key_is_refused(receipt, key):
    lines = receipt.split("\n")
    extra = base64.b64decode(lines[1].removeprefix("extra "))
    for place in range(len(extra)):
        flipped = bytearray(extra)
        flipped[place] ^= 1
        lines[1] = f"extra {base64.b64encode(flipped).decode()}"
        with pytest.raises(ReceiptBrokenError):
            verify_receipt("\n".join(lines), public_key=key)


def test_the_text_is_that_of_the_specification(receipt, key):
    """C2SP tlog-proof, read by independent code."""
    proof, _, checkpoint = receipt.partition("\n\n")
    form, extra, index, *path = proof.split("\n")
    assert (form, index) == ("c2sp.org/tlog-proof@v1", "index 101")
    entry = json.loads(base64.b64decode(extra.removeprefix("extra ")))["entry"].encode()
    _, size, root = naive.open_note(checkpoint, key)
    node, place, last = hashlib.sha256(b"\0" + entry).digest(), 101, int(size) - 1
    for sibling in map(base64.b64decode, path):
        while place == last and place % 2 == 0:
            place, last = place // 2, last // 2
        pair = sibling + node if place % 2 else node + sibling
        node, place, last = hashlib.sha256(b"\1" + pair).digest(), place // 2, last // 2
    assert base64.b64encode(node).decode() == root


def test_a_cosigned_receipt_still_verifies(receipt, key):
    witness = CheckpointSigner("witness.example", bytes(32)).key
    line = f"— witness.example {base64.b64encode(witness.id + bytes(72)).decode()}\n"
    assert verify_receipt(receipt + line, public_key=key).index == 101


def test_a_receipt_of_another_ledger_is_refused(receipt, key):
    for other in (CheckpointSigner("modelward/test", bytes(32)).key, CheckpointSigner("modelward/other", bytes(32)).key):
        with pytest.raises(ReceiptBrokenError, match="not genuine") as refused:
            verify_receipt(receipt, public_key=str(other))
        assert isinstance(refused.value.__cause__, CheckpointBrokenError)
    with pytest.raises(PublicKeyUnreadableError):
        verify_receipt(receipt, public_key="secret")


def test_the_key_of_another_request_is_refused(ledger, receipt, key):
    mine, other = receipt.split("\n"), ledger.request_key("r-7").secret.hex()
    extra = json.loads(base64.b64decode(mine[1].removeprefix("extra ")))
    forged = json.dumps(extra | {"key": other}, separators=(",", ":")).encode()
    mine[1] = f"extra {base64.b64encode(forged).decode()}"
    with pytest.raises(ReceiptBrokenError, match="key of its commitments"):
        verify_receipt("\n".join(mine), public_key=key)


@pytest.mark.parametrize("text", ["", "receipt", "\n\n\n", "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n", "x" * (2 << 20)])
def test_what_is_no_receipt_is_refused(text, key):
    with pytest.raises(ReceiptBrokenError, match="not a receipt"):
        verify_receipt(text, public_key=key)


@pytest.mark.parametrize("request_id", ["", "nobody", "' OR ''='"])
def test_an_unknown_request_has_no_receipt(ledger, request_id):
    with pytest.raises(ReceiptMissingError, match="No entry"):
        ledger.receipt(request_id)


def test_a_request_with_several_entries_has_the_receipt_of_the_last(ledger, key):
    ledger.commit(lambda: [draft(1, request="twice"), draft(2, request="twice")])
    assert verify_receipt(ledger.receipt("twice"), public_key=key).index == ledger.head().size - 1


def test_receipts_stay_good_while_the_ledger_grows(ledger, receipt, key):
    ledger.commit(lambda: [draft(number) for number in range(600)])
    assert verify_receipt(receipt, public_key=key).index == verify_receipt(ledger.receipt("asked"), public_key=key).index
    assert ledger.verify(earlier=receipt.partition("\n\n")[2]).is_sound
