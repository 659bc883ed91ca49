# SPDX-License-Identifier: Apache-2.0
"""The pages of models: the shelf, and one version with its report, its card, and a form to try it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.access import Permission
from modelward.entrances.console.drawing import bars_of, by_dimension, fields_of, row_of
from modelward.entrances.console.pages import Page, Visit
from modelward.errors import InvalidError, ModelwardError, PrerequisiteError
from modelward.serving import Gateway, Question

if TYPE_CHECKING:
    from modelward.assessment import Clause
    from modelward.registry import Version

_HEADLINE = "quality.roc_auc"


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """One version in the list."""

    number: int
    recipe: str
    quality: Clause | None
    size_bytes: int
    verdicts: dict[str, int]
    state: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Shelf:
    """One model in the list."""

    name: str
    rows: list[ShelfRow]


async def shelf(visit: Visit) -> Response:
    """Every model with its versions and verdicts."""
    return visit.page("models.html", section="models", shelves=await run_in_threadpool(_shelves, visit))


def version_pages(gateway: Gateway) -> tuple[Page, Page]:
    """The page of one version, and the same after its form was sent."""

    async def show(visit: Visit) -> Response:
        return await _draw(visit, {})

    async def attempt(visit: Visit) -> Response:
        form = await visit.form()
        version = await run_in_threadpool(_find, visit)
        try:
            outcome = await _ask(visit, gateway, version, form)
        except InvalidError as error:
            return await _draw(visit, form, notice=str(error))
        return await _draw(visit, form, outcome=outcome)

    return show, attempt


async def _draw(visit: Visit, form: dict[str, str], *, outcome: dict[str, Any] | None = None, notice: str = "") -> Response:
    shown = await run_in_threadpool(_read, visit, form)
    return visit.page("version.html", section="models", outcome=outcome, notice=notice, **shown)


async def _ask(visit: Visit, gateway: Gateway, version: Version, form: dict[str, str]) -> dict[str, Any]:
    """Answer and explanation of one row, through the same gateway as any caller's."""
    row = row_of(version.interface, form)
    question = Question(caller=visit.by, model=version.model, number=version.number, payload=urlencode(form).encode())
    reply = await gateway.predict(question, [row])
    answer = msgspec.json.decode(reply.payload)["predictions"][0]
    outcome = {
        "label": answer["label"],
        "probabilities": sorted(answer["probabilities"].items(), key=lambda item: -item[1]),
        "request": reply.request,
        "index": reply.entry,
        "explanation": None,
        "why_not": "",
    }
    try:
        explained = msgspec.json.decode((await gateway.explain(question, [row])).payload)["explanations"][0]
    except PrerequisiteError as missing:
        return outcome | {"why_not": str(missing)}
    return outcome | {
        "explanation": {
            "bars": bars_of({part["feature"]: part["contribution"] for part in explained["contributions"]}),
            "base": explained["base"],
            "value": explained["probability"],
            "residual": explained["residual"],
            "method": explained["method"],
        }
    }


def _find(visit: Visit) -> Version:
    model, number = visit.request.path_params["model"], visit.request.path_params["number"]
    visit.by.require(Permission.MODELS_READ, model=model)
    return visit.platform.registry.find(f"{model}:{number}", by=visit.by)


def _read(visit: Visit, form: dict[str, str]) -> dict[str, Any]:
    version = _find(visit)
    report = visit.platform.assessment.report(version.name, by=visit.by)
    files = [file.path for file in visit.platform.registry.dossier(version).files]
    state = _states(visit).get((version.model, version.number), "")
    why_not = _why_no_form(visit, version, state)
    return {
        "v": version,
        "state": state,
        "verified": visit.platform.registry.verify(version.name, by=visit.by),
        "report": report,
        "dimensions": by_dimension(report.clauses) if report else [],
        "plots": [{"path": path, "title": _title(path)} for path in files if path.endswith(".svg")],
        "card": visit.pages.prose(visit.platform.registry.read(version, "README.md").decode()),
        "can_predict": not why_not,
        "why_not": why_not,
        "fields": fields_of(version.interface, form),
    }


def _why_no_form(visit: Visit, version: Version, state: str) -> str:
    if state != "live":
        return f"{version.name} is not live, so it answers nobody. `modelward release propose {version.name}`"
    if not visit.by.may(Permission.MODELS_PREDICT, model=version.model):
        return f"Your role does not ask models: {Permission.MODELS_PREDICT.value} is needed."
    return ""


def _shelves(visit: Visit) -> list[Shelf]:
    states = _states(visit)
    found = []
    for summary in visit.platform.registry.models(by=visit.by):
        versions = visit.platform.registry.versions(summary.model, by=visit.by)
        found.append(Shelf(summary.model, [_shelf_row(visit, version, states) for version in reversed(versions)]))
    return found


def _shelf_row(visit: Visit, version: Version, states: dict[tuple[str, int], str]) -> ShelfRow:
    clauses = _clauses(visit, version)
    verdicts: dict[str, int] = {}
    for clause in clauses:
        verdicts[clause.verdict.value] = verdicts.get(clause.verdict.value, 0) + 1
    return ShelfRow(
        version.number,
        version.lineage.recipe,
        next((clause for clause in clauses if clause.id == _HEADLINE and clause.estimate is not None), None),
        version.size_bytes,
        verdicts,
        states.get((version.model, version.number), ""),
        version.created,
    )


def _clauses(visit: Visit, version: Version) -> tuple[Clause, ...]:
    try:
        report = visit.platform.assessment.report(version.name, by=visit.by)
    except ModelwardError:
        # A report that cannot be read is shown as none in the list; the version's own page says what is wrong.
        return ()
    return report.clauses if report else ()


def _states(visit: Visit) -> dict[tuple[str, int], str]:
    """The state of each version's latest release."""
    if not visit.by.may(Permission.RELEASES_READ):
        return {}
    found: dict[tuple[str, int], str] = {}
    for release in visit.platform.releases.list(by=visit.by):
        held = found.get((release.model, release.number))
        if held is None or release.state.value == "live":
            found[release.model, release.number] = release.state.value
    return found


def _title(path: str) -> str:
    stem = path.rpartition("/")[2].removesuffix(".svg").replace("_", " ").replace("-", " ")
    return stem[:1].upper() + stem[1:]
