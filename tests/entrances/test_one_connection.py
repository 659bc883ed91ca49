# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked over one connection, in whatever order and pieces: each request gets its own answer, in turn."""

import json
import math
import time
from dataclasses import dataclass

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrances.api.house import ROW, Process, body, build, tensors
from entrances.wire import Line, asking

BODY_BYTES = 16384
INFER = "/v2/models/income/infer"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("connection"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def keys(house) -> dict[str, str]:
    return {"till": house.key(), "desk": house.key(), "limited": house.key(models=["other"]), "stranger": "mw_nobody"}


@pytest.fixture(scope="module")
def server(house):
    with Process(house.settings.home, body_limit_bytes=BODY_BYTES) as running:
        yield running
        assert running.end() == 0
        assert "Traceback" not in running.errors()


def rows_of(age: float) -> bytes:
    return body([{**ROW, "age": age}])


def low(age: float) -> float:
    """What the tiny model says of that age; see its graph."""
    return 1 / (1 + math.exp(-(0.05 * age - 0.1 * ROW["hours"] + 1.5)))


@dataclass(frozen=True)
class Asked:
    """A request, the status of its answer, and the age that the answer must be about; none where there is none."""

    data: bytes
    status: int
    age: float | None = None
    method: str = "POST"


def chunks(data: bytes, size: int) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def infer(age: float) -> bytes:
    return json.dumps(tensors([{**ROW, "age": age}])).encode()


CHUNKED = ("Transfer-Encoding: chunked",)
KINDS = {
    "question": lambda keys, age: Asked(asking(keys["till"], rows_of(age)), 200, age),
    "question by another": lambda keys, age: Asked(asking(keys["desk"], rows_of(age)), 200, age),
    "question with its own time": lambda keys, age: Asked(
        asking(keys["till"], rows_of(age), headers=(f"x-request-timeout-ms: {9000 + age:.0f}",)), 200, age
    ),
    "question in chunks": lambda keys, age: Asked(asking(keys["till"], chunks(rows_of(age), 9), headers=CHUNKED), 200, age),
    "question that expects leave": lambda keys, age: Asked(
        asking(keys["till"], rows_of(age), headers=("Expect: 100-continue",)), 200, age
    ),
    "tensors": lambda keys, age: Asked(asking(keys["till"], infer(age), to=INFER), 200, age),
    "nonsense": lambda keys, age: Asked(asking(keys["till"], b"nonsense"), 400),
    "nobody's model": lambda keys, age: Asked(asking(keys["till"], rows_of(age), to="/v1/models/nobody/predict"), 404),
    "stranger": lambda keys, age: Asked(asking(keys["stranger"], rows_of(age)), 401),
    "limited": lambda keys, age: Asked(asking(keys["limited"], rows_of(age)), 403),
    "too large": lambda keys, age: Asked(asking(keys["till"], rows_of(age) + b" " * BODY_BYTES), 413),
    "too many chunks": lambda keys, age: Asked(
        asking(keys["till"], chunks(rows_of(age) + b" " * BODY_BYTES, 5000), headers=CHUNKED), 413
    ),
    "gzip": lambda keys, age: Asked(asking(keys["till"], b"\x1f\x8b", headers=("Content-Encoding: gzip",)), 415),
    "no path": lambda keys, age: Asked(asking(keys["till"], rows_of(age), to="/v1/nowhere"), 404),
    "another method": lambda keys, age: Asked(asking(keys["till"], rows_of(age)).replace(b"POST", b"PUT", 1), 405),
    "page": lambda keys, age: Asked(asking(keys["till"], to="/v2", method="GET"), 200),
    "head of a page": lambda keys, age: Asked(asking(keys["till"], to="/livez", method="HEAD"), 200, method="HEAD"),
    "explanation": lambda keys, age: Asked(asking(keys["till"], rows_of(age), to="/v1/models/income/explain"), 200),
    "no permission": lambda keys, age: Asked(asking(keys["till"], b'{"text": ""}', to="/api/v1/policies"), 403),
}


def age_of(reply) -> float:
    """The age that an answer is about, from the probability in it."""
    told = json.loads(reply.body)
    found = told["predictions"][0]["probabilities"]["low"] if "predictions" in told else told["outputs"][1]["data"][1]
    return (math.log(found / (1 - found)) - 1.5 + 0.1 * ROW["hours"]) / 0.05


def answers(line: Line, asked: list[Asked]) -> None:
    """Each is answered in turn with its own, until an answer says that the connection ends."""
    for one in asked:
        while (reply := line.answer(to=one.method)) is not None and reply.status == 100:
            pass
        assert reply is not None, f"there is no answer to {one.data[:80]!r}"
        assert reply.status == one.status, (one.data[:200], reply)
        if one.age is not None:
            assert abs(age_of(reply) - one.age) < 0.01
        if reply.headers.get("connection") == "close":
            assert line.answer() is None
            return


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_requests_of_every_kind_in_any_order_and_in_any_pieces(server, keys, data):
    kinds = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=10))
    asked = [KINDS[kind](keys, 18.0 + at) for at, kind in enumerate(kinds)]
    whole = b"".join(one.data for one in asked)
    cuts = data.draw(st.lists(st.integers(1, len(whole)), max_size=12).map(sorted))
    is_slow = data.draw(st.booleans())
    with Line(server.port) as line:
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            line.send(whole[start:end])
            if is_slow:
                time.sleep(0.001)
        answers(line, asked)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_request_that_came_before_is_read_no_differently_the_second_time(server, keys, kind):
    """Once whole, once cut at each seam, once with company: the same request means the same."""
    asked = [KINDS[kind](keys, 18.0 + at) for at in range(9)]
    plain = KINDS["question"](keys, 77.0)
    with Line(server.port) as line:
        for at, one in enumerate(asked):
            head = one.data.index(b"\r\n\r\n") + 4
            pieces = {
                3: [one.data[:head], one.data[head:]],
                4: [one.data[: head - 2], one.data[head - 2 :]],
                5: [one.data[:-1], one.data[-1:]],
                6: [b"\r\n" + one.data],
                7: [one.data + plain.data],
                8: [one.data + plain.data[:40], plain.data[40:]],
            }.get(at, [one.data])
            for piece in pieces:
                line.send(piece)
                time.sleep(0.002)
            answers(line, [one, plain] if at > 6 else [one])


BODIES = {
    "a stranger's": lambda keys: asking(keys["stranger"], b"", headers=("Content-Length: {n}",)),
    "a refused one": lambda keys: asking(keys["limited"], b"", headers=("Content-Length: {n}",)),
    "an encoded one": lambda keys: asking(keys["till"], b"", headers=("Content-Length: {n}", "Content-Encoding: gzip")),
    "one too large": lambda keys: asking(keys["till"], b"", headers=(f"Content-Length: {BODY_BYTES + 1}", "X-Real: {n}")),
    "one without a path": lambda keys: asking(keys["till"], b"", to="/v1/nowhere", headers=("Content-Length: {n}",)),
    "one of a control route": lambda keys: asking(keys["till"], b"", to="/api/v1/policies", headers=("Content-Length: {n}",)),
    "one for another method": lambda keys: asking(keys["till"], b"", headers=("Content-Length: {n}",)).replace(b"POST", b"PUT", 1),
    "one in chunks": lambda keys: asking(keys["stranger"], b"", headers=("Transfer-Encoding: chunked", "X-Real: {n}")),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_is_never_a_request_however_much_it_looks_like_one(house, server, keys, kind):
    question = asking(keys["till"], rows_of(30.0))
    head = BODIES[kind](keys).replace(b"{n}", b"%d" % (3 * len(question)))
    parts = [question] * 3
    if kind == "one in chunks":
        parts = [b"%x\r\n" % len(question), question, b"\r\n", b"%x\r\n" % len(question), question, b"\r\n0\r\n\r\n"]
    if kind == "one too large":
        parts.append(b" " * (BODY_BYTES + 1 - 3 * len(question)))
    before = len(house.logged(event="inference.answered"))
    with Line(server.port) as line:
        line.send(question)
        assert line.answer().status == 200
        line.send(head)
        refused = line.answer()
        assert refused.status in (401, 403, 404, 405, 413, 415)
        for part in parts:
            line.send(part)
            time.sleep(0.01)
        line.send(asking(keys["till"], rows_of(50.0)))
        last = line.answer()
        if refused.headers.get("connection") == "close":
            assert last is None
        else:
            assert last.status == 200
            assert abs(age_of(last) - 50.0) < 0.01
            assert line.is_closed(within_seconds=0.1) is False
    assert len(house.logged(event="inference.answered")) - before == (2 if last else 1)


def test_a_key_that_is_revoked_opens_nothing_more_on_a_connection_that_knows_it(house, server):
    key = house.key()
    mine = house.platform.access.keys(by=house.by)[-1]
    with Line(server.port) as line:
        for _ in range(3):
            line.send(asking(key))
            assert line.answer().status == 200
        house.platform.access.revoke_key(mine.id, by=house.by)
        end = time.monotonic() + 20
        while True:
            line.send(asking(key))
            if line.answer().status == 401:
                break
            assert time.monotonic() < end
        for _ in range(3):
            line.send(asking(key))
            assert line.answer().status == 401


def test_a_model_taken_offline_answers_nothing_more_on_a_connection_that_knows_it(house, server, keys):
    house.make_live(house.register("fleeting"))
    release = house.platform.releases.live()["fleeting"].id
    to = "/v1/models/fleeting/predict"
    with Line(server.port) as line:
        for _ in range(3):
            line.send(asking(keys["till"], to=to))
            assert line.answer().status == 200
        house.platform.releases.pause(release, reason="tried", by=house.by)
        end = time.monotonic() + 20
        while True:
            line.send(asking(keys["till"], to=to))
            if line.answer().status == 404:
                break
            assert time.monotonic() < end


def test_what_is_remembered_of_heads_is_little(house, keys):
    with Process(house.settings.home) as alone:
        process = psutil.Process(alone.pid)
        lines = [Line(alone.port) for _ in range(20)]
        before = process.memory_info().rss
        for at in range(100):
            for line in lines:
                line.send(asking(keys["till"], headers=(f"X-Much: {at} {'y' * 30_000}",)))
            for line in lines:
                assert line.answer().status == 200
        grown = process.memory_info().rss - before
        for line in lines:
            line.__exit__()
    assert grown < 16 << 20
