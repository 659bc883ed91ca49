# SPDX-License-Identifier: Apache-2.0
"""A question over REST: a JSON object, whose tensors hold their data as JSON or point to bytes that follow it (the binary tensor
extension).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, TypeAlias

import msgspec

from modelward.entrances.open_inference.answers import Wanted, check_parameters, everything, wanted_outputs
from modelward.entrances.open_inference.datatypes import Tensor, TensorError, head
from modelward.entrances.open_inference.json_values import values_of_json
from modelward.entrances.open_inference.packed_values import values_of_bytes

Parameter: TypeAlias = bool | int | float | str | None
Parameters: TypeAlias = dict[str, Parameter]

_SIZE = "binary_data_size"
_WISHES_KEPT = 256


# Looked at once the datatype is known.
_Data: TypeAlias = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "array", "items": {}})]


class Input(msgspec.Struct):
    """One tensor. Its values are `data`, flat or nested in row-major order; or as many bytes behind the JSON as the parameter
    `binary_data_size` says.
    """

    name: str
    shape: list[int]
    datatype: str
    data: _Data | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters | None = None


class RequestedOutput(msgspec.Struct):
    """One output that the caller wants."""

    name: str
    parameters: Parameters | None = None


class InferRequest(msgspec.Struct):
    """A question."""

    inputs: Sequence[Input]
    id: str | None = None
    parameters: Parameters | None = None
    outputs: Sequence[RequestedOutput] | None = None


class _KnownInput(Input, forbid_unknown_fields=True):
    pass


class KnownOutput(RequestedOutput, forbid_unknown_fields=True):
    """The same, of which nothing else is said."""


class _Known(InferRequest, forbid_unknown_fields=True, kw_only=True):
    inputs: Sequence[_KnownInput]
    outputs: Sequence[KnownOutput] | None = None


NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder(InferRequest).decode
_decode_known = msgspec.json.Decoder(_Known).decode


def read_known(text: bytes) -> InferRequest | None:
    """A question in which nothing is unknown, so that it is no deeper than questions are; None where it is any other."""
    try:
        return _decode_known(text)
    except NOT_JSON:
        return None


def read_request(text: bytes) -> InferRequest:
    """A question's JSON. What is not known here changes nothing, as the protocol has it; how deep it is must have been looked at.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is none.
    """
    return _decode(text)


def tensors_of(request: InferRequest, packed: memoryview, *, rows_limit: int) -> list[Tensor]:
    """The tensors of a question, whose JSON `packed` followed.

    Raises:
        TensorError: a tensor contradicts itself, or the bytes are more or less than all tensors say. TooManyRowsError: see `head`.
    """
    tensors, at = [], 0
    for given in request.inputs:
        found = head(given.name, given.datatype, shape=given.shape, rows_limit=rows_limit)
        size = _packed_size(given.parameters) if given.parameters else None
        if size is None:
            if given.data is msgspec.UNSET:
                raise found.error("has no data. Send it as `data`, or as a binary tensor with `binary_data_size`.")
            tensors.append(Tensor(found, values_of_json(found, bytes(given.data))))
            continue
        if given.data is not msgspec.UNSET:
            raise found.error("has data in JSON and `binary_data_size`. Send it once.")
        if at + size > len(packed):
            raise found.error(
                f"says {size} bytes of binary data, and {len(packed) - at} are left in the body. Send all that it says, and the "
                "length of the JSON before it as Inference-Header-Content-Length."
            )
        tensors.append(Tensor(found, values_of_bytes(found, packed[at : at + size])))
        at += size
    if at != len(packed):
        raise TensorError(
            f"{len(packed) - at} bytes follow the last tensor. Send as many as `binary_data_size` of the inputs says."
        )
    return tensors


def wanted_of(
    outputs: Sequence[RequestedOutput] | None, parameters: Parameters | None, known: tuple[str, ...]
) -> tuple[Wanted, ...]:
    """Which of the known outputs a question wants sent back, and in which form.

    Raises:
        TensorError: it wants what is not offered.
    """
    if not parameters:
        if not outputs:
            return everything(known)
        if not any([output.parameters for output in outputs]):  # noqa: C419  # a list of one or two is made at once
            return _plainly_wanted(tuple([output.name for output in outputs]), known)
    parameters = parameters or {}
    check_parameters(parameters)
    is_packed = bool(parameters.get("binary_data_output"))
    asked = []
    for output in outputs or ():
        own = output.parameters or {}
        check_parameters(own)
        asked.append(Wanted(output.name, bool(own.get("binary_data", is_packed))))
    return wanted_outputs(asked, known, is_packed=is_packed)


@lru_cache(maxsize=_WISHES_KEPT)
def _plainly_wanted(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[Wanted, ...]:
    return wanted_outputs([Wanted(name) for name in names], known)


def _packed_size(parameters: Parameters) -> int | None:
    check_parameters(parameters)
    size = parameters.get(_SIZE)
    if size is not None and (type(size) is not int or size < 0):
        raise TensorError(f"A `{_SIZE}` is no number of bytes. Send a whole number, zero or more.")
    return size
