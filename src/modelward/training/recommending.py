# SPDX-License-Identifier: Apache-2.0
"""What recipes that recommend have in common: the items of a history may be left out of the answer, and what is left is made
probabilities. Each exists twice, as numpy and as ONNX.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.graph import INT64, Drawing, softmax
from modelward.training.recipe import Inputs, UnusableInputsError

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

BEHIND = 200.0
"""By so much the logit of an item of the history falls: its probability is 0 in float32. Where a history holds all items there are,
all fall alike, and the answer is as if none was left out."""
_REPEATS_TOLD = 0.05


Seen = Annotated[
    Literal["exclude", "keep"],
    Meta(
        description="Whether items of the history are left out of what is recommended: `exclude` where nobody takes one twice, as "
        "with films; `keep` where they do, as with food."
    ),
]


def without_seen(logits: Floats, histories: Codes) -> Floats:
    """The logits [n, K] with those of the items of each history [n, length] far behind."""
    far = np.zeros((len(logits), logits.shape[1] + 2), dtype=np.float32)
    np.put_along_axis(far, histories.astype(np.int64), BEHIND, axis=1)
    return logits - far[:, 1:-1]


def probabilities(logits: Floats) -> Floats:
    """Their softmax [n, K]."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def draw_answer(drawing: Drawing, logits: str, histories: str, *, known: int, seen: Literal["exclude", "keep"]) -> str:
    """The probabilities [N, K] of logits [N, K], those of seen items left out where `seen` says so."""
    if seen == "keep":
        return softmax(drawing, logits)
    places = drawing.node("Cast", histories, to=INT64)
    far = drawing.node("Expand", drawing.constant(np.array([[BEHIND]])), drawing.node("Shape", places))
    behind = drawing.node("ScatterElements", draw_zeros(drawing, histories, width=known + 2), places, far, axis=1)
    bounds = (drawing.constant([bound], np.int64) for bound in (1, known + 1, 1))
    return softmax(drawing, drawing.node("Sub", logits, drawing.node("Slice", behind, *bounds)))


def draw_zeros(drawing: Drawing, histories: str, *, width: int) -> str:
    """Zeros [N, width]."""
    rows = drawing.node("Shape", histories, start=0, end=1)
    shape = drawing.node("Concat", rows, drawing.constant([width], np.int64), axis=0)
    return drawing.node("Expand", drawing.constant(np.zeros((1, 1))), shape)


def check_histories(inputs: Inputs) -> None:
    """Nothing, where the prepared rows are histories of the classes.

    Raises:
        UnusableInputsError: a code is none of theirs.
    """
    largest = len(inputs.classes) + 1
    for rows in (inputs.train, inputs.validation):
        if rows.dtype.kind != "i" or (rows.size and not 0 <= int(rows.min()) <= int(rows.max()) <= largest):
            raise UnusableInputsError(f"A history holds codes from 0 to {largest:,}, and these rows hold others.")


def repeats_note(inputs: Inputs, *, seen: Literal["exclude", "keep"]) -> tuple[str, ...]:
    """What the training rows say of leaving out what was taken before, where they speak against it."""
    again = (inputs.train == inputs.train_labels[:, None] + 1).any(axis=1).mean() if len(inputs.train) else 0.0
    if seen == "keep" or again < _REPEATS_TOLD:
        return ()
    return (
        f"{again:.0%} of the training interactions repeat an item of their history, and those are never recommended: set "
        "`seen: keep` if they should be.",
    )
