# SPDX-License-Identifier: Apache-2.0
"""How often a model is asked for an explanation: as often as the time allows that its own pace leaves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.registry import OpenVersion
    from modelward.serving.explainer import Columns

SECONDS = 1.0
"""A row is explained in about this time, where that is enough."""
MOST_SECONDS = 30.0
"""So long a request may take whose rows are explained by their parts."""
PARTS = (64, 16, 4)
"""So many parts of a text, an image, a history or a series are told apart; fewer where the model is slow."""
_FEWEST_EVALUATIONS = 1 << 11
_MOST_EVALUATIONS = 1 << 17
_SLOW_SECONDS = 0.02


class TooSlowError(InvalidError):
    """The model answers so slowly that an explanation would keep others waiting."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many parts of a row are told apart at the most, and for about how many rows the model is asked."""

    parts: int
    evaluations: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a model takes for a row."""

    row_seconds: float

    @classmethod
    def of(cls, opened: OpenVersion, rows: Columns) -> Pace:
        """Measured on one of the rows, and where that is quick on all of them."""
        one = {name: values[:1] for name, values in rows.items()}
        # The first answer takes longer than those that follow.
        opened.predict(one)
        alone = _seconds(opened, one)
        if alone > _SLOW_SECONDS:
            return cls(alone)
        return cls(max(_seconds(opened, rows) / len(next(iter(rows.values()))), 1e-9))

    def of_features(self) -> int:
        """The evaluations for a row of a table."""
        return min(_MOST_EVALUATIONS, max(_FEWEST_EVALUATIONS, self._affordable(SECONDS)))

    def of_parts(self, rows: int, *, least: Callable[[int], int], name: str) -> Plan:
        """The plan for each of so many rows that are explained by their parts; `least` says what so many of them take.

        Raises:
            TooSlowError: even the fewest parts would take too long. So far nothing was explained.
        """
        most = self._affordable(MOST_SECONDS / rows)
        parts = next((count for count in PARTS if least(count) <= most), None)
        if parts is None:
            raise TooSlowError(self._refusal(rows, asked=least(PARTS[-1]), name=name))
        usual = max(_FEWEST_EVALUATIONS, self._affordable(SECONDS))
        return Plan(parts, min(_MOST_EVALUATIONS, usual, most))

    def _affordable(self, seconds: float) -> int:
        """A power of two, so that measuring again seldom changes it."""
        return 1 << int(math.log2(max(seconds / self.row_seconds, 1)))

    def _refusal(self, rows: int, *, asked: int, name: str) -> str:
        fitting = int(MOST_SECONDS / (2 * asked * self.row_seconds))
        instead = f"Send at most {fitting} at once" if fitting else "Ask for its answer alone, or serve it on a faster machine"
        return (
            f"{name} takes about {self.row_seconds:.2g} s for one row, and to explain {rows} it would be asked for "
            f"{rows * asked:,}: longer than the {MOST_SECONDS:g} s that an explanation may take. {instead}."
        )


def _seconds(opened: OpenVersion, rows: Columns) -> float:
    began = time.perf_counter()
    opened.predict(rows)
    return time.perf_counter() - began
