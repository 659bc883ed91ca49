# SPDX-License-Identifier: Apache-2.0
"""The accountants of the package dp-accounting: privacy loss distributions, and Rényi differential privacy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant as GoogleRdpAccountant

from modelward.privacy.mechanism import ORDERS, Mechanism, randomised_response_curve

PACKAGE = "dp-accounting"


def _event(mechanism: Mechanism) -> Any:
    one: Any
    if mechanism.kind == "gaussian":
        one = dp_event.GaussianDpEvent(mechanism.noise)
    elif mechanism.kind == "laplace":
        one = dp_event.LaplaceDpEvent(mechanism.noise)
    else:
        # With a sensitivity of one step it tells as much as anything of that epsilon can, whatever the step is.
        one = dp_event.DiscreteLaplaceDpEvent(1 / mechanism.noise, 1)
    if mechanism.sampling < 1:
        one = dp_event.PoissonSampledDpEvent(mechanism.sampling, one)
    return dp_event.SelfComposedDpEvent(one, mechanism.times)


class _WithDiscreteLaplace(GoogleRdpAccountant):  # type: ignore[misc] # the package has no types
    """The package's own has no curve for discrete Laplace noise: with a sensitivity of one step, randomised response."""

    def _maybe_compose(self, event: Any, count: int, do_compose: bool) -> Any:  # noqa: FBT001 # the package's signature
        if not isinstance(event, dp_event.DiscreteLaplaceDpEvent):
            return super()._maybe_compose(event, count, do_compose)
        if do_compose:
            self._rdp += count * np.asarray(randomised_response_curve(event.noise_parameter, self._orders))
        return None


class PldAccountant:
    """Adds up distributions of the privacy loss, made discrete so that it never says less than it is. As good as exact."""

    package = PACKAGE

    def epsilon(self, mechanisms: Sequence[Mechanism], *, delta: float) -> float:
        return _composed(PLDAccountant(), mechanisms, delta)


class RdpAccountant:
    """Adds up Rényi divergences of many orders, and takes the best order at the end."""

    package = PACKAGE

    def epsilon(self, mechanisms: Sequence[Mechanism], *, delta: float) -> float:
        # Sampled Laplace noise has no curve in the package; sampling makes it tell less, so that without is a bound.
        known = [each if each.kind == "gaussian" else each.unsampled() for each in mechanisms]
        return _composed(_WithDiscreteLaplace(orders=ORDERS), known, delta)


def _composed(accountant: Any, mechanisms: Sequence[Mechanism], delta: float) -> float:
    for each in mechanisms:
        accountant.compose(_event(each))
    found = float(accountant.get_epsilon(delta))
    return math.inf if math.isnan(found) else found
