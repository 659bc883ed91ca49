# SPDX-License-Identifier: Apache-2.0
"""The page of the installation's weak points."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.entrances.console.visit import Visit


async def show(visit: Visit) -> Response:
    """Each weak point with why it matters and what to do, then what is well."""
    checks = await run_in_threadpool(lambda: visit.platform.security.look(by=visit.by))
    weak = [check for check in checks if check.is_weak]
    well = [check for check in checks if not check.is_weak]
    return visit.page("security.html", section="access", tab="security", weak=weak, well=well)
