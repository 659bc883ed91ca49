# SPDX-License-Identifier: Apache-2.0
"""Trying an erasure, erasing, erasing again and tracing before all tell the same of the same versions, and so do versions after."""

from dataclasses import replace

import pytest

from modelward.assessment import Assessment, Sighting
from modelward.assessment.tracing import sighting_of
from modelward.datasets import Sharding, make_split
from modelward.training import parse_spec
from training import house
from training.conftest import register, rooms  # noqa: F401  # fixtures

PARTS = ("train", "validation", "test")


def spec(model, dataset="people"):
    return parse_spec(f"model: {model}\ndata: {{dataset: {dataset}, exclude: [person]}}\ncandidates: [naive-bayes]\n")


@pytest.fixture
def people(rooms, register):  # noqa: F811
    """240 people, of whom everybody has a number; version whole:1 learned from all."""
    lines = house.people(rows=240).splitlines()
    register(text="\n".join([f"{lines[0]},person", *(f"{line},{1000 + row}" for row, line in enumerate(lines[1:]))]), sensitive=())
    return Assessment(rooms.registry, rooms.datasets)


def somebody(rooms, admin, part):  # noqa: F811
    """Somebody whose row was in that part of what whole:1 was made from."""
    version = rooms.registry.find("whole:1", by=admin)
    table = rooms.datasets.table("people", by=admin)
    parts = make_split(table, "grant", spec("whole").data.split, features=version.interface.names)
    assert parts.digest == version.lineage.split
    return int(table["person"][int(getattr(parts, part)[0])])


@pytest.mark.parametrize("part", PARTS)
def test_trial_and_deed_tell_of_the_same_versions_in_the_same_words(rooms, people, admin, part):  # noqa: F811
    rooms.training.train(spec("whole"), by=admin)
    person = somebody(rooms, admin, part)
    rooms.datasets.grants.grant("careful", "people", purpose="to test training", rows=f"person != {person}", by=admin)
    rooms.training.train(spec("careful"), by=admin)
    asked = {"rows": f"person == {person}", "by": admin}
    traced = people.trace("people", column="person", value=str(person), by=admin).sightings
    tried = people.erase("people", reason="", is_trial=True, **asked)
    done = people.erase("people", reason="objection", **asked)
    rooms.datasets.grants.grant("careful", "people", purpose="to test training", rows="age > 18", by=admin)
    for model in ("careful", "later"):
        rooms.training.train(spec(model), by=admin)
    again = people.erase("people", reason="objection", **asked)
    wanted = (Sighting(version="careful:1", outside=1), Sighting(version="whole:1", **{part: 1}))
    assert tuple(sorted(traced, key=lambda each: each.version)) == wanted
    assert tried.sightings == done.sightings == again.sightings == wanted
    assert tried.versions == done.versions == again.versions == (() if part == "test" else ("whole:1",))
    assert tried.advice == done.advice[:-1] == again.advice[:-1]
    assert "whole:1 (1 row)" in tried.advice[0]
    of_versions = {name: people.erasures(rooms.registry.find(name, by=admin)) for name in ("whole:1", "careful:1", "later:1")}
    assert {name: [each.gone for each in found] for name, found in of_versions.items()} == {
        "whole:1": [] if part == "test" else [1],
        "careful:1": [],
        "later:1": [],
    }


def test_what_is_not_known_any_more_is_told_as_such_and_is_the_same_in_the_deed(rooms, people, admin):  # noqa: F811
    rooms.training.train(spec("whole"), by=admin)
    first, second = (somebody(rooms, admin, part) for part in ("train", "test"))
    people.erase("people", rows=f"person == {first}", reason="objection", by=admin)
    asked = {"rows": f"person == {second}", "by": admin}
    tried = people.erase("people", reason="", is_trial=True, **asked)
    done = people.erase("people", reason="objection", **asked)
    assert tried.sightings == done.sightings
    assert (tried.versions, bool(tried.sightings[0].unknown)) == (("whole:1",), True)
    assert "May have learned" in tried.advice[0]


def test_one_that_came_from_elsewhere_is_told_of_as_the_one_that_it_was(rooms, people, admin, tmp_path):  # noqa: F811
    rooms.training.train(spec("whole"), by=admin)
    person = somebody(rooms, admin, "train")
    rooms.registry.export("whole:1", tmp_path / "out", by=admin)
    rooms.registry.import_folder(tmp_path / "out", "back", public_key=rooms.registry.public_key, by=admin)
    asked = {"rows": f"person == {person}", "by": admin}
    tried = people.erase("people", reason="", is_trial=True, **asked)
    done = people.erase("people", reason="objection", **asked)
    assert tried.sightings == done.sightings == (Sighting(version="back:1", train=1), Sighting(version="whole:1", train=1))


def test_many_imports_of_one_graph_are_told_of_at_the_cost_of_one(rooms, people, admin, tmp_path, monkeypatch):  # noqa: F811
    rooms.training.train(spec("whole"), by=admin)
    rooms.registry.export("whole:1", tmp_path / "out", by=admin)
    for _ in range(4):
        rooms.registry.import_folder(tmp_path / "out", "back", by=admin)
    looked, origins = [], type(rooms.registry).origins
    monkeypatch.setattr(
        type(rooms.registry), "origins", lambda self, version: looked.append(version.name) or origins(self, version)
    )
    person = somebody(rooms, admin, "train")
    done = people.erase("people", rows=f"person == {person}", reason="objection", by=admin)
    assert [each.version for each in done.sightings if each.train == 1] == [
        *(f"back:{number}" for number in range(1, 5)),
        "whole:1",
    ]
    assert looked == ["back:1"]
    assert [each.rows for each in people.erased_versions("back", by=admin)] == [1] * 4
    assert looked == ["back:1"] * 2


@pytest.mark.parametrize(
    "facts",
    [
        {"split": {"by": "moon"}},
        {"split": "all"},
        {"split": {"by": "cluster"}, "columns": ["x"]},
        {"columns": 3},
        {"split": {"by": "last"}},
    ],
)
def test_a_version_that_tells_nonsense_of_its_division_keeps_nobody_from_erasing(rooms, people, admin, facts):  # noqa: F811
    rooms.training.train(spec("whole"), by=admin)
    version = rooms.registry.find("whole:1", by=admin)
    odd = replace(version, facts=version.facts | facts)
    records = rooms.datasets.grants.traced("people", column="person", value="1001", by=admin)
    sighting = sighting_of(odd, records, divided={})
    assert (sighting.has_seen, "comes out otherwise" in sighting.unknown) == (True, True)


def test_versions_of_shards_of_shards_are_told_of_by_trial_trace_and_deed(rooms, people, admin):  # noqa: F811
    rooms.datasets.shard("people", Sharding(parts=2, by="random"), by=admin)
    rooms.datasets.shard("people-1", Sharding(parts=2, by="random"), by=admin)
    rooms.training.train(spec("deep", "people-1-2"), by=admin)
    person = int(rooms.datasets.table("people-1-2", by=admin)["person"][0])
    asked = {"rows": f"person == {person}", "by": admin}
    traced = people.trace("people", column="person", value=str(person), by=admin).sightings
    tried = people.erase("people", reason="", is_trial=True, **asked)
    done = people.erase("people", reason="objection", **asked)
    assert traced == tried.sightings == done.sightings == people.erase("people", reason="objection", **asked).sightings
    assert traced[0].train + traced[0].validation + traced[0].test == 1
