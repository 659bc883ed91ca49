# SPDX-License-Identifier: Apache-2.0
"""Each request leaves one trace, which says what became of it and nothing of what was sent; and none is made unasked."""

import os
import random
import subprocess
import sys
import threading
import time

import httpx
import msgspec
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from entrances.api.house import ROW, Threaded, body, build, client
from entrances.slow_model import make_slow_live
from entrances.wire import PREDICT, Line, asking
from modelward.access import Role
from modelward.entrances import traces as tracing
from modelward.entrances.otel import SpanMaker
from modelward.entrances.traces import Traces, Trail, traces_of

CANARY = "canary-51c0ffee"
ROUTE = "/v1/models/{model}/predict"
TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Followed:
    """A server whose spans are kept here."""

    def __init__(self, settings) -> None:
        self.exporter = InMemorySpanExporter()
        self._traces = Traces(SpanMaker([SimpleSpanProcessor(self.exporter)]))
        self.server = Threaded(settings, traces=self._traces)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *fault):
        self.server.__exit__(*fault)
        self._traces.close()

    def spans(self, request: str) -> dict:
        """Those of one request, by name; the one of the whole request is the first."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = self.exporter.get_finished_spans()
            for whole in found:
                if whole.attributes.get("modelward.request_id") == request:
                    return {"": whole} | {span.name: span for span in found if of_trace(span) == of_trace(whole) and span != whole}
            time.sleep(0.02)
        raise AssertionError(f"no span of {request}")

    def of(self, answer: httpx.Response) -> dict:
        return self.spans(answer.headers["x-request-id"])

    def linked(self, span):
        """The one span that this one is linked to."""
        (link,) = span.links
        return next(found for found in self.exporter.get_finished_spans() if found.context.span_id == link.context.span_id)


def of_trace(span) -> int:
    return span.context.trace_id


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("traces"))
    make_slow_live(built)
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def followed(house):
    with Followed(house.settings) as running:
        yield running


@pytest.fixture(scope="module")
def caller(house, followed):
    with client(followed.server.url, house.key(Role.ADMINISTRATOR)) as opened:
        yield opened


def test_a_question_leaves_a_trace_of_its_way(followed, caller):
    found = followed.of(answer := caller.post(PREDICT, content=body([ROW] * 3)))
    assert answer.status_code == 200
    whole = found.pop("")
    assert set(found) == {"queue", "engine", "ledger.commit"}
    assert whole.name == f"POST {ROUTE}"
    assert whole.kind.name == "SERVER"
    assert whole.parent is None
    assert whole.status.status_code is StatusCode.UNSET
    assert dict(whole.attributes) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "http.response.status_code": 200,
        "url.scheme": "http",
        "modelward.request_id": answer.headers["x-request-id"],
        "modelward.model": "income",
        "modelward.version": 1,
        "modelward.rows": 3,
    }
    assert all(part.parent.span_id == whole.context.span_id for part in found.values())
    moments = [whole.start_time]
    for name in ("queue", "engine", "ledger.commit"):
        moments += [found[name].start_time, found[name].end_time]
    assert moments == sorted(moments)
    assert moments[-1] <= whole.end_time
    assert abs(whole.end_time - time.time_ns()) < 60e9
    assert found["ledger.commit"].attributes["modelward.ledger.entries"] >= 1
    assert found["engine"].attributes["modelward.batch.rows"] == 3


def test_questions_that_were_computed_together_are_linked_to_one_span_of_their_batch(followed, house):
    key, requests = house.key(), []

    def ask() -> None:
        with client(followed.server.url, key) as http:
            requests.append(http.post("/v1/models/slow/predict", content=body()).headers["x-request-id"])

    # While the engine is busy with the first, the others gather.
    askers = [threading.Thread(target=ask) for _ in range(12)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    batches = [followed.linked(followed.spans(request)["engine"]) for request in requests]
    together = {batch.context.span_id: batch for batch in batches}
    assert len(together) < len(requests), "at least two were computed together"
    for batch in together.values():
        members = batches.count(batch)
        assert (batch.name, batch.parent) == ("batch", None)
        assert dict(batch.attributes) == {"modelward.batch.rows": members, "modelward.batch.questions": members}
    assert len({of_trace(followed.spans(request)[""]) for request in requests}) == len(requests)


def test_a_trace_that_began_elsewhere_goes_on_here(followed, caller):
    sent = {"traceparent": f"00-{TRACE}-{ABOVE}-01", "tracestate": f"vendor={CANARY}"}
    found = followed.of(caller.post(PREDICT, content=body(), headers=sent))
    assert {f"{of_trace(span):032x}" for span in found.values()} == {TRACE}
    assert f"{found[''].parent.span_id:016x}" == ABOVE
    assert found[""].parent.is_remote
    assert not any(span.context.trace_state for span in found.values())
    elsewhere = followed.of(caller.get("/livez", headers=sent))
    assert f"{of_trace(elsewhere['']):032x}" == TRACE


@pytest.mark.parametrize("sent", [f"00-{TRACE}-{ABOVE}", CANARY, "", f"00-{'0' * 32}-{ABOVE}-01", "ÿ"])
def test_who_sends_no_trace_that_can_be_read_begins_one(followed, caller, sent):
    whole = followed.of(caller.post(PREDICT, content=body(), headers={"traceparent": sent.encode("latin-1")}))[""]
    assert whole.parent is None
    assert f"{of_trace(whole):032x}" != TRACE


def test_a_trace_that_is_not_kept_elsewhere_is_not_kept_here(followed, caller):
    left_out = caller.post(PREDICT, content=body(), headers={"traceparent": f"00-{TRACE}-{ABOVE}-00"})
    followed.of(caller.post(PREDICT, content=body()))
    assert left_out.headers["x-request-id"] not in told_of(followed)


def told_of(followed) -> str:
    return " ".join(span.to_json() for span in followed.exporter.get_finished_spans())


@pytest.mark.parametrize(
    ("path", "sent", "status", "kind", "has_model"),
    [
        (PREDICT, {"headers": {"authorization": "Bearer mw_nobody"}}, 401, "UnknownCredentialError", False),
        (PREDICT, {"content": b"{"}, 400, "MalformedBodyError", False),
        (PREDICT, {"content": body([{"age": 1}])}, 400, "InvalidRowsError", False),
        (PREDICT, {"content": b"x" * 70_000}, 413, "BodyTooLargeError", False),
        (PREDICT, {"content": body([ROW] * 65)}, 413, "TooManyRowsError", False),
        ("/v1/models/nobody/predict", {}, 404, "NotServedError", False),
        ("/v1/models/income:x/predict", {}, 404, "VersionNumberError", False),
        ("/v1/models/slow/predict", {"headers": {"x-request-timeout-ms": "1"}}, 503, {"OverloadedError", "TooSlowError"}, True),
    ],
)
def test_of_a_fault_the_trace_tells_its_kind(followed, caller, path, sent, status, kind, has_model):
    sent = {"content": body([ROW] * 64)} | sent
    whole = followed.of(caller.post(path, **sent))[""]
    assert whole.name == f"POST {ROUTE}"
    assert whole.attributes["http.response.status_code"] == status
    assert whole.attributes["error.type"] in ({kind} if isinstance(kind, str) else kind)
    assert ("modelward.model" in whole.attributes) is has_model
    assert whole.status.status_code is (StatusCode.ERROR if status >= 500 else StatusCode.UNSET)
    assert whole.status.description is None
    assert whole.events == ()


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("GET", "/livez", "GET /livez", 200),
        ("GET", "/metrics", "GET /metrics", 200),
        ("GET", "/api/v1/models", "GET /api/v1/models", 200),
        ("GET", "/console/sign-in", "GET /console/sign-in", 200),
        ("GET", f"/{CANARY}", "GET", 404),
        ("DELETE", PREDICT, "DELETE", 405),
        ("PROPFIND", f"/{CANARY}", "HTTP", 404),
    ],
)
def test_other_requests_leave_one_span_each(followed, caller, method, path, name, status):
    found = followed.of(caller.request(method, path))
    assert set(found) == {""}
    assert found[""].attributes["http.response.status_code"] == status
    assert found[""].name == name


def test_an_explanation_is_part_of_the_request_that_asked_for_it(followed, caller):
    found = followed.of(answer := caller.post("/v1/models/income/explain", content=body()))
    assert answer.status_code == 200
    assert set(found) == {"", "ledger.commit"}
    assert found[""].attributes["modelward.model"] == "income"
    assert found["ledger.commit"].parent.span_id == found[""].context.span_id


def test_of_a_caller_who_leaves_the_trace_says_so(followed, house):
    with Line(followed.server.port) as line:
        line.send(asking(house.key(), body([ROW] * 60), to="/v1/models/slow/predict"))
        time.sleep(0.1)
        line.drop()
    end = time.monotonic() + 20
    while not any(span.attributes.get("error.type") == "CallerLeftError" for span in followed.exporter.get_finished_spans()):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_nothing_that_a_caller_sends_is_in_any_span(followed, house, caller):
    row = ROW | {"sector": CANARY}
    said = {
        "user-agent": CANARY,
        "x-forwarded-for": CANARY,
        "baggage": f"user={CANARY}",
        "tracestate": f"a={CANARY}",
        "x-more": CANARY,
    }
    for path in (PREDICT, "/v1/models/income/explain", f"/v1/models/{CANARY}/predict", f"/v1/models/income/predict?q={CANARY}"):
        for data in (body([row]), body([{**row, CANARY: 1}]), CANARY.encode(), body([{**row, "age": CANARY}])):
            last = caller.post(path, content=data, headers=said)
    for path in (f"/{CANARY}", f"/api/v1/models/{CANARY}", f"/console/{CANARY}"):
        last = caller.get(path, headers=said | {"authorization": f"Bearer mw_{CANARY}", "host": CANARY})
    followed.of(last)
    assert house.key() not in told_of(followed)
    assert CANARY not in told_of(followed)
    assert "mw_" not in told_of(followed)
    assert ROUTE in told_of(followed), "the search would find it"


def test_where_nobody_waits_for_the_ledger_no_commit_is_part_of_the_trace(house):
    relaxed = msgspec.structs.replace(house.settings, ledger_durability="relaxed")
    with Followed(relaxed) as followed, client(followed.server.url, house.key()) as http:
        assert set(followed.of(http.post(PREDICT, content=body()))) == {"", "queue", "engine"}


def trail(number: int) -> Trail:
    made = Trail(time.perf_counter())
    made.method, made.route, made.status, made.request = "POST", ROUTE, 200, str(number)
    return made


@pytest.mark.parametrize(
    ("sampler", "share", "least", "most"),
    [("always_off", "", 0, 0), ("always_on", "", 2000, 2000), ("traceidratio", "0.1", 120, 280)],
)
def test_the_sampler_of_the_environment_chooses(monkeypatch, sampler, share, least, most):
    """Of 2,000 at 0.1, fewer than 120 or more than 280 would be six standard deviations off."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    random.seed(7)
    exporter = InMemorySpanExporter()
    SpanMaker([SimpleSpanProcessor(exporter)]).make([trail(number) for number in range(2000)])
    assert least <= len(exporter.get_finished_spans()) <= most
    assert len({of_trace(span) for span in exporter.get_finished_spans()}) == len(exporter.get_finished_spans())


class Broken:
    """A maker of spans that fails."""

    def make(self, trails) -> None:
        raise ZeroDivisionError(CANARY)

    def close(self) -> None:
        pass


def test_where_spans_cannot_be_made_requests_go_on_and_the_log_tells(house, caplog):
    traces = Traces(Broken())
    with Threaded(house.settings, traces=traces) as server, client(server.url, house.key()) as http:
        assert [http.post(PREDICT, content=body()).status_code for _ in range(3)] == [200] * 3
    traces.close()
    assert "not traced: ZeroDivisionError" in caplog.text
    assert CANARY not in caplog.text


def test_more_than_can_be_told_is_let_go_and_counted(monkeypatch, caplog):
    kept = []
    monkeypatch.setattr(tracing, "_TRAILS_LIMIT", 10)
    monkeypatch.setattr(tracing, "_EVERY_SECONDS", 60)
    spans = Broken()
    spans.make = kept.extend
    traces = Traces(spans)
    for number in range(25):
        traces.end(trail(number))
    traces.close()
    assert [each.request for each in kept] == [str(number) for number in range(10)]
    assert "15 requests are not traced" in caplog.text


@pytest.mark.parametrize(
    ("environment", "are_on"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "always_on"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/x"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "console,none"}, True),
    ],
)
def test_nobody_traces_and_nothing_of_it_is_loaded_unless_the_environment_says_so(environment, are_on):
    script = (
        "import os, sys\n"
        "from modelward.entrances.server import Server\n"
        "from modelward.entrances.traces import traces_of\n"
        "traces = traces_of(os.environ)\n"
        "print(traces is not None, any(name.partition('.')[0] == 'opentelemetry' for name in sys.modules))\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    told = subprocess.run(
        [sys.executable, "-c", script], env=clean | environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == [str(are_on), str(are_on)]


def test_what_is_asked_for_and_not_installed_is_told_with_its_command(monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "modelward.entrances.otel")
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert traces_of({"OTEL_TRACES_EXPORTER": "otlp"}) is None
    assert "OpenTelemetry is not installed. Run `pip install 'modelward[otel]'`." in caplog.text


def test_an_exporter_that_is_not_installed_is_named(caplog):
    assert traces_of({"OTEL_TRACES_EXPORTER": "zipkin"}) is None
    assert "no exporter named 'zipkin' is installed" in caplog.text
    assert traces_of({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) is None
    assert "no exporter named 'otlp_proto_grpc' is installed" in caplog.text


def test_what_opentelemetry_does_not_take_keeps_no_server_from_starting(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    assert traces_of({"OTEL_TRACES_EXPORTER": "otlp"}) is None
    assert "does not take what the environment says (ValueError)" in caplog.text
