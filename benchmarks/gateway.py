# SPDX-License-Identifier: Apache-2.0
"""How many governed single-row answers a second the gateway gives, in this process and without HTTP.

Everything is on: key, permission, row check, ONNX Runtime, commitments, and a ledger entry that is durable (SQLite,
`synchronous=FULL`) before the answer leaves.

    taskset -c 0 python benchmarks/gateway.py [--tasks 64] [--seconds 5] [--features 14]
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
import onnx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from onnx import TensorProto, helper

from modelward.access import Access, Role, local_actor
from modelward.assessment import Assessment
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.registry import GRAPH_FILE, Feature, Interface, Lineage, Registry
from modelward.releases import Releases
from modelward.serving import Question, Serving
from modelward.settings import Settings
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault

POLICY = "name: bench\nrules:\n  - rule: signed\n"


def interface(features: int) -> Interface:
    """As many numbers as categories, like a table about people."""
    kinds = [("category", ("a", "b", "c")) if at % 2 else ("number", ()) for at in range(features)]
    made = tuple(Feature(f"feature-{at}", kind, categories=categories) for at, (kind, categories) in enumerate(kinds))  # type: ignore[arg-type]
    return Interface(features=made, target="label", classes=("no", "yes"))


def graph(given: Interface) -> bytes:
    """A logistic regression over numbers and label-encoded categories."""
    nodes, parts, inputs = [], [], []
    for feature in given.features:
        kind = TensorProto.FLOAT if feature.kind == "number" else TensorProto.STRING
        inputs.append(helper.make_tensor_value_info(feature.name, kind, [None, 1]))
        part = feature.name
        if feature.kind == "category":
            part = f"{feature.name}-code"
            codes = {"keys_strings": list(feature.categories), "values_floats": [1.0, 2.0, 3.0], "default_float": 0.0}
            nodes.append(helper.make_node("LabelEncoder", [feature.name], [part], domain="ai.onnx.ml", **codes))
        parts.append(part)
    weights = np.linspace(-1, 1, 2 * len(parts)).astype(np.float32)
    nodes += [
        helper.make_node("Concat", parts, ["row"], axis=1),
        helper.make_node("MatMul", ["row", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    held = [helper.make_tensor("weights", TensorProto.FLOAT, [len(parts), 2], weights)]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    made = helper.make_graph(nodes, "bench", inputs, outputs, held)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=10).SerializeToString())


def keyring(folder: Path) -> Keyring:
    signer = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    held = {
        "ledger": ed25519.Ed25519PrivateKey.generate().private_bytes_raw(),
        "signer": signer.private_bytes(*form),
        "digests": secrets.token_bytes(32),
        "pepper": secrets.token_bytes(32),
    }
    return Keyring.create(folder / "keys.json", secrets=held)


def build(folder: Path, *, features: int) -> tuple[Serving, str]:
    """A home with one live model, and the secret of a key that may ask it."""
    settings, keys, by = Settings(home=folder), keyring(folder), local_actor()
    database = Database(f"sqlite:///{folder / 'modelward.db'}")
    database.create_tables()
    ledger = Ledger(database, keys, anchor=folder / "ledger.checkpoint")
    ledger.create("modelward/bench")
    vault = Vault(OBJECT_STORES.load("file")((folder / "objects").as_uri()), keys)
    access = Access(database, ledger, keys, settings=settings)
    registry = Registry(database, vault, ledger, keys)
    releases = Releases(database, ledger, registry, Assessment(registry, Datasets(database, vault, ledger, settings=settings)))
    given = interface(features)
    none = "0" * 64
    lineage = Lineage(
        dataset="none", fingerprint=none, split=none, spec=none, run="none", recipe="none", parameters={}, seed=0, code="bench",
        libraries={},
    )  # fmt: skip
    version = registry.register(
        "bench", {GRAPH_FILE: graph(given)}, lineage=lineage, interface=given, purpose="measuring", owner="nobody", facts={}, by=by
    )
    releases.policies.put(POLICY, by=by)
    releases.promote(releases.propose(version.name, policy="bench", by=by).id, by=by)
    serving = Serving(database, ledger, access=access, registry=registry, releases=releases, settings=settings)
    return serving, access.create_key("bench", role=Role.CALLER, by=by).secret


async def measure(serving: Serving, secret: str, *, tasks: int, seconds: float, features: int) -> tuple[float, list[float]]:
    """Answers a second over all tasks, and the time of each."""
    row = {f"feature-{at}": "b" if at % 2 else 0.5 for at in range(features)}
    payload = msgspec.json.encode({"rows": [row]})
    times: list[float] = []

    async def caller(gateway, until: float) -> None:  # type: ignore[no-untyped-def]
        while (began := time.perf_counter()) < until:
            rows = msgspec.json.decode(payload)["rows"]
            await gateway.predict(Question(caller=secret, model="bench", payload=payload), rows)
            times.append(time.perf_counter() - began)

    async with serving.gateway() as gateway:
        await asyncio.gather(*(caller(gateway, time.perf_counter() + 0.5) for _ in range(tasks)))
        times.clear()
        began = time.perf_counter()
        await asyncio.gather(*(caller(gateway, began + seconds) for _ in range(tasks)))
        return len(times) / (time.perf_counter() - began), times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--features", type=int, default=14)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        serving, secret = build(Path(folder), features=given.features)
        rate, times = asyncio.run(measure(serving, secret, tasks=given.tasks, seconds=given.seconds, features=given.features))
    cuts = statistics.quantiles(times, n=100)
    print(f"{rate:,.0f} answers/s with {given.tasks} callers, {given.features} features")
    print(f"p50 {cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms; onnx {onnx.__version__}")


if __name__ == "__main__":
    main()
