# SPDX-License-Identifier: Apache-2.0
"""A home with tiny models on the shelf, some of them live. All rooms are real."""

from dataclasses import dataclass

import msgspec
import onnx
import pytest
from onnx import TensorProto, helper

from modelward.access import Role
from modelward.assessment import Assessment
from modelward.registry import GRAPH_FILE, Feature, Interface, Lineage, Registry
from modelward.releases import Releases
from modelward.serving import Serving

INTERFACE = Interface(
    features=(
        Feature("age", "number", minimum=18.0, maximum=90.0, nullable=True),
        Feature("hours", "number", minimum=1.0, maximum=99.0),
        Feature("sector", "category", categories=("private", "public"), nullable=True),
    ),
    target="income",
    classes=("high", "low"),
)
LINEAGE = Lineage(
    dataset="adult", fingerprint="f" * 64, split="a" * 64, spec="b" * 64, run="run-1", recipe="by-hand",
    parameters={}, seed=0, code="test", libraries={},
)  # fmt: skip
ROW = {"age": 40, "hours": 38.5, "sector": "public"}
BACKGROUND = [{"age": 20.0 + 2 * at, "hours": 10.0 + 3 * at % 40, "sector": ("private", "public")[at % 2]} for at in range(20)]
OPEN_POLICY = "name: by-purpose\nrules:\n  - rule: signed\n  - rule: purpose-declared\n"


def graph(weight: float = 0.05) -> bytes:
    """low = sigmoid(weight * age - 0.1 * hours + (1.5 if public)); a missing age counts as 40."""
    number = helper.make_tensor
    codes = {"keys_strings": ["public"], "values_floats": [1.5], "default_float": 0.0}
    nodes = [
        helper.make_node("IsNaN", ["age"], ["gone"]),
        helper.make_node("Where", ["gone", "forty", "age"], ["years"]),
        helper.make_node("Mul", ["years", "weight"], ["a"]),
        helper.make_node("Mul", ["hours", "toil"], ["b"]),
        helper.make_node("LabelEncoder", ["sector"], ["c"], domain="ai.onnx.ml", **codes),
        helper.make_node("Sum", ["a", "b", "c"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["low"]),
        helper.make_node("Sub", ["one", "low"], ["high"]),
        helper.make_node("Concat", ["high", "low"], ["probabilities"], axis=1),
    ]
    constants = {"forty": 40.0, "weight": weight, "toil": -0.1, "one": 1.0}
    kinds = {"age": TensorProto.FLOAT, "hours": TensorProto.FLOAT, "sector": TensorProto.STRING}
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    held = [number(name, TensorProto.FLOAT, [1, 1], [value]) for name, value in constants.items()]
    made = helper.make_graph(nodes, "tiny", inputs, outputs, held)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@dataclass
class House:
    """The rooms that serving stands on, and shortcuts to put things into them."""

    registry: Registry
    releases: Releases
    serving: Serving
    access: object
    ledger: object
    admin: object

    def register(self, model: str = "income", *, weight: float = 0.05, purpose: str = "tests", background: bool = True) -> str:
        files = {GRAPH_FILE: graph(weight)}
        if background:
            files["background.json"] = msgspec.json.encode(BACKGROUND)
        version = self.registry.register(
            model, files, lineage=LINEAGE, interface=INTERFACE, purpose=purpose, owner="tester", facts={}, by=self.admin
        )
        return version.name

    def make_live(self, name: str) -> str:
        release = self.releases.propose(name, policy="by-purpose", by=self.admin)
        return self.releases.promote(release.id, by=self.admin).id

    def key(self, name: str = "till", *, role: Role = Role.CALLER, models=None) -> str:
        return self.access.create_key(name, role=role, models=models, by=self.admin).secret

    def logged(self, event: str) -> list:
        return [found.entry for found in self.ledger.entries(event=event, limit=10_000, newest_first=False)]


@pytest.fixture
def settings(home):
    from modelward.settings import Settings

    return Settings(home=home, refresh_seconds=0.05, shutdown_grace_seconds=2, rows_limit=64, explain_rows_limit=2)


@pytest.fixture
def house(database, vault, ledger, keyring, access, settings, admin):
    database.create_tables()
    registry = Registry(database, vault, ledger, keyring)
    releases = Releases(database, ledger, registry, assessment_over(database, ledger, registry))
    releases.policies.put(OPEN_POLICY, by=admin)
    serving = Serving(database, ledger, access=access, registry=registry, releases=releases, settings=settings)
    return House(registry, releases, serving, access, ledger, admin)


@pytest.fixture
def live(house):
    """A house in which `income:1` is live."""
    house.make_live(house.register())
    return house


def assessment_over(database, ledger, registry):
    return Assessment()
