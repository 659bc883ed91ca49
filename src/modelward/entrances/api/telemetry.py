# SPDX-License-Identifier: Apache-2.0
"""What can be watched: counters and times per route, and one log line for each request that failed.

Labels come from a bounded set (route templates, models that exist, status codes), and no line or label holds what a caller sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelward.serving import new_request_id

if TYPE_CHECKING:
    from modelward.app import Platform

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ELSEWHERE = "unmatched"
_LOG = structlog.get_logger("modelward.api")


class Telemetry:
    """The instruments of one server; two servers in one process have their own."""

    def __init__(self, platform: Platform, open_questions: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter("modelward_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry)
        self.seconds = Histogram(
            "modelward_request_duration_seconds", "Time to answer.", ["route"], buckets=_BUCKETS, registry=self._registry
        )
        self.rows = Counter("modelward_predictions", "Rows answered.", ["model", "version"], registry=self._registry)
        questions = Gauge("modelward_open_questions", "Inference requests being answered now.", registry=self._registry)
        questions.set_function(open_questions)
        entries = Gauge("modelward_ledger_entries", "Entries of the ledger.", registry=self._registry)
        entries.set_function(lambda: platform.ledger.head().size)

    def text(self) -> Response:
        """All instruments in the Prometheus text format."""
        return Response(generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_LATEST})


class Watch:
    """Middleware in plain ASGI: counts and times each request, gives each answer an `x-request-id`, logs the failures."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry
        self._counters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500
        request = ""

        async def sending(message: Message) -> None:
            nonlocal status, request
            if message["type"] == "http.response.start":
                status = message["status"]
                request = _name_request(message)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - began, request)

    def _note(self, scope: Scope, status: int, seconds: float, request: str) -> None:
        route = _template(scope)
        key = (scope["method"], route, status)
        if key not in self._counters:
            known = scope["method"] if route != _ELSEWHERE else "any"
            self._counters[key] = (
                self._telemetry.requests.labels(known, route, status),
                self._telemetry.seconds.labels(route),
            )
        counter, histogram = self._counters[key]
        counter.inc()
        histogram.observe(seconds)
        if status >= 500:
            fault = scope.get("state", {}).get("fault")
            _LOG.error(
                "request failed", request=request, route=route, status=status, fault=type(fault).__name__, place=_place(fault)
            )


def _name_request(message: Message) -> str:
    """The request's id: the one that the answer carries, else a new one."""
    for name, value in message["headers"]:
        if name == b"x-request-id":
            return str(value.decode("latin-1"))
    request = new_request_id()
    message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
    return request


def _template(scope: Scope) -> str:
    """The path as its route declares it: a path as sent could hold anything, and be of any number."""
    return str(scope.get("state", {}).get("template", _ELSEWHERE))


def _place(fault: BaseException | None) -> str:
    """File and line where a fault was raised, without its message, which may hold a payload."""
    trace = fault.__traceback__ if fault else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
