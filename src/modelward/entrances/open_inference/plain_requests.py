# SPDX-License-Identifier: Apache-2.0
"""The questions over REST that are asked most: numbers in JSON, all features in one tensor or each in its own. They are read in one
go; whatever is of another kind, or wrong, is left to `requests`, which says what is wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

import msgspec

from modelward.entrances.open_inference.json_values import numbers_of_json
from modelward.entrances.open_inference.requests import NOT_JSON, KnownOutput, Parameters
from modelward.registry import Number, Table

if TYPE_CHECKING:
    from modelward.registry import Interface

# In a longer question it is worth to look where the data lies, and to go through it only once.
_LONG_BYTES = 2048
# What stands for data that was taken out: nobody can guess it, so nobody can send it.
_STAND_IN = secrets.token_hex(16)
Data = TypeVar("Data")
Inputs = TypeVar("Inputs")


class _Block(msgspec.Struct, Generic[Data], forbid_unknown_fields=True, gc=False):
    """All features."""

    name: str
    shape: tuple[int, int]
    datatype: Literal["FP32", "FP64"]
    data: Data
    parameters: None = None


class _Column(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One feature."""

    name: str
    shape: list[int]
    datatype: Literal["FP32", "FP64"]
    data: list[Number]
    parameters: None = None


class PlainRequest(msgspec.Struct, Generic[Inputs], forbid_unknown_fields=True, gc=False):
    """A question, and what may be said besides: nothing unknown, which could be nested to any depth."""

    inputs: Inputs
    id: str | None = None
    parameters: Parameters | None = None
    outputs: list[KnownOutput] | None = None


_decode_flat = msgspec.json.Decoder(PlainRequest[tuple[_Block[list[Number]]]]).decode
_decode_nested = msgspec.json.Decoder(PlainRequest[tuple[_Block[list[list[Number]]]]]).decode
_decode_emptied = msgspec.json.Decoder(PlainRequest[tuple[_Block[str]]]).decode
_decode_columns = msgspec.json.Decoder(PlainRequest[list[_Column]]).decode
Read: TypeAlias = tuple[PlainRequest[Any], Table]


def read_plain(text: bytes, interface: Interface, *, rows_limit: int) -> Read | None:
    """The question and its table; None where it is of another kind, or wrong."""
    if not interface.is_of_numbers:
        return None
    read: Read | None = None
    try:
        if len(text) > _LONG_BYTES and (lying := _lying(text)) is not None:
            read = _long(text, lying, interface)
        else:
            read = _flat(text, len(interface.features))
    except NOT_JSON:
        with suppress(*NOT_JSON):
            read = _nested(text, len(interface.features)) if b"[[" in text else _columns(text, interface.names)
    return read if read is not None and 0 < len(read[1]) <= rows_limit else None


def _flat(text: bytes, width: int) -> Read | None:
    request = _decode_flat(text)
    (tensor,) = request.inputs
    data, (rows, columns) = tensor.data, tensor.shape
    if columns != width or len(data) != rows * width:
        return None
    return request, Table(rows, [data] if rows == 1 else [data[at : at + width] for at in range(0, len(data), width)], ())


def _nested(text: bytes, width: int) -> Read | None:
    request = _decode_nested(text)
    (tensor,) = request.inputs
    if tensor.shape != (len(tensor.data), width) or set(map(len, tensor.data)) != {width}:
        return None
    return request, Table(len(tensor.data), tensor.data, ())


def _long(text: bytes, lying: slice, interface: Interface) -> Read | None:
    """The same, with a stand-in where the data lay. That the stand-in is found as the tensor's data shows that the data lay there,
    and reading it that it is JSON.
    """
    request = _decode_emptied(b'%b"%b"%b' % (text[: lying.start], _STAND_IN.encode(), text[lying.stop :]))
    (tensor,) = request.inputs
    rows, columns = tensor.shape
    if tensor.data != _STAND_IN or columns != len(interface.features):
        return None
    numbers = numbers_of_json(text[lying], rows=rows, width=columns)
    return None if numbers is None else (request, interface.table_of_matrix(numbers.reshape(rows, columns)))


def _columns(text: bytes, names: Sequence[str]) -> Read | None:
    request = _decode_columns(text)
    columns = {tensor.name: tensor.data for tensor in request.inputs}
    if len(request.inputs) != len(names):
        return None
    rows = len(request.inputs[0].data)
    shapes = ([rows], [rows, 1])
    if any(tensor.shape not in shapes or len(tensor.data) != rows for tensor in request.inputs):
        return None
    try:
        ordered = [columns[name] for name in names]
    except KeyError:
        return None
    return request, Table(rows, list(zip(*ordered, strict=True)), ())


def _lying(text: bytes) -> slice | None:
    """Where the data may lie: from the first bracket after the word to the last before another text begins or an object ends."""
    at = text.find(b'"data"')
    start = text.find(b"[", at)
    if at < 0 or start < 0:
        return None
    brace = text.find(b"}", start)
    quote = text.find(b'"', start, brace)
    end = text.rfind(b"]", start, brace if quote < 0 else quote) + 1
    return slice(start, end) if end > start else None
