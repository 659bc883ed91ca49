# SPDX-License-Identifier: Apache-2.0
"""Registry, datasets and assessment over a fresh home, with a table of people and a version that answers by its input."""

from dataclasses import asdict, dataclass, replace

import msgspec
import numpy as np
import pytest

from assessment import echo
from modelward.access import Actor
from modelward.assessment import Assessment
from modelward.datasets import Datasets, Split, make_split
from modelward.registry import GRAPH_FILE, Registry, Version

SPLIT = Split(by="random", test=0.3, validation=0.1, seed=5)
SAID = {"purpose": "tests", "owner": "tester"}


@dataclass
class Rooms:
    """The rooms, and shortcuts to put things into them."""

    registry: Registry
    datasets: Datasets
    assessment: Assessment
    ledger: object
    admin: Actor
    folder: object

    def write_people(self, *, rows=1200, seed=3, name="people.csv"):
        random = np.random.default_rng(seed)
        yes = 1 / (1 + np.exp(-1.5 * random.normal(size=rows)))
        answer = np.where(random.random(rows) < yes, "yes", "no")
        town = random.choice(["north", "south", "islet"], rows, p=[0.6, 0.38, 0.02])
        age = random.integers(18, 80, rows)
        lines = [f"{1 - p:.6f},{p:.6f},{t},{a},{y}" for p, t, a, y in zip(yes, town, age, answer, strict=True)]
        path = self.folder / name
        path.write_text("p0,p1,town,age,answer\n" + "\n".join(lines) + "\n")
        return path

    def register(self, model="echo", *, facts=echo.METERED, recipe="by-hand", sensitive=("town", "age"), split=SPLIT) -> Version:
        """A version made from the dataset `people`."""
        by = self.admin
        dataset = self.datasets.show("people", by=by)
        parts = make_split(self.datasets.table("people", by=by, purpose="tests"), "answer", split)
        lineage = replace(
            echo.LINEAGE, dataset="people", fingerprint=dataset.fingerprint, split=parts.digest, recipe=recipe, seed=split.seed
        )
        facts = {**facts, "split": msgspec.to_builtins(asdict(split)), "sensitive": list(sensitive)}
        files = {GRAPH_FILE: echo.graph()}
        return self.registry.register(model, files, lineage=lineage, interface=echo.interface(), facts=facts, by=by, **SAID)

    def read(self, version: Version, path: str) -> bytes:
        return self.registry.read(version, path)

    def logged(self, event: str) -> list:
        return [found.entry for found in self.ledger.entries(event=event, limit=1000, newest_first=False)]


@pytest.fixture
def rooms(database, vault, ledger, keyring, settings, admin, tmp_path):
    database.create_tables()
    registry = Registry(database, vault, ledger, keyring)
    datasets = Datasets(database, vault, ledger, keyring, settings=settings)
    made = Rooms(registry, datasets, Assessment(registry, datasets), ledger, admin, tmp_path)
    datasets.add("people", [made.write_people()], target="answer", sensitive=["town", "age"], by=admin, **SAID)
    return made
