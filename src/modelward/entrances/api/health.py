# SPDX-License-Identifier: Apache-2.0
"""Routes that say whether the service lives and answers, and what it measures of itself."""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelward.access import Permission
from modelward.entrances.api.endpoint import Endpoint, Open, Premises


def health_route(endpoint: Endpoint, premises: Premises) -> Route:
    """The route of an endpoint whose `handle` takes the premises and says whether all is well: 200 or 503, and no word more."""
    name = endpoint.path.rpartition("/")[2].removesuffix("z")

    async def answer(request: Request) -> Response:
        request.state.template = endpoint.path
        is_well: bool = await endpoint.handle(premises)
        return Response(msgspec.json.encode({name: is_well}), 200 if is_well else 503, media_type=endpoint.media)

    return Route(endpoint.path, answer, methods=[endpoint.method])


async def _live(_premises: Premises) -> bool:
    return True


async def is_ready(premises: Premises) -> bool:
    """Whether questions are taken and can be recorded."""
    return premises.gateway.is_taking and await run_in_threadpool(premises.platform.serving.can_record)


HEALTH = (
    Endpoint("GET", "/livez", Open.HEALTH, _live, "Whether the process lives.", dict[str, bool]),
    Endpoint("GET", "/readyz", Open.HEALTH, is_ready, "Whether questions are taken and can be recorded.", dict[str, bool]),
    Endpoint("GET", "/v2/health/live", Open.HEALTH, _live, "Whether the process lives.", dict[str, bool]),
    Endpoint("GET", "/v2/health/ready", Open.HEALTH, is_ready, "Whether questions are taken and can be recorded.", dict[str, bool]),
)
ENDPOINTS = (
    Endpoint(
        "GET",
        "/metrics",
        Permission.METRICS_READ,
        lambda call: call.premises.telemetry.text(),
        "Counters and times in the Prometheus text format.",
        str,
        media="text/plain",
    ),
)
