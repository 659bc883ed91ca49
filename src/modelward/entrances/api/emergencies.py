# SPDX-License-Identifier: Apache-2.0
"""Routes of access in emergencies."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from modelward.access import Emergency, Permission
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Open

_ALL = "/api/v1/access/emergencies"
_LEAST, _MOST = 10, 500
Why = Annotated[str, Meta(extra_json_schema={"minLength": _LEAST, "maxLength": _MOST})]


class NewEmergency(msgspec.Struct, forbid_unknown_fields=True):
    """A permission or a role to have for some minutes, and why."""

    what: Annotated[str, Meta(extra_json_schema={"maxLength": 80})]
    minutes: Annotated[int, Meta(ge=1, le=1440)]
    reason: Why


class Refusal(msgspec.Struct, forbid_unknown_fields=True):
    """Why it is refused."""

    reason: Why


def _ask(call: Call) -> Emergency:
    new: NewEmergency = call.body
    return call.platform.access.emergencies.ask(new.what, minutes=new.minutes, reason=new.reason, by=call.actor)


def _refuse(call: Call) -> Emergency:
    return call.platform.access.emergencies.refuse(call.path["id"], reason=call.body.reason, by=call.actor)


ENDPOINTS = (
    Endpoint(
        "GET",
        _ALL,
        Open.ANYBODY_KNOWN,
        lambda call: call.platform.access.emergencies.list(by=call.actor),
        "List access asked for in emergencies, newest first: one's own, or all for who may decide.",
        list[Emergency],
    ),
    Endpoint(
        "POST",
        _ALL,
        Open.ANYBODY_KNOWN,
        _ask,
        "Ask for access in an emergency; people do.",
        Emergency,
        takes=NewEmergency,
        status=201,
    ),
    Endpoint(
        "POST",
        f"{_ALL}/{{id}}/approve",
        Permission.EMERGENCIES_DECIDE,
        lambda call: call.platform.access.emergencies.approve(call.path["id"], by=call.actor),
        "Approve access that somebody else asked for; people do.",
        Emergency,
    ),
    Endpoint(
        "POST",
        f"{_ALL}/{{id}}/refuse",
        Permission.EMERGENCIES_DECIDE,
        _refuse,
        "Refuse access that somebody else asked for; people do.",
        Emergency,
        takes=Refusal,
    ),
    Endpoint(
        "POST",
        f"{_ALL}/{{id}}/end",
        Open.ANYBODY_KNOWN,
        lambda call: call.platform.access.emergencies.end(call.path["id"], by=call.actor),
        "End access given in an emergency: one's own, or any for who may decide.",
        Emergency,
    ),
)
