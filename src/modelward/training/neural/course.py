# SPDX-License-Identifier: Apache-2.0
"""All that changes while a task is learnt, and how it goes into a checkpoint and comes back out of it, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import msgspec

import modelward
from modelward.digest import sha256_hex
from modelward.training.neural.averaging import Average
from modelward.training.neural.checkpoint import State, pack, unpack
from modelward.training.neural.learning import Learning
from modelward.training.neural.optimizers import optimizer_of
from modelward.training.neural.randomness import check_own_randomness
from modelward.training.neural.task import Task

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]


class Player:
    """What moves the weights of one network."""

    def __init__(self, network: torch.nn.Module, asked: Learning) -> None:
        self.optimizer = optimizer_of(network, asked)
        self.weights = list(network.parameters())
        self._rate = asked.learning_rate

    def set_rate(self, rate: float) -> None:
        """Set the length of the next step."""
        if rate != self._rate:
            self._rate = rate
            for group in self.optimizer.param_groups:
                group["lr"] = rate

    def forget(self) -> None:
        """Drop the gradients."""
        for weight in self.weights:
            weight.grad = None


class Course:
    """The networks of a task on their device, optimisers, running means, the best weights so far, and where the training is."""

    def __init__(self, task: Task, asked: Learning) -> None:
        self.state = State()
        self.best: Tensors = {}
        self._noise = task.randomness.noise
        self._device = task.device
        self._asked = asked
        self.networks = [turn.network for turn in task.turns]
        for network in self.networks:
            check_own_randomness(network)
            network.to(task.device)
        self.players = [Player(network, asked) for network in self.networks]
        self._weights = _by_name(network.named_parameters() for network in self.networks)
        self._buffers = _by_name(network.named_buffers() for network in self.networks)
        self.average = Average(self._weights, asked.ema) if asked.ema else None

    def averaged(self) -> AbstractContextManager[None]:
        """For as long as the body lasts, the weights are those that would be kept now."""
        return self.average.in_place() if self.average else nullcontext()

    def set_best(self) -> None:
        """Keep a copy of the weights as they are."""
        self.best = {name: tensor.detach().clone() for name, tensor in {**self._weights, **self._buffers}.items()}

    def conclude(self) -> None:
        """Put the best weights into the networks; the last ones, or their mean, where none were judged."""
        averages = self.average.means if self.average else {}
        _fill({**self._weights, **self._buffers}, self.best or averages)
        for network in self.networks:
            network.train(mode=False)

    def checkpoint(self) -> bytes:
        """All of it, in bytes."""
        return pack(self.state, self._tensors(), made_by=self._made_by())

    def take_up(self, checkpoint: bytes) -> str:
        """Go on where `checkpoint` was made; nothing, or why that cannot be."""
        found = unpack(checkpoint, made_by=self._made_by())
        if isinstance(found, str):
            return found
        self.state, tensors = found
        _fill(self._weights, _of(tensors, "weights"))
        _fill(self._buffers, _of(tensors, "buffers"))
        self.best = {name: tensor.to(self._device) for name, tensor in _of(tensors, "best").items()}
        if self.average:
            _fill(self.average.means, _of(tensors, "average"))
        for number, player in enumerate(self.players):
            _restore(player.optimizer, _of(tensors, f"optimizer-{number}"))
        self._noise.set_state(tensors["noise"])
        return ""

    def _tensors(self) -> Tensors:
        groups: dict[str, Mapping[str, torch.Tensor]] = {"weights": self._weights, "buffers": self._buffers, "best": self.best}
        if self.average:
            groups["average"] = self.average.means
        for number, player in enumerate(self.players):
            groups[f"optimizer-{number}"] = _state_of(player.optimizer)
        named = {f"{group}/{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}
        return {**named, "noise": self._noise.get_state()}

    def _made_by(self) -> dict[str, str]:
        """What has to be the same for the bits to be the same, beside spec, data and machine."""
        import torch

        shapes = {name: list(tensor.shape) for name, tensor in {**self._weights, **self._buffers}.items()}
        network = sha256_hex(msgspec.json.encode([shapes, self._asked]))
        versions = {"version of Modelward": modelward.__version__, "version of PyTorch": str(torch.__version__)}
        return {**versions, "device": str(self._device), "network": network[:16]}


def _by_name(of_networks: Iterable[Iterable[tuple[str, torch.Tensor]]]) -> Tensors:
    """Parameters or buffers by name, each once, also where two networks share some."""
    found: Tensors = {}
    seen: set[int] = set()
    for number, named in enumerate(of_networks):
        for name, tensor in named:
            if id(tensor) not in seen:
                found[f"{number}.{name}"] = tensor
                seen.add(id(tensor))
    return found


def _fill(places: Mapping[str, torch.Tensor], values: Mapping[str, torch.Tensor]) -> None:
    import torch

    with torch.no_grad():
        for name, value in values.items():
            places[name].copy_(value)


def _of(tensors: Tensors, group: str) -> Tensors:
    return {name.partition("/")[2]: tensor for name, tensor in tensors.items() if name.startswith(f"{group}/")}


def _state_of(optimizer: torch.optim.Optimizer) -> Tensors:
    import torch

    states = optimizer.state_dict()["state"]
    return {
        f"{place}/{key}": value
        for place, state in states.items()
        for key, value in state.items()
        if isinstance(value, torch.Tensor)
    }


def _restore(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    state: dict[int, Tensors] = {}
    for name, tensor in tensors.items():
        place, _, key = name.partition("/")
        state.setdefault(int(place), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
