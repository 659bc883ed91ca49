# SPDX-License-Identifier: Apache-2.0
"""The web application: the API's and the console's routes over one platform and one gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import Router

from modelward.entrances.api import MethodNotAllowedError, Premises, Telemetry, Watch, api_routes, asks, inference_error, problem
from modelward.entrances.console import console_routes
from modelward.errors import NotFoundError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

    from modelward.app import Platform
    from modelward.serving import Gateway


class NoSuchRouteError(NotFoundError):
    """Nothing answers at that path."""


def web(platform: Platform, gateway: Gateway) -> Watch:
    """The application that `modelward serve` runs. It answers while the gateway is entered."""
    telemetry = Telemetry(platform, lambda: gateway.open_questions)
    routes = [*api_routes(Premises(platform, gateway, telemetry)), *console_routes(platform, gateway)]
    return Watch(Router(routes, redirect_slashes=False), telemetry=telemetry, answer=_no_route)


def _no_route(scope: Scope, fault: Exception) -> Response:
    """A path that no route has, or a method that its route lacks, or a fault outside of every door, in the path's protocol."""
    if isinstance(fault, HTTPException):
        if fault.status_code == MethodNotAllowedError.status:
            fault = MethodNotAllowedError("This path does not take that method. `GET /api/openapi.json` lists what it takes.")
        else:
            fault = NoSuchRouteError("Nothing answers at this path. `GET /api/openapi.json` lists what does.")
    return inference_error(fault) if asks(scope["path"]) else problem(fault)
