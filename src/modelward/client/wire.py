# SPDX-License-Identifier: Apache-2.0
"""Questions as the bytes of whole requests, one writer for each protocol; and the little of an answer that a load looks at.

A client library that does more for each request is many times slower than the service it should measure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec

_TEXT = "BYTES"
_HEAD_LIMIT_BYTES = 1 << 16
Row: TypeAlias = Mapping[str, Any]
Inputs: TypeAlias = Mapping[str, str]
"""The inputs of a model in their order, and the datatype of each, as the Open Inference Protocol names it."""


class Body(NamedTuple):
    """A question's body, and what its head says besides."""

    data: bytes
    headers: tuple[str, ...] = ("content-type: application/json",)


class Head(NamedTuple):
    """The head of an answer: its status, and how many bytes the whole answer has."""

    status: int
    total: int
    text: bytes


class Protocol(NamedTuple):
    """Where a protocol is asked, and how rows are written in it."""

    path: str
    write: Callable[[Sequence[Row], Inputs], Body]


def path_of(protocol: str, model: str) -> str:
    """Where a model, or a version such as `income:3`, is asked."""
    return PROTOCOLS[protocol].path.format(model=quote(model, safe=":"))


def requests_of(protocol: str, bodies: Sequence[Body], *, url: str, key: str, model: str) -> list[bytes]:
    """Each body as the bytes of a whole request."""
    place = urlsplit(url)
    path = place.path.rstrip("/") + path_of(protocol, model)
    host = place.netloc.rpartition("@")[2]
    head = [f"POST {path} HTTP/1.1", f"host: {host}", f"authorization: Bearer {key}"]
    return [
        "\r\n".join([*head, *body.headers, f"content-length: {len(body.data)}", "", ""]).encode() + body.data for body in bodies
    ]


def head_of(data: bytes) -> Head | None:
    """The head at the beginning of `data`; None where it is not there to its end.

    Raises:
        ValueError: it is no answer, or one of unknown length.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > _HEAD_LIMIT_BYTES:
            raise ValueError("a head without an end")
        return None
    text = data[:end].lower()
    length = header(text, b"content-length")
    if not text.startswith(b"http/1.1 ") or not length.isdigit():
        raise ValueError("an answer of unknown length")
    return Head(int(text[9:12]), end + 4 + int(length), text)


def header(head: bytes, name: bytes) -> bytes:
    """What a head, in lower case, says under a name; nothing where it does not have it."""
    _, found, rest = head.partition(b"\r\n%b:" % name)
    return rest.partition(b"\r")[0].strip() if found else b""


def _records(rows: Sequence[Row], _inputs: Inputs) -> Body:
    return Body(msgspec.json.encode({"rows": list(rows)}))


def _tensors(rows: Sequence[Row], inputs: Inputs) -> Body:
    tensors = [
        {"name": name, "datatype": datatype, "shape": [len(rows), 1], "data": _values(rows, name, datatype)}
        for name, datatype in inputs.items()
    ]
    return Body(msgspec.json.encode({"inputs": tensors}))


def _packed(rows: Sequence[Row], inputs: Inputs) -> Body:
    packed = {name: _pack(_values(rows, name, datatype), datatype) for name, datatype in inputs.items()}
    tensors = [
        {"name": name, "datatype": datatype, "shape": [len(rows), 1], "parameters": {"binary_data_size": len(packed[name])}}
        for name, datatype in inputs.items()
    ]
    told = msgspec.json.encode({"inputs": tensors, "parameters": {"binary_data_output": True}})
    headers = ("content-type: application/octet-stream", f"inference-header-content-length: {len(told)}")
    return Body(b"".join([told, *packed.values()]), headers)


def _values(rows: Sequence[Row], name: str, datatype: str) -> list[Any]:
    """One feature of the rows; true and false are words where it is a category."""
    found = [row[name] for row in rows]
    return [str(value).lower() if isinstance(value, bool) else value for value in found] if datatype == _TEXT else found


def _pack(values: Sequence[Any], datatype: str) -> bytes:
    """Values as the binary tensor extension has them: float32, or texts that each follow their length; what is missing is NaN, or
    the empty text.
    """
    if datatype != _TEXT:
        return struct.pack(f"<{len(values)}f", *(float("nan") if value is None else value for value in values))
    texts = [("" if value is None else str(value)).encode() for value in values]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _lists(rows: Sequence[Row], inputs: Inputs) -> Body:
    return Body(msgspec.json.encode({"inputs": [[row[name] for name in inputs] for row in rows]}))


PROTOCOLS = {
    "records": Protocol("/v1/models/{model}/predict", _records),
    "v2": Protocol("/v2/models/{model}/infer", _tensors),
    "v2-binary": Protocol("/v2/models/{model}/infer", _packed),
    "mlflow": Protocol("/models/{model}/invocations", _lists),
}
