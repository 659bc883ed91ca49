# SPDX-License-Identifier: Apache-2.0
"""A version is measured on rows it never saw, and the report is signed with it."""

import re
from dataclasses import asdict, replace

import msgspec
import pytest

from assessment import echo
from assessment.conftest import SAID, SPLIT
from modelward.access import Actor, Role
from modelward.assessment import (
    VERSION_ASSESSED,
    ClauseVerdict,
    DataChangedError,
    IncomparableError,
    Objective,
    ReportUnreadableError,
    UnknownAssessorError,
)
from modelward.assessment.report import parse_report
from modelward.assessment.sampling import held_out
from modelward.datasets import make_split
from modelward.digest import sha256_hex
from modelward.errors import RefusedError
from modelward.registry import GRAPH_FILE, DossierMissingError, TamperedVersionError

QUICK = ("quality", "size")
FAVOURABLE = {"yes": {"positive": "yes"}, "no": {"positive": "no"}, "": {}}


def assess(rooms, version, *only):
    return rooms.assessment.assess(version.name, only=only, by=rooms.admin)


def foreign(rooms, model="foreign", **facts):
    """A version that came without data."""
    files, lineage, interface = {GRAPH_FILE: echo.graph()}, echo.LINEAGE, echo.interface()
    said = {"purpose": "tests", "owner": "tester"}
    return rooms.registry.register(model, files, lineage=lineage, interface=interface, facts=facts, by=rooms.admin, **said)


def test_a_report_is_bound_to_the_version_and_to_the_rows(rooms):
    version = rooms.register()
    report = assess(rooms, version)
    assert (report.name, report.digest) == ("echo:1", version.digest)
    assert (report.dataset, report.fingerprint, report.split) == ("people", version.lineage.fingerprint, version.lineage.split)
    assert report.rows == 360
    assert report.by == "person:root"
    assert set(report.dimensions) == {"quality", "baseline", "leakage", "fairness", "degraded", "latency", "size", "energy"}
    assert report.clause("quality.roc_auc").verdict is ClauseVerdict.PASSED
    assert report.clause("energy.training_joules").estimate == 12.0


def test_everything_is_signed_with_the_version_and_its_digests_are_true(rooms):
    version = rooms.register()
    report = assess(rooms, version)
    assert parse_report(rooms.read(version, "trust_report.json"), digest=version.digest) == report
    assert rooms.read(version, "trust_report.html").startswith(b"<!doctype html>")
    assert "ROC AUC" in rooms.read(version, "README.md").decode()
    for path, digest in report.evidence.items():
        assert sha256_hex(rooms.read(version, path)) == digest
    assert all(report.evidence[c.evidence] == c.evidence_digest for c in report.clauses if c.evidence)
    assert rooms.registry.verify("echo:1", by=rooms.admin).is_sound


def test_the_ledger_holds_the_digest_of_the_report(rooms):
    version = rooms.register()
    assess(rooms, version, *QUICK)
    (entry,) = rooms.logged("version.assessed")
    assert entry.subject.endswith("echo:1")
    assert entry.facts["report"] == sha256_hex(rooms.read(version, "trust_report.json"))


def test_the_same_version_gives_the_same_figures_again(rooms):
    version = rooms.register()
    once, again = (assess(rooms, version, "quality", "fairness", "baseline") for _ in range(2))
    assert once.clauses == again.clauses
    assert once.evidence == again.evidence


def test_a_version_is_judged_by_its_favourable_class_and_one_that_says_none_by_that_of_its_data(rooms):
    stated = {name: rooms.register(facts={**echo.METERED, **fact}) for name, fact in FAVOURABLE.items()}
    notes, ratios, cards = {}, {}, {}
    for name, version in stated.items():
        report = assess(rooms, version, "quality", "fairness")
        notes[name] = report.clause("quality.recall").note
        ratios[name] = report.clause("fairness.town.demographic_parity_ratio").estimate
        cards[name] = rooms.read(version, "README.md").decode()
    assert [notes[name] for name in ("yes", "no")] == ["Positive class: 'yes'.", "Positive class: 'no'."]
    assert ratios["yes"] != ratios["no"]
    of_data = rooms.datasets.show("people", by=rooms.admin).positive
    assert (notes[""], ratios[""]) == (notes[of_data], ratios[of_data])
    assert ["Favourable class: no." in cards[name] for name in ("yes", "no", "")] == [False, True, False]


def test_the_report_is_a_page_in_either_language(rooms):
    version = rooms.register()
    assert rooms.assessment.page(version.name, by=rooms.admin) is None
    assess(rooms, version, "quality")
    assert rooms.assessment.page(version.name, by=rooms.admin) == rooms.read(version, "trust_report.html")
    assert "可信报告" in rooms.assessment.page(version.name, language="zh", by=rooms.admin).decode()


def test_changed_data_is_not_assessed_on(rooms):
    version = rooms.register()
    lineage = replace(version.lineage, fingerprint="0" * 64)
    other = rooms.registry.register(
        "echo",
        {GRAPH_FILE: echo.graph()},
        lineage=lineage,
        interface=version.interface,
        purpose="tests",
        owner="tester",
        facts=version.facts,
        by=rooms.admin,
    )
    with pytest.raises(DataChangedError, match="fingerprint"):
        assess(rooms, other)
    assert rooms.assessment.report(other.name, by=rooms.admin) is None
    assert rooms.logged("version.assessed") == []


def test_another_split_is_not_assessed_on(rooms):
    version = rooms.register()
    facts = {**version.facts, "split": {**version.facts["split"], "seed": 6}}
    other = rooms.registry.register(
        "echo",
        {GRAPH_FILE: echo.graph()},
        lineage=version.lineage,
        interface=version.interface,
        purpose="tests",
        owner="tester",
        facts=facts,
        by=rooms.admin,
    )
    with pytest.raises(DataChangedError, match="split"):
        assess(rooms, other)


def test_a_version_without_data_is_not_measurable_and_says_so(rooms):
    version = foreign(rooms)
    report = assess(rooms, version)
    unmeasured = {clause.id for clause in report.clauses if clause.verdict is ClauseVerdict.NOT_MEASURABLE}
    assert {"quality.roc_auc", "fairness.demographic_parity_ratio", "baseline.brier_skill"} <= unmeasured
    assert "without data" in report.clause("quality.roc_auc").note
    assert report.clause("size.model_bytes").estimate == len(echo.graph())
    assert report.clause("latency.p50_ms").estimate > 0
    assert ClauseVerdict.PASSED not in report.verdicts


def test_only_some_assessors_keep_what_the_others_said_and_how_old_it_is(rooms):
    version = rooms.register()
    first = assess(rooms, version)
    second = assess(rooms, version, "size")
    assert second.assessors == first.assessors
    assert [c for c in second.clauses if c.dimension != "size"] == [c for c in first.clauses if c.dimension != "size"]
    assert list(second.dimensions) == list(first.dimensions)
    assert second.evidence == first.evidence
    moments = {one.assessor: one.at for one in second.measurements}
    assert moments["size"] > moments["fairness"] == first.created
    assert second.created == first.created


def test_an_unknown_assessor_is_refused_with_those_there_are(rooms):
    with pytest.raises(UnknownAssessorError, match="fairness"):
        rooms.assessment.assess(rooms.register().name, only=["beauty"], by=rooms.admin)


@pytest.mark.parametrize("role", [Role.CALLER, Role.AUDITOR, Role.DATA_OWNER])
def test_who_may_not_assess_is_refused_before_any_row_is_read(rooms, role):
    version = rooms.register()
    reads = len(rooms.logged("dataset.read"))
    with pytest.raises(RefusedError):
        rooms.assessment.assess(version.name, by=Actor("person:ada", "ada", role))
    assert len(rooms.logged("dataset.read")) == reads
    with pytest.raises(DossierMissingError):
        rooms.read(version, "trust_report.json")


def test_a_number_with_many_values_is_weighed_in_quarters(rooms):
    report = assess(rooms, rooms.register(), "fairness")
    bands = [c for c in report.clauses if c.slice.startswith("age=") and c.measure == "selection_rate"]
    assert len(bands) == 4
    assert all(band.n > 60 for band in bands)
    assert bands[0].id.startswith("fairness.age=1:≤")
    assert report.clause("fairness.town=islet.selection_rate").verdict is ClauseVerdict.NOT_MEASURABLE


def test_progress_names_each_assessor(rooms):
    told = []
    rooms.assessment.assess(
        rooms.register().name, only=QUICK, by=rooms.admin, progress=lambda word, share: told.append((word, share))
    )
    assert [word for word, _ in told] == ["opening", "quality", "size", "signing"]
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_versions_are_compared_and_those_without_a_report_are_assessed_first(rooms):
    names = [rooms.register(recipe=recipe).name for recipe in ("large", "small")]
    compared = rooms.assessment.compare(names, objective=Objective(), by=rooms.admin)
    assert compared.objective.metric == "roc_auc"
    assert {row.version for row in compared.rows} == set(names)
    assert compared.recommended in names
    assert compared.recommended in compared.recommendation
    assert compared.plot.startswith("<svg")
    assert len(rooms.logged("version.assessed")) == 2
    again = rooms.assessment.compare(names, objective=Objective(metric="brier"), by=rooms.admin)
    assert len(rooms.logged("version.assessed")) == 2
    assert {(row.behind, row.behind_low, row.behind_high) for row in again.rows} == {(0, 0, 0)}, "they are the same graph"
    assert "These test rows cannot tell the two apart." in again.recommendation


def test_a_metric_that_was_not_measured_cannot_be_compared_by(rooms):
    with pytest.raises(IncomparableError, match="roc_auc"):
        rooms.assessment.compare([rooms.register().name], objective=Objective(metric="beauty"), by=rooms.admin)


def test_what_a_report_lacks_to_be_weighed_is_measured_and_nothing_else(rooms):
    version = rooms.register()
    assess(rooms, version, "quality")
    before = rooms.assessment.report(version.name, by=rooms.admin)
    compared = rooms.assessment.compare([version.name], objective=Objective(), by=rooms.admin)
    assert compared.rows[0].size_bytes > 0
    after = rooms.assessment.report(version.name, by=rooms.admin)
    assert set(after.assessors) == {"quality", "latency", "size", "energy"}
    assert after.dimensions["quality"] == before.dimensions["quality"]


def test_versions_measured_on_different_rows_are_not_compared(rooms):
    own, twin, other = rooms.register(), rooms.register("twin"), rooms.register("other", split=replace(SPLIT, seed=6))
    assert rooms.assessment.compare([own.name, twin.name], objective=Objective(), by=rooms.admin).recommended
    with pytest.raises(IncomparableError, match="different rows"):
        rooms.assessment.compare([own.name, other.name], objective=Objective(), by=rooms.admin)


CLASSES = (("own", "yes"), ("same", "yes"), ("other", "no"))


def test_versions_that_count_another_class_as_favourable_are_not_compared(rooms):
    own, same, other = (rooms.register(name, facts={**echo.METERED, "positive": said}) for name, said in CLASSES)
    assert rooms.assessment.compare([own.name, same.name], objective=Objective(metric="recall"), by=rooms.admin).recommended
    with pytest.raises(IncomparableError, match="different classes as the favourable one"):
        rooms.assessment.compare([own.name, other.name], objective=Objective(metric="recall"), by=rooms.admin)


def other_split(rooms):
    """A split whose test rows have the more of the class that is the rarer one of all rows."""
    dataset = rooms.datasets.show("people", by=rooms.admin)
    labels = rooms.datasets.table("people", by=rooms.admin, purpose="tests").get_column("answer")
    for seed in range(100):
        split = replace(SPLIT, test=0.1, seed=seed)
        test = labels[make_split(labels.to_frame(), "answer", split).test].to_list()
        if 2 * test.count(dataset.positive) > len(test):
            return split, dataset.positive
    raise AssertionError("no split is of this kind")


def test_a_version_from_before_the_fact_counts_the_class_of_its_data_and_is_compared_with_newer_ones(rooms):
    split, favourable = other_split(rooms)
    old = rooms.register("old", split=split)
    new = rooms.register("new", split=split, facts={**echo.METERED, "positive": favourable})
    assert "positive" not in old.facts
    assert assess(rooms, old).positive_note == f"Positive class: {favourable!r}."
    assert rooms.assessment.compare([old.name, new.name], objective=Objective(metric="recall"), by=rooms.admin).recommended


def test_what_a_report_counted_is_compared_whatever_its_version_says(rooms):
    kept, (own, other) = {}, (rooms.register(name, facts={**echo.METERED, "positive": "yes"}) for name in ("own", "other"))
    for version in (own, other):
        kept[version.name] = assess(rooms, version)
    report = kept[other.name]
    notes = tuple(replace(clause, note=clause.note.replace("'yes'", "'no'")) for clause in report.clauses)
    files = {path: rooms.read(other, path) for path in report.evidence}
    files["trust_report.json"] = replace(report, clauses=notes).to_json()
    rooms.registry.attach(other, files, event=VERSION_ASSESSED, facts={}, by=rooms.admin)
    with pytest.raises(IncomparableError, match="different classes as the favourable one"):
        rooms.assessment.compare([own.name, other.name], objective=Objective(metric="recall"), by=rooms.admin)


def test_a_report_of_another_version_is_refused(rooms):
    first, second = foreign(rooms), foreign(rooms)
    assess(rooms, first, "size")
    stolen = {"trust_report.json": rooms.read(first, "trust_report.json")}
    rooms.registry.attach(second, stolen, event=VERSION_ASSESSED, facts={}, by=rooms.admin)
    with pytest.raises(ReportUnreadableError, match=first.digest[:12]):
        rooms.assessment.report(second.name, by=rooms.admin)
    with pytest.raises(ReportUnreadableError):
        assess(rooms, second, "size")
    assert assess(rooms, second).digest == second.digest, "a whole assessment replaces it"


def test_a_tampered_version_is_not_assessed(rooms, home):
    version = foreign(rooms)
    (sealed,) = [file.sealed for file in version.files if file.path == GRAPH_FILE]
    (stored,) = [path for path in (home / "objects").rglob("*") if path.is_file() and sealed in str(path).replace("/", "")]
    damaged = bytearray(stored.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    stored.chmod(0o600)
    stored.write_bytes(damaged)
    with pytest.raises(TamperedVersionError):
        assess(rooms, version)
    assert rooms.logged("version.assessed") == []


def test_what_was_measured_meanwhile_is_kept(rooms):
    version = foreign(rooms)

    def meanwhile(word, _share):
        if word == "signing":
            assess(rooms, version, "energy")

    report = rooms.assessment.assess(version.name, only=["size"], by=rooms.admin, progress=meanwhile)
    assert report.assessors == ("size", "energy")
    assert report.clause("energy.training_joules") is not None


def test_each_measurement_keeps_its_machine_and_its_asker(rooms, monkeypatch):
    version = foreign(rooms)
    first = assess(rooms, version, "latency")
    monkeypatch.setattr("modelward.assessment.machine.describe_machine", lambda: {"processor": "an abacus"})
    report = rooms.assessment.assess(version.name, only=["size"], by=replace(rooms.admin, id="person:eve"))
    told = {one.assessor: one for one in report.measurements}
    assert told["latency"] == first.measurements[0]
    assert (told["size"].machine, told["size"].by) == ({"processor": "an abacus"}, "person:eve")
    page = rooms.read(version, "trust_report.html").decode()
    assert "an abacus" in page
    assert first.measurements[0].machine["processor"] in page


def test_the_card_says_first_what_was_judged(rooms):
    version = rooms.register()
    report = assess(rooms, version)
    card = rooms.read(version, "README.md").decode()
    lines = [line for line in card.splitlines() if line.startswith("|") and line.endswith(" |")]
    # What could not be measured is followed by the reason, in which bars of a table are escaped.
    ends = [re.split(r"(?<!\\)\|", line)[-2].strip().partition(": ")[0].replace(" ", "-") for line in lines]
    verdicts = [word for word in ends if word in set(ClauseVerdict)]
    assert len(verdicts) == len(report.clauses)
    order = ["failed", "not-measurable", "passed", "recorded"]
    assert verdicts == sorted(verdicts, key=order.index)
    assert "≥ 0.8" in card


def test_facts_that_somebody_made_up_are_not_measurable(rooms):
    made_up = {"parameters": "many", "energy_joules": 5, "energy_low_joules": 9, "energy_high_joules": 2, "energy_method": "felt"}
    report = assess(rooms, foreign(rooms, **made_up), "size", "energy")
    assert report.clause("size.parameters").verdict is ClauseVerdict.NOT_MEASURABLE
    assert report.clause("energy.training_joules").verdict is ClauseVerdict.NOT_MEASURABLE


def test_the_rows_that_were_held_out_cannot_be_written_to(rooms):
    sample = held_out(rooms.register(), rooms.datasets, by=rooms.admin)
    for values in (sample.labels, *sample.columns.values(), *sample.sensitive.values()):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = values[1]


def test_what_needs_labels_is_not_measurable_where_nothing_is_predicted(rooms):
    path = rooms.folder / "bare.csv"
    path.write_text("".join(line.rpartition(",")[0] + "\n" for line in rooms.write_people().read_text().splitlines()))
    dataset = rooms.datasets.add("bare", [path], target="", task="none", by=rooms.admin, **SAID)
    parts = make_split(rooms.datasets.table("bare", by=rooms.admin, purpose="tests"), "", SPLIT, task="none")
    lineage = replace(echo.LINEAGE, dataset="bare", fingerprint=dataset.fingerprint, split=parts.digest)
    facts = {**echo.METERED, "split": msgspec.to_builtins(asdict(SPLIT)), "sensitive": ["town"], "positive": "no"}
    files, interface = {GRAPH_FILE: echo.graph()}, replace(echo.interface(), target="")
    version = rooms.registry.register("bare", files, lineage=lineage, interface=interface, facts=facts, by=rooms.admin, **SAID)
    report = assess(rooms, version)
    measured = {clause.id.partition(".")[0] for clause in report.clauses if clause.verdict is not ClauseVerdict.NOT_MEASURABLE}
    assert measured == {"latency", "size", "energy"}
    why = "The data has nothing to predict, so nobody knows which answers are right."
    assert report.clause("quality.roc_auc").note == why
    with pytest.raises(IncomparableError, match=f"bare:1 has no measured 'roc_auc'. {why}"):
        rooms.assessment.compare([version.name], objective=Objective(), by=rooms.admin)
