# SPDX-License-Identifier: Apache-2.0
"""The console: server-rendered pages for people. No script, no content from elsewhere, a strict content-security policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from modelward.entrances.console import model_pages, pages
from modelward.entrances.console.ledger_page import ledger
from modelward.entrances.console.pages import Page, Pages

if TYPE_CHECKING:
    from modelward.app import Platform
    from modelward.serving import Gateway


def console_routes(platform: Platform, gateway: Gateway) -> list[Route | Mount]:
    """The routes under `/console`."""
    drawn = Pages(platform)
    show, attempt = model_pages.version_pages(gateway)

    def route(path: str, page: Page, method: str = "GET", *, is_public: bool = False) -> Route:
        template = f"/console{path}"
        return Route(template, drawn.endpoint(page, is_public=is_public, template=template), methods=[method])

    return [
        Route("/console", _to_models),
        Mount("/console/static", StaticFiles(directory=Path(__file__).parent / "static")),
        route("/sign-in", pages.sign_in_page, is_public=True),
        route("/sign-in", pages.sign_in, "POST", is_public=True),
        route("/sign-out", pages.sign_out, "POST"),
        route("/models", model_pages.shelf),
        route("/models/{model}/{number}", show),
        route("/models/{model}/{number}", attempt, "POST"),
        route("/models/{model}/{number}/files/{path:path}", pages.dossier_file),
        route("/releases", pages.releases),
        route("/releases/{id}", pages.decide, "POST"),
        route("/ledger", ledger),
        route("/receipts/{request}", pages.receipt),
    ]


async def _to_models(_request: Request) -> Response:
    return RedirectResponse(pages.HOME, 303)


__all__ = ["console_routes"]
