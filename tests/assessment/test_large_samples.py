# SPDX-License-Identifier: Apache-2.0
"""A version of a large table is measured on some of its test rows, and what would take all rows is told."""

from modelward.assessment import ClauseVerdict, sampling
from modelward.assessment.sampling import held_out


def assess(rooms, version, *only):
    return rooms.assessment.assess(version.name, only=only, by=rooms.admin)


def test_of_many_test_rows_some_are_drawn_and_the_report_says_of_how_many(rooms, monkeypatch):
    monkeypatch.setattr(sampling, "JUDGED_ROWS", 200)
    version = rooms.register()
    report = assess(rooms, version, "quality", "leakage")
    assert (report.rows, report.drawn_from) == (200, 360)
    assert report.clause("quality.accuracy").n == 200
    assert report.clause("leakage.near_duplicates").n == 200
    assert b"Drawn from test rows</dt><dd>360" in rooms.read(version, "trust_report.html")
    drawn, again = (held_out(version, rooms.datasets, by=rooms.admin) for _ in range(2))
    assert (drawn.columns["p1"] == again.columns["p1"]).all()
    monkeypatch.undo()
    whole = held_out(version, rooms.datasets, by=rooms.admin)
    assert set(drawn.columns["p1"].ravel()) < set(whole.columns["p1"].ravel())


def test_near_duplicates_are_not_looked_for_in_a_table_too_large_for_it(rooms, monkeypatch):
    monkeypatch.setattr(sampling, "SOUGHT", 100)
    clause = assess(rooms, rooms.register(), "leakage").clause("leakage.near_duplicates")
    assert clause.verdict is ClauseVerdict.NOT_MEASURABLE
    assert "so large a table" in clause.note
