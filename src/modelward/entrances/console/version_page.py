# SPDX-License-Identifier: Apache-2.0
"""One version: what it is, what was measured of it, a form to ask it, and a form to propose it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.assessment import headline
from modelward.entrances.console.asking import FIELDS_LIMIT, FieldError, Outcome, ask, fields_of
from modelward.entrances.console.curves_view import facts_of
from modelward.entrances.console.files import is_shown
from modelward.entrances.console.recent import Recent
from modelward.entrances.console.report_view import view_of
from modelward.entrances.console.runs_page import version_curves
from modelward.entrances.console.shapes_view import shapes_of
from modelward.entrances.console.shelf_page import states_of
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import InvalidError, ModelwardError, RefusedError, UnavailableError
from modelward.registry import CARD_FILE
from modelward.releases import PolicyText, ReleaseRefusedError
from modelward.serving import Gateway
from modelward.training import TRAINING_FILE, Finding

if TYPE_CHECKING:
    from modelward.registry import Verification, Version

_OPEN_STATES = {"awaiting-approval", "approved", "live", "paused"}


class _Training(msgspec.Struct):
    """What the page shows of a version's training."""

    findings: tuple[Finding, ...] = ()


class VersionPages:
    """The pages of one version: to look, to ask, to propose."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._verified: Recent[Verification] = Recent()

    async def show(self, visit: Visit) -> Response:
        """What it is and what was measured."""
        return await self._draw(visit, {})

    async def ask(self, visit: Visit) -> Response:
        """The same, with the answer to the form that was sent. Nothing of the form is ever in an address or a log."""
        form = await visit.form()
        version = await run_in_threadpool(_find, visit)
        try:
            outcome = await ask(self._gateway, version, form, by=visit.by)
        except (InvalidError, UnavailableError) as error:
            return await self._draw(visit, form, fault=error)
        return await self._draw(visit, form, outcome=outcome)

    async def propose(self, visit: Visit) -> Response:
        """Put it before a policy; the release's page shows what the policy said."""
        form = await visit.form()
        return RedirectResponse(await run_in_threadpool(_propose, visit, form.get("policy", "")), 303)

    async def _draw(
        self, visit: Visit, form: dict[str, str], *, outcome: Outcome | None = None, fault: ModelwardError | None = None
    ) -> Response:
        shown = await run_in_threadpool(self._read, visit, form)
        status = by_kind(fault, STATUS) if fault else 200
        bad_field = fault.feature if isinstance(fault, FieldError) else None
        notice = str(fault) if fault else ""
        return visit.page(
            "version.html", status=status, section="models", outcome=outcome, notice=notice, bad_field=bad_field, **shown
        )

    def _read(self, visit: Visit, form: dict[str, str]) -> dict[str, Any]:
        version = _find(visit)
        verified = self._verified.get(version.digest, lambda: visit.platform.registry.verify(version.name, by=visit.by))
        state = states_of(visit).get((version.model, version.number), "")
        shown = {"v": version, "state": state, "verified": verified, "why_not": _why_no_form(visit, version, state)}
        shown |= {
            "fields": fields_of(version.interface, form),
            "policies": _policies(visit, version, state),
            "has_run": _has_run(visit, version),
            "erased_rows": sum(each.gone for each in visit.platform.assessment.erasures(version)),
        }
        return shown | (_papers(visit, version) if verified.value.is_sound else _NO_PAPERS)


_NO_PAPERS: dict[str, Any] = {
    "view": None,
    "headline": None,
    "findings": (),
    "curves": (),
    "shapes": None,
    "card": "",
    "files": (),
    "is_readable": False,
}


def _papers(visit: Visit, version: Version) -> dict[str, Any]:
    """What the signed directory says. Damage since the last verification is found by these readings, and shown."""
    try:
        report = visit.platform.assessment.report(version.name, by=visit.by)
        card = visit.platform.registry.read(version, CARD_FILE).decode("utf-8", "replace")
        dossier = visit.platform.registry.dossier(version)
        found = _findings(visit, version) if TRAINING_FILE in {file.path for file in dossier.files} else ()
        curves = facts_of(version_curves(visit, version))
        shapes = shapes_of(visit, version)
    except RefusedError:
        return _NO_PAPERS
    files = [(file, is_shown(file.path)) for file in dossier.files]
    view = view_of(report) if report else None
    shown = {
        "view": view,
        "headline": headline(report, version.interface) if report else None,
        "findings": found,
        "curves": curves,
        "shapes": shapes,
        "card": visit.drawn.card(card),
        "files": files,
    }
    return shown | {"is_readable": True}


def _findings(visit: Visit, version: Version) -> tuple[Finding, ...]:
    """What training found; nothing of a version that was made elsewhere, or before training looked for it."""
    try:
        return msgspec.json.decode(visit.platform.registry.read(version, TRAINING_FILE), type=_Training).findings
    except msgspec.DecodeError:
        return ()


def _has_run(visit: Visit, version: Version) -> bool:
    """Whether the run that made it is known here, and this visitor may look at it."""
    if not version.lineage.run or not visit.by.may(Permission.TRAINING_READ, model=version.model):
        return False
    try:
        return bool(visit.platform.training.show(version.lineage.run, by=visit.by))
    except ModelwardError:
        return False


def _find(visit: Visit) -> Version:
    model, number = visit.path["model"], visit.path["number"]
    visit.by.require(Permission.MODELS_READ, model=model)
    return visit.platform.registry.find(f"{model}:{number}", by=visit.by)


def _why_no_form(visit: Visit, version: Version, state: str) -> str:
    if not visit.by.may(Permission.MODELS_PREDICT, model=version.model):
        return f"Your role does not ask models: {Permission.MODELS_PREDICT.value} is needed."
    if state != "live":
        return f"{version.name} is not live, so it answers nobody."
    if len(version.interface.features) > FIELDS_LIMIT:
        return f"{version.name} takes {len(version.interface.features)} features, too many for a form. Ask it over the API."
    return ""


def _policies(visit: Visit, version: Version, state: str) -> Sequence[PolicyText]:
    """The policies that this visitor may put the version before now."""
    if state in _OPEN_STATES or not visit.by.may(Permission.RELEASES_PROPOSE, model=version.model):
        return []
    return visit.platform.releases.policies.open_to(version.model, by=visit.by)


def _propose(visit: Visit, policy: str) -> str:
    """Where to go after a version was proposed."""
    version = _find(visit)
    try:
        release = visit.platform.releases.propose(version.name, policy=policy, by=visit.by)
    except ReleaseRefusedError:
        # The refusal is on record, with every rule's word; that is what there is to see.
        mine = (release for release in visit.platform.releases.list(model=version.model, by=visit.by))
        release = next(release for release in mine if release.number == version.number)
    return f"/console/releases/{release.id}"
