# SPDX-License-Identifier: Apache-2.0
"""Convolutional network: small filters that look at neighbouring places, for images, also those that lie in a table, one column a
pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from modelward.training.graph import Drawing
from modelward.training.neural import (
    Activation,
    Alter,
    ClassifierLearning,
    Randomness,
    check_installed,
    check_shape,
    classifier,
    dense_weights,
    draw_activated,
)
from modelward.training.recipe import Inputs, Made, Progress, Takes
from modelward.training.rows import Spread

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.pictures import Pictures

Side = Annotated[int, Meta(ge=1, le=4096)]
Channels = Annotated[int, Meta(ge=1, le=1024)]


class ConvolutionalParameters(ClassifierLearning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `cnn`."""

    shape: Annotated[
        Annotated[tuple[Side, ...], Meta(min_length=2, max_length=3)] | None,
        Meta(
            description="Height and width of the image, and its channels; the columns lie row by row. None: what the images have, "
            "or of a table one row of pixels."
        ),
    ] = None
    channels: Annotated[
        tuple[Channels, ...],
        Meta(min_length=1, max_length=8, description="Filters of each block; behind each block the image has half the side."),
    ] = (32, 64)
    layers: Annotated[int, Meta(ge=1, le=8, description="Convolutions in a block.")] = 1
    kernel: Annotated[Literal[1, 3, 5, 7], Meta(description="Side of a filter.")] = 3
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], ...], Meta(max_length=8, description="Units of each layer behind the blocks.")
    ] = (64,)
    activation: Activation = "relu"
    shift: Annotated[
        int,
        Meta(
            ge=0,
            le=64,
            description="Most pixels by which an image is moved, each way, anew each time it is learnt from; its edges are "
            "continued.",
        ),
    ] = 0
    rotate: Annotated[float, Meta(ge=0, le=180, description="Most degrees by which it is turned, each way.")] = 0.0
    crop: Annotated[
        float, Meta(ge=0, le=0.9, description="Most of its sides that is cut off; what is left is drawn up to the whole size.")
    ] = 0.0
    flip: Annotated[bool, Meta(description="Whether half of the images are mirrored, left to right.")] = False
    cutout: Annotated[float, Meta(ge=0, lt=1, description="Side of a square that is blanked, as a share of the image's.")] = 0.0
    noise: Annotated[float, Meta(ge=0, le=10, description="Spread of what is added to each pixel, in spreads of all pixels.")] = 0.0


@dataclass(frozen=True, slots=True)
class Convolutional:
    """Convolutions, normalised over each batch, then activated; the largest of each two by two goes on. The best epoch by the
    validation loss is kept.

    Raises:
        MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[ConvolutionalParameters]] = ConvolutionalParameters
    takes: ClassVar[tuple[Takes, ...]] = ("table", "image")
    streams: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("channels", "hidden")
    parameters: ConvolutionalParameters

    def __post_init__(self) -> None:
        check_installed("cnn")

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        asked = self.parameters
        *sides, values = shape = (*(asked.shape or inputs.shape or (1, inputs.width)), 1)[:3]
        # A shape that is not the columns' would make the sums behind the blocks as large as it says.
        check_shape(shape, inputs.width)
        count = 0
        for channels in asked.channels:
            filters = math.prod(1 if side == 1 else asked.kernel for side in sides)
            # Behind each convolution stand two numbers that normalise each channel.
            count += (values + (asked.layers - 1) * channels) * channels * filters + 2 * asked.layers * channels
            sides, values = [side // min(side, 2) for side in sides], channels
        return count + dense_weights((math.prod(sides) * values, *asked.hidden, len(inputs.classes)))

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked = self.parameters
        shape = (*(asked.shape or inputs.shape or (1, inputs.width)), 1)[:3]
        check_shape(shape, inputs.width)
        spread = Spread.of(inputs.train)

        def network(randomness: Randomness) -> Pictures:
            from modelward.training.neural.pictures import Pictures

            return Pictures(asked, shape=shape, classes=len(inputs.classes), spread=spread, randomness=randomness)

        def alter(randomness: Randomness) -> Alter:
            from modelward.training.neural.augmenting import augmented

            return partial(augmented, how=asked, shape=shape, spread=spread.deviation, noise=randomness.noise)

        draw = partial(_draw, activation=asked.activation)
        return classifier("cnn", inputs, asked, progress, network=network, draw=draw, alter=alter)


def _draw(network: Pictures, drawing: Drawing, rows: str, *, activation: str) -> str:
    """The network's logits."""
    height, width, channels = network.shape
    rows = drawing.node("Div", drawing.node("Sub", rows, drawing.constant(network.middle)), drawing.constant(network.spread))
    rows = drawing.node("Reshape", rows, drawing.constant((-1, height, width, channels), "int64"))
    rows = drawing.node("Transpose", rows, perm=[0, 3, 1, 2])
    for block in network.stack:
        for filters, normal in block.layers:
            weights, biases = _folded(filters, normal)
            pads = [side // 2 for side in filters.kernel_size] * 2
            sums = drawing.node("Conv", rows, drawing.constant(weights), drawing.constant(biases), pads=pads)
            rows = draw_activated(drawing, sums, activation)
        if (pool := [*block.pool]) != [1, 1]:
            rows = drawing.node("MaxPool", rows, kernel_shape=pool, strides=pool)
    rows = drawing.node("Flatten", rows)
    *hidden, last = ([part.detach().numpy() for part in layer.parameters()] for layer in network.dense)
    for weights, biases in hidden:
        sums = drawing.node("Gemm", rows, drawing.constant(weights.T), drawing.constant(biases))
        rows = draw_activated(drawing, sums, activation)
    return drawing.node("Gemm", rows, drawing.constant(last[0].T), drawing.constant(last[1]))


def _folded(filters: torch.nn.Conv2d, normal: torch.nn.BatchNorm2d) -> tuple[Any, Any]:
    """Weights and biases of a convolution and the normalisation behind it, as one convolution, in double precision till the end."""
    # In the order in which they were made: gain and bias are learnt, mean and variance are counted.
    gain, bias = (part.detach().double() for part in normal.parameters())
    mean, variance, _ = (part.double() for part in normal.buffers())
    factor = gain / (variance + normal.eps).sqrt()
    weights = filters.weight.detach().double() * factor[:, None, None, None]
    return weights.float().numpy(), (bias - mean * factor).float().numpy()
