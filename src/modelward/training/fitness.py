# SPDX-License-Identifier: Apache-2.0
"""What can be told of a candidate before a run exists: that it could only fail, over these rows or on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from modelward.errors import InvalidError, UnavailableError
from modelward.plugins import MissingExtraError
from modelward.training import memory
from modelward.training.detecting import learnable
from modelward.training.neural import Learning, check_device
from modelward.training.recipe import Inputs, Lesson, configure, uses_labels
from modelward.training.recipes import RECIPES


class UnfitCandidateError(InvalidError):
    """A candidate of the spec cannot be trained on these rows or on this machine; the message says what to write instead."""


class Configured(Protocol):
    """A candidate, of a spec or of a run."""

    @property
    def recipe(self) -> str: ...

    @property
    def parameters(self) -> dict[str, Any]: ...


def check_fitness(candidates: Mapping[str, Configured], inputs: Lesson) -> None:
    """Nothing, where each candidate could begin. Whether there is memory enough is found out when it begins, and so is a library
    that is not installed: the others are made without it, and it can be made later.

    Raises:
        UnfitCandidateError: one cannot; the message begins with its key in `candidates`.
    """
    for where, candidate in candidates.items():
        try:
            _check(candidate, inputs)
        except MissingExtraError:
            continue
        except (InvalidError, UnavailableError) as wrong:
            raise UnfitCandidateError(f"{where}.{candidate.recipe}: {wrong}") from wrong


def _check(candidate: Configured, inputs: Lesson) -> None:
    recipe = configure(RECIPES.load(candidate.recipe), name=candidate.recipe, parameters=candidate.parameters)
    if isinstance(recipe, memory.Sized):
        recipe.weights(inputs)
    asked = getattr(recipe, "parameters", None)
    if not uses_labels(recipe) and isinstance(inputs, Inputs):
        learnable(inputs, normal=getattr(asked, "normal", None))
    if isinstance(asked, Learning):
        check_device(inputs.device, asked.precision)
