# SPDX-License-Identifier: Apache-2.0
"""What `modelward predict` makes of files of answers that are no classes."""

import io

import polars as pl
from rich.console import Console

from modelward.entrances.cli.asking import Numbers, WrittenText, _predictions, _show_first


def written(**columns):
    sink = io.BytesIO()
    count = len(next(iter(columns.values())))
    pl.DataFrame({"row": range(1, count + 1), **columns}, schema_overrides={"unfamiliar": pl.String}).write_parquet(sink)
    return sink.getvalue()


TEXTS = written(text=["a, b", ""], unfamiliar=[None, '["said"]'])
NAMED = written(value_sum=[5.0], value_difference=[-1.0], unfamiliar=[None])
MADE = written(value_town=["2", "north"], value_price=[3937.42, 1200.0], unfamiliar=[None, None])
GRID = written(values=["[[5.0,-1.0]]"], unfamiliar=[None])
CUT = written(
    label=["bad", "bad"], probability_bad=[0.5, 0.5], probability_good=[0.5, 0.5], unfamiliar=[None, None], cut=[None, '["review"]']
)


def shown(payload):
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        _show_first(console, _predictions(payload))
    return captured.get()


def test_answers_are_worded_as_the_api_words_them():
    assert _predictions(TEXTS) == (WrittenText("a, b", (), ()), WrittenText("", ("said",), ()))
    assert _predictions(NAMED) == (Numbers({"sum": 5.0, "difference": -1.0}, (), ()),)
    assert _predictions(MADE)[0] == Numbers({"town": "2", "price": 3937.42}, (), ()), (
        "a category that looks like a number is a text"
    )
    assert _predictions(GRID) == (Numbers([[5.0, -1.0]], (), ()),)
    assert [(told.cut, told.unfamiliar, told.probabilities) for told in _predictions(CUT)] == [
        ((), (), {"bad": 0.5, "good": 0.5}),
        (("review",), (), {"bad": 0.5, "good": 0.5}),
    ]


def test_answers_are_shown_in_columns():
    assert "a, b" in shown(TEXTS)
    assert "said" in shown(TEXTS)
    assert "review" in shown(CUT)
    assert "unfamiliar" not in shown(CUT)
    assert "difference" in shown(NAMED)
    assert "3937.42" in shown(MADE)
    assert "1200 " in shown(MADE)
    assert "[[5.0, -1.0]]" in shown(GRID)
