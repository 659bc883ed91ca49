# SPDX-License-Identifier: Apache-2.0
"""Decision tree: scikit-learn's CART."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from modelward.training.graph import estimator
from modelward.training.recipe import Inputs, Made, Progress, one_thread
from modelward.training.trees import draw_trees, of_scikit_learn


class DecisionTreeParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `decision-tree`."""

    max_depth: Annotated[int, Meta(ge=1, le=60, description="Most questions on the way to a leaf.")] = 8
    min_samples_leaf: Annotated[int, Meta(ge=1, le=1_000_000, description="Fewest training rows in a leaf.")] = 20
    criterion: Annotated[Literal["gini", "entropy"], Meta(description="What a split should lower.")] = "gini"
    pruning: Annotated[float, Meta(ge=0, le=1, description="Cost of a leaf in minimal cost-complexity pruning.")] = 0.0
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class DecisionTree:
    """One tree that can be read and drawn."""

    Parameters: ClassVar[type[DecisionTreeParameters]] = DecisionTreeParameters
    parameters: DecisionTreeParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        from sklearn.tree import DecisionTreeClassifier

        one_thread()
        asked = self.parameters
        trained = DecisionTreeClassifier(
            max_depth=asked.max_depth,
            min_samples_leaf=asked.min_samples_leaf,
            criterion=asked.criterion,
            ccp_alpha=asked.pruning,
            class_weight=asked.class_weight,
            random_state=inputs.seed,
        ).fit(inputs.train, inputs.train_labels)
        progress(1.0)
        grown = trained.tree_
        tree = of_scikit_learn(grown)
        classes = len(inputs.classes)
        return Made(
            predict=trained.predict_proba,
            graph=lambda: estimator(
                lambda drawing, rows: draw_trees(drawing, rows, trees=[tree], base=np.zeros(classes)),
                width=inputs.width,
                classes=classes,
            ),
            parameters=int(grown.node_count),
            notes=(f"The tree has {grown.n_leaves} leaves and is {grown.max_depth} questions deep.",),
        )
