# SPDX-License-Identifier: Apache-2.0
"""The Open Inference Protocol V2, as far as REST and gRPC share it: tensors in all their forms, and what the server
and its models say of themselves.

Source: the kserve/open-inference-protocol specification, and the binary tensor data extension of Triton Inference Server.
"""

from modelward.entrances.open_inference.answers import (
    Wanted,
    check_parameters,
    names_text,
    output_names,
    outputs_of,
    packed_output,
    wanted_outputs,
    written,
)
from modelward.entrances.open_inference.datatypes import DATATYPES, Head, Tensor, TensorError, Values, head, text_or_bytes
from modelward.entrances.open_inference.metadata import (
    IndexedModel,
    ModelMetadata,
    ServerMetadata,
    TensorMetadata,
    model_metadata,
    repository_index,
    server_metadata,
)
from modelward.entrances.open_inference.packed_values import values_of_bytes
from modelward.entrances.open_inference.plain_requests import read_plain
from modelward.entrances.open_inference.requests import (
    InferRequest,
    read_known,
    read_request,
    tensors_of,
    wanted_of,
)
from modelward.entrances.open_inference.tables import table_of

__all__ = [
    "DATATYPES",
    "Head",
    "IndexedModel",
    "InferRequest",
    "ModelMetadata",
    "ServerMetadata",
    "Tensor",
    "TensorError",
    "TensorMetadata",
    "Values",
    "Wanted",
    "check_parameters",
    "head",
    "model_metadata",
    "names_text",
    "output_names",
    "outputs_of",
    "packed_output",
    "read_known",
    "read_plain",
    "read_request",
    "repository_index",
    "server_metadata",
    "table_of",
    "tensors_of",
    "text_or_bytes",
    "values_of_bytes",
    "wanted_of",
    "wanted_outputs",
    "written",
]
