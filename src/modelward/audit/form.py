# SPDX-License-Identifier: Apache-2.0
"""Forms: drafts that are alike but for their request and a few facts, for whoever records many. What is alike is written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelward.audit.entry import Draft
from modelward.audit.event import Event
from modelward.audit.request_key import RequestKey

_encode = msgspec.json.Encoder().encode


class Form:
    """What is alike in many drafts. `facts` are in the order in which they are written; those that are None are filled in."""

    def __init__(self, event: Event, *, actor: str, subject: str, facts: Mapping[str, Any]) -> None:
        self._event = event.name
        self._actor = actor
        self._subject = subject
        told = b",".join(_fixed(name) + b":" + (b"%b" if value is None else _fixed(value)) for name, value in facts.items())
        head = b'"event":%b,"actor":%b,"subject":%b' % (_fixed(event.name), _fixed(actor), _fixed(subject))
        self._body = head + b',"request":"%b","facts":{' + told + b"}"

    def draft(self, key: RequestKey, *values: bytes) -> Draft:
        """The draft of one request, with the JSON of the facts to be filled in, in their order."""
        draft = Draft.__new__(Draft)
        draft.event, draft.actor, draft.subject = self._event, self._actor, self._subject
        draft.request, draft.key = key.request, key
        draft.body = self._body % (key.request.encode(), *values)
        return draft


def _fixed(value: Any) -> bytes:
    return _encode(value).replace(b"%", b"%%")
