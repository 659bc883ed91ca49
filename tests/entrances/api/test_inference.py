# SPDX-License-Identifier: Apache-2.0
"""Asking a live model over HTTP: in rows of named features, and in Open Inference tensors."""

import csv
import io
import json
import math

import pytest

from entrances.api.house import ROW, body, tensors
from entrances.points import make_live
from modelward.audit import verify_receipt

PREDICT = "/v1/models/income/predict"
INFER = "/v2/models/income/infer"
ROWS = [ROW, {"age": None, "hours": 5, "sector": None}, {"age": 71.25, "hours": 12.5, "sector": "unheard of"}]


SPOT = {"x": 1.2345678901234567, "y": -2.345678901234567, "z": 3.456789012345678}


@pytest.fixture(scope="module", autouse=True)
def points(house):
    make_live(house)


def block(data) -> dict:
    rows = len(data) if isinstance(data[0], list) else len(data) // 3
    return {"inputs": [{"name": "p", "shape": [rows, 3], "datatype": "FP32", "data": data}]}


def low(age, hours, sector) -> float:
    """What the tiny model answers, by hand."""
    return 1 / (1 + math.exp(-(0.05 * (40 if age is None else age) - 0.1 * hours + (1.5 if sector == "public" else 0))))


def test_rows_are_answered_with_label_and_probabilities(caller):
    told = caller.post(PREDICT, content=body(ROWS)).raise_for_status().json()
    assert (told["model"], told["version"]) == ("income", 1)
    for row, prediction in zip(ROWS, told["predictions"], strict=True):
        expected = low(**row)
        assert prediction["probabilities"] == pytest.approx({"high": 1 - expected, "low": expected}, abs=1e-6)
        assert prediction["label"] == ("low" if expected > 0.5 else "high")
        assert prediction["abstained"] is False


def other(value):
    """The same with other numbers."""
    if isinstance(value, dict):
        return {name: other(inner) for name, inner in value.items()}
    return list(map(other, value)) if isinstance(value, list) else value if isinstance(value, str) else 7


def doubled(value) -> str:
    """JSON in which each name stands twice, the first time with other numbers."""
    if isinstance(value, dict):
        said = [f'"{name}":{json.dumps(other(held))},"{name}":{doubled(held)}' for name, held in value.items()]
        return "{" + ",".join(said) + "}"
    return f"[{','.join(map(doubled, value))}]" if isinstance(value, list) else json.dumps(value)


PROBABILITIES = {"predict_method": "predict_proba"}


@pytest.mark.parametrize("many", [1, 60])
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (PREDICT, lambda many: {"rows": [ROW] * many}),
        ("/v1/models/points/predict", lambda many: {"rows": [SPOT] * many}),
        (INFER, lambda many: tensors([ROW] * many)),
        ("/v2/models/points/infer", lambda many: block([[*SPOT.values()]] * many)),
        ("/v2/models/points/infer", lambda many: block([*SPOT.values()] * many)),
        ("/models/income/invocations", lambda many: {"inputs": [ROW] * many, "params": PROBABILITIES}),
        ("/models/points/invocations", lambda many: {"inputs": [[*SPOT.values()]] * many, "params": PROBABILITIES}),
    ],
)
def test_of_a_name_that_stands_twice_the_last_value_counts_in_every_protocol(caller, path, asked, many):
    answers = [
        caller.post(path, content=body, headers={"content-type": "application/json"}).raise_for_status().json()
        for body in (json.dumps(asked(many)), doubled(asked(many)))
    ]
    told = [[answer.get(name) for name in ("predictions", "outputs")] for answer in answers]
    assert told[0] == told[1]


def test_a_body_without_rows_is_shown_how_to_write_them(caller):
    refused = caller.post(PREDICT, json=ROW)
    assert refused.status_code == 400
    assert 'Write {"rows": [{"FEATURE": VALUE' in refused.json()["error"]


def test_each_answer_names_the_features_whose_value_training_never_saw(caller):
    rows = [*ROWS, {"age": 17, "hours": 100, "sector": "Public"}]
    expected = [[], [], ["sector"], ["age", "hours", "sector"]]
    told = caller.post(PREDICT, content=body(rows)).raise_for_status().json()
    assert [prediction["unfamiliar"] for prediction in told["predictions"]] == expected
    told = caller.post(INFER, json=tensors(rows)).raise_for_status().json()
    assert json.loads(told["parameters"]["unfamiliar"]) == expected


@pytest.mark.parametrize(("path", "asked"), [(PREDICT, {"rows": ROWS}), (INFER, tensors(ROWS))])
def test_each_answer_says_who_answered_and_where_it_stands_in_the_ledger(house, caller, path, asked):
    answer = caller.post(path, json=asked).raise_for_status()
    assert answer.headers["x-modelward-model"] == "income:1"
    (entry,) = house.logged(request=answer.headers["x-request-id"], event="inference.answered")
    assert entry.index == int(answer.headers["x-modelward-ledger-index"])
    assert entry.subject == "income:1"
    assert entry.facts["rows"] == 3


def test_the_receipt_of_an_answer_verifies_offline(house, caller):
    request = caller.post(PREDICT, content=body()).json()["request_id"]
    text = caller.get(f"/api/v1/receipts/{request}").raise_for_status().text
    key = caller.get("/api/v1/ledger/key").raise_for_status().text
    assert verify_receipt(text, public_key=key).entry.request == request


def test_a_model_may_be_named_with_its_version(caller):
    assert caller.post("/v1/models/income:1/predict", content=body()).status_code == 200
    refused = caller.post("/v1/models/income:2/predict", content=body())
    assert refused.status_code == 404
    assert "income:1 is" in refused.json()["error"]


def test_an_answer_is_explained_in_the_named_features(house, caller):
    answer = caller.post("/v1/models/income/explain", json={"rows": [ROW], "label": "low"}).raise_for_status()
    (found,) = answer.json()["explanations"]
    assert {part["feature"] for part in found["contributions"]} == set(ROW)
    total = found["base"] + sum(part["contribution"] for part in found["contributions"])
    assert total == pytest.approx(found["probability"], abs=1e-5)
    assert abs(found["residual"]) < 1e-5
    assert found["probability"] == pytest.approx(low(**ROW), abs=1e-6)
    assert answer.headers["x-modelward-model"] == "income:1"
    assert house.logged(request=answer.headers["x-request-id"])[0].event == "inference.explained"


def test_offline_and_online_numbers_are_identical(house, caller, tmp_path):
    file = tmp_path / "rows.csv"
    with file.open("w") as sink:
        writer = csv.DictWriter(sink, ["age", "hours", "sector"])
        writer.writeheader()
        writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in ROWS * 3)
    offline = house.platform.serving.predict_file("income", file, by=house.by)
    answers = list(csv.DictReader(io.StringIO(offline.payload.decode())))
    one_by_one = [caller.post(PREDICT, content=body([row])).json()["predictions"][0] for row in ROWS * 3]
    together = caller.post(PREDICT, content=body(ROWS * 3)).json()["predictions"]
    as_tensors = caller.post(INFER, json=tensors(ROWS * 3)).json()["outputs"][1]["data"]
    assert one_by_one == together
    for at, (alone, answer) in enumerate(zip(one_by_one, answers, strict=True)):
        assert answer["row"] == str(at + 1)
        assert alone["label"] == answer["label"]
        assert alone["unfamiliar"] == json.loads(answer["unfamiliar"] or "[]")
        assert alone["probabilities"] == {name: float(answer[f"probability_{name}"]) for name in ("high", "low")}
        assert as_tensors[2 * at : 2 * at + 2] == list(alone["probabilities"].values())
