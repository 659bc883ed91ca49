# SPDX-License-Identifier: Apache-2.0
"""Bytes that no client of good will sends: refused before they cost anything, told in words, and never taken for two requests.

`api/test_bad_input.py` has the rows, bodies and paths that are wrong in a right request; here the request itself is wrong.
"""

import gzip
import itertools
import json
import time

import psutil
import pytest

from entrances.api.house import Process, body, build, tensors
from entrances.wire import PREDICT, Line, asking

INFER = "/v2/models/income/infer"
HEAD_BYTES = 4096
BODY_BYTES = 65536


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("hostile"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def key(house):
    return house.key()


@pytest.fixture(scope="module")
def server(house):
    """A real process with small limits, which must say nothing about all this in its log."""
    limits = {"header_limit_bytes": HEAD_BYTES, "body_limit_bytes": BODY_BYTES, "receive_timeout_seconds": 2.0}
    with Process(house.settings.home, **limits) as running:
        yield running
        assert running.end() == 0
        assert "Traceback" not in running.errors()
        assert "request failed" not in running.errors()


@pytest.fixture(autouse=True)
def _all_is_well_afterwards(server, key):
    """Whatever was sent, the next caller is answered."""
    yield
    with Line(server.port) as line:
        line.send(asking(key))
        assert line.answer().status == 200


def exchange(server, data: bytes) -> list:
    """What a client gets that sends `data` and asks for the connection to be closed, which it then is."""
    with Line(server.port) as line:
        line.send(data)
        return list(line.answers())


def closing(key, data=None, *headers, to=PREDICT) -> bytes:
    return asking(key, data, to=to, headers=("Connection: close", *headers))


def test_a_head_too_large_is_told_so_to_whoever_sends_all_before_reading(server, key):
    for large in (f"X-Much: {'y' * 60_000}", "\r\n".join(f"X-{at}: {'y' * 90}" for at in range(600))):
        (reply,) = exchange(server, closing(key, body(), large))
        assert (reply.status, "4096 bytes" in reply.error) == (431, True)


def test_what_comes_between_two_heads_is_no_part_of_either(server, key):
    """However requests are cut: here within the first head, and within the last."""
    small, large = asking(key), asking(key, body() + b" " * (BODY_BYTES // 2))
    whole = small + large + closing(key)
    cuts = [0, 30, len(small + large) + 30, len(whole)]
    with Line(server.port) as line:
        for start, end in itertools.pairwise(cuts):
            line.send(whole[start:end])
            # What is sent after a while is read by itself.
            time.sleep(0.1)
        assert [reply.status for reply in line.answers()] == [200, 200, 200]


def test_a_head_that_grows_and_never_ends_is_refused_also_behind_another_request(server, key):
    with Line(server.port) as line:
        line.send(asking(key) + b"POST / HTTP/1.1\r\n")
        assert line.answer().status == 200
        for _ in range(2 * HEAD_BYTES // 1000):
            line.send(b"X-Much: " + b"y" * 990 + b"\r\n")
            time.sleep(0.02)
        assert line.answer().status == 431


def test_a_path_too_long_is_told_so(server, key):
    (reply,) = exchange(server, closing(key, to=f"/v1/models/{'z' * 60_000}/predict"))
    assert reply.status == 431


@pytest.mark.parametrize("to", [PREDICT, INFER, "/v1/models/income/explain"])
def test_a_body_too_large_is_told_so_to_whoever_sends_all_before_reading(server, key, to):
    (reply,) = exchange(server, closing(key, b"[" * (8 << 20), to=to))
    assert (reply.status, "65536 bytes" in reply.error) == (413, True)


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not(server, key):
    padded = body() + b" " * (BODY_BYTES - len(body()))
    assert exchange(server, closing(key, padded))[0].status == 200
    assert exchange(server, closing(key, padded + b" "))[0].status == 413
    for size, status in ((BODY_BYTES, 200), (BODY_BYTES + 1, 413)):
        chunks = chunked(padded + b" " * (size - BODY_BYTES), 5000)
        assert exchange(server, closing(key, chunks, "Transfer-Encoding: chunked"))[0].status == status


def bombs():
    deep = b'{"rows":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    digits = b"9" * 60_000
    yield "deep", PREDICT, deep
    yield "deep objects", PREDICT, b'{"a":' * 12_000
    yield "deep inside of a row", PREDICT, b'{"rows":[{"age":' + b"[" * 30_000 + b"]" * 30_000 + b"}]}"
    yield (
        "deep tensor",
        INFER,
        b'{"inputs":[{"name":"age","shape":[1],"datatype":"FP32","data":' + b"[" * 30_000 + b"]" * 30_000 + b"}]}",
    )
    yield "a number of 60,000 digits", PREDICT, b'{"rows":[{"age":' + digits + b',"hours":1,"sector":"public"}]}'
    yield "a fraction of 60,000 digits", PREDICT, b'{"rows":[{"age":1.' + digits + b'e99999,"hours":1,"sector":"public"}]}'
    yield "an exponent beyond all", PREDICT, b'{"rows":[{"age":1e' + digits[:400] + b',"hours":1,"sector":"public"}]}'
    yield "30,000 features", PREDICT, json.dumps({"rows": [dict.fromkeys(map(str, range(6000)), 1)]}).encode()
    yield "30,000 empty rows", PREDICT, json.dumps({"rows": [{}] * 15_000}).encode()
    yield "one feature 5,000 times", PREDICT, b'{"rows":[{' + b",".join([b'"age":1'] * 5000) + b"}]}"
    yield "gzip", PREDICT, gzip.compress(b'{"rows":' + b" " * (40 << 20) + b"[]}")


@pytest.mark.parametrize(("to", "bomb"), [pytest.param(to, bomb, id=name) for name, to, bomb in bombs()])
def test_a_bomb_is_refused_and_takes_no_memory(server, key, to, bomb):
    process = psutil.Process(server.pid)
    exchange(server, closing(key))
    before = process.memory_info().rss
    encoded = ["Content-Encoding: gzip"] if bomb.startswith(b"\x1f\x8b") else []
    for _ in range(5):
        (reply,) = exchange(server, closing(key, bomb, *encoded, to=to))
        assert reply.status == (415 if encoded else 400), reply
        assert list(json.loads(reply.body)) == ["error"]
        assert len(reply.body) < 600
    assert process.memory_info().rss - before < 24 << 20


SHAPES = [
    [],
    [0],
    [-1],
    [1, -1],
    [-1, -1],
    [1, 1, 1],
    [2],
    [1, 2],
    [2**31],
    [2**32 + 1],
    [2**63, 2],
    [2**64],
    [2**32, 2**32],
    [2**33, 2**31, 2],
    [10**400],
    [1.0, 1.5],
    [True],
    ["1"],
    [None],
    [[1]],
    "1",
    {"0": 1},
    None,
    [1] * 20_000,
]


@pytest.mark.parametrize("shape", SHAPES, ids=[str(shape)[:30] for shape in SHAPES])
def test_a_tensor_whose_shape_lies_is_refused_before_anything_is_allocated(server, key, shape):
    lying = tensors()
    lying["inputs"][0]["shape"] = shape
    (reply,) = exchange(server, closing(key, json.dumps(lying).encode(), to=INFER))
    assert reply.status in (400, 413), reply
    assert list(json.loads(reply.body)) == ["error"]


@pytest.mark.parametrize("said", ["-1", "0", "999999", "99999999999999999999999", "x", "1.5", "", "0x10", "+5"])
def test_a_binary_body_whose_parts_lie_is_refused(server, key, said):
    request = tensors()
    for tensor in request["inputs"]:
        tensor.pop("data")
        tensor["parameters"] = {"binary_data_size": 4 if tensor["datatype"] == "FP32" else 10}
    head = json.dumps(request).encode()
    data = head + b"\0\0\x20\x42" * 2 + b"\x06\0\0\0public"
    (reply,) = exchange(server, closing(key, data, f"Inference-Header-Content-Length: {said}", to=INFER))
    assert reply.status == 400, reply
    assert list(json.loads(reply.body)) == ["error"]


@pytest.mark.parametrize("size", [-4, 0, 3, 5, 10**6, 2**63, 2**64, 1.5, "4", True, None])
def test_a_binary_tensor_whose_size_lies_is_refused(server, key, size):
    request = tensors()
    age = request["inputs"][0]
    age.pop("data")
    age["parameters"] = {"binary_data_size": size}
    head = json.dumps(request).encode()
    sent = closing(key, head + b"\0\0\x20\x42", f"Inference-Header-Content-Length: {len(head)}", to=INFER)
    (reply,) = exchange(server, sent)
    assert reply.status == 400, reply
    assert list(json.loads(reply.body)) == ["error"]


GIFT = b"GET /v2 HTTP/1.1\r\nHost: here\r\n\r\n"
SMUGGLED = {
    "two lengths": ("Content-Length: {n}", "Content-Length: 0"),
    "the same length twice": ("Content-Length: {n}", "Content-Length: {n}"),
    "a list of lengths": ("Content-Length: {n}, {n}",),
    "a length and chunks": ("Content-Length: {n}", "Transfer-Encoding: chunked"),
    "chunks and a length": ("Transfer-Encoding: chunked", "Content-Length: {n}"),
    "a signed length": ("Content-Length: +{n}",),
    "a negative length": ("Content-Length: -1",),
    "a length in hexadecimal": ("Content-Length: 0x10",),
    "a length with an underscore": ("Content-Length: 1_0",),
    "a length with a fraction": ("Content-Length: {n}.0",),
    "no length where one is said": ("Content-Length: ",),
    "a length beyond 64 bits": ("Content-Length: 18446744073709551617",),
    "a length of foreign digits": ("Content-Length: \xb2",),
    "an unknown encoding": ("Transfer-Encoding: xchunked",),
    "chunks that are not last": ("Transfer-Encoding: chunked, identity",),
    "chunks twice": ("Transfer-Encoding: chunked, chunked",),
    "chunks in two headers": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "a space before the colon": ("Transfer-Encoding : chunked",),
    "a length with a space before the colon": ("Content-Length : {n}",),
    "a folded header": ("X-One: two", " Content-Length: {n}"),
    "a name with a space": ("X One: two", "Content-Length: {n}"),
    "a name with a slash": ("X/One: two", "Content-Length: {n}"),
    "a name beyond ASCII": ("X-\xe9: two", "Content-Length: {n}"),
    "a name with a NUL": ("X\0One: two", "Content-Length: {n}"),
    "no name": (": two", "Content-Length: {n}"),
    "no colon": ("X-One", "Content-Length: {n}"),
    "a NUL in a value": ("X-One: a\0b", "Content-Length: {n}"),
    "a lone CR in a value": ("X-One: a\rContent-Length: 0", "Content-Length: {n}"),
    "an escape in a name": ("\x1b[31m: x", "Content-Length: {n}"),
}


@pytest.mark.parametrize("lines", SMUGGLED.values(), ids=SMUGGLED)
def test_a_request_with_an_unclear_end_is_refused_and_nothing_after_it_is_read(server, key, lines):
    data = body()
    said = "\r\n".join(line.format(n=len(data)) for line in lines)
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\n{said}\r\n\r\n"
    answers = exchange(server, head.encode("latin-1") + data + GIFT)
    assert [reply.status for reply in answers] == [400], answers
    assert answers[0].headers["connection"] == "close"


def test_lines_that_end_without_cr_are_refused_or_read_as_lines(server, key):
    """Both are right by RFC 9112, section 2.2; what must not be is another reading of what follows."""
    request = closing(key).replace(b"\r\n", b"\n")
    answers = exchange(server, request + GIFT)
    assert [reply.status for reply in answers] in ([400], [200])


@pytest.mark.parametrize(
    "first",
    [
        b"POST /v1/models/income/predict HTTP/1.1 ",
        pytest.param(b"POST /v1/models/income/predict"),
        b"POST /v1/models/income/predict HTTP/9.9",
        b"POST /v1/models/income/predict HTTP/1.1.1",
        b"POST /v1/models/income/predict HTTPS/1.1",
        b"POST /v1/models/income/predict FTP/1.1",
        b"POST /v1/models/income/pre dict HTTP/1.1",
        b"POST /v1/models/income/\x00/predict HTTP/1.1",
        b"POST /v1/models/income/\x7f/predict HTTP/1.1",
        b"POST v1/models/income/predict HTTP/1.1",
        b"P\xd6ST /v1/models/income/predict HTTP/1.1",
        b"BREW /v1/models/income/predict HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"GET",
        b"\0\0\0\0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_a_first_line_that_is_none_is_refused(server, key, first):
    rest = closing(key).partition(b"\r\n")[2]
    answers = exchange(server, first + b"\r\n" + rest)
    assert [reply.status for reply in answers] in ([400], [404], [405]), answers


TARGETS = {
    f"http://here{PREDICT}": 200,
    f"http://other.example:99{PREDICT}": 200,
    f"HTTP://HERE{PREDICT}": 200,
    f"{PREDICT}?": 200,
    f"{PREDICT}?key=1&model=other": 200,
    "/v1/models/income%3A1/predict": 200,
    "/v1/models/%69ncome/predict": 200,
    "/v1/models/income:1/predict": 200,
    "http://here": 400,
    f"/{PREDICT}": 404,
    f"//here{PREDICT}": 404,
    "/v1//models/income/predict": 404,
    "/v1/models//predict": 404,
    "/v1/models/income/predict/": 404,
    "/v1/models/income/../income/predict": 404,
    "/v1/models/./income/predict": 404,
    "/v1/models/%2e%2e/predict": 404,
    "/v1/models/income%2fpredict": 404,
    "/v1/models/income%2Fpredict": 404,
    "/v1/models/income%5cpredict/predict": 404,
    "/v1/models/income%00/predict": 404,
    "/v1/models/income%0d%0aX-Evil:%201/predict": 404,
    "/v1/models/income%/predict": 404,
    "/v1/models/income%zz/predict": 404,
    "/v1/models/%ff%fe/predict": 404,
    "/V1/models/income/predict": 404,
    "/v1/models/income/predict;x=1": 404,
    "/v1/models/income:0/predict": 404,
    "/v1/models/income:1:1/predict": 404,
    "/v2/models/income/versions/1/../2/infer": 404,
    "*": 404,
    "here:443": 400,
}


NEARLY = pytest.param("/v1/models/income:01/predict", 404, id="a number with a zero before it")


@pytest.mark.parametrize(("target", "status"), [*(pytest.param(*known, id=known[0]) for known in TARGETS.items()), NEARLY])
def test_a_target_leads_where_it_says_and_nowhere_else(server, key, target, status):
    (reply,) = exchange(server, closing(key, to=target))
    assert reply.status == status, reply
    assert "x-evil" not in reply.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("to", [PREDICT, INFER, "/v1/models/nobody/predict"])
def test_a_question_is_posted_and_nothing_else(server, key, method, to):
    with Line(server.port) as line:
        line.send(asking(key, to=to, method=method) + asking(key))
        reply = line.answer(to=method)
        assert (reply.status, reply.headers["allow"]) == (405, "POST")
        assert reply.body == b"" if method == "HEAD" else list(json.loads(reply.body)) == ["error"]
        assert line.answer().status == 200, "the next request on the connection is read as it is"


def test_who_asks_for_a_tunnel_gets_none(server, key):
    answers = exchange(server, asking(key, to="here:443", method="CONNECT") + GIFT)
    assert all(reply.status in (400, 401, 404, 405, 501) for reply in answers)


@pytest.mark.parametrize("hosts", [(), ("Host: a", "Host: b")], ids=["none", "two"])
def test_a_request_says_once_whom_it_is_for(server, key, hosts):
    """RFC 9112, section 3.2: a server MUST answer 400."""
    (reply,) = exchange(server, closing(key).replace(b"Host: here", "\r\n".join(hosts or ["X-Host: here"]).encode()))
    assert reply.status == 400


def chunked(data: bytes, size: int, *, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


@pytest.mark.parametrize(
    ("extension", "trailers"),
    [
        (b"", b""),
        (b";name=value", b""),
        (b';name="quoted; \\" text"', b""),
        (b"", b"X-Checksum: 1\r\n"),
        (b"", b"Authorization: Bearer nobody\r\nX-API-Key: nobody\r\nContent-Encoding: gzip\r\nExpect: 100-continue\r\n"),
    ],
    ids=["plain", "extension", "quoted extension", "trailer", "trailers that would be headers"],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_in_chunks_is_read_as_a_whole(server, key, size, extension, trailers):
    data = chunked(body(), size, extension=extension, trailers=trailers)
    with Line(server.port) as line:
        line.send(asking(key, data, headers=("Transfer-Encoding: chunked",)) + asking(key))
        assert [line.answer().status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"-1\r\nabc\r\n0\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n",
        b"3 \r\nab\r\n0\r\n\r\nxx",
        b"ffffffffffffffff1\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"3;\0\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nno colon\r\n\r\n",
    ],
)
def test_chunks_that_are_none_end_the_connection(server, key, chunks):
    answers = exchange(server, asking(key, chunks, headers=("Transfer-Encoding: chunked",)) + GIFT)
    assert [reply.status for reply in answers] == [400], answers


@pytest.mark.parametrize("trailer", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_a_trailer_that_says_where_the_body_ends_is_refused(server, key, trailer):
    data = chunked(body(), 100, trailers=trailer + b"\r\n")
    answers = exchange(server, asking(key, data, headers=("Transfer-Encoding: chunked",)) + GIFT)
    assert [reply.status for reply in answers] == [400], answers


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        pytest.param(b"1;", b"x" * 1000, id="an extension"),
        pytest.param(b"", b"1;" + b"x" * 1000 + b"\r\n \r\n", id="many extensions"),
        pytest.param(b"0\r\nX-Much: ", b"y" * 1000, id="a trailer"),
        pytest.param(b"0\r\n", b"".join(b"X-%d: y\r\n" % at for at in range(100)), id="many trailers"),
    ],
)
def test_what_is_said_beside_the_chunks_has_an_end(server, key, begun, more):
    with Line(server.port) as line:
        line.send(asking(key, begun, headers=("Transfer-Encoding: chunked",)))
        assert not all(line.send(more * 50) for _ in range(400)), "20 MB were taken, and none of it was of use"


def test_an_old_client_is_answered_and_the_connection_closed(server, key):
    old = closing(key).replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Connection: close\r\n", b"")
    (reply,) = exchange(server, old)
    assert reply.status == 200
    health = b"GET /livez HTTP/1.0\r\n\r\n"
    (reply,) = exchange(server, health)
    assert reply.status == 200


def test_a_client_that_waits_for_leave_to_send_gets_it_or_the_refusal(server, key):
    expecting = ("Expect: 100-continue", f"Content-Length: {len(body())}")
    with Line(server.port) as line:
        line.send(asking(key, b"", headers=expecting))
        assert line.answer().status == 100
        line.send(body())
        assert line.answer().status == 200
    for refused, status in (
        (asking("mw_wrong", b"", headers=expecting), 401),
        (asking(key, b"", headers=("Expect: 100-continue", "Content-Length: 999999")), 413),
        (asking(key, b"", headers=(*expecting, "Content-Encoding: gzip")), 415),
    ):
        with Line(server.port) as line:
            line.send(refused)
            assert line.answer().status == status, "told before a byte of the body is sent"


def test_a_client_that_does_not_wait_for_leave_is_answered_all_the_same(server, key):
    with Line(server.port) as line:
        line.send(asking(key, headers=("Expect: 100-continue",)))
        reply = line.answer()
        assert (line.answer() if reply.status == 100 else reply).status == 200


@pytest.mark.parametrize("wanted", ["websocket", "h2c", "TLS/1.0"])
def test_a_client_that_would_rather_speak_another_protocol_is_answered_in_this_one(server, key, wanted):
    """RFC 9110, section 7.8: a server may ignore it. Java's HTTP client asks for h2c in its first request, questions included."""
    headers = ("Connection: Upgrade, HTTP2-Settings, close", f"Upgrade: {wanted}", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    assert [reply.status for reply in exchange(server, asking(key, headers=headers))] == [200]


def test_the_log_has_no_line_for_what_strangers_send(house, key):
    with Process(house.settings.home, header_limit_bytes=HEAD_BYTES) as alone:
        for sent in (b"\0\0\0\0", b"GET / HTTP/9.9\r\n\r\n", closing(key, body(), f"X-Much: {'y' * 60_000}"), closing("mw_wrong")):
            exchange(alone, sent)
        assert alone.end() == 0
        assert alone.errors() == ""
