# SPDX-License-Identifier: Apache-2.0
"""Grants in the console: which model may have a dataset, who read it, and the forms to grant and to revoke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.datasets import Grant, InvalidGrantError, notes_on
from modelward.entrances.console.data_page import shown_dataset
from modelward.entrances.console.shredding_page import shown_shredded
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError

_READS_SHOWN = 20
_GRANTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant, and how it stands: `in force`, `ended` or `revoked`; and what in it looks like a slip, where that is known."""

    grant: Grant
    state: str
    notes: tuple[str, ...] = ()


async def show(visit: Visit) -> Response:
    """A dataset, and what is granted of it; or what is left of one that was shredded."""
    dataset = await run_in_threadpool(visit.platform.datasets.show, visit.path["name"], by=visit.by)
    if dataset.shredded:
        return visit.page("shredded.html", section="data", **await run_in_threadpool(shown_shredded, visit, dataset))
    return visit.page("dataset.html", section="data", **await run_in_threadpool(_shown, visit), notice="", sent={})


async def change(visit: Visit) -> Response:
    """Grant or revoke; what stands against it is shown above the form."""
    form, name = await visit.form(), visit.path["name"]
    try:
        await run_in_threadpool(_change, visit, form)
    except (ConflictError, InvalidError, NotFoundError, RefusedError) as error:
        shown = await run_in_threadpool(_shown, visit)
        sent = form if form.get("decision") == "grant" else {}
        return visit.page("dataset.html", status=by_kind(error, STATUS), section="data", **shown, notice=str(error), sent=sent)
    return RedirectResponse(f"/console/data/{name}#grants-heading", 303)


def granted_to(visit: Visit, model: str) -> Sequence[GrantRow]:
    """What is granted to a model, where the visitor may know of data."""
    return _rows(visit.platform.grants.list(model=model, by=visit.by)) if visit.by.may(Permission.DATA_READ) else ()


def _change(visit: Visit, form: dict[str, str]) -> None:
    grants, name, model = visit.platform.grants, visit.path["name"], form.get("model", "").strip()
    if form.get("decision") == "revoke":
        grants.revoke(model, name, by=visit.by)
        return
    columns = [part.strip() for part in form.get("columns", "").split(",") if part.strip()]
    grants.grant(
        model,
        name,
        purpose=form.get("purpose", ""),
        columns=columns or None,
        rows=form.get("rows", ""),
        until=_day(form.get("until", "").strip()),
        by=visit.by,
    )


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidGrantError("The end of a grant is a date such as 2030-01-31.") from None


def _shown(visit: Visit) -> dict[str, Any]:
    name, grants = visit.path["name"], visit.platform.grants
    shown = shown_dataset(visit)
    may_grant = grants.may_grant(name, by=visit.by)
    may_trace = may_grant and visit.by.may(Permission.MODELS_READ)
    sees_reads = may_grant or visit.by.may(Permission.AUDIT_READ)
    return {
        **shown,
        "grants": [_noted(each, shown) for each in _rows(grants.list(dataset=name, by=visit.by))[:_GRANTS_SHOWN]],
        "may_grant": may_grant,
        "may_trace": may_trace,
        "may_shred": visit.platform.shredding.may_shred(name, by=visit.by),
        "may_erase": visit.platform.erasing.may_erase(name, by=visit.by),
        "may_copy": visit.by.may(Permission.DATA_WRITE),
        "may_forget": visit.platform.deidentifying.may_forget(name, by=visit.by),
        "may_reidentify": visit.platform.deidentifying.may_reidentify(name, by=visit.by),
        "reads": grants.reads(name, limit=_READS_SHOWN, by=visit.by) if sees_reads else None,
    }


def _noted(row: GrantRow, shown: dict[str, Any]) -> GrantRow:
    is_shown = row.state == "in force" and shown["profile"] is not None
    return replace(row, notes=notes_on(row.grant.rows, shown["dataset"])) if is_shown else row


def _rows(found: Sequence[Grant]) -> list[GrantRow]:
    now = datetime.now(UTC)
    return [GrantRow(each, "in force" if each.stands(now) else "revoked" if each.revoked else "ended") for each in found]
