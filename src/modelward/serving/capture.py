# SPDX-License-Identifier: Apache-2.0
"""Captures: questions and answers that are kept, because somebody ruled so for a model and said why.

Nothing is kept unless a rule says so. Which questions a rule takes is said by the random bits of their request ids, so that whoever
has the rule and the ledger can tell afterwards which ones were to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError

CAPTURES_RULED: Final = Event(
    "captures.ruled",
    "Somebody said which share of a model's questions and answers is kept, for how many days, and why; with a share of 0, none.",
)
CAPTURES_LOST: Final = Event(
    "captures.lost", "Questions that were to be kept could not be, for more came in than could be sealed; how many."
)
CAPTURE_READ: Final = Event("capture.read", "Somebody was shown a kept question with its answer, and said why.")
CAPTURE_SHREDDED: Final = Event("capture.shredded", "The key of a kept question and its answer was destroyed: nobody can read it.")
CAPTURES_EXPIRED: Final = Event("captures.expired", "Kept questions and answers were removed, for their time was over; how many.")

DAYS_LIMIT: Final = 3650
SHOWN: Final = 100
SHOWN_LIMIT: Final = 1000
SHREDDED_AT_ONCE: Final = 1000
_DRAWN_DIGITS: Final = 13
_DRAWN: Final = 16**_DRAWN_DIGITS


class InvalidCaptureRuleError(InvalidError):
    """A share, a time or a reason is missing or cannot be."""


class CapturesOffError(ConflictError):
    """Nothing is kept of that model anyway."""


class CaptureMissingError(NotFoundError):
    """Nothing is kept of that request."""


class CaptureShreddedError(RefusedError):
    """What was kept of that request was shredded."""


class CaptureAlteredError(RefusedError):
    """What lies there of a request is not what was kept of it, or is not what the ledger says was asked and answered."""


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """What is kept of a model: the `share` of its questions, above 0 to 1, each for `days`. `by` ruled so for that `reason`."""

    model: str
    share: float
    days: int
    reason: str
    ruled: datetime
    by: str

    @property
    def drawn_below(self) -> int:
        """The questions are kept whose `drawn` is below this."""
        return round(self.share * _DRAWN)


@dataclass(frozen=True, slots=True)
class Capture:
    """That a question and its answer are kept, and until when; not what they say. `bytes` is how long both are together."""

    request: str
    model: str
    version: str
    caller: str
    at: datetime
    until: datetime
    rows: int
    bytes: int
    shredded: datetime | None = None


@dataclass(frozen=True, slots=True)
class CapturedExchange:
    """A question and its answer but for what named persons in them: `hidden` says how many identifiers of each kind were replaced
    before they were kept, so where it is empty they are as they came and went. The ledger's entry number `entry` commits to them as
    they were.
    """

    capture: Capture
    question: bytes
    answer: bytes
    media: str
    entry: int
    hidden: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShreddedCaptures:
    """What shredding came to: the requests, the SHA-256 of the ids of the keys that opened them, and when."""

    requests: tuple[str, ...]
    keys: tuple[str, ...]
    shredded: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SweptCaptures:
    """How many were removed, for their time was over."""

    removed: int


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What is sealed: the exchange, and all that is told of it in the open, so that a row that says otherwise is found out."""

    request: str
    model: str
    version: str
    caller: str
    at: datetime
    until: datetime
    rows: int
    question: bytes
    answer: bytes
    media: str
    # What the ledger's entry says of both as they came, and how many identifiers were hidden since. Of what is kept from before
    # anything was hidden, there is neither.
    input: str = ""
    output: str = ""
    hidden: dict[str, int] = {}

    def speaks_of(self, capture: Capture) -> bool:
        """Whether the row beside it tells the same."""
        return self.told(capture.shredded) == capture

    def told(self, shredded: datetime | None = None) -> Capture:
        """What the row beside it tells."""
        size = len(self.question) + len(self.answer)
        return Capture(self.request, self.model, self.version, self.caller, self.at, self.until, self.rows, size, shredded)


class Sealed(NamedTuple):
    """What a row holds of a capture: what opens it is known by the digest; there is nothing of it once it was shredded."""

    digest: str
    content: bytes | None


def drawn(request: str) -> int:
    """What the id of a request was drawn with, below 16^13: as random as the id is."""
    return int(request[-_DRAWN_DIGITS:], 16)


def label_of(request: str) -> str:
    """What a capture is sealed as."""
    return f"capture {request}"


def until(at: datetime, days: int) -> datetime:
    """When the time of what is kept for so many days from then on is over."""
    return at + timedelta(days=days)


def checked_rule(share: float, days: int) -> None:
    """Nothing, where a rule may say so.

    Raises:
        InvalidCaptureRuleError: it may not.
    """
    if not 0 < share <= 1:
        raise InvalidCaptureRuleError(f"The share is {share:g}, and must be above 0 and at most 1: 0.01 keeps one of a hundred.")
    if not 1 <= days <= DAYS_LIMIT:
        raise InvalidCaptureRuleError(f"They are kept for {days} days; that must be 1 to {DAYS_LIMIT}.")


def missing(request: str) -> CaptureMissingError:
    """The error that says that nothing is kept of a request."""
    return CaptureMissingError(
        f"Nothing is kept of a request {request[:80]!r}. `modelward captures list` shows what is; a receipt proves the rest."
    )
