# SPDX-License-Identifier: Apache-2.0
"""Support vector machine: scikit-learn's linear one, on the columns or on Nyström features of an RBF kernel, calibrated."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.graph import DOUBLE, FLOAT, Drawing, draw_linear, estimator, softmax
from modelward.training.recipe import Inputs, Made, Progress, Takes, UnusableInputsError, one_thread

_FOLDS = 3


class SupportVectorMachineParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `svm`."""

    C: Annotated[float, Meta(gt=0, le=1e6, description="Inverse strength of the penalty on the weights.")] = 0.1
    kernel: Annotated[
        Literal["linear", "rbf"],
        Meta(description="`rbf` is approximated by Nyström's method, so that it is feasible on many rows."),
    ] = "linear"
    gamma: Annotated[
        Annotated[float, Meta(gt=0, le=1e6)] | None,
        Meta(description="Width of the kernel `rbf`; none means 1 / (columns * variance)."),
    ] = None
    components: Annotated[
        int, Meta(ge=2, le=2000, description="Training rows, drawn with the seed, that the kernel `rbf` compares with.")
    ] = 200
    iterations: Annotated[int, Meta(ge=1, le=100_000, description="Most steps of the solver.")] = 1000
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class SupportVectorMachine:
    """The widest margin; Platt's sigmoid, fitted on held-out folds, makes its distance a probability."""

    Parameters: ClassVar[type[SupportVectorMachineParameters]] = SupportVectorMachineParameters
    takes: ClassVar[tuple[Takes, ...]] = ("table", "image")
    parameters: SupportVectorMachineParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        kernel = self._kernel(inputs) if self.parameters.kernel == "rbf" else None
        lift: Callable[[Any], Any] = kernel.transform if kernel else lambda rows: rows
        progress(0.1)
        trained, notes = self._fit(lift(inputs.train.astype(np.float64)), inputs)
        progress(1.0)
        if kernel:
            notes += (f"The kernel is approximated with {len(kernel.components_)} training rows, which are part of the model.",)
        weights, biases = _logits(trained.calibrated_classifiers_[0])
        stored = weights.size + biases.size + (kernel.components_.size + kernel.normalization_.size if kernel else 0)

        def draw(drawing: Drawing, rows: str) -> str:
            if kernel is None:
                return _draw_sigmoids(drawing, rows, weights=weights, biases=biases)
            near = _draw_rbf(drawing, rows, landmarks=kernel.components_, gamma=kernel.gamma)
            # The normalisation is linear, so it is folded into the weights.
            return _draw_sigmoids(drawing, near, weights=weights @ kernel.normalization_, biases=biases, dtype=np.float64)

        return Made(
            predict=lambda rows: trained.predict_proba(lift(rows.astype(np.float64))),
            graph=lambda: estimator(draw, width=inputs.width, classes=len(inputs.classes)),
            parameters=int(stored),
            notes=notes,
        )

    def _kernel(self, inputs: Inputs) -> Any:
        from sklearn.kernel_approximation import Nystroem

        one_thread()
        exact = inputs.train.astype(np.float64)
        gamma = self.parameters.gamma or 1.0 / (inputs.width * float(exact.var()) or 1.0)
        components = min(self.parameters.components, len(exact))
        return Nystroem(kernel="rbf", gamma=gamma, n_components=components, random_state=inputs.seed).fit(exact)

    def _fit(self, rows: npt.NDArray[np.float64], inputs: Inputs) -> tuple[Any, tuple[str, ...]]:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import LinearSVC

        one_thread()
        # Said in the notes of the run instead, with what to do about it.
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        rarest = int(np.bincount(inputs.train_labels).min())
        if rarest < 2:
            raise UnusableInputsError(
                "A class has a single training row, and the calibration of `svm` needs two. Leave it out, or choose another recipe."
            )
        margin = LinearSVC(
            C=self.parameters.C,
            max_iter=self.parameters.iterations,
            dual=False,
            random_state=inputs.seed,
        )
        trained = CalibratedClassifierCV(margin, method="sigmoid", cv=min(_FOLDS, rarest), ensemble=False, n_jobs=1)
        # As weights of the rows they reach the calibration too, which would undo weights that the margin alone knows.
        weights = inputs.balanced_weights if self.parameters.class_weight else {}
        trained.fit(rows, inputs.train_labels, sample_weight=[weights.get(int(label), 1.0) for label in inputs.train_labels])
        steps = int(np.max(trained.calibrated_classifiers_[0].estimator.n_iter_))
        if steps >= self.parameters.iterations:
            return trained, (f"The solver stopped at {steps} steps, before it had converged. Raise iterations, or lower C.",)
        return trained, (f"The solver took {steps} steps.",)


def _logits(calibrated: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Margin and calibration together: 1 / (1 + exp(a f + b)) with f linear is the sigmoid of another linear function."""
    slopes = np.array([sigmoid.a_ for sigmoid in calibrated.calibrators])
    offsets = np.array([sigmoid.b_ for sigmoid in calibrated.calibrators])
    margin = calibrated.estimator
    return -slopes[:, None] * margin.coef_, -(slopes * margin.intercept_ + offsets)


def _draw_sigmoids(drawing: Drawing, rows: str, *, weights: Any, biases: Any, dtype: npt.DTypeLike = np.float32) -> str:
    """Two classes: a softmax against 0. More: a sigmoid for each class, made to sum to 1."""
    logits = draw_linear(drawing, rows, weights=weights, biases=biases, dtype=dtype)
    if len(weights) == 1:
        return softmax(drawing, logits)
    each = drawing.node("Sigmoid", logits)
    total = drawing.node("ReduceSum", each, drawing.constant([1], np.int64), keepdims=1)
    return drawing.node("Cast", drawing.node("Div", each, total), to=FLOAT)


def _draw_rbf(drawing: Drawing, rows: str, *, landmarks: npt.NDArray[np.float64], gamma: float) -> str:
    """exp(-gamma |x - landmark|²) in float64 [N, landmarks]: the weights behind it are large and nearly cancel."""
    wide = drawing.node("Cast", rows, to=DOUBLE)
    own = drawing.node("ReduceSumSquare", wide, drawing.constant([1], np.int64), keepdims=1)
    cross = drawing.node(
        "Gemm",
        wide,
        drawing.constant(2 * gamma * landmarks.T, np.float64),
        drawing.constant(-gamma * (landmarks**2).sum(axis=1), np.float64),
    )
    return drawing.node("Exp", drawing.node("Sub", cross, drawing.node("Mul", own, drawing.constant(gamma, np.float64))))
