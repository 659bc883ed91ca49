# SPDX-License-Identifier: Apache-2.0
"""Tensors in all their forms: JSON, packed bytes and gRPC's contents say the same; and what is malformed is refused."""

import json
import math
import struct

import msgspec
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from entrances.points import INTERFACE as POINTS
from modelward.entrances.api.open_inference import OpenInference
from modelward.entrances.open_inference.json_values import numbers_of_json
from modelward.entrances.open_inference.packed_values import packed_texts
from modelward.entrances.rpc.messages import message
from modelward.entrances.rpc.questions import asking
from modelward.errors import InvalidError
from modelward.registry import Feature, Interface
from modelward.serving import TooManyRowsError
from modelward.settings import Settings
from serving.tiny import INTERFACE as INCOME

CODES = {"FP16": "<f2", "FP32": "<f4", "FP64": "<f8"} | {
    f"{sign}INT{8 * size}": f"<{sign.lower() or 'i'}{size}" for sign in ("", "U") for size in (1, 2, 4, 8)
}
FLAGS = Interface(features=(Feature("flag", "category"), Feature("word", "category")), target="t", classes=("a", "b"))
PROSE = Interface(features=(Feature("review", "text", length=9, lowercase=True),), target="t", classes=("a", "b"))
LIMIT = 64
LARGEST = float(np.finfo(np.float32).max)


@pytest.fixture(scope="module")
def dialect(tmp_path_factory):
    return OpenInference(Settings(home=tmp_path_factory.mktemp("home"), rows_limit=LIMIT))


def shown(interface, asking):
    """What a graph would be given, so that equal means equal to the bit."""
    encoded = interface.encode([asking.table])
    columns = {
        name: column.tolist() if column.dtype == object else column.tobytes() for name, column in sorted(encoded.columns.items())
    }
    return columns, encoded.unfamiliar


def in_json(inputs, *, is_nested=False, separators=(",", ":"), **more):
    """A body and its headers. `inputs` are names, datatypes and arrays."""
    tensors = [
        {"name": name, "shape": list(array.shape), "datatype": datatype, "data": (array if is_nested else array.ravel()).tolist()}
        for name, datatype, array in inputs
    ]
    return json.dumps({"inputs": tensors, **more}, separators=separators).encode(), {}


def packed(datatype, array):
    return packed_texts(array.ravel().tolist()) if datatype == "BYTES" else array.tobytes()


def in_bytes(inputs, **more):
    data = [packed(datatype, array) for _, datatype, array in inputs]
    tensors = [
        {"name": name, "shape": list(array.shape), "datatype": datatype, "parameters": {"binary_data_size": len(held)}}
        for (name, datatype, array), held in zip(inputs, data, strict=True)
    ]
    head = json.dumps({"inputs": tensors, **more}).encode()
    return head + b"".join(data), {b"inference-header-content-length": str(len(head)).encode()}


FIELDS = {"BOOL": "bool_contents", "INT64": "int64_contents", "UINT64": "uint64_contents", "FP32": "fp32_contents"} | {
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def field_of(datatype):
    return FIELDS.get(datatype) or ("uint_contents" if datatype.startswith("U") else "int_contents")


def over_grpc(inputs, *, is_raw):
    request = message("ModelInferRequest")(model_name="m")
    for name, datatype, array in inputs:
        tensor = request.inputs.add(name=name, datatype=datatype)
        tensor.shape.extend(array.shape)
        if is_raw:
            request.raw_input_contents.append(packed(datatype, array))
        else:
            values = [value.encode() for value in array.ravel().tolist()] if datatype == "BYTES" else array.ravel().tolist()
            getattr(tensor.contents, field_of(datatype)).extend(values)
    return message("ModelInferRequest").FromString(request.SerializeToString())


def forms(dialect, interface, inputs):
    """The same tensors, read out of each form that can hold them."""
    yield "JSON", dialect.read(*in_json(inputs), interface)
    yield "spaced JSON", dialect.read(*in_json(inputs, separators=(", ", ": ")), interface)
    yield "nested JSON", dialect.read(*in_json(inputs, is_nested=True), interface)
    yield "bytes", dialect.read(*in_bytes(inputs), interface)
    yield "raw", asking(over_grpc(inputs, is_raw=True), interface, rows_limit=LIMIT)
    if not any(datatype == "FP16" for _, datatype, _ in inputs):
        yield "typed", asking(over_grpc(inputs, is_raw=False), interface, rows_limit=LIMIT)


def numbers(datatype):
    if datatype.startswith("FP"):
        width = int(datatype[2:])
        bound = LARGEST if width == 64 else float(np.finfo(f"f{width // 8}").max)
        return st.floats(-bound, bound, width=width, allow_nan=False, allow_infinity=False)
    info = np.iinfo(CODES[datatype])
    return st.integers(int(info.min), int(info.max))


@st.composite
def blocks(draw):
    datatype = draw(st.sampled_from(sorted(CODES)))
    rows = draw(st.integers(1, LIMIT))
    values = draw(st.lists(numbers(datatype), min_size=3 * rows, max_size=3 * rows))
    return datatype, np.array(values, dtype=CODES[datatype]).reshape(rows, 3)


@given(blocks())
@settings(max_examples=120, deadline=None)
def test_one_tensor_of_all_features_is_the_same_table_in_every_form(dialect, block):
    datatype, array = block
    inputs = [("anything", datatype, array)]
    (_, first), *others = forms(dialect, POINTS, inputs)
    expected = {name: array[:, place].astype(np.float32).tobytes() for place, name in enumerate("xyz")}
    assert shown(POINTS, first)[0] == expected
    for form, other in others:
        assert shown(POINTS, other) == shown(POINTS, first), form


@given(blocks(), st.booleans())
@settings(max_examples=120, deadline=None)
def test_a_tensor_for_each_feature_is_the_same_table_as_one_of_all(dialect, block, is_flat):
    datatype, array = block
    # A list of Python integers is rounded by way of float64 and an array is not; both are right within float32.
    assume(datatype not in {"INT64", "UINT64"} or int(np.abs(array.astype(np.float64)).max()) < 2**53)
    together = dialect.read(*in_bytes([("anything", datatype, array)]), POINTS)
    columns = [(name, datatype, array[:, place].reshape(-1) if is_flat else array[:, [place]]) for place, name in enumerate("xyz")]
    for form, other in forms(dialect, POINTS, columns):
        assert shown(POINTS, other) == shown(POINTS, together), form


words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6, width=32), st.floats(1, 99, width=32), words), min_size=1, max_size=LIMIT))
@settings(max_examples=80, deadline=None)
def test_numbers_and_texts_are_the_same_table_in_every_form(dialect, rows):
    ages, hours, sectors = zip(*rows, strict=True)
    inputs = [
        ("sector", "BYTES", np.array(sectors, dtype=object).reshape(-1, 1)),
        ("age", "FP32", np.array(ages, dtype="<f4").reshape(-1, 1)),
        ("hours", "FP64", np.array(hours, dtype="<f8").reshape(-1, 1)),
    ]
    (_, first), *others = forms(dialect, INCOME, inputs)
    columns, _ = shown(INCOME, first)
    assert [text for (text,) in columns["sector"]] == list(sectors)
    assert columns["age"] == np.array(ages, dtype=np.float32).tobytes()
    for form, other in others:
        assert shown(INCOME, other) == shown(INCOME, first), form


@given(st.lists(st.booleans(), min_size=1, max_size=LIMIT))
@settings(max_examples=30, deadline=None)
def test_truth_is_a_category_in_every_form(dialect, truths):
    inputs = [
        ("flag", "BOOL", np.array(truths).reshape(-1, 1)),
        ("word", "BYTES", np.array(["w"] * len(truths), dtype=object).reshape(-1, 1)),
    ]
    for form, read in forms(dialect, FLAGS, inputs):
        assert [text for (text,) in shown(FLAGS, read)[0]["flag"]] == [str(truth).lower() for truth in truths], form


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_a_text_is_the_same_in_every_form(dialect, shape):
    texts = ["Ｇut \r\n", "第二行 🙂", "x" * 20_000, "?"]
    expected = PROSE.columns([{"review": text} for text in texts])["review"].tobytes()
    for form, read in forms(dialect, PROSE, [("review", "BYTES", np.array(texts, dtype=object).reshape(shape))]):
        assert shown(PROSE, read) == ({"review": expected}, [()] * 4), form


@pytest.mark.parametrize(("bits", "value"), [(0x3F80, 1.0), (0xC000, -2.0), (0x4049, 3.140625), (0x0001, 9.183549615799121e-41)])
def test_bf16_is_taken_packed(dialect, bits, value):
    array = np.array([[bits, 0, 0]], dtype="<u2")
    head = {"name": "p", "shape": [1, 3], "datatype": "BF16", "parameters": {"binary_data_size": 6}}
    text = json.dumps({"inputs": [head]}).encode()
    read = dialect.read(text + array.tobytes(), {b"inference-header-content-length": b"%d" % len(text)}, POINTS)
    assert shown(POINTS, read)[0]["x"] == np.float32(value).tobytes()
    with pytest.raises(InvalidError, match="JSON has no form for"):
        dialect.read(
            json.dumps({"inputs": [{"name": "p", "shape": [1, 3], "datatype": "BF16", "data": [1, 2, 3]}]}).encode(), {}, POINTS
        )


def test_half_precision_means_the_same_in_json_as_in_bytes(dialect):
    read = dialect.read(one(datatype="FP16", data=[0.1, 65504, 1e-9]), {}, POINTS)
    packed_halves = with_bytes(np.array([0.1, 65504, 1e-9], dtype="<f2").tobytes(), datatype="FP16")
    assert shown(POINTS, read) == shown(POINTS, dialect.read(*packed_halves, POINTS))
    assert shown(POINTS, read)[0]["x"] == np.float32(np.float16(0.1)).tobytes() != np.float32(0.1).tobytes()


def test_missing_values_are_null_in_json_and_nan_in_bytes(dialect):
    array = np.array([[1, 2, math.nan], [3, 4, 5]], dtype="<f4")
    told = in_json([("p", "FP32", array)])[0].replace(b"NaN", b"null")
    read = [dialect.read(told, {}, POINTS), dialect.read(*in_bytes([("p", "FP32", array)]), POINTS)]
    read.append(asking(over_grpc([("p", "FP32", array)], is_raw=False), POINTS, rows_limit=LIMIT))
    columns = [(name, "FP32", array[:, [place]]) for place, name in enumerate("xyz")]
    read.append(dialect.read(in_json(columns)[0].replace(b"NaN", b"null"), {}, POINTS))
    read.append(dialect.read(*in_bytes(columns), POINTS))
    assert len({repr(shown(POINTS, each)) for each in read}) == 1
    for body, heading in (in_json([("p", "FP32", array[:, ::-1])]), in_bytes([("p", "FP32", array[:, ::-1])])):
        with pytest.raises(InvalidError, match="'x'"):
            dialect.read(body.replace(b"NaN", b"null"), heading, POINTS)


# Numbers that parsers get wrong: halves between two floats, subnormals, the largest, exponents, signs, many digits.
NASTY_TEXT = """
0 -0 -0.0 0.1 1e0 1E5 1e+5 1e-5 5e-324 2.2250738585072011e-308 2.2250738585072014e-308 1.7976931348623157e308 1e-400
1e23 9007199254740993 9007199254740993.0 123456789012345678 18446744073709551615 -9223372036854775808 0.000001
3.4028234663852886e38 1.00000005960464477539 1.00000005960464477540 16777217 16777219 8.5e-46 1.401298464324817e-45
7.0064923216240854e-46
3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628034825342117067982148086513 1e15
1e16 1e17 0.30000000000000004 2.5 3.5 179769313486231580793728971405301e270 -3.0e-0 10000000000000000000.0
"""
NASTY = NASTY_TEXT.split()


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False).map(repr)
        | st.sampled_from(NASTY)
        | st.integers(-(2**63), 2**64 - 1).map(str),
        min_size=1,
        max_size=60,
    )
)
@example(NASTY)
@settings(max_examples=300, deadline=None)
def test_the_fast_reader_of_numbers_reads_what_the_decoder_reads(texts):
    data = f"[{','.join(texts)}]".encode()
    expected = msgspec.json.decode(data, type=list[float])
    found = numbers_of_json(data, rows=len(texts), width=1)
    assert found is not None
    assert found.tolist() == expected == [float(text) for text in texts]
    with np.errstate(over="ignore"):
        assert found.astype(np.float32).tolist() == np.array(expected).astype(np.float32).tolist()


@pytest.mark.parametrize(
    "data",
    [
        *("[1,true]", "[1,null]", '[1,"2"]', "[1,{}]", "[1,[2]]", "[[1],2]", "[[1,2]]", "[[1],[2],[3]]", "[[[1]],[[2]]]"),
        *("[1]", "[1,2,3]", "[1,2", "1,2]", "[1 2]", "[1,,2]", "[1,2,]", "[01,2]", "[.5,2]", "[5.,2]", "[+1,2]", "[NaN,2]"),
        *("[Infinity,2]", "[0x1,2]", "[1e400,2]", "[1,2]3", "[1,2][3]", "{}", "3", "", "[]", "[1_0,2]", "[1,2]\x00", "[\u0661,2]"),
        "[" * 5000,
    ],
)  # fmt: skip
def test_the_fast_reader_leaves_all_else_to_the_decoder(data):
    assert numbers_of_json(data.encode(), rows=2, width=1) is None


def test_the_fast_reader_takes_flat_and_nested_numbers_alike():
    flat, nested = (numbers_of_json(data, rows=2, width=2) for data in (b"[1, 2,\n3,4]", b" [[1,2] , [3,4]] "))
    assert flat.tolist() == nested.tolist() == [1, 2, 3, 4]


def test_the_fast_reader_takes_no_ragged_rows():
    assert numbers_of_json(b"[[1,2,3],[4,5,6]]", rows=2, width=3) is not None
    for ragged in (b"[[1,2],[3,4,5,6]]", b"[[1,2,3,4],[5,6]]", b"[[1,2,3],[4,5,6],[]]", b"[[1,[2],3]]", b"[[[1,2,3]],4,5,6]"):
        assert numbers_of_json(ragged, rows=2, width=3) is None


def long_body(text='"data":', **more):
    numbers = [[at / 7, -at / 3, at * 1e3] for at in range(60)]
    tensor = {"name": "p", "shape": [60, 3], "datatype": "FP32", "data": np.array(numbers).ravel().tolist()}
    body = json.dumps({"inputs": [tensor], **more}, separators=(",", ":"))
    assert len(body) > 2048
    return body.replace('"data":', text, 1).encode()


@pytest.mark.parametrize(
    "body",
    [
        long_body('"data" : '),
        long_body('"d\\u0061ta":'),
        long_body('"parameters":{},"data":'),
        long_body('"parameters":{"data":0},"data":'),
        long_body('"parameters":{"a\\"data":"x"},"data":'),
        long_body('"ignored":{"data":[1,2,3]},"data":'),
        long_body('"ignored":{"data":["]","}","\\"data\\":[1]"]},"data":'),
        long_body('"data":[[9]],"data":'),
        long_body(id='"data":[1,2,3]'),
        long_body(id="}]"),
        long_body().replace(b'"name":"p"', b'"name":"data"'),
        long_body().replace(b'"name":"p"', b'"name":"\\"data\\":["'),
        long_body()[:-3] + b',"parameters":{"x":"]"}}]}',
        long_body()[:-3] + b',"more":[{}]}]}',
    ],
)
def test_a_long_question_is_read_alike_however_it_is_written(dialect, body):
    plain = dialect.read(long_body(), {}, POINTS)
    read = dialect.read(body, {}, POINTS)
    assert shown(POINTS, read) == shown(POINTS, plain)
    assert json.loads(body)["inputs"][0]["shape"] == [len(plain.table), 3], "it is JSON"


@pytest.mark.parametrize("data", ["text", [], None, {"a": 1}])
def test_numbers_elsewhere_are_never_taken_for_the_data(dialect, data):
    others = {"ignored": {"data": [at / 7 for at in range(180)]}}
    body = json.dumps(others | {"inputs": [tensor(data=data, shape=[60, 3])]}, separators=(",", ":")).encode()
    assert len(body) > 2048
    with pytest.raises(InvalidError):
        dialect.read(body, {}, POINTS)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_long_question_with_a_wound_is_read_as_a_short_decoder_would(dialect, data):
    """Whatever bytes are put into a long body: what is not JSON is refused, and what is taken is what JSON says."""
    body = bytearray(long_body())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        stop = data.draw(st.integers(start, min(len(body), start + 12)))
        body[start:stop] = data.draw(
            st.sampled_from([b"", b"]", b"[", b"}", b"{", b'"', b",", b":", b'"data":[', b"]]", b"0", b"-1", b"\\"])
        )
    body = bytes(body)
    try:
        read = dialect.read(body, {}, POINTS)
    except InvalidError:
        return
    said = json.loads(body)["inputs"][0]
    expected = np.array(said["data"], dtype=np.float64).reshape(said["shape"]).astype(np.float32)
    for place, name in enumerate("xyz"):
        assert shown(POINTS, read)[0][name] == expected[:, place].tobytes()


def tensor(**values):
    return {"name": "p", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]} | values


def one(**values):
    return json.dumps({"inputs": [tensor(**values)]}).encode()


def three(at=0, names="xyz", **values):
    """A tensor for each feature, one of them changed."""
    inputs = [{"name": name, "shape": [2, 1], "datatype": "FP32", "data": [1, 2]} for name in names]
    inputs[at] |= values
    return json.dumps({"inputs": inputs}).encode()


CANARY = "canary-41c2"


def test_a_tensor_for_each_feature_is_read_whatever_its_order(dialect):
    inputs = json.loads(three(data=[3, 4], shape=[2]))["inputs"]
    read = dialect.read(json.dumps({"inputs": inputs[::-1]}).encode(), {}, POINTS)
    columns, _ = shown(POINTS, read)
    assert [np.frombuffer(columns[name], dtype=np.float32).tolist() for name in "xyz"] == [[3, 4], [1, 2], [1, 2]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (one(shape=[2, 3]), r"has the shape \[2, 3\], which is 6 values, and its data has 3"),
        (one(shape=[1, 4], data=[1, 2, 3, 4]), "3: x, y, z"),
        (one(shape=[1, 3, 1]), r"must have the shape \[rows\]"),
        (one(shape=[]), r"must have the shape \[rows\]"),
        (one(shape=[-1, 3]), "dimension below one"),
        (one(shape=[-1, -3]), "dimension below one"),
        (one(shape=[0, 3], data=[]), "dimension below one"),
        (one(shape=[1, 0], data=[]), "dimension below one"),
        (one(shape=[1, 2**63]), r"9223372036854775808 values"),
        (one(shape=[1, 2**63 // 3 * 3]), "values, and its data has 3"),
        (one(shape=[1.5, 2]), "Expected `int`, got `float`"),
        (one(shape=[True, 3]), "Expected `int`, got `bool`"),
        (one(shape="13"), "Expected `array`"),
        (one(datatype="FP99"), "datatype 'FP99'; there are BF16, BOOL, BYTES, FP16"),
        (one(datatype="fp32"), "datatype 'fp32'"),
        (one(data=[1, 2, CANARY]), "holds values that are not FP32"),
        (one(data=[1, 2, True]), "holds values that are not FP32"),
        (one(data=[1, 2, [3]]), "holds values that are not FP32"),
        (one(data=[[1, 2, 3], [4]], shape=[1, 3]), "nested otherwise"),
        (one(data=[[1, 2, 3], [4, 5]], shape=[2, 3]), "nested otherwise"),
        (one(data=[[1, 2], [3, 4, 5, 6]], shape=[2, 3]), "nested otherwise"),
        (one(data=[[1, 2, 3], [4, 5, 6]], shape=[1, 3]), "which is 3 values, and its data has 6"),
        (one(data=[[1, 2, 3]], shape=[2, 3]), "which is 6 values, and its data has 3"),
        (one(data=[[1e-200] * 3] * 50 + [[1e-200] * 2, [1e-200] * 4], shape=[52, 3]), "nested otherwise"),
        (one(data=[[1], [2], [3]]), "nested otherwise"),
        (one(data=[[[1, 2, 3]]]), "nested otherwise"),
        (one(data=[[[1, 2, 3, 4]] * 3], shape=[4, 3]).replace(b"]]]", b"]]" + b" " * 3000 + b"]"), "nested otherwise"),
        (three(data=[[[1, 2]]]).replace(b"]]]", b"]]" + b" " * 3000 + b"]"), "nested otherwise"),
        (one(data={"a": 1}), "holds values"),
        (one(data=CANARY), "holds values"),
        (one(data=[1, 2, 4e38]), "feature 'z' is not finite or beyond"),
        (one(datatype="FP16", data=[1, 2, 70000]), "holds values that are not FP16"),
        (one(datatype="INT8", data=[1, 2, 128]), "not INT8"),
        (one(datatype="UINT8", data=[1, 2, -1]), "not UINT8"),
        (one(datatype="UINT64", data=[1, 2, 2**64]), "not UINT64"),
        (one(datatype="INT64", data=[1, 2, 2**63]), "not INT64"),
        (one(datatype="INT32", data=[1, 2, 1.5]), "not INT32"),
        (one(datatype="BOOL", data=[True, False, True]), "'x' must be a number and is true or false"),
        (one(datatype="BYTES", data=["1", "2", CANARY]), "'x' must be a number and is text"),
        (one(data=None), "holds values"),
        (b'{"inputs":[{"name":"p","shape":[1,3],"datatype":"FP32"}]}', "has no data"),
        (one(parameters={"binary_data_size": 12}), "has data in JSON and `binary_data_size`"),
        (one(parameters={"shared_memory_region": CANARY}), "shared_memory_region` is not offered"),
        (one(parameters={"a": [1]}), "Expected"),
        (three(name="w"), "'w' is unknown"),
        (three(name="y"), "same name"),
        (three(shape=[1]), r"has the shape \[1\], which is 1 values, and its data has 2"),
        (three(shape=[1, 2]), "more than one column"),
        (three(shape=[2, 1, 1]), r"must have the shape \[rows\]"),
        (three(shape=[1], data=[1]), "has 1 rows and another has 2"),
        (three(data=[1, 4e38]), "Row 2: feature 'x' is not finite or beyond"),
        (three(data=[1, None]), "Row 2: feature 'x' is null"),
        (three(shape=[0], data=[]), "dimension below one"),
        (three(datatype="INT32", data=[1, 2.5]), "not INT32"),
        (three(2, data=[1]), "which is 2 values, and its data has 1"),
        (three(names="xy"), "lacks the feature 'z'"),
        (three(names="xyxy"), "same name"),
        (three(names="xyzx"), "same name"),
        (json.dumps({"inputs": [tensor(), tensor()]}).encode(), "more than one column"),
        (json.dumps({"inputs": [tensor(shape=[1], data=[1]), tensor(shape=[1], data=[1])]}).encode(), "same name"),
        (json.dumps({"inputs": [tensor()], "outputs": [{"name": CANARY * 20}]}).encode(), "No output is called"),
        (json.dumps({"inputs": [tensor()], "outputs": [{"name": "label"}, {"name": "label"}]}).encode(), "asked for twice"),
        (
            json.dumps({"inputs": [tensor()], "outputs": [{"name": "label", "parameters": {"classification": 1}}]}).encode(),
            "classification` is not offered",
        ),
        (json.dumps({"inputs": [tensor()], "parameters": {"sequence_id": 5}}).encode(), "sequence_id` is not offered"),
        (b'{"inputs":' + b"[" * 100_000, "nested deeper than 32"),
        (b'{"more":' + b"[" * 100_000 + b"]" * 100_000 + b',"inputs":[]}', "nested deeper than 32"),
        (b"\xff", "not valid JSON"),
        (b"", "not valid JSON"),
        (b"[]", "no inference request"),
        (b'{"inputs":[{"name":"\xff"}]}', "not valid JSON"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_in_words_without_a_value(dialect, body, words):
    with pytest.raises(InvalidError, match=words) as refused:
        dialect.read(body, {}, POINTS)
    told = dialect.fault(refused.value)
    assert list(json.loads(told.body)) == ["error"]
    assert CANARY * 10 not in told.body.decode(), "a long name is cut"
    if "No output" not in words:
        assert CANARY not in told.body.decode()


def with_bytes(held, length=None, **values):
    head = {"name": "p", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": len(held)}} | values
    text = json.dumps({"inputs": [head]}).encode()
    return text + held, {b"inference-header-content-length": str(len(text) if length is None else length).encode()}


TWELVE = struct.pack("<3f", 1, 2, 3)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (with_bytes(TWELVE + b"x"), "which is 12 bytes of FP32, and its data has 13"),
        (with_bytes(TWELVE[:-1]), "which is 12 bytes of FP32, and its data has 11"),
        (with_bytes(TWELVE, parameters={"binary_data_size": 8}), "which is 12 bytes"),
        (with_bytes(TWELVE, parameters={"binary_data_size": 13}), "says 13 bytes of binary data, and 12 are left"),
        (with_bytes(TWELVE, parameters={"binary_data_size": 2**63}), "says 9223372036854775808 bytes"),
        (with_bytes(TWELVE, parameters={"binary_data_size": -12}), "no number of bytes"),
        (with_bytes(TWELVE, parameters={"binary_data_size": True}), "no number of bytes"),
        (with_bytes(TWELVE, parameters={"binary_data_size": "12"}), "no number of bytes"),
        (with_bytes(TWELVE, parameters={}), "has no data"),
        (with_bytes(TWELVE, parameters={}, data=[1, 2, 3]), "12 bytes follow the last tensor"),
        (with_bytes(TWELVE, length=10_000), "no number of bytes within the body, which has"),
        (with_bytes(TWELVE, length="-1"), "no number of bytes"),
        (with_bytes(TWELVE, length="1e2"), "no number of bytes"),
        (with_bytes(TWELVE, length=""), "no number of bytes"),
        (with_bytes(TWELVE, length="9" * 5000), "no number of bytes"),
        (with_bytes(TWELVE, length=5), "not valid JSON"),
        (with_bytes(TWELVE, length=0), "not valid JSON"),
        (with_bytes(TWELVE, shape=[1, 2**63]), "which is 36893488147419103232 bytes"),
        (with_bytes(TWELVE, shape=[2, 3]), "which is 24 bytes"),
        (with_bytes(struct.pack("<3f", math.inf, 2, 3)), "'x' is not finite"),
        (with_bytes(struct.pack("<3f", math.nan, 2, 3)), "'x'"),
        (with_bytes(b"\x00\x01\x02", datatype="BOOL"), "neither 0 nor 1"),
        (with_bytes(struct.pack("<3d", 1e39, 2, 3), datatype="FP64"), "'x' is not finite or beyond"),
        (with_bytes(b"abc", datatype="BYTES", shape=[1]), "too few for"),
        (with_bytes(b"\x05\x00\x00\x00abc", datatype="BYTES", shape=[1]), "ends in the midst of a text"),
        (with_bytes(b"\xff\xff\xff\xffabcdefgh", datatype="BYTES", shape=[2]), "ends in the midst of a text"),
        (with_bytes(b"\x05\x00\x00\x00abcde\x00\x00", datatype="BYTES", shape=[2]), "ends in the midst of a text"),
        (with_bytes(b"\x01\x00\x00\x00a\x00", datatype="BYTES", shape=[1]), "has 1 bytes more than its 1 BYTES"),
        (with_bytes(b"\x01\x00\x00\x00\xff", datatype="BYTES", shape=[1]), "not UTF-8"),
    ],
)
def test_bytes_that_do_not_add_up_are_refused_in_words(dialect, asked, words):
    with pytest.raises(InvalidError, match=words):
        dialect.read(*asked, POINTS)


def test_more_rows_than_the_limit_are_refused_before_they_are_read(dialect):
    for asked in (
        (one(shape=[LIMIT + 1, 3]), {}),
        (one(shape=[2**70, 3]), {}),
        in_json([("p", "FP32", np.zeros((LIMIT + 1, 3)))]),
        with_bytes(TWELVE, shape=[LIMIT + 1]),
    ):
        with pytest.raises(TooManyRowsError, match=f"{LIMIT} is the most"):
            dialect.read(*asked, POINTS)
    request = over_grpc([("p", "FP32", np.zeros((LIMIT + 1, 3), dtype="<f4"))], is_raw=True)
    with pytest.raises(TooManyRowsError):
        asking(request, POINTS, rows_limit=LIMIT)


def test_a_model_that_takes_texts_is_not_asked_in_one_tensor(dialect):
    with pytest.raises(InvalidError, match=r"takes texts beside numbers\. Send one input for each feature"):
        dialect.read(one(), {}, INCOME)


def test_a_model_of_one_number_takes_it_under_any_name(dialect):
    single = Interface(features=(Feature("only", "number"),), target="t", classes=("a", "b"))
    for name in ("only", "anything"):
        assert len(dialect.read(one(name=name, shape=[3, 1]), {}, single).table) == 3
    assert len(dialect.read(one(name="only", shape=[3]), {}, single).table) == 3
    with pytest.raises(InvalidError, match="'anything' is unknown"):
        dialect.read(one(name="anything", shape=[3]), {}, single)


@given(st.binary(max_size=400), st.sampled_from([None, b"0", b"7", b"40", b"x"]))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused_and_nothing_else(dialect, body, length):
    with pytest.raises(InvalidError):
        dialect.read(body, {} if length is None else {b"inference-header-content-length": length}, POINTS)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["p", "FP32", "BYTES", "label"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "binary_data_size", "name", "data"]), inner, max_size=3)
    ),
    max_leaves=8,
)
mangled = st.fixed_dictionaries(
    {
        "inputs": anything
        | st.lists(st.fixed_dictionaries({key: st.just(value) | anything for key, value in tensor().items()}), max_size=3)
    },
    optional={"outputs": anything, "parameters": anything, "id": anything},
)


@given(mangled, st.integers(0, 20), st.booleans())
@settings(max_examples=400, deadline=None)
def test_whatever_shape_a_request_has_it_is_read_or_refused(dialect, request, trailing, is_said):
    text = json.dumps(request).encode()
    heading = {b"inference-header-content-length": b"%d" % len(text)} if is_said else {}
    try:
        read = dialect.read(text + b"\x00" * trailing, heading, POINTS)
    except InvalidError:
        return
    assert len(read.table) >= 1


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_random_messages_are_refused_and_nothing_else(body):
    try:
        request = message("ModelInferRequest").FromString(body)
    except DecodeError:
        return
    with pytest.raises(InvalidError):
        asking(request, POINTS, rows_limit=LIMIT)
