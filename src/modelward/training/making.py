# SPDX-License-Identifier: Apache-2.0
"""Makes one candidate: trains it, draws its graph, compares the two on every test row, and says what it took."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import msgspec
import numpy as np

from modelward.compute import Report
from modelward.errors import ModelwardError, RefusedError
from modelward.plugins import installed_versions
from modelward.registry import BACKGROUND_FILE, GRAPH_FILE
from modelward.training import parity
from modelward.training.checkpoints import SealedCheckpoints
from modelward.training.energy import Meter
from modelward.training.material import Material
from modelward.training.recipe import Inputs, Made, Progress, Recipe, configure
from modelward.training.recipes import RECIPES
from modelward.training.run import Candidate, CandidateStatus

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "polars", "scikit-learn", "torch")


@dataclass(frozen=True, slots=True)
class Product:
    """A made candidate: the files of its version, what the version says of itself, and the seconds it took."""

    files: dict[str, bytes]
    facts: dict[str, Any]
    seconds: float


def make(candidate: Candidate, material: Material, *, meter: Meter, report: Report, checkpoints: SealedCheckpoints) -> Product:
    """Train `candidate`, from its last checkpoint on where there is one; the product is complete and checked.

    Raises:
        ParityError: graph and trained estimator differ on a test row. InvalidError, MissingExtraError: see `Recipe.make`.
    """
    from modelward.training import graph

    with _LOADING:
        import onnxruntime  # noqa: F401  # loaded here, so that no two threads begin at once
        from onnx import checker, compose, helper  # noqa: F401

    recipe = configure(RECIPES.load(candidate.recipe), name=candidate.recipe, parameters=candidate.parameters)
    report(0.0, "loading")
    with _LOADING:
        _rehearse(recipe, material.inputs)
    report(0.0, "training")
    inputs = replace(material.inputs, checkpoints=checkpoints)
    made, effort = meter.measure(lambda: recipe.make(inputs, _training(report, checkpoints)))
    made = replace(made, notes=(*made.notes, *checkpoints.notes))
    report(0.9, "drawing the graph")
    drawn = graph.finish(material.preparation.graph(), made.graph(), material.inputs.classes)
    report(0.95, "comparing graph and estimator")
    compared = parity.check(drawn, material.preparation, made, material.test)
    compared.require(candidate.recipe)
    report(0.99, "trained; next it is signed, in the order of the spec")
    facts = {
        **material.facts,
        "candidate": candidate.name,
        "parameters": made.parameters,
        "prepared_columns": material.inputs.width,
        "parity": {"rows": compared.rows, "largest_difference": compared.worst, "tolerance": parity.TOLERANCE},
        "seconds": effort.seconds,
        "cpu_seconds": effort.cpu_seconds,
        "energy_joules": effort.energy.joules,
        "energy_low_joules": effort.energy.low,
        "energy_high_joules": effort.energy.high,
        "energy_method": effort.energy.method,
    }
    files = {
        GRAPH_FILE: drawn,
        "preparation.json": msgspec.json.encode(material.preparation),
        "training.json": _training_file(made),
    }
    if material.background:
        files[BACKGROUND_FILE] = msgspec.json.encode(material.background)
    return Product(files, facts, effort.seconds)


def libraries() -> dict[str, str]:
    """The version of each library that has a part in what is made, of those installed."""
    return installed_versions(_LIBRARIES)


def what_went_wrong(fault: Exception) -> tuple[CandidateStatus, str]:
    """How a candidate stands after `fault`, and what to tell: never a value out of the data."""
    if isinstance(fault, MemoryError):
        return CandidateStatus.FAILED, (
            "Out of memory. Train fewer candidates at once (`MODELWARD_TRAINING_WORKERS=1`), choose a smaller recipe, or exclude "
            "columns with many categories (`data.prepare.max_categories`)."
        )
    if isinstance(fault, RefusedError):
        return CandidateStatus.REFUSED, str(fault)
    if isinstance(fault, ModelwardError):
        return CandidateStatus.FAILED, str(fault)
    # What a library says may quote a row, so only the kind and the place are told.
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" in {frames[-1].name}" if frames else ""
    return CandidateStatus.FAILED, (
        f"An unexpected {type(fault).__name__}{place}. Try other parameters or another recipe, and report it with the spec."
    )


# Python gives up (`_DeadlockError`) where threads load parts of one library at once that load each other.
_LOADING = Lock()


class _RehearsedError(Exception):
    """The rehearsal went far enough."""


def _rehearse(recipe: Recipe, inputs: Inputs) -> None:
    """Let the recipe begin on a few rows, so that it loads its library: neither the time nor the energy of that is the
    candidate's, and whichever candidate came first would bear it for all.
    """
    rows = np.sort(np.concatenate([np.flatnonzero(inputs.train_labels == label)[:3] for label in range(len(inputs.classes))]))
    few, labels = inputs.train[rows], inputs.train_labels[rows]

    def enough(_share: float, _word: str = "", /) -> None:
        raise _RehearsedError

    # What is wrong with the recipe or its parameters is found again, and told, when it is in earnest.
    with suppress(Exception):
        recipe.make(replace(inputs, train=few, train_labels=labels, validation=few, validation_labels=labels), enough)


def _training(report: Report, checkpoints: SealedCheckpoints) -> Progress:
    """A recipe's own progress, 0 to 1, as the first nine tenths of the candidate's."""

    def told(share: float, word: str = "", /) -> None:
        report(0.9 * share, "; ".join(filter(None, (f"training, {word}" if word else "training", checkpoints.trouble))))

    return told


def _training_file(made: Made) -> bytes:
    return msgspec.json.encode({"curves": made.curves, "notes": made.notes, "parameters": made.parameters})
