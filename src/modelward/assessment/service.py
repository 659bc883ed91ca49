# SPDX-License-Identifier: Apache-2.0
"""The verbs of assessment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

import msgspec

from modelward.access import Actor, Permission
from modelward.assessment.asking import NO_SAMPLE, WITHHELD, Reply, ask, choose, is_about, needs_rows
from modelward.assessment.assessor import Sample, assessor_of
from modelward.assessment.comparison import (
    WEIGHED,
    Comparison,
    IncomparableError,
    Objective,
    quality_of,
    recommend,
    row_of,
    settled,
    weigh,
)
from modelward.assessment.erasing import (
    Erasure,
    VersionErased,
    advice_after,
    erasures_of,
    may_have_learned,
    origins_in,
    seen_by,
    sightings_of,
    told_to,
)
from modelward.assessment.phrasebook import Language
from modelward.assessment.replicates import Replicates, replicates_file
from modelward.assessment.report import (
    CONFIDENCE,
    PAGE_FILE,
    REPORT_FILE,
    SCHEMA,
    VERSION_ASSESSED,
    Measurement,
    TrustReport,
    digests,
    parse_report,
)
from modelward.assessment.sampling import SEED, held_out
from modelward.assessment.tracing import Sighting, Trace, advice_for, most_seen, sighting_of
from modelward.datasets import Datasets, GrantEndedError, GrantMissingError, OutsideGrantError, Parts, RecordedErasure
from modelward.digest import sha256_hex
from modelward.registry import CARD_FILE, DossierMissingError, Registry, Version, model_card

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

        With `only`, what the others said is taken over from the report there is. A report is of the version's very bytes. Where the
        version's grant is over, its rows are not read again: what needs none is measured, what was measured before is taken over,
        and the rest is not measurable.

        Raises:
            NotPermittedError: `by` may not assess it. UnknownAssessorError: there is no such assessor. TamperedVersionError: the
            version does not verify. GrantEndedError, GrantMissingError, OutsideGrantError: the rows are not granted any more, and
            nothing that was asked for goes without. TermsNotAcceptedError: those of the data are to be accepted first.
            DataChangedError: its test rows are not known any more. AssessorBrokenError: an assessor breaks the laws of all
            assessors. ReportUnreadableError: there is a report, and nothing can be taken over from it.
        """
        version = self._registry.find(name, by=by)
        by.require(Permission.MODELS_ASSESS, model=version.model)
        chosen = [each for each in choose(only) if only or is_about(each, version)]
        if only:
            self.report(name, by=by)  # One that cannot be read is found out before the work.
        progress("opening", 0.0)
        opened = self._registry.open(version)
        try:
            sample, lacking = self._sample(version, chosen, by=by)
            if lacking is WITHHELD:
                earlier = self.report(name, by=by)
                chosen = [each for each in chosen if not needs_rows(each) or not earlier or each not in earlier.assessors]
            replies = {}
            for place, assessor in enumerate(chosen):
                progress(assessor, place / len(chosen))
                replies[assessor] = ask(assessor, opened, sample, lacking=lacking)
        finally:
            opened.close()
        progress("signing", 1.0)
        report = _report(version, sample, replies, by=by)
        evidence = {path: data for reply in replies.values() for path, data in reply.findings.evidence.items()}
        # Read only now, so that what somebody else measured meanwhile is kept.
        if (only or lacking is WITHHELD) and (earlier := self.report(name, by=by)):
            report = _joined(earlier, report)
            evidence |= {path: self._registry.read(version, path) for path in report.evidence if path not in evidence}
        return self._sign(version, report, evidence, by=by)

    def _sample(self, version: Version, chosen: Sequence[str], *, by: Actor) -> tuple[Sample | None, str]:
        """The test rows; or none, and why."""
        try:
            return held_out(version, self._datasets, by=by), NO_SAMPLE
        except (GrantEndedError, GrantMissingError, OutsideGrantError):
            if all(map(needs_rows, chosen)):
                raise
            return None, WITHHELD

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
        """The latest report as one HTML file in that language; None where the version was not assessed. What was erased since of
        what the version learned from is told above it, for what was signed cannot tell it. Raises as `report` does.
        """
        from modelward.assessment.page import render_page

        report = self.report(name, by=by)
        if report is None:
            return None
        version = self._registry.find(name, by=by)
        pictures = {plot.path: self._registry.read(version, plot.path) for plot in report.plots}
        erased_rows = sum(each.gone for each in self.erasures(version))
        return render_page(report, pictures, language=language, erased_rows=erased_rows)

    def compare(self, names: Sequence[str], *, objective: Objective, by: Actor, progress: Progress = _silent) -> Comparison:
        """Weigh versions against each other; what their reports lack for that is measured first.

        Raises:
            IncomparableError: they answer with different things and no metric is named, they were measured on different rows or for
            different favourable classes, or one lacks the metric. Otherwise as `assess`.
        """
        from modelward.assessment import plots

        names = list(dict.fromkeys(names))
        versions = [self._registry.find(name, by=by) for name in names]
        for dataset in sorted({version.lineage.dataset for version in versions} - {""}):
            self._datasets.require_terms(dataset, by=by)
        objective = settled(objective, [version.interface for version in versions])
        rows, places, favourable, replicates = [], set(), set(), {}
        for place, name in enumerate(names):
            progress(name, place / len(names))
            report = self._weighable(name, by=by)
            version = self._registry.find(name, by=by)
            places.add((report.dataset, report.fingerprint, report.split))
            # What a version says of itself it may have learned to say only after it was measured; what counted is in the report.
            favourable.add(report.positive_note)
            rows.append(row_of(report, recipe=version.lineage.recipe, metric=objective.metric))
            kept = replicates_file(quality_of(report, objective.metric))
            if kept in report.evidence:
                replicates[name] = msgspec.json.decode(self._registry.read(version, kept), type=Replicates)
        if len(places) > 1:
            raise IncomparableError("These versions were measured on different rows. Compare versions of one split.")
        if len(favourable - {""}) > 1:
            raise IncomparableError(
                "These versions count different classes as the favourable one. Compare versions whose specs agree on `positive`."
            )
        weighed = weigh(rows, objective, replicates=replicates)
        return Comparison(
            objective=objective,
            rows=weighed,
            recommended=weighed[0].version,
            recommendation=recommend(weighed, objective),
            plot=plots.pareto(weighed, metric=objective.metric, smaller_is_better=objective.smaller_is_better).decode(),
        )

    def _weighable(self, name: str, *, by: Actor) -> TrustReport:
        """The report of a version, completed where it lacks what versions are weighed by."""
        report = self.report(name, by=by)
        if report is None:
            return self.assess(name, by=by)
        version = self._registry.find(name, by=by)
        lacking = [each for each in WEIGHED if each not in report.assessors and is_about(each, version)]
        return self.assess(name, only=lacking, by=by) if lacking else report

    def trace(self, dataset: str, *, column: str, value: str, by: Actor) -> Trace:
        """Which versions ever saw the records of `dataset`, or of a shard of it, whose `column` has that `value`: among their
        training, validation or test rows, or never; and what follows. Of the value a keyed digest is recorded, and nothing else of
        it is kept.

        Raises:
            NotPermittedError: `by` may not grant this. DatasetMissingError: there is none. InvalidFilterError:
            there is no such column, or it cannot hold that.
        """
        by.require(Permission.MODELS_READ)
        names = [dataset]
        others = self._datasets.list(by=by)
        for above in names:  # which grows by the shards of each
            names += [each.name for each in others if each.shard and each.shard.dataset == above]
        grants = self._datasets.grants
        records = {name: grants.traced(name, column=column, value=value, by=by) for name in names}
        divided, origins_of = dict[str, Parts](), origins_in(self._registry)

        def seen(version: Version) -> Sighting | None:
            origins = [each for each in origins_of(version) if each.lineage.dataset in records]
            return most_seen(version, (sighting_of(each, records[each.lineage.dataset], divided=divided) for each in origins))

        sightings = tuple(found for version in self._versions(by=by) if (found := seen(version)))
        rows = len(records[dataset]("").rows)
        advice = advice_for(sightings, dataset=dataset, rows=rows)
        return Trace(dataset=dataset, column=column, rows=rows, sightings=sightings, advice=advice)

    def erase(self, dataset: str, *, rows: str, reason: str, is_trial: bool = False, by: Actor) -> Erasure:
        """Take the rows that a filter means out of `dataset` and its shards for good, or say what that would come to; and which
        versions may have learned from them.

        Raises: as `Erasing.erase`; NotPermittedError: `by` may not see models, and would not be told which.
        """
        by.require(Permission.MODELS_READ)
        erased = self._datasets.erasing.erase(
            dataset,
            rows=rows,
            reason=reason,
            is_trial=is_trial,
            witness=lambda records: seen_by(self._versions(by=by), records),
            by=by,
        )

        teller = cache(self._datasets.erasing.teller)

        def concerns(version: Version, after: str) -> bool:
            return is_trial or any(each.after == after for each in erasures_of([version], teller))

        sightings = tuple(sightings_of(erased, self._versions(by=by), origins=origins_in(self._registry), concerns=concerns))
        advice = advice_after(erased, sightings)
        return Erasure(erased=erased, sightings=sightings, versions=may_have_learned(sightings), advice=advice)

    def erasures(self, version: Version, *, by: Actor | None = None) -> tuple[RecordedErasure, ...]:
        """The erasures of rows that `version` learned from, was chosen by, or may have been. That is on record of its division;
        else it was made before, or from what was shown before, and its grant had not left them out. One that left the house and was
        imported again has those of what it was, whatever it says of its origin. To `by` no data is named that they may not see.
        """
        return told_to(by, erasures_of(origins_in(self._registry)(version), cache(self._datasets.erasing.teller)), of=version)

    def erased_versions(self, model: str, *, by: Actor) -> tuple[VersionErased, ...]:
        """The versions of `model` that learned from rows which were erased since, or may have, oldest first, with those erasures.

        Raises:
            NotPermittedError: `by` may not see it. ModelMissingError: there is no such model.
        """
        origins_of, teller = origins_in(self._registry), cache(self._datasets.erasing.teller)
        told = ((each, erasures_of(origins_of(each), teller)) for each in self._registry.versions(model, by=by))
        return tuple(VersionErased(version=each.name, erasures=told_to(by, found, of=each)) for each, found in told if found)

    def _versions(self, *, by: Actor) -> Iterator[Version]:
        for summary in self._registry.models(by=by):
            yield from self._registry.versions(summary.model, by=by)

    def _sign(self, version: Version, report: TrustReport, evidence: dict[str, bytes], *, by: Actor) -> TrustReport:
        from modelward.assessment.page import render_page

        data = report.to_json()
        files = {
            **evidence,
            REPORT_FILE: data,
            # What people read is made from the very bytes that are signed.
            PAGE_FILE: render_page(parse_report(data, digest=version.digest), evidence),
            CARD_FILE: model_card(version, report=_summary(report)).encode(),
        }
        facts = {"report": sha256_hex(data), "verdicts": report.verdicts, "assessors": list(report.assessors)}
        self._registry.attach(version, files, event=VERSION_ASSESSED, facts=facts, by=by)
        return report


def _report(version: Version, sample: Sample | None, replies: Mapping[str, Reply], *, by: Actor) -> TrustReport:
    from modelward.assessment.machine import describe_libraries, describe_machine

    now, machine, libraries = datetime.now(UTC), describe_machine(), describe_libraries()
    found = [reply.findings for reply in replies.values()]
    return TrustReport(
        schema=SCHEMA,
        model=version.model,
        number=version.number,
        digest=version.digest,
        dataset=sample.dataset if sample else "",
        fingerprint=sample.fingerprint if sample else "",
        split=sample.split if sample else "",
        rows=sample.rows if sample else 0,
        drawn_from=sample.drawn_from if sample else 0,
        seed=SEED,
        confidence=CONFIDENCE,
        measurements=tuple(
            Measurement(assessor=name, title=reply.title, at=now, by=by.id, machine=machine, libraries=libraries)
            for name, reply in replies.items()
        ),
        clauses=tuple(clause for one in found for clause in one.clauses),
        plots=tuple(plot for one in found for plot in one.plots),
        evidence=digests({path: data for one in found for path, data in one.evidence.items()}),
        created=now,
        by=by.id,
    )


def _joined(earlier: TrustReport, newer: TrustReport) -> TrustReport:
    """The newer report with what the earlier one says of the assessors that were not asked again."""
    kept = {name for name in earlier.assessors if name not in newer.assessors}
    order = {name: place for place, name in enumerate([*choose(()), *earlier.assessors])}
    measurements = (*newer.measurements, *(one for one in earlier.measurements if one.assessor in kept))
    clauses = (*newer.clauses, *(clause for clause in earlier.clauses if clause.dimension in kept))
    plots = (*newer.plots, *(plot for plot in earlier.plots if assessor_of(plot.path) in kept))
    measured_on = newer if newer.dataset else earlier
    return replace(
        newer,
        **{name: getattr(measured_on, name) for name in ("dataset", "fingerprint", "split", "rows", "drawn_from")},
        measurements=tuple(sorted(measurements, key=lambda one: order[one.assessor])),
        clauses=tuple(sorted(clauses, key=lambda clause: order[clause.dimension])),
        plots=tuple(sorted(plots, key=lambda plot: order[assessor_of(plot.path)])),
        evidence={path: digest for path, digest in earlier.evidence.items() if assessor_of(path) in kept} | newer.evidence,
        created=min(one.at for one in measurements),
    )


def _summary(report: TrustReport) -> dict[str, object]:
    """What the model card says, what was judged first: plain data, for the card's room lies below this one."""
    from modelward.assessment.page import asked

    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.verdicts.items())
    recorded = [clause for clause in report.clauses if clause not in report.judged]
    return {
        "assessed": f"{report.created:%Y-%m-%d %H:%M} UTC",
        "verdict": counts,
        "clauses": [
            {
                "title": f"{clause.title} ({clause.slice})" if clause.slice else clause.title,
                "estimate": clause.estimate,
                "low": clause.low,
                "high": clause.high,
                "threshold": asked(clause) or None,
                "verdict": clause.verdict.value,
                "note": clause.note,
            }
            for clause in (*report.judged, *recorded)
        ],
    }
