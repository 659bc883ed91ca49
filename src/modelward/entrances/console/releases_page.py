# SPDX-License-Identifier: Apache-2.0
"""Releases: what was proposed, what the policy said with which figures, who decided, and the forms to decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, RefusedError
from modelward.releases import lacking

if TYPE_CHECKING:
    from modelward.releases import Release

SHOWN = 50
_WAITING = {"awaiting-approval", "approved", "paused"}
_PAGE = "/console/releases"


class UnknownDecisionError(InvalidError):
    """A form that says none of the decisions there are."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A release, what this visitor can do about it now, and which rules of the policy that comes with Modelward were not asked."""

    release: Release
    may_decide: bool
    is_own: bool
    may_promote: bool
    may_pause: bool
    may_roll_back: bool
    lacks: tuple[str, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.release.state.value in _WAITING


async def show_all(visit: Visit) -> Response:
    """Every release: what is live first, then what waits for somebody, then the rest, of each the newest first."""
    model = visit.asked("model")
    listed = await run_in_threadpool(visit.platform.releases.list, model=model, by=visit.by)
    found = tuple(sorted(listed, key=_urgency))
    return _draw(visit, found[:SHOWN], older=max(0, len(found) - SHOWN), model=model)


async def show_one(visit: Visit) -> Response:
    """One release."""
    release = await run_in_threadpool(visit.platform.releases.show, visit.path["id"], by=visit.by)
    return _draw(visit, (release,), one=release.id)


async def decide(visit: Visit) -> Response:
    """Approve, refuse, promote, pause or roll back; what stands against it is shown beside the release."""
    form = await visit.form()
    id = visit.path["id"]
    try:
        await run_in_threadpool(_decide, visit, form.get("decision", ""), form.get("reason", ""))
    except (ConflictError, InvalidError, RefusedError) as error:
        release = await run_in_threadpool(visit.platform.releases.show, id, by=visit.by)
        return _draw(visit, (release,), one=id, fault=error)
    return RedirectResponse(f"{_PAGE}/{id}", 303)


def _urgency(release: Release) -> int:
    state = release.state.value
    return 0 if state == "live" else 1 if state in _WAITING else 2


def _decide(visit: Visit, decision: str, reason: str) -> None:
    releases, id = visit.platform.releases, visit.path["id"]
    match decision:
        case "approve":
            releases.approve(id, reason=reason, by=visit.by)
        case "refuse":
            releases.refuse(id, reason=reason, by=visit.by)
        case "promote":
            releases.promote(id, by=visit.by)
        case "pause":
            releases.pause(id, reason=reason, by=visit.by)
        case "roll-back":
            releases.roll_back(releases.show(id, by=visit.by).model, by=visit.by)
        case _:
            raise UnknownDecisionError("The form says no decision. Reload the page and send it again.")


def _draw(
    visit: Visit, found: tuple[Release, ...], *, one: str = "", model: str = "", older: int = 0, fault: ModelwardError | None = None
) -> Response:
    return visit.page(
        "releases.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="releases",
        choices=[_choice(visit, release) for release in found],
        one=one,
        model=model,
        older=older,
        notice=str(fault) if fault else "",
    )


def _choice(visit: Visit, release: Release) -> Choice:
    state = release.state.value
    is_own = release.proposer == visit.by.id
    decides = visit.by.may(Permission.RELEASES_DECIDE, model=release.model)
    promotes = visit.by.may(Permission.RELEASES_PROMOTE, model=release.model)
    return Choice(
        release,
        may_decide=decides and state == "awaiting-approval",
        is_own=is_own,
        may_promote=promotes and state in {"approved", "paused"},
        may_pause=promotes and state == "live",
        may_roll_back=promotes and state in {"live", "paused"},
        lacks=lacking(decision.rule for decision in release.decisions),
    )
