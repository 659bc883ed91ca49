# SPDX-License-Identifier: Apache-2.0
"""Where a network is trained, and with which numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.errors import UnavailableError
from modelward.training.recipe import require_package

if TYPE_CHECKING:
    import torch

_ACCELERATORS = ("cuda", "mps", "xpu")


class DeviceMissingError(UnavailableError):
    """There is no such device on this machine to train on."""


class PrecisionMissingError(UnavailableError):
    """The device cannot compute with such numbers."""


def check_installed(recipe: str) -> None:
    """Nothing, where the libraries are installed that networks are trained with.

    Raises:
        MissingExtraError: one is not.
    """
    for module in ("torch", "safetensors"):
        require_package(module, recipe=recipe, extra="torch")


def check_device(name: str, precision: str) -> None:
    """Nothing, where there is the device that a spec names, and it computes with such numbers. What every machine has is not
    looked for: that would load a library that takes a while.

    Raises:
        DeviceMissingError, PrecisionMissingError: it is not there, or it does not.
    """
    if name not in {"auto", "cpu"} or precision == "bfloat16":
        is_mixed(device_named(name), precision)


def device_named(name: str) -> torch.device:
    """The device that a spec names; for `auto` an accelerator where there is one, and the CPU otherwise.

    Raises:
        DeviceMissingError: it is not there.
    """
    if name == "auto":
        return next((found for each in _ACCELERATORS if (found := _found(each))), None) or device_named("cpu")
    if (found := _found(name)) is None:
        raise DeviceMissingError(f"PyTorch finds no device {name!r} here. Train with `device: cpu`, or `device: auto`.")
    return found


def is_mixed(device: torch.device, precision: str) -> bool:
    """Whether to compute in mixed precision.

    Raises:
        PrecisionMissingError: `bfloat16` is asked for, and the device does not have it.
    """
    if precision == "float32" or (precision == "auto" and device.type == "cpu"):
        return False
    can = _has_bfloat16(device)
    if precision == "bfloat16" and not can:
        raise PrecisionMissingError(
            f"The device {device.type!r} cannot compute with bfloat16 here. Train with `precision: float32`, or `precision: auto`."
        )
    return can


def _found(name: str) -> torch.device | None:
    import torch

    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError):
        return None


def _has_bfloat16(device: torch.device) -> bool:
    import torch

    if device.type == "cuda" and not (torch.cuda.is_available() and torch.cuda.is_bf16_supported()):
        return False
    try:
        ones = torch.ones(2, 2, device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return (ones @ ones).dtype == torch.bfloat16
    except (RuntimeError, AssertionError, NotImplementedError):
        return False
