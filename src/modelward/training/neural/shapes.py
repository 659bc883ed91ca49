# SPDX-License-Identifier: Apache-2.0
"""Shapes: that of prepared rows for a network that looks at neighbours, an image or steps of a sequence; and what layers weigh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from modelward.training.recipe import UnusableInputsError


def check_shape(shape: Sequence[int], width: int) -> None:
    """Nothing, where `width` prepared columns fill the shape.

    Raises:
        UnusableInputsError: there are more or fewer.
    """
    if math.prod(shape) != width:
        raise UnusableInputsError(
            f"`shape: {[*shape]}` has {math.prod(shape):,} places, and the prepared rows have {width:,} columns (a category "
            "has one for each value). Exclude the columns that do not belong, or give the shape that the others have."
        )


def dense_weights(sizes: Sequence[int]) -> int:
    """How many weights and biases layers of sums have that lead from each size to the next."""
    return sum((before + 1) * after for before, after in pairwise(sizes))
