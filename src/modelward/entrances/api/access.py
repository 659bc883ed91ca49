# SPDX-License-Identifier: Apache-2.0
"""Routes of access policies, and of why somebody may do something."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from modelward.access import Explanation, Permission, SitePolicy
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Open, Parameter, one_of, whole_number

_FILE = "/api/v1/access/policies/{name}"


class NewSitePolicy(msgspec.Struct, forbid_unknown_fields=True):
    """A text in Cedar, and the revision that it takes the place of: 0 where there is none yet."""

    text: str
    revision: Annotated[int, Meta(ge=0, lt=10**9)] = 0


def _put(call: Call) -> SitePolicy:
    new: NewSitePolicy = call.body
    return call.platform.access.policies.put(call.path["name"], new.text, revision=new.revision, by=call.actor)


def _remove(call: Call) -> dict[str, str]:
    removed = call.platform.access.policies.remove(call.path["name"], revision=call.number("revision"), by=call.actor)
    return {"removed": removed}


def _explain(call: Call) -> Explanation:
    asked = call.query
    who = asked.get("who") or call.actor.id
    return call.platform.access.explain(
        who,
        asked.get("action", ""),
        asked.get("what", ""),
        address=asked.get("address", ""),
        has_certificate=call.choice("certificate", ("no", "yes")) == "yes",
        by=call.actor,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/access/policies",
        Permission.POLICIES_MANAGE,
        lambda call: call.platform.access.policies.list(by=call.actor),
        "List the access policies in force; the built-in ones, which the roles are, first.",
        list[SitePolicy],
    ),
    Endpoint(
        "GET",
        _FILE,
        Permission.POLICIES_MANAGE,
        lambda call: call.platform.access.policies.show(call.path["name"], by=call.actor),
        "Show a file of access policies.",
        SitePolicy,
    ),
    Endpoint(
        "PUT",
        _FILE,
        Permission.POLICIES_MANAGE,
        _put,
        "Put a file of access policies in force, in the place of the revision named.",
        SitePolicy,
        takes=NewSitePolicy,
    ),
    Endpoint(
        "DELETE",
        _FILE,
        Permission.POLICIES_MANAGE,
        _remove,
        "Take a file of access policies out of force.",
        dict[str, str],
        query={"revision": whole_number("Only if it has this revision.")},
    ),
    Endpoint(
        "GET",
        "/api/v1/access/explanation",
        Open.ANYBODY_KNOWN,
        _explain,
        "Say why somebody may do something, or may not. Everybody may ask of themselves; of others, who manages policies.",
        Explanation,
        query={
            "who": Parameter("`person:NAME`, `service:NAME`, `model:NAME`, or a name alone; whoever asks, where it is left out."),
            "action": Parameter("The permission.", {"type": "string", "enum": [*Permission]}, is_required=True),
            "what": Parameter("`model:NAME` or `dataset:NAME`, or a name alone."),
            "address": Parameter("From which address it would be asked, where policies look at that."),
            "certificate": one_of("Whether with a client certificate.", ("no", "yes")),
        },
    ),
)
