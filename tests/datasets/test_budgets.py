# SPDX-License-Identifier: Apache-2.0
"""One privacy budget for all who hold the same rows: what is spent stays spent, and nobody spends what is not left."""

import math
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
import sqlalchemy as sa

from datasets.conftest import small_table
from modelward.access import Actor, NotPermittedError, Role
from modelward.audit import LedgerBrokenError
from modelward.datasets import (
    BudgetAlteredError,
    DatasetMissingError,
    Hiding,
    InvalidBudgetError,
    NoiseRequiredError,
    OverspentError,
    Sharding,
    SpendingMissingError,
    SpendingSettledError,
)
from modelward.privacy import Mechanism

OWNER = Actor(id="person:ada", name="ada", role=Role.DATA_OWNER)
SCIENTIST = Actor(id="person:sol", name="sol", role=Role.DATA_SCIENTIST)
AUDITOR = Actor(id="person:eve", name="eve", role=Role.AUDITOR)
CALLER = Actor(id="service:till", name="till", role=Role.CALLER)
ONE = Mechanism("discrete-laplace", 1.0)


@pytest.fixture
def people(datasets, declared, csv_file):
    return datasets.add("people", [csv_file], by=OWNER, **declared)


@pytest.fixture
def budgets(datasets, people):
    return datasets.budgets


def spend(budgets, epsilon=1.0, name="people", by=SCIENTIST):
    return budgets.reserve(name, [Mechanism("discrete-laplace", 1 / epsilon)], delta=1e-6, for_="a trial", by=by)


def test_a_budget_begins_as_the_settings_say_with_nothing_spent(budgets):
    found = budgets.show("people", SCIENTIST)
    assert (found.limit.epsilon, found.limit.delta, found.limit.set) == (3.0, 1e-6, None)
    assert (found.spent.epsilon, found.left, found.spendings) == (0, 3.0, ())


def test_the_default_delta_is_always_below_one_part_in_the_number_of_rows(room, declared, csv_file):
    datasets = room(privacy_delta=0.1)
    datasets.add("people", [csv_file], by=OWNER, **declared)
    assert datasets.budgets.show("people", OWNER).limit.delta == pytest.approx(0.1 / 200)


def test_what_is_reserved_is_spent_until_it_is_settled_for_less(budgets):
    looks = [Mechanism("gaussian", 5.0, sampling=0.1, times=500)]
    id = budgets.reserve("people", looks, delta=1e-6, for_="training of income", by=SCIENTIST)
    reserved = budgets.show("people", SCIENTIST)
    assert [(each.id, each.is_settled, each.purpose, each.by) for each in reserved.spendings] == [
        (id, False, "training of income", "person:sol")
    ]
    assert reserved.spent.epsilon == pytest.approx(reserved.spendings[0].epsilon)
    assert reserved.spent.epsilon > 1
    budgets.settle(id, [Mechanism("gaussian", 5.0, sampling=0.1, times=20)], by=SCIENTIST)
    settled = budgets.show("people", SCIENTIST)
    assert settled.spendings[0].is_settled
    assert settled.spent.epsilon < reserved.spent.epsilon / 2
    assert settled.left == pytest.approx(3.0 - settled.spent.epsilon)


def test_what_never_looked_costs_nothing(budgets):
    budgets.settle(spend(budgets), [], by=SCIENTIST)
    assert budgets.show("people", SCIENTIST).spent.epsilon == 0


@pytest.mark.parametrize(
    "looks", [[Mechanism("discrete-laplace", 1.0, times=2)], [Mechanism("discrete-laplace", 2.0)], [Mechanism("gaussian", 1.0)]]
)
def test_nothing_is_settled_for_other_looks_or_more_than_were_reserved(budgets, looks):
    id = spend(budgets)
    with pytest.raises(InvalidBudgetError, match="stays spent"):
        budgets.settle(id, looks, by=SCIENTIST)
    assert budgets.show("people", SCIENTIST).spent.epsilon == pytest.approx(1.0, abs=1e-3)


def test_only_who_reserved_settles_and_once(budgets):
    id = spend(budgets)
    with pytest.raises(SpendingMissingError):
        budgets.settle(id, [], by=OWNER)
    with pytest.raises(SpendingMissingError):
        budgets.settle("s-000000000000", [], by=SCIENTIST)
    budgets.settle(id, [ONE], by=SCIENTIST)
    with pytest.raises(SpendingSettledError):
        budgets.settle(id, [], by=SCIENTIST)


def test_overspending_is_refused_with_the_arithmetic_and_nothing_is_spent(budgets, ledger):
    spend(budgets, 2.5)
    before = ledger.head().size
    with pytest.raises(OverspentError) as refused:
        spend(budgets, 1.0)
    said = str(refused.value)
    for part in (
        "epsilon 3 at delta 1e-06",
        "Spent so far: epsilon 2.5",
        "This alone: 1.0000",
        "Together: 3.",
        "Left: 0.5",
        "Ask for less",
    ):
        assert part in said
    assert ledger.head().size == before
    spend(budgets, 0.5)


def test_all_of_a_budget_can_be_spent_in_parts(budgets):
    for _ in range(6):
        spend(budgets, 0.5)
    found = budgets.show("people", SCIENTIST)
    assert found.spent.epsilon <= 3.0
    with pytest.raises(OverspentError):
        spend(budgets, 0.5)


def test_two_at_once_do_not_both_get_the_last_of_it(budgets, room):
    def attempt(number):
        # A house of its own, as another process has one.
        try:
            return spend(room().budgets if number % 2 else budgets, 1.1)
        except OverspentError:
            return None

    with ThreadPoolExecutor(6) as pool:
        got = [each for each in pool.map(attempt, range(6)) if each]
    assert len(got) == 2
    assert budgets.show("people", SCIENTIST).spent.epsilon <= 3.0


def test_only_who_may_grant_sets_a_budget_and_it_is_on_record(budgets, ledger):
    with pytest.raises(NotPermittedError, match="may not grant"):
        budgets.limit("people", epsilon=5, by=SCIENTIST)
    with pytest.raises(NotPermittedError):
        budgets.limit("people", epsilon=5, by=AUDITOR)
    set_ = budgets.limit("people", epsilon=5, delta=1e-7, by=OWNER).limit
    assert (set_.epsilon, set_.delta, set_.by) == (5, 1e-7, "person:ada")
    assert budgets.limit("people", epsilon=4, by=OWNER).limit.delta == 1e-7
    told = [(each.entry.actor, each.entry.subject, each.entry.facts) for each in ledger.entries(event="privacy.limited")]
    assert told == [
        ("person:ada", "people", {"epsilon": 4.0, "delta": 1e-7, "required": False}),
        ("person:ada", "people", {"epsilon": 5.0, "delta": 1e-7, "required": False}),
    ]


def test_below_what_is_spent_a_limit_lets_nothing_more_through(budgets):
    spend(budgets, 2.0)
    lowered = budgets.limit("people", epsilon=1.0, by=OWNER)
    assert lowered.left == 0
    with pytest.raises(OverspentError):
        spend(budgets, 0.001)
    budgets.limit("people", epsilon=2.5, by=OWNER)
    spend(budgets, 0.1)


@pytest.mark.parametrize("epsilon", [0, -1, math.nan, math.inf, 101])
def test_an_epsilon_that_promises_nothing_is_refused(budgets, epsilon):
    with pytest.raises(InvalidBudgetError, match="epsilon"):
        budgets.limit("people", epsilon=epsilon, by=OWNER)


@pytest.mark.parametrize("delta", [0, -1e-6, math.nan, math.inf, 1 / 200, 0.5])
def test_a_delta_of_one_part_in_the_number_of_rows_is_refused(budgets, delta):
    with pytest.raises(InvalidBudgetError, match="200 rows"):
        budgets.limit("people", epsilon=1, delta=delta, by=OWNER)


def test_nothing_and_far_too_much_cannot_be_reserved(budgets):
    with pytest.raises(InvalidBudgetError):
        budgets.reserve("people", [], delta=1e-6, for_="", by=SCIENTIST)
    many = [Mechanism("gaussian", 100.0 + number) for number in range(101)]
    with pytest.raises(InvalidBudgetError):
        budgets.reserve("people", many, delta=1e-6, for_="", by=SCIENTIST)
    with pytest.raises(DatasetMissingError):
        spend(budgets, name="nobody")


def test_who_may_read_no_data_sees_no_budget_and_reserves_nothing(budgets):
    with pytest.raises(NotPermittedError):
        budgets.show("people", CALLER)
    with pytest.raises(NotPermittedError):
        spend(budgets, by=CALLER)


def test_what_is_spent_on_a_shard_is_spent_of_the_whole(datasets, budgets):
    datasets.shard("people", Sharding(parts=2, by="random"), by=OWNER)
    spend(budgets, 2.0, "people-1")
    whole, other = budgets.show("people", OWNER), budgets.show("people-2", OWNER)
    assert (whole.spendings, whole.spent) == (other.spendings, other.spent)
    assert whole.spendings[0].dataset == "people-1"
    assert (other.dataset, other.whole) == ("people-2", "people")
    with pytest.raises(OverspentError, match="'people'"):
        spend(budgets, 2.0, "people-2")
    with pytest.raises(InvalidBudgetError, match="data budget people "):
        budgets.limit("people-1", epsilon=50, by=OWNER)


def test_the_same_rows_under_another_name_have_the_same_budget(datasets, budgets, declared, csv_file):
    spend(budgets, 2.0)
    datasets.add("again", [csv_file], by=SCIENTIST, **declared)
    assert budgets.show("again", SCIENTIST).spent.epsilon == pytest.approx(2.0, abs=1e-3)
    budgets.limit("people", epsilon=3, by=OWNER)
    # Who registers the rows again is an owner, and of no more than they were of before.
    budgets.limit("again", epsilon=90, by=SCIENTIST)
    with pytest.raises(OverspentError, match="another dataset that holds the same rows"):
        spend(budgets, 2.0, "again")


def test_a_de_identified_copy_has_the_budget_of_what_it_was_made_of_also_once_that_is_not_told_by_its_row(
    datasets, budgets, database
):
    datasets.deidentifying.deidentify("people", "hidden", Hiding(columns={"town": "redact"}), by=OWNER)
    datasets.shard("hidden", Sharding(parts=2, by="random"), by=OWNER)
    spend(budgets, name="hidden-1")
    spend(budgets, 0.5, name="hidden")
    assert budgets.show("people", OWNER).spent.epsilon == pytest.approx(budgets.show("hidden-1", OWNER).spent.epsilon)
    assert budgets.show("people", OWNER).spent.epsilon > 1
    with database.change() as connection:
        connection.execute(sa.text("DELETE FROM dataset_copies"))
    assert budgets.show("people", OWNER).spent.epsilon > 1


def test_the_rows_of_a_shard_under_another_name_have_the_budget_of_the_whole(datasets, budgets, declared, tmp_path):
    datasets.shard("people", Sharding(parts=2, by="random"), by=OWNER)
    part = datasets.table("people-1", by=OWNER)
    file = tmp_path / "part.csv"
    part.with_columns(pl.col("age").cast(int), pl.col("joined").dt.to_string()).write_csv(file)
    datasets.add("part", [file], by=OWNER, **declared)
    assert datasets.show("part", by=OWNER).fingerprint == datasets.show("people-1", by=OWNER).fingerprint
    spend(budgets, 2.0, "part")
    assert budgets.show("people", OWNER).spent.epsilon == pytest.approx(2.0, abs=1e-3)


def test_no_model_learns_without_noise_where_the_budget_is_required(datasets, budgets, declared, csv_file, ledger):
    assert not budgets.show("people", OWNER).limit.is_required
    set_ = budgets.limit("people", is_required=True, by=OWNER).limit
    assert (set_.epsilon, set_.delta, set_.is_required) == (3.0, 1e-6, True)
    datasets.shard("people", Sharding(parts=2, by="random"), by=OWNER)
    datasets.add("again", [csv_file], by=OWNER, **declared)
    for name in ("people", "people-1", "again"):
        with pytest.raises(NoiseRequiredError, match=r"data budget .* --not-required"):
            datasets.grants.opened("income", name, use="training", by=OWNER)
    assert ledger.entries(event="dataset.refused")[0].entry.facts["why"] == "NoiseRequiredError"
    assert ledger.entries(event="dataset.read") == []
    spend(budgets, 0.5)
    assert budgets.limit("people", epsilon=2.0, by=OWNER).limit.is_required, "another limit leaves it as it is"
    budgets.limit("people", is_required=False, by=OWNER)
    assert datasets.grants.opened("income", "people-1", use="training", by=OWNER).dataset.rows


def test_erasing_and_shredding_give_nothing_back(datasets, budgets, declared, tmp_path):
    spend(budgets, 2.0)
    datasets.erasing.erase("people", rows="age < 25", reason="an objection", by=OWNER)
    with pytest.raises(OverspentError):
        spend(budgets, 2.0)
    file = tmp_path / "before.csv"
    small_table().write_csv(file)
    datasets.add("before", [file], by=OWNER, **declared)
    assert budgets.show("before", OWNER).spent.epsilon == pytest.approx(2.0, abs=1e-3)
    datasets.shredding.shred("people", reason="it is over", by=OWNER)
    shown = budgets.show("people", OWNER)
    assert shown.spent.epsilon == pytest.approx(2.0, abs=1e-3)
    assert len(shown.spendings) == 1


def test_looks_without_noise_are_counted_beside_and_bounded_by_nothing(datasets, budgets):
    datasets.grants.opened("income", "people", use="training", by=OWNER)
    datasets.grants.opened("income", "people", use="assess income:1", by=OWNER)
    datasets.table("people", by=OWNER)
    found = budgets.show("people", OWNER)
    assert (found.unbounded.trainings, found.unbounded.assessments, found.unbounded.others) == (1, 1, 1)
    assert (found.unbounded.total, found.spent.epsilon) == (3, 0)


def test_of_what_others_may_see_alone_there_is_a_number(datasets, budgets, declared, csv_file):
    north = Actor(id="person:nora", name="nora", role=Role.DATA_OWNER, tenant="north")
    datasets.add("north-people", [csv_file], by=north, **declared)
    spend(budgets, 1.0)
    spend(budgets, 0.5, "north-people", by=north)
    theirs = budgets.show("north-people", north)
    assert [each.dataset for each in theirs.spendings] == ["north-people"]
    assert theirs.unseen == 1
    assert theirs.spent.epsilon == pytest.approx(1.5, abs=1e-3)


def edit(database, statement, **values):
    """As somebody who has the file of the database, and no key."""
    with database.change() as connection:
        for (trigger,) in connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(sa.text(f"DROP TRIGGER {trigger}"))
        assert connection.execute(sa.text(statement), values).rowcount


REWRITTEN = "UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT), :old, :new) AS BLOB) WHERE event = :event"


def test_who_edits_the_database_raises_no_limit(budgets, database, room):
    spend(budgets, 2.9)
    budgets.limit("people", epsilon=3.0, by=OWNER)
    budgets.limit("people", epsilon=2.95, by=OWNER)
    edit(database, REWRITTEN, old="2.95", new="95.0", event="privacy.limited")
    for house in (budgets, room().budgets):
        with pytest.raises((BudgetAlteredError, LedgerBrokenError)):
            spend(house, 0.5)


def test_who_edits_the_database_lets_no_model_learn_without_noise(datasets, budgets, database, room):
    budgets.limit("people", is_required=True, by=OWNER)
    edit(database, REWRITTEN, old='"required":true', new='"required":false', event="privacy.limited")
    for house in (datasets, room()):
        with pytest.raises((BudgetAlteredError, LedgerBrokenError, NoiseRequiredError)):
            house.grants.opened("income", "people", use="training", by=OWNER)


def test_a_spending_that_the_ledger_was_made_to_forget_is_missed(budgets, database, room):
    spend(budgets, 2.0)
    edit(database, "UPDATE ledger_entries SET event = 'dataset.read' WHERE event = 'privacy.reserved'")
    with pytest.raises(BudgetAlteredError, match="1 spendings"):
        room().budgets.show("people", OWNER)
    with pytest.raises((BudgetAlteredError, LedgerBrokenError)):
        spend(budgets, 0.5)


def test_a_spending_whose_row_is_gone_is_spent_still(budgets, database, room):
    spend(budgets, 2.0)
    edit(database, "DELETE FROM dataset_spendings")
    assert room().budgets.show("people", OWNER).spent.epsilon == pytest.approx(2.0, abs=1e-3)


def test_a_settlement_that_nobody_proves_takes_nothing_off(budgets, database, room):
    id = spend(budgets, 2.0)
    spend(budgets, 0.5)
    budgets.settle(id, [Mechanism("discrete-laplace", 0.5)], by=SCIENTIST)
    spent = '{"kind":"discrete-laplace","noise":0.5,"sampling":1.0,"times":1}'
    edit(database, REWRITTEN, old=spent, new="", event="privacy.settled")
    assert room().budgets.show("people", SCIENTIST).spent.epsilon == pytest.approx(2.5, abs=1e-3)
