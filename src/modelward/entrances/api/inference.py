# SPDX-License-Identifier: Apache-2.0
"""The routes that ask a model, whatever protocol they speak: read the question, hand it to the gateway, send its reply as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelward.entrances.api.bodies import decode, read_body
from modelward.entrances.api.endpoint import credential
from modelward.entrances.api.problems import inference_error
from modelward.entrances.api.telemetry import Telemetry
from modelward.errors import NotFoundError
from modelward.serving import Gateway, Question, Reply

if TYPE_CHECKING:
    from modelward.settings import Settings

Handler = Callable[[Request], Awaitable[Response]]


class Rows(msgspec.Struct, forbid_unknown_fields=True):
    """A question in the records protocol."""

    rows: list[dict[str, Any]]


class RowsToExplain(msgspec.Struct, forbid_unknown_fields=True):
    """A question why, in the records protocol. `label` is the class to explain; the predicted one where it is empty."""

    rows: list[dict[str, Any]]
    label: str | None = None


class Records:
    """`POST /v1/models/{model}/predict` and `/explain`: rows of named features."""

    def __init__(self, gateway: Gateway, telemetry: Telemetry, settings: Settings) -> None:
        self._gateway = gateway
        self._telemetry = telemetry
        self._settings = settings

    def routes(self) -> list[Route]:
        """The routes, each under its template."""
        return [
            inference_route("/v1/models/{model}/predict", self.predict),
            inference_route("/v1/models/{model}/explain", self.explain),
        ]

    async def predict(self, request: Request) -> Response:
        """Probabilities for each row."""
        question, body = await ask(request, self._settings)
        asked = decode(body, Rows, depth_limit=self._settings.json_depth_limit)
        reply = await self._gateway.predict(question, asked.rows)
        return answered(reply, self._telemetry, rows=len(asked.rows))

    async def explain(self, request: Request) -> Response:
        """What each feature did to the answer to each row."""
        question, body = await ask(request, self._settings)
        asked = decode(body, RowsToExplain, depth_limit=self._settings.json_depth_limit)
        reply = await self._gateway.explain(question, asked.rows, label=asked.label)
        return answered(reply, self._telemetry, rows=len(asked.rows))


def inference_route(path: str, handler: Handler, *, methods: tuple[str, ...] = ("POST",)) -> Route:
    """A route whose faults are told in the inference protocols' way, under its template for the instruments."""

    async def answer(request: Request) -> Response:
        request.state.template = path
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001  # the door turns every fault into an answer
            request.state.fault = error
            return inference_error(error)

    return Route(path, answer, methods=list(methods))


async def ask(request: Request, settings: Settings) -> tuple[Question, bytes]:
    """The question that a request carries, and its body as it came."""
    secret = credential(request)
    body = await read_body(request, limit_bytes=settings.body_limit_bytes)
    return Question(caller=secret, model=request.path_params["model"], number=_number(request), payload=body), body


def answered(reply: Reply, telemetry: Telemetry, *, rows: int) -> Response:
    """The gateway's reply, byte for byte, with where it stands in the ledger."""
    model, _, number = reply.version.partition(":")
    telemetry.rows.labels(model, number).inc(rows)
    headers = {
        "x-request-id": reply.request,
        "x-modelward-model": reply.version,
        "x-modelward-ledger-index": str(reply.entry),
    }
    return Response(reply.payload, headers=headers, media_type="application/json")


def _number(request: Request) -> int | None:
    text = request.path_params.get("version")
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise NotFoundError(f"{text[:20]!r} is not the number of a version. Versions are numbered from 1.")
    return int(text)
