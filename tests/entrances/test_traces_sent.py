# SPDX-License-Identifier: Apache-2.0
"""Traces arrive at a collector, by the standard environment variables, out of the process that `modelward serve` is."""

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from entrances.api.house import Process, body, build, client
from entrances.certificates import Authority
from entrances.triton import free_port
from entrances.wire import PREDICT

SERVICE = "inference.GRPCInferenceService"


class Collector:
    """Takes what exporters send over HTTP, and nothing else."""

    def __init__(self) -> None:
        self.sent = sent = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
                sent.append((self.path, told))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_fault):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def spans(self) -> list:
        scopes = [scope for _, told in self.sent for resource in told.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    @property
    def resource(self) -> dict:
        return {each.key: each.value.string_value for each in self.sent[0][1].resource_spans[0].resource.attributes}


def told(span) -> dict:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("sent"))
    yield built
    built.platform.close()


@pytest.fixture
def collector(monkeypatch):
    with Collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


def test_spans_arrive_with_the_name_of_the_service_and_the_last_before_the_end(house, collector, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    with Process(house.settings.home) as server, client(server.url, house.key()) as http:
        request = http.post(PREDICT, content=body()).headers["x-request-id"]
        assert server.end() == 0
        assert '"level": "error"' not in server.errors()
    assert {path for path, _ in collector.sent} == {"/v1/traces"}
    assert collector.resource["service.name"] == "modelward"
    assert collector.resource["service.version"]
    whole = next(span for span in collector.spans if told(span).get("modelward.request_id") == request)
    parts = {span.name for span in collector.spans if span.parent_span_id == whole.span_id}
    assert parts == {"queue", "engine", "ledger.commit"}


def test_the_environment_names_the_service_and_turns_it_all_off(house, collector, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "counter")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=trial")
    with Process(house.settings.home) as server, client(server.url, house.key()) as http:
        http.post(PREDICT, content=body())
        assert server.end() == 0
    assert (collector.resource["service.name"], collector.resource["deployment.environment.name"]) == ("counter", "trial")
    collector.sent.clear()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with Process(house.settings.home) as server, client(server.url, house.key()) as http:
        http.post(PREDICT, content=body())
        assert server.end() == 0
    assert collector.sent == []


def test_calls_over_grpc_leave_a_trace_each(house, collector):
    port = free_port()
    with Process(house.settings.home, grpc_port=port) as server, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        stub.ServerLive(service_pb2.ServerLiveRequest(), metadata=[("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01")])
        key = [("authorization", f"Bearer {house.key()}")]
        asked = service_pb2.ModelInferRequest(model_name="income")
        for name, datatype, contents in (
            ("age", "FP32", {"fp32_contents": [40]}),
            ("hours", "FP32", {"fp32_contents": [38]}),
            ("sector", "BYTES", {"bytes_contents": [b"public"]}),
        ):
            asked.inputs.add(name=name, datatype=datatype, shape=[1, 1], contents=service_pb2.InferTensorContents(**contents))
        stub.ModelInfer(asked, metadata=key)
        with pytest.raises(grpc.RpcError):
            stub.ModelMetadata(service_pb2.ModelMetadataRequest(name="income", version="9"), metadata=key)
        assert server.end() == 0
    by_name = {span.name: span for span in collector.spans}
    live, infer = by_name[f"{SERVICE}/ServerLive"], by_name[f"{SERVICE}/ModelInfer"]
    assert (live.trace_id, live.parent_span_id) == (b"\xab" * 16, b"\xcd" * 8)
    assert told(infer) | {"modelward.request_id": ""} == {
        "rpc.system.name": "grpc",
        "rpc.method": f"{SERVICE}/ModelInfer",
        "rpc.response.status_code": "OK",
        "modelward.request_id": "",
        "modelward.model": "income",
        "modelward.version": 1,
        "modelward.rows": 1,
    }
    assert {span.name for span in collector.spans if span.parent_span_id == infer.span_id} == {"queue", "engine", "ledger.commit"}
    assert told(by_name[f"{SERVICE}/ModelMetadata"])["rpc.response.status_code"] == "NOT_FOUND"


def test_several_workers_send_what_each_saw(house, collector):
    with Process(house.settings.home, workers=2) as server:
        requests = []
        for _ in range(12):
            with client(server.url, house.key()) as http:
                requests.append(http.post(PREDICT, content=body()).headers["x-request-id"])
        assert server.end() == 0
    assert {told(span).get("modelward.request_id") for span in collector.spans} >= set(requests)


def test_where_nobody_takes_the_spans_questions_are_answered_and_the_end_is_not_held_up(house, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with Process(house.settings.home) as server, client(server.url, house.key()) as http:
        for _ in range(5):
            assert http.post(PREDICT, content=body()).status_code == 200
        time.sleep(0.5)
        assert server.end() == 0


def test_over_tls_the_scheme_is_told(tmp_path, house, collector):
    authority = Authority(tmp_path)
    with Process(house.settings.home, **authority.issue().settings) as server:
        with httpx.Client(base_url=server.url, verify=ssl.create_default_context(cafile=authority.file)) as http:
            assert http.get("/livez").status_code == 200
            assert http.post(PREDICT, content=body(), headers={"x-api-key": house.key()}).status_code == 200
        assert server.end() == 0
    assert {told(span)["url.scheme"] for span in collector.spans if span.kind == span.SPAN_KIND_SERVER} == {"https"}
