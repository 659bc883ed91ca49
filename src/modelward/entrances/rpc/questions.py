# SPDX-License-Identifier: Apache-2.0
"""A question over gRPC and its answer: `ModelInferRequest` and `ModelInferResponse`.

The data of all inputs is packed, in `raw_input_contents`, or that of all is typed, in their `contents`; the answer comes in the
same form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.entrances.open_inference import (
    Head,
    Tensor,
    TensorError,
    Values,
    Wanted,
    check_parameters,
    head,
    names_text,
    output_names,
    outputs_of,
    packed_output,
    table_of,
    text_or_bytes,
    values_of_bytes,
    wanted_outputs,
)
from modelward.entrances.rpc.messages import message
from modelward.serving import Asking, Written

if TYPE_CHECKING:
    from modelward.registry import Interface
    from modelward.serving import Computed

MEDIA = "application/grpc"
# Which contents hold each datatype, and as what.
_CONTENTS = {
    "BOOL": ("bool_contents", np.bool_),
    "INT8": ("int_contents", np.int8),
    "INT16": ("int_contents", np.int16),
    "INT32": ("int_contents", np.int32),
    "INT64": ("int64_contents", np.int64),
    "UINT8": ("uint_contents", np.uint8),
    "UINT16": ("uint_contents", np.uint16),
    "UINT32": ("uint_contents", np.uint32),
    "UINT64": ("uint64_contents", np.uint64),
    "FP32": ("fp32_contents", np.float32),
    "FP64": ("fp64_contents", np.float64),
}
_TEXTS = "bytes_contents"


def asking(request: Any, interface: Interface, *, rows_limit: int) -> Asking:
    """What a `ModelInferRequest` asks of a model with that interface, and how the answer is written.

    Raises:
        TensorError, InvalidRowsError, TooManyRowsError: it contradicts itself or the model.
    """
    check_parameters(request.parameters)
    for output in request.outputs:
        check_parameters(output.parameters)
    is_packed = bool(request.raw_input_contents)
    asked = [Wanted(output.name, is_packed) for output in request.outputs]
    wanted = wanted_outputs(asked, output_names(interface), is_packed=is_packed)
    table = table_of(interface, _tensors(request, rows_limit=rows_limit))
    id = request.id
    return Asking(table, lambda computed: _written(computed, id=id, wanted=wanted))


def _tensors(request: Any, *, rows_limit: int) -> list[Tensor]:
    packed = request.raw_input_contents
    if packed and len(packed) != len(request.inputs):
        raise TensorError(
            f"There are {len(request.inputs)} inputs and {len(packed)} raw_input_contents. Send the data of each input there, "
            "or of none."
        )
    tensors = []
    for place, given in enumerate(request.inputs):
        check_parameters(given.parameters)
        found = head(given.name, given.datatype, shape=list(given.shape), rows_limit=rows_limit)
        if packed and given.HasField("contents"):
            raise found.error("has contents beside raw_input_contents. Send its data once.")
        values = values_of_bytes(found, memoryview(packed[place])) if packed else _values(found, given.contents)
        tensors.append(Tensor(found, values))
    return tensors


def _values(found: Head, contents: Any) -> Values:
    """The values in typed contents."""
    field, kind = _CONTENTS.get(found.datatype, (_TEXTS, None))
    if kind is None and found.datatype != "BYTES":
        raise found.error(f"is {found.datatype}, which typed contents have no form for. Send it as raw_input_contents.")
    if strange := [held.name for held, _ in contents.ListFields() if held.name != field]:
        raise found.error(f"is {found.datatype} and has {strange[0]}. Send its data as {field}.")
    held = getattr(contents, field)
    if len(held) != found.size:
        raise found.miscounted(len(held), expected=found.size)
    try:
        return [text_or_bytes(value) for value in held] if kind is None else np.array(list(held), dtype=kind)
    except OverflowError:
        raise found.error(f"holds values that are not {found.datatype}. Send what it holds.") from None


def _written(computed: Computed, *, id: str, wanted: Sequence[Wanted]) -> Written:
    answer = message("ModelInferResponse")(model_name=computed.model, model_version=str(computed.number), id=id or computed.request)
    answer.parameters["unfamiliar"].string_param = names_text(computed.unfamiliar)
    if computed.cut:
        answer.parameters["cut"].string_param = names_text(computed.cut)
    rows, known = len(computed.unfamiliar), {output.name: output for output in outputs_of(computed.interface)}
    for name, is_packed in wanted:
        _, is_text, shape = known[name]
        output = answer.outputs.add(name=name, datatype="BYTES" if is_text else "FP32")
        output.shape.extend((rows, *shape))
        if is_packed:
            answer.raw_output_contents.append(packed_output(name, computed))
        elif is_text:
            texts = _texts(name, computed)
            output.contents.bytes_contents.extend([text.encode() for text in texts])
        else:
            output.contents.fp32_contents.extend(_numbers(name, computed))
    return Written(answer.SerializeToString(), MEDIA)


def _texts(name: str, computed: Computed) -> list[str]:
    if computed.interface.values:
        return computed.interface.named_column(name, computed.listed)
    return computed.listed if computed.interface.answer == "text" else computed.labels


def _numbers(name: str, computed: Computed) -> list[float]:
    if computed.interface.values:
        return computed.interface.named_column(name, computed.listed)
    return computed.array.ravel().tolist()
