# SPDX-License-Identifier: Apache-2.0
"""Routes that hide who is in a dataset, and that tell it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from modelward.access import Permission
from modelward.datasets import Anonymising, Deidentification, Forgotten, Hiding, Reidentified
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Name


class ToDeidentify(msgspec.Struct, forbid_unknown_fields=True):
    """How to hide who is in a dataset; `copy` is the name of the dataset that it becomes."""

    copy: Name
    columns: dict[str, str] = {}
    drop: list[str] = []
    found: str = "pseudonym"
    anonymous: Anonymising | None = None
    is_trial: bool = False


class ToReidentify(msgspec.Struct, forbid_unknown_fields=True):
    """Pseudonyms, or texts that hold some, and why somebody has to know."""

    texts: Annotated[list[str], msgspec.Meta(min_length=1, max_length=1000)]
    reason: str


class ToForget(msgspec.Struct, forbid_unknown_fields=True):
    """Why nobody shall know again."""

    reason: str


def _deidentify(call: Call) -> Deidentification:
    said: ToDeidentify = call.body
    hiding = Hiding(columns=said.columns, drop=tuple(said.drop), found=said.found, anonymous=said.anonymous)
    return call.platform.deidentifying.deidentify(call.path["name"], said.copy, hiding, is_trial=said.is_trial, by=call.actor)


def _reidentify(call: Call) -> Reidentified:
    said: ToReidentify = call.body
    return call.platform.deidentifying.reidentify(call.path["name"], said.texts, reason=said.reason, by=call.actor)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/deidentify",
        Permission.DATA_WRITE,
        _deidentify,
        "Hide what names persons, and register what is left as a dataset of its own; or say what would be hidden.",
        Deidentification,
        takes=ToDeidentify,
        status=201,
        besides="`data:read`",
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/reidentify",
        Permission.DATA_REIDENTIFY,
        _reidentify,
        "Tell what pseudonyms of a dataset stand for, once that is on record.",
        Reidentified,
        takes=ToReidentify,
        besides="`data:read`",
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/forget",
        Permission.DATA_READ,
        lambda call: call.platform.deidentifying.forget(call.path["name"], reason=call.body.reason, by=call.actor),
        "Destroy the book of a dataset's pseudonyms, so that nobody can tell again what they stand for.",
        Forgotten,
        takes=ToForget,
        besides="`data:shred` or having registered it",
    ),
)
