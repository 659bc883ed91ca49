# SPDX-License-Identifier: Apache-2.0
"""Logistic regression: scikit-learn's, multinomial where there are more than two classes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from modelward.training.graph import draw_linear, estimator, softmax
from modelward.training.recipe import Inputs, Made, Progress, one_thread


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
    parameters: LogisticRegressionParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        from sklearn import linear_model
        from sklearn.exceptions import ConvergenceWarning

        one_thread()
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
        progress(1.0)
        steps = int(trained.n_iter_.max())
        note = f"The solver took {steps} steps."
        if steps >= asked.iterations:
            note = f"The solver stopped at {steps} steps, before it had converged. Raise iterations, or lower C."
        return Made(
            predict=lambda rows: trained.predict_proba(rows.astype(np.float64)),
            graph=lambda: estimator(
                lambda drawing, rows: softmax(
                    drawing, draw_linear(drawing, rows, weights=trained.coef_, biases=trained.intercept_)
                ),
                width=inputs.width,
                classes=len(inputs.classes),
            ),
            parameters=trained.coef_.size + trained.intercept_.size,
            notes=(note,),
        )
