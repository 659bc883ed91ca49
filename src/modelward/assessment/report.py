# SPDX-License-Identifier: Apache-2.0
"""The trust report: every clause about one version, bound to its digest. It is signed with the version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from modelward.assessment.assessor import POSITIVE_CLASS, Plot
from modelward.assessment.clause import Clause, ClauseVerdict
from modelward.audit import Event
from modelward.digest import canonical_json, sha256_hex
from modelward.errors import InvalidError, RefusedError

VERSION_ASSESSED = Event("version.assessed", "A version was measured, and its trust report signed with it.")
REPORT_FILE = "trust_report.json"
PAGE_FILE = "trust_report.html"
SCHEMA = "modelward-trust-report-1"
CONFIDENCE = 0.95


class ReportUnreadableError(RefusedError):
    """A file that should be a trust report is none of this version."""


class UnknownAssessorError(InvalidError):
    """Somebody asked for an assessor that there is not."""


class AssessorBrokenError(RefusedError):
    """An assessor did not keep what every assessor promises; nothing it found is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """That an assessor was asked: what it calls its part, when, by whom, on which machine and with which libraries."""

    assessor: str
    title: str
    at: datetime
    by: str
    machine: dict[str, str]
    libraries: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustReport:
    """Everything that was measured of the version whose digest is `digest`, and on which rows.

    `evidence` maps the path of each file beside the report to its SHA-256. `measurements` says who was asked and when; `created`
    is the oldest of these moments, so that measuring one side again makes no other side look fresh; `by` asked last. `split` is
    the digest of the split that held the test rows out; dataset, fingerprint and split are empty for a version without data.
    `rows` are the test rows that were measured on: those of `drawn_from` that the seed drew, where that is more.
    `confidence` is of every interval; the bounds of the energy are assumed factors, not a confidence interval.
    """

    schema: str
    model: str
    number: int
    digest: str
    dataset: str
    fingerprint: str
    split: str
    rows: int
    drawn_from: int = 0
    seed: int
    confidence: float
    measurements: tuple[Measurement, ...]
    clauses: tuple[Clause, ...]
    plots: tuple[Plot, ...]
    evidence: dict[str, str]
    created: datetime
    by: str

    @property
    def name(self) -> str:
        """Name of the version, like `income:3`."""
        return f"{self.model}:{self.number}"

    @property
    def assessors(self) -> tuple[str, ...]:
        """Who was asked."""
        return tuple(measurement.assessor for measurement in self.measurements)

    @property
    def verdicts(self) -> dict[str, int]:
        """How many clauses have each verdict; those that none has are left out."""
        counts = {verdict.value: sum(clause.verdict is verdict for clause in self.clauses) for verdict in ClauseVerdict}
        return {verdict: count for verdict, count in counts.items() if count}

    @property
    def judged(self) -> tuple[Clause, ...]:
        """The clauses of which something was asked or that could not be measured: failed, then not measurable, then passed."""
        order = (ClauseVerdict.FAILED, ClauseVerdict.NOT_MEASURABLE, ClauseVerdict.PASSED)
        return tuple(clause for verdict in order for clause in self.clauses if clause.verdict is verdict)

    @property
    def dimensions(self) -> dict[str, tuple[Clause, ...]]:
        """The clauses of each assessor, in the order of the report."""
        names = dict.fromkeys(clause.dimension for clause in self.clauses)
        return {name: tuple(clause for clause in self.clauses if clause.dimension == name) for name in names}

    @property
    def positive_note(self) -> str:
        """What the notes say about the class that counted as positive when quality was measured; empty where they say nothing."""
        notes = (clause.note for clause in self.dimensions.get("quality", ()))
        return next((note for note in notes if note.startswith(POSITIVE_CLASS)), "")

    @property
    def unmeasured_alike(self) -> dict[str, list[Clause]]:
        """The clauses that nothing is asked of and that could not be measured, by the reason, where several have the same."""
        reasons: dict[str, list[Clause]] = {}
        for clause in self.clauses:
            if clause.estimate is None and clause.threshold is None:
                reasons.setdefault(clause.note, []).append(clause)
        return {reason: alike for reason, alike in reasons.items() if len(alike) > 1}

    @property
    def silent(self) -> dict[str, dict[str, tuple[Clause, ...]]]:
        """The clauses of the assessors that could measure nothing of what they measure, all for one reason: by the reason, then by
        the assessor.
        """
        reasons: dict[str, dict[str, tuple[Clause, ...]]] = {}
        for name, clauses in self.dimensions.items():
            if all(clause.estimate is None and clause.note == clauses[0].note for clause in clauses):
                reasons.setdefault(clauses[0].note, {})[name] = clauses
        return reasons

    def title_of(self, assessor: str) -> str:
        """What that assessor calls its part."""
        return next((one.title for one in self.measurements if one.assessor == assessor), assessor)

    def clause(self, id: str) -> Clause | None:
        """The clause of that id, if there is one."""
        return next((clause for clause in self.clauses if clause.id == id), None)

    def to_json(self) -> bytes:
        """RFC 8785 bytes of the report, which its digest is taken over."""
        return canonical_json(self)


def parse_report(data: bytes, *, digest: str) -> TrustReport:
    """The report in the bytes of a `trust_report.json`, which must be of the version whose digest is `digest`.

    Raises:
        ReportUnreadableError: it is of another version, or no report of this form.
    """
    try:
        report = msgspec.json.decode(data, type=TrustReport)
    except msgspec.DecodeError as wrong:
        raise ReportUnreadableError(
            f"The file is not a trust report of the form {SCHEMA}: {wrong}. Assess the version again."
        ) from wrong
    if report.schema != SCHEMA:
        raise ReportUnreadableError(
            f"The trust report has the form {report.schema[:80]!r}, not {SCHEMA}. Assess the version again."
        )
    if report.digest != digest:
        raise ReportUnreadableError(
            f"The trust report is of the digest {report.digest[:12]}, not {digest[:12]}. Assess the version again."
        )
    return report


def report_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `trust_report.json`; `docs/reference/trust-report.schema.json` holds it."""
    schema = msgspec.json.schema(TrustReport)
    for noun in schema["$defs"].values():
        if noun.get("type") == "object":
            noun["additionalProperties"] = False
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{SCHEMA}", "title": "Trust report"}
    return {**head, **schema}


def digests(evidence: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file, by path."""
    return {path: sha256_hex(data) for path, data in sorted(evidence.items())}
