# SPDX-License-Identifier: Apache-2.0
"""Statistics with noise: what they cost, what they say, and that nobody gets rid of the noise."""

import math
from dataclasses import replace

import pytest
import sqlalchemy as sa

from datasets.conftest import small_table
from modelward.access import Actor, AlteredRowError, NotPermittedError, Permission, Role
from modelward.datasets import (
    DatasetMissingError,
    DatasetShreddedError,
    InvalidFilterError,
    InvalidStatisticError,
    OverspentError,
    Question,
)
from modelward.privacy import Mechanism

OWNER = Actor(id="person:ada", name="ada", role=Role.DATA_OWNER)
SCIENTIST = Actor(id="person:sol", name="sol", role=Role.DATA_SCIENTIST)
AUDITOR = Actor(id="person:eve", name="eve", role=Role.AUDITOR)
# A key for statistics and nothing else.
COUNTER = replace(SCIENTIST, id="service:counter", scope=frozenset({Permission.DATA_STATISTICS}))
COUNT = Question(kind="count", epsilon=0.5)
MEAN = Question(kind="mean", column="age", lower=0, upper=120, epsilon=0.5)
TOWNS = Question(kind="histogram", column="town", categories=("Ulm", "Jena", "Atlantis"), epsilon=0.5)


@pytest.fixture
def people(datasets, declared, csv_file):
    return datasets.add("people", [csv_file], by=OWNER, **declared)


@pytest.fixture
def ask(datasets, people):
    return lambda question, by=SCIENTIST: datasets.statistics.ask("people", question, by=by)


@pytest.fixture
def silent(monkeypatch):
    """The noise is nought, so that what it is added to can be seen."""
    monkeypatch.setattr("modelward.datasets.statistics.discrete_laplace", lambda scale: 0)


def figures(answer):
    return {each.label: each.value for each in answer.figures}


def test_a_count_is_of_the_rows_that_the_filter_keeps(ask, silent):
    whole = small_table()
    assert figures(ask(COUNT)) == {"rows": 200}
    kept = whole.filter((whole["age"] >= 40) & (whole["town"] == "Ulm")).height
    assert figures(ask(replace(COUNT, where="age >= 40 and town == 'Ulm'"))) == {"rows": kept}


def test_each_row_is_in_one_bar_of_a_histogram(ask, silent):
    whole = small_table()
    towns = figures(ask(TOWNS))
    assert towns["Ulm"] == (whole["town"] == "Ulm").sum()
    assert (towns["Atlantis"], towns["missing"]) == (0, whole["town"].null_count())
    assert towns["any other"] == (whole["town"] == "Gera").sum()
    ages = figures(ask(Question(kind="histogram", column="age", bins=(30, 60), epsilon=0.5)))
    assert list(ages) == ["below 30", "from 30 to below 60", "60 or more", "missing"]
    assert ages["from 30 to below 60"] == whole["age"].is_between(30, 60, closed="left").sum()
    members = figures(ask(Question(kind="histogram", column="member", epsilon=0.5)))
    assert members == {"true": whole["member"].sum(), "false": 200 - whole["member"].sum(), "missing": 0}
    assert {sum(each.values()) for each in (towns, ages, members)} == {200}


def test_a_mean_takes_what_lies_beyond_its_bounds_as_the_bounds(ask, silent):
    whole = small_table()
    assert figures(ask(MEAN))["mean of age"] == pytest.approx(whole["age"].mean(), abs=1e-3)
    narrow = ask(replace(MEAN, lower=40, upper=50))
    assert figures(narrow)["mean of age"] == pytest.approx(whole["age"].clip(40, 50).mean(), abs=1e-3)
    score = ask(replace(MEAN, column="score", lower=-5, upper=5))
    assert figures(score)["mean of score"] == pytest.approx(whole["score"].mean(), abs=1e-3)


def test_nobody_is_in_an_empty_answer_and_its_mean_may_be_anything_within_the_bounds(ask, silent):
    (figure,) = ask(replace(MEAN, where="age > 500")).figures
    assert (figure.low, figure.high) == (0, 120)


@pytest.mark.parametrize("question", [COUNT, MEAN, TOWNS], ids=lambda question: question.kind)
def test_what_one_row_changes_is_what_was_added_up(datasets, declared, ask, tmp_path, monkeypatch, question):
    """For every row that is left out: the numbers before the noise differ by no more than the noise was made for."""
    seen = []
    monkeypatch.setattr(
        "modelward.datasets.statistics._added", lambda exact, scales: seen.append((exact, scales)) or (0,) * len(exact)
    )
    ask(question)
    (whole, scales), epsilon = seen[0], sum(look.pure_epsilon for look in question.mechanisms)
    for number in range(0, 200, 25):
        file = tmp_path / f"{number}.csv"
        small_table().with_row_index().filter(pl_not(number)).drop("index").write_csv(file)
        datasets.add(f"without{number}", [file], by=OWNER, **declared)
        datasets.statistics.ask(f"without{number}", question, by=SCIENTIST)
        told = sum(abs(one - other) / scale for one, other, scale in zip(whole, seen[-1][0], scales, strict=True))
        assert 0 < told <= epsilon * (1 + 1e-9)


def pl_not(number):
    import polars as pl

    return pl.col("index") != number


def test_the_noise_is_there_and_as_large_as_the_epsilon_says(ask):
    answers = [ask(replace(COUNT, epsilon=0.05, where=f"age != {number + 1000}")) for number in range(20)]
    apart = [abs(each.figures[0].value - 200) for each in answers]
    # The noise has a mean size of 20; all 20 within 3 would come once in a million million times.
    assert max(apart) > 3
    # A figure lies outside its range once in twenty times; 7 of 20 outside come once in thirty thousand times.
    assert sum(not each.figures[0].low <= 200 <= each.figures[0].high for each in answers) < 7


def test_an_answer_says_in_words_what_it_is_and_what_is_left(ask):
    told = ask(COUNT)
    assert told.text.startswith("people has about ")
    assert "in 95 of 100 cases, the noise included" in told.text
    assert (told.epsilon, told.repeated) == (0.5, False)
    assert told.left == pytest.approx(2.5, abs=1e-3)
    mean = ask(MEAN).text
    assert "The mean of age in people is about" in mean
    assert "Values below 0 count as that" in mean
    assert "noise of its own" in ask(TOWNS).text
    kept = ask(replace(MEAN, where="age > 30", epsilon=0.1)).text
    assert kept.startswith("The mean of age in people, of the rows that the filter 'age > 30' keeps, is about")


def test_the_same_question_has_the_same_answer_for_nothing_whoever_asks(ask, datasets, ledger):
    first = ask(replace(COUNT, where="age>=40  and town == 'Ulm'"))
    again = ask(replace(COUNT, where='(age >= 40.0) and town = "Ulm"'), OWNER)
    assert again.figures == first.figures
    assert (again.repeated, again.spending, again.left) == (True, first.spending, first.left)
    less = ask(replace(COUNT, where="age >= 40 and town == 'Ulm'", epsilon=0.1))
    assert less.figures == first.figures, "who asks for more noise gets what is known"
    assert len(ledger.entries(event="privacy.spent")) == 1
    more = ask(replace(COUNT, where="age >= 40 and town == 'Ulm'", epsilon=1.0))
    assert not more.repeated
    assert datasets.budgets.show("people", SCIENTIST).spent.epsilon == pytest.approx(1.5, abs=1e-3)


def test_once_rows_are_erased_it_is_another_question(ask, datasets):
    ask(COUNT)
    datasets.erasing.erase("people", rows="age < 25", reason="an objection", by=OWNER)
    assert not ask(COUNT).repeated


def test_what_the_budget_has_not_left_is_refused_before_a_row_is_looked_at(ask, datasets, ledger, monkeypatch):
    datasets.budgets.limit("people", epsilon=0.6, by=OWNER)
    ask(COUNT)
    before = ledger.head().size
    monkeypatch.setattr(datasets._shelf, "rows", lambda found: pytest.fail("rows were looked at"))
    with pytest.raises(OverspentError, match=r"Spent so far: epsilon 0.5000 \(1 spending\).*Left: 0.1000"):
        ask(MEAN)
    assert ledger.head().size == before
    assert ask(COUNT).repeated, "what was told already can still be told"


def test_a_mean_costs_what_was_said_and_the_ledger_tells_no_value_of_a_filter(ask, datasets, ledger):
    ask(replace(MEAN, where="town == 'Ulm'"))
    (entry,) = [each.entry for each in ledger.entries(event="privacy.spent")]
    assert entry.facts["use"] == "mean of age by a filter"
    assert "Ulm" not in str(entry.facts)
    assert entry.facts["epsilon"] <= 0.5 + 1e-9
    (spending,) = datasets.budgets.show("people", OWNER).spendings
    assert spending.mechanisms == (Mechanism("discrete-laplace", 4.0, times=2),)


def test_who_may_ask_statistics_need_not_see_the_data(ask, datasets):
    assert ask(COUNT, COUNTER).figures
    with pytest.raises(NotPermittedError):
        datasets.table("people", by=COUNTER)
    with pytest.raises(NotPermittedError):
        datasets.profile("people", by=COUNTER)


def test_who_may_see_data_may_not_ask_statistics_for_that(ask):
    with pytest.raises(NotPermittedError, match="data:statistics"):
        ask(COUNT, AUDITOR)


def test_a_refusal_tells_nothing_of_the_values_of_a_column(ask):
    with pytest.raises(InvalidFilterError) as refused:
        ask(replace(COUNT, where="label == true"), COUNTER)
    assert str(refused.value).endswith('label == "the word"'), "who reads the data is told which"
    with pytest.raises(InvalidStatisticError) as refused:
        ask(replace(TOWNS, categories=()), COUNTER)
    assert not any(town in str(refused.value) for town in ("Ulm", "Jena", "Gera"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "median"}, "one of count, histogram, mean"),
        ({"epsilon": 0}, "from 0.0001 to 20"),
        ({"epsilon": -1}, "from 0.0001"),
        ({"epsilon": math.nan}, "from 0.0001"),
        ({"epsilon": math.inf}, "from 0.0001"),
        ({"column": "age"}, "names none"),
        ({"lower": 1}, "Bounds are for a mean"),
        ({"bins": (1, 2)}, "for a histogram"),
        ({"kind": "mean", "column": "age"}, "--lower and --upper"),
        ({"kind": "mean", "column": "age", "lower": 5, "upper": 5}, "the lower one below"),
        ({"kind": "mean", "column": "age", "lower": 5, "upper": math.inf}, "the lower one below"),
        ({"kind": "mean", "column": "age", "lower": math.nan, "upper": 5}, "the lower one below"),
        ({"kind": "mean"}, "of a column"),
        ({"kind": "histogram", "column": "age", "bins": (5,)}, "two or more numbers"),
        ({"kind": "histogram", "column": "age", "bins": (5, 5)}, "each above"),
        ({"kind": "histogram", "column": "age", "bins": (5, math.inf)}, "two or more"),
        ({"kind": "histogram", "column": "age", "bins": (1, 2), "categories": ("a",)}, "one of them"),
        ({"kind": "histogram", "column": "town", "categories": ("a", "a")}, "different"),
        ({"kind": "histogram", "column": "town", "categories": tuple(map(str, range(1001)))}, "at most 1,000"),
    ],
)
def test_what_is_no_question_is_refused(asked, said):
    with pytest.raises(InvalidStatisticError, match=said):
        Question(**{"kind": "count", "epsilon": 1.0, **asked})


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (replace(MEAN, column="town"), "a mean is of numbers"),
        (replace(MEAN, column="agee"), "'age'"),
        (Question(kind="histogram", column="age", epsilon=1), "--bins"),
        (Question(kind="histogram", column="town", epsilon=1), "--categories"),
        (Question(kind="histogram", column="town", bins=(1, 2), epsilon=1, categories=()), "--categories"),
        (Question(kind="histogram", column="joined", epsilon=1), "of kind date"),
        (Question(kind="histogram", column="member", categories=("true",), epsilon=1), "true or false"),
    ],
)
def test_a_question_that_does_not_fit_the_column_is_refused_and_costs_nothing(ask, datasets, question, said):
    with pytest.raises(InvalidStatisticError, match=said):
        ask(question)
    assert datasets.budgets.show("people", OWNER).spendings == ()


def test_an_answer_that_somebody_edited_is_not_told(ask, database):
    ask(COUNT)
    with database.change() as connection:
        connection.execute(sa.text("UPDATE dataset_spendings SET answer = '[7]'"))
    with pytest.raises(AlteredRowError, match="is not told"):
        ask(COUNT)


def test_of_what_is_not_there_nothing_is_answered(ask, datasets):
    with pytest.raises(DatasetMissingError):
        datasets.statistics.ask("nobody", COUNT, by=SCIENTIST)
    datasets.shredding.shred("people", reason="it is over", by=OWNER)
    with pytest.raises(DatasetShreddedError):
        ask(COUNT)
