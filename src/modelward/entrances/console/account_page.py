# SPDX-License-Identifier: Apache-2.0
"""One's own account: the password, the second factor, and where one is signed in."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import WrongPasswordError
from modelward.entrances.console.people_page import UnknownDeedError
from modelward.entrances.console.sign_in import begin, new_password
from modelward.entrances.console.visit import ACCOUNT, Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, NotFoundError, RefusedError, UnavailableError


async def show(visit: Visit) -> Response:
    """The account of who is signed in."""
    return await _draw(visit, is_due=bool(visit.asked("due")))


async def change(visit: Visit) -> Response:
    """Change the password, set up or end the second factor, or end sessions."""
    form = await visit.form()
    try:
        return await _change(visit, form)
    except (ConflictError, InvalidError, NotFoundError, RefusedError, UnavailableError) as error:
        return await _draw(visit, fault=error)


async def _change(visit: Visit, form: dict[str, str]) -> Response:
    accounts, by = visit.platform.access.accounts, visit.by
    match form.get("deed", ""):
        case "password":
            password = new_password(form)
            signed_in = await run_in_threadpool(accounts.change_password, form.get("password", ""), password, by=by)
            return await begin(visit, signed_in, to=ACCOUNT)
        case "begin":
            enrolment = await run_in_threadpool(accounts.begin_second_factor, form.get("password", ""), by=by)
            return await _draw(visit, enrolment=enrolment, picture=picture_of(enrolment.address))
        case "confirm":
            try:
                codes = await run_in_threadpool(accounts.confirm_second_factor, form.get("code", ""), by=by)
            except WrongPasswordError as wrong:
                # What the authenticator read is good still.
                return await _draw(visit, fault=wrong, is_confirming=True)
            return await _draw(visit, codes=codes.codes)
        case "end-factor":
            await run_in_threadpool(accounts.end_second_factor, form.get("password", ""), by=by)
        case "end":
            await run_in_threadpool(accounts.end_sessions, by.name, form.get("session", ""), by=by)
        case _:
            raise UnknownDeedError("The form says nothing to do. Reload the page and send it again.")
    return RedirectResponse(ACCOUNT, 303)


def picture_of(address: str) -> Markup:
    """A QR picture of an address, black on white whatever the page's colours: cameras read it so."""
    import segno

    drawn = segno.make(address, error="m", micro=False).svg_inline(omitsize=True, light="#fff", border=4, svgclass="qr")
    return Markup(drawn)  # noqa: S704  # it has no text of anybody's in it


async def _draw(visit: Visit, *, fault: ModelwardError | None = None, is_due: bool = False, **told: Any) -> Response:
    standing = await run_in_threadpool(visit.platform.access.accounts.standing, visit.by.name, by=visit.by)
    here = next((each for each in standing.sessions if each.id == visit.by.credential), None)
    return visit.page(
        "account.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="account",
        person=standing,
        here=visit.by.credential,
        by_provider=bool(here and here.means == "provider" and not standing.has_password),
        is_due=is_due,
        notice=str(fault) if fault else "",
        **{"enrolment": None, "is_confirming": False, "picture": "", "codes": ()} | told,
    )
