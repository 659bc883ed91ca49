# SPDX-License-Identifier: Apache-2.0
"""The route that looks for weak points."""

from __future__ import annotations

from modelward.access import Permission
from modelward.app import SecurityCheck
from modelward.entrances.api.endpoint import Endpoint

ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/security",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.security.look(by=call.actor),
        "Look the installation over for weak points; they come first.",
        list[SecurityCheck],
    ),
)
