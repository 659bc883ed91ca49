# SPDX-License-Identifier: Apache-2.0
"""What can be watched: counters and times per route, and one log line for each request that failed.

Labels come from a bounded set (route templates, models that exist, status codes), and no line or label holds what a caller sent.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelward.entrances.api.bodies import discard_body, has_body
from modelward.serving import new_request_id

if TYPE_CHECKING:
    from modelward.app import Platform

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ELSEWHERE = "unmatched"
# A path with an encoded slash, backslash or control character names nothing; who sends one hopes that it is read twice.
_HIDDEN = re.compile(rb"%(?:2f|5c|[01][0-9a-f]|7f)", re.IGNORECASE)
_LOG = logging.getLogger("modelward.api")


class Telemetry:
    """The instruments of one server; two servers in one process have their own."""

    def __init__(self, platform: Platform, open_questions: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("modelward_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry)
        self._seconds = Histogram(
            "modelward_request_duration_seconds", "Time to answer.", ["route"], buckets=_BUCKETS, registry=self._registry
        )
        self._rows = Counter("modelward_predictions", "Rows answered.", ["model", "version"], registry=self._registry)
        self._of_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._of_version: dict[str, Counter] = {}
        questions = Gauge("modelward_open_questions", "Inference requests being answered now.", registry=self._registry)
        questions.set_function(open_questions)
        entries = Gauge("modelward_ledger_entries", "Entries of the ledger.", registry=self._registry)
        entries.set_function(lambda: platform.ledger.head().size)

    def count_request(self, method: str, route: str, status: int, *, seconds: float) -> None:
        """One request was answered. `route` is a template, never a path as it was sent."""
        key = (method if route != _ELSEWHERE else "any", route, status)
        found = self._of_request.get(key)
        if found is None:
            found = self._of_request[key] = (self._requests.labels(*key), self._seconds.labels(route))
        found[0].inc()
        found[1].observe(seconds)

    def count_rows(self, version: str, rows: int) -> None:
        """So many rows were answered by `version`, such as `income:3`."""
        found = self._of_version.get(version)
        if found is None:
            found = self._of_version[version] = self._rows.labels(*version.split(":"))
        found.inc(rows)

    def text(self) -> Response:
        """All instruments in the Prometheus text format."""
        return Response(generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_LATEST})


class Watch:
    """The outermost layer, in plain ASGI: gives each request its id, counts and times it, answers what nobody inside could
    answer, and logs what failed without quoting it.
    """

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, answer: Callable[[Scope, Exception], Response]) -> None:
        self._app = app
        self.telemetry = telemetry
        self._fault_answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        began, took = time.perf_counter(), None
        status = 0
        state = scope.setdefault("state", {})
        state["request"] = request = new_request_id()
        # With an application in the scope, Starlette's routes raise what they cannot answer.
        scope["app"] = self

        is_read: bool | None = None

        async def receiving() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
            elif status >= 400 and not is_read and has_body(scope) and not message.get("more_body", False):
                # A connection closed upon bytes that nobody read is reset, and a client that still sends never sees the answer.
                await send({**message, "more_body": True})
                # The answer is given; what the client goes on sending is no part of the time that it took.
                took = time.perf_counter() - began
                await discard_body(receive)
                message = {"type": "http.response.body"}
            await send(message)

        try:
            if _HIDDEN.search(scope["raw_path"]):
                raise HTTPException(404)
            await self._app(scope, receiving, sending)
        except Exception as fault:  # noqa: BLE001  # whoever asked gets an answer, and the fault's text stays here
            state["fault"] = fault
            if not status:
                await self._fault_answer(scope, fault)(scope, receiving, sending)
        finally:
            route = state.get("template", _ELSEWHERE)
            seconds = time.perf_counter() - began if took is None else took
            self.telemetry.count_request(scope["method"], route, status or 500, seconds=seconds)
            if status >= 500 or not status:
                _log(request, route, status, state.get("fault"))


def _log(request: str, route: str, status: int, fault: BaseException | None) -> None:
    level = logging.ERROR if status in (0, 500) else logging.WARNING
    _LOG.log(level, "request failed", exc_info=fault, extra={"request": request, "route": route, "status": status})
