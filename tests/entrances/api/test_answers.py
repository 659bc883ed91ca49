# SPDX-License-Identifier: Apache-2.0
"""Versions that answer with texts or with numbers, in every protocol over HTTP."""

import struct

import jsonschema
import pytest

from entrances import takers
from entrances.asking import until
from entrances.speakers import register

KINDS = ("Answer", "RankingAnswer", "TextAnswer", "ValuesAnswer")
SAID = ["abc", "x", None, "Ａbc def ghi"]
WRITTEN = ["bcd", "y", "", "bcd!efg"]
# Of the last text there is more than is read.
CUT = [[], [], [], ["said"]]
ROWS = [{"said": text} for text in SAID]


@pytest.fixture(scope="module", autouse=True)
def speakers(house, caller):
    """All of them are live, and the server has heard of it."""
    registry = house.platform.registry
    names = [*register(registry, by=house.by), *takers.register(registry, by=house.by)]
    for name in names:
        house.make_live(name)
    for model in [name.partition(":")[0] for name in names]:
        until(lambda model=model: caller.get(f"/v2/models/{model}").is_success)


def test_a_text_is_answered_in_the_protocol_of_records(caller):
    told = caller.post("/v1/models/echo/predict", json={"rows": ROWS}).raise_for_status().json()
    assert told["predictions"] == [
        {"text": text, "unfamiliar": [], **({"cut": names} if names else {})} for text, names in zip(WRITTEN, CUT, strict=True)
    ]
    assert (told["model"], told["version"]) == ("echo", 1)
    alone = [caller.post("/v1/models/echo/predict", json={"rows": [row]}).json()["predictions"][0] for row in ROWS]
    assert alone == told["predictions"]


def test_numbers_are_told_by_their_names_or_in_their_shape(caller):
    asked = {"rows": [{"x": 2, "y": 3}, {"x": 20, "y": 1}]}
    sums = caller.post("/v1/models/sums/predict", json=asked).raise_for_status().json()["predictions"]
    assert sums == [
        {"values": {"sum": 5.0, "difference": -1.0}, "unfamiliar": []},
        {"values": {"sum": 21.0, "difference": 19.0}, "unfamiliar": ["x"]},
    ]
    grid = caller.post("/v1/models/grid/predict", json=asked).raise_for_status().json()["predictions"]
    assert [each["values"] for each in grid] == [[[5.0, -1.0]], [[21.0, 19.0]]]


def test_the_open_inference_protocol_names_the_one_output(caller):
    told = caller.get("/v2/models/echo").raise_for_status().json()
    assert told["outputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert caller.get("/v2/models/grid").json()["outputs"] == [{"name": "values", "datatype": "FP32", "shape": [-1, 1, 2]}]
    asked = {"inputs": [{"name": "said", "datatype": "BYTES", "shape": [2], "data": ["abc", "äb"]}]}
    (output,) = caller.post("/v2/models/echo/infer", json=asked).raise_for_status().json()["outputs"]
    assert output == {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["bcd", "åc"]}
    wrong = caller.post("/v2/models/echo/infer", json={**asked, "outputs": [{"name": "label"}]})
    assert wrong.status_code == 400
    assert "There are: text." in wrong.json()["error"]


def test_packed_outputs_hold_the_same(caller):
    def packed(model, inputs):
        asked = {"inputs": inputs, "parameters": {"binary_data_output": True}}
        answer = caller.post(f"/v2/models/{model}/infer", json=asked).raise_for_status()
        return answer.content[int(answer.headers["inference-header-content-length"]) :]

    text = packed("echo", [{"name": "said", "datatype": "BYTES", "shape": [1], "data": ["äb"]}])
    assert text == struct.pack("<I", 3) + "åc".encode()
    inputs = [{"name": name, "datatype": "FP32", "shape": [1, 1], "data": [value]} for name, value in {"x": 2, "y": 3}.items()]
    assert packed("grid", inputs) == struct.pack("<2f", 5, -1)
    (output,) = caller.post("/v2/models/grid/infer", json={"inputs": inputs}).json()["outputs"]
    assert (output["shape"], output["data"]) == ([1, 1, 2], [5.0, -1.0])


def test_mlflow_gets_texts_and_numbers_and_no_probabilities_of_them(caller):
    asked = {"dataframe_records": ROWS}
    assert caller.post("/models/echo/invocations", json=asked).raise_for_status().json() == {"predictions": WRITTEN, "cut": CUT}
    sums = caller.post("/models/sums/invocations", json={"inputs": [[2, 3]]}).raise_for_status().json()
    assert sums == {"predictions": [{"sum": 5.0, "difference": -1.0}]}
    wrong = caller.post("/models/echo/invocations", json={**asked, "params": {"predict_method": "predict_proba"}})
    assert wrong.status_code == 400
    assert "this version answers with text" in wrong.text


MADE = [{"town": "north", "price": 0.3}, {"town": "2", "price": 0.7}]
ORDERS = [{"seed": 3, "level": "low"}, {"seed": 7, "level": "high"}]


def test_a_row_that_was_made_is_told_in_the_units_and_words_of_its_table_by_every_protocol(caller):
    told = caller.post("/v1/models/maker/predict", json={"rows": ORDERS}).raise_for_status().json()["predictions"]
    assert [each["values"] for each in told] == MADE
    scored = caller.post("/models/maker/invocations", json={"dataframe_records": ORDERS}).raise_for_status().json()
    assert scored == {"predictions": MADE}
    outputs = [{"name": "town", "datatype": "BYTES", "shape": [-1]}, {"name": "price", "datatype": "FP32", "shape": [-1]}]
    assert caller.get("/v2/models/maker").raise_for_status().json()["outputs"] == outputs
    inputs = [
        {"name": "seed", "datatype": "INT64", "shape": [2, 1], "data": [3, 7]},
        {"name": "level", "datatype": "BYTES", "shape": [2, 1], "data": ["low", "high"]},
    ]
    town, price = caller.post("/v2/models/maker/infer", json={"inputs": inputs}).raise_for_status().json()["outputs"]
    assert town == outputs[0] | {"shape": [2], "data": ["north", "2"]}
    assert price == outputs[1] | {"shape": [2], "data": [0.3, 0.7]}
    asked = {"inputs": inputs, "outputs": [{"name": each, "parameters": {"binary_data": True}} for each in ("price", "town")]}
    answer = caller.post("/v2/models/maker/infer", json=asked).raise_for_status()
    packed = answer.content[int(answer.headers["inference-header-content-length"]) :]
    assert packed == struct.pack("<2f", 0.3, 0.7) + struct.pack("<I", 5) + b"north" + struct.pack("<I", 1) + b"2"


WHOLE = "Row 2: feature 'seed' must be a whole number from 0 to 99"
NAMED = "Row 2: feature 'level' must be one of the texts low, high"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"seed": -1}, f"{WHOLE}."),
        ({"seed": 100}, f"{WHOLE}."),
        ({"seed": 2**70}, f"{WHOLE}."),
        ({"seed": 1.5}, f"{WHOLE}."),
        ({"seed": None}, f"{WHOLE}, and is null."),
        ({"seed": "3"}, f"{WHOLE}, and is text."),
        ({"seed": True}, f"{WHOLE}, and is true or false."),
        ({"level": "medium"}, f"{NAMED}."),
        ({"level": ""}, f"{NAMED}."),
        ({"level": None}, f"{NAMED}, and is null."),
        ({"level": 3}, f"{NAMED}, and is a number."),
    ],
)
def test_a_seed_and_a_class_that_there_are_not_are_refused_by_every_protocol(caller, order, said):
    rows = [ORDERS[0], ORDERS[1] | order]
    for place, body in (("/v1/models/maker/predict", {"rows": rows}), ("/models/maker/invocations", {"dataframe_records": rows})):
        answer = caller.post(place, json=body)
        assert answer.status_code == 400
        assert said in answer.text


def test_a_seed_may_be_written_with_a_point(caller):
    told = caller.post("/v1/models/maker/predict", json={"rows": [{"seed": 3.0, "level": "low"}]}).raise_for_status().json()
    assert told["predictions"][0] == {"values": MADE[0], "unfamiliar": []}


def test_only_probabilities_are_explained(administrator):
    answer = administrator.post("/v1/models/echo/explain", json={"rows": ROWS[:1]})
    assert answer.status_code == 400
    assert "only probabilities of classes are explained" in answer.json()["error"]


def test_the_document_lists_every_kind_of_answer(caller):
    paths = caller.get("/api/openapi.json").json()["paths"]
    schema = paths["/v1/models/{model}/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [each["$ref"].rpartition("/")[2] for each in schema["anyOf"]] == [*KINDS]


@pytest.fixture(scope="module")
def document(caller):
    return caller.get("/api/openapi.json").json()


def fitting(document, answer) -> list[str]:
    """The kinds of answers whose schema this one fits."""
    held = {"components": document["components"]}
    named = {kind: {"$ref": f"#/components/schemas/{kind}", **held} for kind in KINDS}
    return [kind for kind, schema in named.items() if jsonschema.Draft202012Validator(schema).is_valid(answer)]


@pytest.mark.parametrize(
    ("model", "row", "kind"),
    [
        ("income", {"age": 30, "hours": 40, "sector": "public"}, "Answer"),
        ("swing", {"wave": [1, 2]}, "Answer"),
        ("shop", {"history": ["a"]}, "RankingAnswer"),
        ("echo", {"said": "abc"}, "TextAnswer"),
        ("sums", {"x": 2, "y": 3}, "ValuesAnswer"),
        ("grid", {"x": 2, "y": 3}, "ValuesAnswer"),
        ("maker", {"seed": 3, "level": "low"}, "ValuesAnswer"),
    ],
)
def test_an_answer_is_of_the_one_kind_that_the_document_says(caller, document, model, row, kind):
    told = caller.post(f"/v1/models/{model}/predict", json={"rows": [row]}).raise_for_status().json()
    assert fitting(document, told) == [kind]
    assert fitting(document, {**told, "predictions": [{}]}) == [], "a schema refuses something"


def test_the_document_has_an_example_of_every_kind_of_answer(document):
    route = document["paths"]["/v1/models/{model}/predict"]["post"]["responses"]["200"]["content"]["application/json"]
    found = [fitting(document, each["value"]) for each in route["examples"].values()]
    assert {kind for kinds in found for kind in kinds} == set(KINDS)
    assert all(len(kinds) == 1 for kinds in found)
