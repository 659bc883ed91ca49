# SPDX-License-Identifier: Apache-2.0
"""What a graph knows: the numbers that it computes with, by which it is known again under other names and with other ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.digest import sha256_hex
from modelward.registry.graph import check_graph, parts_of

if TYPE_CHECKING:
    import numpy.typing as npt

# With fewer, two graphs may be the same by chance.
_LEAST_NUMBERS = 8
# Shapes, places and names say nothing of what was learned. Narrower whole numbers are weights that were made smaller.
_NOT_LEARNED = frozenset(["UNDEFINED", "UINT16", "INT16", "UINT32", "INT32", "UINT64", "INT64", "STRING", "BOOL"])


def weights_digest(data: bytes) -> str:
    """SHA-256 of all that the ONNX graph in `data` learned, whatever its nodes, its inputs and its tensors are called and in which
    order they come; "" of a graph with hardly any numbers.

    Raises:
        UnsafeGraphError: it is no graph.
    """
    import onnx

    found = [each for each in _arrays(check_graph(data), onnx) if each.size > 1]
    if sum(each.size for each in found) < _LEAST_NUMBERS:
        return ""
    told = sorted(sha256_hex(f"{each.dtype} {each.shape} ".encode() + each.tobytes()) for each in found)
    return sha256_hex("\n".join(told).encode())


def _arrays(model: Any, onnx: Any) -> Iterator[npt.NDArray[Any]]:
    for part in parts_of(model):
        if isinstance(part, onnx.TensorProto):
            if onnx.TensorProto.DataType.Name(part.data_type) not in _NOT_LEARNED:
                yield _array(part, onnx)
        else:
            yield from (np.array(attribute.floats, np.float32) for attribute in part.attribute)


def _array(tensor: Any, onnx: Any) -> npt.NDArray[Any]:
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    # A stranger's tensor may say another shape than its bytes have; then nothing runs it.
    except (ValueError, TypeError, RuntimeError):
        return np.frombuffer(tensor.raw_data, np.uint8)
