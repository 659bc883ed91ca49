# SPDX-License-Identifier: Apache-2.0
"""Spans of OpenTelemetry, made of trails after the fact. Importing it loads OpenTelemetry, which nothing else here knows.

Names follow its semantic conventions for HTTP and RPC; what they have no name for begins with `modelward.`. Which requests are
sampled, how spans wait, where they go and under which name: the standard environment variables say.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from threading import Thread
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from modelward import __version__
from modelward.entrances.traces import ExporterMissingError

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from modelward.entrances.traces import Batch, Trail

_LOG = logging.getLogger("modelward.traces")
_NOBODY = Context()
_PARENTS = TraceContextTextMapPropagator()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_DOUBT_SECONDS = 1.0


class Ids(RandomIdGenerator):
    """Random, but for a trace whose id was drawn before it was known whether it is kept."""

    trace_id = 0

    def generate_trace_id(self) -> int:
        """See `IdGenerator`."""
        drawn, self.trace_id = self.trace_id, 0
        return drawn or super().generate_trace_id()


class SpanMaker:
    """See `Spans`. It belongs to one thread."""

    def __init__(self, processors: Sequence[SpanProcessor]) -> None:
        self._ids = Ids()
        # The sampler is asked here, before anything else is done for a request; what is begun then is kept.
        self._sampler = TracerProvider(shutdown_on_exit=False).sampler
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=_resource(), id_generator=self._ids, shutdown_on_exit=False)
        for each in processors:
            self._provider.add_span_processor(each)
        self._tracer = self._provider.get_tracer("modelward", __version__)
        self._epoch = 0

    def make(self, trails: Sequence[Trail]) -> None:
        """See `Spans`."""
        self._epoch = time.time_ns() - time.perf_counter_ns()
        for trail in trails:
            self._trace(trail)

    def close(self) -> None:
        """See `Spans`."""
        self._provider.shutdown()

    def _trace(self, trail: Trail) -> None:
        name = _name(trail)
        above = _parent(trail.traceparent)
        parent = get_current_span(above).get_span_context()
        trace_id = parent.trace_id if parent.is_valid else self._ids.generate_trace_id()
        chosen = self._sampler.should_sample(above, trace_id, name, SpanKind.SERVER)
        if chosen.decision is not Decision.RECORD_AND_SAMPLE:
            return
        self._ids.trace_id = 0 if parent.is_valid else trace_id
        span = self._tracer.start_span(name, above, SpanKind.SERVER, dict(_attributes(trail)), start_time=self._at(trail.began))
        if trail.status >= 500:
            span.set_status(StatusCode.ERROR)
        self._parts(trail, set_span_in_context(span, _NOBODY))
        span.end(self._at(trail.ended))

    def _parts(self, trail: Trail, inside: Context) -> None:
        if (batch := trail.batch) is not None:
            self._part("queue", inside, trail.began, batch.began)
            shared = {"modelward.batch.rows": batch.rows}
            self._part("engine", inside, batch.began, batch.ended, shared, links=[Link(self._of_batch(batch))])
        if trail.entries:
            committed = {"modelward.ledger.entries": trail.entries}
            self._part("ledger.commit", inside, trail.submitted, trail.written, committed)

    def _of_batch(self, batch: Batch) -> SpanContext:
        """The span of a call of an engine: one for all that were in it, as soon as one of them is kept."""
        if not isinstance(batch.span, SpanContext):
            told = {"modelward.batch.rows": batch.rows, "modelward.batch.questions": batch.questions}
            batch.span = self._part("batch", _NOBODY, batch.began, batch.ended, told).get_span_context()
        return batch.span

    def _part(
        self,
        name: str,
        inside: Context,
        began: float,
        ended: float,
        told: Mapping[str, AttributeValue] | None = None,
        *,
        links: Sequence[Link] = (),
    ) -> Span:
        span = self._tracer.start_span(name, inside, SpanKind.INTERNAL, told, links, self._at(began))
        span.end(self._at(ended))
        return span

    def _at(self, moment: float) -> int:
        return self._epoch + int(moment * 1e9)


class Sender(SpanExporter):
    """An exporter, and whether anybody takes what it sends. `taken` are the batches that somebody took; `lost` are the spans that
    nobody did since it gave up.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._has_given_up = False
        self.taken = self.lost = 0
        self.is_heard = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter`."""
        told = SpanExportResult.FAILURE if self._has_given_up else self._exporter.export(spans)
        self.is_heard = told is SpanExportResult.SUCCESS
        self.taken += self.is_heard
        self.lost += len(spans) if self._has_given_up and not self.is_heard else 0
        return told

    def shutdown(self) -> None:
        """Try nothing again and begin nothing new; what is on its way may still arrive."""
        if not self._has_given_up:
            self._has_given_up = True
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See `SpanExporter`."""
        return self._exporter.force_flush(timeout_millis)


class Sending(BatchSpanProcessor):
    """Spans wait here and are sent many at once. At the end what is left is sent for as long as somebody takes it: OpenTelemetry
    itself would try again and again for half a minute.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._sender = Sender(exporter)
        super().__init__(self._sender)

    def shutdown(self) -> None:
        """See `SpanProcessor`."""
        ending = Thread(target=super().shutdown, name="last spans", daemon=True)
        ending.start()
        sender, taken = self._sender, -1
        while ending.is_alive() and sender.taken > taken:
            taken = sender.taken
            ending.join(_DOUBT_SECONDS)
        is_heard = sender.is_heard
        sender.shutdown()
        # Who never failed may only be slow.
        if is_heard:
            ending.join()
        if sender.lost:
            _LOG.warning("%d spans are not sent: nobody took any for %g s", sender.lost, _DOUBT_SECONDS)


def spans_of(environment: Mapping[str, str]) -> SpanMaker:
    """What makes spans, and sends them where the environment says.

    Raises:
        ExporterMissingError: nothing is installed that would.
    """
    names = [name.strip() for name in (environment.get("OTEL_TRACES_EXPORTER") or "otlp").split(",")]
    return SpanMaker([Sending(_exporter(name, environment)) for name in names if name not in {"", "none"}])


def _exporter(name: str, environment: Mapping[str, str]) -> SpanExporter:
    if name == "otlp":
        protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    for found in entry_points(group="opentelemetry_traces_exporter", name=name):
        made: SpanExporter = found.load()()
        return made
    raise ExporterMissingError(
        f"no exporter named {name[:80]!r} is installed. Install the package that brings it, or set OTEL_TRACES_EXPORTER to `otlp` "
        "and OTEL_EXPORTER_OTLP_PROTOCOL to `http/protobuf`: `pip install 'modelward[otel]'` brings that."
    )


def _resource() -> Resource:
    """Who tells all this: what the environment says, and ours where it does not."""
    found = Resource.create()
    told = dict(found.attributes)
    if str(told["service.name"]).startswith("unknown_service"):
        told["service.name"] = "modelward"
    return found.merge(Resource({"service.version": __version__} | told))


def _parent(traceparent: bytes | None) -> Context:
    """Whose part a request is. Only the ids are read: a `tracestate` could say anything."""
    if traceparent is None:
        return _NOBODY
    return _PARENTS.extract({"traceparent": traceparent.decode("latin-1")}, _NOBODY)


def _name(trail: Trail) -> str:
    if trail.code:
        return trail.route.removeprefix("/")
    method = trail.method if trail.method in _METHODS else "HTTP"
    return f"{method} {trail.route}" if trail.route else method


def _attributes(trail: Trail) -> Iterator[tuple[str, AttributeValue]]:
    if trail.code:
        yield from (("rpc.system.name", "grpc"), ("rpc.method", trail.route.removeprefix("/")))
        yield "rpc.response.status_code", trail.code
    else:
        yield "http.request.method", trail.method if trail.method in _METHODS else "_OTHER"
        yield "http.response.status_code", trail.status
        yield "url.scheme", trail.scheme
        if trail.route:
            yield "http.route", trail.route
    if trail.fault:
        yield "error.type", trail.fault
    yield "modelward.request_id", trail.request
    if trail.model:
        yield from (("modelward.model", trail.model), ("modelward.version", trail.version), ("modelward.rows", trail.rows))
