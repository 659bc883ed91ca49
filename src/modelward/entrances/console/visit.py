# SPDX-License-Identifier: Apache-2.0
"""A visit to the console: one request, who makes it, in which language, and the page it gets."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from modelward.access import Actor, Permission, SecondFactorDueError
from modelward.entrances.console.drawn import Drawn
from modelward.entrances.console.provider.configuration import provider_title
from modelward.entrances.console.session import (
    HEADERS,
    LANGUAGE_COOKIE,
    VISITOR_COOKIE,
    actor_of,
    check_form,
    read_form,
    remember,
    session_of,
)
from modelward.entrances.console.words import Translator, choose_language
from modelward.entrances.faults import STATUS, by_kind, message_of
from modelward.errors import (
    ConflictError,
    InvalidError,
    LimitedError,
    ModelwardError,
    NotFoundError,
    PrerequisiteError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from modelward.app import Platform

Page = Callable[["Visit"], Awaitable[Response]]

HOME = "/console/models"
SIGN_IN = "/console/sign-in"
ACCOUNT = "/console/access/account"
TITLES: dict[type[ModelwardError], str] = {
    InvalidError: "This cannot be used as it is",
    TooLargeError: "Too large",
    UnauthenticatedError: "Sign in",
    RefusedError: "Refused",
    NotFoundError: "Not found",
    ConflictError: "Not possible as things stand",
    UnavailableError: "Not now",
    LimitedError: "Not now",
    PrerequisiteError: "Something is missing",
    ModelwardError: "Something went wrong",
}
_SECTIONS: tuple[tuple[str, str, Permission | None], ...] = (
    ("data", "Data", Permission.DATA_READ),
    ("runs", "Runs", Permission.TRAINING_READ),
    ("models", "Models", Permission.MODELS_READ),
    ("releases", "Releases", Permission.RELEASES_READ),
    ("ledger", "Ledger", Permission.AUDIT_READ),
    ("access", "Access", None),
)
# The pages of access: the place below `/console/access`, the word on its tab, and what it takes to see it.
ACCESS_TABS: tuple[tuple[str, str, Permission | None], ...] = (
    ("", "Roles", None),
    ("people", "People", Permission.USERS_MANAGE),
    ("keys", "Keys", Permission.KEYS_MANAGE),
    ("tenants", "Tenants", Permission.TENANTS_MANAGE),
    ("terms", "Terms", None),
    ("captures", "Captures", None),
    ("policies", "Policies", Permission.POLICIES_MANAGE),
    ("why", "Why", None),
    ("account", "My account", None),
    ("security", "Security", Permission.KEYS_MANAGE),
    ("emergencies", "Break-glass", None),
)
_YEAR_SECONDS = 365 * 86_400
_VISITOR_SECONDS = 86_400


def endpoint(
    page: Page, *, drawn: Drawn, platform: Platform, template: str, is_public: bool = False, is_enrolling: bool = False
) -> Callable[..., Any]:
    """A Starlette endpoint that signs in, draws the page, and fences it in with headers. One that `is_enrolling` is open to who
    lacks the second factor that their role asks for.
    """

    async def answer(request: Request) -> Response:
        request.state.template = template
        visit = Visit(drawn, platform, request)
        try:
            if not is_public:
                await visit.enter(is_enrolling=is_enrolling)
            response = await page(visit)
        except SecondFactorDueError:
            response = RedirectResponse(f"{ACCOUNT}?due=1", 303)
        except UnauthenticatedError as error:
            response = visit.refuse_entry(error)
        except Exception as error:  # noqa: BLE001  # the door turns every fault into a page
            request.state.fault = error
            response = visit.failure(error)
        return visit.fence(response)

    return answer


class Visit:
    """One request to the console."""

    def __init__(self, drawn: Drawn, platform: Platform, request: Request) -> None:
        self.drawn = drawn
        self.platform = platform
        self.request = request
        self.actor: Actor | None = None
        chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        self.language = choose_language(chosen, request.headers.get("accept-language", ""))
        self.words = Translator(self.language)
        # Where the link to the other language leads, where this address is good for once.
        self.other_page = ""
        self._stranger = request.cookies.get(VISITOR_COOKIE, "")

    @property
    def by(self) -> Actor:
        """Who is signed in; `enter` found out."""
        assert self.actor is not None
        return self.actor

    @property
    def path(self) -> dict[str, str]:
        """What the route took from the path."""
        return dict(self.request.path_params)

    def asked(self, name: str, *, limit: int = 200) -> str:
        """A field of the query, cut to what can be meant."""
        return self.request.query_params.get(name, "")[:limit]

    async def enter(self, *, is_enrolling: bool = False) -> None:
        """Find out who it is.

        Raises:
            UnauthenticatedError: nobody is signed in. SecondFactorDueError: they must set one up first.
        """
        self.actor = await run_in_threadpool(actor_of, self.platform, self.request, is_enrolling=is_enrolling)

    async def form(self) -> dict[str, str]:
        """The form that was sent, if a page of this very browser session made it.

        Raises:
            ForgedFormError: none did. FormError, FormTooLargeError: it cannot be read.
        """
        form = await read_form(self.request)
        check_form(form, token=self.csrf)
        return form

    @property
    def csrf(self) -> str:
        """The token in this visitor's forms. It is bound to the session, or before there is one to a cookie of its own."""
        if self.actor:
            return self.platform.access.csrf_of(session_of(self.request))
        if not self._stranger:
            self._stranger = secrets.token_urlsafe(24)
        return self.platform.access.csrf_of(f"visitor:{self._stranger}")

    def page(self, name: str, *, status: int = 200, section: str = "", **shown: Any) -> Response:
        """A page in the visitor's language."""
        text = self.drawn.draw(
            name,
            t=self.words,
            lang=self.language,
            other_language=self._in("en" if self.language == "zh" else "zh"),
            actor=self.actor,
            provider=provider_title(self.platform.settings),
            csrf=self.csrf,
            status=status,
            section=section,
            sections=self._open_to(_SECTIONS),
            tabs=self._open_to(ACCESS_TABS),
            **shown,
        )
        return HTMLResponse(text, status)

    def failure(self, error: BaseException) -> Response:
        """The page that tells of a failure."""
        status, title = by_kind(error, STATUS), by_kind(error, TITLES)
        return self.page("failure.html", status=status, title=title, message=message_of(error))

    def refuse_entry(self, error: UnauthenticatedError) -> Response:
        """The form to sign in with, in place of what was asked for."""
        notice = str(error) if self.request.method == "POST" or session_of(self.request) else ""
        return self.page("sign-in.html", status=401, token="", notice=notice)

    def fence(self, response: Response) -> Response:
        """The response with the headers that every answer of the console has, and the cookies that are due."""
        if self.request.query_params.get("lang") == self.language:
            remember(response, LANGUAGE_COOKIE, self.language, seconds=_YEAR_SECONDS, request=self.request)
        if self._stranger and self._stranger != self.request.cookies.get(VISITOR_COOKIE):
            remember(response, VISITOR_COOKIE, self._stranger, seconds=_VISITOR_SECONDS, request=self.request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _open_to(self, places: tuple[tuple[str, str, Permission | None], ...]) -> list[tuple[str, str]]:
        """Those places that who is signed in may see."""
        actor = self.actor
        return [(place, word) for place, word, needed in places if actor and (needed is None or actor.may(needed))]

    def _in(self, language: str) -> str:
        """The address of this page in another language; everything else that was asked for stays."""
        asked = [] if self.other_page else self.request.query_params.multi_items()
        kept = [(name, value) for name, value in asked if name != "lang"]
        return f"{self.other_page}?{urlencode([*kept, ('lang', language)])}"
