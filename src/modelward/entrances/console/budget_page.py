# SPDX-License-Identifier: Apache-2.0
"""The privacy budget of a dataset in the console: a bar, every spending, what they tell together, and the form that sets it."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.datasets import Budget, InvalidBudgetError
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ModelwardError

_SHOWN = 200


async def show(visit: Visit) -> Response:
    """The budget as it stands."""
    return await _draw(visit)


async def change(visit: Visit) -> Response:
    """Set it; what stands against that is shown above the form."""
    form, name = await visit.form(), visit.path["name"]
    try:
        await run_in_threadpool(_set, visit, form)
    except ModelwardError as error:
        return await _draw(visit, fault=error, sent=form)
    return RedirectResponse(f"/console/data/{name}/privacy", 303)


def _set(visit: Visit, form: dict[str, str]) -> None:
    try:
        epsilon, delta = float(form.get("epsilon", "")), float(form.get("delta", ""))
    except ValueError:
        raise InvalidBudgetError("Epsilon and delta are numbers, such as 3 and 0.000001.") from None
    visit.platform.datasets.budgets.limit(visit.path["name"], epsilon=epsilon, delta=delta, by=visit.by)


async def _draw(visit: Visit, *, fault: ModelwardError | None = None, sent: dict[str, str] | None = None) -> Response:
    budget, may_set = await run_in_threadpool(_shown, visit)
    return visit.page(
        "privacy.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="data",
        budget=budget,
        spendings=budget.spendings[:_SHOWN],
        left_out=max(0, len(budget.spendings) - _SHOWN),
        share=min(1.0, budget.spent.epsilon / budget.limit.epsilon),
        may_set=may_set,
        sent=sent or {},
        notice=str(fault) if fault else "",
    )


def _shown(visit: Visit) -> tuple[Budget, bool]:
    name, platform = visit.path["name"], visit.platform
    budget = platform.datasets.budgets.show(name, visit.by)
    return budget, budget.whole == name and platform.datasets.budgets.may_limit(name, by=visit.by)
