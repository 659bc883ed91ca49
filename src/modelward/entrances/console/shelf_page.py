# SPDX-License-Identifier: Apache-2.0
"""The shelf: every model with its versions, and one model with its versions held against each other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.access import Permission
from modelward.assessment import Comparison, IncomparableError, Objective, TrustReport, VersionErased, headline
from modelward.entrances.console.grants_view import granted_to
from modelward.entrances.console.recent import Recent
from modelward.entrances.console.visit import Page, Visit
from modelward.errors import ModelwardError, NotFoundError, RefusedError

if TYPE_CHECKING:
    from modelward.assessment import Clause
    from modelward.registry import ModelSummary, Version

VERSIONS_SHOWN = 100
NEWEST_SHOWN = 8
"""How many versions of each model the list of all models shows, beside the live one; each is compared with its signature."""
COMPARED_LIMIT = 30
_LATENCY = "latency.p50_ms"
_SIZE = "size.model_bytes"


class NoSuchModelError(NotFoundError):
    """There is no such model, or none that this visitor may see."""


class NothingToCompareError(NotFoundError):
    """Fewer than two versions were assessed."""


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """One version in the list. `fault` says why it cannot be trusted, and is empty where it can."""

    name: str
    number: int
    recipe: str = ""
    quality: Clause | None = None
    latency_ms: float | None = None
    size_bytes: float = 0.0
    verdicts: dict[str, int] | None = None
    state: str = ""
    created: datetime | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One model in the list."""

    summary: ModelSummary
    rows: list[ShelfRow]

    @property
    def left_out(self) -> int:
        """How many versions are not in the list."""
        return self.summary.latest - len(self.rows)

    @property
    def measure(self) -> str:
        """What the quality of its versions is called: that of the newest which was measured."""
        return next((row.quality.title for row in self.rows if row.quality), "ROC AUC")


async def show_all(visit: Visit) -> Response:
    """Every model with its versions and verdicts."""
    return visit.page("models.html", section="models", shelves=await run_in_threadpool(_shelves, visit))


def comparison_pages() -> tuple[Page, Page]:
    """One model with its versions held against each other, and the picture of it."""
    recent: Recent[Comparison] = Recent()

    async def show_one(visit: Visit) -> Response:
        shown = await run_in_threadpool(_one, visit, recent)
        return visit.page("model.html", section="models", **shown)

    async def picture(visit: Visit) -> Response:
        comparison = await run_in_threadpool(_compared, visit, recent)
        return Response(comparison.plot.encode(), media_type="image/svg+xml")

    return show_one, picture


def states_of(visit: Visit) -> dict[tuple[str, int], str]:
    """The state of each version's latest release; that it is live or paused outweighs what was decided later."""
    if not visit.by.may(Permission.RELEASES_READ):
        return dict.fromkeys(_live(visit), "live")
    found: dict[tuple[str, int], str] = {}
    for release in visit.platform.releases.list(by=visit.by):
        if release.state.value in {"live", "paused"} or (release.model, release.number) not in found:
            found[release.model, release.number] = release.state.value
    return found


def _live(visit: Visit) -> list[tuple[str, int]]:
    """Which versions answer: whoever may ask a model may know that it does."""
    live = visit.platform.releases.live().values()
    return [(release.model, release.number) for release in live if visit.by.may(Permission.MODELS_PREDICT, model=release.model)]


def _shelves(visit: Visit) -> list[Shelf]:
    states = states_of(visit)
    return [_shelf(visit, summary, states, limit=NEWEST_SHOWN) for summary in visit.platform.registry.models(by=visit.by)]


def _shelf(visit: Visit, summary: ModelSummary, states: dict[tuple[str, int], str], *, limit: int) -> Shelf:
    """The newest versions, and the live one however old it is."""
    shown = set(range(summary.latest, max(0, summary.latest - limit), -1))
    shown |= {number for (model, number), state in states.items() if model == summary.model and state == "live"}
    return Shelf(summary, [_row(visit, summary.model, number, states) for number in sorted(shown, reverse=True)])


def _row(visit: Visit, model: str, number: int, states: dict[tuple[str, int], str]) -> ShelfRow:
    name = f"{model}:{number}"
    try:
        version = visit.platform.registry.find(name, by=visit.by)
    except (RefusedError, NotFoundError) as fault:
        # One version that was tampered with hides no other.
        return ShelfRow(name, number, fault=str(fault))
    report = report_of(visit, version)
    return ShelfRow(
        name,
        number,
        recipe=version.lineage.recipe,
        quality=headline(report, version.interface) if report else None,
        latency_ms=_estimate(report, _LATENCY),
        size_bytes=_estimate(report, _SIZE) or version.size_bytes,
        verdicts=report.verdicts if report else None,
        state=states.get((model, number), ""),
        created=version.created,
    )


def report_of(visit: Visit, version: Version) -> TrustReport | None:
    """The report of a version; none, too, where it cannot be read: the version's own page says what is wrong."""
    try:
        return visit.platform.assessment.report(version.name, by=visit.by)
    except ModelwardError:
        return None


def _estimate(report: TrustReport | None, clause_id: str) -> float | None:
    clause = report.clause(clause_id) if report else None
    return clause.estimate if clause else None


def _one(visit: Visit, recent: Recent[Comparison]) -> dict[str, Any]:
    model = visit.path["model"]
    visit.by.require(Permission.MODELS_READ, model=model)
    summary = next((known for known in visit.platform.registry.models(by=visit.by) if known.model == model), None)
    if summary is None:
        raise NoSuchModelError(f"No model is called {model[:80]!r}. The list of models shows those there are.")
    why_not, comparison = "", None
    try:
        comparison = _compared(visit, recent)
    except (IncomparableError, NothingToCompareError, RefusedError) as error:
        why_not = str(error)
    shelf = _shelf(visit, summary, states_of(visit), limit=VERSIONS_SHOWN)
    erased: tuple[VersionErased, ...] = ()
    # A version that was tampered with is said to be so on its own page, and hides no other.
    with suppress(RefusedError):
        erased = visit.platform.assessment.erased_versions(model, by=visit.by)
    return {"shelf": shelf, "comparison": comparison, "why_not": why_not, "grants": granted_to(visit, model), "erased": erased}


def _compared(visit: Visit, recent: Recent[Comparison]) -> Comparison:
    """The comparison of the versions that have a report. Looking never assesses anything."""
    model = visit.path["model"]
    visit.by.require(Permission.MODELS_ASSESS, model=model)
    versions = visit.platform.registry.versions(model, by=visit.by)[-COMPARED_LIMIT:]
    reports = [report for version in versions if (report := report_of(visit, version)) and headline(report, version.interface)]
    if len(reports) < 2:
        raise NothingToCompareError(f"Fewer than two versions of {model} were assessed. Run `modelward assess {model}:1`.")
    key = tuple((report.name, report.digest, report.created) for report in reports)
    names = [report.name for report in reports]
    return recent.get(key, lambda: visit.platform.assessment.compare(names, objective=Objective(), by=visit.by)).value
