# SPDX-License-Identifier: Apache-2.0
"""Naive Bayes: scikit-learn's, Gaussian for numbers and Bernoulli for columns of zeros and ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.graph import DOUBLE, Drawing, estimator, softmax
from modelward.training.recipe import FloatMatrix, Inputs, Made, Probabilities, Progress, one_thread

Terms = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


class NaiveBayesParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `naive-bayes`."""

    smoothing: Annotated[float, Meta(gt=0, le=1000, description="Rows added to each count of a column of zeros and ones.")] = 1.0
    variance_floor: Annotated[
        float, Meta(gt=0, le=1, description="Share of the largest variance that is added to every variance.")
    ] = 1e-6


@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """Every column on its own, given the class. Its probabilities tend to 0 and 1 where columns depend on each other."""

    Parameters: ClassVar[type[NaiveBayesParameters]] = NaiveBayesParameters
    parameters: NaiveBayesParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        from sklearn.naive_bayes import BernoulliNB, GaussianNB

        one_thread()
        exact = inputs.train.astype(np.float64)
        is_binary = ((exact == 0) | (exact == 1)).all(axis=0)
        parts: list[tuple[Any, npt.NDArray[np.bool_]]] = []
        if is_binary.any():
            parts.append((BernoulliNB(alpha=self.parameters.smoothing, binarize=None), is_binary))
        if not is_binary.all():
            parts.append((GaussianNB(var_smoothing=self.parameters.variance_floor), ~is_binary))
        for part, columns in parts:
            part.fit(exact[:, columns], inputs.train_labels)
        progress(1.0)
        prior = np.log(np.bincount(inputs.train_labels) / len(inputs.train_labels))

        def predict(rows: FloatMatrix) -> Probabilities:
            joint = [part.predict_joint_log_proba(rows[:, columns].astype(np.float64)) for part, columns in parts]
            return _softmax(sum(joint) - (len(joint) - 1) * prior)

        square, linear, constant = _terms(parts, prior=prior)

        def draw(drawing: Drawing, rows: str) -> str:
            # In float64, as trained: the squares of a narrow column cancel to less than float32 holds.
            wide = drawing.node("Cast", rows, to=DOUBLE)
            squares = drawing.node("MatMul", drawing.node("Mul", wide, wide), drawing.constant(square, np.float64))
            lines = drawing.node("Gemm", wide, drawing.constant(linear, np.float64), drawing.constant(constant, np.float64))
            return softmax(drawing, drawing.node("Add", squares, lines))

        return Made(
            predict=predict,
            graph=lambda: estimator(draw, width=inputs.width, classes=len(inputs.classes)),
            parameters=int(np.count_nonzero(square) + np.count_nonzero(linear) + constant.size),
            notes=(f"{int(is_binary.sum())} columns are Bernoulli, {int((~is_binary).sum())} are Gaussian.",),
        )


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _terms(parts: list[tuple[Any, npt.NDArray[np.bool_]]], *, prior: npt.NDArray[np.float64]) -> Terms:
    """The joint log-probability as one polynomial, x² @ square + x @ linear + constant: [width, K], [width, K], [K]."""
    width, classes = len(parts[0][1]), len(prior)
    square, linear, constant = np.zeros((width, classes)), np.zeros((width, classes)), prior.copy()
    for part, columns in parts:
        if hasattr(part, "var_"):
            square[columns] = (-0.5 / part.var_).T
            linear[columns] = (part.theta_ / part.var_).T
            constant += -0.5 * (np.log(2 * np.pi * part.var_) + part.theta_**2 / part.var_).sum(axis=1)
        else:
            absent = np.log1p(-np.exp(part.feature_log_prob_))
            linear[columns] = (part.feature_log_prob_ - absent).T
            constant += absent.sum(axis=1)
    return square, linear, constant
