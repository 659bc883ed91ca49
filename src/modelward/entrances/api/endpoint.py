# SPDX-License-Identifier: Apache-2.0
"""How a route of the control API is declared: with its permission, or not at all.

An `Endpoint` says method, path, permission, what it takes and what it gives; the Starlette route, the check at the door and the
OpenAPI document all come from it. There is no default permission, so a route without one cannot be written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelward.access import Actor, Permission
from modelward.entrances.api.bodies import decode, read_body
from modelward.entrances.api.problems import problem
from modelward.entrances.api.uploads import received
from modelward.errors import InvalidError, UnauthenticatedError

if TYPE_CHECKING:
    from modelward.app import Platform

BEARER = "bearer "


class Open(Enum):
    """The two doors that no single permission guards."""

    HEALTH = "no credential: it says only whether the service lives"
    ANYBODY_KNOWN = "any valid credential"


class CredentialMissingError(UnauthenticatedError):
    """The request carries no credential."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked: what a handler may look at."""

    platform: Platform
    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    folder: Path = Path()

    @property
    def files(self) -> list[Path]:
        """The files that came with the request, by their paths."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def number(self, name: str, default: int) -> int:
        """A whole number of the query."""
        text = self.query.get(name, str(default))
        if not text.isdecimal() or len(text) > 15:
            raise InvalidError(f"The query's {name!r} must be a whole number of at most 15 digits.")
        return int(text)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route of the control API. `handle` is synchronous and runs off the event loop.

    Where `has_files`, the body is a form: its fields are what `takes` says, and its `files` lie in the call's folder.
    """

    method: str
    path: str
    permission: Permission | Open
    handle: Callable[[Call], Any]
    summary: str
    gives: Any
    takes: Any = None
    has_files: bool = False
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)

    def route(self, platform: Platform) -> Route:
        """The Starlette route that checks, reads, calls and answers."""

        async def answer(request: Request) -> Response:
            request.state.template = self.path
            try:
                return await self._answer(request, platform)
            except Exception as error:  # noqa: BLE001  # the door turns every fault into an answer
                request.state.fault = error
                return problem(error)

        return Route(self.path, answer, methods=[self.method])

    async def _answer(self, request: Request, platform: Platform) -> Response:
        actor = await run_in_threadpool(authenticate, platform, request)
        if isinstance(self.permission, Permission):
            actor.require(self.permission, model=request.path_params.get("model"))
        known = (platform, actor, request.path_params, request.query_params)
        if self.has_files:
            async with received(request, self.takes, limit_bytes=platform.settings.upload_limit_bytes) as (fields, folder):
                return await self._called(Call(*known, body=fields, folder=folder))
        body = None
        if self.takes is not None:
            raw = await read_body(request, limit_bytes=platform.settings.body_limit_bytes)
            body = decode(raw or b"{}", self.takes, depth_limit=platform.settings.json_depth_limit)
        return await self._called(Call(*known, body=body))

    async def _called(self, call: Call) -> Response:
        return as_response(await run_in_threadpool(self.handle, call), status=self.status)


def credential(request: Request) -> str:
    """The secret that a request carries, in `Authorization: Bearer` or in `X-API-Key`.

    Raises:
        CredentialMissingError: it carries none.
    """
    header = request.headers.get("authorization", "")
    if header[: len(BEARER)].lower() == BEARER:
        return header[len(BEARER) :].strip()
    if key := request.headers.get("x-api-key"):
        return key
    raise CredentialMissingError("This route needs a key: send `Authorization: Bearer mw_…` or `X-API-Key: mw_…`.")


def authenticate(platform: Platform, request: Request) -> Actor:
    """Whose credential the request carries."""
    return platform.access.authenticate(credential(request))


def as_response(value: Any, *, status: int = 200) -> Response:
    """Nouns become JSON; a response that a handler made itself passes as it is."""
    if isinstance(value, Response):
        return value
    return Response(msgspec.json.encode(value), status, media_type="application/json")
