# SPDX-License-Identifier: Apache-2.0
"""Writes texts with a network, following several side by side. Loads PyTorch at once: import it where a network is made."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch

from modelward.training.neural.vocabulary import END, LENGTH_POWER, NEVER, UNKNOWN


class Stepped(NamedTuple):
    """The logits [n, beam, vocabulary] of the next unit of each text that is followed, and what is handed on."""

    logits: torch.Tensor
    states: list[torch.Tensor]


class Writer(Protocol):
    """A network that reads texts and writes others, a unit at a time."""

    def read(self, characters: torch.Tensor) -> Any:
        """What is kept of places of an alphabet [n, places]."""
        ...

    def begin(self, memory: Any, *, beam: int) -> list[torch.Tensor]:
        """What writing begins with, each [n, beam, ...]."""
        ...

    def step(self, memory: Any, before: torch.Tensor, states: list[torch.Tensor], *, number: int) -> Stepped:
        """What comes behind the units `before` [n, beam], of which there are `number` in front of the next."""
        ...


def write(network: Writer, characters: torch.Tensor, *, beam: int, most: int) -> torch.Tensor:
    """The units of the answers [n, most], with `END` behind the end of each: of `beam` texts that are followed side by side the
    most probable.
    """
    memory, rows = network.read(characters), len(characters)
    units = characters.new_zeros(rows, beam, most)
    scores = torch.tensor([0.0] + [NEVER] * (beam - 1)).repeat(rows, 1)
    has_ended = torch.zeros(rows, beam, dtype=torch.bool)
    before, states = characters.new_zeros(rows, beam), network.begin(memory, beam=beam)
    for number in range(most):
        logits, states = network.step(memory, before, states, number=number)
        likely = torch.log_softmax(logits, dim=-1)
        likely[:, :, UNKNOWN] = NEVER
        vocabulary = likely.shape[2]
        closed = torch.full((vocabulary,), NEVER)
        closed[END] = 0.0
        likely = torch.where(has_ended[:, :, None], closed, likely)
        scores, best = (scores[:, :, None] + likely).view(rows, -1).topk(beam, dim=1)
        of, before = best // vocabulary, best % vocabulary
        units, has_ended = _taken(units, of), has_ended.gather(1, of) | (before == END)
        states = [_taken(state, of) for state in states]
        units[:, :, number] = before
        if bool(has_ended.all()):
            break
    lengths = (units != END).sum(dim=2) + 1
    chosen = (scores / lengths**LENGTH_POWER).argmax(dim=1)
    return units[torch.arange(rows), chosen]


def _taken(values: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    """The values [n, beam, ...] of the beams `of` [n, beam]."""
    return values[torch.arange(len(of))[:, None], of]
