# SPDX-License-Identifier: Apache-2.0
"""What the head of a question over HTTP says, and the heads that a connection knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from modelward.access import NOWHERE, Origin
from modelward.entrances.api import Heading, check_body_head, credential, urgency_of
from modelward.entrances.faults import without_frames
from modelward.errors import ModelwardError

if TYPE_CHECKING:
    from modelward.entrances.api import Premises
    from modelward.entrances.targets import Target
    from modelward.serving import Standing

_KNOWN_LIMIT = 128
_KNOWN_BYTES = 64 << 10
# With the first two the head does not say what comes after it; with the last it hardly comes again, and would push others out.
_NOT_KEPT = (b"transfer-encoding", b"expect", b"traceparent")


class Head(NamedTuple):
    """What the head of a question says. `standing` is missing, and `fault` says why, where it is refused already."""

    target: Target
    heading: Heading
    standing: Standing | None
    fault: Exception | None
    length: int | None
    seconds: float
    priority: int
    has_own_deadline: bool


def read_head(
    target: Target, headers: Sequence[tuple[bytes, bytes]], premises: Premises, *, request: str, origin: Origin = NOWHERE
) -> Head:
    """Who asks, may they, and is the body one that is read? Known before any of it is."""
    gateway, standing, length = premises.gateway, None, None
    heading = dict(headers)
    allowed, priority = None, 0
    fault: Exception | None = target.fault
    try:
        secret = credential(headers, takes_basic=True)
        if fault is None:
            standing = gateway.standing(secret, model=target.model, number=target.number, request=request, origin=origin)
            length = check_body_head(heading, limit_bytes=premises.platform.settings.body_limit_bytes)
            allowed, priority = urgency_of(heading)
    except ModelwardError as wrong:
        fault = wrong
    if fault is not None:
        without_frames(fault)
    return Head(target, heading, standing, fault, length, gateway.seconds(allowed), priority, allowed is not None)


class KnownHeads:
    """What heads mean that came before on one connection; byte for byte they mean the same, for as long as no key has changed.

    Clients send nearly the same head again and again, and what it means is read by the parser once.
    """

    __slots__ = ("_bytes", "_heads")

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self._bytes = 0

    def find(self, raw: bytes, keys_revision: int | None) -> Head | None:
        """What a head means; None where that is to be read."""
        head = self._heads.get(raw)
        if head is None:
            return None
        standing = head.standing
        if standing is None or standing.revision != keys_revision:
            self._forget()
            return None
        return None if standing.expires is not None and standing.has_expired else head

    def keep(self, raw: bytes, head: Head) -> None:
        """What the head of a question means that was read, if it is plain."""
        if head.length is None or head.fault is not None or any(name in head.heading for name in _NOT_KEPT):
            return
        if len(self._heads) >= _KNOWN_LIMIT or self._bytes + len(raw) > _KNOWN_BYTES:
            self._forget()
        self._heads[raw] = head
        self._bytes += len(raw)

    def _forget(self) -> None:
        self._heads.clear()
        self._bytes = 0
