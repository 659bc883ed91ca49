# SPDX-License-Identifier: Apache-2.0
"""Parity: the graph that will be served answers every row as the trained estimator does, or there is no version."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.errors import RefusedError
from modelward.registry import LABEL
from modelward.training.columns import rows_of
from modelward.training.preparation import Column
from modelward.training.rows import blocks_of

if TYPE_CHECKING:
    import onnxruntime

    from modelward.training.preparer import Preparer
    from modelward.training.recipe import Made

TOLERANCE = 1e-4
TEXTS_TOLERANCE = 0.005
"""The share of rows that may be answered with another text."""
_ROWS_AT_ONCE = 256
_ROWS_NAMED = 10
_FATAL_ONLY = 4


class ParityError(RefusedError):
    """The graph and the trained estimator do not give the same probabilities."""


@dataclass(frozen=True, slots=True)
class ParityReport:
    """How far graph and estimator lie apart: the largest difference of a probability, and the rows beyond the tolerance; of texts
    the rows that are answered with another one. Where two texts are as probable as each other but for the last bits, either may be
    chosen, so a few of these are let pass, and told.

    `worst` is 1.0 where one of the two gave something that is no number.
    """

    rows: int
    worst: float
    differing: tuple[int, ...]
    of_texts: bool = False

    @property
    def told(self) -> dict[str, float]:
        """What a version says of it."""
        if self.of_texts:
            return {"rows": self.rows, "differing_texts": len(self.differing), "tolerance": TEXTS_TOLERANCE}
        return {"rows": self.rows, "largest_difference": self.worst, "tolerance": TOLERANCE}

    def require(self, recipe: str) -> None:
        """Nothing, if no row differs.

        Raises:
            ParityError: some do; the message names the recipe, their number, the first of them and the worst difference.
        """
        if self.of_texts and len(self.differing) <= TEXTS_TOLERANCE * self.rows:
            return
        if self.differing:
            first = ", ".join(map(str, self.differing[:_ROWS_NAMED]))
            raise ParityError(
                f"The recipe {recipe!r} made a graph that differs from its trained estimator in {len(self.differing)} of "
                f"{self.rows} rows (the first: {first}), by up to {self.worst:.2g} where {TOLERANCE:g} is allowed. "
                "No version was made. Try other parameters, and report the recipe with its spec."
            )


def check(graph: bytes, preparation: Preparer, made: Made, columns: Mapping[str, Column]) -> ParityReport:
    """Answer the rows of `columns` with the served graph, preparation included, and with the trained estimator, and compare."""
    wanted, served = _trained(preparation, made, columns), _served(graph, columns)
    if wanted.dtype.kind == "i":
        differing = tuple(np.flatnonzero((served != wanted).any(axis=1)).tolist())
        return ParityReport(rows=len(wanted), worst=float(bool(differing)), differing=differing, of_texts=True)
    differences = np.abs(served.astype(np.float64) - np.asarray(wanted, dtype=np.float64)).max(axis=1, initial=0.0)
    # Not a number is never near anything.
    differences = np.where(np.isfinite(differences), differences, 1.0)
    return ParityReport(
        rows=len(wanted),
        worst=float(differences.max(initial=0.0)),
        differing=tuple(np.flatnonzero(differences > TOLERANCE).tolist()),
    )


def session_of(graph: bytes) -> onnxruntime.InferenceSession:
    """A graph that is ready to answer, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The runtime's own log lines may quote what was asked.
    options.log_severity_level = _FATAL_ONLY
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _trained(preparation: Preparer, made: Made, columns: Mapping[str, Column]) -> npt.NDArray[Any]:
    """What the estimator answers; the rows of images are prepared some at a time."""
    held = next(iter(columns.values()))
    blocks = [*blocks_of(len(held), sum(math.prod(column.shape[1:]) for column in columns.values()))] or [slice(0, 0)]
    return np.concatenate([made.predict(preparation.apply(rows_of(columns, block))) for block in blocks])


def _served(graph: bytes, columns: Mapping[str, Column]) -> npt.NDArray[Any]:
    session = session_of(graph)
    names = [one.name for one in session.get_inputs()]
    rows, output = len(columns[names[0]]), [one.name for one in session.get_outputs() if one.name != LABEL]
    answers = [
        session.run(output, {name: columns[name][start : start + _ROWS_AT_ONCE] for name in names})[0]
        for start in range(0, max(rows, 1), _ROWS_AT_ONCE)
    ]
    return np.concatenate(answers)
