# SPDX-License-Identifier: Apache-2.0
"""What a spec can say about how a network learns. The parameters of neural recipes inherit from here, so that specs stay flat."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Units = Annotated[int, Meta(ge=1, le=4096)]
Limit = Annotated[float, Meta(gt=0, le=1e6)]
_MOST_AT_ONCE = 1024


class Learning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the loop, whatever it trains."""

    optimizer: Annotated[
        Literal["sgd", "momentum", "nesterov", "adam", "adamw", "nadam"], Meta(description="How a gradient becomes a step.")
    ] = "adam"
    momentum: Annotated[
        float,
        Meta(ge=0, lt=1, description="Decay of the running mean of gradients: of `momentum`, `nesterov`, and those like `adam`."),
    ] = 0.9
    learning_rate: Annotated[float, Meta(gt=0, le=1000, description="Length of a step.")] = 2e-3
    schedule: Annotated[
        Literal["constant", "cosine", "step", "one-cycle", "plateau"],
        Meta(
            description="`cosine` falls to 0 over the epochs; `step` falls to a tenth after each third of them; `one-cycle` rises "
            "from a twenty-fifth over the first 30 % and falls to 0; `plateau` halves after every two epochs without a better loss."
        ),
    ] = "cosine"
    warmup: Annotated[
        float,
        Meta(ge=0, le=0.9, description="Share of all steps over which the learning rate rises from 0, whatever the schedule."),
    ] = 0.0
    batch_size: Annotated[int, Meta(ge=0, le=1_000_000, description="Rows for one step; 0 means all of them.")] = 256
    accumulate: Annotated[
        int,
        Meta(ge=1, le=1024, description="Parts in which a batch is computed, one after the other: the same step in less memory."),
    ] = 1
    epochs: Annotated[int, Meta(ge=1, le=10_000, description="Most passes over the training rows.")] = 20
    patience: Annotated[int, Meta(ge=1, le=10_000, description="Epochs without a better validation loss before it stops.")] = 5
    l1: Annotated[float, Meta(ge=0, le=100, description="L1 penalty on the weights.")] = 0.0
    l2: Annotated[
        float, Meta(ge=0, le=100, description="L2 penalty on the weights; `adamw` takes it off the weights, not off the gradient.")
    ] = 1e-4
    clip_value: Annotated[Limit | None, Meta(description="Largest element of a gradient; none sets no limit.")] = None
    clip_norm: Annotated[Limit | None, Meta(description="Longest gradient; none sets no limit.")] = None
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of hidden units left out in each training step.")] = 0.0
    ema: Annotated[
        float,
        Meta(
            ge=0, lt=1, description="Decay of a running mean of the weights, which is judged and kept instead of them; 0 is none."
        ),
    ] = 0.0
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Meta(description="`bfloat16` computes in mixed precision; `auto` does so on accelerators that can, never on the CPU."),
    ] = "auto"

    @property
    def judged_at_once(self) -> int:
        """How many rows a network judges at once: never more than it learns from, so that smaller batches take less memory."""
        return min(self.batch_size or _MOST_AT_ONCE, _MOST_AT_ONCE)


class ClassifierLearning(Learning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the loop where it trains a classifier."""

    loss: Annotated[
        Literal["cross-entropy", "mse"], Meta(description="What is lowered; `mse` is between probabilities and one-hot labels.")
    ] = "cross-entropy"
    label_smoothing: Annotated[
        float, Meta(ge=0, lt=1, description="Share of each label that is spread evenly over all classes.")
    ] = 0.0
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


class AdversarialLearning(Learning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the loop where it trains a generator against a critic."""

    noise: Annotated[int, Meta(ge=1, le=1024, description="Random numbers that a row is made from.")] = 32
    hidden: Annotated[
        tuple[Units, ...],
        Meta(min_length=1, max_length=8, description="Of a table: units of each hidden layer, of generator and critic alike."),
    ] = (256, 256)
    channels: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=1024)], ...],
        Meta(
            min_length=1,
            max_length=8,
            description="Of images: filters of each convolution. Behind each the critic sees half the side; the generator goes the "
            "same way back.",
        ),
    ] = (16, 32)
    penalty: Annotated[
        float, Meta(ge=0, le=1000, description="How much it costs the critic to be steep, at real and at generated rows.")
    ] = 1.0
    temperature: Annotated[
        float, Meta(gt=0, le=10, description="How soft the choice among a category's values is for the gradient alone.")
    ] = 0.5
    learning_rate: Annotated[float, Meta(gt=0, le=1000, description="Length of a step.")] = 2e-3
    momentum: Annotated[
        float, Meta(ge=0, lt=1, description="Decay of the running mean of gradients; a game wants a short one.")
    ] = 0.5
    batch_size: Annotated[int, Meta(ge=0, le=1_000_000, description="Rows for one step; 0 means all of them.")] = 128
    epochs: Annotated[int, Meta(ge=1, le=10_000, description="Passes over the training rows; all of them are made.")] = 100
    patience: Annotated[
        int, Meta(ge=1, le=10_000, description="Without effect here: a game has no validation loss to stop by.")
    ] = 5
    l2: Annotated[float, Meta(ge=0, le=100, description="L2 penalty on the weights.")] = 0.0
    dropout: Annotated[
        float, Meta(ge=0, lt=1, description="Share of the critic's hidden units left out in each training step.")
    ] = 0.0
    ema: Annotated[
        float, Meta(ge=0, lt=1, description="Decay of a running mean of the weights, which is kept instead of them; 0 is none.")
    ] = 0.995
