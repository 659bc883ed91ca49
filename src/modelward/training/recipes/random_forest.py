# SPDX-License-Identifier: Apache-2.0
"""Random forest: scikit-learn's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from modelward.training.graph import estimator
from modelward.training.recipe import Inputs, Made, Progress, Takes, one_thread
from modelward.training.trees import draw_trees, of_scikit_learn

_TREES_AT_ONCE = 10


class RandomForestParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `random-forest`."""

    trees: Annotated[int, Meta(ge=1, le=2000, description="How many trees vote.")] = 100
    max_depth: Annotated[int, Meta(ge=1, le=60, description="Most questions on the way to a leaf.")] = 14
    min_samples_leaf: Annotated[int, Meta(ge=1, le=1_000_000, description="Fewest training rows in a leaf.")] = 5
    max_features: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | Literal["sqrt"],
        Meta(description="Share of the columns asked at each split, or `sqrt`."),
    ] = "sqrt"
    criterion: Annotated[Literal["gini", "entropy"], Meta(description="What a split should lower.")] = "gini"
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class RandomForest:
    """Trees on resampled rows; the probability is the mean of their leaves."""

    Parameters: ClassVar[type[RandomForestParameters]] = RandomForestParameters
    takes: ClassVar[tuple[Takes, ...]] = ("table", "image")
    parameters: RandomForestParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        trained = self._grow(inputs, progress)
        trees = [of_scikit_learn(one.tree_, share=1 / len(trained.estimators_)) for one in trained.estimators_]
        classes = len(inputs.classes)
        nodes = sum(len(tree.feature) for tree in trees)
        return Made(
            predict=trained.predict_proba,
            graph=lambda: estimator(
                lambda drawing, rows: draw_trees(drawing, rows, trees=trees, base=np.zeros(classes)),
                width=inputs.width,
                classes=classes,
            ),
            parameters=nodes,
            notes=(f"{len(trees)} trees have {nodes:,} nodes.",),
        )

    def _grow(self, inputs: Inputs, progress: Progress) -> Any:
        """Some trees at a time, so that the work can be watched and stopped; the forest is the one grown in one go."""
        from sklearn.ensemble import RandomForestClassifier

        one_thread()
        asked = self.parameters
        forest = RandomForestClassifier(
            max_depth=asked.max_depth,
            min_samples_leaf=asked.min_samples_leaf,
            max_features=asked.max_features,
            criterion=asked.criterion,
            class_weight=inputs.balanced_weights if asked.class_weight else None,
            random_state=inputs.seed,
            n_jobs=1,
            warm_start=True,
        )
        for grown in (*range(_TREES_AT_ONCE, asked.trees, _TREES_AT_ONCE), asked.trees):
            forest.set_params(n_estimators=grown).fit(inputs.train, inputs.train_labels)
            progress(grown / asked.trees)
        return forest
