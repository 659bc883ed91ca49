# SPDX-License-Identifier: Apache-2.0
"""Coming in by a one-time token, and going out."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.entrances.console.session import COOKIE, actor_of, forget, remember, session_of
from modelward.entrances.console.visit import HOME, SIGN_IN, Visit
from modelward.errors import UnauthenticatedError


async def show(visit: Visit) -> Response:
    """The form. Following a link only fills it in: a token is used up by sending the form, not by a mail scanner's look."""
    token = visit.asked("token")
    if not token and await run_in_threadpool(_is_inside, visit):
        return RedirectResponse(HOME, 303)
    return visit.page("sign-in.html", token=token, notice="")


async def enter(visit: Visit) -> Response:
    """Exchange the one-time token for a new session; one that this browser had before ends."""
    form = await visit.form()
    access = visit.platform.access
    token = form.get("token", "").strip()
    signed_in = await run_in_threadpool(access.sign_in, token)
    await run_in_threadpool(visit.platform.discard_spent, token)
    await run_in_threadpool(access.sign_out, session_of(visit.request))
    response = RedirectResponse(HOME, 303)
    remember(response, COOKIE, signed_in.session, seconds=visit.platform.settings.session_seconds, request=visit.request)
    return response


async def leave(visit: Visit) -> Response:
    """End the session."""
    await visit.form()
    await run_in_threadpool(visit.platform.access.sign_out, session_of(visit.request))
    response = RedirectResponse(SIGN_IN, 303)
    forget(response, COOKIE)
    return response


def _is_inside(visit: Visit) -> bool:
    try:
        actor_of(visit.platform, visit.request)
    except UnauthenticatedError:
        return False
    return True
