# SPDX-License-Identifier: Apache-2.0
"""The page that says which versions saw somebody's records: what is looked for is sent, never part of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.access import Permission
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import InvalidError, ModelwardError

if TYPE_CHECKING:
    from modelward.assessment import Trace


async def show(visit: Visit) -> Response:
    """The form that asks."""
    return await _draw(visit)


async def trace(visit: Visit) -> Response:
    """What became of the records that have the value; that somebody looked is on record."""
    form = await visit.form()
    try:
        found = await run_in_threadpool(_trace, visit, form)
    except InvalidError as error:
        return await _draw(visit, fault=error, form=form)
    return await _draw(visit, found=found, form=form)


def _trace(visit: Visit, form: dict[str, str]) -> Trace:
    column, value = form.get("column", ""), form.get("value", "").strip()
    return visit.platform.assessment.trace(visit.path["name"], column=column, value=value, by=visit.by)


def _columns(visit: Visit) -> list[str]:
    name, platform, by = visit.path["name"], visit.platform, visit.by
    by.require(Permission.MODELS_READ)
    shown = platform.datasets.show(name, by=by)
    if not platform.grants.may_grant(name, by=by):
        by.require(Permission.DATA_GRANT, dataset=name)
    return [column.name for column in shown.columns]


async def _draw(
    visit: Visit, *, found: Trace | None = None, fault: ModelwardError | None = None, form: dict[str, str] | None = None
) -> Response:
    return visit.page(
        "trace.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="data",
        dataset=visit.path["name"],
        columns=await run_in_threadpool(_columns, visit),
        found=found,
        form=form or {},
        notice=str(fault) if fault else "",
    )
