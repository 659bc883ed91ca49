# SPDX-License-Identifier: Apache-2.0
"""Isolation forest: scikit-learn's. A row that few random questions tell from all others is an anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.detecting import Contamination, Learnable, Normal, Rarity, Scores, learnable
from modelward.training.graph import estimator
from modelward.training.recipe import FloatMatrix, Inputs, Made, Progress, one_thread
from modelward.training.trees import Tree, draw_trees

_TREES_AT_ONCE = 10


class IsolationForestParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `isolation-forest`."""

    normal: Normal = None
    contamination: Contamination = 0.05
    trees: Annotated[int, Meta(ge=1, le=2000, description="How many trees are asked.")] = 200
    max_samples: Annotated[int, Meta(ge=2, le=100_000, description="Rows that each tree is grown on, drawn at random.")] = 256
    max_features: Annotated[float, Meta(gt=0, le=1, description="Share of the columns that each tree may ask.")] = 1.0


@dataclass(frozen=True, slots=True)
class IsolationForest:
    """Trees of random questions (Liu, Ting and Zhou, 2008); the score is how few of them set a row apart, on average."""

    Parameters: ClassVar[type[IsolationForestParameters]] = IsolationForestParameters
    uses_labels: ClassVar[bool] = False
    parameters: IsolationForestParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked = self.parameters
        rows = learnable(inputs, normal=asked.normal)
        grown = self._grow(rows, inputs.seed, progress)
        # Each tree saw few of the rows, so that theirs are hardly other scores than those of new ones; and they are the most.
        rarity = Rarity.fit(_scores(grown, rows.train), contamination=asked.contamination, anomalous=rows.anomalous)
        trees = _trees(grown)
        nodes = sum(len(tree.feature) for tree in trees)
        return Made(
            predict=lambda asked_rows: rarity.probabilities(_scores(grown, asked_rows)),
            graph=lambda: estimator(
                lambda drawing, name: rarity.draw(drawing, draw_trees(drawing, name, trees=trees, base=np.zeros(1))),
                width=inputs.width,
                classes=2,
            ),
            parameters=nodes,
            notes=(
                f"{len(trees)} trees of up to {grown.max_samples_:,} rows have {nodes:,} nodes.",
                rarity.note(inputs, rows, judged=rows.train, contamination=asked.contamination),
            ),
        )

    def _grow(self, rows: Learnable, seed: int, progress: Progress) -> Any:
        """Some trees at a time, so that the work can be watched and stopped; the forest is the one grown in one go."""
        from sklearn.ensemble import IsolationForest as Forest

        one_thread()
        asked = self.parameters
        forest = Forest(
            max_samples=min(asked.max_samples, len(rows.train)),
            max_features=asked.max_features,
            random_state=seed,
            n_jobs=1,
            warm_start=True,
        )
        for grown in (*range(_TREES_AT_ONCE, asked.trees, _TREES_AT_ONCE), asked.trees):
            forest.set_params(n_estimators=grown).fit(rows.train)
            progress(grown / asked.trees)
        return forest


def _scores(forest: Any, rows: FloatMatrix) -> Scores:
    """Minus the mean number of questions, over what it would be among that many rows without any pattern.

    Scikit-learn's score is minus two to the power of it.
    """
    return np.asarray(np.log2(-forest.score_samples(rows)), dtype=np.float64)


def _trees(forest: Any) -> list[Tree]:
    """The trees, whose leaves add up to the score."""
    whole = len(forest.estimators_) * float(_questions(np.array([forest.max_samples_]))[0])
    pairs = zip(forest.estimators_, forest.estimators_features_, strict=True)
    return [_tree(one.tree_, columns, share=-1.0 / (whole or 1.0)) for one, columns in pairs]


def _tree(grown: Any, columns: npt.NDArray[np.int64], *, share: float) -> Tree:
    left, right, is_leaf = grown.children_left, grown.children_right, grown.children_left < 0
    depth = np.zeros(grown.node_count)
    # A node stands before those below it.
    for node in np.flatnonzero(~is_leaf):
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    return Tree(
        feature=np.where(is_leaf, 0, columns[np.where(is_leaf, 0, grown.feature)]),
        threshold=grown.threshold,
        left=left,
        right=right,
        is_leaf=is_leaf,
        values=share * (depth + _questions(grown.n_node_samples))[:, None],
    )


def _questions(rows: npt.NDArray[Any]) -> Scores:
    """How many questions set one of so many rows apart, on average: an unsuccessful search in a binary tree."""
    many = np.maximum(rows, 2).astype(np.float64)
    average = 2.0 * (np.log(np.maximum(many - 1.0, 1.0)) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.asarray(np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, average)), dtype=np.float64)
