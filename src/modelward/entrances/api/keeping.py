# SPDX-License-Identifier: Apache-2.0
"""Routes of what everything is sealed with."""

from __future__ import annotations

from modelward.access import MasterRotated, Permission
from modelward.entrances.api.endpoint import Endpoint

ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/keyring/rotate",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.rotation.rotate(by=call.actor),
        "Replace the master key, and wrap every data key anew.",
        MasterRotated,
    ),
)
