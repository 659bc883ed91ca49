# SPDX-License-Identifier: Apache-2.0
"""The pages of the site's policies, and of why somebody may do something."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.entrances.console.session import FormError
from modelward.entrances.console.visit import Visit
from modelward.errors import ModelwardError

_PLACE = "/console/access/policies"
_NEW = """\
@id("no-exports-but-for-audits")
forbid (
  principal in Role::"operator",
  action == Action::"models:export",
  resource
) when { context.purpose != "audit" };
"""


async def show_all(visit: Visit) -> Response:
    """Every policy file in force, and a form for a new one."""
    found = await run_in_threadpool(lambda: visit.platform.access.policies.list(by=visit.by))
    return visit.page("policies.html", section="access", tab="policies", files=found, text=_NEW, file_name="", fault="")


async def show_one(visit: Visit) -> Response:
    """One file: its text, to read and to change."""
    name = visit.path["name"]
    found = await run_in_threadpool(lambda: visit.platform.access.policies.show(name, by=visit.by))
    return visit.page("policy.html", section="access", tab="policies", file=found, text=found.text, fault="")


async def put(visit: Visit) -> Response:
    """Put a text in force; where it cannot be, the form with what is wrong, and with the text that was sent."""
    form = await visit.form()
    name, text, revision = form.get("name", "").strip(), form.get("text", "").replace("\r\n", "\n"), form.get("revision", "0")
    if not revision.isdecimal() or len(revision) > 9:
        raise FormError("The form's revision is no number. Open the page again.")
    try:
        await run_in_threadpool(
            lambda: visit.platform.access.policies.put(name, text, revision=int(revision), by=visit.by),
        )
    except ModelwardError as error:
        return await _again(visit, name, text, error)
    return RedirectResponse(f"{_PLACE}/{name}", 303)


async def remove(visit: Visit) -> Response:
    """Take a file out of force."""
    form = await visit.form()
    revision = form.get("revision", "")
    await run_in_threadpool(
        lambda: visit.platform.access.policies.remove(
            visit.path["name"], revision=int(revision) if revision.isdecimal() and len(revision) < 10 else None, by=visit.by
        )
    )
    return RedirectResponse(_PLACE, 303)


async def why(visit: Visit) -> Response:
    """Why somebody may do something: of oneself everybody may ask it."""
    who, action, what, address = (visit.asked(name) for name in ("who", "action", "what", "address"))
    has_certificate = visit.asked("certificate") == "yes"
    shown: dict[str, Any] = {"explanation": None, "fault": ""}
    if action:
        try:
            shown["explanation"] = await run_in_threadpool(
                lambda: visit.platform.access.explain(
                    who or visit.by.id, action, what, address=address, has_certificate=has_certificate, by=visit.by
                )
            )
        except ModelwardError as error:
            shown["fault"] = str(error)
    shown |= {"who": who or visit.by.id, "action": action, "what": what, "address": address, "has_certificate": has_certificate}
    shown["permissions"] = list(Permission)
    return visit.page("why.html", section="access", tab="why", **shown)


async def _again(visit: Visit, name: str, text: str, error: ModelwardError) -> Response:
    found = await run_in_threadpool(lambda: visit.platform.access.policies.list(by=visit.by))
    # What the sender's text was made from is not told again: who sends it after a conflict has seen the text in force.
    return visit.page(
        "policies.html", status=422, section="access", tab="policies", files=found, text=text, file_name=name, fault=str(error)
    )
