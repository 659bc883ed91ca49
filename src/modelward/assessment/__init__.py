# SPDX-License-Identifier: Apache-2.0
"""Assessment measures one version: clauses with intervals and verdicts, in one trust report that is signed with it."""

from modelward.assessment.asking import known_measures
from modelward.assessment.assessor import Assessor, Findings, NearTraining, Plot, Sample, assessor_of
from modelward.assessment.assessors import ASSESSORS
from modelward.assessment.clause import Clause, ClauseVerdict, Measure, Threshold
from modelward.assessment.comparison import Comparison, IncomparableError, Objective, Row, headline
from modelward.assessment.drawing import INKS, canvas
from modelward.assessment.erasing import Erasure, VersionErased
from modelward.assessment.intervals import Estimate
from modelward.assessment.layout import GroupTable, Picture, group_tables, picture_of
from modelward.assessment.machine import describe_machine
from modelward.assessment.page import pages_in
from modelward.assessment.phrasebook import LANGUAGES, Language, Phrasebook
from modelward.assessment.report import (
    PAGE_FILE,
    REPORT_FILE,
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
from modelward.assessment.tracing import Sighting, Trace
from modelward.assessment.wording import REPORT_WORDS

__all__ = [
    "ASSESSORS",
    "INKS",
    "LANGUAGES",
    "PAGE_FILE",
    "REPORT_FILE",
    "REPORT_WORDS",
    "VERSION_ASSESSED",
    "Assessment",
    "Assessor",
    "AssessorBrokenError",
    "Clause",
    "ClauseVerdict",
    "Comparison",
    "DataChangedError",
    "Erasure",
    "Estimate",
    "Findings",
    "GroupTable",
    "IncomparableError",
    "Language",
    "Measure",
    "Measurement",
    "NearTraining",
    "Objective",
    "Phrasebook",
    "Picture",
    "Plot",
    "ReportUnreadableError",
    "Row",
    "Sample",
    "Sighting",
    "Threshold",
    "Trace",
    "TrustReport",
    "UnknownAssessorError",
    "VersionErased",
    "assessor_of",
    "canvas",
    "describe_machine",
    "group_tables",
    "headline",
    "known_measures",
    "pages_in",
    "picture_of",
    "report_json_schema",
]
