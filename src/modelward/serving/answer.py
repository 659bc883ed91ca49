# SPDX-License-Identifier: Apache-2.0
"""Answers: what a caller gets, and what is said about them in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from modelward.audit import Event
from modelward.errors import NotFoundError, TooLargeError, UnavailableError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from modelward.registry import Interface

INFERENCE_ANSWERED = Event("inference.answered", "A caller got an answer; input and output are committed to, and not kept.")
INFERENCE_REFUSED = Event(
    "inference.refused",
    "A known caller got an error instead of an answer: not permitted, not live, rows that are too many or do not fit, a fault, or "
    "no answer in time. Not recorded: a body that cannot be read, overload (503), the end of the service.",
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


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one row: the most probable class, the probability of each, and the features whose value training never saw."""

    label: str
    probabilities: dict[str, float]
    abstained: bool = False
    unfamiliar: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the records protocol gives back, one prediction per row in the order of the rows."""

    predictions: tuple[Prediction, ...]
    model: str
    version: int
    request_id: str


class Answers:
    """What an engine said in one call: `probabilities` float32 [rows, classes], in the order of the interface's classes, also as
    lists, and row by row the features whose value training never saw. What several questions of a call need is made once.
    """

    __slots__ = ("_labels", "interface", "is_familiar", "listed", "probabilities", "unfamiliar")

    def __init__(self, interface: Interface, probabilities: npt.NDArray[np.float32], unfamiliar: Sequence[tuple[str, ...]]) -> None:
        self.interface = interface
        self.probabilities = probabilities
        self.listed: list[list[float]] = probabilities.tolist()
        self.unfamiliar = unfamiliar
        self.is_familiar = not any(unfamiliar)
        self._labels: list[str] | None = None

    @property
    def labels(self) -> list[str]:
        """The most probable class of each row; the first in order among equals."""
        if self._labels is None:
            self._labels = labels_of(self.interface, self.probabilities)
        return self._labels


class Computed:
    """What an engine said to one request: its part of the answers of a call. `listed` are its probabilities as lists, and
    `is_familiar` says that training saw the like of all its values.
    """

    __slots__ = ("_answers", "_start", "_stop", "interface", "is_familiar", "listed", "model", "number", "request")

    def __init__(self, answers: Answers, start: int, stop: int, request: str, model: str, number: int) -> None:
        self._answers = answers
        self._start = start
        self._stop = stop
        self.interface = answers.interface
        self.is_familiar = answers.is_familiar or not any(answers.unfamiliar[start:stop])
        self.listed = answers.listed[start:stop]
        self.request = request
        self.model = model
        self.number = number

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """float32 [rows, classes], in the order of the interface's classes."""
        return self._answers.probabilities[self._start : self._stop]

    @property
    def labels(self) -> list[str]:
        """The most probable class of each row; the first in order among equals."""
        return self._answers.labels[self._start : self._stop]

    @property
    def unfamiliar(self) -> Sequence[tuple[str, ...]]:
        """Row by row, the features whose value training never saw."""
        return self._answers.unfamiliar[self._start : self._stop]


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


def labels_of(interface: Interface, probabilities: npt.NDArray[np.float32]) -> list[str]:
    """The most probable class of each row; the first in order among equals."""
    classes = interface.classes
    return [classes[place] for place in probabilities.argmax(axis=1).tolist()]
