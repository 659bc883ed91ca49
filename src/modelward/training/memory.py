# SPDX-License-Identifier: Apache-2.0
"""Memory: how much is left, whether a fault is the lack of it, and how a candidate can do with less."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelward.errors import InvalidError
from modelward.training.graph import LIMIT_BYTES

BATCHES = 8
"""Into how many smaller ones a batch is divided that did not fit."""
# PyTorch says it in words alone where an accelerator or the system has no more; its own kind of error is of some devices only.
_WORDS = re.compile(r"out of memory|not enough memory|can't allocate memory|bad.?alloc|Unable to allocate", re.IGNORECASE)
_ASKED = re.compile(r"tried to allocate ([\d.]+) ?(bytes|[KMGTP]i?B)|Unable to allocate ([\d.]+) ([KMGTP]iB|bytes)", re.IGNORECASE)
_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_CONTROL_GROUP = Path("/sys/fs/cgroup")
# The weights, their gradients, two moments of the optimiser, the best epoch's copy, and three of the graph while it is drawn.
_COPIES = 8
_WEIGHT_BYTES = 4


class LayersTooLargeError(InvalidError):
    """The layers that a spec asks for have more weights than memory or a graph can hold."""


def is_out_of_memory(fault: BaseException | None) -> bool:
    """Whether `fault`, or what it came from, is that there was no memory."""
    while fault is not None:
        if isinstance(fault, MemoryError) or (isinstance(fault, RuntimeError) and _WORDS.search(str(fault))):
            return True
        fault = fault.__cause__
    return False


def asked_bytes(fault: BaseException) -> int | None:
    """How much was asked for when there was no more, where the library says so."""
    found = _ASKED.search(str(fault))
    if found is None:
        return None
    amount, unit = next((found[at], found[at + 1]) for at in (1, 3) if found[at])
    return round(float(amount) * _UNITS[unit[0].lower()])


def available_bytes() -> int:
    """What this process can still take: of the machine, of its container, and below the limit of its addresses."""
    import psutil

    left = [psutil.virtual_memory().available]
    with suppress(OSError, ValueError):
        limit, used = (int((_CONTROL_GROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        left.append(limit - used)
    if sys.platform != "win32":
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            left.append(limit - psutil.Process().memory_info().vms)
    return max(0, min(left))


@dataclass(frozen=True, slots=True)
class SmallerBatch:
    """The parameters of a candidate with a smaller batch, and how many rows a batch had and has."""

    parameters: dict[str, Any]
    before: int
    after: int


def smaller_batch(parameters: Mapping[str, Any], *, rows: int) -> SmallerBatch | None:
    """An eighth of the batch; None for a recipe that knows no batches, or one of a single row. A size of 0 means all rows."""
    asked = parameters.get("batch_size")
    if not isinstance(asked, int) or isinstance(asked, bool):
        return None
    before = min(asked or rows, rows)
    after = max(1, before // BATCHES)
    return None if before <= 1 else SmallerBatch({**parameters, "batch_size": after}, before, after)


def check_layers(parameters: Mapping[str, Any], *, recipe: str, width: int, classes: int) -> None:
    """Nothing, if the layers fit that the list `hidden` asks for, between `width` columns and `classes` probabilities.

    Raises:
        LayersTooLargeError: a graph cannot hold their weights, or their training takes more memory than is left. Nothing was taken
            of it so far.
    """
    hidden = parameters.get("hidden")
    if not isinstance(hidden, list | tuple) or not hidden or not all(isinstance(units, int) for units in hidden):
        return
    weights, left = _weights(width, hidden, classes), available_bytes()
    largest = min(LIMIT_BYTES // _WEIGHT_BYTES, left // (_COPIES * _WEIGHT_BYTES))
    if weights <= largest:
        return
    fitting = next((units for units in (2048, 1024, 512, 256, 128, 64, 32, 16) if _fits(units, hidden, width, classes, largest)), 8)
    needed = weights * _COPIES * _WEIGHT_BYTES
    raise LayersTooLargeError(
        f"The layers of {recipe!r} do not fit: {len(hidden)} layers of up to {max(hidden):,} units have {weights:,} weights. "
        f"Training them takes about {told(needed)}, where {told(left)} is left, and a graph holds {told(LIMIT_BYTES)} of them. "
        f"Write fewer or smaller layers: {len(hidden)} of {fitting:,} units would fit."
    )


def told(size_bytes: int) -> str:
    """An amount of memory as people say it."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= size:
            return f"{size_bytes / size:.3g} {unit}"
    return f"{size_bytes} bytes"


def _weights(width: int, hidden: list[int] | tuple[int, ...], classes: int) -> int:
    return sum((before + 1) * after for before, after in pairwise((width, *hidden, classes)))


def _fits(units: int, hidden: list[int] | tuple[int, ...], width: int, classes: int, largest: int) -> bool:
    return _weights(width, [units] * len(hidden), classes) <= largest
