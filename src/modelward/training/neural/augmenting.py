# SPDX-License-Identifier: Apache-2.0
"""Images changed at random while they are learnt from, so that what does not matter is not learnt. Loads PyTorch at once."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch.nn import functional


class How(Protocol):
    """How much of each change; 0 is none of it."""

    @property
    def shift(self) -> int: ...

    @property
    def rotate(self) -> float: ...

    @property
    def crop(self) -> float: ...

    @property
    def flip(self) -> bool: ...

    @property
    def cutout(self) -> float: ...

    @property
    def noise(self) -> float: ...


def augmented(rows: torch.Tensor, *, how: How, shape: tuple[int, ...], spread: float, noise: torch.Generator) -> torch.Tensor:
    """Rows [n, height * width * channels] whose images are moved, turned, cropped, mirrored, blanked in a square, and blurred
    by noise.

    What comes in from outside of an image is what its nearest edge shows. `spread` is that of all training pixels. Every random
    number is drawn from `noise`.
    """
    if how.shift or how.rotate or how.crop or how.flip:
        rows = _moved(rows, how, shape, noise)
    if how.cutout:
        rows = _blanked(rows, how.cutout, shape, noise)
    if how.noise:
        rows = rows + how.noise * spread * torch.randn(rows.shape, generator=noise, device=rows.device)
    return rows


def _moved(rows: torch.Tensor, how: How, shape: tuple[int, ...], noise: torch.Generator) -> torch.Tensor:
    """One look-up for all four: where each pixel comes from is an affine map of where it goes to."""
    height, width, _ = shape
    draws = torch.rand(4, len(rows), generator=noise, device=rows.device) * 2 - 1
    angle = draws[0] * math.radians(how.rotate)
    mirrored = torch.where(draws[1] > 0, -1.0, 1.0) if how.flip else torch.ones_like(angle)
    # Whole pixels, so that a shift alone leaves every value as it was.
    across, down = ((each * (how.shift + 0.5)).round().clamp(-how.shift, how.shift) for each in draws[2:])
    side, right, below = _cropped(rows, how.crop, noise)
    ratio = height / width
    maps = torch.stack(
        (
            torch.stack((mirrored * side * angle.cos(), -ratio * side * angle.sin(), 2 * across / width + right), dim=1),
            torch.stack((mirrored * side * angle.sin() / ratio, side * angle.cos(), 2 * down / height + below), dim=1),
        ),
        dim=1,
    )
    images = rows.view(-1, *shape).permute(0, 3, 1, 2)
    places = functional.affine_grid(maps, list(images.shape), align_corners=False)
    found = functional.grid_sample(images, places, mode="bilinear", padding_mode="border", align_corners=False)
    return found.permute(0, 2, 3, 1).reshape(len(rows), -1)


def _cropped(rows: torch.Tensor, share: float, noise: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Which share of its side is left of each image, and how far its middle lies from the image's, in halves of a side."""
    if not share:
        whole, middle = torch.ones(len(rows), device=rows.device), torch.zeros(len(rows), device=rows.device)
        return whole, middle, middle
    draws = torch.rand(3, len(rows), generator=noise, device=rows.device)
    cut = share * draws[0]
    return 1 - cut, cut * (draws[1] * 2 - 1), cut * (draws[2] * 2 - 1)


def _blanked(rows: torch.Tensor, share: float, shape: tuple[int, ...], noise: torch.Generator) -> torch.Tensor:
    """A square of each image shows the image's mean."""
    height, width, _ = shape
    inside = []
    for length in (height, width):
        side = max(1, round(share * length))
        first = torch.randint(0, length - side + 1, (len(rows), 1), generator=noise, device=rows.device)
        place = torch.arange(length, device=rows.device)
        inside.append((place >= first) & (place < first + side))
    square = (inside[0][:, :, None] & inside[1][:, None, :])[..., None].expand(-1, -1, -1, shape[2]).reshape(len(rows), -1)
    return torch.where(square, rows.mean(dim=1, keepdim=True), rows)
