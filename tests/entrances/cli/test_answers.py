# SPDX-License-Identifier: Apache-2.0
"""What `modelward predict` makes of files of answers that are no classes."""

from rich.console import Console

from modelward.entrances.cli.asking import Numbers, WrittenText, _predictions, _show_first

TEXTS = b'row,text,unfamiliar\n1,"a, b",\n2,,"[""said""]"\n'
NAMED = b"row,value_sum,value_difference,unfamiliar\n1,5.0,-1.0,\n"
GRID = b'row,values,unfamiliar\n1,"[[5.0,-1.0]]",\n'


def shown(payload):
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        _show_first(console, _predictions(payload))
    return captured.get()


def test_answers_are_worded_as_the_api_words_them():
    assert _predictions(TEXTS) == (WrittenText("a, b", ()), WrittenText("", ("said",)))
    assert _predictions(NAMED) == (Numbers({"sum": 5.0, "difference": -1.0}, ()),)
    assert _predictions(GRID) == (Numbers([[5.0, -1.0]], ()),)


def test_answers_are_shown_in_columns():
    assert "a, b" in shown(TEXTS)
    assert "said" in shown(TEXTS)
    assert "difference" in shown(NAMED)
    assert "[[5.0, -1.0]]" in shown(GRID)
