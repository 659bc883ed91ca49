# SPDX-License-Identifier: Apache-2.0
"""What to tell of a candidate that failed: why, in the user's words, and what to do. Never a value out of the data."""

from __future__ import annotations

import re
import traceback
from contextlib import suppress
from dataclasses import dataclass

from modelward.datasets import GrantEndedError
from modelward.errors import ModelwardError, PrerequisiteError, RefusedError, UnavailableError
from modelward.training import memory
from modelward.training.recipe import Lesson, configure
from modelward.training.recipes import RECIPES
from modelward.training.run import Candidate, CandidateStatus

_SIZE = r"(\d+(?: ?[x,] ?\d+)*)"
# What libraries say of shapes that do not fit, as `given` and `wanted`. Only these numbers are told of it, which are sizes.
_MISFITS = [
    re.compile(form)
    for form in (
        r"shapes cannot be multiplied \(\d+x(?P<given>\d+) and (?P<wanted>\d+)x\d+\)",
        r"size of tensor a \((?P<given>\d+)\) must match the size of tensor b \((?P<wanted>\d+)\)",
        r"X has (?P<given>\d+) features, but \w+ is expecting (?P<wanted>\d+)",
        r"to have (?P<wanted>\d+) channels, but got (?P<given>\d+)",
        r"\(size (?P<wanted>\d+) is different from (?P<given>\d+)\)",
        rf"broadcast together with shapes \((?P<given>{_SIZE}),?\) \((?P<wanted>{_SIZE}),?\)",
        rf"Calculated padded input size per channel: \((?P<given>{_SIZE})\)\. Kernel size: \((?P<wanted>{_SIZE})\)",
    )
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a candidate stands that failed, what to tell of it, the kind of the fault, and whether the same may go well later."""

    status: CandidateStatus
    message: str
    kind: str
    may_go_well: bool


def failure_of(fault: Exception, candidate: Candidate, inputs: Lesson | None = None) -> Failure:
    """What is kept of a fault; `inputs` are what was learnt from, where they are at hand."""
    status, message = what_went_wrong(fault, candidate, inputs)
    return Failure(status=status, message=message, kind=type(fault).__name__, may_go_well=may_go_well(fault))


def what_went_wrong(fault: Exception, candidate: Candidate, inputs: Lesson | None) -> tuple[CandidateStatus, str]:
    """How a candidate stands after `fault`, and what to tell."""
    if memory.is_out_of_memory(fault):
        return CandidateStatus.FAILED, _out_of_memory(fault, candidate, inputs)
    if isinstance(fault, RefusedError):
        return CandidateStatus.REFUSED, str(fault)
    if isinstance(fault, ModelwardError):
        return CandidateStatus.FAILED, str(fault)
    if misfit := _misfit(fault):
        return CandidateStatus.FAILED, misfit
    # What a library says may quote a row, so only the kind and the place are told.
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" in {frames[-1].name}" if frames else ""
    return CandidateStatus.FAILED, (
        f"An unexpected {type(fault).__name__}{place}. Try other parameters or another recipe, and report it with the spec."
    )


def may_go_well(fault: Exception) -> bool:
    """Whether the same candidate may go well another time: what it lacked was memory, a library, a device or a
    grant, not sense.
    """
    return memory.is_out_of_memory(fault) or isinstance(fault, PrerequisiteError | UnavailableError | GrantEndedError)


def _out_of_memory(fault: Exception, candidate: Candidate, inputs: Lesson | None) -> str:
    asked = memory.asked_bytes(fault)
    said = [f"Out of memory: {memory.told(asked)} were asked for at once." if asked else "Out of memory."]
    if inputs is not None and (size := _size(candidate, inputs)):
        said.append(size)
    if inputs is not None and (smaller := memory.smaller_batch(candidate.parameters, rows=len(inputs.train))):
        said.append(
            f"A batch has {smaller.before:,} rows: set `batch_size: {smaller.after}`, or write `out_of_memory: smaller-batch` into "
            "the spec, which tries that by itself."
        )
    said.append(
        "Train fewer candidates at once (`MODELWARD_TRAINING_WORKERS=1`), choose a smaller recipe, or exclude columns with many "
        "categories (`data.prepare.max_categories`)."
    )
    return " ".join(said)


def _size(candidate: Candidate, inputs: Lesson) -> str:
    """What the network itself takes, where that is much of what there is; nothing where it is not, or nobody knows."""
    with suppress(ModelwardError):
        recipe = configure(RECIPES.load(candidate.recipe), name=candidate.recipe, parameters=candidate.parameters)
        return memory.size_told(recipe, inputs)
    return ""


def _misfit(fault: Exception) -> str:
    if not isinstance(fault, RuntimeError | ValueError):
        return ""
    found = next((found for form in _MISFITS if (found := form.search(str(fault)))), None)
    if found is None:
        return ""
    return (
        f"The layers do not fit together: one takes {found['wanted']} numbers a row, or a window of so many, and is given "
        f"{found['given']}. Change the sizes in the candidate's parameters, or leave them out; the defaults fit."
    )
