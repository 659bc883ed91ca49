# SPDX-License-Identifier: Apache-2.0
"""Decision trees as ONNX holds them, with float32 thresholds that send every float32 row the way the trained trees do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelward.training.graph import Drawing

Indices = npt.NDArray[np.integer[Any]]
Numbers = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One binary tree of n nodes; node 0 is the root. A row goes left where its `feature` is at most the `threshold`.

    `left` and `right` are node numbers; at a leaf `is_leaf` holds, and `values` [n, targets] are what it adds to the targets
    `first_target` and following.
    """

    feature: Indices
    threshold: Numbers
    left: Indices
    right: Indices
    is_leaf: npt.NDArray[np.bool_]
    values: Numbers
    first_target: int = 0


def of_scikit_learn(grown: Any, *, share: float = 1.0) -> Tree:
    """The `tree_` of one of scikit-learn's decision trees; each leaf adds `share` of its class frequencies."""
    frequencies = grown.value[:, 0, :]
    return Tree(
        feature=grown.feature,
        threshold=grown.threshold,
        left=grown.children_left,
        right=grown.children_right,
        is_leaf=grown.children_left < 0,
        values=share * frequencies / frequencies.sum(axis=1, keepdims=True),
    )


def float32_at_most(values: Numbers) -> npt.NDArray[np.float32]:
    """The largest float32 that is not above each value.

    For every float32 `x` and every `t`: `x <= t` exactly where `x <= float32_at_most(t)`. Rounding to the nearest breaks this
    when it rounds up onto a value that occurs in the data.
    """
    exact = np.asarray(values, dtype=np.float64)
    nearest = exact.astype(np.float32)
    return np.where(nearest.astype(np.float64) > exact, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def draw_trees(drawing: Drawing, rows: str, *, trees: Sequence[Tree], base: Numbers) -> str:
    """Add the node that sums the leaves of all `trees` onto `base`; its output is [N, len(base)] float32."""
    attributes: dict[str, Any] = {"n_targets": len(base), "base_values": base.tolist(), "aggregate_function": "SUM"}
    for part in (_node_attributes(trees), _leaf_attributes(trees)):
        attributes |= {name: np.concatenate(values).tolist() for name, values in part.items()}
    modes = np.where(attributes.pop("is_leaf"), b"LEAF", b"BRANCH_LEQ").tolist()
    return drawing.node("TreeEnsembleRegressor", rows, domain="ai.onnx.ml", nodes_modes=modes, post_transform="NONE", **attributes)


def _node_attributes(trees: Sequence[Tree]) -> dict[str, list[npt.NDArray[Any]]]:
    sizes = [len(tree.feature) for tree in trees]
    return {
        "nodes_treeids": [np.full(size, number) for number, size in enumerate(sizes)],
        "nodes_nodeids": [np.arange(size) for size in sizes],
        # A leaf asks nothing; zeros stand where the libraries leave marks of their own.
        "nodes_featureids": [np.where(tree.is_leaf, 0, tree.feature) for tree in trees],
        "nodes_values": [np.where(tree.is_leaf, np.float32(0), float32_at_most(tree.threshold)) for tree in trees],
        "nodes_truenodeids": [np.where(tree.is_leaf, 0, tree.left) for tree in trees],
        "nodes_falsenodeids": [np.where(tree.is_leaf, 0, tree.right) for tree in trees],
        "is_leaf": [tree.is_leaf for tree in trees],
    }


def _leaf_attributes(trees: Sequence[Tree]) -> dict[str, list[npt.NDArray[Any]]]:
    leaves = [np.flatnonzero(tree.is_leaf) for tree in trees]
    widths = [tree.values.shape[1] for tree in trees]
    return {
        "target_treeids": [
            np.full(len(nodes) * width, number) for number, (nodes, width) in enumerate(zip(leaves, widths, strict=True))
        ],
        "target_nodeids": [np.repeat(nodes, width) for nodes, width in zip(leaves, widths, strict=True)],
        "target_ids": [
            np.tile(np.arange(width) + tree.first_target, len(nodes))
            for tree, nodes, width in zip(trees, leaves, widths, strict=True)
        ],
        "target_weights": [tree.values[nodes].astype(np.float32).ravel() for tree, nodes in zip(trees, leaves, strict=True)],
    }
