# SPDX-License-Identifier: Apache-2.0
"""Keys of services: what each reaches and how much it may ask, a new secret for one, its end, and the form that makes one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import GRACE_LIMIT_SECONDS, GRACE_SECONDS, Quota, Role, parse_permission, parse_role
from modelward.entrances.console.tenants_page import tenants_to_choose
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, NotFoundError

if TYPE_CHECKING:
    from modelward.access import IssuedKey

_PAGE = "/console/access/keys"
_LIMITS = ("requests_per_minute", "requests_per_day", "rows_per_minute", "rows_per_day")
_DIGITS_LIMIT = 13
_SHOWN = 50


class InvalidExpiryError(InvalidError):
    """The day on which a key is to end is none."""


class InvalidNumberError(InvalidError):
    """What is to be a whole number is none."""


async def show(visit: Visit) -> Response:
    """The newest keys, or those whose names begin as asked, the valid ones first; and the form to make one."""
    return await _draw(visit)


async def create(visit: Visit) -> Response:
    """Make a key; its secret is shown this one time."""
    form = await visit.form()
    try:
        issued = await run_in_threadpool(_create, visit, form)
    except (ConflictError, InvalidError, NotFoundError) as error:
        return await _draw(visit, fault=error, form=form)
    return await _draw(visit, issued=issued)


async def revoke(visit: Visit) -> Response:
    """End a key for good."""
    await visit.form()
    try:
        await run_in_threadpool(visit.platform.access.revoke_key, visit.path["id"], by=visit.by)
    except (ConflictError, NotFoundError) as error:
        return await _draw(visit, fault=error)
    return RedirectResponse(_PAGE, 303)


async def rotate(visit: Visit) -> Response:
    """Another secret for a key, shown this one time; the one before opens it for the time of grace."""
    form = await visit.form()
    try:
        issued = await run_in_threadpool(_rotate, visit, form)
    except (ConflictError, InvalidError, NotFoundError) as error:
        return await _draw(visit, fault=error)
    return await _draw(visit, issued=issued)


def _rotate(visit: Visit, form: dict[str, str]) -> IssuedKey:
    grace = _number(form, "grace_seconds")
    seconds = GRACE_SECONDS if grace is None else grace
    return visit.platform.access.rotate_key(visit.path["id"], grace_seconds=seconds, by=visit.by)


def _create(visit: Visit, form: dict[str, str]) -> IssuedKey:
    scope = [parse_permission(part) for part in _parts(form, "scope")]
    return visit.platform.access.create_key(
        form.get("name", "").strip(),
        role=parse_role(form.get("role", "")),
        models=_parts(form, "models") or None,
        purpose=form.get("purpose", "").strip(),
        scope=scope or None,
        quota=Quota(**{limit: _number(form, limit) for limit in _LIMITS}),
        expires=_expiry(form.get("expires", "").strip()),
        tenant=form.get("tenant", ""),
        by=visit.by,
    )


def _parts(form: dict[str, str], field: str) -> list[str]:
    return [part.strip() for part in form.get(field, "").split(",") if part.strip()]


def _number(form: dict[str, str], field: str) -> int | None:
    text = form.get(field, "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_LIMIT):
        raise InvalidNumberError("A quota and a time of grace are whole numbers. Write one as 600, or leave it empty.")
    return int(text) if text else None


def _expiry(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if text else None
    except ValueError:
        raise InvalidExpiryError("The day on which the key ends is no date. Write it as 2030-01-31, or leave it empty.") from None


async def _draw(
    visit: Visit, *, issued: IssuedKey | None = None, fault: ModelwardError | None = None, form: dict[str, str] | None = None
) -> Response:
    now = datetime.now(UTC)
    find = visit.asked("find", limit=63).strip()
    keys = await run_in_threadpool(visit.platform.access.keys, name=find, limit=_SHOWN, by=visit.by)
    return visit.page(
        "keys.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="keys",
        valid=[key for key in reversed(keys) if key.is_valid(now)],
        ended=[key for key in reversed(keys) if not key.is_valid(now)],
        find=find,
        shown=_SHOWN,
        is_cut=len(keys) >= _SHOWN,
        roles=list(Role),
        tenants=await run_in_threadpool(tenants_to_choose, visit),
        grace=GRACE_SECONDS,
        grace_limit=GRACE_LIMIT_SECONDS,
        issued=issued,
        form=form or {},
        notice=str(fault) if fault else "",
    )
