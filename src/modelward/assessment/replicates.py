# SPDX-License-Identifier: Apache-2.0
"""What a version's qualities were on each bootstrap replicate, kept as evidence so that versions can be compared pair by pair.

Two versions measured on the same rows were measured on the same replicates. The difference of their figures on each tells what
no two intervals side by side tell: how sure the difference is.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from modelward.assessment.intervals import Floats, paired
from modelward.digest import sha256_hex


def replicates_file(assessor: str) -> str:
    """The path of an assessor's replicates."""
    return f"evidence/{assessor}.replicates.json"


class Replicates(msgspec.Struct, frozen=True):
    """Figures by measure, B of each, null where undefined. `drawn` tells by which rows: equal ones were drawn alike."""

    drawn: str
    figures: dict[str, list[float | None]]

    @classmethod
    def of(cls, figures: Mapping[str, Floats], *, places: Floats) -> Replicates:
        """Of figures [B] by measure, where the replicates drew rows whose places sum up to `places` [B]."""
        drawn = sha256_hex(places.astype("<i8").tobytes())
        return cls(drawn, {measure: [_short(value) for value in values.tolist()] for measure, values in figures.items()})

    def interval(self, other: Replicates, measure: str, *, difference: float) -> tuple[float, float] | None:
        """The 95 % interval of `difference`, by which this version's figure is above the other's; None where nothing pairs."""
        if self.drawn != other.drawn or measure not in self.figures or measure not in other.figures:
            return None
        return paired(difference, _array(self.figures[measure]), _array(other.figures[measure]))


def _short(value: float) -> float | None:
    return float(f"{value:.7g}") if np.isfinite(value) else None


def _array(values: list[float | None]) -> Floats:
    return np.array(values, dtype=np.float64)
