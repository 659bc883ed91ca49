# SPDX-License-Identifier: Apache-2.0
"""Hooks of schemathesis, which `test_document.py` runs: every other right question is one that the home can answer, whatever was
asked before, and none of the others takes away what they need.
"""

import os
import re

import schemathesis

from entrances.api.house import ROW, tensors

SPEC = "model: grants\npurpose: tests\nowner: tests\ndata: {dataset: people}\ncandidates: [naive-bayes]\n"
CEDAR = 'forbid (principal == Service::"nobody", action == Action::"models:export", resource);'
POLICY = "name: another\nrules:\n  - rule: signed\n"
# What nobody could guess from a schema: features of a model, texts that are YAML, versions there are.
BODIES = {
    "POST /v1/models/{model}/predict": {"rows": [ROW]},
    "POST /v1/models/{model}/explain": {"rows": [ROW]},
    "POST /v2/models/{model}/infer": tensors(),
    "POST /v2/models/{model}/versions/{version}/infer": tensors(),
    "POST /models/{model}/invocations": {"inputs": [ROW]},
    "POST /models/{model}/versions/{version}/invocations": {"inputs": [ROW]},
    "POST /endpoints/{model}/invocations": {"inputs": [ROW]},
    "PUT /api/v1/users/{name}/password": {"password": "seven brass herons at dusk"},
    "POST /api/v1/policies": {"text": POLICY},
    "PUT /api/v1/access/policies/{name}": {"text": CEDAR},
    "POST /api/v1/releases": {"version": "fresh:1"},
    "POST /api/v1/runs": {"spec": SPEC},
    "POST /api/v1/comparisons": {"versions": ["grants:1", "grants:2"], "objective": {}},
    "POST /api/v1/datasets/{name}/shred": {"reason": "tests"},
    "POST /api/v1/datasets/{name}/deidentify": {"copy": "people-hidden", "columns": {"town": "pseudonym:token"}},
    "POST /api/v1/datasets/{name}/forget": {"reason": "tests"},
    "POST /api/v1/datasets/{name}/reidentify": {"texts": ["id-bcdfghjkmnpqrs"], "reason": "tests"},
    "POST /api/v1/datasets/{name}/split": {"by": "random"},
    "POST /api/v1/datasets/{name}/grants": {"model": "other", "purpose": "tests"},
    "POST /api/v1/datasets/{name}/trace": {"column": "town", "value": "north"},
    "POST /api/v1/datasets/{name}/shards": {"parts": 2, "by": "random"},
    "POST /api/v1/models/{model}/versions/{number}/assessments": {"only": ["size"]},
}
# Names of what there is; the first that fits an operation counts.
NAMES = [
    (r"/shred$", {"name": "spare"}),
    (r"/reidentify$", {"name": "hidden"}),
    (r"/forget$", {"name": "unseen"}),
    (r"/version$", {}),
    (r"/approve$", {"id": "r-2"}),
    (r"/refuse$", {"id": "r-3"}),
    (r"/(pause|promote)$", {"id": "r-4"}),
    (r" /api/v1/releases/", {"id": "r-1"}),
    (r" /api/v1/models/", {"model": "grants", "number": 1, "path": "README.md"}),
    (r"DELETE /api/v1/datasets/", {"name": "people", "model": "other"}),
    (r" /api/v1/datasets/", {"name": "people"}),
    (r"(PUT|DELETE) /api/v1/access/policies/", {"name": "site"}),
    (r" /api/v1/access/policies/", {"name": "built-in"}),
    (r" /api/v1/policies/", {"name": "by-purpose"}),
    (r"DELETE /api/v1/users/.*/", {"name": "ada"}),
    (r"DELETE /api/v1/users/", {"name": "omar"}),
    (r" /api/v1/users/", {"name": "ada"}),
    (r" /api/v1/runs/", {"id": os.environ["MODELWARD_TEST_RUN"]}),
    (r" /api/v1/keys/", {"id": os.environ["MODELWARD_TEST_SPARE_ID"]}),
    (r" /api/v1/receipts/", {"request": os.environ["MODELWARD_TEST_REQUEST"]}),
    (r"", {"model": "income", "version": 1}),
]
QUERIES = {
    "GET /api/v1/ledger/consistency": {"from": 1, "to": 2},
    "GET /api/v1/access/explanation": {"who": "ada", "action": "models:read", "what": "model:income"},
}
# What only the operation named above may decide on, and what nobody may take away.
KEPT = {"people", "hidden", "unseen", "r-1", "r-2", "r-3", "r-4", "ada", os.environ["MODELWARD_TEST_KEY_ID"]}
_turns: dict[str, int] = {}


@schemathesis.hook
def before_call(context, case, kwargs):
    label = f"{case.method} {case.path}"
    names = next(found for pattern, found in NAMES if re.search(pattern, label))
    if case.method != "GET":
        for name, value in case.path_parameters.items():
            if value in KEPT and value != names.get(name):
                case.path_parameters[name] = "another"
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    _turns[label] = _turns.get(label, 0) + 1
    if _turns[label] % 2:
        case.path_parameters.update({name: value for name, value in names.items() if name in case.path_parameters})
        case.query.update(QUERIES.get(label, {}))
        if label in BODIES:
            case.body, case.media_type = BODIES[label], "application/json"
