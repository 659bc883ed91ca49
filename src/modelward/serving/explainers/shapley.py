# SPDX-License-Identifier: Apache-2.0
"""Shapley values by the `shap` library (Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", 2017).

A feature is "not known" by taking its value from the background rows, independently of the other features (interventional
Shapley values). Up to `EXACT_FEATURES` features every coalition is evaluated; with more, pairs of a random order and its
reverse are (Mitchell et al., "Sampling Permutations for Shapley Value Estimation", 2022), whose sum is exact as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.serving.explainer import Attribution

if TYPE_CHECKING:
    from modelward.serving.explainer import Columns, Probability

EXACT_FEATURES = 10
PAIRS = 20
_BATCH_ROWS = 4096
_CHANCE = Lock()


class ShapleyExplainer:
    """Hands shap a table of numbers: each cell is the place of its value among its feature's, whatever type they have."""

    def explain(self, probability: Probability, row: Columns, background: Columns, *, seed: int) -> Attribution:
        """See `Explainer.explain`."""
        shap = _shap()
        names = list(row)
        coded = [np.unique(np.concatenate([row[name], background[name]]), return_inverse=True) for name in names]
        table = np.stack([places.ravel() for _, places in coded], axis=1).astype(np.float64)

        def of_places(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            whole = places.astype(np.int64)
            parts = [whole[at : at + _BATCH_ROWS] for at in range(0, len(whole), _BATCH_ROWS)]
            columns = ({name: coded[at][0][part[:, at], None] for at, name in enumerate(names)} for part in parts)
            return np.concatenate([probability(each) for each in columns])

        masker = shap.maskers.Independent(table[1:], max_samples=len(table))
        if len(names) <= EXACT_FEATURES:
            method = "Shapley values over every coalition"
            found = shap.explainers.Exact(of_places, masker)(table[:1], max_evals=1 << len(names), silent=True)
        else:
            method = f"Shapley values over {PAIRS} orders and their reverses"
            with _kept_chance():
                found = shap.explainers.Permutation(of_places, masker, seed=seed)(
                    table[:1], max_evals=PAIRS * (2 * len(names) + 1), silent=True
                )
        values = [float(value) for value in np.ravel(found.values)]
        base = float(np.ravel(found.base_values)[0])
        return Attribution(base=base, contributions=dict(zip(names, values, strict=True)), method=method)


@contextmanager
def _kept_chance() -> Iterator[None]:
    """Shap seeds and draws from numpy's one global generator: it is put back, and nobody here uses it at the same time."""
    with _CHANCE:
        before = np.random.get_state()
        try:
            yield
        finally:
            np.random.set_state(before)


def _shap() -> Any:
    """The library, which takes seconds and hundreds of megabytes to load, so never before somebody asks for it."""
    import numba

    with warnings.catch_warnings(), _CHANCE:
        # Its colour maps call what matplotlib is about to rename; nothing is drawn here.
        warnings.filterwarnings("ignore", r"The set_(bad|over|under) function", PendingDeprecationWarning, r"shap\.plots")
        # Compiling shap's loops takes six seconds at first use, and saves milliseconds a row.
        config: Any = numba.config
        before, config.DISABLE_JIT = config.DISABLE_JIT, True
        try:
            import shap
        finally:
            config.DISABLE_JIT = before
    return shap
