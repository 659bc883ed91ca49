# SPDX-License-Identifier: Apache-2.0
"""Trainings: every run, and one run with its candidates, how far they are, their curves, and what failed and why.

A page of a run that goes on asks the browser to load it anew every few seconds: the console has no script. Who wants to read in
peace stops that with a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.access import Permission
from modelward.entrances.console.curves_view import drawn_curves, facts_of
from modelward.entrances.console.recent import Recent
from modelward.entrances.console.visit import Page, Visit
from modelward.errors import NotFoundError
from modelward.training import TRAINING_FILE, Curve, thinned

if TYPE_CHECKING:
    from modelward.registry import Version

RUNS_SHOWN = 100
REFRESH_SECONDS = 5
_PICTURE = "image/svg+xml"


class CurvesMissingError(NotFoundError):
    """Nothing was learnt in epochs or rounds, so there is nothing to draw."""


async def show_all(visit: Visit) -> Response:
    """The latest runs."""
    found = await run_in_threadpool(visit.platform.training.runs, by=visit.by)
    left_out = max(0, len(found) - RUNS_SHOWN)
    is_going_on = any(run.status.value == "running" for run in found[:RUNS_SHOWN])
    refresh = _refresh(visit, is_going_on=is_going_on)
    return visit.page("runs.html", section="runs", refresh=refresh, runs=found[:RUNS_SHOWN], left_out=left_out)


async def show_one(visit: Visit) -> Response:
    """One run: its candidates, their curves, what was found, and what to do."""
    return visit.page("run.html", section="runs", **await run_in_threadpool(_one, visit))


def curve_pictures() -> tuple[Page, Page]:
    """The picture of the curves of a candidate while it trains, and that of a version's."""
    recent: Recent[bytes] = Recent()

    async def of_candidate(visit: Visit) -> Response:
        return Response(await run_in_threadpool(_of_candidate, visit, recent), media_type=_PICTURE)

    async def of_version(visit: Visit) -> Response:
        return Response(await run_in_threadpool(_of_version, visit, recent), media_type=_PICTURE)

    return of_candidate, of_version


def version_curves(visit: Visit, version: Version) -> dict[str, Curve]:
    """The curves of a version's training; none of one that was made elsewhere."""
    try:
        told = msgspec.json.decode(visit.platform.registry.read(version, TRAINING_FILE), type=_Curves)
    except (msgspec.DecodeError, NotFoundError):
        return {}
    return {name: curve for name, values in told.curves.items() if (curve := thinned(values)).values}


class _Curves(msgspec.Struct):
    curves: dict[str, tuple[float, ...]] = {}


def _one(visit: Visit) -> dict[str, Any]:
    run = visit.platform.training.show(visit.path["id"], by=visit.by)
    may_see_models = visit.by.may(Permission.MODELS_READ, model=run.model)
    curves = [(each, facts_of(each.standing.curves)) for each in run.candidates]
    return {
        "run": run,
        "curves": [(each, facts) for each, facts in curves if facts],
        "refresh": _refresh(visit, is_going_on=run.status.value == "running"),
        "may_see_models": may_see_models,
        "may_train": visit.by.may(Permission.TRAINING_RUN, model=run.model),
        "may_see_data": visit.by.may(Permission.DATA_READ),
    }


def _refresh(visit: Visit, *, is_going_on: bool) -> int:
    """After how many seconds the page is loaded anew; 0 for never."""
    return REFRESH_SECONDS if is_going_on and not visit.asked("still") else 0


def _of_candidate(visit: Visit, recent: Recent[bytes]) -> bytes:
    run = visit.platform.training.show(visit.path["id"], by=visit.by)
    name = visit.path["candidate"]
    curves = next((each.standing.curves for each in run.candidates if each.name == name), {})
    return _drawn(visit, recent, f"{run.id}/{name}", curves)


def _of_version(visit: Visit, recent: Recent[bytes]) -> bytes:
    model, number = visit.path["model"], visit.path["number"]
    visit.by.require(Permission.MODELS_READ, model=model)
    version = visit.platform.registry.find(f"{model}:{number}", by=visit.by)
    return _drawn(visit, recent, version.digest, version_curves(visit, version))


def _drawn(visit: Visit, recent: Recent[bytes], whose: str, curves: Mapping[str, Curve]) -> bytes:
    if not facts_of(curves):
        raise CurvesMissingError("There are no curves to draw.")
    key = (whose, visit.language, tuple((name, curve.at[-1:], curve.values[-1:]) for name, curve in curves.items()))
    return recent.get(key, lambda: drawn_curves(curves, say=visit.words)).value
