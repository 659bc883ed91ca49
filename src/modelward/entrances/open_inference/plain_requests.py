# SPDX-License-Identifier: Apache-2.0
"""The question over REST that is asked most: one tensor of numbers in JSON, all features of the model in it. It is read in one go;
whatever is of another kind, or wrong, is left to `requests`, which says what is wrong.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

import msgspec

from modelward.entrances.open_inference.json_values import numbers_of_json
from modelward.entrances.open_inference.requests import Parameters, RequestedOutput
from modelward.registry import Number, Table

if TYPE_CHECKING:
    from modelward.registry import Interface

# In a longer question it is worth to look where the data lies, and to go through it only once.
_LONG_BYTES = 2048
# What stands for data that was taken out: nobody can guess it, so nobody can send it.
_STAND_IN = secrets.token_hex(16)
Data = TypeVar("Data")


class _Input(msgspec.Struct, Generic[Data], gc=False):
    name: str
    shape: tuple[int, int]
    datatype: Literal["FP32", "FP64"]
    data: Data
    parameters: None = None


class PlainRequest(msgspec.Struct, Generic[Data], gc=False):
    """One tensor of two dimensions, and what may be said besides."""

    inputs: tuple[_Input[Data]]
    id: str | None = None
    parameters: Parameters | None = None
    outputs: list[RequestedOutput] | None = None


_decode_flat = msgspec.json.Decoder(PlainRequest[list[Number]]).decode
_decode_nested = msgspec.json.Decoder(PlainRequest[list[list[Number]]]).decode
_decode_emptied = msgspec.json.Decoder(PlainRequest[str]).decode
Read: TypeAlias = tuple[PlainRequest[Any], Table]


def read_plain(text: bytes, interface: Interface, *, rows_limit: int) -> Read | None:
    """The question and its table; None where it is of another kind, or wrong."""
    if not interface.is_of_numbers:
        return None
    try:
        if len(text) > _LONG_BYTES and (lying := _lying(text)) is not None:
            read = _long(text, lying, interface)
        elif b"[[" in text:
            read = _nested(text, len(interface.features))
        else:
            read = _flat(text, len(interface.features))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
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
