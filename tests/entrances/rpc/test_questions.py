# SPDX-License-Identifier: Apache-2.0
"""Messages that contradict themselves or the model are refused, whichever way their data comes."""

import struct

import pytest

from entrances.points import INTERFACE as POINTS
from modelward.entrances.rpc.messages import message
from modelward.entrances.rpc.questions import asking
from modelward.errors import InvalidError
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
