# SPDX-License-Identifier: Apache-2.0
"""Asking assessors, ours and other people's, and taking only findings that keep the laws."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite

from modelward.assessment.assessor import Assessor, Findings, Sample
from modelward.assessment.assessors import ASSESSORS
from modelward.assessment.clause import Clause, ClauseVerdict, Measure, Threshold
from modelward.assessment.report import AssessorBrokenError, UnknownAssessorError, digests
from modelward.plugins import MissingExtraError
from modelward.registry import Answered, OpenVersion, Version, answered

NO_SAMPLE = "The version came without data. Train it here, or register data to assess it on."
WITHHELD = "The rows may not be read: the grant that the version was made under is over. Ask who owns the data for a new one."
_NO_LABELS = "The data has nothing to predict, so nobody knows which answers are right."
_OTHER_ANSWER: dict[Answered, str] = {
    "items": "The version recommends some of many items, and this is measured of answers that weigh few classes.",
    "classes": "The version answers with classes, and this is measured of other answers.",
    "text": "The version answers with texts, and this is not measured of texts.",
    "values": "The version answers with numbers, and this is not measured of such answers.",
}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What one assessor found, and what it calls its part of the report."""

    title: str
    findings: Findings


def choose(only: Sequence[str]) -> list[str]:
    """The assessors to ask, all where `only` is empty. Ours keep the order of the table; other people's follow.

    Raises:
        UnknownAssessorError: `only` names one that there is not.
    """
    known = [*ASSESSORS.places, *(name for name in ASSESSORS if name not in ASSESSORS.places)]
    for name in only:
        if name not in known:
            raise UnknownAssessorError(f"No assessor is called {name[:80]!r}. There are: {', '.join(known)}.")
    return [name for name in known if not only or name in only]


def is_about(name: str, version: Version) -> bool:
    """Whether the assessor is asked of this version where nobody names it. Those of classes are asked of all, and say what they do
    not measure; those made for other answers only of versions that answer so.
    """
    try:
        answers = measured_answers(ASSESSORS.load(name)())
    except MissingExtraError:
        return name in ASSESSORS.places
    return "classes" in answers or answered(version.interface) in answers


def known_measures() -> list[Measure]:
    """What the assessors that are installed here can measure. One whose library is missing has none."""
    found: list[Measure] = []
    for name in ASSESSORS:
        with suppress(MissingExtraError):
            found += ASSESSORS.load(name)().measures
    return found


def needs_rows(name: str) -> bool:
    """Whether the assessor measures nothing without rows."""
    try:
        assessor: Assessor = ASSESSORS.load(name)()
    except MissingExtraError:
        return True
    return assessor.needs_sample


def ask(name: str, version: OpenVersion, sample: Sample | None, *, lacking: str = NO_SAMPLE) -> Reply:
    """What the assessor finds; one that cannot be asked is said to be not measurable, never left out. `lacking` says why there is
    no sample, where there is none.

    Raises:
        AssessorBrokenError: its name or its findings break a law of `Assessor`.
    """
    if not _NAME.fullmatch(name):
        raise AssessorBrokenError(
            f"The assessor {name[:80]!r} has no name for ids: small letters, digits, hyphens. Ask who made it."
        )
    try:
        assessor: Assessor = ASSESSORS.load(name)()
    except MissingExtraError as missing:
        absent = Measure(assessor=name, key="assessor", title=f"Assessor {name}", meaning="whether it could be asked")
        return Reply(name, Findings((absent.not_measurable(str(missing)),)))
    kinds = {feature.kind for feature in version.interface.features}
    spoken = [measure for measure in assessor.measures if measure.is_about(kinds)]
    if (answer := answered(version.interface)) not in measured_answers(assessor):
        findings = Findings.none(spoken, _OTHER_ANSWER[answer])
    elif sample is not None and not sample.is_labelled and measured_answers(assessor) == ("classes",):
        findings = Findings.none(spoken, _NO_LABELS)
    elif sample is None and assessor.needs_sample:
        findings = Findings.none(spoken, lacking)
    else:
        findings = assessor.assess(version, sample)
    _check(name, findings, keys={measure.key for measure in assessor.measures})
    return Reply(assessor.title, _with_digests(findings))


def measured_answers(assessor: Assessor) -> tuple[Answered, ...]:
    """Which answers the assessor measures: those that its `answers` names, or classes alone."""
    named: tuple[Answered, ...] = getattr(assessor, "answers", ("classes",))
    return named


def _with_digests(findings: Findings) -> Findings:
    known = digests(findings.evidence)
    clauses = tuple(replace(clause, evidence_digest=known.get(clause.evidence, "")) for clause in findings.clauses)
    return replace(findings, clauses=clauses)


def _check(name: str, findings: Findings, *, keys: Collection[str]) -> None:
    clauses, own = findings.clauses, re.compile(rf"(evidence/{name}\.[^/]+\.json|plots/{name}\.[^/]+\.svg)")
    named = {*(clause.evidence for clause in clauses if clause.evidence), *(plot.path for plot in findings.plots)}
    laws = {
        "found nothing, not even that it is not measurable": bool(clauses),
        "gave an id that is not its own": all(clause.id.startswith(f"{name}.") and clause.measure in keys for clause in clauses),
        "gave an id twice": len({clause.id for clause in clauses}) == len(clauses),
        "gave a clause whose figures and verdict do not agree": all(map(_is_sound, clauses)),
        "named evidence that it did not hand over": named <= findings.evidence.keys(),
        "handed over a file that is not its own": all(map(own.fullmatch, findings.evidence)),
    }
    for fault, is_kept in laws.items():
        if not is_kept:
            raise AssessorBrokenError(f"The assessor {name!r} {fault}. Ask who made it, or leave it out with --only.")


def _is_sound(clause: Clause) -> bool:
    """Whether a clause is as `Clause` says, above all whether its verdict is that of its figures."""
    if clause.estimate is None or clause.low is None or clause.high is None:
        is_empty = clause.estimate is clause.low is clause.high is None
        return is_empty and clause.verdict is ClauseVerdict.NOT_MEASURABLE and bool(clause.note)
    is_interval = all(map(isfinite, (clause.low, clause.high))) and clause.low <= clause.estimate <= clause.high
    verdict = ClauseVerdict.RECORDED
    if clause.threshold is not None and clause.direction is not None:
        verdict = Threshold(clause.threshold, clause.direction).verdict(clause.low, clause.high)
    return is_interval and clause.verdict is verdict and bool(clause.method)
