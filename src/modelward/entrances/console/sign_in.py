# SPDX-License-Identifier: Apache-2.0
"""Coming in by a password or by a one-time token, and going out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import UnknownCredentialError
from modelward.entrances.console.session import COOKIE, actor_of, address_of, forget, remember, session_of
from modelward.entrances.console.visit import HOME, SIGN_IN, Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import InvalidError, UnauthenticatedError, UnavailableError

if TYPE_CHECKING:
    from modelward.access import SignedIn


class PasswordsDifferError(InvalidError):
    """A new password was typed in two ways."""


async def show(visit: Visit) -> Response:
    """The form. Following a link only fills it in: a token is used up by sending the form, not by a mail scanner's look."""
    token = visit.asked("token")
    if not token and await run_in_threadpool(_is_inside, visit):
        return RedirectResponse(HOME, 303)
    return visit.page("sign-in.html", token=token, notice="")


async def enter(visit: Visit) -> Response:
    """Exchange what was given for a new session; one that this browser had before ends."""
    form = await visit.form()
    token = form.get("token", "").strip()
    try:
        signed_in = await run_in_threadpool(_by_token if token else _by_password, visit, form)
    except (UnknownCredentialError, InvalidError, UnavailableError) as error:
        # A link that is still good stays in the form; one that opens nothing is not echoed.
        kept = token if token and isinstance(error, InvalidError) else ""
        return visit.page("sign-in.html", status=by_kind(error, STATUS), token=kept, notice=str(error))
    return await begin(visit, signed_in)


async def begin(visit: Visit, signed_in: SignedIn, *, to: str = HOME) -> Response:
    """Into the console with a session just opened."""
    await run_in_threadpool(visit.platform.access.sign_out, session_of(visit.request))
    response = RedirectResponse(to, 303)
    remember(response, COOKIE, signed_in.session, seconds=visit.platform.settings.session_seconds, request=visit.request)
    return response


async def leave(visit: Visit) -> Response:
    """End the session."""
    await visit.form()
    await run_in_threadpool(visit.platform.access.sign_out, session_of(visit.request))
    response = RedirectResponse(SIGN_IN, 303)
    forget(response, COOKIE)
    return response


def new_password(form: dict[str, str]) -> str:
    """The new password that was typed twice; nothing where none was.

    Raises:
        PasswordsDifferError: it was not the same.
    """
    password = form.get("new", "")
    if password != form.get("again", ""):
        raise PasswordsDifferError("The new password was not typed the same way twice. Nothing was changed.")
    return password


def _by_token(visit: Visit, form: dict[str, str]) -> SignedIn:
    token = form["token"].strip()
    signed_in = visit.platform.access.sign_in(token, password=new_password(form))
    visit.platform.discard_spent(token)
    return signed_in


def _by_password(visit: Visit, form: dict[str, str]) -> SignedIn:
    address = address_of(visit.request, trusted=visit.platform.settings.trusted_proxies)
    name, password, code = (form.get(field, "") for field in ("name", "password", "code"))
    return visit.platform.access.accounts.sign_in(name, password, code=code, address=address)


def _is_inside(visit: Visit) -> bool:
    try:
        actor_of(visit.platform, visit.request, is_enrolling=True)
    except UnauthenticatedError:
        return False
    return True
