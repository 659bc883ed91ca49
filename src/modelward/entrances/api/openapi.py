# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document, made from the declarations of the endpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from modelward import __version__
from modelward.access import Permission
from modelward.entrances.api.endpoint import Endpoint, Open
from modelward.entrances.api.problems import STATUS

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


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document for these endpoints."""
    kinds = [kind for endpoint in endpoints for kind in (endpoint.takes, endpoint.gives) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    named = dict(zip(map(id, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(_plain(endpoint.path), {})[endpoint.method.lower()] = _operation(endpoint, named)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelward", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{"bearer": []}, {"key": []}],
    }


def _operation(endpoint: Endpoint, named: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": re.sub(r"\W+", "-", f"{endpoint.method.lower()} {endpoint.path}").strip("-"),
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _parameters(endpoint.path)),
            *(
                {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
                for name, meaning in endpoint.query.items()
            ),
        ],
        "responses": {
            str(endpoint.status): _content(endpoint, named),
            "default": {
                "description": f"A problem: {', '.join(map(str, sorted(set(STATUS.values()))))}.",
                "content": {"application/problem+json": {"schema": {"$ref": _REFERENCE.format(name="Problem")}}},
            },
        },
        "x-permission": endpoint.permission.value
        if isinstance(endpoint.permission, Permission)
        else endpoint.permission.name.lower(),
    }
    if endpoint.permission is Open.HEALTH:
        operation["security"] = []
    if endpoint.takes is not None:
        operation["requestBody"] = {"required": True, "content": _body(endpoint, named)}
    return operation


def _body(endpoint: Endpoint, named: dict[int, Any]) -> dict[str, Any]:
    fields = named[id(endpoint.takes)]
    if not endpoint.has_files:
        return {"application/json": {"schema": fields}}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    return {
        "multipart/form-data": {
            "schema": {"allOf": [fields, {"type": "object", "properties": {"files": files}, "required": ["files"]}]}
        }
    }


def _content(endpoint: Endpoint, named: dict[int, Any]) -> dict[str, Any]:
    if endpoint.gives is None:
        return {"description": endpoint.summary}
    return {"description": endpoint.summary, "content": {"application/json": {"schema": named[id(endpoint.gives)]}}}


def _parameters(path: str) -> list[str]:
    return re.findall(r"{(\w+)(?::\w+)?}", path)


def _plain(path: str) -> str:
    return re.sub(r"{(\w+):\w+}", r"{\1}", path)
