# SPDX-License-Identifier: Apache-2.0
"""The page of access in emergencies: ask for it, and decide what others ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import PERMISSIONS_OF, Emergency, EmergencyState, Permission, Role, given_by
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, NotFoundError, RefusedError

PAGE = "/console/access/emergencies"


class UnknownStepError(InvalidError):
    """The form says nothing that can be done."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing asked for, and what who looks may do about it."""

    emergency: Emergency
    state: str
    may_decide: bool
    may_end: bool


async def show(visit: Visit) -> Response:
    """What was asked for, newest first: all of it for who may decide, one's own for everybody else."""
    return await _draw(visit)


async def step(visit: Visit) -> Response:
    """Ask, approve, refuse or end."""
    form = await visit.form()
    try:
        await run_in_threadpool(_step, visit, form)
    except (ConflictError, InvalidError, RefusedError, NotFoundError) as fault:
        return await _draw(visit, fault=fault, form=form)
    return RedirectResponse(PAGE, 303)


def _step(visit: Visit, form: dict[str, str]) -> None:
    emergencies, id = visit.platform.access.emergencies, form.get("id", "")
    match form.get("step", ""):
        case "ask":
            minutes = form.get("minutes", "")
            number = int(minutes) if minutes.isascii() and minutes.isdecimal() and len(minutes) < 6 else 0
            emergencies.ask(form.get("what", ""), minutes=number, reason=form.get("reason", ""), by=visit.by)
        case "approve":
            emergencies.approve(id, by=visit.by)
        case "refuse":
            emergencies.refuse(id, reason=form.get("reason", ""), by=visit.by)
        case "end":
            emergencies.end(id, by=visit.by)
        case _:
            raise UnknownStepError("The form says nothing to do. Reload the page and send it again.")


async def _draw(visit: Visit, *, fault: ModelwardError | None = None, form: dict[str, str] | None = None) -> Response:
    now = datetime.now(UTC)
    found = await run_in_threadpool(visit.platform.access.emergencies.list, by=visit.by)
    return visit.page(
        "emergencies.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="emergencies",
        cases=[_case(visit, each, now) for each in found],
        choices=_choices(visit),
        longest=visit.platform.settings.emergency_minutes,
        form=form or {},
        notice=str(fault) if fault else "",
    )


def _case(visit: Visit, emergency: Emergency, now: datetime) -> Case:
    state, decides = emergency.state(now), visit.by.may(Permission.EMERGENCIES_DECIDE)
    is_own, is_asked = emergency.asker == visit.by.id, state is EmergencyState.ASKED
    is_open = is_asked or state is EmergencyState.IN_FORCE
    return Case(
        emergency,
        state.value,
        may_decide=decides and is_asked and not is_own and visit.by.id not in emergency.approvals,
        may_end=is_open and (is_own or decides),
    )


def _choices(visit: Visit) -> list[str]:
    """What who looks does not have, and could ask for."""
    if not visit.by.id.startswith("person:"):
        return []
    held = PERMISSIONS_OF[visit.by.role]
    return [each.value for each in (*Permission, *Role) if (given := given_by(each.value)) and not given <= held]
