# SPDX-License-Identifier: Apache-2.0
"""Meters: what serving counts and measures of itself. Labels are models that are live, outcomes and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from modelward.errors import (
    InvalidError,
    NotFoundError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from modelward.serving.answer import LedgerUnavailableError, OverloadedError, ShuttingDownError, TooSlowError
from modelward.serving.instruments import Counter, Distribution, Distributions, Instrument, Labels, Reading

SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LOAD_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_COUNTS: Final = tuple(float(2**power) for power in range(13))

REASONS: Final[dict[type[BaseException], str]] = {
    OverloadedError: "overload",
    TooSlowError: "deadline",
    ShuttingDownError: "draining",
    LedgerUnavailableError: "ledger",
    TooLargeError: "too_large",
    UnauthenticatedError: "unauthenticated",
    RefusedError: "forbidden",
    NotFoundError: "not_found",
    InvalidError: "invalid",
    UnavailableError: "unavailable",
    BaseException: "fault",
}
"""Why a question got no answer, by the nearest kind of its error."""


class OfBatches(NamedTuple):
    """What a batcher measures of one model: for each question the seconds it waited; for each call of the engine its rows, and the
    seconds it took.
    """

    queue: Distribution
    rows: Distribution
    engine: Distribution


class Meters:
    """What one gateway, its batchers, its engines and its ledger's writer note."""

    def __init__(self) -> None:
        model = ("model",)
        self._questions = Counter(
            "modelward_questions_total",
            "Questions to models, by outcome: answered, rejected, or dropped because the caller had left.",
            labels=("outcome",),
        )
        self._rejections = Counter(
            "modelward_rejections_total", "Questions that got an error instead of an answer, by reason.", labels=("reason",)
        )
        self._unrecorded = Counter(
            "modelward_unrecorded_refusals_total", "Refusals that were not put on record, for the ledger took nothing.", labels=()
        )
        self._predictions = Counter("modelward_predictions_total", "Rows answered.", labels=("model", "version"))
        self._hidden = Counter(
            "modelward_hidden_identifiers_total",
            "Identifiers that were hidden from a version or from its caller, as a policy asks, by kind.",
            labels=("model", "version", "kind"),
        )
        self._captures = Counter(
            "modelward_captures_total",
            "Questions to be kept with their answers, by outcome: kept, or lost because more came in than could be sealed.",
            labels=("outcome",),
        )
        self.inflight = Reading("modelward_inflight_requests", "Inference requests being answered now.")
        self._queue = Distributions(
            "modelward_queue_duration_seconds", "Time from admission to the engine.", bounds=SECONDS, labels=model
        )
        self._rows = Distributions("modelward_batch_rows", "Rows in one call of an engine.", bounds=_COUNTS, labels=model)
        self._engine = Distributions(
            "modelward_engine_duration_seconds", "Time of one call of an engine.", bounds=SECONDS, labels=model
        )
        self._loads = Counter(
            "modelward_model_loads_total",
            "Released versions opened: verified, decrypted, loaded (loaded or failed).",
            labels=("model", "outcome"),
        )
        self._load = Distributions(
            "modelward_model_load_duration_seconds", "Time to open a released version.", bounds=_LOAD_SECONDS, labels=model
        )
        self._commit = Distributions(
            "modelward_ledger_commit_duration_seconds", "Time to make a group of ledger entries durable.", bounds=SECONDS
        )
        self._entries = Distributions("modelward_ledger_commit_entries", "Ledger entries made durable at once.", bounds=_COUNTS)
        self._commit_seconds, self._commit_entries = self._commit.of(), self._entries.of()
        self._of_model: dict[str, OfBatches] = {}
        # What became of the last answers that were to be put on record.
        self.is_recording = True

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """All of them."""
        counters = (
            self._questions,
            self._rejections,
            self._unrecorded,
            self._predictions,
            self._hidden,
            self._captures,
            self.inflight,
            self._loads,
        )
        return (*counters, self._queue, self._rows, self._engine, self._load, self._commit, self._entries)

    def note_answers(self, version: Labels, *, questions: int, rows: int) -> None:
        """So many questions, of so many rows together, got their answers from `version`, such as `("income", "3")`."""
        self._questions.add(("answered",), questions)
        self._predictions.add(version, rows)

    def note_rejection(self, fault: BaseException) -> None:
        """A question got this error instead of an answer."""
        self._questions.add(("rejected",))
        self._rejections.add((reason_of(fault),))
        if isinstance(fault, LedgerUnavailableError):
            self.is_recording = False

    def note_unrecorded(self) -> None:
        """A refusal that belongs on record was not put there."""
        self._unrecorded.add(())

    def note_hidden(self, version: Labels, counts: Mapping[str, int]) -> None:
        """So many identifiers of each kind were hidden in a question to `version` and its answer."""
        for kind, count in counts.items():
            self._hidden.add((*version, kind), count)

    def note_captures(self, outcome: str, number: int) -> None:
        """So many questions that were to be kept are `kept`, or `lost`."""
        self._captures.add((outcome,), number)

    def note_drop(self) -> None:
        """A question was dropped, for its caller had left."""
        self._questions.add(("dropped",))

    def of_batches(self, model: str) -> OfBatches:
        """Where the batchers of a model note their calls, always the same."""
        found = self._of_model.get(model)
        if found is None:
            made = OfBatches(self._queue.of(model), self._rows.of(model), self._engine.of(model))
            found = self._of_model.setdefault(model, made)
        return found

    def note_load(self, model: str, seconds: float, *, is_loaded: bool) -> None:
        """A released version of `model` was opened, or could not be, after so many seconds."""
        self._loads.add((model, "loaded" if is_loaded else "failed"))
        self._load.of(model).add(seconds)

    def note_commit(self, seconds: float, entries: int) -> None:
        """So many entries were made durable at once, which took so many seconds. As `GroupCommit` tells it."""
        self._commit_seconds.add(seconds)
        self._commit_entries.add(entries)
        self.is_recording = True


def reason_of(fault: BaseException) -> str:
    """The label of a rejection: one of the values of `REASONS`."""
    kind = type(fault)
    return REASONS.get(kind) or next(REASONS[above] for above in kind.__mro__ if above in REASONS)
