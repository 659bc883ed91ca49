# SPDX-License-Identifier: Apache-2.0
"""How the length of a step changes while a network learns. It follows from the place in the training and from the losses so far,
so that nothing has to be kept of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.training.neural.learning import Learning

# Smith and Topin, "Super-Convergence", 2018: where the rate begins, and the share of the steps over which it rises.
_CYCLE_START, _CYCLE_RISE = 1 / 25, 0.3
_PLATEAU_EPOCHS = 2


def plateaus(losses: Sequence[float]) -> int:
    """How often two epochs in a row were no better than the best before them."""
    best, since, count = math.inf, 0, 0
    for loss in losses:
        best, since = (loss, 0) if loss < best else (best, since + 1)
        if since == _PLATEAU_EPOCHS:
            count, since = count + 1, 0
    return count


def learning_rate(asked: Learning, *, step: int, steps: int, plateaus: int) -> float:
    """The rate of step `step` (from 0) of `steps` in all, after so many `plateaus`."""
    factor = _factor(asked.schedule, step / steps, plateaus)
    if asked.warmup:
        factor *= min(1.0, (step + 1) / (asked.warmup * steps))
    return asked.learning_rate * factor


def _factor(schedule: str, share: float, plateaus: int) -> float:
    match schedule:
        case "cosine":
            return _fall(share)
        case "step":
            return 0.1 ** int(3 * share)
        case "one-cycle" if share < _CYCLE_RISE:
            return 1 - (1 - _CYCLE_START) * _fall(share / _CYCLE_RISE)
        case "one-cycle":
            return _fall((share - _CYCLE_RISE) / (1 - _CYCLE_RISE))
        case "plateau":
            return 0.5**plateaus
        case _:
            return 1.0


def _fall(share: float) -> float:
    """From 1 to 0 along half a wave."""
    return (1 + math.cos(math.pi * share)) / 2
