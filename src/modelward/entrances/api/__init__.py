# SPDX-License-Identifier: Apache-2.0
"""The HTTP API: inference in the callers' protocols, the control API, receipts, health and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from modelward.entrances.api import audit, data, people, releases, shelf, training
from modelward.entrances.api.endpoint import Endpoint, Open
from modelward.entrances.api.health import health_routes
from modelward.entrances.api.inference import Records
from modelward.entrances.api.open_inference import OpenInference
from modelward.entrances.api.openapi import document
from modelward.entrances.api.problems import inference_error, problem
from modelward.entrances.api.telemetry import Telemetry, Watch

if TYPE_CHECKING:
    from modelward.app import Platform
    from modelward.serving import Gateway

_DECLARED = (
    *data.ENDPOINTS,
    *training.ENDPOINTS,
    *shelf.ENDPOINTS,
    *releases.ENDPOINTS,
    *people.ENDPOINTS,
    *audit.ENDPOINTS,
)


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the control API."""
    return document(ENDPOINTS)


ENDPOINTS: tuple[Endpoint, ...] = (
    *_DECLARED,
    Endpoint(
        "GET",
        "/api/openapi.json",
        Open.ANYBODY_KNOWN,
        lambda _call: openapi(),
        "This document.",
        dict[str, Any],
    ),
)


def api_routes(platform: Platform, gateway: Gateway, telemetry: Telemetry) -> list[Route]:
    """Every route of the API."""
    return [
        *Records(gateway, telemetry, platform.settings).routes(),
        *OpenInference(gateway, platform.serving.deployments, telemetry, platform.settings).routes(),
        *health_routes(platform, gateway, telemetry),
        *(endpoint.route(platform) for endpoint in ENDPOINTS),
    ]


__all__ = ["ENDPOINTS", "Telemetry", "Watch", "api_routes", "inference_error", "openapi", "problem"]
