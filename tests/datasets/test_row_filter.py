# SPDX-License-Identifier: Apache-2.0
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.datasets import Column, ColumnKind, InvalidFilterError, RowFilter

ROWS = pl.DataFrame(
    {
        "age": [17.0, 18.0, None, 60.0],
        "state": ["CA", "NY", "CA", None],
        "hours per week": [40.0, 20.0, 30.0, None],
        "member": [True, False, None, True],
        "joined": [datetime(2020, 1, 1), datetime(2021, 6, 1), datetime(2022, 1, 1), None],
        "note": ["a", "b", "c", "d"],
    }
)
KINDS = {
    "age": ColumnKind.NUMBER,
    "state": ColumnKind.CATEGORY,
    "hours per week": ColumnKind.NUMBER,
    "member": ColumnKind.BOOLEAN,
    "joined": ColumnKind.DATE,
    "note": ColumnKind.TEXT,
    "face": ColumnKind.IMAGE,
}
COLUMNS = [Column(name=name, kind=kind, nullable=True) for name, kind in KINDS.items()]


def kept(text):
    parsed = RowFilter.parse(text)
    parsed.check(COLUMNS)
    return [place for place, is_kept in enumerate(parsed.kept(ROWS, COLUMNS).to_list()) if is_kept]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("age >= 18", [1, 3]),
        ("age>=18 and state != 'CA'", [1]),
        ('state = "CA" or age > 50', [0, 2, 3]),
        ("not age >= 18", [0]),  # a value that is missing is neither
        ("not (age >= 18 or state == 'NY')", [0]),
        ("age is missing", [2]),
        ("state is not missing and age is not missing", [0, 1]),
        ("`hours per week` in [20, 30.0, 1e3]", [1, 2]),
        ("state not in ['CA']", [1]),
        ("member == true", [0, 3]),
        ("not member = true", [1]),
        ("joined < '2021-06-02T00:00:00+02:00'", [0, 1]),
        ("joined >= '2021-06-01'", [1, 2]),
        ("note in ['a','d'] and (age < 18 or age == 60)", [0, 3]),
        ("age > -5 and age < .5e2", [0, 1]),
    ],
)
def test_a_filter_keeps_the_rows_that_it_says(text, rows):
    assert kept(text) == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "character 1"),
        ("age", "belongs there"),
        ("age >= ", "character 7"),
        ("age >= 18 state == 'NY'", "`and`, `or` or the end"),
        ("age >= eighteen", "a finite number, a text in quotes"),
        ("age >= 18 and", "name of a column"),
        ("__import__('os').system('true')", "from character 17"),
        ("age.cast(pl.String)", "belongs there"),
        ("age >= 18; drop table datasets", "from character 10"),
        ("(age >= 18", r"`\)` belongs"),
        ("age not 18", "`in` belongs"),
        ("state in []", "a finite number, a text"),
        ("agee >= 18", "Did you mean 'age'"),
        ("age == '18'", "Compare it with numbers"),
        ("state == 5", "Compare it with texts"),
        ("member == 'true'", "true or false"),
        ("state < 'M'", "has no order"),
        ("joined > 'yesterday'", "holds dates"),
        ("face == 'x'", "is missing"),
        ("age in [1, 'x']", "Compare it with numbers"),
        ("(" * 30 + "age > 1" + ")" * 30, "deeper than 20"),
        ("not " * 30 + "age > 1", "deeper than 20"),
        (" or ".join(["age>1"] * 51), "more than 50"),
        (f"age in [{','.join(['1'] * 201)}]", "more than 200"),
        ("age > 1" + " " * 1000, "1,007 characters"),
        ("age > 9" + "9" * 400, "finite"),
    ],
)
def test_what_is_no_filter_of_these_columns_is_refused_and_says_why(text, said):
    with pytest.raises(InvalidFilterError, match=said):
        kept(text)


@pytest.mark.parametrize(
    ("kind", "categories", "asked", "written"),
    [
        ("category", ("no", "yes"), "consent == true", 'consent == "yes"'),
        ("category", ("No", "Yes", "unknown"), "consent == true", 'consent == "Yes"'),
        ("category", ("N", "Y"), "consent != false", 'consent != "N"'),
        ("category", ("ja", "yes"), "consent == true", 'consent == "the word"'),
        ("category", ("Meier", "Schulz"), "consent == true", 'consent == "the word"'),
        ("text", (), "consent == true", 'consent == "the word"'),
        ("number", (), "consent == true", "consent == 1"),
        ("number", (), "consent != true", "consent != 1"),
    ],
)
def test_who_compares_yes_and_no_with_true_is_told_what_to_write(kind, categories, asked, written):
    """The word is told only where it is a usual one for yes or no: others may be somebody's name."""
    flag = {"minimum": 0.0, "maximum": 1.0} if kind == "number" else {}
    column = Column(name="consent", kind=ColumnKind(kind), nullable=False, categories=categories, **flag)
    with pytest.raises(InvalidFilterError) as refused:
        RowFilter.parse(asked).check([column])
    assert str(refused.value).endswith(f": {written}")
    if "the word" not in written:
        RowFilter.parse(written).check([column])
    assert "Meier" not in str(refused.value)


def test_what_has_spaces_is_written_with_backquotes_and_what_is_no_flag_is_not_guessed():
    spaced = Column(name="has consent", kind=ColumnKind.CATEGORY, nullable=False, categories=("no", "yes"))
    with pytest.raises(InvalidFilterError, match='in this one: `has consent` == "yes"'):
        RowFilter.parse("`has consent` == true").check([spaced])
    age = Column(name="age", kind=ColumnKind.NUMBER, nullable=False, minimum=0.0, maximum=90.0)
    with pytest.raises(InvalidFilterError, match="such as 18"):
        RowFilter.parse("age == true").check([age])


@given(st.text(alphabet="age state<>=!()[],'\"`0123456789.eE+-andornotismg ", max_size=60))
def test_whatever_is_written_is_a_filter_or_refused(text):
    try:
        parsed = RowFilter.parse(text)
        parsed.check(COLUMNS)
    except InvalidFilterError:
        return
    assert len(parsed.kept(ROWS, COLUMNS)) == ROWS.height
