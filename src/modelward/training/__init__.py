# SPDX-License-Identifier: Apache-2.0
"""Training makes versions: a spec's candidates, learned side by side from one dataset, each one graph with its preparation."""

from modelward.training.document import InvalidSpecError, SpecTooLargeError
from modelward.training.energy import Energy
from modelward.training.finding import FINDINGS, Finding
from modelward.training.fitness import UnfitCandidateError
from modelward.training.gatherer import UnusableDataError
from modelward.training.making import TRAINING_FILE
from modelward.training.memory import LayersTooLargeError
from modelward.training.overriding import override
from modelward.training.parity import ParityError
from modelward.training.preparation import Preparation, Prepare, UnusableFeatureError
from modelward.training.progress import SILENT, Progress
from modelward.training.recipe import DivergedError, Inputs, InvalidParameterError, Made, Recipe, UnusableInputsError
from modelward.training.recipes import RECIPES
from modelward.training.run import (
    Candidate,
    CandidateStatus,
    Curve,
    Run,
    RunBusyError,
    RunFailedError,
    RunFinishedError,
    RunMissingError,
    Status,
)
from modelward.training.service import OutOfMemoryError, Training
from modelward.training.shapes import SHAPES_FILE, Axis, Shapes, Term
from modelward.training.spec import CandidateSpec, Data, Objective, Spec, parse_spec, render, spec_json_schema
from modelward.training.standing import thinned

__all__ = [
    "FINDINGS",
    "RECIPES",
    "SHAPES_FILE",
    "SILENT",
    "TRAINING_FILE",
    "Axis",
    "Candidate",
    "CandidateSpec",
    "CandidateStatus",
    "Curve",
    "Data",
    "DivergedError",
    "Energy",
    "Finding",
    "Inputs",
    "InvalidParameterError",
    "InvalidSpecError",
    "LayersTooLargeError",
    "Made",
    "Objective",
    "OutOfMemoryError",
    "ParityError",
    "Preparation",
    "Prepare",
    "Progress",
    "Recipe",
    "Run",
    "RunBusyError",
    "RunFailedError",
    "RunFinishedError",
    "RunMissingError",
    "Shapes",
    "Spec",
    "SpecTooLargeError",
    "Status",
    "Term",
    "Training",
    "UnfitCandidateError",
    "UnusableDataError",
    "UnusableFeatureError",
    "UnusableInputsError",
    "override",
    "parse_spec",
    "render",
    "spec_json_schema",
    "thinned",
]
