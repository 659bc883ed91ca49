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
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.plugins import MissingExtraError
from modelward.serving.explainer import Attribution

if TYPE_CHECKING:
    from modelward.serving.explainer import Columns, Probability

EXACT_FEATURES = 10
PAIRS = 20
_LEAST_PAIRS = 4
_LEAST_ROWS = 10
_BATCH_ROWS = 4096
_CHANCE = Lock()


class ShapleyExplainer:
    """Hands shap a table of numbers: each cell is the place of its value among its feature's, whatever type they have."""

    def least(self, features: int) -> int:
        """See `Explainer.least`."""
        return min(1 << features, _LEAST_PAIRS * (2 * features + 1))

    def explain(self, probability: Probability, row: Columns, background: Columns, *, seed: int, evaluations: int) -> Attribution:
        """See `Explainer.explain`."""
        shap = _shap()
        names = list(row)
        plan = _plan(len(names), len(background[names[0]]), evaluations)
        coded = [np.unique(np.concatenate([row[name], background[name][: plan.rows]]), return_inverse=True) for name in names]
        table = np.stack([places.ravel() for _, places in coded], axis=1).astype(np.float64)

        def of_places(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            whole = places.astype(np.int64)
            parts = [whole[at : at + _BATCH_ROWS] for at in range(0, len(whole), _BATCH_ROWS)]
            columns = ({name: coded[at][0][part[:, at], None] for at, name in enumerate(names)} for part in parts)
            return np.concatenate([probability(each) for each in columns])

        masker = shap.maskers.Independent(table[1:], max_samples=len(table))
        with _kept_chance():
            if plan.is_exact:
                found = shap.explainers.Exact(of_places, masker)(table[:1], max_evals=plan.asked, silent=True)
            else:
                explainer = shap.explainers.Permutation(of_places, masker, seed=seed)
                found = explainer(table[:1], max_evals=plan.asked, silent=True)
        values = [float(value) for value in np.ravel(found.values)]
        return Attribution(
            base=float(np.ravel(found.base_values)[0]),
            contributions=dict(zip(names, values, strict=True)),
            method=plan.method,
            background_rows=plan.rows,
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a row is explained: from how many background rows, and over how many orders; none of them where all coalitions are."""

    features: int
    rows: int
    pairs: int

    @property
    def is_exact(self) -> bool:
        return self.pairs == 0

    @property
    def asked(self) -> int:
        """How many coalitions shap may evaluate."""
        return 1 << self.features if self.is_exact else self.pairs * (2 * self.features + 1)

    @property
    def method(self) -> str:
        how = "every coalition" if self.is_exact else f"{self.pairs} random orders and their reverses"
        return f"interventional Shapley values over {how}"


def _plan(features: int, rows: int, evaluations: int) -> _Plan:
    """Everything where it may be asked for; else fewer orders first, and then fewer background rows."""
    if features <= EXACT_FEATURES and rows << features <= evaluations:
        return _Plan(features, rows, 0)
    an_order = 2 * features + 1
    pairs = min(PAIRS, max(_LEAST_PAIRS, evaluations // (an_order * rows)))
    return _Plan(features, min(rows, max(_LEAST_ROWS, evaluations // (an_order * pairs))), pairs)


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
    if find_spec("shap") is None:
        raise MissingExtraError(
            "Explanations need the package 'shap', which is not installed. Run `pip install 'modelward[explain]'`."
        )
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
