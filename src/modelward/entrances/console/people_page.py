# SPDX-License-Identifier: Apache-2.0
"""People: who may sign in, in which role, and where they are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Role, parse_role
from modelward.entrances.console.session import is_by_tls
from modelward.entrances.console.tenants_page import tenants_to_choose
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, NotFoundError, RefusedError

if TYPE_CHECKING:
    from modelward.access import Invitation

_PAGE = "/console/access/people"


class UnknownDeedError(InvalidError):
    """A form that says nothing there is to do."""


async def show_all(visit: Visit) -> Response:
    """Everybody there is, and the form to add somebody."""
    return await _list(visit)


async def show_one(visit: Visit) -> Response:
    """One person: their sessions, and the forms to change what they may."""
    return await _person(visit)


async def add(visit: Visit) -> Response:
    """Add a person; their one-time link is shown this one time."""
    form = await visit.form()
    access = visit.platform.access
    try:
        role = parse_role(form.get("role", ""))
        name, tenant = form.get("name", "").strip(), form.get("tenant", "")
        invitation = await run_in_threadpool(access.add_user, name, role=role, tenant=tenant, by=visit.by)
    except (ConflictError, InvalidError, NotFoundError) as error:
        return await _list(visit, fault=error, form=form)
    return await _list(visit, invitation=invitation)


async def change(visit: Visit) -> Response:
    """Invite anew, change the role, end sessions, unlock or remove; what stands against it is shown beside the person."""
    form, name = await visit.form(), visit.path["name"]
    try:
        invitation = await run_in_threadpool(_change, visit, form)
    except (ConflictError, InvalidError, RefusedError) as error:
        return await _person(visit, fault=error)
    if invitation:
        return await _person(visit, invitation=invitation)
    return RedirectResponse(_PAGE if form["deed"] == "remove" else f"{_PAGE}/{name}", 303)


def _change(visit: Visit, form: dict[str, str]) -> Invitation | None:
    access, name = visit.platform.access, visit.path["name"]
    match form.get("deed", ""):
        case "invite":
            return access.invite(name, by=visit.by)
        case "role":
            access.accounts.change_role(name, parse_role(form.get("role", "")), by=visit.by)
        case "end":
            access.accounts.end_sessions(name, form.get("session", ""), by=visit.by)
        case "unlock":
            access.accounts.unlock(name, by=visit.by)
        case "remove":
            access.remove_user(name, by=visit.by)
        case _:
            raise UnknownDeedError("The form says nothing to do. Reload the page and send it again.")
    return None


async def _list(
    visit: Visit, *, invitation: Invitation | None = None, fault: ModelwardError | None = None, form: dict[str, str] | None = None
) -> Response:
    standings = await run_in_threadpool(visit.platform.access.accounts.standings, by=visit.by)
    return visit.page(
        "people.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="people",
        people=standings,
        tenants=await run_in_threadpool(tenants_to_choose, visit),
        roles=list(Role),
        invitation=invitation,
        link=_link(visit, invitation),
        form=form or {},
        notice=str(fault) if fault else "",
    )


async def _person(visit: Visit, *, invitation: Invitation | None = None, fault: ModelwardError | None = None) -> Response:
    person = await run_in_threadpool(visit.platform.access.accounts.standing, visit.path["name"], by=visit.by)
    return visit.page(
        "person.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="people",
        person=person,
        roles=list(Role),
        invitation=invitation,
        link=_link(visit, invitation),
        notice=str(fault) if fault else "",
    )


def _link(visit: Visit, invitation: Invitation | None) -> str:
    if invitation is None:
        return ""
    scheme = "https" if is_by_tls(visit.request) else "http"
    return f"{scheme}://{visit.request.url.netloc}/console/sign-in?token={invitation.token}"
