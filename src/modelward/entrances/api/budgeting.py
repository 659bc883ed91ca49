# SPDX-License-Identifier: Apache-2.0
"""Routes of privacy budgets, and of the statistics that are answered from them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from modelward.access import Permission
from modelward.datasets import EPSILON_LIMIT, Budget, NoisyAnswer, Question
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint


class NewBudget(msgspec.Struct, forbid_unknown_fields=True):
    """What the budget is to be; what is left out stays as it is. Where it `is_required`, no model learns from the rows without."""

    epsilon: Annotated[float, Meta(extra_json_schema={"exclusiveMinimum": 0, "maximum": EPSILON_LIMIT})] | None = None
    delta: Annotated[float, Meta(extra_json_schema={"exclusiveMinimum": 0, "maximum": 0.001})] | None = None
    is_required: bool | None = None


def _limit(call: Call) -> Budget:
    said: NewBudget = call.body
    return call.platform.datasets.budgets.limit(
        call.path["name"], epsilon=said.epsilon, delta=said.delta, is_required=said.is_required, by=call.actor
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/datasets/{name}/budget",
        Permission.DATA_READ,
        lambda call: call.platform.datasets.budgets.show(call.path["name"], call.actor),
        "Show the privacy budget of a dataset, and what was spent of it.",
        Budget,
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/budget",
        Permission.DATA_READ,
        _limit,
        "Set the privacy budget of a dataset.",
        Budget,
        takes=NewBudget,
        besides="`data:grant` or having registered it",
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/statistics",
        Permission.DATA_STATISTICS,
        lambda call: call.platform.datasets.statistics.ask(call.path["name"], call.body, by=call.actor),
        "Ask a statistic of a dataset, answered with noise from its privacy budget; asked again it is free.",
        NoisyAnswer,
        takes=Question,
    ),
)
