# SPDX-License-Identifier: Apache-2.0
"""MLflow's scoring protocol as its documentation writes it: questions, answers and failures."""

import base64
import csv
import io
import json

import pytest

from entrances.api.house import ROW, client, raw
from modelward import __version__
from modelward.access import Role
from modelward.audit import verify_receipt

ASK = "/models/income/invocations"
NAMES = list(ROW)
ROWS = [ROW, {"age": None, "hours": 5, "sector": None}, {"age": 71.25, "hours": 12.5, "sector": "private"}]
LISTS = [list(row.values()) for row in ROWS]
SECRET = "very-secret-payload"
PROBABILITIES = {"predict_method": "predict_proba"}


@pytest.fixture(scope="module")
def expected(caller):
    """What the records protocol answers."""
    return caller.post("/v1/models/income/predict", json={"rows": ROWS}).raise_for_status().json()["predictions"]


def labels(expected):
    return [each["label"] for each in expected]


def written(rows, names=NAMES) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerows([names, *rows])
    return sink.getvalue().encode()


@pytest.mark.parametrize(
    "asked",
    [
        {"dataframe_split": {"columns": NAMES, "index": [0, 1, 2], "data": LISTS}},
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"instances": LISTS},
        {"inputs": LISTS},
        {"inputs": {name: [row[name] for row in ROWS] for name in NAMES}},
        {"inputs": LISTS, "params": {"predict_method": "predict"}},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_a_plain_question_is_answered_with_a_label_for_each_row_as_pyfunc_answers(caller, expected, asked):
    answer = caller.post(ASK, json=asked).raise_for_status()
    assert answer.json() == {"predictions": labels(expected)}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("media", ["text/csv", "text/csv; charset=utf-8", 'Text/CSV;charset="UTF-8"'])
def test_csv_is_answered_alike(caller, expected, media):
    told = caller.post(ASK, content=written(LISTS), headers={"content-type": media}).raise_for_status().json()
    assert told == {"predictions": labels(expected)}


def test_a_csv_body_is_answered_as_the_same_file_is(house, caller, tmp_path):
    rows = [["40", "38.5", "public"], [" NA", "+5.", "?"], ["71.25", "1e1", "TRUE"], ["nan", ".5", "007"]]
    file = tmp_path / "rows.csv"
    file.write_bytes(written(rows))
    answered = csv.DictReader(io.StringIO(house.platform.serving.predict_file("income", file, by=house.by).payload.decode()))
    offline = [[float(row["probability_high"]), float(row["probability_low"])] for row in answered]
    told = caller.post(ASK, content=file.read_bytes(), headers={"content-type": "text/csv"}).raise_for_status().json()
    assert told["predictions"] == ["high" if high >= low else "low" for high, low in offline]


def test_the_parameters_of_the_content_type_are_as_mlflow_sends_them(caller, expected):
    asked = json.dumps({"inputs": LISTS}).encode()
    told = caller.post(ASK, content=asked, headers={"content-type": "application/json; charset=utf-8"}).raise_for_status().json()
    assert told == {"predictions": labels(expected)}


def test_probabilities_are_one_parameter_away(caller, expected):
    told = caller.post(ASK, json={"inputs": LISTS, "params": PROBABILITIES}).raise_for_status().json()
    assert told == {
        "predictions": [list(each["probabilities"].values()) for each in expected],
        "classes": list(expected[0]["probabilities"]),
    }


def test_features_whose_value_training_never_saw_are_named(caller):
    rows = [*LISTS, [17, 100, "Public"]]
    told = caller.post(ASK, json={"inputs": rows}).raise_for_status().json()
    assert told["unfamiliar"] == [[], [], [], ["age", "hours", "sector"]]


def test_a_word_that_json_has_not_is_a_missing_value(caller, expected):
    asked = json.dumps({"dataframe_split": {"columns": NAMES, "data": [LISTS[0], [float("nan"), 5, None], LISTS[2]]}})
    assert "NaN" in asked
    told = caller.post(ASK, content=asked, headers={"content-type": "application/json"}).raise_for_status().json()
    assert told["predictions"] == labels(expected)


@pytest.mark.parametrize(
    "path", ["/models/income:1/invocations", "/models/income/versions/1/invocations", "/endpoints/income/invocations"]
)
def test_a_model_has_the_addresses_that_clients_ask(caller, path):
    assert caller.post(path, json={"inputs": LISTS}).status_code == 200


def test_an_answer_is_on_record_and_its_receipt_verifies(house, caller):
    answer = caller.post(ASK, json={"inputs": LISTS}).raise_for_status()
    assert answer.headers["x-modelward-model"] == "income:1"
    (entry,) = house.logged(request=answer.headers["x-request-id"], event="inference.answered")
    assert entry.index == int(answer.headers["x-modelward-ledger-index"])
    assert entry.facts["rows"] == 3
    text = caller.get(f"/api/v1/receipts/{entry.request}").raise_for_status().text
    key = caller.get("/api/v1/ledger/key").raise_for_status().text
    assert verify_receipt(text, public_key=key).entry.request == entry.request


def test_a_model_answers_as_a_server_of_mlflow_that_serves_it_alone(caller):
    for place in ("/models/income", "/models/income/versions/1"):
        assert caller.get(f"{place}/ping").status_code == 200
        assert caller.get(f"{place}/health").status_code == 200
        assert caller.get(f"{place}/version").text == __version__
    assert caller.get("/models/nobody/ping").status_code == 404
    assert caller.get("/models/income/versions/2/ping").status_code == 404


def test_whether_a_model_answers_is_told_to_those_alone_who_may_ask_it(house, server, stranger):
    for model in ("income", "nobody"):
        assert stranger.get(f"/models/{model}/ping").status_code == 401
        with client(server.url, house.key(models=["other"])) as other:
            assert other.get(f"/models/{model}/ping").status_code == 403


@pytest.mark.parametrize(
    ("status", "code", "path", "asked"),
    [
        (400, "BAD_REQUEST", ASK, {"inputs": []}),
        (400, "BAD_REQUEST", ASK, {"inputs": [[1, SECRET, "x"]]}),
        (400, "BAD_REQUEST", ASK, {"data": LISTS}),
        (400, "BAD_REQUEST", ASK, [SECRET]),
        (400, "INVALID_PARAMETER_VALUE", ASK, {"inputs": LISTS, "params": {"temperature": SECRET}}),
        (400, "INVALID_PARAMETER_VALUE", ASK, {"inputs": LISTS, "params": {"predict_method": SECRET}}),
        (400, "INVALID_PARAMETER_VALUE", ASK, {"inputs": LISTS, "params": {"predict_method": None}}),
        (404, "RESOURCE_DOES_NOT_EXIST", "/models/nobody/invocations", {"inputs": LISTS}),
        (404, "RESOURCE_DOES_NOT_EXIST", "/models/income/versions/7/invocations", {"inputs": LISTS}),
        (404, "RESOURCE_DOES_NOT_EXIST", "/models/income/versions/x/invocations", {"inputs": LISTS}),
        (404, "RESOURCE_DOES_NOT_EXIST", "/models/income/nothing", {"inputs": LISTS}),
        (413, "BAD_REQUEST", ASK, {"inputs": LISTS * 22}),
        (413, "BAD_REQUEST", ASK, {"inputs": [[1, 2, "x" * 70_000]]}),
    ],
    ids=str,
)
def test_failures_have_the_codes_of_mlflow_and_quote_nothing(caller, status, code, path, asked):
    answer = caller.post(path, json=asked)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert set(told) == {"error_code", "message"}
    assert told["error_code"] == code
    assert SECRET not in answer.text


def test_who_may_not_ask_is_told_in_the_codes_of_mlflow(house, server, stranger):
    answer = stranger.post(ASK, json={"inputs": LISTS})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")
    with client(server.url, house.key(Role.AUDITOR)) as auditor:
        answer = auditor.post(ASK, json={"inputs": LISTS})
        assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_another_method_is_told_in_the_way_of_mlflow(caller):
    answer = caller.get(ASK)
    assert (answer.status_code, answer.json()["error_code"]) == (405, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("media", "told"),
    [
        ("text/plain", "application/json and text/csv"),
        ("application/x-www-form-urlencoded", "application/json and text/csv"),
        ("application/vnd.apache.parquet", "application/json and text/csv"),
        ("application/json; charset=latin-1", "Only UTF-8"),
        ("text/csv; charset=utf-16", "Only UTF-8"),
        ("application/json; format=pandas-split", "a parameter that is not read"),
    ],
)
def test_another_kind_of_body_is_refused_in_plain_text(caller, media, told):
    answer = caller.post(ASK, content=SECRET.encode(), headers={"content-type": media})
    assert answer.status_code == 415
    assert answer.headers["content-type"].startswith("text/plain")
    assert told in answer.text
    assert SECRET not in answer.text


def test_a_body_that_does_not_say_what_it_is_is_refused(caller):
    asked = caller.build_request("POST", ASK, content=b"{}")
    assert "content-type" not in asked.headers
    assert caller.send(asked).status_code == 415


def basic(secret, user="anybody") -> dict:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def test_a_key_may_be_the_password_of_basic_where_models_are_asked(house, stranger):
    key = house.key()
    for user in ("", "anybody", "ключ"):
        assert stranger.post(ASK, json={"inputs": LISTS}, headers=basic(key, user)).status_code == 200
    assert stranger.get("/models/income/ping", headers=basic(key)).status_code == 200
    assert stranger.post("/v1/models/income/predict", json={"rows": ROWS}, headers=basic(key)).status_code == 200
    for wrong in (
        basic("mw_nonsense"),
        basic(""),
        {"authorization": "Basic"},
        {"authorization": "Basic ÿ"},
        {"authorization": "Basic mw_"},
    ):
        headers = {name: value.encode("latin-1") for name, value in wrong.items()}
        answer = stranger.post(ASK, json={"inputs": LISTS}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_basic_opens_no_route_that_changes_anything(house, stranger):
    """A browser would repeat it by itself, whoever made it ask."""
    headers = basic(house.key(Role.ADMINISTRATOR))
    assert stranger.get("/api/v1/models", headers=headers).status_code == 401
    assert stranger.post("/api/v1/keys", json={}, headers=headers).status_code == 401


def test_what_a_proxy_adds_to_all_requests_makes_nobody_somebody_else(house, server):
    """One connection carries the requests of several callers, with the proxy's own Basic in each of them."""
    may, may_not = house.key(), house.key(models=["other"])
    proxy = {"authorization": "Basic cHJveHk6aXRzZWxm"}
    with client(server.url) as http:
        assert http.post(ASK, json={"inputs": LISTS}, headers=proxy | {"x-api-key": may}).status_code == 200
        assert http.post(ASK, json={"inputs": LISTS}, headers=proxy | {"x-api-key": may_not}).status_code == 403
        assert http.post(ASK, json={"inputs": LISTS}, headers=proxy).status_code == 401


def test_a_path_in_other_clothes_is_the_same_path(house, server):
    body = json.dumps({"inputs": LISTS}).encode()
    head = (
        f"host: a\r\nauthorization: Bearer {house.key()}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    for path in ("/models/income%3A1/invocations", "/models/income/invocations?x=1"):
        assert raw(server.port, f"POST {path} HTTP/1.1\r\n{head}".encode() + body).status == 200
