# SPDX-License-Identifier: Apache-2.0
"""Checkpoints are C2SP signed notes: other tools read ours, and only what the ledger's key signed is believed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal.rekor.checkpoint import SignedCheckpoint

from audit import naive
from audit.opened import law
from modelward.audit.checkpoint import (
    CheckpointBrokenError,
    CheckpointSigner,
    PublicKeyUnreadableError,
    VerifierKey,
    open_checkpoint,
)
from modelward.errors import InvalidError

SIGNER = CheckpointSigner("modelward/test", bytes(range(32)))
NOTE = SIGNER.sign(7, bytes(range(32)))

# From the documentation of Go's sumdb/note, whose key and signature belong to the phrase.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_checkpoint_opens_with_its_key():
    checkpoint = open_checkpoint(NOTE, SIGNER.key)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == ("modelward/test", 7, bytes(range(32)).hex())
    assert checkpoint.text == NOTE


def test_independent_code_reads_it():
    lines = naive.open_note(NOTE, str(SIGNER.key))
    assert lines == ["modelward/test", "7", base64.b64encode(bytes(range(32))).decode()]


def test_another_library_reads_it():
    read = SignedCheckpoint.from_text(NOTE)
    assert (read.checkpoint.origin, read.checkpoint.log_size) == ("modelward/test", 7)
    assert read.checkpoint.log_hash == bytes(range(32)).hex()
    assert [(one.name, one.sig_hash) for one in read.signed_note.signatures] == [("modelward/test", SIGNER.key.id)]


def test_a_key_of_another_implementation_is_read():
    key = VerifierKey.parse(GO_KEY)
    assert (key.name, key.id.hex(), str(key)) == ("PeterNeumann", "c74f20a3", GO_KEY)


@law
@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_every_flipped_byte_is_seen(place, mask):
    raw = bytearray(NOTE.encode())
    raw[place] ^= mask
    with pytest.raises(CheckpointBrokenError):
        open_checkpoint(raw.decode(errors="replace"), SIGNER.key)


def test_a_cosignature_of_somebody_else_does_not_disturb():
    witness = CheckpointSigner("witness.example", bytes(32))
    line = f"— witness.example {base64.b64encode(witness.key.id + bytes(64)).decode()}\n"
    assert open_checkpoint(NOTE + line, SIGNER.key).size == 7


def test_a_second_wrong_signature_of_our_key_is_refused():
    line = f"— modelward/test {base64.b64encode(SIGNER.key.id + bytes(64)).decode()}\n"
    with pytest.raises(CheckpointBrokenError, match="wrong"):
        open_checkpoint(NOTE + line, SIGNER.key)


def test_too_many_signatures_are_not_looked_at():
    line = f"— witness.example {base64.b64encode(bytes(68)).decode()}\n"
    with pytest.raises(CheckpointBrokenError, match="more than"):
        open_checkpoint(NOTE + 64 * line, SIGNER.key)


@pytest.mark.parametrize("text", ["", "\n", "\n\n", NOTE[:-1], NOTE.replace("\n\n", "\n"), NOTE + "\ud800", "x" * (1 << 21)])
def test_what_is_no_note_is_refused(text):
    with pytest.raises(CheckpointBrokenError):
        open_checkpoint(text, SIGNER.key)


@pytest.mark.parametrize(
    "body", ["", "modelward/test\n", "modelward/test\n07\nAAAA\n", "modelward/test\n7\nAAAA\n", "a\n-1\nAAAA\n"]
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(body):
    signature = SIGNER._secret.sign(body.encode())
    note = f"{body}\n— modelward/test {base64.b64encode(SIGNER.key.id + signature).decode()}\n"
    with pytest.raises(CheckpointBrokenError):
        open_checkpoint(note, SIGNER.key)


def test_another_log_under_the_same_secret_is_refused():
    other = CheckpointSigner("modelward/other", bytes(range(32)))
    with pytest.raises(CheckpointBrokenError, match="no signature"):
        open_checkpoint(other.sign(7, bytes(32)), SIGNER.key)


@pytest.mark.parametrize(
    "line",
    ["", "modelward/test", str(SIGNER.key)[:-1], str(SIGNER.key).replace("+", " "), f"x{SIGNER.key}", GO_KEY.replace("c7", "c8")],
)
def test_what_is_no_key_is_refused(line):
    with pytest.raises(PublicKeyUnreadableError):
        VerifierKey.parse(line)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "tab\t", "line\n"])
def test_a_log_cannot_be_called_what_a_note_cannot_carry(origin):
    with pytest.raises(InvalidError):
        CheckpointSigner(origin, bytes(32))
