# SPDX-License-Identifier: Apache-2.0
"""Messages that contradict themselves or the model are refused, whichever way their data comes."""

import json
import struct

import numpy as np
import pytest

from entrances.points import INTERFACE as POINTS
from entrances.speakers import ECHO, MAKER
from modelward.entrances.api.mlflow_scoring import MlflowScoring
from modelward.entrances.open_inference import Wanted, written
from modelward.entrances.rpc.messages import message
from modelward.entrances.rpc.questions import asking
from modelward.errors import InvalidError
from modelward.registry import code_points
from modelward.serving import Computed, as_records
from modelward.serving.computed import CallAnswers
from serving.tiny import INTERFACE as INCOME

TWELVE = struct.pack("<3f", 1, 2, 3)


def question(datatype="FP32", raw=(TWELVE,), shape=(1, 3), inputs=1, name="p", **contents):
    asked = message("ModelInferRequest")(model_name="points", raw_input_contents=raw)
    for _ in range(inputs):
        tensor = asked.inputs.add(name=name, datatype=datatype, shape=shape)
        for field, values in contents.items():
            getattr(tensor.contents, field).extend(values)
    return asked


def test_both_forms_are_read():
    assert len(asking(question(), POINTS, rows_limit=1).table) == 1
    assert len(asking(question(raw=(), fp32_contents=[1, 2, 3]), POINTS, rows_limit=1).table) == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (question(raw=()), "which is 3 values, and its data has 0"),
        (question(raw=(), fp32_contents=[1, 2]), "which is 3 values, and its data has 2"),
        (question(raw=(), fp64_contents=[1, 2, 3]), "is FP32 and has fp64_contents. Send its data as fp32_contents"),
        (question(raw=(), fp32_contents=[1, 2, 3], int_contents=[1]), "is FP32 and has int_contents"),
        (question("FP16", raw=(), fp32_contents=[1, 2, 3]), "is FP16, which typed contents have no form for"),
        (question("BF16", raw=(), fp32_contents=[1, 2, 3]), "is BF16, which typed contents have no form for"),
        (question("INT8", raw=(), int_contents=[1, 2, 128]), "holds values that are not INT8"),
        (question("UINT16", raw=(), uint_contents=[1, 2, 65536]), "holds values that are not UINT16"),
        (question("BOOL", raw=(), bool_contents=[True] * 3), "'x' must be a number and is true or false"),
        (question(raw=(), fp32_contents=[1, float("inf"), 3]), "'y' is not finite"),
        (question(raw=(), fp32_contents=[float("nan"), 2, 3]), "'x'"),
        (question("FP99", raw=()), "datatype 'FP99'"),
        (question(fp32_contents=[1, 2, 3]), "has contents beside raw_input_contents"),
        (question(raw=(TWELVE, TWELVE)), "1 inputs and 2 raw_input_contents"),
        (question(inputs=2), "2 inputs and 1 raw_input_contents"),
        (question(raw=(TWELVE[:-1],)), "which is 12 bytes of FP32, and its data has 11"),
        (question(shape=(-1, 3)), "dimension below one"),
        (question(shape=(2**62, 3)), "is the most"),
        (question(shape=(1, 2**62)), "and its data has 12"),
        (question(inputs=0, raw=()), "no rows"),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(asked, words):
    with pytest.raises(InvalidError, match=words):
        asking(asked, POINTS, rows_limit=64)


def test_texts_are_utf_8():
    asked = message("ModelInferRequest")()
    asked.inputs.add(name="sector", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"\xff")
    with pytest.raises(InvalidError, match="'sector' holds bytes that are not UTF-8"):
        asking(asked, INCOME, rows_limit=64)


def test_a_text_is_answered_in_both_forms():
    answers = CallAnswers(ECHO, code_points(["bcd", "åc"], ECHO.features[0]), [(), ()])
    computed = Computed(answers, 0, 2, "req-1", "echo", 1)
    for raw in (False, True):
        asked = message("ModelInferRequest")(raw_input_contents=[struct.pack("<I", 1) + b"a"] if raw else ())
        tensor = asked.inputs.add(name="said", datatype="BYTES", shape=[1])
        if not raw:
            tensor.contents.bytes_contents.append(b"a")
        answer = message("ModelInferResponse").FromString(asking(asked, ECHO, rows_limit=4).render(computed).body)
        (output,) = answer.outputs
        assert (output.name, output.datatype, [*output.shape]) == ("text", "BYTES", [2])
        if raw:
            assert answer.raw_output_contents[0] == struct.pack("<I", 3) + b"bcd" + struct.pack("<I", 3) + "åc".encode()
        else:
            assert [*output.contents.bytes_contents] == [b"bcd", "åc".encode()]


def test_a_row_that_was_made_comes_as_a_tensor_for_each_value():
    answers = CallAnswers(MAKER, np.array([[0, 0.3], [1, 0.7]], dtype=np.float32), [(), ()])
    computed = Computed(answers, 0, 2, "req-1", "maker", 1)
    for raw in (False, True):
        asked = message("ModelInferRequest")(raw_input_contents=[TWELVE[:4], struct.pack("<I", 3) + b"low"] if raw else ())
        seed = asked.inputs.add(name="seed", datatype="FP32", shape=[1])
        level = asked.inputs.add(name="level", datatype="BYTES", shape=[1])
        if not raw:
            seed.contents.fp32_contents.append(1)
            level.contents.bytes_contents.append(b"low")
        answer = message("ModelInferResponse").FromString(asking(asked, MAKER, rows_limit=4).render(computed).body)
        town, price = answer.outputs
        assert [(each.name, each.datatype, [*each.shape]) for each in answer.outputs] == [
            ("town", "BYTES", [2]),
            ("price", "FP32", [2]),
        ]
        if raw:
            words = struct.pack("<I", 5) + b"north" + struct.pack("<I", 1) + b"2"
            assert [*answer.raw_output_contents] == [words, struct.pack("<2f", 0.3, 0.7)]
        else:
            assert [*town.contents.bytes_contents] == [b"north", b"2"]
            assert [*price.contents.fp32_contents] == [np.float32(0.3), np.float32(0.7)]


def test_a_text_that_was_cut_is_named_in_every_protocol_and_none_in_answers_without(settings):
    answers = CallAnswers(ECHO, code_points(["bcd", "c"], ECHO.features[0]), [(), ()], [(), ("said",)])
    whole, other = Computed(answers, 0, 2, "req-1", "echo", 1), Computed(answers, 0, 1, "req-1", "echo", 1)
    asked = message("ModelInferRequest")()
    asked.inputs.add(name="said", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"a")
    render = asking(asked, ECHO, rows_limit=4).render
    told, silent = (message("ModelInferResponse").FromString(render(each).body).parameters for each in (whole, other))
    assert (json.loads(told["cut"].string_param), "cut" in silent) == ([[], ["said"]], False)
    told, silent = (json.loads(written(each, id=None, wanted=(Wanted("text"),)).body)["parameters"] for each in (whole, other))
    assert (json.loads(told["cut"]), "cut" in silent) == ([[], ["said"]], False)
    render = MlflowScoring(settings).read(b'{"inputs": {"said": ["a"]}}', {b"content-type": b"application/json"}, ECHO).render
    assert [json.loads(render(each).body).get("cut") for each in (whole, other)] == [[[], ["said"]], None]
    told, silent = (json.loads(as_records(each).body)["predictions"] for each in (whole, other))
    assert (told[0].get("cut"), told[1]["cut"], silent[0].get("cut")) == (None, ["said"], None)
