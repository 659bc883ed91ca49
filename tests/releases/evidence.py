# SPDX-License-Identifier: Apache-2.0
"""Evidence made by hand."""

from assessment import echo
from modelward.assessment import Clause, ClauseVerdict
from modelward.releases import Evidence


def clause(name="quality.roc_auc", estimate=0.85, low=0.82, high=0.88, *, verdict=ClauseVerdict.RECORDED, threshold=None, **more):
    return Clause(
        id=name,
        title=name,
        estimate=estimate,
        low=low,
        high=high,
        verdict=verdict,
        threshold=threshold,
        n=100,
        method="by hand",
        **more,
    )


def unmeasurable(name, **more):
    return clause(name, None, None, None, verdict=ClauseVerdict.NOT_MEASURABLE, **more)


def evidence(*clauses, age=1.0, **more):
    known = {
        "version": "income:3",
        "digest": "d" * 64,
        "signed": True,
        "report": echo.report(*clauses, model="income", number=3),
        "report_age_days": age,
        "answered": "classes",
        "lineage_complete": True,
        "purpose": "grants",
        "owner": "social-affairs",
        "erased_rows": 0,
    }
    return Evidence(**{**known, **more})


NOTHING_KNOWN = Evidence(
    version="income:3",
    digest="d" * 64,
    signed=False,
    report=None,
    report_age_days=None,
    answered="classes",
    lineage_complete=False,
    purpose="",
    owner=" ",
    erased_rows=3,
)
