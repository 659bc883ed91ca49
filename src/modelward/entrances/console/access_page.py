# SPDX-License-Identifier: Apache-2.0
"""The first page of access: what each role may do, and who is looking."""

from __future__ import annotations

from starlette.responses import Response

from modelward.access import PERMISSIONS_OF, Permission, Role
from modelward.entrances.console.visit import Visit


async def show(visit: Visit) -> Response:
    """Every role with what it is for, and every permission with the roles that have it."""
    held = [(permission, [role for role in Role if permission in PERMISSIONS_OF[role]]) for permission in Permission]
    return visit.page("access.html", section="access", tab="", roles=list(Role), held=held)
