# SPDX-License-Identifier: Apache-2.0
"""The console's pages: each reads the request, calls services, and shows the answer. It works without JavaScript."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from modelward import __version__
from modelward.access import Actor, Permission
from modelward.entrances.console import drawing
from modelward.entrances.console.session import (
    COOKIE,
    DOCUMENT_POLICY,
    HEADERS,
    LANGUAGE_COOKIE,
    check_form,
    csrf,
    read_form,
    remember,
    visitor,
)
from modelward.entrances.console.words import choose_language, translator
from modelward.errors import (
    InvalidError,
    ModelwardError,
    NotFoundError,
    PrerequisiteError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from modelward.app import Platform

Page = Callable[["Visit"], Awaitable[Response]]
SIGN_IN = "/console/sign-in"
HOME = "/console/models"
_FACES: dict[type[ModelwardError], tuple[int, str]] = {
    InvalidError: (400, "Something is wrong with the request"),
    UnauthenticatedError: (401, "Sign in"),
    RefusedError: (403, "Not allowed"),
    NotFoundError: (404, "Not found"),
    UnavailableError: (503, "Not now"),
    PrerequisiteError: (503, "Not now"),
}
_CONTENT_TYPES = {
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
}


class Pages:
    """Draws templates; one for all visits."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"figure": drawing.figure, "size": drawing.size, "when": drawing.when, "fact": drawing.fact}
        # Raw HTML in a model card stays text.
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    def draw(self, name: str, **shown: Any) -> str:
        """The template called `name`, filled."""
        return self._templates.get_template(name).render(version=__version__, **shown)

    def prose(self, text: str) -> Markup:
        """Markdown as safe HTML; links and pictures that would load something are left out."""
        _, _, body = text.partition("\n---\n") if text.startswith("---\n") else ("", "", text)
        return Markup(self._markdown.render(body))  # noqa: S704  # the renderer escapes what it is given

    def endpoint(self, page: Page, *, is_public: bool = False, template: str) -> Callable[[Request], Awaitable[Response]]:
        """A Starlette endpoint that signs in, draws the page, and fences it in with headers."""

        async def answer(request: Request) -> Response:
            request.state.template = template
            visit = Visit(self, request)
            try:
                if not is_public:
                    await visit.enter()
                response = await page(visit)
            except UnauthenticatedError as error:
                response = visit.page("sign-in.html", status=401, token="", notice="" if request.method == "GET" else str(error))
            except ModelwardError as error:
                response = visit.failure(error)
            visit.keep_language(response)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return answer


class Visit:
    """One request to the console."""

    def __init__(self, pages: Pages, request: Request) -> None:
        self.pages = pages
        self.platform = pages.platform
        self.request = request
        self.actor: Actor | None = None
        chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        self.language = choose_language(chosen, request.headers.get("accept-language", ""))

    @property
    def by(self) -> Actor:
        """Who is signed in; `enter` found out."""
        assert self.actor is not None
        return self.actor

    async def enter(self) -> None:
        """Find out who it is.

        Raises:
            UnauthenticatedError: nobody is signed in.
        """
        self.actor = await run_in_threadpool(visitor, self.platform, self.request)

    async def form(self) -> dict[str, str]:
        """The form that was sent, if this session's pages made it."""
        form = await read_form(self.request)
        check_form(self.platform, self.request, form)
        return form

    def page(self, name: str, *, status: int = 200, section: str = "", **shown: Any) -> Response:
        """A page in the visitor's language."""
        text = self.pages.draw(
            name,
            t=translator(self.language),
            lang=self.language,
            actor=self.actor,
            csrf=csrf(self.platform, self.request) if self.actor else "",
            section=section,
            **shown,
        )
        return HTMLResponse(text, status)

    def failure(self, error: ModelwardError) -> Response:
        """The page that tells of a failure."""
        status, title = next((_FACES[kind] for kind in type(error).__mro__ if kind in _FACES), (500, "Something went wrong"))
        return self.page("failure.html", status=status, title=title, message=str(error))

    def keep_language(self, response: Response) -> None:
        """Remember a language that was chosen."""
        if self.request.query_params.get("lang") == self.language:
            remember(response, LANGUAGE_COOKIE, self.language, seconds=365 * 86_400, request=self.request)


async def sign_in_page(visit: Visit) -> Response:
    """The form; following a link does not use its token up."""
    return visit.page("sign-in.html", token=visit.request.query_params.get("token", "")[:200], notice="")


async def sign_in(visit: Visit) -> Response:
    """Exchange the one-time token for a session."""
    form = await read_form(visit.request)
    signed_in = await run_in_threadpool(visit.platform.access.sign_in, form.get("token", "").strip())
    response = RedirectResponse(HOME, 303)
    remember(response, COOKIE, signed_in.session, seconds=visit.platform.settings.session_seconds, request=visit.request)
    return response


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    await visit.form()
    await run_in_threadpool(visit.platform.access.sign_out, visit.request.cookies[COOKIE])
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, path="/console")
    return response


async def releases(visit: Visit) -> Response:
    """Every release with its decisions."""
    found = await run_in_threadpool(visit.platform.releases.list, by=visit.by)
    may_decide = visit.by.may(Permission.RELEASES_DECIDE)
    return visit.page("releases.html", section="releases", releases=found, may_decide=may_decide, notice="")


async def decide(visit: Visit) -> Response:
    """Approve or refuse."""
    form = await visit.form()
    services = visit.platform.releases
    verb = services.approve if form.get("decision") == "approve" else services.refuse
    await run_in_threadpool(verb, visit.request.path_params["id"], reason=form.get("reason", ""), by=visit.by)
    return RedirectResponse("/console/releases", 303)


async def receipt(visit: Visit) -> Response:
    """The receipt of one answer, to keep."""
    request = visit.request.path_params["request"]
    text = await run_in_threadpool(visit.platform.auditing.receipt, request, by=visit.by)
    return PlainTextResponse(text, headers={"content-disposition": f'attachment; filename="{request}.tlog-proof"'})


async def dossier_file(visit: Visit) -> Response:
    """One file of a version's signed directory, as it was signed."""
    model, number, path = (visit.request.path_params[name] for name in ("model", "number", "path"))
    visit.by.require(Permission.MODELS_READ, model=model)
    version = await run_in_threadpool(visit.platform.registry.find, f"{model}:{number}", by=visit.by)
    content = await run_in_threadpool(visit.platform.registry.read, version, path)
    kind = _CONTENT_TYPES.get(Path(path).suffix)
    headers = {"content-security-policy": DOCUMENT_POLICY} if kind else {"content-disposition": "attachment"}
    return Response(content, headers=headers, media_type=kind or "application/octet-stream")
