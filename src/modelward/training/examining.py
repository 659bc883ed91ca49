# SPDX-License-Identifier: Apache-2.0
"""Examines a candidate that was made: what it answers to some training and validation rows, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

import numpy as np

from modelward.training.diagnosis import Answered, Facts, diagnose, diagnose_gains
from modelward.training.finding import Finding
from modelward.training.recipe import Inputs, Labels, Lesson, Made, Rows
from modelward.training.reference import ROWS_LIMIT, Reference

_ROWS_AT_ONCE = 500
BUDGET_SECONDS = 5.0
"""After so long no further rows are answered. Recipes of today answer all of them in a tenth of it, so that findings repeat."""


def examine(
    made: Made,
    inputs: Lesson,
    *,
    parameters: Mapping[str, Any],
    reference: Reference | None,
    budget_seconds: float = BUDGET_SECONDS,
) -> tuple[Finding, ...]:
    """The findings about `made`, which was told what to answer; none of a recommender that knows no loss. It never fails: what
    cannot be examined is a finding that says so.
    """
    try:
        if made.gains is not None:
            return diagnose_gains(made.gains(), parameters=parameters, curves=made.curves, seed=inputs.seed)
        if not isinstance(inputs, Inputs) or inputs.taken == "sequence":
            return ()
        return diagnose(_facts(made, inputs, parameters, reference, until=monotonic() + budget_seconds))
    except Exception as fault:  # noqa: BLE001  # a version that was made must not be lost because nobody could say more of it
        text = f"Why it is as it is could not be examined: {type(fault).__name__}."
        return (Finding(kind="not-examined", text=text, remedy="Assess the version, and report the recipe with its spec."),)


def _facts(made: Made, inputs: Inputs, parameters: Mapping[str, Any], reference: Reference | None, *, until: float) -> Facts:
    places = _some(len(inputs.train_labels), seed=inputs.seed) if reference is None else reference.places
    training = _answered(made, inputs.train[places], inputs.train_labels[places], until=until)
    some = _some(len(inputs.validation_labels), seed=inputs.seed)
    return Facts(
        training=training,
        validation=_answered(made, inputs.validation[some], inputs.validation_labels[some], until=until) if len(some) else None,
        counts=np.bincount(inputs.train_labels, minlength=len(inputs.classes)),
        parameters=parameters,
        curves=made.curves,
        reference=None if reference is None else reference.probabilities[: training.rows],
        seed=inputs.seed,
        has_numbers=inputs.taken == "table",
    )


def _some(rows: int, *, seed: int) -> Labels:
    return np.random.default_rng(seed).permutation(rows)[:ROWS_LIMIT].astype(np.int64)


def _answered(made: Made, rows: Rows, labels: Labels, *, until: float) -> Answered:
    """The answers to the rows, or to the first of them where they take too long."""
    parts = [np.asarray(made.predict(rows[:_ROWS_AT_ONCE]), dtype=np.float64)]
    for start in range(_ROWS_AT_ONCE, len(rows), _ROWS_AT_ONCE):
        if monotonic() > until:
            break
        parts.append(np.asarray(made.predict(rows[start : start + _ROWS_AT_ONCE]), dtype=np.float64))
    answers = np.concatenate(parts)
    return Answered(labels=labels[: len(answers)], probabilities=answers)
