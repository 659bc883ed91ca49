# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, greedy, hasty or gone: each gets its own answer or none, and nobody else notices."""

import gc
import itertools
import json
import threading
import time
from contextlib import ExitStack

import psutil
import pytest

from entrances.api.house import ROW, Process, Threaded, body, build, client, tensors
from entrances.asking import until
from entrances.slow_model import make_slow_live
from entrances.wire import PREDICT, Line, asking, label_of
from modelward.access import Role
from modelward.entrances.protocol import Connection

SLOW = "/v1/models/slow/predict"
RECEIVE_SECONDS = 1.0


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("hostile"))
    make_slow_live(built)
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def key(house):
    return house.key()


@pytest.fixture(scope="module")
def watcher(house):
    return house.key(Role.OPERATOR)


@pytest.fixture(scope="module")
def server(house):
    """A real process that waits a second for a request."""
    limits = {"receive_timeout_seconds": RECEIVE_SECONDS, "request_timeout_seconds": 20, "rows_limit": 64}
    with Process(house.settings.home, **limits) as running:
        yield running
        assert running.end() == 0
        told = [json.loads(line) for line in running.errors().splitlines()]
        assert [line for line in told if line["level"] == "error" and line["logger"].startswith("modelward")] == []


@pytest.fixture(autouse=True)
def _all_is_well_afterwards(server, key):
    """Whatever was done, the next caller is answered."""
    yield
    with Line(server.port) as line:
        line.send(asking(key))
        assert line.answer().status == 200


def rows_of(age: float, count: int = 1) -> bytes:
    return body([{**ROW, "age": age}] * count)


HEAD = f"POST {PREDICT} HTTP/1.1\r\nHost: here\r\n"
SLOW_REQUESTS = {
    "nothing but empty lines": (b"", b"\r\n"),
    "a first line": (b"", b"G"),
    "a header": (HEAD.encode(), b"x"),
    "many headers": (HEAD.encode(), b"a: b\r\n"),
    "a body": ((HEAD + "Authorization: Bearer {key}\r\nContent-Length: 60000\r\n\r\n").encode(), b" "),
    "chunks": ((HEAD + "Authorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n").encode(), b"1\r\n \r\n"),
    "a chunk's extension": ((HEAD + "Authorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n1;").encode(), b"x"),
    "trailers": ((HEAD + "Authorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n").encode(), b"a: b\r\n"),
    "a refused body": ((HEAD + "Authorization: Bearer wrong\r\nContent-Length: 60000\r\n\r\n").encode(), b" "),
    "a body for a control route": (
        b"POST /api/v1/ledger/verify HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\nContent-Length: 60000\r\n\r\n",
        b" ",
    ),
    "an upload": (
        b"POST /api/v1/datasets HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {admin}\r\nContent-Length: 60000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n",
        b"x",
    ),
}


def dripped(lines: dict[str, tuple[Line, bytes]]) -> list[str]:
    """Which connections are still open after one byte after the other came in for ten times as long as a request may take."""
    still_open = dict(lines)
    for at in range(int(10 * RECEIVE_SECONDS / 0.05)):
        for name, (line, drops) in list(still_open.items()):
            if not line.send(drops[at % len(drops) :][:1]) or line.is_closed(within_seconds=0):
                del still_open[name]
        if not still_open:
            break
        time.sleep(0.05)
    return [*still_open]


def test_who_sends_a_byte_at_a_time_is_not_waited_for(house, server, key):
    admin = house.key(Role.ADMINISTRATOR)
    with ExitStack() as stack:
        lines = {name: (stack.enter_context(Line(server.port)), drops) for name, (_, drops) in SLOW_REQUESTS.items()}
        for name, (begun, _) in SLOW_REQUESTS.items():
            lines[name][0].send(begun.replace(b"{key}", key.encode()).replace(b"{admin}", admin.encode()))
        again = stack.enter_context(Line(server.port))
        again.send(asking(key) + HEAD.encode())
        assert again.answer().status == 200
        assert dripped(lines | {"a second request": (again, b"x")}) == []


def test_a_large_body_that_comes_steadily_is_waited_for(server, key):
    """The control: what ends a slow client ends no client on a slow network."""
    data = rows_of(40, 64) + b" " * 60_000
    with Line(server.port) as line:
        line.send(asking(key, b"", headers=(f"Content-Length: {len(data)}",)))
        for at in range(0, len(data), 4000):
            line.send(data[at : at + 4000])
            time.sleep(0.1)
        assert line.answer().status == 200


def test_a_connection_on_which_nothing_happens_is_closed(house, key):
    with Process(house.settings.home, keep_alive_seconds=1) as alone, Line(alone.port) as line:
        line.send(asking(key))
        assert line.answer().status == 200
        assert line.is_closed(within_seconds=4)


def test_requests_sent_at_once_are_answered_in_turn_each_with_its_own(server, key):
    ages = [18 + at for at in range(3)]
    with Line(server.port) as line:
        whole = b"".join(asking(key, rows_of(age)) for age in ages) + asking(key, to="/v2", method="GET")
        line.send(whole)
        replies = [line.answer() for _ in range(4)]
    assert [reply.status for reply in replies] == [200] * 4
    assert [label_of(reply) for reply in replies[:3]] == alone(server, key, ages)
    assert json.loads(replies[3].body)["name"] == "modelward"


def alone(server, key, ages) -> list[float]:
    """What each row is answered when it is asked by itself."""
    found = []
    for age in ages:
        with Line(server.port) as line:
            line.send(asking(key, rows_of(age)))
            found.append(label_of(line.answer()))
    assert len(set(found)) == len(ages)
    return found


def test_a_quick_request_behind_a_slow_one_waits_for_its_turn(server, key):
    ages = [20, 30]
    with Line(server.port) as line:
        line.send(
            asking(key, rows_of(50, 40), to=SLOW)
            + asking(key, rows_of(ages[0]))
            + asking(key, b"nonsense")
            + asking(key, to="/livez", method="GET")
            + asking(key, to="/v1/nowhere")
            + asking(key, json.dumps(tensors()).encode(), to="/v2/models/income/infer")
            + asking(key, rows_of(ages[1], 2), to=SLOW)
            + asking(key, rows_of(ages[1]))
        )
        replies = [line.answer() for _ in range(8)]
    assert [reply.status for reply in replies] == [200, 200, 400, 200, 404, 200, 200, 200]
    models = [reply.headers.get("x-modelward-model") for reply in replies]
    assert models == ["slow:1", "income:1", None, None, None, "income:1", "slow:1", "income:1"]
    assert len(json.loads(replies[0].body)["predictions"]) == 40
    assert [label_of(replies[1]), label_of(replies[7])] == alone(server, key, ages)
    entries = [
        int(reply.headers["x-modelward-ledger-index"]) for reply in replies if reply.status == 200 and reply.body[2:6] != b"live"
    ]
    assert len(set(entries)) == 5


def test_requests_arrive_in_any_pieces_and_mean_the_same(server, key):
    ages = [21, 31, 41]
    whole = b"".join(asking(key, rows_of(age)) for age in ages)
    wanted = alone(server, key, ages)
    for size in (1, 7, 100, len(whole) // 2):
        with Line(server.port) as line:
            for at in range(0, len(whole), size):
                line.send(whole[at : at + size])
                if size > 1:
                    time.sleep(0.001)
            assert [label_of(line.answer()) for _ in ages] == wanted


def test_what_waits_behind_a_slow_request_has_a_bound(server, key):
    """A thousand more are not kept: what is answered is answered in turn, and then the connection may end."""
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    with Line(server.port) as line:
        line.send(asking(key, rows_of(50, 64), to=SLOW))
        time.sleep(0.05)
        line.send(asking(key, rows_of(20)) * 1000)
        replies = list(itertools.islice(line.answers(), 1001))
    assert [reply.status for reply in replies] == [200] * len(replies)
    models = [reply.headers["x-modelward-model"] for reply in replies]
    assert models == ["slow:1", *["income:1"] * 1000][: len(replies)]
    assert process.memory_info().rss - before < 32 << 20


@pytest.mark.parametrize("much", ["questions", "pages"])
def test_a_client_that_never_reads_is_dropped_and_its_answers_are_not_kept(server, key, watcher, much):
    sent = asking(key, rows_of(30, 64)) if much == "questions" else asking(watcher, to="/api/openapi.json", method="GET")
    process = psutil.Process(server.pid)
    before, peak = process.memory_info().rss, 0
    with Line(server.port, receive_bytes=4096) as line:
        line.patience(10 * RECEIVE_SECONDS)
        try:
            # One at a time, so that none waits for the one before it.
            while line.send(sent):
                peak = max(peak, process.memory_info().rss)
                time.sleep(0.002)
        except TimeoutError:
            raise AssertionError("the connection was never dropped") from None
    assert peak - before < 48 << 20


DESCRIPTORS = 200
LIMITED = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
runpy.run_module("modelward", run_name="__main__")
"""


def test_however_many_connections_strangers_hold_a_key_that_is_revoked_opens_nothing_more(house, key):
    """For keys are read with descriptors, too."""
    revoked = house.key()
    mine = house.platform.access.keys(by=house.by)[-1]
    with Process(house.settings.home, code=LIMITED, refresh_seconds=0.1) as alone, Line(alone.port) as known:
        known.send(asking(revoked))
        assert known.answer().status == 200
        with ExitStack() as strangers:
            for _ in range(2 * DESCRIPTORS):
                strangers.enter_context(Line(alone.port))
            house.platform.access.revoke_key(mine.id, by=house.by)

            def status():
                known.send(asking(revoked))
                return known.answer().status

            until(lambda: status() == 401, seconds=10)
            assert psutil.Process(alone.pid).num_fds() <= DESCRIPTORS - 64 + 8
            assert strangers.enter_context(Line(alone.port)).is_closed(), "who comes now is sent away at once"
        until(lambda: psutil.Process(alone.pid).num_fds() < DESCRIPTORS // 2)
        with Line(alone.port) as line:
            line.send(asking(key))
            assert line.answer().status == 200
        assert alone.errors() == ""


def test_paths_that_strangers_make_up_are_not_kept(house):
    with Process(house.settings.home) as alone, Line(alone.port) as line:
        process = psutil.Process(alone.pid)
        line.send(asking("mw_nobody"))
        assert line.answer().status == 401
        before = process.memory_info().rss
        for at in range(990):
            line.send(asking("mw_nobody", to=f"/v1/models/{at}{'x' * 30_000}/predict"))
            assert line.answer().status == 401
        assert process.memory_info().rss - before < 24 << 20, "the paths are 30 MB, and their names as much again"


@pytest.mark.parametrize("much", ["answers", "refusals"])
def test_what_a_client_does_not_read_is_not_answered_any_further(house, key, much):
    """However patient the server is, answers do not pile up: requests wait in the network until the client reads."""
    with Process(house.settings.home) as patient, Line(patient.port, receive_bytes=4096) as line:
        process = psutil.Process(patient.pid)
        line.send(asking(key))
        line.answer()
        before, sent = process.memory_info().rss, asking(key, rows_of(30, 64)) if much == "answers" else asking("mw_nobody") * 30
        line.patience(2)
        try:
            for _ in range(4000):
                if not line.send(sent):
                    break
                time.sleep(0.0003)
        except TimeoutError:
            pass
        assert process.memory_info().rss - before < 16 << 20, "4000 answers are 30 MB, and the refusals twice as much"


def test_who_reads_slowly_gets_all_answers(server, key):
    """The control: a slow reader is no dead one."""
    with Line(server.port, receive_bytes=4096) as line:
        line.send(asking(key, rows_of(30, 64)) * 20)
        for _ in range(20):
            time.sleep(0.05)
            assert len(json.loads(line.answer().body)["predictions"]) == 64


@pytest.mark.parametrize(
    ("to", "method", "rows"),
    [
        (PREDICT, "POST", 1),
        (SLOW, "POST", 8),
        ("/livez", "GET", 0),
        pytest.param("/v1/models/income/explain", "POST", 1),
        pytest.param("/api/v1/ledger/verify", "POST", -1),
    ],
)
def test_who_says_to_send_no_more_still_gets_the_answer(house, server, key, to, method, rows):
    data = rows_of(40, rows) if rows > 0 else b""
    key = house.key(Role.ADMINISTRATOR) if rows < 0 else key
    for _ in range(5):
        with Line(server.port) as line:
            line.send(asking(key, data, to=to, method=method))
            line.send_no_more()
            assert line.answer().status == 200
            assert line.is_closed()


def test_who_says_to_send_no_more_after_several_requests_gets_all_answers(server, key):
    ages = [25, 35, 45]
    wanted = alone(server, key, ages)
    with Line(server.port) as line:
        line.send(b"".join(asking(key, rows_of(age)) for age in ages) + asking(key, to="/livez", method="GET"))
        line.send_no_more()
        replies = list(line.answers())
    assert [label_of(reply) for reply in replies[:3]] == wanted
    assert [reply.status for reply in replies] == [200] * 4


def test_half_a_request_and_an_end_is_no_request(server, key):
    whole = asking(key)
    for cut in (10, whole.index(b"\r\n\r\n") + 4, len(whole) - 1):
        with Line(server.port) as line:
            line.send(whole[:cut])
            line.send_no_more()
            assert [reply.status for reply in line.answers()] in ([], [400])


def being_answered(server, watcher) -> float:
    with client(server.url, watcher) as http:
        text = http.get("/metrics").raise_for_status().text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith("modelward_inflight_requests"))


def test_work_for_who_has_left_is_dropped_and_others_are_answered(house, server, key, watcher):
    before = len(house.logged(event="inference.answered", subject="slow:1"))
    given = []

    def stay():
        with Line(server.port) as line:
            for age in (22, 32, 42):
                line.send(asking(key, rows_of(age, 2), to=SLOW))
                given.append((age, line.answer()))

    staying = [threading.Thread(target=stay) for _ in range(3)]
    for thread in staying:
        thread.start()
    leaving = [Line(server.port) for _ in range(12)]
    for line in leaving:
        line.send(asking(key, rows_of(60, 64), to=SLOW))
    until(lambda: being_answered(server, watcher) > 0)
    for at, line in enumerate(leaving):
        line.drop() if at % 2 else line.__exit__()
    for thread in staying:
        thread.join()
    until(lambda: being_answered(server, watcher) == 0, seconds=5)
    assert [reply.status for _, reply in given] == [200] * 9
    wanted = dict(zip((22, 32, 42), alone(server, key, (22, 32, 42)), strict=True))
    assert all(label_of(reply) == wanted[age] for age, reply in given)
    answered = len(house.logged(event="inference.answered", subject="slow:1")) - before
    assert answered < 9 + len(leaving), "at least what had not begun was not done"
    assert answered >= 9


@pytest.fixture
def descriptors(server):
    """How many files and connections the server has open; what others left behind is gone by then."""
    process = psutil.Process(server.pid)
    until(lambda: process.num_fds() < 60)
    # Of who left with a question under way, the server is sure after a second.
    held = process.num_fds()
    while time.sleep(1.5) or held != process.num_fds():
        held = process.num_fds()
    return process.num_fds


def test_who_leaves_in_the_midst_of_a_body_leaves_nothing_behind(server, key, descriptors):
    before, whole = descriptors(), asking(key, rows_of(40, 64))
    with ExitStack() as leaving:
        lines = [leaving.enter_context(Line(server.port)) for _ in range(100)]
        for at, line in enumerate(lines):
            line.send(whole[: -1 - at])
        until(lambda: descriptors() >= before + len(lines))
        for line in lines[::2]:
            line.drop()
    until(lambda: descriptors() <= before + 5)


def test_a_connection_that_is_over_is_not_left_to_the_collector(house, key):
    """It comes seldom, and what a connection holds would be kept for each that ever was."""

    def connections():
        return [each for each in gc.get_objects() if isinstance(each, Connection)]

    whole = asking(key)
    with Threaded(house.settings) as served:
        gc.collect()
        gc.disable()
        try:
            for sent in (whole, asking(key, method="GET", to="/healthz"), whole * 3, whole[:-5], whole[:20], b"\0\r\n\r\n", b""):
                for at in range(3):
                    with Line(served.port) as line:
                        line.send(sent)
                        if sent.startswith(whole) and at:
                            assert line.answer().status == 200
                        served.look()
                        if at == 2:
                            line.drop()
                until(lambda: not connections())
        finally:
            gc.enable()


@pytest.mark.slow
def test_ten_thousand_connections_come_and_go_and_leave_nothing_behind(server, key, descriptors):
    process = psutil.Process(server.pid)
    with Line(server.port) as line:
        line.send(asking(key))
        line.answer()
    fds, rss = descriptors(), process.memory_info().rss
    for turn in range(25):
        lines = [Line(server.port) for _ in range(400)]
        for at, line in enumerate(lines):
            if at % 4 == turn % 4:
                line.send((HEAD.encode(), asking(key)[:-5], asking(key), b"\0")[at // 4 % 4])
            line.drop()
    until(lambda: descriptors() <= fds + 5)
    assert process.memory_info().rss - rss < 32 << 20
