# SPDX-License-Identifier: Apache-2.0
import numpy as np
import polars as pl
import pytest

from modelward.datasets import WARNINGS
from modelward.datasets.profiling import describe_columns, find_identifiers, profile_table
from modelward.datasets.recognition import recognise

ROWS = 400
DRAW = np.random.default_rng(11)
LABEL = DRAW.integers(0, 2, ROWS)
NOISE = DRAW.normal(size=ROWS)


def profiled(**columns):
    """The profile of the columns given beside a target of two classes and a column of noise."""
    raw = pl.DataFrame({"noise": NOISE, **columns, "label": np.where(LABEL == 1, "yes", "no")}, strict=False)
    table = recognise(raw, kinds={})
    found = find_identifiers(table)
    said = {"dataset": "d", "fingerprint": "f", "target": "label", "positive": "yes"}
    return profile_table(table, describe_columns(table, found), identifiers=found, **said)


def warned(**columns) -> set[tuple[str, str]]:
    profile = profiled(**columns)
    assert {warning.kind for warning in profile.warnings} <= set(WARNINGS)
    return {(warning.kind, warning.column) for warning in profile.warnings}


def test_a_table_without_faults_has_no_warning():
    assert warned(town=DRAW.choice(["Ulm", "Jena"], ROWS), flag=DRAW.integers(0, 2, ROWS) == 1) == set()


def test_the_figures_of_a_column_of_numbers_are_right():
    values = [float(value) for value in range(1, 100)] + [1000.0, *([None] * 300)]
    column = next(column for column in profiled(v=values).columns if column.name == "v")
    assert (column.missing, column.missing_share, column.distinct) == (300, 0.75, 100)
    assert (column.minimum, column.maximum, column.mean) == (1.0, 1000.0, pytest.approx(59.5))
    assert column.quantiles["p50"] == pytest.approx(50.5)
    assert column.standard_deviation == pytest.approx(np.std([*range(1, 100), 1000], ddof=1))
    assert column.outliers == 1


def test_classes_and_duplicates_are_counted():
    profile = profiled(noise=np.zeros(ROWS))
    assert profile.classes == {"yes": int(LABEL.sum()), "no": int(ROWS - LABEL.sum())}
    assert profile.duplicates == ROWS - 2
    assert ("duplicates", "") in {(warning.kind, warning.column) for warning in profile.warnings}


def test_days_are_shown_as_days_and_moments_as_moments():
    days = [f"2024-03-{1 + place % 28:02}" for place in range(ROWS)]
    moments = [*days[:-1], "2024-03-28T06:30:00"]
    profile = {column.name: column for column in profiled(days=days, moments=moments).columns}
    assert (profile["days"].earliest, profile["days"].latest) == ("2024-03-01", "2024-03-28")
    assert (profile["moments"].earliest, profile["moments"].latest) == ("2024-03-01 00:00:00", "2024-03-28 06:30:00")


def test_of_texts_only_figures_are_told():
    texts = [f"Lies Nr. {place} von Ärzten" for place in range(340)] + ["我喜欢这本书", "一样"] * 5 + ["repeated words"] * 5
    texts += ["x" * 2000, *([None] * (ROWS - 356))]
    profile = profiled(review=texts)
    (column,) = [column for column in profile.columns if column.name == "review"]
    assert (column.kind, column.missing, column.distinct, column.top) == ("text", 44, 344, ())
    found = column.texts
    assert (found.characters["longest"], found.characters["p50"]) == (2000, len("Lies Nr. 170 von Ärzten"))
    assert found.repeated == 8 + 4
    letters = sum(character.isalpha() for text in texts if text for character in text)
    han = sum(character in "我喜欢这本书一样" for text in texts if text for character in text)
    assert found.han == pytest.approx(han / letters)
    assert found.latin == pytest.approx(1 - han / letters)
    told = "".join(warning.text for warning in profile.warnings)
    assert "data: {text: COLUMN}" in told
    assert "Nr. 7" not in told


def test_rare_categories_are_not_named():
    towns = ["Ulm"] * 196 + ["Jena"] * 200 + ["Gera"] * 4
    column = next(column for column in profiled(town=towns).columns if column.name == "town")
    assert [(each.value, each.rows, each.share) for each in column.top] == [("Jena", 200, 0.5), ("Ulm", 196, 0.49)]


LEAKS = {
    "the target under another name": np.where(LABEL == 1, "accepted", "rejected"),
    "the target as numbers": LABEL,
    "a number that separates the classes": LABEL * 5 + NOISE * 0.5,
    "a number that separates them the other way": -LABEL * 5 + NOISE * 0.5,
    "a category that is pure": np.where(LABEL == 1, DRAW.choice(["a", "b"], ROWS), DRAW.choice(["c", "d"], ROWS)),
    "being missing": np.where(LABEL == 1, None, DRAW.choice(["a", "b"], ROWS)),
    "a number being missing": [None if label else float(value) for label, value in zip(LABEL, NOISE, strict=True)],
    "a number in bands": (LABEL * 10 + DRAW.integers(0, 2, ROWS) * 20).astype(float),
}


@pytest.mark.parametrize("case", LEAKS)
def test_a_column_that_alone_tells_the_target_is_a_leakage_suspect(case):
    assert ("leakage", "leak") in warned(leak=LEAKS[case])


@pytest.mark.parametrize(
    "honest",
    [LABEL * 1.5 + NOISE, [f"n{place}" for place in range(ROWS)], DRAW.choice([f"k{n}" for n in range(200)], ROWS)],
    ids=["a good feature", "a name of each row", "many categories of few rows"],
)
def test_a_column_that_tells_the_target_only_partly_or_by_chance_is_not_suspected(honest):
    assert ("leakage", "leak") not in warned(leak=honest)


def test_leakage_is_found_in_a_target_of_three_classes():
    codes = np.repeat([0, 1, 2], 40)
    raw = pl.DataFrame(
        {"leak": codes * 10 + np.tile([0.0, 1.0], 60), "honest": np.tile(np.arange(40.0), 3), "label": codes.astype(str)}
    )
    raw = raw.with_columns(pl.col("label").replace({"0": "a", "1": "b", "2": "c"}))
    table = recognise(raw, kinds={})
    found = find_identifiers(table)
    profile = profile_table(table, describe_columns(table, found), identifiers=found, dataset="d", fingerprint="f", target="label")
    assert [warning.column for warning in profile.warnings if warning.kind == "leakage"] == ["leak"]


def test_the_other_faults_are_warned_of():
    assert ("constant", "v") in warned(v=["same"] * ROWS)
    assert ("near-unique", "v") in warned(v=[f"row {place}" for place in range(ROWS)])
    assert ("row-counter", "v") in warned(v=[float(place + 7) for place in range(ROWS)])
    assert ("row-counter", "v") not in warned(v=[float(place * 2) for place in range(ROWS)])
    assert ("dates", "v") in warned(v=[f"2024-01-{place % 28 + 1:02}" for place in range(ROWS)])
    assert ("missing", "v") in warned(v=[1.0, 2.0, 3.0, 2.5] * 25 + [None] * 300)
    assert ("outliers", "v") in warned(v=[*NOISE[:360], *([50.0] * 40)])
    assert ("correlated", "noise") in warned(v=NOISE * 3 + 1)
    assert ("correlated", "noise") in warned(v=-NOISE)


def test_a_class_of_few_rows_is_warned_of():
    raw = pl.DataFrame({"v": NOISE, "label": ["rare"] * 8 + ["common"] * (ROWS - 8)})
    table = recognise(raw, kinds={})
    found = find_identifiers(table)
    profile = profile_table(table, describe_columns(table, found), identifiers=found, dataset="d", fingerprint="f", target="label")
    assert {warning.kind for warning in profile.warnings} >= {"imbalance", "small-class"}


def test_direct_identifiers_are_warned_of_and_never_shown():
    phones = [str(13800000000 + place % 40) for place in range(ROWS)]
    mails = [f"person{place % 40}@example.org" for place in range(ROWS)]
    profile = profiled(phone=phones, mail=mails)
    warnings = {(warning.kind, warning.column) for warning in profile.warnings}
    assert {("direct-identifiers", "phone"), ("direct-identifiers", "mail")} <= warnings
    column = next(column for column in profile.columns if column.name == "mail")
    assert (column.identifiers, column.top) == (("email",), ())
    assert ("high-cardinality", "mail") not in warnings


def test_direct_identifiers_are_text_and_never_listed():
    raw = pl.DataFrame(
        {"mail": [f"person{place % 40}@example.org" for place in range(ROWS)], "town": ["Ulm", "Jena"] * (ROWS // 2)}
    )
    mail, town = describe_columns(raw, find_identifiers(raw))
    assert (mail.kind, mail.categories) == ("text", ())
    assert town.categories == ("Jena", "Ulm")
