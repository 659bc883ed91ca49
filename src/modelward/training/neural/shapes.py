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


def halved(side: int, *, is_up: bool = False) -> int:
    """Half of a side, rounded down, or up where `is_up`; never less than one pixel."""
    return max(1, (side + is_up) // 2)


def image_weights(shape: Sequence[int], filters: Sequence[int], *, told: int, classes: int) -> int:
    """How many weights and biases a generator of images and its critic have; noise and class are so many numbers as are `told`."""
    count, seen, smallest, before = 0, shape[:2], shape[:2], (*shape, 1)[2]
    for after in filters:
        # The generator's convolution has a bias for each channel that it gives, the critic's too.
        count += sum(before * after * math.prod(1 if side == 1 else 4 for side in sides) for sides in (seen, smallest))
        count += before + after
        seen, smallest = [halved(side) for side in seen], [halved(side, is_up=True) for side in smallest]
        before = after
    seen_numbers = math.prod(seen) * before
    return count + dense_weights((told, math.prod(smallest) * before)) + (classes + 1) * seen_numbers + 1
