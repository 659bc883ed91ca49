# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of every route but the console's, made from the declarations of the endpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from modelward import __version__
from modelward.access import Permission
from modelward.entrances.api.endpoint import Endpoint, Open
from modelward.entrances.api.problems import STATUS, asks

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


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document for these endpoints."""
    kinds = [kind for endpoint in endpoints for kind in (endpoint.takes, endpoint.gives) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    named = dict(zip(map(id, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, named)
        if endpoint.takes is not None:
            operation["requestBody"] = {"required": True, "content": _taken(endpoint, named, components)}
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
    in_path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _names(endpoint.path)]
    in_query = [
        {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in endpoint.query.items()
    ]
    given = {} if endpoint.gives is None else {"schema": named[id(endpoint.gives)]}
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": re.sub(r"\W+", "-", f"{endpoint.method.lower()} {endpoint.path}").strip("-"),
        "parameters": [*in_path, *in_query],
        "responses": {
            str(endpoint.status): {"description": endpoint.summary, "content": {endpoint.media: given}},
            "default": _failure(endpoint),
        },
        "x-permission": permission.value if isinstance(permission, Permission) else permission.name.lower(),
    }
    return operation | ({"security": []} if permission is Open.HEALTH else {})


def _taken(endpoint: Endpoint, named: Mapping[int, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    if not endpoint.has_files:
        return {"application/json": {"schema": named[id(endpoint.takes)]}}
    fields = components[endpoint.takes.__name__]
    files = {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}
    form = {"properties": {**fields["properties"], "files": files}, "required": [*fields.get("required", ()), "files"]}
    return {"multipart/form-data": {"schema": {**fields, **form}}}


def _failure(endpoint: Endpoint) -> dict[str, Any]:
    media, name = ("application/json", "InferenceError") if asks(endpoint.path) else ("application/problem+json", "Problem")
    return {
        "description": f"What went wrong: {', '.join(map(str, sorted(set(STATUS.values()))))}.",
        "content": {media: {"schema": {"$ref": _REFERENCE.format(name=name)}}},
    }


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)(?::\w+)?}", path)


def _plain(path: str) -> str:
    return re.sub(r"{(\w+):\w+}", r"{\1}", path)
