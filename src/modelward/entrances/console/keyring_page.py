# SPDX-License-Identifier: Apache-2.0
"""The page of the keyring: what guards it, which master key wraps, and another one in its place once it was told what that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, ModelwardError, RefusedError, UnavailableError

if TYPE_CHECKING:
    from modelward.access import MasterRotated


async def show(visit: Visit) -> Response:
    """How the keyring stands, and what another master key does."""
    return await _draw(visit)


async def rotate(visit: Visit) -> Response:
    """Replace the master key; what stands against it is shown above."""
    await visit.form()
    try:
        made = await run_in_threadpool(visit.platform.rotation.rotate, by=visit.by)
    except (ConflictError, RefusedError, UnavailableError) as error:
        return await _draw(visit, fault=error)
    return await _draw(visit, made=made)


def _shown(visit: Visit) -> dict[str, Any]:
    platform = visit.platform
    guard = platform.custody.guard(by=visit.by)
    current, masters = platform.keyring.current, platform.keyring.masters
    with platform.database.look() as connection:
        sealed = len(platform.sealed_objects(connection))
    before = [name for name in masters if name != current]
    return {"guard": guard, "path": str(platform.keyring.path), "master": current, "before": before, "sealed": sealed}


async def _draw(visit: Visit, *, made: MasterRotated | None = None, fault: ModelwardError | None = None) -> Response:
    return visit.page(
        "keyring.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="security",
        **await run_in_threadpool(_shown, visit),
        made=made,
        notice=str(fault) if fault else "",
    )
