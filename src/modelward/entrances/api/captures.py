# SPDX-License-Identifier: Apache-2.0
"""Routes of captures: what is kept of questions and answers, and what becomes of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from modelward.access import Permission
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Open, Parameter, whole_number
from modelward.serving import DAYS_LIMIT, SHREDDED_AT_ONCE, Capture, CapturedExchange, CaptureRule, ShreddedCaptures, SweptCaptures

Reason = Annotated[str, Meta(extra_json_schema={"pattern": r"\S", "minLength": 1, "maxLength": 500})]


class NewCaptureRule(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be kept of a model: a share of its questions, each for so many days."""

    share: Annotated[float, Meta(gt=0, le=1)]
    days: Annotated[int, Meta(ge=1, le=DAYS_LIMIT)]
    reason: Reason


class Because(msgspec.Struct, forbid_unknown_fields=True):
    """Why somebody does it."""

    reason: Reason


class ShredCaptures(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be shredded, and why."""

    requests: Annotated[list[str], Meta(min_length=1, max_length=SHREDDED_AT_ONCE)]
    reason: Reason


def _rule(call: Call) -> CaptureRule:
    said = call.body
    return call.platform.captures.rule(call.path["model"], share=said.share, days=said.days, reason=said.reason, by=call.actor)


def _list(call: Call) -> list[Capture]:
    limit = call.number("limit")
    limited = {} if limit is None else {"limit": limit}
    asked = call.query
    return call.platform.captures.list(model=asked.get("model", ""), caller=asked.get("caller", ""), **limited, by=call.actor)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/captures/rules",
        Open.ANYBODY_KNOWN,
        lambda call: call.platform.captures.rules(by=call.actor),
        "List the models of which questions are kept, among those that one may see or ask.",
        list[CaptureRule],
    ),
    Endpoint(
        "PUT",
        "/api/v1/captures/rules/{model}",
        Permission.CAPTURES_RULE,
        _rule,
        "Keep a share of a model's questions with their answers, from now on.",
        CaptureRule,
        takes=NewCaptureRule,
    ),
    Endpoint(
        "POST",
        "/api/v1/captures/rules/{model}/end",
        Permission.CAPTURES_RULE,
        lambda call: call.platform.captures.end(call.path["model"], reason=call.body.reason, by=call.actor),
        "Keep nothing of a model any more; the rule that was in force.",
        CaptureRule,
        takes=Because,
    ),
    Endpoint(
        "GET",
        "/api/v1/captures",
        Permission.CAPTURES_READ,
        _list,
        "List which questions are kept, the newest first; not what they say.",
        list[Capture],
        query={
            "model": Parameter("Only those to this model."),
            "caller": Parameter("Only those of this caller, such as `service:till`."),
            "limit": whole_number("How many at most; 100 unless told, and never more than 1000."),
        },
    ),
    Endpoint(
        "POST",
        "/api/v1/captures/{request}/read",
        Permission.CAPTURES_READ,
        lambda call: call.platform.captures.read(call.path["request"], reason=call.body.reason, by=call.actor),
        "Read a question and its answer but for what named persons (in base64), which goes on record.",
        CapturedExchange,
        takes=Because,
    ),
    Endpoint(
        "POST",
        "/api/v1/captures/shred",
        Permission.CAPTURES_RULE,
        lambda call: call.platform.captures.shred(call.body.requests, reason=call.body.reason, by=call.actor),
        "Destroy the keys of what is kept of some requests.",
        ShreddedCaptures,
        takes=ShredCaptures,
    ),
    Endpoint(
        "POST",
        "/api/v1/captures/sweep",
        Permission.CAPTURES_RULE,
        lambda call: call.platform.captures.sweep(by=call.actor),
        "Remove what is kept for longer than was ruled.",
        SweptCaptures,
    ),
)
