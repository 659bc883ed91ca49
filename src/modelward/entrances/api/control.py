# SPDX-License-Identifier: Apache-2.0
"""The control API: who calls, may they, what did they send; then one service verb, off the event loop; then its noun as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelward.access import Actor, Permission, UnknownCredentialError
from modelward.entrances.api.bodies import decode, read_body
from modelward.entrances.api.endpoint import Endpoint, Premises, credential
from modelward.entrances.api.problems import problem
from modelward.entrances.api.uploads import received
from modelward.entrances.origins import origin_within
from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.app import Platform

Word = TypeVar("Word", bound=str)


class QueryError(InvalidError):
    """A parameter of the query is not what the route reads."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked: what a handler may look at."""

    premises: Premises
    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    folder: Path = Path()

    @property
    def platform(self) -> Platform:
        """The services."""
        return self.premises.platform

    @property
    def files(self) -> list[Path]:
        """The files that came with the request, by their paths."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def number(self, name: str) -> int | None:
        """A whole number of the query; nothing where it is not given."""
        text = self.query.get(name)
        if text is not None and not (text.isascii() and text.isdecimal() and len(text) <= 15):
            raise QueryError(f"The query's {name!r} must be a whole number of at most 15 digits.")
        return None if text is None else int(text)

    def choice(self, name: str, choices: Sequence[Word]) -> Word:
        """A word of the query that must be one of `choices`; the first of them where it is not given."""
        said = self.query.get(name, choices[0])
        found = next((word for word in choices if word == said), None)
        if found is None:
            raise QueryError(f"The query's {name!r} must be one of {', '.join(choices)}.")
        return found


def control_route(endpoint: Endpoint, premises: Premises) -> Route:
    """The route of an endpoint whose `handle` takes a `Call` and gives a noun, or a response of its own."""

    async def answer(request: Request) -> Response:
        request.state.template = endpoint.path
        try:
            return await _answer(endpoint, premises, request)
        except Exception as error:  # noqa: BLE001  # the door turns every fault into an answer
            request.state.fault = error
            return problem(error)

    return Route(endpoint.path, answer, methods=[endpoint.method])


async def _answer(endpoint: Endpoint, premises: Premises, request: Request) -> Response:
    settings = premises.platform.settings
    actor = await run_in_threadpool(_known, premises, request, credential(request.scope["headers"]))
    if isinstance(endpoint.permission, Permission):
        actor.require(endpoint.permission, model=request.path_params.get("model"))
    call = Call(premises, actor, request.path_params, request.query_params)
    if endpoint.has_files:
        async with received(request, endpoint.takes, limit_bytes=settings.upload_limit_bytes) as (fields, folder):
            return await _called(endpoint, Call(premises, actor, call.path, call.query, fields, folder))
    if endpoint.takes is None:
        return await _called(endpoint, call)
    raw = await read_body(request.scope, request.receive, limit_bytes=settings.body_limit_bytes)
    body = decode(raw or b"{}", endpoint.takes, depth_limit=settings.json_depth_limit)
    return await _called(endpoint, Call(premises, actor, call.path, call.query, body))


def _known(premises: Premises, request: Request, key: str) -> Actor:
    """Who calls, as the database says at this moment; it is not asked for who sends one wrong key after the other."""
    address = request.client.host if request.client else ""
    try:
        if premises.strangers.is_one(address):
            premises.gateway.actor(key)
        actor = premises.platform.access.authenticate(key)
    except UnknownCredentialError:
        premises.strangers.note(address)
        raise
    premises.gateway.note_use(actor)
    return actor.at(origin_within(request.scope, settings=premises.platform.settings))


async def _called(endpoint: Endpoint, call: Call) -> Response:
    given = await run_in_threadpool(endpoint.handle, call)
    if isinstance(given, Response):
        return given
    return Response(msgspec.json.encode(given), endpoint.status, media_type=endpoint.media)
