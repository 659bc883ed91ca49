# SPDX-License-Identifier: Apache-2.0
"""What must be refused at the HTTP door: with the right status, in words that help, and with nothing written."""

import json
import re
import time
from http.client import HTTPConnection

import pytest

from entrances.api.house import ROW, body, client, raw, tensors
from modelward.access import Role
from serving.tiny import INTERFACE

PREDICT = "/v1/models/income/predict"
INFER = "/v2/models/income/infer"


@pytest.fixture(scope="module")
def key(house):
    return house.key()


def request(path, data=b"", *, method="POST", key="", headers=()):
    """A request as bytes; the path goes out as it is written."""
    lines = [f"{method} {path} HTTP/1.1", "Host: here", f"Content-Length: {len(data)}", *headers]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + data


def answers(house) -> int:
    return len(house.logged(event="inference.answered"))


@pytest.fixture(autouse=True)
def _nothing_is_answered(house):
    """Whatever is refused here leaves no answer in the ledger."""
    before = answers(house)
    yield
    assert answers(house) == before


ROWS = [
    (b'{"rows":[{"age":NaN,"hours":1,"sector":"public"}]}', "not valid JSON"),
    (b'{"rows":[{"age":Infinity,"hours":1,"sector":"public"}]}', "not valid JSON"),
    (b'{"rows":[{"age":-Infinity,"hours":1,"sector":"public"}]}', "not valid JSON"),
    (b'{"rows":[{"age":1e999,"hours":1,"sector":"public"}]}', "Number out of range"),
    (b'{"rows":[{"age":1e39,"hours":1,"sector":"public"}]}', "Row 1: feature 'age' is not finite"),
    (b'{"rows":[{"age":' + b"9" * 400 + b',"hours":1,"sector":"public"}]}', "not finite|not valid JSON"),
    (b'{"rows":[{"age":"NaN","hours":1,"sector":"public"}]}', "'age' must be a number and is text"),
    (b'{"rows":[{"age":"40","hours":1,"sector":"public"}]}', "'age' must be a number and is text"),
    (b'{"rows":[{"age":true,"hours":1,"sector":"public"}]}', "'age' must be a number and is true or false"),
    (b'{"rows":[{"age":[40],"hours":1,"sector":"public"}]}', "'age' must be a number and is a list"),
    (b'{"rows":[{"age":1,"hours":null,"sector":"public"}]}', "'hours' is null"),
    (b'{"rows":[{"age":1,"hours":1,"sector":7}]}', "'sector' must be text and is a number"),
    (b'{"rows":[{"age":1,"hours":1,"sector":"\\ud800"}]}', "not valid JSON|lone surrogate"),
    (b'{"rows":[{"age":1,"hours":1}]}', "lacks the feature 'sector'"),
    (b'{"rows":[{"age":1,"hours":1,"sector":"x","wages":1}]}', "'wages' is unknown"),
    (b'{"rows":[{"age":1,"hours":1,"sector":"public"},{"age":1,"hour":1,"sector":"x"}]}', "Row 2: .*Did you mean 'hours'"),
    (b'{"rows":[]}', "no rows"),
    (b'{"rows":[1]}', "Expected `object`"),
    (b'{"rows":{"age":1}}', "Expected `array`"),
    (b'{"row":[]}', "unknown field"),
    (b"[]", "Expected `object`"),
    (b"", "not valid JSON"),
    (b"{", "not valid JSON"),
    (b'{"rows":[{"age":1,', "not valid JSON"),
    (b'{"rows":[]}{"rows":[]}', "not valid JSON"),
    (b"\xff\xfe{}", "not valid JSON"),
    (b'{"rows":[{"age":1,"hours":1,"sector":"\xff"}]}', "not valid JSON"),
    (b'{"rows":' + b"[" * 40 + b"]" * 40 + b"}", "nested deeper than 32"),
    (b"[" * 60_000, "nested deeper than 32"),
    (b'{"a":' * 10_000, "nested deeper than 32"),
    (b'{"rows":[{"age":1,"hours":1,"sector":"' + b"x" * 10_001 + b'"}]}', "10001 characters long"),
]


@pytest.mark.parametrize(("data", "words"), ROWS, ids=[data[:40].decode("latin-1") for data, _ in ROWS])
def test_rows_that_are_none_are_refused_with_their_place(server, key, data, words):
    reply = raw(server.port, request(PREDICT, data, key=key))
    assert reply.status == 400
    assert list(json.loads(reply.body)) == ["error"]
    assert re.search(words, reply.error), reply.error
    assert reply.headers["x-request-id"].startswith("req-")


def refusals(house, request_id):
    """What the ledger says of a request that was refused, once it says anything; nobody waits for that to be written."""
    until = time.monotonic() + 10
    found = []
    while not found and time.monotonic() < until:
        found = [entry.facts["error"] for entry in house.logged(event="inference.refused") if entry.request == request_id]
    return found


def test_a_body_that_cannot_be_read_is_on_record_as_refused(house, server, key):
    reply = raw(server.port, request(PREDICT, b'{"rows": [', key=key))
    assert reply.status == 400
    assert refusals(house, reply.headers["x-request-id"]) == ["MalformedBodyError"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_tensors_of_numbers_that_are_none_are_refused(server, key, value):
    data = json.dumps(tensors()).replace("38.5", value).encode()
    reply = raw(server.port, request(INFER, data, key=key))
    assert reply.status == 400
    assert re.search("not valid JSON|not FP32", reply.error)


def test_more_rows_than_the_limit_are_refused(server, key):
    reply = raw(server.port, request(PREDICT, body([ROW] * 65), key=key))
    assert reply.status == 413
    assert "65 rows; 64 is the most" in reply.error


def test_a_body_declared_too_large_is_refused_before_it_is_sent(server, key):
    head = request(PREDICT, b"", key=key).replace(b"Content-Length: 0", b"Content-Length: 9999999")
    reply = raw(server.port, head)
    assert reply.status == 413
    assert "larger than 65536 bytes" in reply.error


def test_a_body_without_a_length_is_read_up_to_the_limit_alone(server, key):
    head = request(PREDICT, b"", key=key).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    chunk = b"8000\r\n" + b"[" * 0x8000 + b"\r\n"
    # It never ends, so that an answer proves that the rest was not waited for.
    reply = raw(server.port, head + chunk * 3)
    assert reply.status == 413
    assert "larger than 65536 bytes" in reply.error


@pytest.mark.parametrize(("credential", "status"), [("", 401), ("a good one", 413)])
def test_a_client_that_closes_after_its_large_body_still_reads_the_refusal(server, key, credential, status):
    # `urllib` and HTTP/1.0 clients send everything before they read, and have the connection closed upon the answer.
    line = HTTPConnection("127.0.0.1", server.port, timeout=30)
    line.request("POST", PREDICT, b"[" * (32 << 20), {"Connection": "close", "X-API-Key": key if credential else ""})
    assert line.getresponse().status == status
    line.close()


def test_a_body_too_large_is_refused_on_control_routes_too(administrator):
    refused = administrator.post("/api/v1/policies", json={"text": "x" * 70_000})
    assert refused.status_code == 413
    assert refused.json()["kind"] == "TooLargeError"


def test_an_upload_needs_a_length_within_the_limit(house, server):
    key = house.key(Role.ADMINISTRATOR)
    head = request("/api/v1/datasets", b"", key=key, headers=["Content-Type: multipart/form-data; boundary=x"])
    endless = raw(server.port, head.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
    assert (endless.status, "Content-Length" in endless.error) == (411, True)
    large = raw(server.port, head.replace(b"Content-Length: 0", b"Content-Length: 999999999999"))
    assert large.status == 413


@pytest.mark.parametrize(
    "forged",
    [
        b"no form at all",
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\ncut',
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nlonely\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nno file\r\n--x--\r\n',
    ],
)
def test_a_form_that_is_none_is_refused(house, server, forged):
    key = house.key(Role.ADMINISTRATOR)
    kind = ["Content-Type: multipart/form-data; boundary=x"]
    reply = raw(server.port, request("/api/v1/datasets", forged, key=key, headers=kind))
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/passwd", "a/../../b.csv", "a\\b.csv", "", ".", "a/b/c/d/e.csv", "x" * 200])
def test_an_upload_can_be_named_by_no_path(house, administrator, name, tmp_path):
    said = {"name": "people", "target": "t", "purpose": "tests", "owner": "tester"}
    refused = administrator.post("/api/v1/datasets", data=said, files=[("files", (name, b"a,t\n1,2\n"))])
    assert refused.status_code == 400, refused.text
    assert house.platform.datasets.list(by=house.by) == []


def test_two_uploads_of_one_name_are_refused(administrator):
    said = {"name": "people", "target": "t", "purpose": "tests", "owner": "tester"}
    refused = administrator.post("/api/v1/datasets", data=said, files=[("files", ("a.csv", b"a,t\n1,2\n"))] * 2)
    assert (refused.status_code, "same name" in refused.json()["detail"]) == (400, True)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "made-up"])
def test_an_encoded_body_is_refused(caller, encoding):
    refused = caller.post(PREDICT, content=body(), headers={"content-encoding": encoding})
    assert refused.status_code == 415
    assert "Send it without" in refused.json()["error"]


@pytest.mark.parametrize("model", ["unknown", "Income", "income%20", "income.", "%F0%9F%90%8D", "x" * 300])
def test_an_unknown_model_is_not_found(caller, model):
    for refused in (caller.post(f"/v1/models/{model}/predict", content=body()), caller.get(f"/v2/models/{model}")):
        assert refused.status_code == 404
        assert "is not released" in refused.json()["error"]


@pytest.mark.parametrize("version", ["0", "2", "x", "-1", "1.0", "1e3", "99999999999", "%D9%A1", "1%20"])
def test_a_version_that_is_not_released_is_not_found(caller, version):
    for path in (f"/v2/models/income/versions/{version}", f"/v2/models/income:{version}/ready"):
        assert caller.get(path).status_code == 404


def test_a_version_registered_and_not_released_does_not_answer(house, caller):
    name = house.register("waiting")
    refused = caller.post("/v1/models/waiting/predict", content=body())
    assert refused.status_code == 404
    assert "`modelward release list`" in refused.json()["error"]
    house.make_live(name)
    while caller.get("/v2/models/waiting/ready").status_code != 200:
        time.sleep(0.02)


@pytest.mark.parametrize("language", ["", "ZH", "zh-Hans", "<script>", "de"])
def test_a_report_is_told_in_a_language_that_there_is(house, administrator, language):
    name = house.register("measured")
    house.platform.assessment.assess(name, only=["size"], by=house.by)
    place = f"/api/v1/models/measured/versions/{name.rpartition(':')[2]}/report/page"
    refused = administrator.get(place, params={"language": language})
    assert (refused.status_code, "one of en, zh" in refused.json()["detail"]) == (400, True)
    told = administrator.get(place, params={"language": "zh"})
    assert told.headers["content-type"].startswith("text/html")
    assert "可信报告" in told.text
    assert administrator.get(place).text == administrator.get(place, params={"language": "en"}).text


PATHS = [
    "/v1/models/../../etc/passwd/predict",
    "/v1/models/%2e%2e/predict",
    "/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd/predict",
    "/v1/models/..%5c..%5cetc/predict",
    "/v1/models//predict",
    "/v1/models/income%00/predict",
    "/v1/models/%00/predict",
    "/v2/models/%2e%2e/versions/%2e%2e/infer",
    "/v2/models/income/versions/..%2f1/infer",
    "/v1/models/income%2fpredict",
    "/v1/models/income/predict/",
    "//v1/models/income/predict",
    "/v1/models/income/predict%0a",
    "/v1/models/%ff%fe/predict",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_its_place_when_a_model_is_asked(server, key, path):
    reply = raw(server.port, request(path, body(), key=key))
    assert reply.status == 404
    assert "passwd" not in reply.error or "is not released" in reply.error


CONTROL_PATHS = [
    "/api/v1/models/%2e%2e/versions",
    "/api/v1/models/income/versions/%2e%2e",
    "/api/v1/models/income/versions/1/files/../../../../keys.json",
    "/api/v1/models/income/versions/1/files/%2e%2e/%2e%2e/keys.json",
    "/api/v1/models/income/versions/1/files/%2e%2e%2f%2e%2e%2fkeys.json",
    "/api/v1/models/income/versions/1/files//etc/passwd",
    "/api/v1/models/income/versions/1/files/model.onnx%00.txt",
    "/api/v1/models/income/versions/1/files/",
    "/api/v1/datasets/%2e%2e",
    "/api/v1/datasets/..%2fkeys.json/profile",
    "/api/v1/runs/%2e%2e%2f1",
    "/api/v1/releases/%00",
    "/api/v1/policies/%2e%2e%2fx",
    "/api/v1/receipts/%2e%2e",
    "/api/v1/users/%2e%2e/none",
]


@pytest.mark.parametrize("path", CONTROL_PATHS)
def test_no_path_leads_out_of_its_place_on_control_routes(house, server, path):
    reply = raw(server.port, request(path, method="GET", key=house.key(Role.ADMINISTRATOR)))
    assert reply.status in (400, 404), reply
    assert b"import" not in reply.body
    assert b"pepper" not in reply.body


def test_a_method_that_a_path_does_not_take_is_named(caller):
    asked = caller.get(PREDICT)
    assert (asked.status_code, list(asked.json())) == (405, ["error"])
    controlled = caller.put("/api/v1/models")
    assert (controlled.status_code, controlled.json()["title"]) == (405, "Method Not Allowed")


def test_a_path_that_nobody_knows_is_not_found_in_its_protocol(caller):
    for path in ("/v1/models", "/v1/chat/completions", "/v2/repository/models/income/load"):
        found = caller.get(path)
        assert (found.status_code, list(found.json())) == (404, ["error"])
    found = caller.get("/api/v1/nothing")
    assert (found.status_code, found.json()["kind"]) == (404, "NotFoundError")


def test_a_huge_head_is_refused(server, key):
    large = raw(server.port, request(PREDICT, body(), key=key, headers=[f"X-Much: {'y' * 40_000}"]))
    assert large.status == 431
    assert "larger than 32768 bytes" in large.error
    many = raw(server.port, request(PREDICT, body(), key=key, headers=[f"X-{at}: {'y' * 100}" for at in range(400)]))
    assert many.status == 431
    long = raw(server.port, request(f"/v1/models/{'z' * 40_000}/predict", body(), key=key))
    assert long.status == 431


def test_a_head_that_never_ends_is_refused_while_it_grows(server):
    reply = raw(server.port, b"GET /livez HTTP/1.1\r\nX-Much: " + b"y" * 3_000_000)
    assert reply.status in (431, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELO mail\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"POST /v1/models/income/predict HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/models/income/predict HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /v1/models/income/predict HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/models/income/predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: here\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(server, data):
    assert raw(server.port, data).status in (400, 401)


@pytest.mark.parametrize("secret", ["", "mw_", "mw_abcdefgh_" + "x" * 43, "nonsense", "mwi_abcdefgh_" + "x" * 43, "x" * 5000])
def test_a_wrong_key_opens_nothing(server, secret):
    for path, data, method in ((PREDICT, body(), "POST"), ("/v2/models/income", b"", "GET"), ("/api/v1/models", b"", "GET")):
        reply = raw(server.port, request(path, data, method=method, headers=[f"X-API-Key: {secret}"]))
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert not secret or secret not in reply.error


def test_a_key_is_taken_from_either_header(house, server):
    key = house.key()
    for header in (f"Authorization: Bearer {key}", f"authorization: bearer {key}", f"X-API-Key: {key}"):
        assert raw(server.port, request("/v2", method="GET", headers=[header])).status == 200
    for header in (f"Authorization: Basic {key}", f"Authorization: {key}", f"Cookie: key={key}"):
        assert raw(server.port, request("/v2", method="GET", headers=[header])).status == 401
    assert raw(server.port, request(f"/v2?key={key}", method="GET")).status == 401


def test_a_wrong_key_is_refused_before_the_body_is_read(server):
    head = request(PREDICT, b"", key="mw_wrong").replace(b"Content-Length: 0", b"Content-Length: 9999999")
    assert raw(server.port, head).status == 401


def test_a_key_for_another_model_may_not_ask_this_one(house, server):
    with client(server.url, house.key(models=["other"])) as limited:
        for refused in (
            limited.post(PREDICT, content=body()),
            limited.post(INFER, json=tensors()),
            limited.post("/v1/models/income/explain", content=body()),
            limited.get("/v2/models/income"),
            limited.get("/v2/models/income/ready"),
        ):
            assert refused.status_code == 403
            assert "limited to other" in refused.json()["error"]
        refused = limited.post(PREDICT, content=b"whatever")
        assert refused.status_code == 403
        # A refusal is put on record without letting the caller wait for it.
        while not (found := house.logged(request=refused.headers["x-request-id"])):
            time.sleep(0.01)
        (entry,) = found
        assert (entry.event, entry.subject, entry.facts["error"]) == ("inference.refused", "income", "NotPermittedError")
        assert limited.get("/api/v1/models/income/versions").status_code == 403
        assert limited.get("/api/v1/models").json() == []


def test_every_refusal_names_itself_by_a_request_id(stranger):
    seen = {stranger.get(path).headers["x-request-id"] for path in ("/v2", "/nowhere", "/api/v1/models", "/livez")}
    assert len(seen) == 4


def test_the_model_still_answers_after_all_that(house, caller):
    """The positive control of this file: the same request with nothing wrong is answered."""
    assert set(ROW) == {feature.name for feature in INTERFACE.features}
    assert caller.get("/v2/models/income/ready").json() == {"name": "income", "ready": True}
