# SPDX-License-Identifier: Apache-2.0
"""Routes that say whether the service lives and answers, and what it measures of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelward.access import Permission
from modelward.entrances.api.endpoint import authenticate
from modelward.entrances.api.problems import problem
from modelward.entrances.api.telemetry import Telemetry
from modelward.errors import ModelwardError

if TYPE_CHECKING:
    from modelward.app import Platform
    from modelward.serving import Gateway


def health_routes(platform: Platform, gateway: Gateway, telemetry: Telemetry) -> list[Route]:
    """`/livez`, `/readyz`, the same under `/v2/health`, and `/metrics`. The first ones need no key and say nothing else."""

    async def live(request: Request) -> Response:
        request.state.template = request.url.path
        return _said("live", well=True)

    async def ready(request: Request) -> Response:
        request.state.template = request.url.path
        return _said("ready", well=gateway.is_taking and await run_in_threadpool(_can_record, platform))

    async def metrics(request: Request) -> Response:
        request.state.template = "/metrics"
        try:
            actor = await run_in_threadpool(authenticate, platform, request)
            actor.require(Permission.METRICS_READ)
            return await run_in_threadpool(telemetry.text)
        except ModelwardError as error:
            return problem(error)

    return [
        Route("/livez", live),
        Route("/v2/health/live", live),
        Route("/readyz", ready),
        Route("/v2/health/ready", ready),
        Route("/metrics", metrics),
    ]


def _can_record(platform: Platform) -> bool:
    try:
        platform.ledger.head()
    except Exception:  # noqa: BLE001  # whatever is wrong with the ledger, no answer could leave
        return False
    return True


def _said(name: str, *, well: bool) -> Response:
    return Response(msgspec.json.encode({name: well}), 200 if well else 503, media_type="application/json")
