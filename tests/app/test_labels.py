# SPDX-License-Identifier: Apache-2.0
"""What every sealed object of a house is bound to."""

from pathlib import Path

import pytest

from modelward.access import local_actor
from modelward.app import create_home, open_platform
from modelward.settings import Settings
from modelward.storage import SealBrokenError
from modelward.training import parse_spec
from training.house import people

SPEC = """
model: {model}
purpose: tests
owner: tests
data: {{dataset: {dataset}, target: grant}}
candidates: [naive-bayes, decision-tree: {{max_depth: 2}}]
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    settings = Settings(home=folder / ".modelward", training_isolation="none")
    create_home(settings)
    made = open_platform(settings)
    table: Path = folder / "people.csv"
    table.write_text(people(120))
    for dataset, model in (("people", "grants"), ("others", "loans")):
        made.datasets.add(dataset, [table], target="grant", purpose="tests", owner="tests", by=local_actor())
        made.training.train(parse_spec(SPEC.format(model=model, dataset=dataset)), by=local_actor())
    yield made
    made.close()


def test_every_sealed_object_is_bound_to_its_kind_its_name_and_its_version(platform):
    with platform.database.look() as connection:
        labels = sorted(platform.sealed_objects(connection).values())
    assert len(labels) == len(set(labels)) > 10, "no two objects go by one label"
    owners = {" ".join(label.split()[:2]) for label in labels}
    versions = {f"{kind} {model}:{number}" for kind in ("version", "dossier") for model in ("grants", "loans") for number in (1, 2)}
    assert owners == {"dataset people", "dataset others", *versions}


def test_no_object_of_a_house_opens_in_the_place_of_another(platform):
    with platform.database.look() as connection:
        objects = platform.sealed_objects(connection)
    others = [*objects.items()]
    for (digest, label), (_, other) in zip(others, [*others[1:], others[0]], strict=True):
        assert b"".join(platform.datasets._shelf._vault.open(digest, label=label))
        with pytest.raises(SealBrokenError):
            platform.datasets._shelf._vault.read(digest, label=other)
