# SPDX-License-Identifier: Apache-2.0
"""A report is sorted for whoever reads it, whatever the version answers with."""

from assessment.echo import report
from modelward.assessment import Clause, ClauseVerdict
from modelward.entrances.console.report_view import view_of

OTHER = "The version recommends some of many items, and this is measured of answers that weigh few classes."


def clause(id, estimate=None, *, threshold=None, note="") -> Clause:
    verdict = ClauseVerdict.NOT_MEASURABLE if estimate is None else ClauseVerdict.RECORDED
    asked = {} if threshold is None else {"threshold": threshold, "direction": "at-least"}
    return Clause(
        id=id, title=id, estimate=estimate, low=estimate, high=estimate, verdict=verdict, n=9, method="counted", note=note, **asked
    )


def test_a_reason_that_several_have_is_said_once_and_what_is_asked_for_stands_first_under_it():
    asked = clause("quality.roc_auc", threshold=0.6, note=OTHER)
    alone = clause("quality.ece", threshold=0.1, note="On 9 rows even perfect calibration looks like an error.")
    view = view_of(report(clause("quality.brier", note=OTHER), asked, alone, clause("quality.f1", note=OTHER)))
    assert [judged.clause.id for judged in view.judged] == ["quality.ece"]
    assert [each.id for each in view.unmeasured[OTHER]] == ["quality.roc_auc", "quality.brier", "quality.f1"]
