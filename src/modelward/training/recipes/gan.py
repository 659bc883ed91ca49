# SPDX-License-Identifier: Apache-2.0
"""Generative adversarial network: rows or images that look like those of a class, made anew from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from modelward.registry import AnswerKind
from modelward.training import restoring
from modelward.training.neural import AdversarialLearning, check_installed, check_shape, dense_weights, generator
from modelward.training.recipe import Inputs, MadeWhole, Progress, UnusableInputsError

Side = Annotated[int, Meta(ge=1, le=4096)]


class AdversarialParameters(AdversarialLearning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `gan`."""

    shape: Annotated[
        Annotated[tuple[Side, ...], Meta(min_length=2, max_length=3)] | None,
        Meta(
            description="Height and width of an image, and its channels; the columns lie row by row. None: a row of a table, whose "
            "columns have names."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Adversarial:
    """A generator that learns from a critic, both told the class. It answers with values: an image, or a row in the units and
    categories of the data. The weights of the last epoch are kept, or their running mean.

    Raises:
        MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[AdversarialParameters]] = AdversarialParameters
    answers: ClassVar[AnswerKind] = "values"
    sizes: ClassVar[tuple[str, ...]] = ("hidden",)
    parameters: AdversarialParameters

    def __post_init__(self) -> None:
        check_installed("gan")

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        hidden, width, classes = self.parameters.hidden, inputs.width, len(inputs.classes)
        return dense_weights((self.parameters.noise + classes, *hidden, width)) + dense_weights((width, *hidden, classes + 1))

    def make(self, inputs: Inputs, progress: Progress) -> MadeWhole:
        """See `Recipe.make`.

        Raises:
            UnusableInputsError: the columns do not fill the shape, or a column of an image is a category.
        """
        preparation, shape = inputs.preparation, self.parameters.shape
        if preparation is None:
            raise UnusableInputsError("The recipe 'gan' learns from the columns of a table. Give it one.")
        if shape is None:
            learnable = restoring.fit(inputs.train, preparation)
        else:
            check_shape(shape, inputs.width)
            if preparation.categories:
                raise UnusableInputsError(
                    f"`shape: {[*shape]}` says that the columns are pixels, and {preparation.categories[0].name!r} is a category. "
                    "Exclude it, or leave `shape` out."
                )
            learnable = restoring.fit_image(inputs.train, preparation)
        return generator("gan", inputs, self.parameters, progress, learnable=learnable, shape=shape)
