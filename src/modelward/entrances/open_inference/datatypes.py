# SPDX-License-Identifier: Apache-2.0
"""The datatypes of the Open Inference Protocol, and what is said of a tensor before its data is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy.typing as npt

from modelward.errors import InvalidError
from modelward.serving import TooManyRowsError

TEXT = "BYTES"
TRUTH = "BOOL"
BRAIN_FLOAT = "BF16"
# Little endian, as the binary tensor extension has them. NumPy has no BF16: its bits are the upper half of a float32's.
PACKED = {TRUTH: "|u1", BRAIN_FLOAT: "<u2", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8"} | {
    f"{sign}INT{8 * size}": f"<{code}{size}" for sign, code in (("", "i"), ("U", "u")) for size in (1, 2, 4, 8)
}
DATATYPES = frozenset({TEXT, *PACKED})
_NAME_SHOWN = 100

_DIMENSIONS_LIMIT = 4

# One value per element, in row-major order; None where JSON says null, and bytes where BYTES are no text, such as a file.
Values: TypeAlias = Sequence[Any] | npt.NDArray[Any]


class TensorError(InvalidError):
    """A tensor of a request contradicts itself or the model's inputs. The message never holds a value."""


class Head(NamedTuple):
    """What a request says of an input: its data has to be `size` values, `width` in each of `rows`."""

    name: str
    datatype: str
    shape: Sequence[int]
    rows: int
    width: int
    size: int

    def error(self, what: str) -> TensorError:
        """An error of this input: `what` goes on after its name."""
        return TensorError(f"The input {self.name[:_NAME_SHOWN]!r} {what}")

    def misshapen(self) -> TensorError:
        """The error of a shape that no feature of one value has."""
        return self.error("must have the shape [rows], [rows, 1], or [rows, features] where it holds all features.")

    def miscounted(self, held: int, *, expected: int, unit: str = "values") -> TensorError:
        """The error of data that is more or less than the shape says."""
        shape = ", ".join(map(str, self.shape))
        return self.error(f"has the shape [{shape}], which is {expected} {unit}, and its data has {held}. Send as many as it says.")


def text_or_bytes(data: bytes | memoryview) -> str | bytes:
    """One of BYTES: text where it is UTF-8, as whatever has a text must be."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        return bytes(data)


class Tensor(NamedTuple):
    """An input whose data is read."""

    head: Head
    values: Values


def head(name: str, datatype: str, *, shape: Sequence[int], rows_limit: int) -> Head:
    """An input's head, checked before anything is made in the size that it says.

    Raises:
        TensorError: its datatype or its shape is none that there is. TooManyRowsError: it has more rows than `rows_limit`.
    """
    rows = shape[0] if shape else 0
    width = math.prod(shape[1:])
    found = Head(name, datatype, shape, rows, width, rows * width)
    if datatype not in DATATYPES:
        raise found.error(f"has the datatype {datatype[:20]!r}; there are {', '.join(sorted(DATATYPES))}.")
    if not 1 <= len(shape) <= _DIMENSIONS_LIMIT:
        raise found.misshapen()
    if min(shape) < 1:
        raise found.error("has a dimension below one. Send at least one row.")
    if rows > rows_limit:
        raise TooManyRowsError(f"The request has {rows} rows; {rows_limit} is the most. Send them in parts.")
    return found
