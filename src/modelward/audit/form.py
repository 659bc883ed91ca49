# SPDX-License-Identifier: Apache-2.0
"""Forms: entries that commit to what came in and what went out, and are alike but for that, for whoever records many.

What is alike is written once, and a draft is made in one go: the request's key is derived and used right here, to the same bytes as
`RequestKey` and `Draft` would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from modelward.audit.entry import Draft
from modelward.audit.event import Event
from modelward.digest import INNER, OUTER, KeyedDigest

_encode = msgspec.json.Encoder().encode


class Form:
    """What is alike in many drafts. Their facts are `input` and `output`, the commitments; those `filled` in; and the `fixed`."""

    def __init__(
        self, digests: KeyedDigest, event: Event, *, actor: str, subject: str, filled: Sequence[str], fixed: Mapping[str, Any]
    ) -> None:
        # Written out here, for a call costs as much as a hash.
        self._inner, self._outer = digests.inner, digests.outer
        self._event, self._actor, self._subject = event.name, actor, subject
        told = [b'"input":"%b"', b'"output":"%b"', *(_fixed(name) + b":%b" for name in filled)]
        told += [_fixed(name) + b":" + _fixed(value) for name, value in fixed.items()]
        head = b'"event":%b,"actor":%b,"subject":%b' % (_fixed(event.name), _fixed(actor), _fixed(subject))
        self._body = head + b',"request":"%b","facts":{' + b",".join(told) + b"}"

    def draft(self, request: str, came: bytes, went: bytes, *filled: bytes) -> Draft:
        """The draft of one request, with the JSON of the facts to be filled in, in their order."""
        name = request.encode()
        secret = sha256(self._outer + sha256(self._inner + name).digest()).digest()
        block = secret + _PADDING
        inner, outer = block.translate(INNER), block.translate(OUTER)
        draft = _new(Draft)
        draft.event, draft.actor, draft.subject, draft.request = self._event, self._actor, self._subject, request
        draft.key = sha256(secret).hexdigest()
        draft.body = self._body % (
            name,
            sha256(outer + sha256(inner + came).digest()).hexdigest().encode(),
            sha256(outer + sha256(inner + went).digest()).hexdigest().encode(),
            *filled,
        )
        return draft


_PADDING = bytes(32)
_new = Draft.__new__


def _fixed(value: Any) -> bytes:
    return _encode(value).replace(b"%", b"%%")
