# SPDX-License-Identifier: Apache-2.0
"""Anonymity of tables: what is promised is counted again in what was made, and an attacker fares as the count says."""

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.datasets import Anonymising, DatasetMissingError, Hiding, InvalidHidingError, NotAnonymousError
from modelward.datasets.anonymity import attack, measure, widen
from modelward.privacy import AnonymityUnreachableError

ROWS = 400
SAID = {"target": "y", "purpose": "tests", "owner": "clinic"}


def persons(rows: int = ROWS) -> pl.DataFrame:
    draw = np.random.default_rng(11)
    start = datetime(1950, 1, 1)
    return pl.DataFrame(
        {
            "age": [float(age) if place % 23 else None for place, age in enumerate(draw.integers(18, 90, rows))],
            "sex": [str(each) for each in draw.choice(["f", "m"], rows)],
            "postcode": [f"{code:05}" for code in draw.integers(10100, 10180, rows)],
            "born": [start + timedelta(days=int(days)) for days in draw.integers(0, 20_000, rows)],
            "illness": [str(each) for each in draw.choice(["flu", "gout", "none", "none"], rows)],
            "pay": [float(pay) for pay in draw.integers(1, 6, rows)],
            "y": [str(each) for each in draw.choice(["no", "yes"], rows)],
        }
    )


QUASI = ("age", "sex", "postcode", "born")


def made_of(table: pl.DataFrame, asked: Anonymising) -> tuple[pl.DataFrame, float]:
    widened = widen(table, asked)
    return table.with_columns(list(widened.columns.values())), widened.lost


def counted(table: pl.DataFrame, names) -> Counter:
    """Classes, counted row by row."""
    return Counter(zip(*(table[name].to_list() for name in names), strict=True))


@settings(max_examples=15, deadline=None)
@given(k=st.integers(2, 60), names=st.sets(st.sampled_from(QUASI), min_size=1).map(sorted).map(tuple))
def test_as_many_rows_are_alike_as_asked_when_counted_row_by_row(k, names):
    after, lost = made_of(persons(), Anonymising(k=k, quasi=names))
    classes = counted(after, names)
    assert min(classes.values()) >= k
    assert 0 <= lost <= 1
    told = measure(persons(), after, Anonymising(k=k, quasi=names), lost=lost)
    assert (told.classes, told.smallest, told.largest) == (len(classes), min(classes.values()), max(classes.values()))
    assert told.discernibility == sum(count**2 for count in classes.values())
    assert told.highest_risk == 1 / min(classes.values())
    assert told.mean_risk == pytest.approx(sum(1 / count * count for count in classes.values()) / ROWS)


@pytest.mark.parametrize(("sensitive", "closeness"), [("illness", 0.25), ("pay", 0.12)])
def test_what_is_sensitive_is_as_varied_and_as_near_as_asked(sensitive, closeness):
    asked = Anonymising(k=4, quasi=QUASI, sensitive=sensitive, diversity=2, closeness=closeness)
    after, lost = made_of(persons(), asked)
    told = measure(persons(), after, asked, lost=lost)
    held: dict[tuple, set] = {}
    for key, value in zip(zip(*(after[name].to_list() for name in QUASI), strict=True), after[sensitive], strict=True):
        held.setdefault(key, set()).add(value)
    assert told.diversity == min(len(each) for each in held.values()) >= 2
    assert 0 < told.closeness <= closeness
    loose, _ = made_of(persons(), Anonymising(k=4, quasi=QUASI))
    assert len(counted(loose, QUASI)) > told.classes


def test_a_class_that_is_smaller_than_promised_is_seen():
    asked = Anonymising(k=5, quasi=("sex", "postcode"))
    after, lost = made_of(persons(), asked)
    label, _ = counted(after, ["postcode"]).most_common(1)[0]
    place = after["postcode"].to_list().index(label[0])
    broken = after.with_columns(
        pl.Series("postcode", ["10100" if row == place else each for row, each in enumerate(after["postcode"])])
    )
    with pytest.raises(NotAnonymousError, match="class of"):
        measure(persons(), broken, asked, lost=lost)


def test_a_division_that_counts_wrongly_registers_nothing(datasets, admin, tmp_path, monkeypatch):
    from modelward.datasets import anonymity

    persons().write_parquet(tmp_path / "t.parquet")
    datasets.add("persons", [tmp_path / "t.parquet"], by=admin, **SAID)
    right = anonymity.divided
    monkeypatch.setattr(anonymity, "divided", lambda axes, *, k, sensitive: right(axes, k=k - 1, sensitive=sensitive))
    hiding = Hiding(anonymous=Anonymising(k=5, quasi=("age", "sex")))
    with pytest.raises(NotAnonymousError):
        datasets.deidentifying.deidentify("persons", "alike", hiding, by=admin)
    with pytest.raises(DatasetMissingError):
        datasets.show("alike", by=admin)


def test_an_attacker_fares_as_the_count_says_and_far_worse_than_before():
    table, asked = persons(), Anonymising(k=8, quasi=QUASI)
    after, lost = made_of(table, asked)
    told = measure(table, after, asked, lost=lost)
    assert told.attack_before.hits == told.attack_before.tries == ROWS  # a postcode and a birthday are one's own
    assert told.attack_after.low <= told.mean_risk * 1.5
    assert told.attack_after.high < 0.25
    # Who is told everything picks everybody: the attack can see what it looks for.
    assert attack(table.select(QUASI), table, QUASI).low > 0.98
    # And who is told nothing picks one in all of them.
    nothing = table.select(QUASI).with_columns(
        pl.lit("*").alias(name) if name != "age" else pl.lit(50.0).alias(name) for name in QUASI
    )
    assert attack(nothing, table, QUASI).high < 0.03


def test_what_a_class_tells_is_true_of_each_of_its_rows():
    table = persons()
    after, _ = made_of(table, Anonymising(k=6, quasi=QUASI))
    for label, value in zip(after["postcode"], table["postcode"], strict=True):
        assert value in label.split(" | ") or (label.endswith("*") and value.startswith(label[:-1]))
    assert after["postcode"].str.ends_with("*").any()
    ages = pl.DataFrame({"told": after["age"], "true": table["age"], **{name: after[name] for name in QUASI[1:]}})
    means = ages.group_by("told", *QUASI[1:]).agg(pl.col("true").mean())
    assert (means["told"] - means["true"]).abs().max() < 1e-3
    assert after["born"].dtype == table["born"].dtype
    assert all(born == born.replace(hour=0, minute=0, second=0, microsecond=0) for born in after["born"])


def test_a_copy_is_made_anonymous_and_says_so(datasets, admin, ledger, tmp_path):
    persons().write_parquet(tmp_path / "t.parquet")
    datasets.add("persons", [tmp_path / "t.parquet"], by=admin, **SAID)
    hiding = Hiding(drop=("born",), anonymous=Anonymising(k=5, quasi=("age", "sex", "postcode"), sensitive="illness", diversity=2))
    made = datasets.deidentifying.deidentify("persons", "alike", hiding, by=admin)
    shown = datasets.show("alike", by=admin)
    assert shown.derived.anonymity == made.derived.anonymity
    assert min(counted(datasets.table("alike", by=admin), ("age", "sex", "postcode")).values()) >= 5
    assert {column.name: column.kind.value for column in shown.columns}["age"] == "number"
    (entry,) = ledger.entries(event="dataset.deidentified")
    assert (entry.entry.facts["k"], entry.entry.facts["quasi"]) == (5, ["age", "sex", "postcode"])


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"k": 1, "quasi": ("age",)}, "k is 1"),
        ({"k": 5, "quasi": ()}, "known of persons"),
        ({"k": 5, "quasi": ("age", "age")}, "each once"),
        ({"k": 5, "quasi": ("age",), "sensitive": "age"}, "one of the two"),
        ({"k": 5, "quasi": ("age",), "diversity": 2}, "--sensitive"),
        ({"k": 5, "quasi": ("age",), "sensitive": "y", "closeness": 0.0}, "above 0"),
        ({"k": 5, "quasi": ("age",), "sensitive": "y", "closeness": float("nan")}, "above 0"),
    ],
)
def test_what_promises_nothing_is_refused(said, match):
    with pytest.raises(InvalidHidingError, match=match):
        Anonymising(**said)


@pytest.mark.parametrize(
    ("hiding", "kind", "match"),
    [
        (Hiding(anonymous=Anonymising(k=5, quasi=("agee",))), InvalidHidingError, "Did you mean 'age'"),
        (Hiding(columns={"age": "mask"}, anonymous=Anonymising(k=5, quasi=("age",))), InvalidHidingError, "one of the two"),
        (Hiding(anonymous=Anonymising(k=401, quasi=("age",))), AnonymityUnreachableError, "400 rows"),
        (Hiding(anonymous=Anonymising(k=5, quasi=("age",), sensitive="illness", diversity=4)), AnonymityUnreachableError, "3 diff"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_registered(datasets, admin, tmp_path, hiding, kind, match):
    persons().write_parquet(tmp_path / "t.parquet")
    datasets.add("persons", [tmp_path / "t.parquet"], by=admin, **SAID)
    with pytest.raises(kind, match=match):
        datasets.deidentifying.deidentify("persons", "alike", hiding, by=admin)
    assert [each.name for each in datasets.list(by=admin)] == ["persons"]
