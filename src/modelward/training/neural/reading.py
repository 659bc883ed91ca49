# SPDX-License-Identifier: Apache-2.0
"""What a spec can say about how a network reads a text. The parameters of networks that take texts inherit from here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from msgspec import Meta

from modelward.training.neural.classifying import Alter
from modelward.training.neural.learning import ClassifierLearning
from modelward.training.neural.randomness import Randomness
from modelward.training.recipe import Inputs, Takes, UnusableInputsError

Share = Annotated[float, Meta(ge=0, le=0.5)]


class Reading(ClassifierLearning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the loop where it trains a classifier that may read texts."""

    longest: Annotated[
        int, Meta(ge=1, le=8, description="Of a text: characters of the longest sequences that are read as one.")
    ] = 4
    buckets: Annotated[
        int,
        Meta(
            ge=16, le=4_000_000, description="Of a text: how many sequences of characters can be told apart, about; others share."
        ),
    ] = 32_768
    embedding: Annotated[int, Meta(ge=1, le=512, description="Of a text: numbers that stand for a sequence of characters.")] = 32
    steps: Annotated[
        int,
        Meta(
            ge=1,
            le=4096,
            description="Of a text or a series: most steps that are made of it; where it is longer, neighbours share one.",
        ),
    ] = 128
    drop_characters: Annotated[
        Share, Meta(description="Of a text: share of its characters that are left out, anew each time it is learnt from.")
    ] = 0.0
    swap_characters: Annotated[Share, Meta(description="Of a text: share of its characters that change places with the next.")] = (
        0.0
    )
    drop_words: Annotated[
        Share, Meta(description="Of a text: share of its words that are left out; where a script has no spaces, of its characters.")
    ] = 0.0

    @property
    def changes_texts(self) -> bool:
        """Whether texts are changed while they are learnt from."""
        return max(self.drop_characters, self.swap_characters, self.drop_words) > 0

    def window(self, length: int) -> int:
        """How many characters, or steps of a series, share a step."""
        return -(-length // self.steps)


def step_shape(asked: Reading, inputs: Inputs, *, shape: tuple[int, int]) -> tuple[int, int]:
    """How many steps a network takes of each row, and how many values each has; of a table that is `shape`."""
    if inputs.taken == "text":
        return -(-inputs.width // asked.window(inputs.width)), asked.embedding
    if inputs.taken == "series":
        given, values = inputs.shape
        window = asked.window(given)
        return -(-given // window), window * (values - 1)
    return shape


def read_weights(asked: Reading, inputs: Inputs) -> int:
    """How many weights stand between the rows and their steps."""
    return asked.buckets * asked.embedding if inputs.taken == "text" else 0


_OWN = (name for name in Reading.__struct_fields__ if name not in ClassifierLearning.__struct_fields__)
# What not all material has a use for.
_FOR: dict[str, tuple[Takes, ...]] = {
    **dict.fromkeys(_OWN, ("text",)),
    "steps": ("text", "series"),
    "shape": ("table",),
}


def altering(asked: Reading, inputs: Inputs) -> Callable[[Randomness], Alter] | None:
    """What changes texts while they are learnt from, where that is asked for."""
    if inputs.taken != "text" or not asked.changes_texts:
        return None

    def alter(randomness: Randomness) -> Alter:
        from modelward.training.neural.editing import edited

        return partial(edited, how=asked, noise=randomness.noise)

    return alter


def check_asked(asked: Reading, taken: Takes) -> None:
    """Nothing, where no parameter is set that is for other material than is taken.

    Raises:
        UnusableInputsError: one is; the message names it.
    """
    defaults: Any = type(asked)()
    for name in type(asked).__struct_fields__:
        kinds = _FOR.get(name, (taken,))
        if taken not in kinds and getattr(asked, name) != getattr(defaults, name):
            raise UnusableInputsError(f"`{name}` is for a {' or a '.join(kinds)}, and this data is a {taken}. Leave it out.")
