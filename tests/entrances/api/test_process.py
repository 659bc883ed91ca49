# SPDX-License-Identifier: Apache-2.0
"""The server as the process it is: it ends well, and it never tells what was sent to it."""

import json
import signal
import socket
import time

import pytest

from entrances.api.house import ROW, Process, Reply, body, build, client, tensors
from modelward.access import Role

PREDICT = "/v1/models/income/predict"
CANARY = "canary-7f3a91d2"


@pytest.fixture
def alone(tmp_path):
    built = build(tmp_path)
    yield built
    built.platform.close()


class Half:
    """A request of which all but the last bytes were sent."""

    def __init__(self, port: int, key: str) -> None:
        self._data = body()
        self._line = socket.create_connection(("127.0.0.1", port), timeout=30)
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(self._data)}\r\n\r\n"
        self._line.sendall(head.encode() + self._data[:-5])

    def finish(self) -> Reply:
        self._line.sendall(self._data[-5:])
        seen = b""
        while chunk := self._line.recv(65536):
            seen += chunk
        self._line.close()
        head, _, rest = seen.partition(b"\r\n\r\n")
        return Reply(int(head.split()[1]), {}, rest)


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_when_it_is_asked_to_end_open_requests_are_answered_first(alone, ending):
    key = alone.key()
    with Process(alone.settings.home) as server:
        open_requests = [Half(server.port, key) for _ in range(20)]
        idle = socket.create_connection(("127.0.0.1", server.port))
        time.sleep(0.3)
        server.signal(ending)
        while not refuses(server.port):
            time.sleep(0.02)
        answers = [request.finish() for request in open_requests]
        assert server.wait() == 0
        idle.close()
        assert "request failed" not in server.errors()
        assert "Traceback" not in server.errors()
    assert [answer.status for answer in answers] == [200] * 20
    assert len(alone.logged(event="inference.answered")) == 20
    assert alone.platform.ledger.verify().is_sound


def payloads(key: str):
    """Requests that carry the canary where a value of somebody's data would be, right and wrong ones."""
    row = {**ROW, "sector": CANARY}
    number = {**ROW, "age": CANARY}
    nested = json.dumps({"rows": [number]}).replace("40", f'{{"{CANARY}": [["{CANARY}"]]}}')
    for data in (
        body([row]),
        body([number]),
        body([{**row, "extra": 1}]),
        body([row] * 5000),
        nested.encode(),
        f'{{"rows": "{CANARY}"}}'.encode(),
        f'{{"rows": [{{"age": {CANARY}}}]}}'.encode(),
        f'{{"rows": [["{CANARY}"]]}}'.encode(),
        CANARY.encode(),
        b'{"rows":' + b"[" * 50 + f'"{CANARY}"'.encode() + b"]" * 50 + b"}",
    ):
        yield "POST", PREDICT, {"content": data}
        yield "POST", "/v1/models/income/explain", {"content": data}
        yield "POST", "/v2/models/income/infer", {"content": data}
        yield "POST", "/v1/models/nobody/predict", {"content": data}
    yield "POST", "/v2/models/income/infer", {"json": tensors([row], id="mine")}
    yield "POST", "/v2/models/income/infer", {"json": tensors([number])}
    yield "POST", PREDICT, {"content": body([row]), "headers": {"content-encoding": "gzip"}}
    yield "POST", PREDICT, {"content": body([row]), "headers": {"authorization": f"Bearer mw_{CANARY}"}}
    yield "PUT", PREDICT, {"content": body([row])}
    for table in (
        f"age,hours,sector\n40,{CANARY},public\n",
        f"age,hours,sector\n40,38,{CANARY}\n",
        f"age,hours\n40,{CANARY}\n",
        CANARY,
    ):
        yield "POST", "/api/v1/models/income/batches", {"files": [("files", ("rows.csv", table.encode()))], "data": {"form": "csv"}}
    said = {"name": "people", "target": "kept", "purpose": "tests", "owner": "tester"}
    good = "name,age,kept\n" + "".join(f"{CANARY},{at},{'yes' if at % 2 else 'no'}\n" for at in range(30))
    for table in (good, f"name,kept\n{CANARY},{CANARY}\n", f"name\n{CANARY}\n", f'name,kept\n"{CANARY},yes\n', ""):
        yield "POST", "/api/v1/datasets", {"files": [("files", ("people.csv", table.encode()))], "data": said}


def test_what_callers_send_is_in_no_error_no_log_no_metric_and_nowhere_in_the_home(alone, tmp_path):
    key = alone.key(Role.ADMINISTRATOR)
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    statuses = set()
    with Process(alone.settings.home, log_level="debug", drafts=drafts) as server, client(server.url, key) as http:
        for method, path, sent in payloads(key):
            answer = http.request(method, path, **sent)
            statuses.add(answer.status_code)
            if path.endswith("explain") and answer.status_code == 200:
                # An explanation tells its caller which value of theirs did what.
                continue
            told = answer.content if answer.status_code >= 400 or path == PREDICT else b""
            assert CANARY.encode() not in told, (path, sent, told)
        metrics = http.get("/metrics").raise_for_status().text
        assert server.end() == 0
        assert CANARY not in metrics + server.errors()
    assert {200, 201, 400, 401, 404, 405, 413, 415} <= statuses
    assert 500 not in statuses
    assert list(drafts.iterdir()) == []
    assert holders(alone.settings.home) == []
    (alone.settings.home / "planted").write_text(f"...{CANARY}...")
    assert holders(alone.settings.home) != [], "the search would find it"


def holders(folder) -> list:
    return [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
