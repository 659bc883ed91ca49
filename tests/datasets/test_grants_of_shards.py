# SPDX-License-Identifier: Apache-2.0
"""Nobody has more of a part than who decided about the whole lets them have, however early they began."""

from datetime import UTC, datetime, timedelta

import pytest

from datasets.test_grants import OWNER, PURPOSE, SCIENTIST, entries, later
from modelward.datasets import GrantEndedError, NoSuchGrantError, OutsideGrantError, Sharding, granting

NARROW = ["label", "age"]


@pytest.fixture
def grants(datasets, declared, csv_file, admin):
    """Of a dataset, of its shards, and of the shards of the first."""
    datasets.add("people", [csv_file], by=admin, **declared)
    datasets.shard("people", Sharding(parts=2, by="random"), by=admin)
    datasets.shard("people-1", Sharding(parts=2, by="random"), by=admin)
    return datasets.grants


def begun(grants, dataset, by):
    """What who may grant has by beginning; everything."""
    view = grants.opened("income", dataset, use="training", by=by)
    assert view.grant.is_automatic
    assert "town" in view.table.columns
    return view


def told(grants, dataset, by):
    return [each.says for each in grants.conditions("income", dataset, by)]


PARTS = pytest.mark.parametrize("part", ["people-1", "people-1-2"])


@PARTS
def test_what_the_whole_is_narrowed_to_holds_for_a_part_that_was_begun_before(grants, admin, part):
    before = begun(grants, part, admin)
    whole = grants.grant("income", "people", purpose=PURPOSE, columns=NARROW, rows="age > 30", by=OWNER)
    view = grants.opened("income", part, use="training", by=admin)
    assert (view.grant, set(view.table.columns)) == (whole, set(NARROW))
    assert view.dataset.rows < before.dataset.rows
    with pytest.raises(OutsideGrantError, match="gives less"):
        grants.opened("income", part, use="assess income:1", under=before.grant.id, by=admin)
    (says,) = told(grants, part, admin)
    assert says.startswith(f"{whole.id} gives model income 2 columns of the rows that its filter keeps of people,")
    listed = {each.dataset: each for each in grants.list(by=admin)}
    assert (listed[part].revoked, listed[part].revoked_by) == (whole.granted, OWNER.id)
    assert listed["people"].revoked is None


@PARTS
@pytest.mark.parametrize("first", ["begun", "granted"])
def test_who_takes_back_the_whole_takes_back_what_was_begun_with_a_part(grants, admin, part, first):
    before = begun(grants, part, admin)
    if first == "begun":
        begun(grants, "people", admin)
    else:
        grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    grants.opened("income", part, use="training", by=SCIENTIST)
    whole = grants.revoke("income", "people", by=OWNER)
    for anybody in (admin, OWNER, SCIENTIST):
        with pytest.raises(GrantEndedError, match=rf"{whole.id} of dataset 'people' .* was revoked on .* by person:ada"):
            grants.opened("income", part, use="training", by=anybody)
    assert told(grants, part, admin) == [f"nothing of {part} is granted to model income any more: {whole.id} of people is over"]
    assert not any(each.stands(datetime.now(UTC)) for each in grants.list(dataset=part, by=admin))
    assert [each.id for each in grants.list(dataset=part, by=admin)] == [before.grant.id]
    assert not any(condition.is_met for condition in grants.conditions("income", "", admin))
    other = grants.opened("other", part, use="training", by=admin).grant
    assert other.is_automatic, "what is taken from one model is not taken from another"
    anew = grants.grant("income", "people", purpose=PURPOSE, columns=NARROW, by=OWNER)
    assert grants.opened("income", part, use="training", by=SCIENTIST).grant == anew


def test_when_the_grant_of_the_whole_is_over_so_is_what_was_begun_with_a_part(grants, admin, monkeypatch):
    begun(grants, "people-1", admin)
    until = datetime.now(UTC) + timedelta(hours=1)
    whole = grants.grant("income", "people", purpose=PURPOSE, until=until, by=OWNER)
    assert grants.opened("income", "people-1", use="training", by=admin).grant == whole
    later(monkeypatch, until)
    with pytest.raises(GrantEndedError, match="ended on"):
        grants.opened("income", "people-1", use="training", by=admin)


@pytest.mark.parametrize("made", ["at first", "after it was begun"])
def test_what_was_granted_of_a_part_by_hand_stays(grants, admin, made):
    if made != "at first":
        begun(grants, "people-1", admin)
    part = grants.grant("income", "people-1", purpose=PURPOSE, by=OWNER)
    assert not part.is_automatic
    grants.grant("income", "people", purpose=PURPOSE, columns=NARROW, by=OWNER)
    assert grants.opened("income", "people-1", use="training", by=SCIENTIST).grant == part
    grants.revoke("income", "people", by=OWNER)
    assert grants.opened("income", "people-1", use="training", by=SCIENTIST).grant == part
    assert grants.opened("income", "people-1-1", use="training", by=SCIENTIST).grant == part
    with pytest.raises(GrantEndedError):
        grants.opened("income", "people-2", use="training", by=admin)
    grants.revoke("income", "people-1", by=OWNER)
    with pytest.raises(GrantEndedError):
        grants.opened("income", "people-1-1", use="training", by=admin)


def test_a_training_on_a_part_hears_of_it_when_the_whole_is_taken_back(grants, admin):
    check = grants.checking(begun(grants, "people-1", admin))
    check()
    grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    check()
    narrow = grants.grant("income", "people", purpose=PURPOSE, columns=NARROW, by=OWNER)
    with pytest.raises(GrantEndedError, match=rf"{narrow.id} of dataset 'people', which holds instead, gives less"):
        check()
    grants.revoke("income", "people", by=OWNER)
    with pytest.raises(GrantEndedError, match="was revoked on"):
        check()


def test_a_training_under_the_grant_of_the_whole_hears_of_it_when_its_part_is_narrowed(grants, admin):
    grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    check = grants.checking(grants.opened("income", "people-1", use="training", by=admin))
    other = grants.checking(grants.opened("income", "people-2", use="training", by=admin))
    grants.grant("income", "people-1", purpose=PURPOSE, columns=NARROW, by=OWNER)
    with pytest.raises(GrantEndedError, match="gives less"):
        check()
    other()


def test_who_narrows_the_whole_while_somebody_begins_with_a_part_is_heard(grants, admin, monkeypatch, ledger):
    real = granting.view_of

    def meanwhile(*given):
        grants.grant("income", "people", purpose=PURPOSE, columns=NARROW, by=OWNER)
        return real(*given)

    monkeypatch.setattr(granting, "view_of", meanwhile)
    with pytest.raises(GrantEndedError, match="gives less"):
        grants.opened("income", "people-1", use="training", by=admin)
    assert [each.subject for each in entries(ledger, "dataset.granted")] == ["people"]
    assert entries(ledger, "dataset.read") == []


def test_grants_are_found_by_an_index_also_in_a_home_that_was_made_before_there_was_one(grants, database, admin):
    begun(grants, "people-1", admin)
    with database.change() as connection:
        connection.exec_driver_sql("DROP INDEX ix_dataset_grants_dataset_model")
    database.create_tables()
    # Who explains a plan does not look whether tables were changed; who reads rows does.
    assert grants.opened("income", "people-1", use="training", by=SCIENTIST).grant.is_automatic
    with database.look() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN SELECT * FROM dataset_grants WHERE dataset = 'a' AND model = 'b'")
        assert "ix_dataset_grants_dataset_model (dataset=? AND model=?)" in str(plan.all())


def test_a_list_looks_into_no_dataset_of_which_nothing_above_was_decided(grants, admin, monkeypatch):
    begun(grants, "people-1", admin)
    looked = []
    monkeypatch.setattr(grants, "_line", lambda name: looked.append(name) or (name, "people"))
    grants.list(by=admin)
    assert looked == []
    grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    assert [each.dataset for each in grants.list(by=admin) if each.revoked] == ["people-1"]
    assert looked == ["people-1"]


def test_who_revokes_a_whole_that_is_not_granted_is_told_which_parts_are(grants, admin):
    for part in ("people-1-1", "people-2"):
        begun(grants, part, admin)
    with pytest.raises(NoSuchGrantError, match="What was divided from it is: 'people-1-1', 'people-2'"):
        grants.revoke("income", "people", by=OWNER)
    with pytest.raises(NoSuchGrantError, match=r"model 'other'\. `modelward data grants`"):
        grants.revoke("other", "people", by=OWNER)
