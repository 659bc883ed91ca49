# SPDX-License-Identifier: Apache-2.0
"""Routes of grants. Who may grant is who holds data:grant or registered the dataset, as the room says; data:read is the door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from modelward.access import Permission
from modelward.assessment import Erasure, Trace
from modelward.datasets import READS_SHOWN, Grant, Reading
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Name, Parameter, whole_number


class NewGrant(msgspec.Struct, forbid_unknown_fields=True):
    """What to grant. Without `columns` it is every column, without `rows` every row."""

    model: Name
    purpose: str
    columns: list[str] | None = None
    rows: str = ""
    until: datetime | None = None


class LookedFor(msgspec.Struct, forbid_unknown_fields=True):
    """Whose records are looked for: those whose column has the value."""

    column: str
    value: str


def _grant(call: Call) -> Grant:
    new: NewGrant = call.body
    return call.platform.grants.grant(
        new.model, call.path["name"], purpose=new.purpose, columns=new.columns, rows=new.rows, until=new.until, by=call.actor
    )


class ToErase(msgspec.Struct, forbid_unknown_fields=True):
    """Which rows, as a filter, and why. Where it `is_trial` nothing is changed, and no reason asked for."""

    rows: str
    reason: str = ""
    is_trial: bool = False


def _erase(call: Call) -> Erasure:
    said = call.body
    return call.platform.assessment.erase(
        call.path["name"], rows=said.rows, reason=said.reason, is_trial=said.is_trial, by=call.actor
    )


def _reads(call: Call) -> Sequence[Reading]:
    limit = call.number("limit")
    return call.platform.grants.reads(call.path["name"], limit=READS_SHOWN if limit is None else limit, by=call.actor)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/grants",
        Permission.DATA_READ,
        lambda call: call.platform.grants.list(
            dataset=call.query.get("dataset", ""), model=call.query.get("model", ""), by=call.actor
        ),
        "List what is granted to which model, and what was.",
        list[Grant],
        query={"dataset": Parameter("Only of this dataset."), "model": Parameter("Only to this model.")},
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/grants",
        Permission.DATA_READ,
        _grant,
        "Grant a dataset to a model.",
        Grant,
        takes=NewGrant,
        status=201,
        besides="`data:grant` or having registered it",
    ),
    Endpoint(
        "DELETE",
        "/api/v1/datasets/{name}/grants/{model}",
        Permission.DATA_READ,
        lambda call: call.platform.grants.revoke(call.path["model"], call.path["name"], by=call.actor),
        "Take a grant back.",
        Grant,
        besides="`data:grant` or having registered it",
    ),
    Endpoint(
        "GET",
        "/api/v1/datasets/{name}/reads",
        Permission.DATA_READ,
        _reads,
        "See who had rows of a dataset.",
        list[Reading],
        query={"limit": whole_number("At most so many, the latest.")},
        besides="`data:grant`, having registered it, or `audit:read`",
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/trace",
        Permission.DATA_READ,
        lambda call: call.platform.assessment.trace(
            call.path["name"], column=call.body.column, value=call.body.value, by=call.actor
        ),
        "See which versions ever saw the records that have a value.",
        Trace,
        takes=LookedFor,
        besides="`models:read`, and `data:grant` or having registered it",
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/erase",
        Permission.DATA_READ,
        _erase,
        "Take rows out of a dataset and all its shards for good, or say what that would come to.",
        Erasure,
        takes=ToErase,
        besides="`models:read`, and `data:erase` or having registered it",
    ),
)
