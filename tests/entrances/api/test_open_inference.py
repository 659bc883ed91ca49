# SPDX-License-Identifier: Apache-2.0
"""Asking a live model in Open Inference tensors over HTTP, by hand: what is said, in which form, and which errors are told."""

import json
import math
import struct

import numpy as np
import pytest

from entrances.api.house import ROW, tensors
from entrances.points import above, make_live
from modelward.access import Role

INFER = "/v2/models/income/infer"
POINTS = "/v2/models/points/infer"
ROWS = [ROW, {"age": None, "hours": 5, "sector": None}, {"age": 71.25, "hours": 12.5, "sector": "unheard of"}]
SPOTS = [[1.5, -2, 3], [0.1, 0.2, 0.3], [-100, 100, 12.25]]
SIDES = [above(*spot) for spot in SPOTS]


def low(age, hours, sector) -> float:
    """What the tiny model answers, by hand."""
    return 1 / (1 + math.exp(-(0.05 * (40 if age is None else age) - 0.1 * hours + (1.5 if sector == "public" else 0))))


@pytest.fixture(scope="module", autouse=True)
def points(house):
    make_live(house)


def test_the_server_and_the_model_describe_themselves(caller):
    told = caller.get("/v2").json()
    assert told["name"] == "modelward"
    assert "binary_tensor_data" in told["extensions"]
    for place in ("/v2/models/income", "/v2/models/income/versions/1"):
        told = caller.get(place).json()
        assert (told["name"], told["versions"], told["platform"]) == ("income", ["1"], "onnxruntime_onnx")
        assert [(given["name"], given["datatype"], given["shape"]) for given in told["inputs"]] == [
            ("age", "FP32", [-1, 1]),
            ("hours", "FP32", [-1, 1]),
            ("sector", "BYTES", [-1, 1]),
        ]
        assert [(given["name"], given["shape"]) for given in told["outputs"]] == [("label", [-1]), ("probabilities", [-1, 2])]
        assert caller.get(f"{place}/ready").json() == {"name": "income", "ready": True}


def test_tensors_are_answered_with_tensors(caller):
    told = caller.post(INFER, json=tensors(ROWS, id="mine-7")).raise_for_status().json()
    assert (told["model_name"], told["model_version"], told["id"]) == ("income", "1", "mine-7")
    label, probabilities = told["outputs"]
    assert (label["datatype"], label["shape"], len(label["data"])) == ("BYTES", [3], 3)
    assert (probabilities["datatype"], probabilities["shape"]) == ("FP32", [3, 2])
    assert probabilities["data"][1::2] == pytest.approx([low(**row) for row in ROWS], abs=1e-6)


def test_an_answer_without_an_id_has_that_of_the_request(caller):
    answer = caller.post(INFER, json=tensors(id=None)).raise_for_status()
    assert answer.json()["id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("wanted", [["label"], ["probabilities"], ["probabilities", "label"]])
def test_the_outputs_asked_for_are_sent_in_that_order(caller, wanted):
    told = caller.post(INFER, json=tensors(ROWS, outputs=[{"name": name} for name in wanted])).json()
    assert [output["name"] for output in told["outputs"]] == wanted


def test_a_flat_shape_and_nested_data_mean_the_same(caller):
    flat, nested = tensors(ROWS, outputs=[{"name": "probabilities"}]), tensors(ROWS, outputs=[{"name": "probabilities"}])
    for tensor in flat["inputs"]:
        tensor["shape"] = [3]
    for tensor in nested["inputs"]:
        tensor["data"] = [[value] for value in tensor["data"]]
    first, second = (caller.post(INFER, json=asked).raise_for_status().json()["outputs"] for asked in (flat, nested))
    assert first == second


@pytest.mark.parametrize("data", [SPOTS, [value for spot in SPOTS for value in spot]], ids=["nested", "flat"])
def test_a_model_of_numbers_takes_them_in_one_tensor_of_any_name(caller, data):
    asked = {
        "inputs": [{"name": "whatever", "shape": [3, 3], "datatype": "FP64", "data": data}],
        "outputs": [{"name": "probabilities"}],
    }
    told = caller.post(POINTS, json=asked).raise_for_status().json()
    assert told["outputs"][0]["data"][1::2] == pytest.approx(SIDES, abs=1e-6)


def test_the_version_route_answers_for_its_version_alone(caller):
    assert caller.post("/v2/models/income/versions/1/infer", json=tensors()).status_code == 200
    assert caller.post("/v2/models/income/versions/2/infer", json=tensors()).status_code == 404
    assert caller.get("/v2/models/income/versions/2/ready").status_code == 404


def in_bytes(outputs=None, **more):
    packed = np.array(SPOTS, dtype="<f4").tobytes()
    head = {"name": "p", "shape": [3, 3], "datatype": "FP32", "parameters": {"binary_data_size": len(packed)}}
    asked = {"inputs": [head], **more} | ({"outputs": outputs} if outputs else {})
    text = json.dumps(asked).encode()
    return {"content": text + packed, "headers": {"Inference-Header-Content-Length": str(len(text))}}


def parts(answer):
    """The JSON of an answer, and the bytes of its packed outputs by name."""
    length = int(answer.headers["inference-header-content-length"])
    assert answer.headers["content-type"] == "application/octet-stream"
    told, rest, held = json.loads(answer.content[:length]), answer.content[length:], {}
    for output in told["outputs"]:
        if (size := output.get("parameters", {}).get("binary_data_size")) is not None:
            assert "data" not in output
            held[output["name"]], rest = rest[:size], rest[size:]
    assert rest == b""
    return told, held


def test_binary_tensors_are_answered_in_json_unless_binary_is_asked_for(caller):
    answer = caller.post(POINTS, **in_bytes()).raise_for_status()
    assert "inference-header-content-length" not in answer.headers
    assert answer.json()["outputs"][1]["data"][1::2] == pytest.approx(SIDES, abs=1e-6)


def test_a_request_may_want_all_outputs_packed(caller):
    told, held = parts(caller.post(POINTS, **in_bytes(parameters={"binary_data_output": True}, id="b")).raise_for_status())
    assert (told["id"], [output["name"] for output in told["outputs"]]) == ("b", ["label", "probabilities"])
    probabilities = np.frombuffer(held["probabilities"], dtype="<f4").reshape(3, 2)
    assert probabilities[:, 1] == pytest.approx(SIDES, abs=1e-6)
    labels = [("above" if side > 0.5 else "below").encode() for side in SIDES]
    assert held["label"] == b"".join(struct.pack("<I", len(label)) + label for label in labels)


def test_each_output_may_be_packed_or_not(caller):
    outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}, {"name": "label"}]
    told, held = parts(caller.post(POINTS, **in_bytes(outputs)).raise_for_status())
    assert list(held) == ["probabilities"]
    assert told["outputs"][1]["data"] == ["above" if side > 0.5 else "below" for side in SIDES]
    outputs = [{"name": "label", "parameters": {"binary_data": False}}, {"name": "probabilities"}]
    told, held = parts(caller.post(POINTS, **in_bytes(outputs, parameters={"binary_data_output": True})).raise_for_status())
    assert list(held) == ["probabilities"]
    assert "data" in told["outputs"][0]


def test_json_tensors_may_be_answered_with_binary_ones(caller):
    asked = tensors(ROWS, parameters={"binary_data_output": True})
    told, held = parts(caller.post(INFER, json=asked).raise_for_status())
    assert np.frombuffer(held["probabilities"], "<f4")[1::2] == pytest.approx([low(**row) for row in ROWS], abs=1e-6)
    assert json.loads(told["parameters"]["unfamiliar"]) == [[], [], ["sector"]]


def test_what_is_committed_to_is_what_was_sent_and_received(house, caller):
    asked = in_bytes(parameters={"binary_data_output": True})
    answer = caller.post(POINTS, **asked).raise_for_status()
    request = answer.headers["x-request-id"]
    (entry,) = house.logged(request=request, event="inference.answered")
    key = house.platform.ledger.request_key(request)
    assert entry.facts["input"] == key.commitment(asked["content"])
    assert entry.facts["output"] == key.commitment(answer.content)


def test_the_index_lists_what_the_caller_may_ask(house, caller, server):
    told = caller.post("/v2/repository/index", json={"ready": True}).raise_for_status().json()
    assert told == [
        {"name": "income", "version": "1", "state": "READY", "reason": ""},
        {"name": "points", "version": "1", "state": "READY", "reason": ""},
    ]
    assert caller.post("/v2/repository/index").json() == told
    own = {"x-api-key": house.key(models=("points",)), "authorization": ""}
    assert [each["name"] for each in caller.post("/v2/repository/index", headers=own).json()] == ["points"]
    none = {"x-api-key": house.key(Role.AUDITOR), "authorization": ""}
    assert caller.post("/v2/repository/index", headers=none).json() == []


def change(at=0, **values):
    asked = tensors()
    asked["inputs"][at] |= values
    return asked


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (change(shape=[2, 1]), "'age' has the shape [2, 1], which is 2 values, and its data has 1"),
        (change(shape=[1, 2]), "2 values, and its data has 1"),
        (change(2, datatype="FP32", data=[1.0]), "'sector' must be text"),
        (change(name="hours"), "same name"),
        (change(name="wage"), "'wage' is unknown"),
        ({"inputs": tensors()["inputs"][:2]}, "lacks the feature 'sector'"),
        ({"inputs": []}, "no rows"),
        (change(1, shape=[2], data=[1, 2]), "has 1 rows and another has 2"),
        (tensors(outputs=[{"name": "wish"}]), "No output is called 'wish'"),
        ({"inputs": "none"}, "Expected `array`"),
        ({}, "missing required field `inputs`"),
    ],
)
def test_tensors_that_contradict_themselves_or_the_model_are_refused(caller, asked, words):
    refused = caller.post(INFER, json=asked)
    assert refused.status_code == 400
    assert list(refused.json()) == ["error"]
    assert words in refused.json()["error"]


def nested(deep):
    return json.loads("[" * deep + "]" * deep)


UNKNOWN = [
    lambda asked, more: asked | {"more": more},
    lambda asked, more: asked | {"inputs": [asked["inputs"][0] | {"more": more}, *asked["inputs"][1:]]},
    lambda asked, more: asked | {"outputs": [{"name": "label", "more": more}]},
]


@pytest.mark.parametrize("place", UNKNOWN, ids=["request", "input", "output"])
@pytest.mark.parametrize("path", [INFER, POINTS])
def test_what_the_protocol_does_not_know_changes_nothing_and_is_no_deeper_than_the_limit(caller, path, place):
    block = {"name": "p", "shape": [1, 3], "datatype": "FP32", "data": SPOTS[0]}
    asked = tensors() if path == INFER else {"inputs": [block]}
    assert caller.post(path, json=place(asked, nested(29))).json()["outputs"][0]["name"] == "label"
    for deep in (33, 900, 2000):
        # Too deep for Python's own writer of JSON.
        data = json.dumps(place(asked, "deep")).replace('"deep"', "[" * deep + "]" * deep)
        refused = caller.post(path, content=data)
        assert refused.status_code == 400
        assert "nested deeper than 32 levels (setting MODELWARD_JSON_DEPTH_LIMIT)" in refused.json()["error"]


def test_more_rows_than_the_limit_are_refused_before_they_are_read(caller):
    refused = caller.post(POINTS, json={"inputs": [{"name": "p", "shape": [2**63, 3], "datatype": "FP32", "data": []}]})
    assert refused.status_code == 413
    assert "64 is the most" in refused.json()["error"]


def test_bytes_that_follow_unannounced_are_refused_in_words(caller):
    packed = json.dumps(tensors()).encode()
    refused = caller.post(INFER, content=packed + b"\x00\x01", headers={"inference-header-content-length": str(len(packed))})
    assert refused.status_code == 400
    assert "2 bytes follow the last tensor" in refused.json()["error"]
    refused = caller.post(INFER, content=packed + b"\x00\x01")
    assert "say its length as Inference-Header-Content-Length" in refused.json()["error"]


def test_a_header_that_a_client_kept_from_another_request_is_named(caller):
    asked = json.dumps(tensors()).encode()
    refused = caller.post(INFER, content=asked, headers={"inference-header-content-length": "57"})
    assert refused.status_code == 400
    assert (
        f"By the header Inference-Header-Content-Length it ends after 57 of the body's {len(asked)} bytes"
        in refused.json()["error"]
    )
    refused = caller.post(INFER, content=asked, headers={"inference-header-content-length": str(len(asked) + 1)})
    assert f"within the body, which has {len(asked)}" in refused.json()["error"]
