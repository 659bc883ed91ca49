# SPDX-License-Identifier: Apache-2.0
"""The favourable class of a target: stated, else the rarer one, and the same whoever asks."""

import io
import sqlite3

import msgspec
import pytest

from modelward.datasets import DatasetExistsError, InvalidDeclarationError, favourable_class

ROWS = {"approved": 130, "declined": 70}


@pytest.fixture
def add(datasets, admin, declared, csv_file):
    """Register the small table, of whose classes `no` and `yes` the former is rarer."""

    def register(name="people", **more):
        return datasets.add(name, [csv_file], by=admin, **(declared | more))

    return register


def kinds(datasets, admin, name="people"):
    return {warning.kind for warning in datasets.profile(name, by=admin).warnings}


def test_the_rarer_class_is_favourable_and_of_equals_the_second():
    assert favourable_class(ROWS) == "declined"
    assert favourable_class(dict(reversed(ROWS.items()))) == "declined"
    assert favourable_class({"no": 5, "yes": 5}) == "yes"


def test_the_stated_class_is_favourable_however_frequent_it_is():
    assert [favourable_class(ROWS, stated=name) for name in ROWS] == [*ROWS]


def test_of_three_classes_none_is_favourable_and_none_can_be_stated():
    three = {"low": 9, "middle": 5, "high": 2}
    assert favourable_class(three) == ""
    with pytest.raises(InvalidDeclarationError, match="the target has 3 classes"):
        favourable_class(three, stated="high")


def test_a_class_that_is_not_there_is_refused_with_the_classes_and_the_nearest():
    with pytest.raises(InvalidDeclarationError, match=r"Did you mean 'approved'\? The classes are 'approved', 'declined'"):
        favourable_class(ROWS, stated="Aproved")
    with pytest.raises(InvalidDeclarationError, match=r"no row has it\. The classes are"):
        favourable_class(ROWS, stated="42")


def test_what_nobody_stated_is_shown_with_a_warning(datasets, admin, add):
    made, profile = add(), datasets.profile("people", by=admin)
    rarer = min(profile.classes, key=lambda name: profile.classes[name])
    assert (made.positive, profile.positive, datasets.show("people", by=admin).positive) == (rarer, rarer, rarer)
    (warning,) = [each for each in profile.warnings if each.kind == "favourable-class"]
    assert f"{rarer!r} (the rarer one) is taken" in warning.text
    assert "--positive" in warning.text


def test_what_was_stated_is_kept_without_a_warning_and_told_to_the_ledger(datasets, admin, add, ledger):
    add("stated", positive="yes")
    add("other", positive="no")
    assert [datasets.show(name, by=admin).positive for name in ("stated", "other")] == ["yes", "no"]
    assert "favourable-class" not in kinds(datasets, admin, "stated")
    told = [found.entry.facts["positive"] for found in ledger.entries(event="dataset.registered", newest_first=False)]
    assert told == ["yes", "no"]


def test_the_same_data_with_another_favourable_class_needs_another_name(datasets, admin, add):
    made = add()
    assert add(positive=made.positive) == made
    (other,) = datasets.profile("people", by=admin).classes.keys() - {made.positive}
    with pytest.raises(DatasetExistsError, match="holds this data with another positive class"):
        add(positive=other)
    assert datasets.show("people", by=admin) == made


def test_a_class_that_the_target_lacks_registers_nothing(datasets, admin, add, vault):
    with pytest.raises(InvalidDeclarationError):
        add(positive="maybe")
    assert (datasets.list(by=admin), list(vault.digests())) == ([], [])


def test_a_home_from_before_classes_were_stated_goes_on_opening(datasets, admin, add, vault, home):
    made = add()
    described = msgspec.json.decode(vault.read(made.described, label="dataset people description"))
    del described["profile"]["positive"]
    older = vault.put(io.BytesIO(msgspec.json.encode(described)), label="dataset people description")
    with sqlite3.connect(home / "modelward.db") as rows:
        assert rows.execute("UPDATE datasets SET described = ?", [older]).rowcount == 1
    rows.close()
    assert datasets.show("people", by=admin).positive == datasets.profile("people", by=admin).positive == made.positive
    assert add().described == older
