# SPDX-License-Identifier: Apache-2.0
"""The web application: the API's and the console's routes over one platform and one gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import Router

from modelward.entrances.api import MethodNotAllowedError, Premises, Telemetry, Watch, api_routes, failure
from modelward.entrances.console import console_routes
from modelward.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Scope

    from modelward.app import Platform
    from modelward.entrances.traces import Traces
    from modelward.serving import Gateway


class NoSuchRouteError(NotFoundError):
    """Nothing answers at that path."""


_NO_ROUTE = NoSuchRouteError("Nothing answers at this path. `GET /api/openapi.json` lists what does.")


def web(platform: Platform, gateway: Gateway, traces: Traces | None = None) -> Watch:
    """The application that `modelward serve` runs. It answers while the gateway is entered."""
    telemetry = Telemetry(gateway.meters, entries=lambda: platform.ledger.head().size, seat=platform.settings.seat)
    routes = [*api_routes(Premises(platform, gateway, telemetry)), *console_routes(platform, gateway)]

    def answer(scope: Scope, fault: Exception) -> Response:
        """A path that no route has, or a method that its route lacks, or a fault outside of every door, in the path's protocol."""
        if isinstance(fault, HTTPException):
            fault = _method(routes, scope) if fault.status_code == MethodNotAllowedError.status else _NO_ROUTE
        return failure(fault, path=scope["path"])

    return Watch(Router(routes, redirect_slashes=False), telemetry=telemetry, answer=answer, traces=traces)


def _method(routes: Sequence[Route], scope: Scope) -> MethodNotAllowedError:
    allowed = {method for route in routes if route.path_regex.match(scope["path"]) for method in route.methods or ()}
    told = f"This path takes {' and '.join(sorted(allowed))} alone. `GET /api/openapi.json` lists what each path takes."
    return MethodNotAllowedError(told, allowed=allowed)
