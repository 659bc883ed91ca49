# SPDX-License-Identifier: Apache-2.0
"""Streams that carry their key with them: what backups are, and what objects once were."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.storage import Keyring, MasterKeyMissingError, SealBrokenError, seal, unseal

LABEL = "backup"


@pytest.fixture(scope="module")
def keyring(tmp_path_factory):
    return Keyring.create(tmp_path_factory.mktemp("keys") / "keys.json", secrets={})


def sealed(data: bytes, keyring: Keyring) -> bytes:
    return b"".join(seal(io.BytesIO(data), label=LABEL, keyring=keyring, chunk_bytes=16))


def unsealed(stream: bytes, keyring: Keyring, label: str = LABEL) -> bytes:
    return b"".join(unseal(io.BytesIO(stream), label=label, keyring=keyring))


@given(data=st.binary(max_size=100))
def test_what_was_sealed_comes_out_unchanged_under_its_own_label_alone(keyring, data):
    stream = sealed(data, keyring)
    assert unsealed(stream, keyring) == data
    with pytest.raises(SealBrokenError):
        unsealed(stream, keyring, "another")


@pytest.mark.parametrize("data", [b"", b"one chunk", b"forty bytes of somebody's private record"])
def test_every_flipped_bit_of_head_and_chunks_and_every_cut_is_refused(keyring, data):
    """In the head stands the name of a master key: where that is another, the refusal may say that there is none of that name."""
    whole = sealed(data, keyring)
    assert unsealed(whole, keyring) == data
    for place in range(len(whole)):
        for bit in (1 << number for number in range(8)):
            changed = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
            with pytest.raises((SealBrokenError, MasterKeyMissingError)):
                unsealed(changed, keyring)
    for size in range(len(whole)):
        with pytest.raises(SealBrokenError):
            unsealed(whole[:size], keyring)


def test_chunks_in_another_order_are_refused(keyring):
    whole = sealed(b"a" * 16 + b"b" * 16 + b"c" * 8, keyring)
    body = 12 + int.from_bytes(whole[8:12], "big")
    opening, first, second, last = whole[:body], whole[body : body + 32], whole[body + 32 : body + 64], whole[body + 64 :]
    assert unsealed(opening + first + second + last, keyring)
    for chunks in ((second, first, last), (first, last), (first, first, last), (first, second, second, last)):
        with pytest.raises(SealBrokenError):
            unsealed(opening + b"".join(chunks), keyring)
