# SPDX-License-Identifier: Apache-2.0
"""The privacy budget of a dataset in the console: what was spent, what it adds up to, and statistics answered from it."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.datasets import Budget, InvalidBudgetError, InvalidStatisticError, NoisyAnswer, Question
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


async def ask(visit: Visit) -> Response:
    """A statistic, answered with noise; what stands against it is shown above the form."""
    form = await visit.form()
    try:
        answer = await run_in_threadpool(_ask, visit, form)
    except ModelwardError as error:
        return await _draw(visit, fault=error, asked=form)
    return await _draw(visit, answer=answer, asked=form)


def _ask(visit: Visit, form: dict[str, str]) -> NoisyAnswer:
    kind = form.get("kind", "")
    parts = [part.strip() for part in form.get("parts", "").split(",") if part.strip()]
    are_bins = bool(parts) and all(_is_number(part) for part in parts)
    question = Question(
        kind=kind,  # type: ignore[arg-type]  # it checks itself
        epsilon=_number(form, "epsilon") or 0.0,
        column=form.get("column", "").strip() if kind != "count" else "",
        where=form.get("where", "").strip(),
        categories=() if are_bins else tuple(parts),
        bins=tuple(map(float, parts)) if are_bins else (),
        lower=_number(form, "lower"),
        upper=_number(form, "upper"),
    )
    return visit.platform.datasets.statistics.ask(visit.path["name"], question, by=visit.by)


def _number(form: dict[str, str], name: str) -> float | None:
    text = form.get(name, "").strip()
    if text and not _is_number(text):
        raise InvalidStatisticError(f"{text[:40]!r} is no number.")
    return float(text) if text else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _set(visit: Visit, form: dict[str, str]) -> None:
    try:
        epsilon, delta = float(form.get("epsilon", "")), float(form.get("delta", ""))
    except ValueError:
        raise InvalidBudgetError("Epsilon and delta are numbers, such as 3 and 0.000001.") from None
    required = form.get("required") == "yes"
    visit.platform.datasets.budgets.limit(visit.path["name"], epsilon=epsilon, delta=delta, is_required=required, by=visit.by)


async def _draw(
    visit: Visit,
    *,
    fault: ModelwardError | None = None,
    sent: dict[str, str] | None = None,
    answer: NoisyAnswer | None = None,
    asked: dict[str, str] | None = None,
) -> Response:
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
        may_ask=visit.by.may(Permission.DATA_STATISTICS, dataset=budget.dataset),
        answer=answer,
        asked=asked or {},
        notice=str(fault) if fault else "",
    )


def _shown(visit: Visit) -> tuple[Budget, bool]:
    name, platform = visit.path["name"], visit.platform
    budget = platform.datasets.budgets.show(name, visit.by)
    return budget, budget.whole == name and platform.datasets.budgets.may_limit(name, by=visit.by)
