# SPDX-License-Identifier: Apache-2.0
"""Traces: what became of each request, remembered as moments and names, and made into spans by a thread of its own.

Nobody traces unless the environment says so, as OpenTelemetry has it; then the request path notes some numbers, and no more.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from importlib import import_module
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from modelward.entrances.api import CallerLeftError, status_of
from modelward.entrances.exchange import Exchange
from modelward.errors import PrerequisiteError

if TYPE_CHECKING:
    from modelward.serving import Call, Pending

_LOG = logging.getLogger("modelward.traces")
# The one module that knows OpenTelemetry; it is loaded where traces are asked for.
_MAKER = "modelward.entrances.otel"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EVERY_SECONDS = 0.2
_LONGEST_END_SECONDS = 5.0
_TRAILS_LIMIT = 20_000


class ExporterMissingError(PrerequisiteError):
    """What should export traces is not installed."""


class Batch:
    """One call of an engine, as all the trails see it that were in it. Whoever makes spans keeps in `span` the one that it made."""

    __slots__ = ("began", "ended", "questions", "rows", "span")

    def __init__(self, call: Call) -> None:
        self.began = call.began
        self.ended = call.began + call.seconds
        self.rows = call.rows
        self.questions = 0
        self.span: object = None


class Trail:
    """What is known of one request: moments of `time.perf_counter`, names and numbers of ours, and the name of its fault; nothing
    that a caller sent but `traceparent`, which says whose part it is.

    `code` is a status of gRPC; without one, it is a request over HTTP.
    """

    __slots__ = (
        "batch",
        "began",
        "code",
        "ended",
        "entries",
        "fault",
        "method",
        "model",
        "request",
        "route",
        "rows",
        "scheme",
        "status",
        "submitted",
        "traceparent",
        "version",
        "written",
    )

    def __init__(self, began: float) -> None:
        self.began = self.ended = began
        self.batch: Batch | None = None
        self.submitted = self.written = 0.0
        self.status = self.entries = self.rows = self.version = 0
        self.request = self.method = self.route = self.scheme = self.model = self.fault = self.code = ""
        self.traceparent: bytes | None = None


class Spans(Protocol):
    """Makes spans of trails, and sends them off."""

    def make(self, trails: Sequence[Trail]) -> None:
        """In a thread of its own."""
        ...

    def close(self) -> None:
        """Send off what is left."""
        ...


_CURRENT: ContextVar[Trail] = ContextVar("trail")


class Traces:
    """See `modelward.serving.Tracing`; and what doors that are coroutines call. All but `close` belongs to the event loop."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._ended: deque[Trail] = deque()
        self._lost = 0
        self._is_over = Event()
        self._thread = Thread(target=self._work, name="traces", daemon=True)
        self._thread.start()

    def begin(self, traceparent: bytes | None) -> Trail:
        """A request came. What this coroutine asks a model is part of it."""
        trail = Trail(perf_counter())
        trail.traceparent = traceparent
        _CURRENT.set(trail)
        return trail

    def end(self, trail: Trail) -> None:
        """It has its answer, and its trail says what there is to say."""
        trail.ended = perf_counter()
        self._hand_over([trail])

    def asked(self, pending: Pending) -> None:
        """See `Tracing`."""
        pending.trail = _CURRENT.get(None) or Trail(pending.began)

    def computed(self, call: Call) -> None:
        """See `Tracing`."""
        batch = Batch(call)
        for outcome in call.outcomes:
            batch.questions += len(outcome.batch)
            for pending in outcome.batch:
                _trail(pending).batch = batch

    def submitted(self, written: Sequence[Pending]) -> None:
        """See `Tracing`."""
        now = perf_counter()
        for pending in written:
            _trail(pending).submitted = now

    def answered(self, answered: Sequence[Pending], *, entries: int) -> None:
        """See `Tracing`."""
        now, ended = perf_counter(), []
        for pending in answered:
            trail = _trail(pending)
            trail.written, trail.entries = now, entries
            _name_model(trail, pending)
            if isinstance(pending, Exchange):
                _end(trail, pending, status=200, now=now)
                ended.append(trail)
        self._hand_over(ended)

    def failed(self, pending: Pending, fault: Exception) -> None:
        """See `Tracing`."""
        self._fail(pending, type(fault).__name__, status=status_of(fault))

    def dropped(self, pending: Pending) -> None:
        """See `Tracing`."""
        self._fail(pending, CallerLeftError.__name__, status=CallerLeftError.status)

    def close(self) -> None:
        """Make spans of what is left, and send them off; not for long, where nobody takes them."""
        self._is_over.set()
        self._thread.join(_LONGEST_END_SECONDS)

    def _fail(self, pending: Pending, fault: str, *, status: int) -> None:
        trail = _trail(pending)
        _name_model(trail, pending)
        if isinstance(pending, Exchange):
            trail.fault = fault
            _end(trail, pending, status=status, now=perf_counter())
            self._hand_over([trail])

    def _hand_over(self, trails: Sequence[Trail]) -> None:
        if len(self._ended) < _TRAILS_LIMIT:
            self._ended.extend(trails)
        else:
            self._lost += len(trails)

    def _work(self) -> None:
        while not self._is_over.wait(_EVERY_SECONDS):
            self._make()
        self._make()
        self._spans.close()

    def _make(self) -> None:
        taken = [self._ended.popleft() for _ in range(len(self._ended))]
        if not taken:
            return
        try:
            self._spans.make(taken)
        except Exception as fault:  # noqa: BLE001  # whatever it is: requests go on
            _LOG.warning("%d requests are not traced: %s", len(taken), type(fault).__name__)
        lost, self._lost = self._lost, 0
        if lost:
            _LOG.warning("%d requests are not traced: more came than spans could be made for; let OTEL_TRACES_SAMPLER choose", lost)


def traces_of(environment: Mapping[str, str]) -> Traces | None:
    """Traces, where the environment asks for them and OpenTelemetry is installed."""
    if not _are_asked_for(environment):
        return None
    try:
        spans: Spans = import_module(_MAKER).spans_of(environment)
    except Exception as fault:  # noqa: BLE001  # a server that cannot be traced serves all the same
        _LOG.warning("OTEL_… asks for traces, and there are none: %s", _why(fault))
        return None
    return Traces(spans)


def _why(fault: Exception) -> str:
    if isinstance(fault, ExporterMissingError):
        return str(fault)
    if isinstance(fault, ImportError):
        return "OpenTelemetry is not installed. Run `pip install 'modelward[otel]'`."
    return f"OpenTelemetry does not take what the environment says ({type(fault).__name__}). See docs/how-to/traces.md."


def _are_asked_for(environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    return exporters != "none" if exporters else any(environment.get(name) for name in _ENDPOINTS)


def _trail(pending: Pending) -> Trail:
    trail = getattr(pending, "trail", None)
    if not isinstance(trail, Trail):
        pending.trail = trail = Trail(pending.began)
    return trail


def _name_model(trail: Trail, pending: Pending) -> None:
    """The version that answers, or would have. A name that no version has is a caller's own word."""
    deployment = getattr(pending, "deployment", None)
    if deployment is not None:
        trail.model, trail.version, trail.rows = deployment.version.model, deployment.version.number, pending.rows


def _end(trail: Trail, exchange: Exchange, *, status: int, now: float) -> None:
    head = exchange.head
    trail.ended, trail.status, trail.request = now, status, exchange.request
    trail.method, trail.route, trail.scheme = "POST", head.target.template, exchange.connection.scheme or "http"
    trail.traceparent = head.heading.get(b"traceparent")
