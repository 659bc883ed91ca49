# SPDX-License-Identifier: Apache-2.0
"""Rényi differential privacy as Opacus adds it up: what training by it would say of itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from opacus.accountants.analysis.rdp import compute_rdp, get_privacy_spent

from modelward.privacy.mechanism import ORDERS, Mechanism, randomised_response_curve


class OpacusRdpAccountant:
    """Gaussian noise by Opacus; of Laplace noise, which it does not know, the bound of anything that has its epsilon."""

    package = "opacus"

    def epsilon(self, mechanisms: Sequence[Mechanism], *, delta: float) -> float:
        total = np.zeros(len(ORDERS))
        for each in mechanisms:
            if each.kind == "gaussian":
                total += compute_rdp(q=each.sampling, noise_multiplier=each.noise, steps=each.times, orders=[*ORDERS])
            else:
                total += each.times * np.asarray(randomised_response_curve(1 / each.noise, ORDERS))
        # At the ends of the orders the library warns that more of them could say less; what it says holds.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            epsilon, _ = get_privacy_spent(orders=[*ORDERS], rdp=total, delta=delta)
        return max(0.0, float(epsilon))
