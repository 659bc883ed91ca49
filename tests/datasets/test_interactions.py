# SPDX-License-Identifier: Apache-2.0
"""Logs of interactions: who took what, and when. Users are persons, and nobody is told who they are."""

import numpy as np
import polars as pl
import pytest

from modelward.datasets import InvalidDeclarationError, InvalidSplitError, Log, Split, UnusableTableError, make_split, sequences
from modelward.datasets.interactions import leave_last_out
from modelward.datasets.neighbours import find_neighbours, step_weights

SAID = {"purpose": "tests", "owner": "tester", "task": "items", "target": "film", "user": "who", "time": "at"}
LOG = Log(user="who", time="at")


def films(users=12, each=6, seed=3) -> pl.DataFrame:
    """Each user takes some of ten films, in rows of any order; users have telling names."""
    draw = np.random.default_rng(seed)
    rows = [
        {"at": float(100 * step + draw.integers(0, 90)), "who": f"secret-{user:03}", "film": f"film {draw.integers(10)}"}
        for user in range(users)
        for step in range(each)
    ]
    return pl.DataFrame([rows[place] for place in draw.permutation(len(rows))])


def registered(datasets, admin, table, folder, **said):
    table.write_csv(folder / "log.csv")
    return datasets.add("log", [folder / "log.csv"], by=admin, **{**SAID, **said})


def test_a_log_is_registered_profiled_and_never_tells_a_user(datasets, admin, tmp_path, ledger):
    added = registered(datasets, admin, films(), tmp_path)
    assert (added.task, added.user, added.time, added.log) == ("items", "who", "at", LOG)
    assert datasets.show("log", by=admin) == added
    profile = datasets.profile("log", by=admin)
    assert (profile.log.users, profile.log.items, profile.log.interactions) == (12, 10, 72)
    pairs = films().select("who", "film").n_unique()
    assert profile.log.sparsity == pytest.approx(1 - pairs / 120)
    assert profile.log.repeats == pytest.approx(1 - pairs / 72)
    assert profile.log.of_user["p50"] == profile.log.of_user["most"] == 6
    assert profile.log.too_few == 0
    told = f"{added} {profile} {[logged.entry for logged in ledger.entries()]}"
    assert "secret" not in told


def test_users_that_are_numbers_are_not_told_either(datasets, admin, tmp_path):
    table = films().with_columns(who=pl.col("who").str.slice(-3).cast(pl.Int64) + 424_200)
    added = registered(datasets, admin, table, tmp_path)
    assert "4242" not in f"{added} {datasets.profile('log', by=admin)}"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("who", "user 'who' is missing in 1 of 72 rows"),
        ("at", "time 'at' is missing in 1"),
        ("film", "target 'film' is missing in 1"),
    ],
)
def test_an_interaction_without_user_time_or_item_is_refused(datasets, admin, tmp_path, column, message):
    table = films().with_row_index()
    holes = table.with_columns(pl.when(pl.col("index") == 7).then(None).otherwise(pl.col(column)).alias(column)).drop("index")
    with pytest.raises(UnusableTableError, match=message) as refused:
        registered(datasets, admin, holes, tmp_path)
    assert "secret" not in str(refused.value)


def test_what_is_no_log_is_refused(datasets, admin, tmp_path):
    for said, message in (
        ({"user": ""}, "`--user`"),
        ({"time": ""}, "`--time`"),
        ({"time": "who"}, "three columns"),
        ({"task": "text"}, "leave `--user` out"),
        ({"user": "whom"}, "The user is not in the data"),
    ):
        with pytest.raises(InvalidDeclarationError, match=message):
            registered(datasets, admin, films(), tmp_path, **said)
    for change, message in (
        ({"at": pl.lit("noon") + pl.col("film")}, "has no order"),
        ({"film": pl.col("at") + 0.5}, "fractions"),
        ({"film": pl.lit("the one film")}, "has 1 different items"),
        ({"film": pl.col("film") + "x" * 300}, "more than 200 characters"),
        ({"who": pl.col("who") + pl.int_range(72).cast(pl.String)}, "nobody has a history"),
    ):
        with pytest.raises(UnusableTableError, match=message) as refused:
            registered(datasets, admin, films().with_columns(**change), tmp_path)
        assert "secret" not in str(refused.value)


def test_more_items_than_can_be_recommended_are_refused(datasets, admin, tmp_path):
    table = pl.DataFrame({"who": [place // 3 for place in range(10_002)], "at": range(10_002), "film": range(10_002)})
    with pytest.raises(UnusableTableError, match=r"10,002 different items; 2 to 10,000"):
        registered(datasets, admin, table, tmp_path)


def test_the_last_of_each_user_tests_and_nothing_is_learned_from_later_ones():
    table = films()
    parts = make_split(table, "film", Split(by="last"), task="items", log=LOG)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (48, 12, 12)
    for user in table.get_column("who").unique():
        mine = table.get_column("who") == user
        moments = [table["at"].to_numpy()[part][mine.to_numpy()[part]] for part in (parts.train, parts.validation, parts.test)]
        assert max(moments[0]) < moments[1][0] < moments[2][0]
    assert parts.digest == make_split(table, "film", Split(by="last"), task="items", log=LOG).digest
    assert parts.digest != make_split(table[::-1], "film", Split(by="last"), task="items", log=LOG).digest


def test_of_one_moment_the_later_row_is_the_later_interaction():
    table = pl.DataFrame({"who": ["a"] * 4, "at": [5.0, 1.0, 5.0, 5.0], "film": ["x", "y", "z", "w"]})
    found = sequences(table, LOG)
    assert found.order.tolist() == [1, 0, 2, 3]
    assert leave_last_out(found).tolist() == [0, 0, 1, 2]


def test_a_user_of_two_interactions_is_only_learned_from():
    table = pl.DataFrame({"who": list("aabbbc"), "at": [1.0, 2, 1, 2, 3, 9], "film": list("xyxyzx")})
    assert leave_last_out(sequences(table, LOG)).tolist() == [0, 0, 0, 1, 2, 0]


def test_a_log_is_never_divided_by_chance_and_nothing_else_by_last(datasets, admin, tmp_path):
    registered(datasets, admin, films(), tmp_path)
    for split in (Split(), Split(by="random"), Split(by="cluster"), Split(by="time", column="film")):
        with pytest.raises(InvalidSplitError, match="by: last"):
            datasets.split("log", split, by=admin)
    by_time = datasets.split("log", Split(by="time", column="at"), by=admin)
    assert by_time.train > by_time.test > 0
    with pytest.raises(InvalidSplitError, match="--task items"):
        make_split(films(), "film", Split(by="last"))


def test_a_history_is_what_the_user_took_before_and_nothing_of_others():
    table = pl.DataFrame({"who": list("ababa"), "at": [1.0, 1, 2, 2, 3], "film": list("xyzwx")})
    codes = np.array([1, 2, 3, 4, 1], dtype=np.int32)
    found = sequences(table, LOG).histories(codes, np.array([4, 0, 3]), length=3)
    assert found.tolist() == [[0, 1, 3], [0, 0, 0], [0, 0, 2]]
    assert sequences(table, LOG).histories(codes, np.array([4]), length=1).tolist() == [[3]]


def test_neighbours_are_those_that_the_same_users_took():
    """Two of three users who took item 0 took item 1 too: the cosine is 2 / sqrt(3 * 2)."""
    users, items = np.array([0, 0, 1, 1, 2, 2, 3, 0]), np.array([0, 1, 0, 1, 0, 2, 3, 0])
    found = find_neighbours(users, items, known=4, many=2, shrinkage=0.0)
    assert found.items[1].tolist() == [1, 2]
    assert found.likeness[1] == pytest.approx([2 / np.sqrt(6), 1 / np.sqrt(3)])
    assert found.likeness[4].tolist() == [0, 0]
    assert step_weights(3, 0.5).tolist() == [0.25, 0.5, 1]
    scores = found.scores(np.array([[0, 1], [3, 2], [0, 5]], dtype=np.int32), decay=0.5)
    assert scores[0] == pytest.approx([0, 2 / np.sqrt(6), 1 / np.sqrt(3), 0])
    assert scores[1] == pytest.approx([2 / np.sqrt(6) + 0.5 / np.sqrt(3), 0, 0, 0])
    assert scores[2].tolist() == [0, 0, 0, 0]
