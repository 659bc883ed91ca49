# SPDX-License-Identifier: Apache-2.0
"""Answers: what a caller gets, and what is said about them in the ledger."""

from __future__ import annotations

import msgspec

from modelward.audit import Event
from modelward.errors import NotFoundError, TooLargeError, UnavailableError

INFERENCE_ANSWERED = Event("inference.answered", "A caller got an answer; input and output are committed to, and not kept.")
INFERENCE_REFUSED = Event(
    "inference.refused",
    "A known caller got an error instead of an answer: not permitted, not live, a body that cannot be read, rows that are too many "
    "or do not fit, a quota that is used up (told once in its minute or day), a fault, or no answer in time. Not recorded: what is "
    "refused by its head or for the size of its body, overload (503), the end of the service, and what is more than the 4096 "
    "refusals that wait where the ledger takes nothing.",
)
INFERENCE_EXPLAINED = Event("inference.explained", "A caller got an explanation; input and output are committed to, and not kept.")
INFERENCE_BATCH = Event("inference.batch", "A file of rows was answered as a whole.")


class NotServedError(NotFoundError):
    """No version of that model is live, or not the one asked for."""


class ModelUnavailableError(UnavailableError):
    """The live version could not be opened, so nothing answers in its place."""


class TooManyRowsError(TooLargeError):
    """More rows than one request may have."""


class OverloadedError(UnavailableError):
    """More is asked than can be answered in time; `retry_after_seconds` says when to come back."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TooSlowError(UnavailableError):
    """The answer took longer than a caller has to wait."""


class LedgerUnavailableError(UnavailableError):
    """The ledger did not take the entry, so the answer was not given."""


class ShuttingDownError(UnavailableError):
    """The gateway takes no more questions."""


class Written(msgspec.Struct, frozen=True, gc=False):
    """An answer's body in the caller's protocol, what kind of body it is, and what else its head says."""

    body: bytes
    media: str = "application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer that may leave. `written.body` is sent byte for byte, for the ledger holds a commitment to it. `entry` is where it
    stands in the ledger; None where the settings let answers leave before they are on record.
    """

    written: Written
    request: str
    version: str
    rows: int
    entry: int | None

    @property
    def payload(self) -> bytes:
        """The body."""
        return self.written.body
