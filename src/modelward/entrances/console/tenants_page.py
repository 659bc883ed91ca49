# SPDX-License-Identifier: Apache-2.0
"""Tenants: who there is, the form to add one, and the page that tells what happens when one goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission, TenantMissingError
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError

if TYPE_CHECKING:
    from modelward.access import Tenant

_PAGE = "/console/access/tenants"


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant, and the names of what is its own, as far as the visitor may see it. People and keys are those that come in."""

    tenant: Tenant
    people: tuple[str, ...]
    keys: tuple[str, ...]
    datasets: tuple[str, ...]
    models: tuple[str, ...]


async def show_all(visit: Visit) -> Response:
    """Every tenant, and the form to add one."""
    return await _list(visit)


async def show_one(visit: Visit) -> Response:
    """What is a tenant's, and what happens when it goes."""
    return await _one(visit)


async def add(visit: Visit) -> Response:
    """Add a tenant."""
    form = await visit.form()
    try:
        await run_in_threadpool(visit.platform.tenants.add, form.get("name", "").strip(), by=visit.by)
    except (ConflictError, InvalidError) as error:
        return await _list(visit, fault=error, form=form)
    return RedirectResponse(_PAGE, 303)


async def remove(visit: Visit) -> Response:
    """Remove a tenant that nobody belongs to any more."""
    await visit.form()
    try:
        await run_in_threadpool(visit.platform.tenants.remove, visit.path["name"], by=visit.by)
    except ConflictError as error:
        return await _one(visit, fault=error)
    return RedirectResponse(_PAGE, 303)


def tenants_to_choose(visit: Visit) -> list[str]:
    """The names of the tenants that the visitor may add people and keys to."""
    if visit.by.tenant or not visit.by.may(Permission.TENANTS_MANAGE):
        return []
    return [tenant.name for tenant in visit.platform.tenants.list(by=visit.by)]


def _rows(visit: Visit) -> list[TenantRow]:
    platform, by, now = visit.platform, visit.by, datetime.now(UTC)
    tenants = platform.tenants.list(by=by)
    users = platform.access.users(by=by) if by.may(Permission.USERS_MANAGE) else []
    people = {each.name: each.tenant for each in users if not each.removed}
    held = platform.access.keys(by=by) if by.may(Permission.KEYS_MANAGE) else []
    keys = {each.name: each.tenant for each in held if each.is_valid(now)}
    datasets = [each.name for each in platform.datasets.list(by=by)] if by.may(Permission.DATA_READ) else []
    models = [each.model for each in platform.registry.models(by=by)] if by.may(Permission.MODELS_READ) else []
    return [
        TenantRow(
            tenant,
            people=_members(people, tenant.name),
            keys=_members(keys, tenant.name),
            datasets=tuple(name for name in datasets if name.startswith(f"{tenant.name}-")),
            models=tuple(name for name in models if name.startswith(f"{tenant.name}-")),
        )
        for tenant in tenants
    ]


def _members(found: Mapping[str, str], tenant: str) -> tuple[str, ...]:
    return tuple(sorted(name for name, its in found.items() if its == tenant))


def _row(visit: Visit) -> TenantRow:
    row = next((row for row in _rows(visit) if row.tenant.name == visit.path["name"]), None)
    if row is None:
        raise TenantMissingError("No tenant is called that. The list of tenants shows those there are.")
    return row


async def _list(visit: Visit, *, fault: ModelwardError | None = None, form: dict[str, str] | None = None) -> Response:
    return visit.page(
        "tenants.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="tenants",
        rows=await run_in_threadpool(_rows, visit),
        form=form or {},
        notice=str(fault) if fault else "",
    )


async def _one(visit: Visit, *, fault: ModelwardError | None = None) -> Response:
    return visit.page(
        "tenant.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="tenants",
        row=await run_in_threadpool(_row, visit),
        notice=str(fault) if fault else "",
    )
