# SPDX-License-Identifier: Apache-2.0
"""Series of numbers as a kind of column: told from texts, profiled, and refused where they are none, in words that help."""

import json
from pathlib import Path

import msgspec
import polars as pl
import pytest

from modelward.datasets import Column, ColumnKind, Profile, UnusableTableError, find_clusters
from modelward.datasets.profiling import find_identifiers
from modelward.datasets.recognition import describe

GOLDEN = Path(__file__).parent.parent / "golden" / "dataset-1" / "described.json"


def rows():
    """Two channels with gaps and empty ones; texts in brackets that are no series."""
    made = []
    for at in range(40):
        steps = [[at % 7 + step / 4, None if (at + step) % 9 == 4 else -step] for step in range(3 + at % 5)]
        made.append((steps if at % 13 else [], f"[{at}] {at % 3} of them [sic]", at % 6, ("slow", "fast")[at % 2]))
    return made


def as_csv(values):
    def cell(text):
        return '"' + text.replace('"', '""') + '"'

    lines = [
        f"{cell(steps if isinstance(steps, str) else json.dumps(steps, separators=(',', ':')))},{cell(note)},{day},{pace}"
        for steps, note, day, pace in values
    ]
    return "\n".join(["wave,note,day,pace", *lines]) + "\n"


@pytest.fixture
def register(datasets, admin, tmp_path):
    def register(values=None, *, name="waves"):
        file = tmp_path / f"{name}.csv"
        file.write_text(as_csv(rows() if values is None else values))
        return datasets.add(name, [file], target="pace", by=admin, purpose="to test", owner="the tests")

    return register


@pytest.fixture
def profiled(register, datasets, admin):
    def profiled(values=None):
        register(values)
        found = datasets.profile("waves", by=admin)
        return found.columns[0], found

    return profiled


def broken(value, *, row=7):
    values = rows()
    return [(value if at == row - 1 else steps, *others) for at, (steps, *others) in enumerate(values)]


def test_series_are_a_kind_of_their_own_and_texts_in_brackets_stay_texts(register):
    kinds = {column.name: column.kind for column in register().columns}
    assert kinds == {
        "wave": ColumnKind.SERIES,
        "note": ColumnKind.TEXT,
        "day": ColumnKind.NUMBER,
        "pace": ColumnKind.CATEGORY,
    }


def test_the_fingerprint_is_the_one_from_before_series_were_a_kind(register):
    assert register().fingerprint == json.loads(GOLDEN.read_text())["profile"]["fingerprint"]


def test_what_was_sealed_before_series_were_a_kind_is_read():
    before = json.loads(GOLDEN.read_text())
    columns = msgspec.convert(before["columns"], tuple[Column, ...], strict=False)
    profile = msgspec.convert(before["profile"], Profile)
    assert columns[0].kind is profile.columns[0].kind is ColumnKind.TEXT
    assert profile.columns[0].series is None


def test_a_profile_tells_lengths_channels_ranges_and_what_is_missing(profiled):
    column, _ = profiled()
    found = column.series
    lengths = sorted(len(steps) for steps, *_ in rows())
    assert (found.steps["least"], found.steps["most"]) == (lengths[0], lengths[-1])
    assert found.steps["p50"] == (lengths[19] + lengths[20]) / 2
    assert (found.channels, found.ranges, found.range) == (2, ((0.0, 7.5), (-6.0, 0.0)), (-6.0, 7.5))
    assert found.empty == 4
    # A number that is missing at the end of a series, with its step, is none; beside another one it is a gap.
    numbers = [number for steps, *_ in rows() for step in steps for number in step]
    assert found.missing_share == numbers.count(None) / len(numbers)
    assert (column.texts, column.top, column.identifiers) == (None, (), ())


def test_the_lengths_of_many_series_make_a_histogram(profiled):
    column, _ = profiled([([0.5] * (1 + at % 30), "none", at % 6, ("slow", "fast")[at % 2]) for at in range(300)])
    assert (column.histogram.low, column.histogram.high) == (1, 30)
    assert sum(column.histogram.counts) == 300


def test_no_series_is_taken_for_identifiers_of_persons(profiled):
    _, found = profiled([([4917610000000 + at, 15112345678], "none", at % 6, ("slow", "fast")[at % 2]) for at in range(40)])
    assert not [warning for warning in found.warnings if warning.column == "wave" and warning.kind != "series-flat"]


@pytest.mark.parametrize(
    ("steps", "kind", "said"),
    [
        ([1.0, 2.0] * 2100, "series-long", "have up to 4,200 steps, and a model reads the last 4,096"),
        ([[1.0, None], [2.0, 3.0]], "series-gaps", "of the numbers within the series of column 'wave' are missing"),
        ([[1.0, 3.0], [2.0, 3.0]], "series-flat", "Channel 2 of column 'wave' has one value only"),
    ],
)
def test_what_calls_for_a_second_look_is_warned_of(profiled, steps, kind, said):
    _, found = profiled([(steps[at % 2 :], "none", at % 6, ("slow", "fast")[at % 2]) for at in range(40)])
    assert said in next(warning.text for warning in found.warnings if warning.kind == kind)


def test_empty_series_are_warned_of_and_lists_are_never_called_names_or_texts(profiled):
    _, found = profiled()
    kinds = {warning.kind for warning in found.warnings if warning.column == "wave"}
    assert kinds == {"series-empty", "series-gaps"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1.0, 2.0], "has 1 number in step 1, and not 2: each step is a list of 2 numbers"),
        ([[1.0, 2.0], [3.0, 4.0, 5.0]], "has 3 numbers in step 2, and not 2"),
        ([[[1.0, 2.0]]], "is nested too deep in step 1: each step is a list of 2 numbers"),
        ([[1.0, True]], "holds something that is no number in step 1"),
        ([[1.0, 2.0], [1.0, "3"]], "holds something that is no number in step 2"),
        ([[0, 0]] * 100_001, "has 100,001 steps; the limit is 100,000. Keep the last ones"),
        ("[[1, NaN]]", "holds NaN, None or Infinity, which JSON has not: write null where a number is missing"),
        ("[[1, 2]", "is a text that holds no list of numbers"),
        ([[1.0, 1e39]], "beyond what float32 holds"),
    ],
)
def test_what_is_no_series_is_refused_by_row_and_never_shown(register, value, said):
    with pytest.raises(UnusableTableError) as refused:
        register(broken(value))
    assert "column 'wave', row 7" in str(refused.value)
    assert said in str(refused.value)
    assert str(refused.value).endswith("Mend it, or leave it empty (missing).")


def test_a_series_that_is_left_empty_is_missing(profiled):
    column, _ = profiled(broken(""))
    assert (column.missing, column.kind) == (1, ColumnKind.SERIES)


def test_lists_from_parquet_are_series_and_those_of_anything_else_are_refused(datasets, admin, tmp_path):
    file = tmp_path / "waves.parquet"

    def add(lists):
        pl.DataFrame({"wave": lists, "pace": ["slow", "fast"] * 20}).write_parquet(file)
        return datasets.add("waves", [file], target="pace", by=admin, purpose="to test", owner="the tests")

    for wrong, said in (
        ([[[[1.0]]]] * 40, "holds lists that are 3 deep. A series is a list of steps"),
        ([[True, False]] * 40, "holds lists of type Boolean. Only lists of numbers are series"),
        ([["a", "b"]] * 40, "Only lists of numbers are series"),
        ([[1.0, float("inf")]] * 40, "holds infinity"),
    ):
        with pytest.raises(UnusableTableError, match="wave") as refused:
            add(wrong)
        assert said in str(refused.value)
    made = add([[float(at), float("nan"), 0.5] for at in range(40)])
    assert made.column("wave").kind is ColumnKind.SERIES
    assert datasets.profile("waves", by=admin).columns[0].series.missing_share == pytest.approx(1 / 3)


def test_who_hides_addresses_behind_lists_is_found_out():
    addresses = [f"anna.meier{row}@example.org" for row in range(900)]
    for lists in ("[0]", "[0, 1]"):
        table = pl.DataFrame({"contact": [lists] * 950 + addresses * 6, "steps": ["[1, 2]"] * 6350})
        assert find_identifiers(table) == {"contact": ("email",), "steps": ()}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["[1,\n2]", "[3,\n4]"], ColumnKind.SERIES),
        (["[1,2]", "[3,4]"], ColumnKind.SERIES),
        (["[]", "[null]", "[1]", "[2]"], ColumnKind.SERIES),
        (["[-]", "[E]", "[e]"], ColumnKind.TEXT),
    ],
)
def test_lists_are_series_where_they_hold_numbers(values, kind):
    assert describe(pl.Series("x", values * 30)).kind is kind


def test_equal_rows_without_their_series_are_copies():
    rows = {"s": ["[1,2,3]", "[4,5,6]", None, None, None], "x": ["a", "a", "b", "b", "c"]}
    assert find_clusters(pl.DataFrame(rows), ["s", "x"], similarity=0.9).of_row.tolist() == [0, 1, 2, 2, 3]
