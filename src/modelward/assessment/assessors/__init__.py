# SPDX-License-Identifier: Apache-2.0
"""Assessors: one file each, one line each. The order is that of the report."""

from modelward.plugins import PluginTable

ASSESSORS = PluginTable(
    "assessors",
    {
        "quality": "modelward.assessment.assessors.quality:Quality",
        "translation": "modelward.assessment.assessors.translation:Translation",
        "baseline": "modelward.assessment.assessors.baseline:Baseline",
        "ranking": "modelward.assessment.assessors.ranking:Ranking",
        "leakage": "modelward.assessment.assessors.leakage:Leakage",
        "text-leakage": "modelward.assessment.assessors.text_leakage:TextLeakage",
        "generation": "modelward.assessment.assessors.generation:Generation",
        "fairness": "modelward.assessment.assessors.fairness:Fairness",
        "degraded": "modelward.assessment.assessors.degraded:Degraded",
        "latency": "modelward.assessment.assessors.latency:Latency",
        "size": "modelward.assessment.assessors.size:Size",
        "energy": "modelward.assessment.assessors.energy:Energy",
    },
)

__all__ = ["ASSESSORS"]
