# SPDX-License-Identifier: Apache-2.0
"""Routes of terms: read, put, accepted."""

from __future__ import annotations

import msgspec

from modelward.access import Acceptance, OfferedTerms, Permission, Terms
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Open


class NewTerms(msgspec.Struct, forbid_unknown_fields=True):
    """Terms to put in place; with `replaces`, only in the place of those with that digest, or of `none`."""

    text: str
    replaces: str = ""


class Accepting(msgspec.Struct, forbid_unknown_fields=True):
    """What is accepted: the terms in place, or only those with that `digest`. `key` is the id of a key on whose behalf."""

    digest: str = ""
    key: str = ""


def _subject(call: Call) -> str:
    return f"{call.path['kind']}:{call.path['name']}"


def _put(call: Call) -> Terms:
    return call.platform.access.terms.put(_subject(call), call.body.text, replaces=call.body.replaces, by=call.actor)


def _accept(call: Call) -> Acceptance:
    return call.platform.access.terms.accept(_subject(call), digest=call.body.digest, key=call.body.key, by=call.actor)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/terms",
        Open.ANYBODY_KNOWN,
        lambda call: call.platform.access.terms.list(by=call.actor),
        "List the terms of what one reaches, and when one accepted each.",
        list[OfferedTerms],
    ),
    Endpoint(
        "GET",
        "/api/v1/terms/{kind}/{name}",
        Open.ANYBODY_KNOWN,
        lambda call: call.platform.access.terms.show(_subject(call), by=call.actor),
        "Show the terms of a `model` or a `dataset`, and when one accepted them.",
        OfferedTerms,
    ),
    Endpoint(
        "POST",
        "/api/v1/terms/{kind}/{name}",
        Permission.TERMS_PUT,
        _put,
        "Put terms in place for a `model` or a `dataset`; all accept them anew.",
        Terms,
        takes=NewTerms,
        status=201,
    ),
    Endpoint(
        "POST",
        "/api/v1/terms/{kind}/{name}/acceptances",
        Open.ANYBODY_KNOWN,
        _accept,
        "Accept the terms of a `model` or a `dataset`; for a key, by itself or by who manages keys.",
        Acceptance,
        takes=Accepting,
        status=201,
    ),
)
