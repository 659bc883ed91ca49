# SPDX-License-Identifier: Apache-2.0
"""What may come in from outside, and what never does."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import pickletools
import zipfile
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelward.digest import canonical_json, sha256_hex
from modelward.registry import (
    ForbiddenFileError,
    GraphUnfitError,
    ImportMissingError,
    PredictionFailedError,
    SignatureInvalidError,
    Signer,
    UnrunnableGraphError,
    UnsafeGraphError,
    UnsafePathError,
    UnusableImportError,
)
from modelward.registry.contents import check_content
from registry.tiny import INTERFACE, OPSETS, ROWS, make_graph, new_key


class Bomb:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("/tmp/modelward-was-here"),))


def zipped() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Bomb()))
    return sink.getvalue()


def saved_objects() -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.array([Bomb()]), allow_pickle=True)
    return sink.getvalue()


PICKLES = {f"protocol {number}": pickle.dumps(Bomb(), protocol=number) for number in range(2, 6)} | {
    "framed": pickletools.optimize(pickle.dumps([Bomb()] * 3)),
    "zip": zipped(),
    "npy": saved_objects(),
    "gzip": gzip.compress(pickle.dumps(Bomb())),
    "bzip2": bz2.compress(pickle.dumps(Bomb())),
    "xz": lzma.compress(pickle.dumps(Bomb())),
    "zlib": zlib.compress(pickle.dumps(Bomb())),
}


@pytest.mark.parametrize(
    "name", ["model.pkl", "model.joblib", "model.pt", "weights.bin", "model.npz", "model.zip", "run.py", "model", "x.PKL"]
)
def test_a_pickle_is_refused_by_its_name(name):
    with pytest.raises(ForbiddenFileError, match="skl2onnx"):
        check_content(name, b"harmless text")


@pytest.mark.parametrize(
    "name", ["model.onnx", "model.safetensors", "notes.json", "notes.md", "notes.txt", "plot.svg", "page.html"]
)
@pytest.mark.parametrize("kind", PICKLES)
def test_a_pickle_is_refused_by_its_content_whatever_its_name(name, kind):
    with pytest.raises(ForbiddenFileError, match="skl2onnx"):
        check_content(name, PICKLES[kind])


def safetensors(header: object, body: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + body


TENSOR = {"weights": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"format": "pt"}}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.onnx", make_graph()),
        ("model.safetensors", safetensors(TENSOR, b"\0" * 8)),
        ("preparation.json", b'{"steps": []}'),
        ("README.md", "# Über dieses Modell\n".encode()),
        ("zx.txt", b"ZF starts this line by chance"),
        ("plot.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("empty.txt", b""),
    ],
)
def test_files_that_are_what_their_name_says_are_taken(name, data):
    check_content(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff" * 64),
        ("model.safetensors", safetensors(b"not json", b"\0" * 8)),
        ("model.safetensors", safetensors(TENSOR, b"\0" * 7)),
        ("model.safetensors", safetensors({"a": {"data_offsets": "0"}})),
        ("a.json", b"{"),
        ("a.json", b"[" * 100_000),
        ("a.txt", b"\xff\xfe"),
        ("a.md", b"text\x00"),
    ],
)
def test_files_that_are_not_what_their_name_says_are_refused(name, data):
    with pytest.raises(ForbiddenFileError, match="not what its name says"):
        check_content(name, data)


def changed(change) -> bytes:
    model = onnx.load_model_from_string(make_graph())
    change(model)
    return model.SerializeToString()


def external(tensor: onnx.TensorProto) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def in_a_branch(model: onnx.ModelProto) -> None:
    """A tensor of another file, hidden in a graph inside a node inside a graph inside a node."""
    constant = helper.make_node("Constant", [], ["c"], value=helper.make_tensor("t", TensorProto.FLOAT, [1], [0.0]))
    external(constant.attribute[0].t)
    inner = helper.make_graph([constant], "inner", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1])])
    node = helper.make_node("If", ["gap"], ["unused"], then_branch=inner, else_branch=inner)
    outer = helper.make_graph([node], "outer", [], [helper.make_tensor_value_info("unused", TensorProto.FLOAT, [1])])
    model.graph.node.append(helper.make_node("If", ["gap"], ["unused2"], then_branch=outer, else_branch=outer))


def in_a_function(model: onnx.ModelProto) -> None:
    call = helper.make_node("Shell", ["x"], ["y"], domain="evil")
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], [call], OPSETS))


@pytest.mark.parametrize(
    ("change", "wording"),
    [
        (lambda model: external(model.graph.initializer[0]), "another file"),
        (in_a_branch, "another file"),
        (lambda model: model.graph.node.append(helper.make_node("Shell", ["age"], ["y"], domain="evil")), "'evil'"),
        (lambda model: model.graph.node.append(helper.make_node("Attention", ["age"], ["y"], domain="com.microsoft")), "microsoft"),
        (in_a_function, "'evil'"),
        (lambda model: model.graph.ClearField("node"), "empty"),
    ],
)
def test_a_graph_that_reaches_outside_is_refused(change, wording):
    with pytest.raises(UnsafeGraphError, match=wording):
        check_content("model.onnx", changed(change))


@pytest.mark.parametrize("data", [b"", b"garbage", make_graph()[:-7], b"\x08\x0a" * 50])
def test_what_is_no_graph_is_refused(data):
    with pytest.raises((UnsafeGraphError, ForbiddenFileError)):
        check_content("model.onnx", data)


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "theirs"
    made.mkdir()
    (made / "model.onnx").write_bytes(make_graph())
    (made / "interface.json").write_bytes(INTERFACE.to_json())
    (made / "README.md").write_text("# Theirs")
    return made


def test_a_folder_with_graph_and_interface_is_imported_as_it_is(registry, ledger, admin, folder):
    version = registry.import_folder(folder, "income", by=admin, purpose="testing")
    assert (version.name, version.interface, version.lineage.recipe, version.purpose) == (
        "income:1",
        INTERFACE,
        "imported",
        "testing",
    )
    assert registry.read(version, "model.onnx") == make_graph()
    assert registry.read(version, "imported/README.md") == b"# Theirs"
    assert ledger.entries(event="version.imported")[0].entry.subject == "income:1"
    columns = INTERFACE.columns(ROWS)
    assert registry.open(version).predict(columns).shape == (2, 2)


def test_one_graph_alone_is_imported_and_its_interface_inferred(registry, admin, tmp_path):
    (tmp_path / "theirs.onnx").write_bytes(make_graph())
    version = registry.import_folder(tmp_path / "theirs.onnx", "income", by=admin)
    assert [(feature.name, feature.kind) for feature in version.interface.features] == [
        ("age", "number"),
        ("hours", "number"),
        ("job", "category"),
    ]
    assert version.interface.classes == ("0", "1")


def test_nothing_is_written_when_a_pickle_lies_in_the_folder(registry, vault, admin, folder):
    (folder / "scaler.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ForbiddenFileError, match=r"scaler\.pkl"):
        registry.import_folder(folder, "income", by=admin)
    assert list(vault.digests()) == []
    assert registry.models(by=admin) == []
    assert not Path("/tmp/modelward-was-here").exists()


def test_a_pickle_alone_is_refused(registry, admin, tmp_path):
    (tmp_path / "model.pkl").write_bytes(PICKLES["protocol 4"])
    with pytest.raises(ForbiddenFileError, match="can run any program"):
        registry.import_folder(tmp_path / "model.pkl", "income", by=admin)
    (tmp_path / "model.onnx").write_bytes(PICKLES["protocol 4"])
    with pytest.raises(ForbiddenFileError, match="a pickle"):
        registry.import_folder(tmp_path / "model.onnx", "income", by=admin)


def test_links_and_strange_names_are_refused(registry, admin, folder):
    (folder / "passwd.txt").symlink_to("/etc/passwd")
    with pytest.raises(UnusableImportError, match="link"):
        registry.import_folder(folder, "income", by=admin)
    (folder / "passwd.txt").unlink()
    (folder / ".hidden.txt").write_text("")
    with pytest.raises(UnsafePathError):
        registry.import_folder(folder, "income", by=admin)


def test_nothing_to_import_is_said(registry, admin, tmp_path):
    with pytest.raises(ImportMissingError):
        registry.import_folder(tmp_path / "nowhere", "income", by=admin)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnusableImportError, match="0 ONNX graphs"):
        registry.import_folder(tmp_path / "empty", "income", by=admin)
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / "empty" / name).write_bytes(make_graph())
    with pytest.raises(UnusableImportError, match="2 ONNX graphs"):
        registry.import_folder(tmp_path / "empty", "income", by=admin)


def test_an_exported_version_comes_back_with_its_origin_where_its_signature_is_checked(registry, admin, exported):
    original = registry.find("income:1", by=admin)
    believed = registry.import_folder(exported, "copy", by=admin, public_key=registry.public_key)
    assert (believed.lineage, believed.interface, believed.owner) == (original.lineage, original.interface, original.owner)
    assert registry.read(believed, "preparation.json") == registry.read(original, "preparation.json")
    unchecked = registry.import_folder(exported, "copy", by=admin)
    assert unchecked.lineage.recipe == "imported"
    columns = INTERFACE.columns(ROWS)
    answers = [registry.open(version).predict(columns) for version in (original, believed, unchecked)]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_a_signature_asked_for_must_hold(registry, admin, exported, folder):
    with pytest.raises(SignatureInvalidError, match="another key"):
        registry.import_folder(exported, "copy", by=admin, public_key=Signer(new_key()).public_key)
    with pytest.raises(SignatureInvalidError, match="no signature"):
        registry.import_folder(folder, "copy", by=admin, public_key=registry.public_key)
    (exported / "preparation.json").write_text("{}")
    with pytest.raises(SignatureInvalidError, match=r"preparation\.json"):
        registry.import_folder(exported, "copy", by=admin, public_key=registry.public_key)


def matrix_graph(
    *, width=3, label=TensorProto.INT64, outputs=("output_label", "output_probability"), kind=TensorProto.FLOAT
) -> bytes:
    """What exporters write: one matrix in, an integer label and probabilities under names of their own."""
    weights = np.linspace(-1, 1, width * 2, dtype=np.float32).reshape(width, 2)
    nodes = [
        helper.make_node("Cast", ["X"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["floats", "W"], ["scores"]),
        helper.make_node("Softmax", ["scores"], [outputs[1]], axis=1),
        helper.make_node("ArgMax", ["scores"], [outputs[0]], axis=1, keepdims=0),
    ]
    ends = [
        helper.make_tensor_value_info(outputs[0], label, [None]),
        helper.make_tensor_value_info(outputs[1], TensorProto.FLOAT, [None, 2]),
    ]
    start = [helper.make_tensor_value_info("X", kind, [None, width])]
    graph = helper.make_graph(nodes, "matrix", start, ends, initializer=[onnx.numpy_helper.from_array(weights, "W")])
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=10).SerializeToString()


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE])
@pytest.mark.parametrize("outputs", [("output_label", "output_probability"), ("label", "probabilities"), ("x0", "x1")])
def test_a_graph_over_one_matrix_is_asked_by_named_features(registry, admin, tmp_path, outputs, kind):
    import onnxruntime

    (tmp_path / "m.onnx").write_bytes(matrix_graph(outputs=outputs, kind=kind))
    version = registry.import_folder(tmp_path / "m.onnx", "flowers", by=admin)
    assert [feature.name for feature in version.interface.features] == ["x0", "x1", "x2"]
    rows = np.random.default_rng(7).normal(size=(5, 3)).astype(np.float32)
    answer = registry.open(version).predict(
        version.interface.columns([dict(zip(("x0", "x1", "x2"), map(float, row), strict=True)) for row in rows])
    )
    alone = onnxruntime.InferenceSession(matrix_graph(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(answer, alone.run(["output_probability"], {"X": rows})[0], atol=1e-6)
    onnx.checker.check_model(onnx.load_model_from_string(registry.read(version, "model.onnx")))


def test_an_interface_names_the_columns_of_a_matrix_and_its_classes(registry, admin, tmp_path):
    features = [{"name": name, "kind": "number"} for name in ("length", "width", "X")]
    given = {"features": features, "target": "kind", "classes": ["rose", "tulip"]}
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "any.onnx").write_bytes(matrix_graph())
    (tmp_path / "theirs" / "interface.json").write_text(json.dumps(given))
    version = registry.import_folder(tmp_path / "theirs", "flowers", by=admin)
    assert version.interface.classes == ("rose", "tulip")
    row = {"length": 1, "width": 2, "X": 3}
    assert registry.open(version).predict(version.interface.columns([row])).shape == (1, 2)
    given["features"].pop()
    (tmp_path / "theirs" / "interface.json").write_text(json.dumps(given))
    with pytest.raises(GraphUnfitError, match="3 columns"):
        registry.import_folder(tmp_path / "theirs", "flowers", by=admin)


def test_a_real_scikit_learn_model_is_imported_with_its_class_names(registry, admin, tmp_path):
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    data = rng.normal(size=(60, 4)).astype(np.float32)
    fitted = LogisticRegression().fit(data, np.where(data[:, 0] > 0, "yes", "no"))
    opset = {"": 21, "ai.onnx.ml": 3}
    (tmp_path / "lr.onnx").write_bytes(to_onnx(fitted, data[:1], options={"zipmap": False}, target_opset=opset).SerializeToString())
    version = registry.import_folder(tmp_path / "lr.onnx", "flowers", by=admin)
    assert version.interface.classes == ("no", "yes")
    columns = version.interface.columns([{f"x{n}": float(value) for n, value in enumerate(row)} for row in data])
    np.testing.assert_allclose(registry.open(version).predict(columns), fitted.predict_proba(data), atol=1e-5)
    (tmp_path / "zip.onnx").write_bytes(to_onnx(fitted, data[:1], target_opset=opset).SerializeToString())
    with pytest.raises(GraphUnfitError, match="zipmap"):
        registry.import_folder(tmp_path / "zip.onnx", "flowers", by=admin)


def test_a_graph_that_does_not_fit_its_interface_is_not_registered(registry, admin, folder):
    other = INTERFACE.to_json().replace(b'"hours"', b'"minutes"')
    (folder / "interface.json").write_bytes(other)
    with pytest.raises(GraphUnfitError, match=r"hours|minutes"):
        registry.import_folder(folder, "income", by=admin)


@pytest.mark.parametrize("operator", ["Identity", "NoSuchOperator"])
def test_a_graph_that_gives_scores_or_cannot_run_is_not_imported(registry, vault, admin, tmp_path, operator):
    model = onnx.load_model_from_string(matrix_graph())
    softmax = next(node for node in model.graph.node if node.op_type == "Softmax")
    softmax.op_type = operator
    del softmax.attribute[:]
    bias = onnx.numpy_helper.from_array(np.array([5.0, -5.0], np.float32), "B")
    model.graph.initializer.append(bias)
    model.graph.node.insert(2, helper.make_node("Add", ["scores", "B"], ["shifted"]))
    softmax.input[0] = "shifted"
    (tmp_path / "scores.onnx").write_bytes(model.SerializeToString())
    with pytest.raises((PredictionFailedError, UnrunnableGraphError)):
        registry.import_folder(tmp_path / "scores.onnx", "flowers", by=admin)
    assert list(vault.digests()) == []


def looping(times: int | None) -> bytes:
    """A classifier that goes round in a loop so many times before it answers; None is as often as its input says."""
    value = helper.make_tensor_value_info
    ends = {"age": ("v_in", "v_out"), "go": ("c_in", "c_out")}
    inside = [helper.make_node("Identity", [start], [end]) for start, end in ends.values()]
    came = [value("i", TensorProto.INT64, []), value("c_in", TensorProto.BOOL, []), value("v_in", TensorProto.FLOAT, [None, 1])]
    gave = [value("c_out", TensorProto.BOOL, []), value("v_out", TensorProto.FLOAT, [None, 1])]
    asked = [helper.make_node("ReduceMax", ["age"], ["most"], keepdims=0), helper.make_node("Cast", ["most"], ["asked"], to=7)]
    nodes = [
        *asked,
        helper.make_node(
            "Loop",
            ["asked" if times is None else "times", "go", "age"],
            ["late"],
            body=helper.make_graph(inside, "body", came, gave),
        ),
        helper.make_node("Sigmoid", ["late"], ["high"]),
        helper.make_node("Sub", ["one", "high"], ["low"]),
        helper.make_node("Concat", ["high", "low"], ["probabilities"], axis=1),
    ]
    held = [
        helper.make_tensor("times", TensorProto.INT64, [], [times or 0]),
        helper.make_tensor("go", TensorProto.BOOL, [], [True]),
        helper.make_tensor("one", TensorProto.FLOAT, [1, 1], [1.0]),
    ]
    made = helper.make_graph(
        nodes, "loop", [value("age", TensorProto.FLOAT, [None, 1])], [value("probabilities", TensorProto.FLOAT, [None, 2])], held
    )
    return helper.make_model(made, opset_imports=OPSETS, ir_version=10).SerializeToString()


def test_a_graph_that_never_answers_is_given_up(registry, admin, tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(looping(3))
    assert registry.import_folder(tmp_path / "model.onnx", "loop", by=admin).number == 1
    monkeypatch.setattr("modelward.registry.opened._BOUND_SECONDS", 0.2)
    (tmp_path / "model.onnx").write_bytes(looping(2**62))
    with pytest.raises(PredictionFailedError, match="no answer to 1 rows within"):
        registry.import_folder(tmp_path / "model.onnx", "loop", by=admin)
    assert [version.number for version in registry.versions("loop", by=admin)] == [1]


def test_a_version_says_whose_signature_its_origin_was_believed_of(registry, exported, admin):
    believed = registry.import_folder(exported, "copy", by=admin, public_key=registry.public_key)
    assert believed.facts["signed_by"] == sha256_hex(registry.public_key)
    assert registry.import_folder(exported, "copy", by=admin).facts["signed_by"] == ""


def test_an_imported_graph_that_loops_on_some_input_is_ended(registry, admin, tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(looping(None))
    opened = registry.open(registry.import_folder(tmp_path / "model.onnx", "loop", by=admin))
    monkeypatch.setattr("modelward.registry.opened._BOUND_SECONDS", 0.2)
    few, endless = (opened.interface.columns([{"age": age}]) for age in (3.0, 1e18))
    answer = opened.predict(few)
    with pytest.raises(PredictionFailedError, match=r"loop:1 gave no answer to 1 rows within 0\.3 s"):
        opened.predict(endless)
    assert (opened.predict(few) == answer).all()


@pytest.mark.parametrize("name", ["trust_report.json", "Trust_Report.html", "evidence/plot.json"])
def test_a_manifest_does_not_take_a_name_that_an_assessment_gives(registry, admin, folder, name):
    """Such a version could never be assessed."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    version = registry.import_folder(folder, "income", by=admin)
    file = {"path": name, "digest": sha256_hex(b"{}"), "size_bytes": 2}
    manifest = json.loads(registry.read(version, "manifest.json")) | {"files": [file]}
    (folder / "manifest.json").write_bytes(canonical_json(manifest))
    with pytest.raises(UnusableImportError, match="could never be assessed"):
        registry.import_folder(folder, "mine", by=admin)
