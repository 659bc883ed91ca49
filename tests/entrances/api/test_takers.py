# SPDX-License-Identifier: Apache-2.0
"""Models of histories and of series, in every protocol over HTTP, and by tensors over gRPC."""

import json
import struct

import numpy as np
import pytest

from entrances.asking import until
from entrances.takers import SHOP, SWING, above, ranked, register, shares
from modelward.entrances.rpc.messages import message
from modelward.entrances.rpc.questions import asking

HISTORIES = [["a"], [], ["d", "c", "b", "a"]]
PADDED = [["", "", "a"], ["", "", ""], ["c", "b", "a"]]
WAVES = [[1.0, -2.0], [5.0, 0.5, 0.25, -0.5, -1.0]]
TENSOR = np.array([[1, -2, np.nan, np.nan], [0.5, 0.25, -0.5, -1]], dtype=np.float32)[..., None]
LABELS = [ranked(*each)[0][0] for each in HISTORIES]
ABOVE = [above(*each) for each in WAVES]


@pytest.fixture(scope="module", autouse=True)
def takers(house, caller):
    """Both are live, and the server has heard of it."""
    for name in register(house.platform.registry, by=house.by):
        house.make_live(name)
    for model in ("shop", "swing"):
        until(lambda model=model: caller.get(f"/v2/models/{model}").is_success)


def test_a_ranking_is_answered_in_the_protocol_of_records(caller):
    told = (
        caller.post("/v1/models/shop/predict", json={"rows": [{"history": each} for each in HISTORIES]}).raise_for_status().json()
    )
    for history, each in zip(HISTORIES, told["predictions"], strict=True):
        assert each["label"] == each["ranking"][0]["item"]
        assert [(item["item"], pytest.approx(item["probability"], abs=1e-6)) for item in each["ranking"]] == ranked(*history)


def infer(caller, model, head, packed=b""):
    body = json.dumps({"inputs": [head]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(body))} if packed else {}
    told = caller.post(f"/v2/models/{model}/infer", content=body + packed, headers=headers).raise_for_status().json()
    return {output["name"]: output["data"] for output in told["outputs"]}


def test_the_open_inference_protocol_takes_padded_texts_of_a_history(caller):
    (told,) = caller.get("/v2/models/shop").raise_for_status().json()["inputs"]
    assert told == {"name": "history", "datatype": "BYTES", "shape": [-1, 3]}
    head = {"name": "history", "datatype": "BYTES", "shape": [3, 3]}
    flat = [word for row in PADDED for word in row]
    packed = b"".join(struct.pack("<I", len(word)) + word.encode() for word in flat)
    wanted = [share for history in HISTORIES for share in shares(*history).values()]
    for answer in (
        infer(caller, "shop", head | {"data": flat}),
        infer(caller, "shop", head | {"data": PADDED}),
        infer(caller, "shop", head | {"parameters": {"binary_data_size": len(packed)}}, packed),
    ):
        assert answer["label"] == LABELS
        assert np.ravel(answer["probabilities"]) == pytest.approx(wanted, abs=1e-6)


def test_the_open_inference_protocol_takes_padded_numbers_of_a_series(caller):
    (told,) = caller.get("/v2/models/swing").raise_for_status().json()["inputs"]
    assert told == {"name": "wave", "datatype": "FP32", "shape": [-1, 4, 1]}
    head = {"name": "wave", "datatype": "FP32", "shape": [2, 4, 1]}
    whole = TENSOR[1:]
    answers = [
        infer(caller, "swing", head | {"shape": [1, 4, 1], "data": whole.ravel().tolist()}),
        infer(caller, "swing", head | {"shape": [1, 4, 1], "data": whole.tolist()}),
    ]
    for answer in answers:
        assert np.reshape(answer["probabilities"], (-1, 2))[:, 1] == pytest.approx(ABOVE[1:], abs=1e-6)
    packed = infer(caller, "swing", head | {"parameters": {"binary_data_size": TENSOR.nbytes}}, TENSOR.tobytes())
    assert np.reshape(packed["probabilities"], (-1, 2))[:, 1] == pytest.approx(ABOVE, abs=1e-6)


def over_grpc(interface, name, datatype, shape, *, raw=b"", **contents):
    asked = message("ModelInferRequest")(raw_input_contents=[raw] if raw else ())
    tensor = asked.inputs.add(name=name, datatype=datatype, shape=shape)
    for field, values in contents.items():
        getattr(tensor.contents, field).extend(values)
    return interface.encode([asking(asked, interface, rows_limit=8).table]).columns.apart()[name]


def test_tensors_over_grpc_are_read_alike():
    words = [word.encode() for row in PADDED for word in row]
    packed = b"".join(struct.pack("<I", len(word)) + word for word in words)
    for more in ({"bytes_contents": words}, {"raw": packed}):
        assert over_grpc(SHOP, "history", "BYTES", [3, 3], **more).tolist() == PADDED
    for more in ({"fp32_contents": TENSOR.ravel().tolist()}, {"raw": TENSOR.tobytes()}):
        assert over_grpc(SWING, "wave", "FP32", [2, 4, 1], **more) == pytest.approx(TENSOR, nan_ok=True)


def test_mlflow_takes_lists_in_records_and_splits(caller):
    shop, swing = "/models/shop/invocations", "/models/swing/invocations"
    for asked in (
        {"dataframe_records": [{"history": each} for each in HISTORIES]},
        {"dataframe_split": {"columns": ["history"], "data": [[each] for each in HISTORIES]}},
        {"instances": [{"history": each} for each in HISTORIES]},
    ):
        assert caller.post(shop, json=asked).raise_for_status().json() == {"predictions": LABELS}
    sides = ["above" if each >= 0.5 else "below" for each in ABOVE]
    asked = {"dataframe_records": [{"wave": each} for each in WAVES]}
    assert caller.post(swing, json=asked).raise_for_status().json() == {"predictions": sides}


def test_a_recommendation_is_explained_by_the_entries_of_the_history(administrator):
    answer = administrator.post("/v1/models/shop/explain", json={"rows": [{"history": ["x", "b", "a"]}]})
    (found,) = answer.raise_for_status().json()["explanations"]
    assert (found["label"], found["base_of"]) == ("d", "empty history")
    parts = {part["feature"]: (part["value"], part["contribution"]) for part in found["contributions"]}
    assert list(parts) == ["history[-1]", "history[-2]", "history[-3]"], "what spoke for d comes first"
    assert [value for value, _ in parts.values()] == ["a", "b", "x"]
    assert parts["history[-3]"][1] == pytest.approx(0, abs=1e-6), "an item that nobody knows changes nothing"
    assert found["base"] == pytest.approx(shares()["d"], abs=1e-6)
    assert found["base"] + sum(part[1] for part in parts.values()) == pytest.approx(shares("b", "a")["d"], abs=1e-6)
    assert found["unfamiliar"] == ["history"]


def test_an_answer_to_an_empty_history_has_nothing_to_explain_it_by(administrator):
    asked = {"rows": [{"history": []}], "label": "b"}
    (found,) = administrator.post("/v1/models/shop/explain", json=asked).raise_for_status().json()["explanations"]
    assert (found["label"], found["contributions"]) == ("b", [])
    assert found["probability"] == pytest.approx(shares()["b"], abs=1e-6)


HINT = "It holds NaN, None or Infinity, which JSON has not: write null where a number is missing."


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/v1/models/swing/predict", b'{"rows": [{"wave": [1, NaN]}]}'),
        ("/v1/models/swing/predict", b'{"rows": [{"wave": [1, -Infinity]}]}'),
        (
            "/v2/models/swing/infer",
            b'{"inputs": [{"name": "wave", "datatype": "FP32", "shape": [1, 4, 1], "data": [1, 2, NaN, 3]}]}',
        ),
    ],
)
def test_what_python_writes_for_a_missing_number_is_refused_and_null_is_named(caller, address, body):
    told = caller.post(address, content=body)
    assert told.status_code == 400
    assert HINT in told.text


def test_a_text_that_says_nan_is_not_blamed_for_what_else_is_wrong(caller):
    told = caller.post("/v1/models/swing/predict", content=b'{"rows": [{"wave": "NaN is no \\" number"}, }')
    assert told.status_code == 400
    assert "null where" not in told.text


def test_null_is_read_for_nan_in_every_protocol_and_nan_where_the_client_of_mlflow_writes_it(caller):
    wanted = above(1, -2)
    (told,) = caller.post("/v1/models/swing/predict", json={"rows": [{"wave": [1, None, -2]}]}).json()["predictions"]
    assert told["probabilities"]["above"] == pytest.approx(wanted, abs=1e-6)
    head = {"name": "wave", "datatype": "FP32", "shape": [1, 4, 1], "data": [1, -2, None, None]}
    assert infer(caller, "swing", head)["probabilities"][1] == pytest.approx(wanted, abs=1e-6)
    body = b'{"dataframe_records": [{"wave": [1, -2, NaN]}]}'
    headers = {"content-type": "application/json"}
    assert caller.post("/models/swing/invocations", content=body, headers=headers).json() == {"predictions": ["below"]}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "is empty, and no series was when the version was trained; send one number at least"),
        ([1, True], "holds something that is no number in step 2: each step is a number, null where one is missing"),
        ([1, "2"], "holds something that is no number in step 2"),
        ([[[1]]], "is nested too deep in step 1: each step is a number"),
        ([[1, 2]], "has 2 numbers in step 1, and not 1"),
        (3, "must be a list of numbers and is a number"),
    ],
)
def test_what_is_no_series_is_told_by_row_in_records_and_in_mlflow(caller, value, said):
    rows = [{"wave": [1.0]}, {"wave": value}]
    for answer in (
        caller.post("/v1/models/swing/predict", json={"rows": rows}),
        caller.post("/models/swing/invocations", json={"dataframe_records": rows}),
    ):
        assert answer.status_code in (400, 413, 422)
        assert "Row 2" in answer.text
        assert said in answer.text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shape": [1, 0, 1], "data": []}, "wave"),
        ({"shape": [1, 4, 2], "data": [0] * 8}, "has 2 numbers in step 1, and not 1"),
        ({"data": [1, True, 2, 3]}, "FP32"),
        ({"data": [1, "2", 3, 4]}, "FP32"),
        ({"data": [[[1]], [[2]]]}, "nested otherwise than its shape"),
        ({"data": [None] * 4}, "is empty, and no series was"),
    ],
)
def test_a_tensor_that_is_no_series_is_refused_by_the_open_inference_protocol(caller, changed, said):
    head = {"name": "wave", "datatype": "FP32", "shape": [1, 4, 1], "data": [1, 2, 3, 4]} | changed
    told = caller.post("/v2/models/swing/infer", json={"inputs": [head]})
    assert told.status_code == 400
    assert "wave" in told.text
    assert said in told.text


def test_an_answer_to_a_series_is_explained_by_its_stretches(administrator):
    answer = administrator.post("/v1/models/swing/explain", json={"rows": [{"wave": [9, 0.5, None, -2, 3]}]})
    (found,) = answer.raise_for_status().json()["explanations"]
    assert (found["label"], found["base_of"], found["base"]) == ("above", "empty series", pytest.approx(0.5, abs=1e-6))
    parts = {part["feature"]: part["contribution"] for part in found["contributions"]}
    assert set(parts) == {"wave[-1]", "wave[-2]", "wave[-3]", "wave[-4]"}, "the first step is not read"
    assert parts["wave[-1]"] > 0 > parts["wave[-2]"]
    assert parts["wave[-3]"] == pytest.approx(0, abs=1e-6), "what is missing adds nothing"
    assert found["base"] + sum(parts.values()) == pytest.approx(above(0.5, -2, 3), abs=1e-6)
    assert "of stretches, which are missing where they are not known" in found["method"]
