# SPDX-License-Identifier: Apache-2.0
"""Gradient boosting: scikit-learn's histogram gradient boosting, stopped early by the validation rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from modelward.training.graph import estimator, softmax
from modelward.training.recipe import Inputs, Made, Progress, one_thread
from modelward.training.trees import Tree, draw_trees


class GradientBoostingParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `gradient-boosting`."""

    rounds: Annotated[int, Meta(ge=1, le=5000, description="Most rounds; each adds a tree, or one a class beyond two.")] = 300
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="Share of each tree that is added.")] = 0.1
    max_leaf_nodes: Annotated[int, Meta(ge=2, le=1024, description="Most leaves of a tree.")] = 31
    max_depth: Annotated[
        Annotated[int, Meta(ge=1, le=60)] | None, Meta(description="Most questions on the way to a leaf; none sets no limit.")
    ] = None
    min_samples_leaf: Annotated[int, Meta(ge=1, le=1_000_000, description="Fewest training rows in a leaf.")] = 20
    l2: Annotated[float, Meta(ge=0, le=1e6, description="L2 penalty on the leaves.")] = 0.0
    patience: Annotated[int, Meta(ge=1, le=1000, description="Rounds without a better validation loss before it stops.")] = 10
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class GradientBoosting:
    """Trees that each correct the sum of those before."""

    Parameters: ClassVar[type[GradientBoostingParameters]] = GradientBoostingParameters
    parameters: GradientBoostingParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        trained = self._boost(inputs)
        progress(1.0)
        classes = len(inputs.classes)
        # Two classes are one score, for the second; its softmax against a constant 0 is the logistic function.
        start = np.zeros(classes)
        start[-trained.n_trees_per_iteration_ :] = trained._baseline_prediction.ravel()  # noqa: SLF001  nowhere else to be had
        trees = _trees(trained, first_target=classes - trained.n_trees_per_iteration_)
        return Made(
            predict=trained.predict_proba,
            graph=lambda: estimator(
                lambda drawing, rows: softmax(drawing, draw_trees(drawing, rows, trees=trees, base=start)),
                width=inputs.width,
                classes=classes,
            ),
            parameters=sum(len(tree.feature) for tree in trees),
            notes=(self._note(trained.n_iter_, has_validation=inputs.has_validation),),
            curves=_curves(trained),
        )

    def _boost(self, inputs: Inputs) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        one_thread()
        asked = self.parameters
        validation = {"X_val": inputs.validation, "y_val": inputs.validation_labels} if inputs.has_validation else {}
        return HistGradientBoostingClassifier(
            max_iter=asked.rounds,
            learning_rate=asked.learning_rate,
            max_leaf_nodes=asked.max_leaf_nodes,
            max_depth=asked.max_depth,
            min_samples_leaf=asked.min_samples_leaf,
            l2_regularization=asked.l2,
            early_stopping=inputs.has_validation,
            n_iter_no_change=asked.patience,
            class_weight=asked.class_weight,
            random_state=inputs.seed,
        ).fit(inputs.train, inputs.train_labels, **validation)

    def _note(self, rounds: int, *, has_validation: bool) -> str:
        if not has_validation:
            return f"There were no validation rows to stop by; it ran all {rounds} rounds."
        if rounds < self.parameters.rounds:
            return f"It stopped after round {rounds}: {self.parameters.patience} rounds had not lowered the validation loss."
        return f"It ran all {rounds} rounds; the validation loss was still falling. Raise rounds."


def _trees(trained: Any, *, first_target: int) -> list[Tree]:
    # scikit-learn shows its trees nowhere in public; the parity check stands behind this reading of them.
    rounds = trained._predictors  # noqa: SLF001
    return [
        Tree(
            feature=predictor.nodes["feature_idx"],
            threshold=predictor.nodes["num_threshold"],
            left=predictor.nodes["left"].astype(np.int64),
            right=predictor.nodes["right"].astype(np.int64),
            is_leaf=predictor.nodes["is_leaf"].astype(bool),
            values=predictor.nodes["value"].reshape(-1, 1),
            first_target=first_target + place,
        )
        for predictors in rounds
        for place, predictor in enumerate(predictors)
    ]


def _curves(trained: Any) -> dict[str, tuple[float, ...]]:
    """The losses after each round; scikit-learn keeps scores, which are to be high, and first one of no round."""
    curves = {"training_loss": trained.train_score_, "validation_loss": trained.validation_score_}
    return {name: tuple(float(-score) for score in scores[1:]) for name, scores in curves.items() if len(scores)}
