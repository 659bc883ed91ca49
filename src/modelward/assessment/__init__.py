# SPDX-License-Identifier: Apache-2.0
"""Assessment measures one version: clauses with intervals and verdicts, in one trust report that is signed with it."""

from modelward.assessment.assessor import Assessor, Findings, Plot, Sample
from modelward.assessment.assessors import ASSESSORS
from modelward.assessment.clause import Clause, ClauseVerdict, Measure, Threshold
from modelward.assessment.comparison import Comparison, IncomparableError, Objective, Row
from modelward.assessment.intervals import Estimate
from modelward.assessment.phrasebook import LANGUAGES, Language, Phrasebook
from modelward.assessment.report import (
    EVENTS,
    VERSION_ASSESSED,
    AssessorBrokenError,
    Measurement,
    ReportUnreadableError,
    TrustReport,
    UnknownAssessorError,
    report_json_schema,
)
from modelward.assessment.sampling import DataChangedError
from modelward.assessment.service import Assessment
from modelward.assessment.wording import REPORT_WORDS

__all__ = [
    "ASSESSORS",
    "EVENTS",
    "LANGUAGES",
    "REPORT_WORDS",
    "VERSION_ASSESSED",
    "Assessment",
    "Assessor",
    "AssessorBrokenError",
    "Clause",
    "ClauseVerdict",
    "Comparison",
    "DataChangedError",
    "Estimate",
    "Findings",
    "IncomparableError",
    "Language",
    "Measure",
    "Measurement",
    "Objective",
    "Phrasebook",
    "Plot",
    "ReportUnreadableError",
    "Row",
    "Sample",
    "Threshold",
    "TrustReport",
    "UnknownAssessorError",
    "report_json_schema",
]
