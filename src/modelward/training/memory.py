# SPDX-License-Identifier: Apache-2.0
"""Memory: how much is left, whether a fault is the lack of it, and how a candidate can do with less."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import msgspec

from modelward.errors import InvalidError
from modelward.training.graph import LIMIT_BYTES
from modelward.training.rows import unmade

if TYPE_CHECKING:
    from modelward.training.recipe import Inputs, Lesson, Recipe

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
_MOST_HALVINGS = 13
# Of the rows: themselves, and what a library makes of them in float64.
_ROW_COPIES = 3
# From this share of the memory that is left on, the weights are part of why it did not suffice.
_MUCH = 0.25


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


class TooManyRowsError(InvalidError):
    """A recipe that needs all rows at once was given more than memory holds."""


def with_matrix(inputs: Inputs, *, asks: str, instead: Callable[[], str]) -> Inputs:
    """The inputs with their rows as matrices, for what `asks` and does not stream. `instead` says what else could be done.

    Raises:
        TooManyRowsError: the matrices, and the copies that libraries make of them, take more memory than is left.
    """
    train, validation = unmade(inputs.train), unmade(inputs.validation)
    asked = _ROW_COPIES * sum(part.nbytes for part in (train, validation) if part)
    if asked > (left := available_bytes()):
        fewer = "bring the images to a smaller size with `prepare: {size: [32, 32]}`" if inputs.shape else "exclude columns"
        raise TooManyRowsError(
            f"{asks} needs all rows in memory at once: {len(inputs.train):,} training rows of {inputs.width} prepared columns take "
            f"about {told(asked)} with it, where {told(left)} is left. {instead()}, {fewer}, or train on a machine with "
            "more memory."
        )
    return replace(
        inputs,
        train=train.whole() if train else inputs.train,
        validation=validation.whole() if validation else inputs.validation,
    )


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


@runtime_checkable
class Sized(Protocol):
    """A recipe that knows how many weights its network would have. `sizes` are the parameters that this grows with."""

    sizes: ClassVar[tuple[str, ...]]
    parameters: Any

    def weights(self, inputs: Any) -> int:
        """The weights of a network between the prepared rows and the probabilities of `inputs`; it takes no memory to say.

        Raises:
            UnusableInputsError: the recipe's own parameters do not go with such rows.
        """
        ...


def check_layers(recipe: Recipe, inputs: Lesson, *, name: str) -> None:
    """Nothing, if the network fits that the recipe would make, or it does not say how large that is.

    Raises:
        LayersTooLargeError: a graph cannot hold its weights, or their training takes more memory than is left. Nothing was taken of
            it so far.
    """
    if not isinstance(recipe, Sized):
        return
    weights, left = recipe.weights(inputs), available_bytes()
    most = min(LIMIT_BYTES // _WEIGHT_BYTES, left // (_COPIES * _WEIGHT_BYTES))
    if weights <= most:
        return
    fitting = _fitting(recipe, lambda smaller: smaller.weights(inputs) <= most)
    raise LayersTooLargeError(
        f"The layers of {name!r} do not fit: with {_written(recipe)} they have {weights:,} weights. "
        f"Training them takes about {told(weights * _COPIES * _WEIGHT_BYTES)}, where {told(left)} is left, and a graph holds "
        f"{told(LIMIT_BYTES)} of them. Lower {' or '.join(f'`{size}`' for size in recipe.sizes)}"
        f"{f': {_written(fitting)} would fit' if fitting else ', or leave columns out'}."
    )


def size_told(recipe: Recipe, inputs: Lesson) -> str:
    """What the training of the recipe's weights takes and how to make them fewer, where they take a good part of what is left."""
    if not isinstance(recipe, Sized):
        return ""
    weights = recipe.weights(inputs)
    taken = weights * _COPIES * _WEIGHT_BYTES
    if taken < _MUCH * available_bytes():
        return ""
    return (
        f"Its {weights:,} weights alone take about {told(taken)} while they are trained, whatever the batch: lower "
        f"{' or '.join(f'`{size}`' for size in recipe.sizes)}."
    )


def _fitting(recipe: Sized, fits: Callable[[Sized], bool]) -> Sized | None:
    """The recipe with its sizes halved until it fits."""
    asked: dict[str, Any] = {size: getattr(recipe.parameters, size) for size in recipe.sizes}
    for halvings in range(1, _MOST_HALVINGS + 1):
        less = {size: _divided(value, 2**halvings) for size, value in asked.items()}
        # Some sizes do not go together, such as heads and the width that they share.
        with suppress(InvalidError):
            smaller = type(recipe)(msgspec.structs.replace(recipe.parameters, **less))  # type: ignore[call-arg]  # recipes take their parameters
            if fits(smaller):
                return smaller
    return None


def _divided(value: int | tuple[int, ...], by: int) -> int | tuple[int, ...]:
    return tuple(max(1, each // by) for each in value) if isinstance(value, tuple) else max(1, value // by)


def _written(recipe: Sized) -> str:
    """The sizes as a spec writes them."""
    values = {size: getattr(recipe.parameters, size) for size in recipe.sizes}
    return ", ".join(f"`{size}: {list(value) if isinstance(value, tuple) else value}`" for size, value in values.items())


def told(size_bytes: int) -> str:
    """An amount of memory as people say it."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= size:
            return f"{size_bytes / size:.3g} {unit}"
    return f"{size_bytes} bytes"
