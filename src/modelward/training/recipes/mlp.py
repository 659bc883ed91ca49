# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptron: PyTorch's tensors and optimisers, with every random number drawn from the seed of this run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from modelward.errors import UnavailableError
from modelward.plugins import MissingExtraError
from modelward.training.graph import Drawing, estimator, softmax
from modelward.training.recipe import DivergedError, FloatMatrix, Inputs, Made, Probabilities, Progress, one_thread

if TYPE_CHECKING:
    import torch


class DeviceMissingError(UnavailableError):
    """There is no such device on this machine to train on."""


class PerceptronParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `mlp`."""

    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], ...],
        Meta(min_length=1, max_length=16, description="Units of each hidden layer."),
    ] = (64, 32)
    activation: Annotated[
        Literal["relu", "tanh", "sigmoid", "gelu"], Meta(description="What each hidden unit does to its sum.")
    ] = "relu"
    loss: Annotated[
        Literal["cross-entropy", "mse"], Meta(description="What is lowered; `mse` is between probabilities and one-hot labels.")
    ] = "cross-entropy"
    optimizer: Annotated[Literal["sgd", "momentum", "adam", "nadam"], Meta(description="How a gradient becomes a step.")] = "adam"
    learning_rate: Annotated[float, Meta(gt=0, le=1000, description="Length of a step.")] = 2e-3
    schedule: Annotated[
        Literal["constant", "cosine", "step"],
        Meta(description="`cosine` falls to 0 over the epochs; `step` falls to a tenth after each third of them."),
    ] = "cosine"
    batch_size: Annotated[int, Meta(ge=0, le=1_000_000, description="Rows for one step; 0 means all of them.")] = 256
    epochs: Annotated[int, Meta(ge=1, le=10_000, description="Most passes over the training rows.")] = 20
    patience: Annotated[int, Meta(ge=1, le=10_000, description="Epochs without a better validation loss before it stops.")] = 5
    l1: Annotated[float, Meta(ge=0, le=100, description="L1 penalty on the weights.")] = 0.0
    l2: Annotated[float, Meta(ge=0, le=100, description="L2 penalty on the weights.")] = 1e-4
    clip_norm: Annotated[Annotated[float, Meta(gt=0, le=1e6)] | None, Meta(description="Longest gradient; none sets no limit.")] = (
        None
    )
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of hidden units left out in each training step.")] = 0.0
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class Perceptron:
    """Layers of weighted sums; the best epoch by the validation loss is kept.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """

    Parameters: ClassVar[type[PerceptronParameters]] = PerceptronParameters
    parameters: PerceptronParameters

    def __post_init__(self) -> None:
        if find_spec("torch") is None:
            raise MissingExtraError("The recipe 'mlp' needs PyTorch, which is not installed. Run `pip install 'modelward[torch]'`.")

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        network = _Network.fresh(inputs, self.parameters)
        history = _learn(network, inputs, self.parameters, progress)
        layers = [tuple(part.detach().cpu().numpy() for part in layer) for layer in network.layers]

        def draw(drawing: Drawing, rows: str) -> str:
            return _draw(drawing, rows, layers=layers, activation=self.parameters.activation)

        return Made(
            predict=network.predict,
            graph=lambda: estimator(draw, width=inputs.width, classes=len(inputs.classes)),
            parameters=int(sum(part.size for layer in layers for part in layer)),
            notes=(history.note,),
            curves={name: tuple(losses) for name, losses in history.losses.items() if losses},
        )


@dataclass(slots=True, kw_only=True)
class _Network:
    """The weights, and the source of every random number. PyTorch's own source is shared by all threads, so it is not used."""

    layers: list[tuple[torch.Tensor, torch.Tensor]]
    activation: Callable[[torch.Tensor], torch.Tensor]
    dropout: float
    random: torch.Generator

    @classmethod
    def fresh(cls, inputs: Inputs, asked: PerceptronParameters) -> _Network:
        """He's initialisation for the activations that cut, Glorot's for those that saturate."""
        import torch

        one_thread()
        torch.set_num_threads(1)
        device, random = _device(inputs.device), torch.Generator().manual_seed(inputs.seed)
        sizes, layers = (inputs.width, *asked.hidden, len(inputs.classes)), []
        for before, after in itertools.pairwise(sizes):
            spread = math.sqrt(2 / before if asked.activation in {"relu", "gelu"} else 2 / (before + after))
            weights = (torch.randn(before, after, generator=random) * spread).to(device).requires_grad_()
            layers.append((weights, torch.zeros(after, device=device, requires_grad=True)))
        activation = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": torch.nn.functional.gelu}
        return cls(layers=layers, activation=activation[asked.activation], dropout=asked.dropout, random=random)

    @property
    def device(self) -> torch.device:
        return self.layers[0][0].device

    def logits(self, rows: torch.Tensor, *, is_training: bool = False) -> torch.Tensor:
        import torch

        *hidden, (last, bias) = self.layers
        for weights, biases in hidden:
            rows = self.activation(torch.addmm(biases, rows, weights))
            if is_training and self.dropout:
                stays = torch.rand(rows.shape, generator=self.random).to(rows.device) >= self.dropout
                rows = rows * stays / (1 - self.dropout)
        return torch.addmm(bias, rows, last)

    def predict(self, rows: FloatMatrix) -> Probabilities:
        import torch

        with torch.no_grad():
            # A copy: a matrix may be one that numpy does not let anybody write to.
            return torch.softmax(self.logits(torch.tensor(rows, device=self.device)), dim=1).cpu().numpy()

    def copy(self) -> list[torch.Tensor]:
        return [part.detach().clone() for layer in self.layers for part in layer]

    def restore(self, parts: list[torch.Tensor]) -> None:
        for old, new in zip((part for layer in self.layers for part in layer), parts, strict=True):
            old.data.copy_(new)


@dataclass(slots=True)
class _History:
    losses: dict[str, list[float]] = field(default_factory=lambda: {"training_loss": [], "validation_loss": []})
    best: float = math.inf
    best_epoch: int = 0

    @property
    def note(self) -> str:
        ran = len(self.losses["training_loss"])
        if not self.best_epoch:
            return f"There were no validation rows to stop by; it ran all {ran} epochs."
        return f"It ran {ran} epochs and kept epoch {self.best_epoch}, the one with the lowest validation loss."


def _learn(network: _Network, inputs: Inputs, asked: PerceptronParameters, progress: Progress) -> _History:
    import torch

    train, labels = torch.tensor(inputs.train).to(network.device), torch.tensor(inputs.train_labels).to(network.device)
    seen = torch.tensor(inputs.validation).to(network.device), torch.tensor(inputs.validation_labels).to(network.device)
    loss_of, optimizer = _loss(inputs, asked, network.device), _optimizer(network, asked)
    history, kept = _History(), network.copy()
    for epoch in range(1, asked.epochs + 1):
        losses = []
        for batch in _batches(len(train), asked.batch_size or len(train), network.random):
            _set_rate(optimizer, asked, share=(epoch - 1) / asked.epochs)
            loss = loss_of(network.logits(train[batch], is_training=True), labels[batch])
            _step(network, optimizer, loss, asked)
            losses.append(loss.detach() * len(batch))
        history.losses["training_loss"].append(_checked(float(torch.stack(losses).sum()) / len(train), epoch, asked))
        if inputs.has_validation:
            with torch.no_grad():
                validation = _checked(float(loss_of(network.logits(seen[0]), seen[1])), epoch, asked)
            history.losses["validation_loss"].append(validation)
            if validation < history.best:
                history.best, history.best_epoch, kept = validation, epoch, network.copy()
        progress(epoch / asked.epochs)
        if inputs.has_validation and epoch - history.best_epoch >= asked.patience:
            break
    if history.best_epoch:
        network.restore(kept)
    return history


def _batches(rows: int, size: int, random: torch.Generator) -> Iterator[torch.Tensor]:
    import torch

    order = torch.randperm(rows, generator=random)
    return (order[start : start + size] for start in range(0, rows, size))


def _step(network: _Network, optimizer: Any, loss: torch.Tensor, asked: PerceptronParameters) -> None:
    import torch

    weights = [weights for weights, _ in network.layers]
    if asked.l1:
        loss = loss + asked.l1 * torch.stack([part.abs().sum() for part in weights]).sum()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it untyped
    if asked.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_([part for layer in network.layers for part in layer], asked.clip_norm)
    optimizer.step()


def _set_rate(optimizer: Any, asked: PerceptronParameters, *, share: float) -> None:
    factor = {"constant": 1.0, "cosine": (1 + math.cos(math.pi * share)) / 2, "step": 0.1 ** int(3 * share)}[asked.schedule]
    for group in optimizer.param_groups:
        group["lr"] = asked.learning_rate * factor


def _optimizer(network: _Network, asked: PerceptronParameters) -> Any:
    from torch import optim

    # The penalty is on weights alone: a bias is no complexity. A decay of d is the gradient of d/2 |w|².
    groups = [
        {"params": [weights for weights, _ in network.layers], "weight_decay": 2 * asked.l2},
        {"params": [biases for _, biases in network.layers], "weight_decay": 0.0},
    ]
    match asked.optimizer:
        case "adam":
            return optim.Adam(groups, lr=asked.learning_rate)
        case "nadam":
            return optim.NAdam(groups, lr=asked.learning_rate)
        case kind:
            return optim.SGD(groups, lr=asked.learning_rate, momentum=0.9 if kind == "momentum" else 0.0)


def _loss(
    inputs: Inputs, asked: PerceptronParameters, device: torch.device
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    import torch
    from torch.nn import functional

    balanced = list(inputs.balanced_weights.values()) if asked.class_weight else [1.0] * len(inputs.classes)
    weights = torch.tensor(balanced, device=device)

    def squared(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        wanted = functional.one_hot(labels, logits.shape[1])
        errors = (torch.softmax(logits, dim=1) - wanted).square().mean(dim=1)
        return (errors * weights[labels]).sum() / weights[labels].sum()

    if asked.loss == "mse":
        return squared
    return lambda logits, labels: functional.cross_entropy(logits, labels, weight=weights)


def _checked(loss: float, epoch: int, asked: PerceptronParameters) -> float:
    if math.isfinite(loss):
        return loss
    clip = "lower clip_norm" if asked.clip_norm else "set clip_norm: 1.0"
    raise DivergedError(
        f"The recipe 'mlp' diverged in epoch {epoch}: its loss is no longer a number. "
        f"Lower learning_rate (it is {asked.learning_rate:g}), or {clip}."
    )


def _device(name: str) -> torch.device:
    import torch

    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as missing:
        raise DeviceMissingError(f"PyTorch finds no device {name!r} here. Train with `device: cpu`.") from missing


def _draw(drawing: Drawing, rows: str, *, layers: list[tuple[Any, ...]], activation: str) -> str:
    operator = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "Gelu"}[activation]
    *hidden, (last, bias) = layers
    for weights, biases in hidden:
        rows = drawing.node(operator, drawing.node("Gemm", rows, drawing.constant(weights), drawing.constant(biases)))
    return softmax(drawing, drawing.node("Gemm", rows, drawing.constant(last), drawing.constant(bias)))
