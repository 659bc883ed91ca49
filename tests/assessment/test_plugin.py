# SPDX-License-Identifier: Apache-2.0
"""Somebody else's assessor: a package on the path, and its clauses are in the report, on the page and on the card."""

import sys

import pytest

from modelward.assessment import AssessorBrokenError, ClauseVerdict

PACKAGE = """
from dataclasses import replace

from modelward.assessment import Estimate, Findings, Measure, Plot, Threshold

GRACE = Measure(assessor="beauty", key="grace", title="Grace of form", meaning="how graceful", threshold=Threshold(0.5, "at-least"))


def flattered(clause):
    return replace(clause, low=0.1)


class Beauty:
    title = "Beauty and form"
    needs_sample = True
    is_repeatable = True
    measures = (GRACE,)

    def assess(self, version, sample):
        answers = sample.answers(version)
        estimate = Estimate(0.75, 0.7, 0.8, answers.rows, "by looking twice")
        evidence = {"evidence/beauty.looks.json": b'{"looks": 2}', "plots/beauty.looks.svg": b"<svg/>"}
        clause = GRACE.clause(estimate, evidence="evidence/beauty.looks.json")
        # nothing more
        return Findings((clause,), evidence, (Plot("plots/beauty.looks.svg", "Looks", "Two looks."),))
"""
BROKEN = {
    "an id that is not its own": ("GRACE.clause(", 'Measure(assessor="quality", key="x", title="x", meaning="x").clause('),
    "an id twice": ("Findings((clause,)", "Findings((clause, clause)"),
    "did not hand over": ('{"evidence/beauty.looks.json": b\'{"looks": 2}\', ', "{"),
    "a file that is not its own": ('{"evidence/beauty.looks.json"', '{"trust_report.json": b"{}", "evidence/beauty.looks.json"'),
    "a clause whose figures": ("# nothing more", "clause = flattered(clause)"),
    "figures and verdict": ("Estimate(0.75, 0.7,", "Estimate(0.75, 0.8,"),
    "is not its own": ("measures = (GRACE,)", "measures = ()"),
    "found nothing": ("Findings((clause,)", "Findings(()"),
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package on the path that lists an assessor as an entry point, as pip would."""
    folder = tmp_path / "site"

    def put(text, *, module="beauty_assessor", name="beauty"):
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(text)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[modelward.assessors]\n{name} = {module}:Beauty\n")
        monkeypatch.syspath_prepend(str(folder))

    return put


@pytest.fixture(autouse=True)
def forget_the_package():
    yield
    sys.modules.pop("beauty_assessor", None)


def test_its_clauses_are_in_the_report_on_the_page_and_on_the_card(rooms, install):
    install(PACKAGE)
    version = rooms.register()
    report = rooms.assessment.assess(version.name, by=rooms.admin)
    assert report.assessors[-1] == "beauty"
    clause = report.clause("beauty.grace")
    assert clause.verdict is ClauseVerdict.PASSED
    assert clause.evidence_digest == report.evidence["evidence/beauty.looks.json"]
    html = rooms.read(version, "trust_report.html").decode()
    assert "Grace of form" in html
    assert "<h2>Beauty and form</h2>" in html
    assert "Two looks." in html
    assert "Grace of form" in rooms.read(version, "README.md").decode()
    assert rooms.read(version, "plots/beauty.looks.svg") == b"<svg/>"


@pytest.mark.parametrize("fault", BROKEN)
def test_one_that_breaks_the_laws_is_refused_and_nothing_is_written(rooms, install, fault):
    old, new = BROKEN[fault]
    assert old in PACKAGE
    install(PACKAGE.replace(old, new, 1))
    version = rooms.register()
    with pytest.raises(AssessorBrokenError, match=fault):
        rooms.assessment.assess(version.name, only=["beauty"], by=rooms.admin)
    assert rooms.assessment.report(version.name, by=rooms.admin) is None


def test_one_whose_library_is_missing_is_not_measurable_and_stops_nobody(rooms, install):
    install("import a_library_nobody_has\n" + PACKAGE)
    report = rooms.assessment.assess(rooms.register().name, only=["beauty", "size"], by=rooms.admin)
    clause = report.clause("beauty.assessor")
    assert clause.verdict is ClauseVerdict.NOT_MEASURABLE
    assert "a_library_nobody_has" in clause.note
    assert report.clause("size.model_bytes").estimate > 0


def test_one_whose_name_would_run_into_that_of_another_is_refused(rooms, install):
    install(PACKAGE, name="quality.beauty")
    with pytest.raises(AssessorBrokenError, match="no name for ids"):
        rooms.assessment.assess(rooms.register().name, only=["quality.beauty"], by=rooms.admin)


def test_one_that_writes_to_the_sample_is_stopped(rooms, install):
    install(PACKAGE.replace("# nothing more", "sample.labels[:] = 0"))
    version = rooms.register()
    with pytest.raises(ValueError, match="read-only"):
        rooms.assessment.assess(version.name, only=["beauty"], by=rooms.admin)
    assert rooms.assessment.report(version.name, by=rooms.admin) is None


def test_what_it_said_stays_when_it_is_gone(rooms, install):
    version = rooms.register()
    install(PACKAGE)
    first = rooms.assessment.assess(version.name, only=["beauty", "size"], by=rooms.admin)
    sys.path.remove(str(rooms.folder / "site"))
    second = rooms.assessment.assess(version.name, only=["size"], by=rooms.admin)
    assert second.clause("beauty.grace") == first.clause("beauty.grace")
    assert rooms.read(version, "plots/beauty.looks.svg") == b"<svg/>"
