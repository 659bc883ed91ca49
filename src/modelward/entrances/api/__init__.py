# SPDX-License-Identifier: Apache-2.0
"""The HTTP API: inference in the callers' protocols, the control API, receipts, health and metrics."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from modelward.entrances.api import (
    access,
    audit,
    budgeting,
    captures,
    data,
    emergencies,
    granting,
    health,
    hiding,
    keeping,
    people,
    releases,
    security,
    shelf,
    terms,
    training,
)
from modelward.entrances.api.bodies import CallerLeftError, check_body_head, too_large
from modelward.entrances.api.control import control_route
from modelward.entrances.api.dialect import Dialect, Heading
from modelward.entrances.api.endpoint import Endpoint, Open, Premises, credential, names_nothing
from modelward.entrances.api.failures import failure
from modelward.entrances.api.health import HEALTH, health_route, is_ready
from modelward.entrances.api.inference import RECORDS, VersionNumberError, inference_route, is_question, named_model
from modelward.entrances.api.mlflow_scoring import MLFLOW
from modelward.entrances.api.open_inference import OPEN_INFERENCE
from modelward.entrances.api.openapi import document
from modelward.entrances.api.problems import MethodNotAllowedError, fault_headers, status_of
from modelward.entrances.api.telemetry import Telemetry, Watch
from modelward.entrances.api.urgency import urgency_of


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route here."""
    return document(ENDPOINTS)


INFERENCE: tuple[Endpoint, ...] = (*RECORDS, *OPEN_INFERENCE, *MLFLOW)
CONTROL: tuple[Endpoint, ...] = (
    *data.ENDPOINTS,
    *granting.ENDPOINTS,
    *budgeting.ENDPOINTS,
    *hiding.ENDPOINTS,
    *training.ENDPOINTS,
    *shelf.ENDPOINTS,
    *releases.ENDPOINTS,
    *people.ENDPOINTS,
    *emergencies.ENDPOINTS,
    *access.ENDPOINTS,
    *keeping.ENDPOINTS,
    *terms.ENDPOINTS,
    *captures.ENDPOINTS,
    *audit.ENDPOINTS,
    *security.ENDPOINTS,
    *health.ENDPOINTS,
    Endpoint("GET", "/api/openapi.json", Open.ANYBODY_KNOWN, lambda _call: openapi(), "This document.", dict[str, Any]),
)
ENDPOINTS: tuple[Endpoint, ...] = (*INFERENCE, *HEALTH, *CONTROL)


def api_routes(premises: Premises) -> list[Route]:
    """Every route of the API; those that are asked most come first, for routes are tried in order."""
    return [
        *(inference_route(endpoint, premises) for endpoint in INFERENCE),
        *(health_route(endpoint, premises) for endpoint in HEALTH),
        *(control_route(endpoint, premises) for endpoint in CONTROL),
    ]


__all__ = [
    "ENDPOINTS",
    "INFERENCE",
    "CallerLeftError",
    "Dialect",
    "Endpoint",
    "Heading",
    "MethodNotAllowedError",
    "Open",
    "Premises",
    "Telemetry",
    "VersionNumberError",
    "Watch",
    "api_routes",
    "check_body_head",
    "credential",
    "failure",
    "fault_headers",
    "is_question",
    "is_ready",
    "named_model",
    "names_nothing",
    "openapi",
    "status_of",
    "too_large",
    "urgency_of",
]
