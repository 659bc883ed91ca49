# SPDX-License-Identifier: Apache-2.0
"""What the service measures of itself."""

import asyncio
import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from entrances.api.house import body, client
from modelward.access import Role
from modelward.entrances.api import telemetry
from modelward.serving import Meters

PREDICT = "/v1/models/income/predict"


@pytest.fixture(scope="module")
def operator(house, server):
    with client(server.url, house.key(Role.OPERATOR)) as http:
        yield http


def samples(operator) -> dict[tuple, float]:
    text = operator.get("/metrics").raise_for_status().text
    families = list(text_string_to_metric_families(text))
    return {(found.name, *sorted(found.labels.items())): found.value for family in families for found in family.samples}


def test_metrics_parse_and_count_requests_rows_and_entries(operator):
    before = samples(operator)
    operator.post(PREDICT, content=body([{"age": 1, "hours": 2, "sector": "public"}] * 5)).raise_for_status()
    after = samples(operator)

    def grown(name, **labels):
        key = (name, *sorted(labels.items()))
        return after[key] - before.get(key, 0)

    route = "/v1/models/{model}/predict"
    assert grown("modelward_requests_total", method="POST", route=route, status="200") == 1
    assert grown("modelward_predictions_total", model="income", version="1") == 5
    assert grown("modelward_request_duration_seconds_count", route=route) == 1
    assert grown("modelward_ledger_entries") == 1
    assert after["modelward_inflight_requests",] == 0


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


def test_promtool_finds_nothing_to_mend(operator):
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not installed")
    text = operator.get("/metrics").text
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
