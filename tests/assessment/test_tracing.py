# SPDX-License-Identifier: Apache-2.0
"""Which versions saw whose records is found again from lineage, division and grant."""

import numpy as np
import pytest

from modelward.access import Actor, NotPermittedError, Role
from modelward.assessment import Assessment
from modelward.datasets import InvalidFilterError, Sharding, make_split
from modelward.training import parse_spec
from training import house
from training.conftest import register, rooms  # noqa: F401  # fixtures

SCIENTIST = Actor(id="person:sol", name="sol", role=Role.DATA_SCIENTIST)
OWNER = Actor(id="person:dora", name="dora", role=Role.DATA_OWNER)
AUDITOR = Actor(id="person:eve", name="eve", role=Role.AUDITOR)


def spec(model, data="dataset: people, exclude: [person]"):
    return parse_spec(f"model: {model}\ndata: {{{data}}}\ncandidates: [naive-bayes]\n")


@pytest.fixture
def people(rooms, register):  # noqa: F811
    lines = house.people(rows=240).splitlines()
    text = "\n".join([f"{lines[0]},person", *(f"{line},{1000 + place // 4}" for place, line in enumerate(lines[1:]))])
    register(text=text, sensitive=())
    return Assessment(rooms.registry, rooms.datasets)


def test_each_record_is_found_in_the_part_that_it_was_in(rooms, people, admin):  # noqa: F811
    rooms.training.train(spec("whole"), by=admin)
    table = rooms.datasets.table("people", by=admin)
    version = rooms.registry.find("whole:1", by=admin)
    parts = make_split(table, "grant", spec("whole").data.split, features=version.interface.names)
    assert parts.digest == version.lineage.split
    seen = np.zeros(3, dtype=int)
    for person in range(1000, 1060, 3):
        rows = np.flatnonzero(table["person"].to_numpy() == person)
        (sighting,) = people.trace("people", column="person", value=str(person), by=admin).sightings
        wanted = [int(np.isin(rows, part).sum()) for part in (parts.train, parts.validation, parts.test)]
        assert [sighting.train, sighting.validation, sighting.test] == wanted
        assert sum(wanted) == 4
        seen += wanted
    assert (seen > 0).all()


def test_what_a_grant_kept_from_a_version_was_not_seen_by_it(rooms, people, admin):  # noqa: F811
    grants = rooms.datasets.grants
    grants.grant("part", "people", purpose="to test training", rows="person != 1010 and age > 20", by=admin)
    rooms.training.train(spec("part"), by=SCIENTIST)
    grants.revoke("part", "people", by=admin)
    rooms.training.train(spec("whole"), by=admin)
    trace = people.trace("people", column="person", value="1010", by=admin)
    found = {each.version: each for each in trace.sightings}
    assert trace.rows == found["part:1"].outside == 4
    assert not found["part:1"].has_seen
    assert found["whole:1"].has_seen
    other = {each.version: each for each in people.trace("people", column="person", value="1011", by=admin).sightings}
    rows = rooms.datasets.table("people", by=admin).filter(rooms.datasets.table("people", by=admin)["person"] == 1011)
    kept = int((rows["age"] > 20).sum())
    assert other["part:1"].train + other["part:1"].validation + other["part:1"].test == kept
    assert any("whole:1" in sentence and "modelward data grant" in sentence for sentence in trace.advice)
    assert not any("part:1" in sentence for sentence in trace.advice)


def test_versions_of_shards_are_traced_too(rooms, people, admin):  # noqa: F811
    rooms.datasets.shard("people", Sharding(parts=2, by="column", column="person"), by=admin)
    for part in (1, 2):
        rooms.training.train(spec(f"of-{part}", f"dataset: people-{part}, exclude: [person]"), by=admin)
    sightings = people.trace("people", column="person", value="1012", by=admin).sightings
    assert sorted(each.train + each.validation + each.test for each in sightings) == [0, 4]


def test_the_ledger_says_that_somebody_looked_and_not_for_whom(rooms, people, admin):  # noqa: F811
    people.trace("people", column="person", value="1013", by=OWNER)
    people.trace("people", column="person", value="1013", by=admin)
    people.trace("people", column="person", value="1014", by=admin)
    entries = [logged.entry for logged in rooms.ledger.entries(event="dataset.traced")]
    assert not any("1013" in repr(entry.facts) for entry in entries)
    digests = [entry.facts["digest"] for entry in entries]
    assert len(set(digests)) == 2
    for nosy in (AUDITOR, SCIENTIST):
        with pytest.raises(NotPermittedError):
            people.trace("people", column="person", value="1013", by=nosy)
    assert len(rooms.ledger.entries(event="dataset.traced")) == 3


@pytest.mark.parametrize(("column", "value", "said"), [("persn", "1", "Did you mean 'person'"), ("person", "ada", "holds numbers")])
def test_what_cannot_be_looked_for_is_refused(people, admin, column, value, said):
    with pytest.raises(InvalidFilterError, match=said):
        people.trace("people", column=column, value=value, by=admin)


def test_nobody_has_seen_what_is_not_there(people, admin):
    trace = people.trace("people", column="person", value="9999", by=admin)
    assert (trace.rows, trace.sightings) == (0, ())
    (advice,) = trace.advice
    assert advice.startswith(
        "No row of 'people' has that value. Write it as the data has it, without quotes; `modelward data show people`"
    )


def test_the_remedy_names_every_model_that_learned_from_them(rooms, people, admin):  # noqa: F811
    for model in ("one", "two", "three"):
        rooms.training.train(spec(model), by=admin)
    remedy = people.trace("people", column="person", value="1011", by=admin).advice[0]
    for model in ("one", "two", "three"):
        assert f"modelward data grant {model} people --rows" in remedy
    with pytest.raises(InvalidFilterError, match="Did you mean 'person'"):
        people.trace("people", column="persom", value="1011", by=admin)
