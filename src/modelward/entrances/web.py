# SPDX-License-Identifier: Apache-2.0
"""The web application: the API's and the console's routes over one platform and one gateway."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from modelward.app import open_platform
from modelward.entrances.api import Telemetry, Watch, api_routes, inference_error, problem
from modelward.entrances.api.problems import MethodNotAllowedError
from modelward.entrances.console import console_routes
from modelward.errors import ModelwardError, NotFoundError
from modelward.settings import Settings

_SWITCH_SECONDS = 0.0005


class NoSuchRouteError(NotFoundError):
    """Nothing answers at that path."""


def web(settings: Settings) -> Starlette:
    """The application that `modelward serve` runs.

    Raises: whatever opening the platform raises.
    """
    platform = open_platform(settings)
    gateway = platform.serving.gateway()
    telemetry = Telemetry(platform, lambda: gateway.open_questions)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with gateway:
            # What is loaded by now stays: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            # SQLite lets go of the interpreter at each statement; the ledger's writer must not wait 5 ms to get it back.
            sys.setswitchinterval(_SWITCH_SECONDS)
            yield
        platform.close()

    return Starlette(
        routes=[*api_routes(platform, gateway, telemetry), *console_routes(platform, gateway)],
        middleware=[Middleware(Watch, telemetry=telemetry)],
        exception_handlers={HTTPException: _no_route},
        lifespan=lifespan,
    )


def _no_route(request: Request, raised: Exception) -> Response:
    """A path that no route has, or a method that its route lacks, in the protocol of the path."""
    error: ModelwardError = NoSuchRouteError("Nothing answers at this path. `GET /api/openapi.json` lists what does.")
    if isinstance(raised, HTTPException) and raised.status_code == 405:
        error = MethodNotAllowedError("This path does not take that method. `GET /api/openapi.json` lists what it takes.")
    is_inference = request.url.path.startswith(("/v1/", "/v2"))
    return inference_error(error) if is_inference else problem(error)
