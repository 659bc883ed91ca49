# SPDX-License-Identifier: Apache-2.0
"""Who looks at the console: a session cookie, a token in each form, and the headers that fence the pages in."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from modelward.errors import InvalidError, RefusedError, TooLargeError

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.app import Platform

COOKIE = "modelward_session"
LANGUAGE_COOKIE = "modelward_language"
FORM_LIMIT_BYTES = 1 << 20
FIELDS_LIMIT = 5000

# Plots are drawn with style attributes inside of their own image documents, which these rules do not reach.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
# A report is a page of its own that carries its styles and pictures inside.
DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox"


class ForgedFormError(RefusedError):
    """A form that this session's pages did not make."""


class FormError(InvalidError):
    """A form that cannot be read."""


class FormTooLargeError(TooLargeError):
    """A form over its limit."""


def visitor(platform: Platform, request: Request) -> Actor:
    """Who is signed in.

    Raises:
        UnauthenticatedError: nobody is.
    """
    return platform.access.actor_of_session(request.cookies.get(COOKIE, ""))


def csrf(platform: Platform, request: Request) -> str:
    """The token that this session's forms carry."""
    return platform.access.csrf_of(request.cookies.get(COOKIE, ""))


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an URL-encoded form.

    Raises:
        FormError, FormTooLargeError: it is another kind of body, or too large.
    """
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise FormError("The form came in another encoding than the page's own. Reload the page and send it again.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT_BYTES:
            raise FormTooLargeError(f"The form is larger than {FORM_LIMIT_BYTES} bytes.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FIELDS_LIMIT))
    except ValueError:
        raise FormError("The form cannot be read. Reload the page and send it again.") from None


def check_form(platform: Platform, request: Request, form: dict[str, str]) -> None:
    """Refuse a form whose token is not this session's.

    Raises:
        ForgedFormError: it is another, or missing.
    """
    if not hmac.compare_digest(form.get("csrf", "").encode(), csrf(platform, request).encode()):
        raise ForgedFormError("This form was not made by your session. Reload the page and send it again.")


def remember(response: Response, name: str, value: str, *, seconds: int, request: Request) -> None:
    """Set a cookie that scripts and other sites cannot use."""
    response.set_cookie(
        name, value, max_age=seconds, path="/console", httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
