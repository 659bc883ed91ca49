# SPDX-License-Identifier: Apache-2.0
"""A privacy budget: how much all noisy answers about the rows of a dataset may tell of one of them, and what was spent of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from modelward.privacy import Loss, Mechanism

BUDGET_SET: Final = Event(
    "privacy.limited", "The privacy budget of a dataset was set: epsilon, delta, and whether a model may learn from it without."
)
PRIVACY_RESERVED: Final = Event(
    "privacy.reserved", "Something began that looks at rows through noise. What it may tell at most is spent until it is settled."
)
PRIVACY_SETTLED: Final = Event("privacy.settled", "What had been reserved came to its end: which looks there really were.")
PRIVACY_SPENT: Final = Event(
    "privacy.spent", "A statistic of a dataset was answered with noise; what was asked has a keyed digest."
)

EPSILON_LIMIT: Final = 100.0
# A sum of what was rounded may pass the limit by the rounding.
ROUNDING: Final = 1e-9


class InvalidBudgetError(InvalidError):
    """That can be no privacy budget, or no spending from one."""


class OverspentError(RefusedError):
    """It would tell more of a row than the privacy budget has left. Nothing was told, and nothing spent."""


class BudgetAlteredError(RefusedError):
    """The ledger tells of a privacy budget or spending, and does not prove it; nothing is answered from it."""


class NoiseRequiredError(RefusedError):
    """A model would learn without noise from a dataset that is for answers with noise alone."""


class SpendingMissingError(NotFoundError):
    """Nothing was reserved under that id."""


class SpendingSettledError(ConflictError):
    """What was reserved is settled already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A budget's epsilon at its delta. Where it `is_required`, no model learns from the rows without noise. `set` and `by` tell
    when and by whom; None and "" where it is the default.
    """

    epsilon: float
    delta: float
    is_required: bool = False
    set: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What was spent at once: on which dataset, `purpose` what for, by whom, and by which looks. `epsilon` is what they tell alone,
    for that `delta`. One that is not settled counts as all that was reserved.
    """

    id: str
    dataset: str
    purpose: str
    by: str
    at: datetime
    epsilon: float
    delta: float
    mechanisms: tuple[Mechanism, ...]
    is_settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbounded:
    """Looks without noise, which no budget bounds: trainings, assessments, and whatever else had rows."""

    trainings: int
    assessments: int
    others: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.trainings + self.assessments + self.others


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The privacy budget of a dataset. `whole` is what it was divided or copied from at first, else itself: they have one budget.

    `spent` is what all spendings tell together, by the limit's delta, and `left` is what is left of the limit. `spendings` are
    those that whoever asks may know of, the latest first; `unseen` counts the others, on datasets that hold the same rows.
    """

    dataset: str
    whole: str
    limit: Limit
    spent: Loss
    left: float
    spendings: tuple[Spending, ...]
    unseen: int
    unbounded: Unbounded


def checked_limit(epsilon: float, delta: float, *, rows: int) -> tuple[float, float]:
    """The epsilon and delta of a budget of so many rows.

    Raises:
        InvalidBudgetError: they promise nothing, or cannot be.
    """
    if not (math.isfinite(epsilon) and 0 < epsilon <= EPSILON_LIMIT):
        raise InvalidBudgetError(
            f"The epsilon of a privacy budget is {epsilon:g}; it is a number above 0 and at most {EPSILON_LIMIT:g}. Up to 1 is "
            "commonly called strong, up to 10 reasonable."
        )
    if not (math.isfinite(delta) and delta > 0 and delta * rows < 1):
        raise InvalidBudgetError(
            f"The delta of a privacy budget is {delta:g}; for {rows:,} rows it lies above 0 and below {1 / rows:.2g}: with a delta "
            "of one part in the number of rows, giving a whole row away would pass for private. Take 1e-6, or a tenth of that."
        )
    return epsilon, delta


def overspent(
    budget: Limit, *, dataset: str, limits: str, now: Loss, alone: Loss, together: Loss, spendings: int
) -> OverspentError:
    """The refusal of what would pass a limit, with the arithmetic; `limits` is whose limit that is."""
    left = max(0.0, budget.epsilon - now.epsilon)
    whose = "Its limit" if limits == dataset else f"The limit of {limits}"
    times = f"{spendings} {'spending' if spendings == 1 else 'spendings'}"
    return OverspentError(
        f"The privacy budget of dataset {dataset!r} does not have that much left, so nothing was answered and nothing spent. "
        f"{whose} is epsilon {budget.epsilon:g} at delta {budget.delta:g}. Spent so far: epsilon {now.epsilon:.4f} ({times}). This "
        f"alone: {alone.epsilon:.4f}. Together: {together.epsilon:.4f}, which is {together.epsilon - budget.epsilon:.4f} too much. "
        f"Left: {left:.4f}. Ask for less, or have who owns the data decide whether its persons can bear more: "
        f"`modelward data budget {dataset} --epsilon NUMBER`."
    )
