# SPDX-License-Identifier: Apache-2.0
"""Generative adversarial network: rows or images that look like those of a class, made anew from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from modelward.registry import AnswerKind
from modelward.training import restoring
from modelward.training.neural import (
    AdversarialLearning,
    check_installed,
    check_shape,
    dense_weights,
    generator,
    image_weights,
)
from modelward.training.recipe import Inputs, MadeWhole, Progress, Takes, UnusableInputsError

Side = Annotated[int, Meta(ge=1, le=4096)]


class AdversarialParameters(AdversarialLearning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `gan`."""

    shape: Annotated[
        Annotated[tuple[Side, ...], Meta(min_length=2, max_length=3)] | None,
        Meta(
            description="Height and width of an image whose pixels are the columns of a table, row by row, and its channels. None: "
            "what the images have, or a row of a table, whose columns have names."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Adversarial:
    """A generator that learns from a critic, both told the class: layers of sums for tables, convolutions for images. It answers
    with values: an image, or a row in the units and categories of the data. The weights of the last epoch are kept, or their
    running mean.

    Raises:
        MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[AdversarialParameters]] = AdversarialParameters
    takes: ClassVar[tuple[Takes, ...]] = ("table", "image")
    answers: ClassVar[AnswerKind] = "values"
    sizes: ClassVar[tuple[str, ...]] = ("hidden", "channels")
    parameters: AdversarialParameters

    def __post_init__(self) -> None:
        check_installed("gan")

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        asked, classes = self.parameters, len(inputs.classes)
        if shape := self._shape(inputs):
            return image_weights(shape, asked.channels, told=asked.noise + classes, classes=classes)
        sizes = (*asked.hidden, inputs.width)
        return dense_weights((asked.noise + classes, *sizes)) + dense_weights((inputs.width, *asked.hidden, classes + 1))

    def make(self, inputs: Inputs, progress: Progress) -> MadeWhole:
        """See `Recipe.make`.

        Raises:
            UnusableInputsError: the columns do not fill the shape, or a column of an image is a category.
        """
        preparation, shape = inputs.preparation, self._shape(inputs)
        if shape:
            learnable = restoring.fit_image(inputs.train, preparation)
        elif preparation is None:
            raise UnusableInputsError("The recipe 'gan' learns from the columns of a table, or from images. Give it one of these.")
        else:
            learnable = restoring.fit(inputs.train, preparation)
        return generator("gan", inputs, self.parameters, progress, learnable=learnable, shape=shape)

    def _shape(self, inputs: Inputs) -> tuple[int, ...]:
        """Height and width of an image, and its channels where it has several; nothing of a table.

        Raises:
            UnusableInputsError: see `make`.
        """
        if (asked := self.parameters.shape) is None:
            return inputs.shape[:2] if inputs.shape[2:] == (1,) else inputs.shape
        check_shape(asked, inputs.width)
        categories = inputs.preparation.categories if inputs.preparation else ()
        if categories:
            raise UnusableInputsError(
                f"`shape: {[*asked]}` says that the columns are pixels, and {categories[0].name!r} is a category. Exclude it, or "
                "leave `shape` out."
            )
        return asked
