# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of every route but the console's, made from the declarations of the endpoints.

It promises all that a route may answer, failures included: a status that is not listed for a route is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from modelward import __version__
from modelward.access import Permission
from modelward.entrances.api.endpoint import MODEL_OR_VERSION_PATTERN, NAME_PATTERN, Endpoint, Open, Parameter
from modelward.entrances.api.inference import is_question, may_be_urgent
from modelward.entrances.api.mlflow_faults import MlflowFailure
from modelward.entrances.api.problems import asks, speaks
from modelward.entrances.api.urgency import URGENCY

_BYTES = "application/octet-stream"
_REFERENCE = "#/components/schemas/{name}"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "kind"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, and what to do."},
        "kind": {"type": "string"},
    },
}
_INFERENCE_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "What happened, and what to do."}},
}
_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
_IN_PATH: Mapping[str, Any] = {
    "kind": {"type": "string", "enum": ["model", "dataset"]},
    "model": {"type": "string", "pattern": NAME_PATTERN},
    "name": {"type": "string", "pattern": NAME_PATTERN},
    "number": _NUMBER,
    "version": _NUMBER,
}
_MEANING: Mapping[int, str] = {
    400: "What was sent cannot be used as it is.",
    401: "The credential is missing, wrong, expired or revoked.",
    403: "A permission, a policy or an integrity check said no.",
    404: "What the path or the body names does not exist.",
    409: "It exists already, or is in a state that does not allow this.",
    411: "An upload came without a Content-Length.",
    413: "The body, or what is in it, passes a limit.",
    415: "The body has a Content-Encoding; bodies are read as they are.",
    429: "What the key may ask in a minute or a day is used up.",
    431: "The head of the request is too large.",
    500: "A fault of the service itself.",
    503: "It may work later.",
}
# What a failure is, by how it is told.
_OWN = {
    "plain": ("application/json", "InferenceError"),
    "mlflow": ("application/json", "MlflowFailure"),
    "problem": ("application/problem+json", "Problem"),
}
# What the server says before a request is known to be one; such an answer has no request id.
_UNREAD = frozenset({400, 431})


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document for these endpoints."""
    kinds = [kind for endpoint in endpoints for kind in (endpoint.takes, *given(endpoint)) if kind is not None]
    kinds.append(MlflowFailure)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    named = dict(zip(map(id, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, named)
        if endpoint.takes is not None:
            operation["requestBody"] = _taken(endpoint, named, components)
        paths.setdefault(_plain(endpoint.path), {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelward", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM, "InferenceError": _INFERENCE_ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{"bearer": []}, {"key": []}],
    }


def _operation(endpoint: Endpoint, named: Mapping[int, Any]) -> dict[str, Any]:
    permission = endpoint.permission
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": re.sub(r"\W+", "-", f"{endpoint.method.lower()} {endpoint.path}").strip("-"),
        "parameters": [
            *_path_parameters(endpoint),
            *_parameters("query", endpoint.query),
            *_parameters("header", URGENCY if may_be_urgent(endpoint) else {}),
        ],
        "responses": {str(status): _response(endpoint, status, named) for status in sorted(statuses(endpoint))},
        "x-permission": permission.value if isinstance(permission, Permission) else permission.name.lower(),
    }
    if endpoint.besides:
        operation["description"] = f"Besides the permission named, it takes {endpoint.besides}."
    return operation | ({"security": []} if permission is Open.HEALTH else {})


def _path_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)(?::\w+)?}", endpoint.path):
        schema = _IN_PATH.get(name, _TEXT)
        if not isinstance(endpoint.permission, Permission) and "{kind}" not in endpoint.path:
            # What anybody may see tells nobody which names there are.
            schema = _TEXT
        elif name == "model" and asks(endpoint.path):
            # Here a version may be named, too.
            schema = {"type": "string", "pattern": MODEL_OR_VERSION_PATTERN}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(place: str, named: Mapping[str, Parameter]) -> Iterator[dict[str, Any]]:
    for name, said in named.items():
        yield {"name": name, "in": place, "description": said.meaning, "required": said.is_required, "schema": said.schema}


def _taken(endpoint: Endpoint, named: Mapping[int, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    fields = components[endpoint.takes.__name__]
    if not endpoint.has_files:
        # Where nothing must be said, nothing need be sent.
        is_needed = bool(fields.get("required")) or is_question(endpoint)
        others = {media: {"schema": {"type": "string"}} for media in endpoint.takes_text} | _packed(endpoint)
        return {"required": is_needed, "content": {"application/json": {"schema": named[id(endpoint.takes)]}, **others}}
    files = {"type": "array", "minItems": 1, "items": {"type": "string", "contentMediaType": _BYTES}}
    form = {"properties": {**fields["properties"], "files": files}, "required": [*fields.get("required", ()), "files"]}
    return {"required": True, "content": {"multipart/form-data": {"schema": {**fields, **form}}}}


def given(endpoint: Endpoint) -> tuple[Any, ...]:
    """The types of what is given: one, none, or one for each kind of answer."""
    if endpoint.gives is None:
        return ()
    return endpoint.gives if isinstance(endpoint.gives, tuple) else (endpoint.gives,)


def statuses(endpoint: Endpoint) -> set[int]:
    """All that a route may answer, by how it is declared."""
    found = {endpoint.status, 400, 431, 500, 503}
    if endpoint.permission is not Open.HEALTH:
        found.add(401)
    if isinstance(endpoint.permission, Permission):
        found |= {403, 404}
    elif endpoint.method != "GET":
        found.add(403)
    if "{" in endpoint.path:
        found.add(404)
    if endpoint.takes is not None:
        found |= {413, 415}
        if asks(endpoint.path):
            found.add(429)
    if endpoint.has_files:
        found.add(411)
    if endpoint.method != "GET" and not asks(endpoint.path):
        found.add(409)
    return found


def _response(endpoint: Endpoint, status: int, named: Mapping[int, Any]) -> dict[str, Any]:
    is_health = endpoint.permission is Open.HEALTH and status == HTTPStatus.SERVICE_UNAVAILABLE
    if status == endpoint.status or is_health:
        schemas = [named[id(kind)] for kind in given(endpoint)]
        schema = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}} if schemas else {}
        examples = {name: {"value": msgspec.to_builtins(each)} for name, each in endpoint.examples.items()}
        told = schema | ({"examples": examples} if examples else {})
        meaning, content = endpoint.summary, {endpoint.media: told} | _packed(endpoint)
    else:
        meaning, content = _MEANING[status], _failure(endpoint, status)
    return {"description": meaning, "headers": dict(_headers(endpoint, status, is_health=is_health)), "content": content}


def _packed(endpoint: Endpoint) -> dict[str, Any]:
    """JSON with bytes behind it; the header `Inference-Header-Content-Length` says where they begin."""
    return {_BYTES: {"schema": {"type": "string", "contentMediaType": _BYTES}}} if endpoint.is_packable else {}


def _failure(endpoint: Endpoint, status: int) -> dict[str, Any]:
    own = _OWN[speaks(endpoint.path)]
    if speaks(endpoint.path) == "mlflow" and status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return {"text/plain": {"schema": {"type": "string"}}}
    kinds = dict.fromkeys([own, *([_OWN["plain"]] if status in _UNREAD else [])])
    found: dict[str, list[dict[str, str]]] = {}
    for media, name in kinds:
        found.setdefault(media, []).append({"$ref": _REFERENCE.format(name=name)})
    return {media: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}} for media, schemas in found.items()}


def _headers(endpoint: Endpoint, status: int, *, is_health: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "x-request-id", _header("By which the log and the ledger know this request.", is_required=status not in _UNREAD)
    if status == HTTPStatus.UNAUTHORIZED:
        yield "www-authenticate", _header("Always `Bearer`.")
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE) and not is_health:
        yield "retry-after", _header("After how many seconds to ask again.", kind="integer")
    asks_model = isinstance(endpoint.permission, Permission) and endpoint.takes is not None and asks(endpoint.path)
    if status == endpoint.status and asks_model:
        yield "x-modelward-model", _header("The version that answered, such as `income:3`.")
        yield "x-modelward-ledger-index", _header("Where the answer's entry stands in the ledger.", kind="integer")


def _header(meaning: str, *, kind: str = "string", is_required: bool = True) -> dict[str, Any]:
    return {"description": meaning, "required": is_required, "schema": {"type": kind}}


def _plain(path: str) -> str:
    return re.sub(r"{(\w+):\w+}", r"{\1}", path)
