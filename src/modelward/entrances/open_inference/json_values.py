# SPDX-License-Identifier: Apache-2.0
"""The data of a tensor in JSON, flat or nested.

Many numbers are read by simdjson straight into a buffer, in half the time that lists of Python numbers take; whatever it does not
take, or nearly does not, is read once more by the decoder of the tensor's datatype, which knows what is wrong.
"""

from __future__ import annotations

from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.entrances.open_inference.datatypes import BRAIN_FLOAT, TEXT, TRUTH, Head, Values

try:
    from simdjson import Parser
except ImportError:  # There is no wheel for every Python.
    Parser = None  # type: ignore[misc,assignment]  # asked for before it is used

# Below, lists are as fast, and joined with those of other requests faster.
_WORTH_A_BUFFER_BYTES = 1024
_HALF_LARGEST = float(np.finfo(np.float16).max)
_UINT64_LARGEST = 2**64 - 1


def _integer(bits: int, *, is_signed: bool) -> Any:
    least = -(2 ** (bits - 1)) if is_signed else 0
    most = 2 ** (bits - 1) - 1 if is_signed else 2**bits - 1
    # msgspec compares with what 64 signed bits hold; the upper bound of UINT64 is looked at afterwards.
    return Annotated[int, Meta(ge=least, le=most)] if most < 2**63 else Annotated[int, Meta(ge=least)]


_ELEMENTS: dict[str, Any] = {
    TRUTH: bool,
    TEXT: str,
    "FP16": Annotated[float, Meta(ge=-_HALF_LARGEST, le=_HALF_LARGEST)],
    "FP32": float,
    "FP64": float,
} | {f"{'' if signed else 'U'}INT{bits}": _integer(bits, is_signed=signed) for signed in (True, False) for bits in (8, 16, 32, 64)}
_FLAT: dict[str, msgspec.json.Decoder[list[Any]]] = {
    name: msgspec.json.Decoder(list[kind | None])  # type: ignore[valid-type]  # a type that is made here
    for name, kind in _ELEMENTS.items()
}
_NESTED: dict[str, msgspec.json.Decoder[list[list[Any]]]] = {
    name: msgspec.json.Decoder(list[list[kind | None]])  # type: ignore[valid-type]  # as above
    for name, kind in _ELEMENTS.items()
}


def values_of_json(head: Head, data: bytes) -> Values:
    """The values in a tensor's `data`, which is flat, or nested as its shape says.

    Raises:
        TensorError: they are not of its datatype, or more or less than its shape says.
    """
    if len(data) >= _WORTH_A_BUFFER_BYTES and head.datatype in ("FP32", "FP64"):
        numbers = numbers_of_json(data, rows=head.rows, width=head.width)
        if numbers is not None:
            return numbers
    if head.datatype == BRAIN_FLOAT:
        raise head.error("is BF16, which JSON has no form for. Send it as a binary tensor, or as FP32.")
    try:
        values = _values(head, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise head.error(
            f"holds values that are not {head.datatype}, or are nested otherwise than its shape. Send its data flat."
        ) from None
    if len(values) != head.size:
        raise head.miscounted(len(values), expected=head.size)
    return _fitted(head, values)


def numbers_of_json(data: bytes, *, rows: int, width: int) -> npt.NDArray[np.float64] | None:
    """`rows` times `width` numbers of an array, flat or nested, as the float64 nearest to each; None where it is anything else."""
    if Parser is None:
        return None
    try:
        # A parser of its own each time: one that is used again must not while anybody holds what it read before.
        array: Any = Parser().parse(data)
        is_nested = data.find(b"[", 1) > 0
        if is_nested and (len(array) != rows or data.count(b"[") != rows + 1 or any(len(row) != width for row in array)):
            return None
        numbers = np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)
    except (ValueError, TypeError, RuntimeError, AttributeError):
        return None
    return numbers if len(numbers) == rows * width else None


def _values(head: Head, data: bytes) -> list[Any]:
    if not data[1:16].lstrip().startswith(b"["):
        return _FLAT[head.datatype].decode(data)
    if len(head.shape) > 2:
        return _deep_values(head, data)
    rows: list[list[Any]] = _NESTED[head.datatype].decode(data)
    if len(head.shape) != 2 or any(len(row) != head.width for row in rows):
        raise head.error("is nested otherwise than its shape says. Send its data flat.")
    return list(chain.from_iterable(rows))


def _deep_values(head: Head, data: bytes) -> list[Any]:
    nested: list[Any] = msgspec.json.decode(data, type=list[Any])
    for size in head.shape[1:]:
        if any(type(part) is not list or len(part) != size for part in nested):
            raise head.error("is nested otherwise than its shape says. Send its data flat.")
        nested = list(chain.from_iterable(nested))
    return msgspec.convert(nested, list[_ELEMENTS[head.datatype] | None])  # type: ignore[valid-type,name-defined]  # made above


def _fitted(head: Head, values: list[Any]) -> list[Any]:
    """The values as the datatype holds them."""
    if head.datatype == "UINT64" and any(value is not None and value > _UINT64_LARGEST for value in values):
        raise head.error("holds values that are not UINT64. Send numbers of 64 bits.")
    if head.datatype == "FP16":
        return [None if value is None else float(np.float16(value)) for value in values]
    return values
