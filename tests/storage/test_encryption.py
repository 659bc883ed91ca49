# SPDX-License-Identifier: Apache-2.0
import io
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.storage import SealBrokenError, Sealer
from modelward.storage.encryption import MAGIC

LABEL = "version income:3 model.onnx"


@pytest.fixture(scope="module")
def key():
    return Sealer(LABEL)


def sealed(data: bytes, key: Sealer, *, chunk_bytes: int = 16) -> bytes:
    return b"".join(key.seal(io.BytesIO(data), chunk_bytes=chunk_bytes))


def unsealed(data: bytes, *, key: Sealer, label: str = LABEL) -> bytes:
    return b"".join(replace(key, label=label).unseal(io.BytesIO(data)))


def body_start(data: bytes) -> int:
    return len(MAGIC) + 4 + int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "big")


def cut(data: bytes, *, chunk_bytes: int = 16) -> tuple[bytes, list[bytes]]:
    """The opening, and the sealed chunks."""
    start, size = body_start(data), chunk_bytes + 16
    return data[:start], [data[place : place + size] for place in range(start, len(data), size)]


@given(data=st.binary(max_size=300), chunk_bytes=st.integers(1, 64))
def test_what_was_sealed_comes_out_unchanged(key, data, chunk_bytes):
    assert unsealed(sealed(data, key, chunk_bytes=chunk_bytes), label=LABEL, key=key) == data


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 33, 160])
def test_sizes_around_the_chunk_come_out_unchanged(key, size):
    data = bytes(range(256))[:size]
    assert unsealed(sealed(data, key), label=LABEL, key=key) == data


class Trickle(io.RawIOBase):
    """A stream that hands out at most three bytes at a time, as a network does."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def read(self, size: int = -1) -> bytes:
        part, self.rest = self.rest[: min(size, 3)], self.rest[min(size, 3) :]
        return part


@given(data=st.binary(max_size=100))
def test_a_stream_that_trickles_is_sealed_and_unsealed_whole(key, data):
    stream = b"".join(key.seal(Trickle(data), chunk_bytes=16))
    assert b"".join(key.unseal(Trickle(stream))) == data


@pytest.mark.parametrize("data", [b"", b"one chunk", b"forty bytes of somebody's private record"])
def test_every_flipped_bit_is_refused(key, data):
    """Of one chunk, too: where a stream has no second one, its head alone says how long they are."""
    whole = sealed(data, key)
    assert unsealed(whole, label=LABEL, key=key) == data
    for place in range(len(whole)):
        for bit in (1 << number for number in range(8)):
            changed = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
            with pytest.raises(SealBrokenError):
                unsealed(changed, label=LABEL, key=key)


def test_a_truncated_stream_is_refused_at_any_place(key):
    whole = sealed(b"x" * 50, key)
    for size in range(len(whole)):
        with pytest.raises(SealBrokenError):
            unsealed(whole[:size], label=LABEL, key=key)


@given(data=st.binary(min_size=1, max_size=200), tail=st.binary(min_size=1, max_size=80))
def test_bytes_after_the_end_are_refused(key, data, tail):
    with pytest.raises(SealBrokenError):
        unsealed(sealed(data, key) + tail, label=LABEL, key=key)


@given(draw=st.data(), count=st.integers(2, 6))
def test_chunks_in_another_order_or_number_are_refused(key, draw, count):
    opening, chunks = cut(sealed(b"".join(bytes([number]) * 16 for number in range(count)), key))
    assert len(chunks) == count
    places = draw.draw(st.lists(st.integers(0, count - 1), max_size=count + 2).filter(lambda order: order != list(range(count))))
    with pytest.raises(SealBrokenError):
        unsealed(opening + b"".join(chunks[place] for place in places), label=LABEL, key=key)


def test_a_chunk_of_another_stream_is_refused(key):
    opening, chunks = cut(sealed(b"a" * 48, key))
    _, others = cut(sealed(b"a" * 48, key))
    assert unsealed(opening + b"".join(chunks), label=LABEL, key=key) == b"a" * 48
    with pytest.raises(SealBrokenError):
        unsealed(opening + chunks[0] + others[1] + chunks[2], label=LABEL, key=key)


@given(label=st.text(max_size=40).filter(lambda label: label != LABEL))
def test_under_another_label_it_is_refused(key, label):
    with pytest.raises(SealBrokenError):
        unsealed(sealed(b"data", key), label=label, key=key)


@pytest.mark.parametrize("other", [Sealer(LABEL), replace(Sealer(LABEL), id="the same")])
def test_with_another_key_it_is_refused(other):
    key = replace(Sealer(LABEL), id="the same")
    whole = sealed(b"data", key)
    assert unsealed(whole, label=LABEL, key=key) == b"data"
    with pytest.raises(SealBrokenError):
        unsealed(whole, label=LABEL, key=other)


@given(data=st.binary(max_size=200))
def test_what_was_never_sealed_is_refused(key, data):
    for candidate in (data, MAGIC + data, MAGIC + len(data).to_bytes(4, "big") + data):
        with pytest.raises(SealBrokenError):
            unsealed(candidate, label=LABEL, key=key)


def test_sealing_twice_gives_two_ciphertexts(key):
    assert sealed(b"same", key) != sealed(b"same", key)


@given(data=st.binary(min_size=8, max_size=100))
def test_the_plaintext_is_not_in_the_ciphertext(key, data):
    whole = sealed(data, key, chunk_bytes=128)
    assert data not in whole[body_start(whole) :]


@pytest.mark.parametrize("chunk_bytes", [0, -1, (1 << 26) + 1])
def test_a_chunk_size_that_would_lose_data_is_refused(key, chunk_bytes):
    with pytest.raises(ValueError, match="chunk_bytes"):
        sealed(b"data", key, chunk_bytes=chunk_bytes)


class Zeros(io.RawIOBase):
    """So many zero bytes, made as they are asked for."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        given = min(size, self.left)
        self.left -= given
        return bytes(given)


class Joined(io.RawIOBase):
    """The pieces of an iterator, read as a stream."""

    def __init__(self, pieces) -> None:
        self.pieces = pieces
        self.rest = b""

    def read(self, size: int = -1) -> bytes:
        self.rest = self.rest or next(self.pieces, b"")
        part, self.rest = self.rest[:size], self.rest[size:]
        return part


def test_a_large_stream_takes_bounded_memory(key):
    size, total = 64 << 20, 0
    tracemalloc.start()
    try:
        stream = Joined(key.seal(Zeros(size)))
        for piece in key.unseal(stream):
            total += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == size
    assert peak < 16 << 20
