# SPDX-License-Identifier: Apache-2.0
"""The console: server-rendered pages for people. No script, no content from elsewhere, a strict content-security policy.

Each page reads the request, calls services, and shows the answer; `visit` signs in and fences off, `templates/` are the pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from modelward.entrances.console import (
    access_page,
    account_page,
    budget_page,
    captures_page,
    data_page,
    emergencies_page,
    erasing_page,
    files,
    grants_view,
    hiding_page,
    keyring_page,
    keys_page,
    people_page,
    policies_page,
    releases_page,
    runs_page,
    security_page,
    shelf_page,
    shredding_page,
    sign_in,
    tenants_page,
    terms_page,
    tracing_page,
)
from modelward.entrances.console.drawn import Drawn
from modelward.entrances.console.ledger_page import LedgerPages
from modelward.entrances.console.provider import provider_pages
from modelward.entrances.console.version_page import VersionPages
from modelward.entrances.console.visit import HOME, Page, Visit, endpoint
from modelward.errors import NotFoundError

if TYPE_CHECKING:
    from modelward.app import Platform
    from modelward.serving import Gateway

_VERSION = "/models/{model}/{number:int}"


class NoSuchPageError(NotFoundError):
    """The console has no page at that address."""


def console_routes(platform: Platform, gateway: Gateway) -> list[Route]:
    """The routes under `/console`, and the bare address, which leads there. Every one but these, the sign-in and the static files
    needs a session. Those of a sign-in provider are there where the settings name one.

    Raises:
        ProviderSettingError, InvalidRolesError, MissingExtraError: it cannot be used as the settings name it.
    """
    drawn = Drawn()
    versions, ledger = VersionPages(gateway), LedgerPages()
    compare, picture = shelf_page.comparison_pages()
    curves, version_curves = runs_page.curve_pictures()

    def route(path: str, page: Page, method: str = "GET", *, is_public: bool = False, is_enrolling: bool = False) -> Route:
        template = f"/console{path}"
        answer = endpoint(page, drawn=drawn, platform=platform, template=template, is_public=is_public, is_enrolling=is_enrolling)
        return Route(template, answer, methods=[method])

    provider = provider_pages(platform.settings)
    by_provider = [
        route("/sign-in/provider", provider.go, is_public=True),
        route("/sign-in/provider/callback", provider.come_back, is_public=True),
    ] if provider else []  # fmt: skip

    return [
        Route("/", _to_models),
        Route("/console", _to_models),
        Route("/console/", _to_models),
        route("/static/{name}", files.static, is_public=True),
        route("/sign-in", sign_in.show, is_public=True),
        route("/sign-in", sign_in.enter, "POST", is_public=True),
        *by_provider,
        route("/sign-out", sign_in.leave, "POST", is_enrolling=True),
        route("/models", shelf_page.show_all),
        route("/models/{model}", compare),
        route("/models/{model}/comparison.svg", picture),
        route(_VERSION, versions.show),
        route(_VERSION, versions.ask, "POST"),
        route(f"{_VERSION}/proposal", versions.propose, "POST"),
        route(f"{_VERSION}/report", files.report),
        route(f"{_VERSION}/files/{{path:path}}", files.document),
        route(f"{_VERSION}/curves.svg", version_curves),
        route("/data", data_page.show_all),
        route("/data/{name}", grants_view.show),
        route("/data/{name}/grants", grants_view.change, "POST"),
        route("/data/{name}/trace", tracing_page.show),
        route("/data/{name}/trace", tracing_page.trace, "POST"),
        route("/data/{name}/shred", shredding_page.show),
        route("/data/{name}/shred", shredding_page.shred, "POST"),
        route("/data/{name}/privacy", budget_page.show),
        route("/data/{name}/privacy", budget_page.change, "POST"),
        route("/data/{name}/statistics", budget_page.ask, "POST"),
        route("/data/{name}/erasure", erasing_page.erase, "POST"),
        route("/data/{name}/deidentify", hiding_page.deidentify, "POST"),
        route("/data/{name}/reidentify", hiding_page.reidentify, "POST"),
        route("/data/{name}/forget", hiding_page.forget, "POST"),
        route("/runs", runs_page.show_all),
        route("/runs/{id}", runs_page.show_one),
        route("/runs/{id}/curves/{candidate}.svg", curves),
        route("/releases", releases_page.show_all),
        route("/releases/{id}", releases_page.show_one),
        route("/releases/{id}", releases_page.decide, "POST"),
        route("/access", access_page.show),
        route("/access/people", people_page.show_all),
        route("/access/people", people_page.add, "POST"),
        route("/access/people/{name}", people_page.show_one),
        route("/access/people/{name}", people_page.change, "POST"),
        route("/access/keys", keys_page.show),
        route("/access/keys", keys_page.create, "POST"),
        route("/access/keys/{id}", keys_page.revoke, "POST"),
        route("/access/keys/{id}/rotation", keys_page.rotate, "POST"),
        route("/access/tenants", tenants_page.show_all),
        route("/access/tenants", tenants_page.add, "POST"),
        route("/access/tenants/{name}", tenants_page.show_one),
        route("/access/tenants/{name}/removal", tenants_page.remove, "POST"),
        route("/access/terms", terms_page.show),
        route("/access/terms", terms_page.change, "POST"),
        route("/access/captures", captures_page.show),
        route("/access/captures", captures_page.change, "POST"),
        route("/access/account", account_page.show, is_enrolling=True),
        route("/access/account", account_page.change, "POST", is_enrolling=True),
        route("/access/security", security_page.show),
        route("/access/keyring", keyring_page.show),
        route("/access/keyring", keyring_page.rotate, "POST"),
        route("/access/why", policies_page.why),
        route("/access/policies", policies_page.show_all),
        route("/access/policies", policies_page.put, "POST"),
        route("/access/emergencies", emergencies_page.show),
        route("/access/emergencies", emergencies_page.step, "POST"),
        route("/access/policies/{name}", policies_page.show_one),
        route("/access/policies/{name}/removal", policies_page.remove, "POST"),
        route("/ledger", ledger.show),
        route("/ledger", ledger.verify, "POST"),
        route("/ledger/checkpoint", files.checkpoint),
        route("/ledger/key", files.public_key),
        route("/receipts/{request}", files.receipt),
        route("/{path:path}", _nowhere),
    ]


async def _to_models(_request: Request) -> Response:
    return RedirectResponse(HOME, 303)


async def _nowhere(_visit: Visit) -> Response:
    raise NoSuchPageError("The console has no page at this address.")


__all__ = ["console_routes"]
