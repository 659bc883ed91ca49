# SPDX-License-Identifier: Apache-2.0
"""Logistic regression: scikit-learn's, multinomial where there are more than two classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.block_solver import solve
from modelward.training.graph import draw_linear, estimator, softmax
from modelward.training.recipe import Inputs, Made, Probabilities, Progress, Rows, Takes, UnusableInputsError, one_thread
from modelward.training.rows import UnmadeRows, unmade


class LogisticRegressionParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `logistic-regression`."""

    C: Annotated[float, Meta(gt=0, le=1e6, description="Inverse strength of the penalty on the weights.")] = 1.0
    l1_ratio: Annotated[
        float, Meta(ge=0, le=1, description="Share of L1 in the penalty; above 0 the slower solver `saga` is used.")
    ] = 0.0
    iterations: Annotated[int, Meta(ge=1, le=100_000, description="Most steps of the solver.")] = 1000
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """Linear in the prepared columns; solved in float64."""

    Parameters: ClassVar[type[LogisticRegressionParameters]] = LogisticRegressionParameters
    takes: ClassVar[tuple[Takes, ...]] = ("table", "image", "series")
    parameters: LogisticRegressionParameters

    streams: ClassVar[bool] = True

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        one_thread()
        rows = unmade(inputs.train)
        fitted = self._in_memory(inputs) if rows is None else self._in_streams(rows, inputs, progress)
        progress(1.0)
        note = f"The solver took {fitted.steps} steps."
        if fitted.steps >= self.parameters.iterations:
            note = f"The solver stopped at {fitted.steps} steps, before it had converged. Raise iterations, or lower C."
        return Made(
            predict=fitted.predict,
            graph=lambda: estimator(
                lambda drawing, given: softmax(drawing, draw_linear(drawing, given, weights=fitted.weights, biases=fitted.biases)),
                width=inputs.width,
                classes=len(inputs.classes),
            ),
            parameters=fitted.weights.size + fitted.biases.size,
            notes=(note,)
            if rows is None
            else (note, "The rows were too many for a matrix; the solver went through them in blocks."),
        )

    def _in_memory(self, inputs: Inputs) -> _Fitted:
        from sklearn import linear_model
        from sklearn.exceptions import ConvergenceWarning

        # Said in the notes of the run instead, with what to do about it.
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        asked = self.parameters
        trained = linear_model.LogisticRegression(
            C=asked.C,
            l1_ratio=asked.l1_ratio,
            solver="saga" if asked.l1_ratio > 0 else "lbfgs",
            max_iter=asked.iterations,
            class_weight=asked.class_weight,
            random_state=inputs.seed,
        ).fit(inputs.train.astype(np.float64), inputs.train_labels)
        return _Fitted(
            weights=trained.coef_,
            biases=trained.intercept_,
            steps=int(trained.n_iter_.max()),
            predict=lambda rows: trained.predict_proba(rows.astype(np.float64)),
        )

    def _in_streams(self, rows: UnmadeRows, inputs: Inputs, progress: Progress) -> _Fitted:
        asked = self.parameters
        if asked.l1_ratio > 0:
            raise UnusableInputsError(
                f"l1_ratio: the solver for L1 needs all {len(rows):,} rows in memory, and they are too many for a matrix. Leave it "
                "out, or learn from fewer rows."
            )
        # How many steps there will be nobody knows; most rows need some dozens.
        solved = solve(
            rows,
            inputs,
            weights=inputs.row_weights(asked.class_weight),
            strength=asked.C,
            steps=asked.iterations,
            told=lambda step: progress(1 - 0.95**step, f"step {step}"),
        )
        return _Fitted(weights=solved.weights, biases=solved.biases, steps=solved.steps, predict=solved.probabilities)


@dataclass(frozen=True, slots=True)
class _Fitted:
    weights: npt.NDArray[np.float64]
    biases: npt.NDArray[np.float64]
    steps: int
    predict: Callable[[Rows], Probabilities]
