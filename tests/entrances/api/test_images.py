# SPDX-License-Identifier: Apache-2.0
"""A model of images is asked in every protocol over HTTP, and by tensors over gRPC, and says the same."""

import json
import struct
from base64 import b64encode

import numpy as np
import pytest

import pictures
from entrances.speakers import ECHO
from modelward.entrances.rpc.messages import message
from modelward.entrances.rpc.questions import asking
from modelward.registry import GRAPH_FILE
from serving.tiny import LINEAGE

GRAPH, INTERFACE = pictures.bright()
SEEN = [pictures.drawn(at % 2, seed=at) for at in range(3)]
FILES = [pictures.png(pixels) for pixels in SEEN]
WORDS = [b64encode(data).decode() for data in FILES]
WANTED = [float(np.float32(pixels.mean() / 255)) for pixels in SEEN]
TENSOR = np.stack(SEEN)[..., None]


@pytest.fixture(scope="module", autouse=True)
def light(house, server):
    said = {"lineage": LINEAGE, "interface": INTERFACE, "purpose": "tests", "owner": "tester", "facts": {}}
    house.make_live(house.platform.registry.register("light", {GRAPH_FILE: GRAPH}, **said, by=house.by).name)


@pytest.mark.parametrize("form", [WORDS, [f"data:image/png;base64,{word}" for word in WORDS], [pixels.tolist() for pixels in SEEN]])
def test_records_hold_files_in_base64_or_lists(caller, form):
    told = caller.post("/v1/models/light/predict", json={"rows": [{"scan": each} for each in form]}).raise_for_status().json()
    assert [each["probabilities"]["bright"] for each in told["predictions"]] == pytest.approx(WANTED, abs=1e-6)


def infer(caller, tensor, packed=b""):
    head = json.dumps({"inputs": [{"name": "scan", **tensor}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))} if packed else {}
    answer = caller.post("/v2/models/light/infer", content=head + packed, headers=headers)
    answer.raise_for_status()
    (found,) = [output["data"] for output in answer.json()["outputs"] if output["name"] == "probabilities"]
    return np.array(found).reshape(-1, 2)[:, 0].tolist()


def test_the_open_inference_protocol_takes_tensors_of_pixels_and_bytes_of_files(caller):
    (told,) = caller.get("/v2/models/light").raise_for_status().json()["inputs"]
    assert told == {"name": "scan", "datatype": "UINT8", "shape": [-1, 12, 12, 1]}
    pixels = {"datatype": "UINT8", "shape": [3, 12, 12, 1]}
    texts = {"datatype": "BYTES", "shape": [3]}
    packed = b"".join(struct.pack("<I", len(data)) + data for data in FILES)
    answers = [
        infer(caller, pixels | {"data": TENSOR.ravel().tolist()}),
        infer(caller, pixels | {"data": TENSOR.tolist()}),
        infer(caller, pixels | {"parameters": {"binary_data_size": TENSOR.nbytes}}, TENSOR.tobytes()),
        infer(caller, texts | {"data": WORDS}),
        infer(caller, texts | {"parameters": {"binary_data_size": len(packed)}}, packed),
    ]
    for answer in answers:
        assert answer == pytest.approx(WANTED, abs=1e-6)


WRONG_TENSORS = {
    "another rank": ({"datatype": "UINT8", "shape": [1, 12, 12], "data": [0] * 144}, "must have the shape"),
    "other channels": ({"datatype": "UINT8", "shape": [1, 12, 12, 2], "data": [0] * 288}, "whole numbers from 0 to 255"),
    "too few": ({"datatype": "UINT8", "shape": [1, 12, 12, 1], "data": [0] * 9}, "which is 144 values"),
    "too bright": ({"datatype": "UINT8", "shape": [1, 2, 2, 1], "data": [1, 2, 3, 256]}, "not UINT8"),
    "fractions": ({"datatype": "FP32", "shape": [1, 2, 2, 1], "data": [0.5] * 4}, "whole numbers from 0 to 255"),
    "otherwise nested": ({"datatype": "UINT8", "shape": [1, 2, 2, 1], "data": [[[1], [2]], [[3], [4]]]}, "nested otherwise"),
    "no file": ({"datatype": "BYTES", "shape": [1], "data": ["c2VjcmV0"]}, "no PNG or JPEG"),
    "five dimensions": ({"datatype": "UINT8", "shape": [1, 1, 1, 1, 1], "data": [1]}, "must have the shape"),
}


@pytest.mark.parametrize("name", WRONG_TENSORS)
def test_a_tensor_that_is_no_image_is_refused(caller, name):
    tensor, why = WRONG_TENSORS[name]
    answer = caller.post("/v2/models/light/infer", json={"inputs": [{"name": "scan", **tensor}]})
    assert answer.status_code == 400
    assert why in answer.json()["error"]


def test_mlflow_takes_them_in_each_of_its_shapes(caller):
    bodies = [
        {"dataframe_split": {"columns": ["scan"], "data": [[word] for word in WORDS]}},
        {"dataframe_records": [{"scan": word} for word in WORDS]},
        {"instances": WORDS},
        {"instances": [pixels.tolist() for pixels in SEEN]},
        {"inputs": {"scan": [pixels.tolist() for pixels in SEEN]}},
    ]
    for body in bodies:
        asked = body | {"params": {"predict_method": "predict_proba"}}
        told = caller.post("/models/light/invocations", json=asked).raise_for_status().json()
        assert np.array(told["predictions"])[:, 0].tolist() == pytest.approx(WANTED, abs=1e-6), list(body)
    lines = "scan\n" + "\n".join(WORDS)
    told = caller.post("/models/light/invocations", content=lines, headers={"content-type": "text/csv"}).raise_for_status().json()
    assert len(told["predictions"]) == 3


def test_a_call_takes_pixels_and_files():
    def table(**tensor):
        raw = tensor.pop("raw", ())
        asked = message("ModelInferRequest")(model_name="light", raw_input_contents=raw)
        given = asked.inputs.add(name="scan", datatype=tensor["datatype"], shape=tensor["shape"])
        if "files" in tensor:
            given.contents.bytes_contents.extend(tensor["files"])
        return INTERFACE.encode([asking(asked, INTERFACE, rows_limit=9).table]).columns["scan"]

    for found in (
        table(datatype="UINT8", shape=[3, 12, 12, 1], raw=(TENSOR.tobytes(),)),
        table(datatype="BYTES", shape=[3], files=FILES),
        table(datatype="BYTES", shape=[3, 1], files=[word.encode() for word in WORDS]),
    ):
        assert np.array_equal(found, TENSOR)


def test_bytes_that_are_no_text_are_refused_where_text_belongs():
    asked = message("ModelInferRequest")(model_name="echo")
    asked.inputs.add(name="said", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"\xff")
    with pytest.raises(Exception, match=r"not UTF-8\. Send text"):
        asking(asked, ECHO, rows_limit=9)


def test_an_image_is_explained_by_its_patches(caller):
    half = np.zeros((12, 12), dtype=np.uint8)
    half[:, 6:] = 255
    asked = {"rows": [{"scan": b64encode(pictures.png(half)).decode()}], "label": "bright"}
    (found,) = caller.post("/v1/models/light/explain", json=asked).raise_for_status().json()["explanations"]
    assert (found["base_of"], found["base"]) == ("blank image", pytest.approx(0.5, abs=0.01))
    parts = {each["feature"]: each["contribution"] for each in found["contributions"]}
    assert len(parts) == 64
    assert parts["scan[0:1,0:1]"] < 0 < parts["scan[10:12,10:12]"]
    assert abs(found["residual"]) < 1e-3
