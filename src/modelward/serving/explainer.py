# SPDX-License-Identifier: Apache-2.0
"""An explainer says what each feature of one row adds to one probability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]
    Probability: TypeAlias = Callable[[Columns], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """`base` is the mean probability over the background; `contributions` are what each feature adds to it, in the same unit.
    `background_rows` says how many rows of the background were used.
    """

    base: float
    contributions: dict[str, float]
    method: str
    background_rows: int

    @classmethod
    def of_nothing(cls, probability: float) -> Attribution:
        """Where a row has nothing that could add anything, such as a text without characters."""
        return cls(base=probability, contributions={}, method="nothing to vary", background_rows=0)


class Explainer(Protocol):
    """Explains one row of one model, of which it knows nothing but its answers.

    Features are the named inputs, never columns made of them. Contributions MUST add up, with the base, to the probability of
    the row (to within 1e-4), MUST be 0 for a feature that changes no answer, and MUST be the same for the same seed and the same
    allowance of evaluations.
    """

    def least(self, features: int) -> int:
        """For how many rows `explain` asks at the least, where a row has so many features and the background is one row."""
        ...

    def explain(self, probability: Probability, row: Columns, background: Columns, *, seed: int, evaluations: int) -> Attribution:
        """Attribute `probability(row)`. `row` has one row, `background` the rows that stand for "this feature is not known".

        `evaluations` is about how many rows may be asked for: a slow model is explained from fewer, and `method` says so.
        """
        ...
