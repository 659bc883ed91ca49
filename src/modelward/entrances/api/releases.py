# SPDX-License-Identifier: Apache-2.0
"""Routes of releases and policies."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from modelward.access import Permission
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Name, Parameter, VersionName
from modelward.releases import PolicyText, Release


class Proposal(msgspec.Struct, forbid_unknown_fields=True):
    """A version proposed to go live. The policy is left out where one governs the model; else it is `default` where left out."""

    version: VersionName
    policy: Name | None = None


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why a person decided so."""

    reason: Annotated[str, Meta(extra_json_schema={"pattern": r"\S", "maxLength": 2000})]


class Pause(msgspec.Struct, forbid_unknown_fields=True):
    """Why a model is taken offline, where there is time to say it."""

    reason: Annotated[str, Meta(extra_json_schema={"maxLength": 2000})] = ""


class Released(msgspec.Struct):
    """The live version of a model, such as income:3."""

    version: str


class NewPolicy(msgspec.Struct, forbid_unknown_fields=True):
    """A policy to put in place, as YAML."""

    text: str


def _propose(call: Call) -> Release:
    return call.platform.releases.propose(call.body.version, policy=call.body.policy, by=call.actor)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/policies",
        Permission.RELEASES_READ,
        lambda call: call.platform.releases.policies.list(by=call.actor),
        "List the policies in place.",
        tuple[PolicyText, ...],
    ),
    Endpoint(
        "POST",
        "/api/v1/policies",
        Permission.RELEASES_DECIDE,
        lambda call: call.platform.releases.policies.put(call.body.text, by=call.actor),
        "Put a policy in place under the name it says.",
        PolicyText,
        takes=NewPolicy,
        status=201,
    ),
    Endpoint(
        "GET",
        "/api/v1/policies/{name}",
        Permission.RELEASES_READ,
        lambda call: call.platform.releases.policies.show(call.path["name"], by=call.actor),
        "Show a policy's text.",
        PolicyText,
    ),
    Endpoint(
        "GET",
        "/api/v1/releases",
        Permission.RELEASES_READ,
        lambda call: call.platform.releases.list(model=call.query.get("model", ""), by=call.actor),
        "List releases, newest first.",
        tuple[Release, ...],
        query={"model": Parameter("Only those of this model.")},
    ),
    Endpoint(
        "POST",
        "/api/v1/releases",
        Permission.RELEASES_PROPOSE,
        _propose,
        "Propose a version; the policy decides at once.",
        Release,
        takes=Proposal,
        status=201,
    ),
    Endpoint(
        "GET",
        "/api/v1/releases/{id}",
        Permission.RELEASES_READ,
        lambda call: call.platform.releases.show(call.path["id"], by=call.actor),
        "Show a release with every decision.",
        Release,
    ),
    Endpoint(
        "POST",
        "/api/v1/releases/{id}/approve",
        Permission.RELEASES_DECIDE,
        lambda call: call.platform.releases.approve(call.path["id"], reason=call.body.reason, by=call.actor),
        "Approve a release that somebody else proposed.",
        Release,
        takes=Reason,
    ),
    Endpoint(
        "POST",
        "/api/v1/releases/{id}/refuse",
        Permission.RELEASES_DECIDE,
        lambda call: call.platform.releases.refuse(call.path["id"], reason=call.body.reason, by=call.actor),
        "Refuse a release.",
        Release,
        takes=Reason,
    ),
    Endpoint(
        "POST",
        "/api/v1/releases/{id}/promote",
        Permission.RELEASES_PROMOTE,
        lambda call: call.platform.releases.promote(call.path["id"], by=call.actor),
        "Let an approved or paused release go live.",
        Release,
    ),
    Endpoint(
        "POST",
        "/api/v1/releases/{id}/pause",
        Permission.RELEASES_PROMOTE,
        lambda call: call.platform.releases.pause(call.path["id"], reason=call.body.reason, by=call.actor),
        "Take the live version offline; nothing answers for its model.",
        Release,
        takes=Pause,
    ),
    Endpoint(
        "GET",
        "/api/v1/models/{model}/released",
        Permission.MODELS_READ,
        lambda call: Released(call.platform.releases.released(call.path["model"], by=call.actor)),
        "Name the live version.",
        Released,
    ),
    Endpoint(
        "POST",
        "/api/v1/models/{model}/rollback",
        Permission.RELEASES_PROMOTE,
        lambda call: call.platform.releases.roll_back(call.path["model"], by=call.actor),
        "Take the live or paused version back; the one before it is live again.",
        Release,
    ),
)
