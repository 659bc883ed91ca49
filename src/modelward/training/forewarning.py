# SPDX-License-Identifier: Apache-2.0
"""What is said of the data before anything is trained on it: leakage, as the profile found it, wrong labels, and rows that lie in
two parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelward.datasets import ProfileWarning
from modelward.training import label_noise
from modelward.training.checking import exclusion
from modelward.training.estimating import share
from modelward.training.finding import Finding
from modelward.training.loading import LOADING
from modelward.training.material import Material
from modelward.training.recipe import Inputs
from modelward.training.reference import Reference, consult
from modelward.training.spec import Data

NEAR_SHARE = 0.02
"""The share of test rows with a copy in training below which nothing is said; the low end of the interval is asked."""


def quick_reference(material: Material) -> Reference | None:
    """The run's reference; None where these rows have none, or it fails: it only serves to say more."""
    if not isinstance(material.inputs, Inputs) or material.is_of_histories:
        return None
    try:
        with LOADING:
            return consult(material.inputs)
    except Exception:  # noqa: BLE001  # nobody asked for it, so whatever is amiss with it must not stop the training
        return None


def forewarn(
    material: Material, data: Data, warnings: Sequence[ProfileWarning], reference: Reference | None
) -> tuple[Finding, ...]:
    """The findings about the rows that a run will learn from; `warnings` are those of the data's profile."""
    noise = None if reference is None else label_noise.finding(reference, rows=material.train_rows)
    return (*_leaks(material, data, warnings), *([noise] if noise else []), *_near(material))


def _near(material: Material) -> list[Finding]:
    near, rows = material.facts.get("test_rows_near_training", 0), material.facts["rows"]["test"]
    if not rows or share(near, of=rows).low < NEAR_SHARE:
        return []
    return [
        Finding(
            kind="test-rows-near-training",
            text=f"{near:,} of {rows:,} test rows have a near-duplicate among the training rows, so that the test may be easier "
            "than what comes later.",
            remedy="Divide with `data: {split: {by: cluster}}`, which keeps near-duplicates in one part, and compare.",
        )
    ]


def _leaks(material: Material, data: Data, warnings: Sequence[ProfileWarning]) -> list[Finding]:
    features = set(material.interface.names)
    suspects = [warning for warning in warnings if warning.kind == "leakage" and warning.column in features]
    remedy = f"Unless it is known before the outcome, write {exclusion([*data.exclude, *(each.column for each in suspects)])}."
    return [Finding(kind="leakage", text=_first_sentence(each.text), remedy=remedy) for each in suspects]


def _first_sentence(text: str) -> str:
    """What the profile found, without what it advises who registers the data."""
    return text.partition(". Leave ")[0].removesuffix(".") + "."
