# SPDX-License-Identifier: Apache-2.0
"""Who looks at the console: a session cookie, a token in each form, and the headers that fence the pages in."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from modelward.entrances.origins import address_behind, origin_within
from modelward.errors import InvalidError, RefusedError, TooLargeError

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.app import Platform

COOKIE = "modelward_session"
VISITOR_COOKIE = "modelward_visitor"
LANGUAGE_COOKIE = "modelward_language"
COOKIE_PATH = "/console"
FILES_LIMIT_BYTES = 12 << 20
FORM_LIMIT_BYTES = 1 << 20
FIELDS_LIMIT = 5000

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
# A signed file is shown as a page of its own, which carries its styles and pictures inside. The sandbox gives it an origin of
# its own, so that even a file with a script in it could neither run it nor reach the session.
DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
)


class ForgedFormError(RefusedError):
    """A form that this session's pages did not make."""


class FormError(InvalidError):
    """A form that cannot be read."""


class FormTooLargeError(TooLargeError):
    """A form over its limit."""


def session_of(request: Request) -> str:
    """The session's secret that a request carries; empty where it carries none."""
    return request.cookies.get(COOKIE, "")


def actor_of(platform: Platform, request: Request, *, is_enrolling: bool = False) -> Actor:
    """Who is signed in. Who `is_enrolling` may lack the second factor that their role asks for.

    Raises:
        UnauthenticatedError: nobody is. SecondFactorDueError: they must set one up first.
    """
    actor = platform.access.actor_of_session(session_of(request), is_enrolling=is_enrolling)
    return actor.at(origin_within(request.scope, settings=platform.settings))


def address_of(request: Request, *, trusted: str) -> str:
    """Where the request comes from: who connects; where that is one of the `trusted` proxies, whoever it says connected to it."""
    return address_behind(request.client.host if request.client else "", request.scope["headers"], trusted=trusted)


def is_by_tls(request: Request) -> bool:
    """Whether the page came by TLS, to this server or to a proxy before it."""
    # Believing this header costs nothing: whoever forges it gets a cookie that is guarded more closely.
    return request.headers.get("x-forwarded-proto", "").partition(",")[0].strip() == "https" or request.url.scheme == "https"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a URL-encoded form; or of one with files, each of which comes in base64.

    Raises:
        FormError, FormTooLargeError: it is another kind of body, or too large.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _read_files(request)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise FormError("The form came in another encoding than the page's own. Reload the page and send it again.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT_BYTES:
            raise FormTooLargeError(f"The form is larger than {FORM_LIMIT_BYTES} bytes. Send less, or use the API.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FIELDS_LIMIT))
    except ValueError:
        # What went wrong is not told onward: its message may hold what somebody typed.
        raise FormError("The form cannot be read. Reload the page and send it again.") from None


async def _read_files(request: Request) -> dict[str, str]:
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise FormError("The form does not say how long it is. Reload the page and send it again.")
    if int(length) > FILES_LIMIT_BYTES:
        raise FormTooLargeError(f"The form is larger than {FILES_LIMIT_BYTES} bytes. Send a smaller file, or use the API.")
    try:
        async with request.form(max_files=FIELDS_LIMIT, max_fields=FIELDS_LIMIT, max_part_size=FORM_LIMIT_BYTES) as form:
            return {name: await _field(value) for name, value in form.items()}
    except (HTTPException, FormParserError, ClientDisconnect):
        raise FormError("The form cannot be read. Reload the page and send it again.") from None


async def _field(value: UploadFile | str) -> str:
    return value if isinstance(value, str) else b64encode(await value.read()).decode()


def check_form(form: dict[str, str], *, token: str) -> None:
    """Refuse a form that does not carry `token`.

    Raises:
        ForgedFormError: it carries another, or none.
    """
    if not hmac.compare_digest(form.get("csrf", "").encode(), token.encode()):
        raise ForgedFormError("This form was not made by your session. Reload the page and send it again.")


def remember(
    response: Response,
    name: str,
    value: str,
    *,
    seconds: int,
    request: Request,
    path: str = COOKIE_PATH,
    samesite: Literal["lax", "strict"] = "strict",
) -> None:
    """Set a cookie that scripts and other sites cannot use, and that leaves by TLS alone where the page came by TLS. One that is
    `lax` comes along, too, where a link at another site leads here.
    """
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        httponly=True,
        samesite=samesite,
        secure=is_by_tls(request),
    )


def forget(response: Response, name: str, *, path: str = COOKIE_PATH, samesite: Literal["lax", "strict"] = "strict") -> None:
    """Take a cookie back."""
    response.delete_cookie(name, path=path, httponly=True, samesite=samesite)
