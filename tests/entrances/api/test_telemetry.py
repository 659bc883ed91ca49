# SPDX-License-Identifier: Apache-2.0
"""What the service measures of itself."""

import asyncio
import re
import shutil
import subprocess
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from entrances.api.house import ROW, body, client
from entrances.wire import Line
from modelward.access import Role
from modelward.entrances.api import telemetry
from modelward.serving import Meters

PREDICT = "/v1/models/income/predict"
ROUTE = "/v1/models/{model}/predict"
NAMES = [each.name for each in telemetry.Telemetry(Meters(), entries=lambda: 0).instruments]


@pytest.fixture(scope="module")
def operator(house, server):
    with client(server.url, house.key(Role.OPERATOR)) as http:
        yield http


def samples(operator) -> dict[tuple, float]:
    text = operator.get("/metrics").raise_for_status().text
    families = list(text_string_to_metric_families(text))
    return {(found.name, *sorted(found.labels.items())): found.value for family in families for found in family.samples}


class Grown:
    """How much each number grew between two looks."""

    def __init__(self, operator) -> None:
        self._operator = operator
        self._before = samples(operator)

    def look(self) -> dict[tuple, float]:
        self.now = samples(self._operator)
        return self.now

    def __call__(self, name, **labels) -> float:
        key = (name, *sorted(labels.items()))
        return self.now[key] - self._before.get(key, 0)


def test_metrics_parse_and_count_requests_rows_and_entries(operator):
    grown = Grown(operator)
    operator.post(PREDICT, content=body([{"age": 1, "hours": 2, "sector": "public"}] * 5)).raise_for_status()
    after = grown.look()
    assert grown("modelward_requests_total", method="POST", route=ROUTE, status="200") == 1
    assert grown("modelward_predictions_total", model="income", version="1") == 5
    assert grown("modelward_request_duration_seconds_count", route=ROUTE) == 1
    assert grown("modelward_ledger_entries") == 1
    assert after["modelward_inflight_requests",] == 0


def test_metrics_tell_the_way_of_a_question_to_its_answer(operator):
    grown = Grown(operator)
    for _ in range(3):
        operator.post(PREDICT, content=body([ROW] * 4)).raise_for_status()
    after = grown.look()
    assert grown("modelward_questions_total", outcome="answered") == 3
    assert grown("modelward_queue_duration_seconds_count", model="income") == 3
    assert grown("modelward_batch_rows_sum", model="income") == 12
    assert grown("modelward_batch_rows_bucket", model="income", le="4.0") == 3
    assert grown("modelward_engine_duration_seconds_count", model="income") == 3
    assert grown("modelward_ledger_commit_entries_sum") >= 3
    assert 1 <= grown("modelward_ledger_commit_duration_seconds_count") <= grown("modelward_ledger_commit_entries_sum")
    assert after["modelward_model_loads_total", ("model", "income"), ("outcome", "loaded")] >= 1
    assert after["modelward_model_load_duration_seconds_count", ("model", "income")] >= 1
    assert after["process_cpu_seconds_total",] > 0
    assert (after["modelward_workers",], after["modelward_worker_restarts_total",]) == (1, 0)


def test_what_got_no_answer_is_counted_by_its_reason(operator, server, house):
    grown = Grown(operator)
    narrow = house.key(models=["another"])
    with client(server.url, "mw_nobody") as stranger, client(server.url, narrow) as limited:
        answers = [
            operator.post(PREDICT, content=body([{**ROW, "age": "old"}])),
            operator.post(PREDICT, content=body([ROW] * 65)),
            operator.post("/v1/models/nobody/predict", content=body()),
            stranger.post(PREDICT, content=body()),
            limited.post(PREDICT, content=body()),
        ]
    grown.look()
    assert [answer.status_code for answer in answers] == [400, 413, 404, 401, 403]
    for reason in ("invalid", "too_large", "not_found", "unauthenticated", "forbidden"):
        assert grown("modelward_rejections_total", reason=reason) == 1, reason
    assert grown("modelward_questions_total", outcome="rejected") == 5


def test_made_up_methods_of_made_up_paths_leave_nothing_behind():
    instruments = telemetry.Telemetry(Meters(), entries=lambda: 0)
    for at in range(100):
        instruments.count_request(f"M{at}", "unmatched", 404, seconds=0.001)
    assert instruments._of_request.keys() == {("any", "unmatched", 404)}


def test_a_ledger_that_cannot_be_read_hides_no_other_number():
    def broken() -> float:
        raise OSError

    text = telemetry.Telemetry(Meters(), entries=broken).text().body.decode()
    assert "\nmodelward_ledger_entries " not in text
    assert "\nmodelward_workers 1.0" in text


def test_labels_come_from_a_bounded_set(operator):
    operator.get("/metrics")
    before = len(samples(operator))
    for at in range(50):
        operator.post(f"/v1/models/made-up-{at}/predict", content=body())
        operator.get(f"/nowhere/{at}")
        operator.request("PROPFIND", f"/nowhere/{at}")
        operator.get(f"/api/v1/models/made-up-{at}/versions")
    added = len(samples(operator)) - before
    # A few routes and statuses were new; what was asked for is no label.
    assert added < 100
    assert not any("made-up" in str(key) or "nowhere" in str(key) for key in samples(operator))


def test_waiting_for_a_body_that_never_comes_is_no_part_of_the_time_to_answer(house, monkeypatch):
    clock, sent = [0.0], []
    monkeypatch.setattr(telemetry.time, "perf_counter", lambda: clock[0])

    async def refuse(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 401, "headers": []})
        clock[0] += 1.0
        await send({"type": "http.response.body", "body": b"no"})

    async def receive():
        clock[0] += 100.0
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    instruments = telemetry.Telemetry(Meters(), entries=lambda: 0)
    watch = telemetry.Watch(refuse, telemetry=instruments, answer=None)
    scope = {"type": "http", "method": "POST", "raw_path": b"/", "headers": [(b"content-length", b"5")]}
    asyncio.run(watch(scope, receive, send))
    assert (clock[0], sent[-1]) == (101.0, {"type": "http.response.body"}), "it waited"
    assert b'modelward_request_duration_seconds_sum{route="unmatched"} 1.0' in instruments.text().body


@pytest.mark.parametrize(
    ("path", "route", "kind"),
    [
        (PREDICT, ROUTE, "application/json"),
        ("/v1/models/income/explain", "/v1/models/{model}/explain", "application/json"),
        ("/api/v1/releases", "/api/v1/releases", "application/json"),
        ("/api/v1/datasets", "/api/v1/datasets", "multipart/form-data; boundary=here"),
    ],
)
def test_who_leaves_in_the_midst_of_a_body_is_counted_as_such(operator, server, house, path, route, kind):
    grown = Grown(operator)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {house.key(Role.ADMINISTRATOR)}\r\ncontent-type: {kind}\r\n"
    )
    line = Line(server.port)
    line.send(f"{head}content-length: 99\r\n\r\n--here\r\n".encode())
    server.look()
    line.drop()
    counted = "modelward_requests_total", ("method", "POST"), ("route", route), ("status", "499")
    end = time.monotonic() + 20
    while counted not in grown.look():
        assert time.monotonic() < end, [key for key in grown.now if "requests_total" in key[0]]
        time.sleep(0.02)
    assert grown("modelward_requests_total", method="POST", route=route, status="499") == 1


def test_promtool_finds_nothing_to_mend(operator):
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not installed")
    # With every metric in it.
    operator.post("/v1/models/nobody/predict", content=body())
    operator.post(PREDICT, content=body()).raise_for_status()
    text = operator.get("/metrics").text
    assert {name for name in NAMES if f"# HELP {name} " not in text} == set()
    # Nothing is captured in this house, and no policy hides anything.
    without = {name for name in NAMES if not re.search(rf"^{name}(_bucket)?[{{ ]", text, re.MULTILINE)}
    assert without == {"modelward_captures_total", "modelward_hidden_identifiers_total"}
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
