# SPDX-License-Identifier: Apache-2.0
"""The data of a tensor as packed bytes: the binary tensor extension over REST, raw contents over gRPC."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from modelward.entrances.open_inference.datatypes import BRAIN_FLOAT, PACKED, TEXT, TRUTH, Head, Values, text_or_bytes

_PREFIX_BYTES = 4


def values_of_bytes(head: Head, data: memoryview) -> Values:
    """The values in a tensor's bytes. Numbers are looked at where they lie, nothing is copied.

    Raises:
        TensorError: they are not of its datatype, or more or less than its shape says.
    """
    if head.datatype == TEXT:
        return _texts(head, data)
    form = np.dtype(PACKED[head.datatype])
    if len(data) != head.size * form.itemsize:
        raise head.miscounted(len(data), expected=head.size * form.itemsize, unit=f"bytes of {head.datatype}")
    array = np.frombuffer(data, dtype=form)
    if head.datatype == TRUTH:
        if bytes(data).translate(None, b"\x00\x01"):
            raise head.error("holds bytes that are neither 0 nor 1. Send one byte for each BOOL.")
        return array.astype(np.bool_)
    return (array.astype("<u4") << 16).view("<f4") if head.datatype == BRAIN_FLOAT else array


def packed_texts(texts: Iterable[str]) -> bytes:
    """Texts as BYTES has them: four bytes of length, little endian, and UTF-8."""
    return b"".join(len(text).to_bytes(_PREFIX_BYTES, "little") + text for text in map(str.encode, texts))


def _texts(head: Head, data: memoryview) -> list[str | bytes]:
    if head.size * _PREFIX_BYTES > len(data):
        raise head.error(f"has {len(data)} bytes, which are too few for {head.size} BYTES. {_HOW}")
    texts: list[str | bytes] = []
    at = 0
    for _ in range(head.size):
        start = at + _PREFIX_BYTES
        at = start + int.from_bytes(data[at:start], "little")
        if at > len(data):
            raise head.error(f"ends in the midst of a text. {_HOW}")
        texts.append(text_or_bytes(data[start:at]))
    if at != len(data):
        raise head.error(f"has {len(data) - at} bytes more than its {head.size} BYTES. {_HOW}")
    return texts


_HOW = "Send for each its length in four bytes, little endian, and its UTF-8 or its bytes."
