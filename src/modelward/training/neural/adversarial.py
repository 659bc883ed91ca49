# SPDX-License-Identifier: Apache-2.0
"""A generator and the critic that it learns from, both told the class. Loads PyTorch at once: import it where they are made.

They play the relativistic game: the critic learns to score a real row above a generated one of its class, the generator the other
way round, which leaves it no gain in giving one row for all. Both kinds of rows hold the critic flat (R1 and R2), so that the game
comes to rest. Source: Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN!", NeurIPS 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from modelward.training.neural.batches import Batch
from modelward.training.neural.bodies import Comparing, Painting, Sums, Viewing
from modelward.training.neural.layers import linear
from modelward.training.neural.losses import Loss
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.task import Turn

STRETCH = math.sqrt(3)
"""Noise between -1 and 1 is stretched, so that its variance is 1."""
_TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a generated row is made of: so many numbers, each a share from 0 to 1, and categories of so many values each."""

    numbers: int
    sizes: tuple[int, ...]
    classes: int

    @property
    def width(self) -> int:
        """Columns of a row as the networks hold it."""
        return self.numbers + sum(self.sizes)


class Generator(nn.Module):
    """From noise [n, noise], between -1 and 1, and the class one-hot [n, K] to scores [n, width]: logits of the shares, and those
    of each category's values.
    """

    body: Sums | Painting

    def __init__(self, body: Sums | Painting) -> None:
        super().__init__()
        self.body = body

    def forward(self, noise: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.body(torch.cat((noise * STRETCH, classes), dim=1))
        return scores


class Critic(nn.Module):
    """From rows [n, width] and their classes, one-hot, to how real each looks [n]. The class asks for a direction of its own among
    what the body sees (Miyato and Koyama, "cGANs with projection discriminator", ICLR 2018).
    """

    def __init__(self, body: Comparing | Viewing, *, classes: int, start: torch.Generator) -> None:
        super().__init__()
        self.body = body
        self.plain = linear(body.seen, 1, start=start, cuts=False)
        self.wanted = nn.Parameter(torch.randn(classes, body.seen, generator=start) / math.sqrt(body.seen))

    def forward(self, rows: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        seen = self.body(rows)
        scores: torch.Tensor = self.plain(seen)[:, 0] + (seen * (classes @ self.wanted)).sum(dim=1)
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """Both networks and the rules. A batch is shares from low to high [n, numbers] each, places of values [n, categories], and
    labels [n]: what `restoring.Learnable` holds.
    """

    outline: Outline
    generator: Generator
    critic: Critic
    noise: int
    penalty: float
    temperature: float
    randomness: Randomness

    def turns(self) -> tuple[Turn, Turn]:
        """The critic's turn, and then the generator's."""
        return (
            Turn(network=self.critic, loss=self._critic_loss, curve="critic_loss"),
            Turn(network=self.generator, loss=self._generator_loss, curve="generator_loss"),
        )

    def _critic_loss(self, batch: Batch) -> Loss:
        real, classes = self._real(batch)
        with torch.no_grad():
            made = self._made(classes)
        real, made = real.requires_grad_(), made.requires_grad_()
        of_real, of_made = self.critic(real, classes), self.critic(made, classes)
        slopes = torch.autograd.grad((of_real.sum(), of_made.sum()), (real, made), create_graph=True)
        steep = sum((slope.square().sum(dim=1).mean() for slope in slopes), start=torch.zeros((), device=real.device))
        return Loss(functional.softplus(of_made - of_real).mean() + self.penalty / 2 * steep, len(real))

    def _generator_loss(self, batch: Batch) -> Loss:
        real, classes = self._real(batch)
        with torch.no_grad():
            of_real = self.critic(real, classes)
        of_made = self.critic(self._made(classes), classes)
        return Loss(functional.softplus(of_real - of_made).mean(), len(real))

    def _real(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        low, high, places, labels = batch
        shares = low + (high - low) * torch.rand(low.shape, generator=self.randomness.noise, device=low.device)
        hot = [functional.one_hot(places[:, at], size).to(low.dtype) for at, size in enumerate(self.outline.sizes)]
        classes = functional.one_hot(labels, self.outline.classes).to(low.dtype)
        return torch.cat((shares * 2 - 1, *hot), dim=1), classes

    def _made(self, classes: torch.Tensor) -> torch.Tensor:
        noise = self._uniform(len(classes), self.noise, classes.device) * 2 - 1
        scores = self.generator(noise, classes)
        shares, *logits = scores.split((self.outline.numbers, *self.outline.sizes), dim=1)
        return torch.cat((torch.tanh(shares / 2), *map(self._chosen, logits)), dim=1)

    def _chosen(self, logits: torch.Tensor) -> torch.Tensor:
        """One value of a category, drawn by its logits, one-hot. What moves the logits is the slope of a soft choice (Jang, Gu and
        Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017).
        """
        draws = self._uniform(len(logits), logits.shape[1], logits.device).clamp(_TINY, 1 - _TINY)
        soft = torch.softmax((logits - torch.log(-torch.log(draws))) / self.temperature, dim=1)
        hard = functional.one_hot(soft.argmax(dim=1), logits.shape[1]).to(soft.dtype)
        return hard + soft - soft.detach()

    def _uniform(self, rows: int, columns: int, device: torch.device) -> torch.Tensor:
        return torch.rand(rows, columns, generator=self.randomness.noise, device=device)
