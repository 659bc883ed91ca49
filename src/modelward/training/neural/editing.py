# SPDX-License-Identifier: Apache-2.0
"""Texts changed at random while they are learnt from, as code points: characters and words are left out, and neighbours change
places. Loads PyTorch at once.
"""

from __future__ import annotations

from typing import Protocol

import torch

_SPACE = ord(" ")
# Scripts without spaces between words: Thai to Burmese and Khmer, and Chinese and Japanese with their marks. Korean has spaces.
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0xA4CF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


class How(Protocol):
    """How much of each change, as a share; 0 is none of it."""

    @property
    def drop_characters(self) -> float: ...

    @property
    def swap_characters(self) -> float: ...

    @property
    def drop_words(self) -> float: ...


def edited(points: torch.Tensor, *, how: How, noise: torch.Generator) -> torch.Tensor:
    """Code points [n, length], zeros behind the end of each text, of which a share is left out and others are swapped.

    A text of which nothing would be left stays whole. Every random number is drawn from `noise`.
    """
    if how.drop_words:
        words = _words(points)
        drawn = _drawn(points, noise) < how.drop_words
        points = _without(points, drawn.gather(1, words))
    if how.drop_characters:
        points = _without(points, _drawn(points, noise) < how.drop_characters)
    if how.swap_characters:
        points = _swapped(points, how.swap_characters, noise)
    return points


def _drawn(points: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    return torch.rand(points.shape, generator=noise, device=points.device)


def _words(points: torch.Tensor) -> torch.Tensor:
    """The number of the word that each character belongs to; the space behind a word is part of it."""
    is_apart = torch.zeros_like(points, dtype=torch.bool)
    for first, last in _UNSPACED:
        is_apart |= (points >= first) & (points <= last)
    ends = is_apart | (points == _SPACE)
    begins = is_apart.clone()
    begins[:, 1:] |= ends[:, :-1]
    begins[:, 0] = False
    return begins.long().cumsum(dim=1)


def _without(points: torch.Tensor, left_out: torch.Tensor) -> torch.Tensor:
    """The texts without some characters, and zeros at the end instead."""
    is_there = points > 0
    stays = is_there & ~left_out
    stays |= is_there & ~stays.any(dim=1, keepdim=True)
    order = (~stays).long().argsort(dim=1, stable=True)
    return torch.where(stays, points, 0).gather(1, order)


def _swapped(points: torch.Tensor, share: float, noise: torch.Generator) -> torch.Tensor:
    """The texts, of which so many characters stand where a neighbour stood; which neighbours are pairs is drawn text by text."""
    rows, length = points.shape
    offset = torch.randint(0, 2, (rows, 1), generator=noise, device=points.device)
    place = torch.arange(length, device=points.device).expand(rows, -1)
    is_first = (place + offset) % 2 == 0
    is_drawn = is_first & (_drawn(points, noise) < share)
    is_drawn[:, :-1] &= points[:, 1:] > 0
    is_drawn[:, -1] = False
    source = place.clone()
    source += is_drawn.long()
    source[:, 1:] -= is_drawn[:, :-1].long()
    return points.gather(1, source)
