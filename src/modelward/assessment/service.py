# SPDX-License-Identifier: Apache-2.0
"""The verbs of assessment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

from modelward.access import Actor, Permission
from modelward.assessment.assessor import Assessor, Findings, Sample
from modelward.assessment.assessors import ASSESSORS
from modelward.assessment.clause import Clause, Measure
from modelward.assessment.comparison import Comparison, IncomparableError, Objective, recommend, row_of, weigh
from modelward.assessment.report import (
    CONFIDENCE,
    PAGE_FILE,
    REPORT_FILE,
    SCHEMA,
    VERSION_ASSESSED,
    AssessorBrokenError,
    TrustReport,
    UnknownAssessorError,
    digests,
    parse_report,
)
from modelward.assessment.sampling import SEED, test_sample
from modelward.assessment.wording import Language
from modelward.datasets import Datasets
from modelward.digest import sha256_hex
from modelward.plugins import MissingExtraError
from modelward.registry import DossierMissingError, OpenVersion, Registry, Version, model_card

Progress: TypeAlias = Callable[[str, float], None]


def _silent(_word: str, _share: float) -> None:
    pass


class Assessment:
    """Measures versions. What it finds is signed with the version, and recorded."""

    def __init__(self, registry: Registry, datasets: Datasets) -> None:
        self._registry = registry
        self._datasets = datasets

    def assess(self, name: str, *, only: Sequence[str] = (), by: Actor, progress: Progress = _silent) -> TrustReport:
        """Measure a version with every assessor, or with those named in `only`, and sign the report with it.

        With `only`, the clauses of the others are taken over from the report there is. A report is of the version's very bytes.

        Raises:
            NotPermittedError: `by` may not assess it. UnknownAssessorError: there is no such assessor. TamperedVersionError: the
            version does not verify. DataChangedError: its test rows are not known any more. AssessorBrokenError: an assessor
            breaks the laws of all assessors.
        """
        version = self._registry.find(name, by=by)
        by.require(Permission.MODELS_ASSESS, model=version.model)
        chosen = _chosen(only)
        earlier = self.report(name, by=by) if only else None
        progress("opening", 0.0)
        opened = self._registry.open(version)
        try:
            sample = test_sample(version, self._datasets, by=by)
            findings = {}
            for place, assessor in enumerate(chosen):
                progress(assessor, place / len(chosen))
                findings[assessor] = _checked(assessor, _asked(assessor, opened, sample))
        finally:
            opened.close()
        progress("signing", 1.0)
        evidence = {path: data for found in findings.values() for path, data in found.evidence.items()}
        report = _report(version, sample, findings, by=by)
        if earlier is not None:
            report, kept = _joined(earlier, report)
            evidence = {path: self._registry.read(version, path) for path in kept} | evidence
        return self._sign(version, report, evidence, by=by)

    def report(self, name: str, *, by: Actor) -> TrustReport | None:
        """The latest report of a version; None where it was not assessed.

        Raises:
            TamperedVersionError, ReportUnreadableError: what lies there is not what was signed, or is of another version.
        """
        version = self._registry.find(name, by=by)
        try:
            data = self._registry.read(version, REPORT_FILE)
        except DossierMissingError:
            return None
        return parse_report(data, digest=version.digest)

    def page(self, name: str, *, language: Language = "en", by: Actor) -> bytes | None:
        """The latest report as one HTML file in that language; None where the version was not assessed. Raises as `report` does."""
        from modelward.assessment.page import render_page

        report = self.report(name, by=by)
        if report is None:
            return None
        version = self._registry.find(name, by=by)
        pictures = {plot.path: self._registry.read(version, plot.path) for plot in report.plots}
        return render_page(report, pictures, language=language)

    def compare(self, names: Sequence[str], *, objective: Objective, by: Actor, progress: Progress = _silent) -> Comparison:
        """Weigh versions against each other; those without a report are assessed first.

        Raises:
            IncomparableError: they were measured on different rows, or one lacks the metric. Otherwise as `assess`.
        """
        from modelward.assessment import plots

        rows, places = [], set()
        for place, name in enumerate(dict.fromkeys(names)):
            progress(name, place / len(names))
            report = self.report(name, by=by) or self.assess(name, by=by)
            places.add((report.dataset, report.fingerprint, report.split))
            recipe = self._registry.find(name, by=by).lineage.recipe
            rows.append(row_of(report, recipe=recipe, metric=objective.metric))
        if len(places) > 1:
            raise IncomparableError("These versions were measured on different rows. Compare versions of one split.")
        weighed = weigh(rows, objective)
        return Comparison(
            objective=objective,
            rows=weighed,
            recommended=weighed[0].version,
            recommendation=recommend(weighed, objective),
            plot=plots.pareto(weighed, metric=objective.metric, smaller_is_better=objective.smaller_is_better).decode(),
        )

    def _sign(self, version: Version, report: TrustReport, evidence: dict[str, bytes], *, by: Actor) -> TrustReport:
        from modelward.assessment.page import render_page

        data = report.to_json()
        files = {
            **evidence,
            REPORT_FILE: data,
            # What people read is made from the very bytes that are signed.
            PAGE_FILE: render_page(parse_report(data, digest=version.digest), evidence),
            "README.md": model_card(version, report=_summary(report)).encode(),
        }
        facts = {"report": sha256_hex(data), "verdicts": report.verdicts, "assessors": list(report.assessors)}
        self._registry.attach(version, files, event=VERSION_ASSESSED, facts=facts, by=by)
        return report


def _chosen(only: Sequence[str]) -> list[str]:
    # Ours keep the order of the table, which is that of a report; other people's follow.
    known = [*ASSESSORS.places, *(name for name in ASSESSORS if name not in ASSESSORS.places)]
    for name in only:
        if name not in known:
            raise UnknownAssessorError(f"No assessor is called {name[:80]!r}. There are: {', '.join(known)}.")
    return [name for name in known if not only or name in only]


def _asked(name: str, opened: OpenVersion, sample: Sample | None) -> Findings:
    """What the assessor finds; one that cannot be asked is said to be not measurable, never left out."""
    try:
        assessor: Assessor = ASSESSORS.load(name)()
    except MissingExtraError as missing:
        absent = Measure(assessor=name, key="assessor", title=f"Assessor {name}", meaning="whether it could be asked")
        return Findings((absent.not_measurable(str(missing)),))
    if sample is None and assessor.needs_sample:
        note = "The version came without data. Train it here, or register data to assess it on."
        return Findings(tuple(measure.not_measurable(note) for measure in assessor.measures))
    return assessor.assess(opened, sample)


def _checked(name: str, found: Findings) -> Findings:
    """The findings with the digest of each clause's evidence, once they are seen to keep the laws of `Assessor`."""
    known = digests(found.evidence)
    ids = [clause.id for clause in found.clauses]
    named = {*(clause.evidence for clause in found.clauses if clause.evidence), *(plot.path for plot in found.plots)}
    faults = {
        "found nothing, not even that it is not measurable": not ids,
        "gave an id that is not its own": any(not clause_id.startswith(f"{name}.") for clause_id in ids),
        "gave an id twice": len(set(ids)) < len(ids),
        "named evidence that it did not hand over": bool(named - set(known)),
        "handed over a file that is not its own": any(
            not path.startswith((f"evidence/{name}.", f"plots/{name}.")) for path in known
        ),
    }
    for fault, is_so in faults.items():
        if is_so:
            raise AssessorBrokenError(f"The assessor {name!r} {fault}. Ask who made it, or leave it out with --only.")
    clauses = tuple(replace(clause, evidence_digest=known.get(clause.evidence, "")) for clause in found.clauses)
    return replace(found, clauses=clauses)


def _report(version: Version, sample: Sample | None, findings: dict[str, Findings], *, by: Actor) -> TrustReport:
    from modelward.assessment.machine import describe_libraries, describe_machine

    evidence = {path: data for found in findings.values() for path, data in found.evidence.items()}
    now = datetime.now(UTC)
    return TrustReport(
        schema=SCHEMA,
        model=version.model,
        number=version.number,
        digest=version.digest,
        dataset=sample.dataset if sample else "",
        fingerprint=sample.fingerprint if sample else "",
        split=sample.split if sample else "",
        rows=sample.rows if sample else 0,
        seed=SEED,
        confidence=CONFIDENCE,
        assessors=tuple(findings),
        clauses=tuple(clause for found in findings.values() for clause in found.clauses),
        plots=tuple(plot for found in findings.values() for plot in found.plots),
        evidence=digests(evidence),
        machine=describe_machine(),
        libraries=describe_libraries(),
        created=now,
        by=by.id,
        measured=dict.fromkeys(findings, now),
    )


def _joined(earlier: TrustReport, newer: TrustReport) -> tuple[TrustReport, list[str]]:
    """The newer report with what the earlier one knows of other assessors, and the evidence to carry over."""
    kept = [name for name in earlier.assessors if name not in newer.assessors]
    paths = [path for path in earlier.evidence if path.partition("/")[2].partition(".")[0] in kept]
    measured = {name: earlier.measured.get(name, earlier.created) for name in kept} | newer.measured
    order = {name: place for place, name in enumerate(_chosen(()))}

    def by_assessor(clause: Clause) -> int:
        return order.get(clause.dimension, len(order))

    clauses = (*newer.clauses, *(clause for clause in earlier.clauses if clause.dimension in kept))
    joined = replace(
        newer,
        assessors=tuple(sorted(measured, key=lambda name: order.get(name, len(order)))),
        clauses=tuple(sorted(clauses, key=by_assessor)),
        plots=(*newer.plots, *(plot for plot in earlier.plots if plot.path in paths)),
        evidence={path: earlier.evidence[path] for path in paths} | newer.evidence,
        created=min(measured.values()),
        measured=measured,
    )
    return joined, paths


def _summary(report: TrustReport) -> dict[str, object]:
    """What the model card says: plain data, for the card's room lies below this one."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.verdicts.items())
    return {
        "assessed": f"{report.created:%Y-%m-%d %H:%M} UTC",
        "verdict": counts,
        "clauses": [
            {
                "title": f"{clause.title} ({clause.slice})" if clause.slice else clause.title,
                "estimate": clause.estimate,
                "low": clause.low,
                "high": clause.high,
                "threshold": clause.threshold,
                "verdict": clause.verdict.value,
            }
            for clause in report.clauses
        ],
    }
