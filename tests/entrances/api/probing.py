# SPDX-License-Identifier: Apache-2.0
"""Hooks of schemathesis, which `test_document.py` runs: every other right question is one that the home can answer, and nobody
revokes the key that the questions are asked with, or decides what another is to decide.
"""

import os

import schemathesis

from entrances.api.house import ROW, tensors

SPEC = "model: grants\npurpose: tests\nowner: tests\ndata: {dataset: people}\ncandidates: [naive-bayes]\n"
POLICY = "name: another\nrules:\n  - rule: signed\n"
# What nobody could guess from a schema: features of a model, and texts that are YAML.
ANSWERABLE = {
    "POST /v1/models/{model}/predict": {"rows": [ROW]},
    "POST /v1/models/{model}/explain": {"rows": [ROW]},
    "POST /v2/models/{model}/infer": tensors(),
    "POST /v2/models/{model}/versions/{version}/infer": tensors(),
    "POST /models/{model}/invocations": {"inputs": [ROW]},
    "POST /models/{model}/versions/{version}/invocations": {"inputs": [ROW]},
    "POST /endpoints/{model}/invocations": {"inputs": [ROW]},
    "POST /api/v1/policies": {"text": POLICY},
    "POST /api/v1/runs": {"spec": SPEC},
    "POST /api/v1/comparisons": {"versions": ["grants:1", "grants:2"], "objective": {}},
    "POST /api/v1/datasets/{name}/split": {"by": "random"},
    "POST /api/v1/models/{model}/versions/{number}/assessments": {"only": ["size"]},
}
# A release that is left for whoever asks to approve it.
AWAITED = "r-2"
_turns = dict.fromkeys(ANSWERABLE, 0)


@schemathesis.hook
def before_call(context, case, kwargs):
    label = f"{case.method} {case.path}"
    named = case.path_parameters.get("id")
    if named == os.environ["MODELWARD_TEST_KEY_ID"] or (named == AWAITED and not label.endswith("/approve")):
        case.path_parameters["id"] = "another"
    if label in ANSWERABLE and case.meta is not None and case.meta.generation.mode.is_positive:
        _turns[label] += 1
        if _turns[label] % 2:
            case.body, case.media_type = ANSWERABLE[label], "application/json"
