# SPDX-License-Identifier: Apache-2.0
"""A model whose answer is its input: a test writes the probabilities of every row, and so knows every figure beforehand."""

from datetime import UTC, datetime

import numpy as np
import onnx
from onnx import TensorProto, helper

from modelward.assessment import Measurement, NearTraining, Sample, TrustReport
from modelward.registry import Feature, Interface, Lineage, OpenVersion, Version

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINEAGE = Lineage(
    dataset="",
    fingerprint="",
    split="",
    spec="b" * 64,
    run="run-1",
    recipe="by-hand",
    parameters={},
    seed=0,
    code="test",
    libraries={},
)
METERED = {
    "parameters": 7,
    "energy_joules": 12.0,
    "energy_low_joules": 6.0,
    "energy_high_joules": 24.0,
    "energy_method": "processor time by watts",
}


def interface(classes=("no", "yes")) -> Interface:
    return Interface(
        features=tuple(Feature(f"p{at}", "number", minimum=0.0, maximum=1.0) for at in range(len(classes))),
        target="answer",
        classes=tuple(classes),
    )


def graph(classes=2) -> bytes:
    names = [f"p{at}" for at in range(classes)]
    nodes = [helper.make_node("Concat", names, ["probabilities"], axis=1)]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in names]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes])]
    made = helper.make_graph(nodes, "echo", inputs, outputs)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def opened(classes=("no", "yes"), *, facts=METERED) -> OpenVersion:
    version = Version(
        model="echo",
        number=1,
        digest="d" * 64,
        files=(),
        lineage=LINEAGE,
        interface=interface(classes),
        purpose="tests",
        owner="tester",
        facts=dict(facts),
        created=datetime(2026, 1, 1, tzinfo=UTC),
        by="person:ada",
    )
    return OpenVersion(version, graph(len(classes)))


def sample(labels, probabilities, *, classes=("no", "yes"), seed=0, favourable="", near=None, **sensitive) -> Sample:
    """A sample to which `opened(classes)` answers with exactly `probabilities` [n, K], as float32."""
    probabilities = np.asarray(probabilities, dtype=np.float32)
    return Sample(
        columns={f"p{at}": probabilities[:, at : at + 1] for at in range(probabilities.shape[1])},
        labels=np.asarray(labels, dtype=np.int64),
        classes=tuple(classes),
        sensitive={name: np.asarray(values).astype(str) for name, values in sensitive.items()},
        seed=seed,
        dataset="people",
        fingerprint="f" * 64,
        split="a" * 64,
        favourable=favourable,
        near_training=None if near is None else NearTraining(0.9, lambda: np.asarray(near, dtype=bool)),
    )


def calibrated(rows, *, seed, spread=1.5, share=0.0, **sensitive) -> Sample:
    """A binary sample drawn from the very probabilities that are answered: perfectly calibrated by construction."""
    random = np.random.default_rng(seed)
    yes = 1 / (1 + np.exp(-(random.normal(size=rows) * spread + share)))
    return sample(random.random(rows) < yes, np.stack([1 - yes, yes], axis=1), **sensitive)


def many(rows, *, classes=("low", "中", "high"), seed=0, **sensitive) -> Sample:
    """A sample of several classes whose probabilities are whole 64ths: they are often equal, and sum to one exactly."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(classes), rows)
    logits = random.normal(size=(rows, len(classes)))
    logits[np.arange(rows), labels] += 1
    given = np.exp(logits)
    given = np.floor(given / given.sum(axis=1, keepdims=True) * 60) / 64
    given[:, 0] += 1 - given.sum(axis=1)
    return sample(labels, given, classes=classes, **sensitive)


def answered(made: Sample) -> np.ndarray:
    """The probabilities [n, K] that a sample is answered with."""
    return np.hstack([made.columns[f"p{at}"] for at in range(len(made.classes))])


def report(*clauses, measured=(), **more) -> TrustReport:
    """A report of `clauses`, for which the assessors `measured`, by name and title, were asked at noon."""
    said = {
        "schema": "modelward-trust-report-1",
        "model": "echo",
        "number": 1,
        "digest": "d" * 64,
        "dataset": "people",
        "fingerprint": "f" * 64,
        "split": "a" * 64,
        "rows": 100,
        "seed": 0,
        "confidence": 0.95,
        "measurements": tuple(
            Measurement(assessor=name, title=title, at=NOON, by="person:ada", machine={"processor": "an abacus"}, libraries={})
            for name, title in measured
        ),
        "clauses": clauses,
        "plots": (),
        "evidence": {},
        "created": NOON,
        "by": "person:ada",
    }
    return TrustReport(**{**said, **more})
