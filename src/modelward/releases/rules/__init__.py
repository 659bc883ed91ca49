# SPDX-License-Identifier: Apache-2.0
"""The rules a policy may name. A new one is a file here and a line below."""

from modelward.plugins import PluginTable

RULES = PluginTable(
    family="rules",
    places={
        "assessed-within": "modelward.releases.rules.assessed_within:AssessedWithin",
        "clause-at-least": "modelward.releases.rules.clause_bound:ClauseAtLeast",
        "clause-at-most": "modelward.releases.rules.clause_bound:ClauseAtMost",
        "data-not-erased": "modelward.releases.rules.data_not_erased:DataNotErased",
        "lineage-complete": "modelward.releases.rules.lineage_complete:LineageComplete",
        "measured": "modelward.releases.rules.measured:Measured",
        "no-failed-clause": "modelward.releases.rules.no_failed_clause:NoFailedClause",
        "purpose-declared": "modelward.releases.rules.purpose_declared:PurposeDeclared",
        "quality-measured": "modelward.releases.rules.quality_measured:QualityMeasured",
        "signed": "modelward.releases.rules.signed:Signed",
    },
)
