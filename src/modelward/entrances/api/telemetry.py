# SPDX-License-Identifier: Apache-2.0
"""What can be watched: counters and times per route, and what the log says of requests that failed.

Labels come from a bounded set (route templates, models that exist, status codes), and no line or label holds what a caller sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelward.entrances.api.bodies import discard_body, has_body
from modelward.entrances.api.endpoint import names_nothing
from modelward.entrances.api.exposition import Exposition
from modelward.entrances.api.process_readings import process_readings
from modelward.entrances.api.tally import Tally
from modelward.entrances.failure_log import FailureLog
from modelward.serving import (
    SECONDS,
    Counter,
    Distribution,
    Distributions,
    Instrument,
    Labels,
    Meters,
    Panel,
    Reading,
    Snapshot,
    new_request_id,
)

if TYPE_CHECKING:
    from modelward.entrances.traces import Traces

_ELSEWHERE, _ANY = "unmatched", "any"


class Telemetry:
    """The instruments of one server; two servers in one process have their own. With a `seat`, a file among those of the other
    workers of the port, it tells what all of them did.

    Counting costs a few look-ups. The Prometheus library comes in when somebody asks for the text.
    """

    def __init__(self, meters: Meters, *, entries: Callable[[], float], seat: str = "") -> None:
        self.failures = FailureLog()
        self._requests = Counter("modelward_requests_total", "Requests answered.", labels=("method", "route", "status"))
        self._seconds = Distributions(
            "modelward_request_duration_seconds", "Time to answer a request.", bounds=SECONDS, labels=("route",)
        )
        self._restarts = Counter("modelward_worker_restarts_total", "Workers that took the place of one that had ended.")
        workers = Reading("modelward_workers", "Processes that answer on the port.", lambda: 1)
        self._of_request: dict[tuple[str, str, int], tuple[Labels, Distribution]] = {}
        http = (self._requests, self._seconds, workers, self._restarts)
        self._shared = Panel([*http, *meters.instruments, *process_readings()])
        # Every worker would say the same of these.
        self._same = Panel([Reading("modelward_ledger_entries", "Entries of the ledger.", entries, is_greatest=True)])
        self._tally = self._sit_down(Path(seat)) if seat else None
        self._exposition = Exposition(self.instruments, self._read)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Every instrument whose numbers are told."""
        return (*self._shared.instruments.values(), *self._same.instruments.values())

    def count_request(self, method: str, route: str, status: int, *, seconds: float) -> None:
        """One request was answered. `route` is a template, never a path as it was sent."""
        found = self._of_request.get((method, route, status)) or self._new(method, route, status)
        self._requests.add(found[0])
        found[1].add(seconds)

    def text(self) -> Response:
        """All instruments in the Prometheus text format."""
        return Response(self._exposition.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    def _read(self) -> Snapshot:
        return (self._tally.whole() if self._tally else self._shared.snapshot()) | self._same.snapshot()

    def _sit_down(self, seat: Path) -> Tally:
        tally = Tally(seat, self._shared)
        self._restarts.add(number=int(tally.is_successor))
        tally.begin()
        return tally

    def _new(self, method: str, route: str, status: int) -> tuple[Labels, Distribution]:
        # Of a path that no route has, the method is as made up as the path; it is no label, and nothing is kept by it.
        if route == _ELSEWHERE and method != _ANY:
            return self._of_request.get((_ANY, route, status)) or self._new(_ANY, route, status)
        found = (method, route, str(status)), self._seconds.of(route)
        return self._of_request.setdefault((method, route, status), found)


class Watch:
    """The outermost layer, in plain ASGI: gives each request its id, counts and times it, answers what nobody inside could
    answer, and logs what failed without quoting it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        telemetry: Telemetry,
        answer: Callable[[Scope, Exception], Response],
        traces: Traces | None = None,
    ) -> None:
        self._app = app
        self._traces = traces
        self.telemetry = telemetry
        self._fault_answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        began, took = time.perf_counter(), None
        trail = self._traces.begin(_traceparent(scope)) if self._traces else None
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
            if names_nothing(scope["raw_path"]):
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
            lost = state.get("fault")
            self.telemetry.failures.note(lost, request=request, route=route, status=status or 500)
            if self._traces and trail:
                trail.request, trail.method, trail.scheme, trail.status = request, scope["method"], scope["scheme"], status or 500
                trail.route = "" if route == _ELSEWHERE else route
                trail.fault = type(lost).__name__ if lost else ""
                self._traces.end(trail)


def _traceparent(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == b"traceparent"), None)
