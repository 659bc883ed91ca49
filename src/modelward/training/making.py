# SPDX-License-Identifier: Apache-2.0
"""Makes one candidate: trains it, draws its graph, compares the two on test rows, and says what it took."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from modelward.compute import Report
from modelward.plugins import installed_versions
from modelward.registry import BACKGROUND_FILE, GRAPH_FILE, Interface
from modelward.training import memory, parity
from modelward.training.checkpoints import Checkpoints, KeptCheckpoints
from modelward.training.energy import Effort, Meter
from modelward.training.examining import examine
from modelward.training.finding import Finding
from modelward.training.loading import LOADING
from modelward.training.material import Material
from modelward.training.neural import ClassifierLearning
from modelward.training.recipe import Inputs, Lesson, Made, MadeWhole, Recipe, Whole, configure, streams, uses_labels
from modelward.training.recipes import RECIPES
from modelward.training.reference import Reference
from modelward.training.run import Candidate

TRAINING_FILE = "training.json"
"""The file of a version that holds its curves, its notes and what was found about it."""
_LIBRARIES = ("interpret-core", "lightgbm", "numpy", "onnx", "onnxruntime", "polars", "scikit-learn", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A made candidate: the files of its version, what it takes and gives, what it says of itself, the seconds it took, the
    parameters it was made with, and what was found about it.
    """

    files: dict[str, bytes]
    interface: Interface
    facts: dict[str, Any]
    seconds: float
    parameters: dict[str, Any]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all candidates of a run have in common beside their material: its reference, what was found about its rows, and whether
    one that runs out of memory is tried again with smaller batches.
    """

    reference: Reference | None = None
    forewarned: tuple[Finding, ...] = ()
    may_retry: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """The report of a candidate's job, and who takes its curves while they grow."""

    report: Report
    curves: Callable[[Mapping[str, Sequence[float]]], None]

    def __call__(self, share: float, word: str = "") -> None:
        """See `Report`."""
        self.report(share, word)


def make(
    candidate: Candidate, material: Material, *, terms: Terms, meter: Meter, report: Watched, checkpoints: KeptCheckpoints
) -> Product:
    """Train `candidate`, from its last checkpoint on where there is one; the product is complete, checked and examined.

    Raises:
        ParityError: graph and trained estimator differ on a test row. LayersTooLargeError: see `check_layers`. InvalidError,
            MissingExtraError: see `Recipe.make`.
    """
    with LOADING:
        import onnxruntime  # noqa: F401  # loaded here, so that no two threads begin at once
        from onnx import checker, compose, helper  # noqa: F401

    retry = checkpoints.of_retry()
    learnt = _learn(candidate, material.learnt, terms=terms, meter=meter, report=report, checkpoints=checkpoints, retry=retry)
    notes = (*learnt.made.notes, *_unmixed(candidate, material), *checkpoints.notes, *retry.notes)
    made, effort = replace(learnt.made, notes=notes), learnt.effort
    report.curves(made.curves)
    report(0.9, "drawing the graph, and comparing it with what was trained")
    whole = made.finish(material.interface) if isinstance(made, MadeWhole) else _whole(made, material)
    whole.compared.require(candidate.recipe)
    report(0.98, "examining")
    findings = learnt.findings
    # Who was not told the labels is not to be blamed for what it would have learnt of them.
    if uses_labels(RECIPES.load(candidate.recipe)) and isinstance(made, Made):
        findings += examine(made, material.inputs, parameters=learnt.parameters, reference=terms.reference)
    report(0.99, "trained; next it is signed, in the order of the spec")
    facts = {
        **material.facts,
        "candidate": candidate.name,
        "parameters": made.parameters,
        "prepared_columns": material.inputs.width,
        "parity": whole.compared.told,
        "seconds": effort.seconds,
        "cpu_seconds": effort.cpu_seconds,
        "energy_joules": effort.energy.joules,
        "energy_low_joules": effort.energy.low,
        "energy_high_joules": effort.energy.high,
        "energy_method": effort.energy.method,
    }
    files = {
        **made.files,
        GRAPH_FILE: whole.graph,
        "preparation.json": msgspec.json.encode(material.preparation),
        TRAINING_FILE: _training_file(made, (*terms.forewarned, *findings)),
    }
    if isinstance(made, MadeWhole):
        # Its features are not columns of the data, so it says which ones it learned from.
        facts["columns"] = list(material.interface.names)
    elif material.background:
        files[BACKGROUND_FILE] = msgspec.json.encode(material.background)
    return Product(
        files=files,
        interface=whole.interface,
        facts=facts,
        seconds=effort.seconds,
        parameters=learnt.parameters,
        findings=findings,
    )


def _whole(made: Made, material: Material) -> Whole:
    """The graph from the features to the answer, compared on every test row."""
    drawn = _drawn(made, material)
    return Whole(drawn, material.interface, parity.check(drawn, material.preparation, made, material.test))


def _unmixed(candidate: Candidate, material: Material) -> tuple[str, ...]:
    learnt = material.learnt
    is_mixed = isinstance(learnt, Inputs) and bool(learnt.mixup)
    if not is_mixed or issubclass(RECIPES.load(candidate.recipe).Parameters, ClassifierLearning):
        return ()
    return ("The spec asks for mixup, which is of networks that tell classes apart; this recipe learnt from rows as they are.",)


def _drawn(made: Made, material: Material) -> bytes:
    from modelward.training import graph

    preparation = material.preparation.graph()
    if material.interface.answer == "text":
        return graph.finish_text(preparation, made.graph(), length=material.interface.length)
    return graph.finish(preparation, made.graph(), material.inputs.classes)


def libraries() -> dict[str, str]:
    """The version of each library that has a part in what is made, of those installed."""
    return installed_versions(_LIBRARIES)


@dataclass(frozen=True, slots=True)
class _Learnt:
    """An estimator, what it took, the parameters it was made with, and what happened on the way."""

    made: Made | MadeWhole
    effort: Effort
    parameters: dict[str, Any]
    findings: tuple[Finding, ...] = ()


def _learn(
    candidate: Candidate,
    inputs: Lesson,
    *,
    terms: Terms,
    meter: Meter,
    report: Watched,
    checkpoints: Checkpoints,
    retry: Checkpoints,
) -> _Learnt:
    """Train the candidate; where that runs out of memory and it may, once more with smaller batches."""
    smaller = memory.smaller_batch(candidate.parameters, rows=len(inputs.train)) if terms.may_retry else None
    try:
        return _attempt(candidate, inputs, meter=meter, report=report, checkpoints=checkpoints)
    except Exception as fault:
        if smaller is None or not memory.is_out_of_memory(fault):
            raise
        asked = memory.asked_bytes(fault)
    # Only out here is the memory free again that the failed attempt held.
    fewer = replace(candidate, parameters=smaller.parameters)
    again = _attempt(fewer, inputs, meter=meter, report=report, checkpoints=retry)
    amount = f": {memory.told(asked)} were asked for at once" if asked else ""
    text = f"With batches of {smaller.before:,} rows it ran out of memory{amount}. It was made with batches of {smaller.after:,}."
    finding = Finding(kind="out-of-memory", text=text, remedy=f"Set `batch_size: {smaller.after}` in the spec.")
    return replace(again, findings=(finding,))


def _attempt(candidate: Candidate, inputs: Lesson, *, meter: Meter, report: Watched, checkpoints: Checkpoints) -> _Learnt:
    recipe = configure(RECIPES.load(candidate.recipe), name=candidate.recipe, parameters=candidate.parameters)
    memory.check_layers(recipe, inputs, name=candidate.recipe)
    report(0.0, "loading")
    if isinstance(inputs, Inputs) and not streams(recipe):
        inputs = memory.with_matrix(inputs, asks=f"The recipe {candidate.recipe!r}", instead=_streaming)
    with LOADING:
        _rehearse(recipe, inputs)
    report(0.0, "training")
    kept = replace(inputs, checkpoints=checkpoints)
    made, effort = meter.measure(lambda: recipe.make(kept, _Training(report, checkpoints)))
    return _Learnt(made, effort, candidate.parameters)


def _streaming() -> str:
    names = ", ".join(name for name in RECIPES.names() if streams(RECIPES.load(name)))
    return f"Take a recipe that learns in streams ({names})"


class _RehearsedError(Exception):
    """The rehearsal went far enough."""


def _rehearse(recipe: Recipe, inputs: Lesson) -> None:
    """Let the recipe begin on a few rows, so that it loads its library: neither the time nor the energy of that is the
    candidate's, and whichever candidate came first would bear it for all.
    """

    def enough(_share: float, _word: str = "", /) -> None:
        raise _RehearsedError

    # What is wrong with the recipe or its parameters is found again, and told, when it is in earnest.
    with suppress(Exception):
        recipe.make(inputs.few(), enough)


class _Training:
    """A recipe's own progress, 0 to 1, as the first nine tenths of the candidate's."""

    def __init__(self, report: Watched, checkpoints: Checkpoints) -> None:
        self._report = report
        self._checkpoints = checkpoints

    def __call__(self, share: float, word: str = "", /) -> None:
        said = f"training, {word}" if word else "training"
        self._report(0.9 * share, "; ".join(filter(None, (said, self._checkpoints.trouble))))

    def curves(self, so_far: Mapping[str, Sequence[float]], /) -> None:
        """See `HearsCurves`."""
        self._report.curves(so_far)


def _training_file(made: Made | MadeWhole, findings: tuple[Finding, ...]) -> bytes:
    said = {"curves": made.curves, "notes": made.notes, "parameters": made.parameters, "findings": findings}
    return msgspec.json.encode(said)
