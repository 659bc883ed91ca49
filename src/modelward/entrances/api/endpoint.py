# SPDX-License-Identifier: Apache-2.0
"""How a route is declared: with its permission, or not at all.

An `Endpoint` says method, path, permission, what the route takes and what it gives. The Starlette route, the check at the door
and the OpenAPI document all come from it. There is no default permission, so a route without one cannot be written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from modelward.access import Permission
from modelward.errors import UnauthenticatedError

if TYPE_CHECKING:
    from modelward.app import Platform
    from modelward.entrances.api.telemetry import Telemetry
    from modelward.serving import Gateway

_BEARER = b"bearer "


class Open(Enum):
    """The two doors that no single permission guards."""

    HEALTH = "no credential: it says only whether the service lives"
    ANYBODY_KNOWN = "any valid credential"


class CredentialMissingError(UnauthenticatedError):
    """The request carries no credential."""


@dataclass(frozen=True, slots=True)
class Premises:
    """What the routes of one server stand on."""

    platform: Platform
    gateway: Gateway
    telemetry: Telemetry


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. What `handle` is called with is up to the family: see `control`, `inference` and `health`.

    `takes` is the type of the body. Where `has_files`, the body is a form: its fields are what `takes` says, beside its `files`.
    `media` is the content type of what is given where that is not JSON.
    """

    method: str
    path: str
    permission: Permission | Open
    handle: Callable[..., Any]
    summary: str
    gives: Any
    takes: Any = None
    has_files: bool = False
    status: int = 200
    media: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict)


def credential(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The secret that a request carries, in `Authorization: Bearer` or in `X-API-Key`; the first where both are there.

    Raises:
        CredentialMissingError: it carries none.
    """
    key = b""
    for name, value in headers:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            return value[len(_BEARER) :].strip().decode("latin-1")
        if name == b"x-api-key":
            key = value
    if key:
        return key.decode("latin-1")
    raise CredentialMissingError("This route needs a key: send `Authorization: Bearer mw_…` or `X-API-Key: mw_…`.")
