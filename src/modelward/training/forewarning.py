# SPDX-License-Identifier: Apache-2.0
"""What is said of the data before anything is trained on it: leakage, as the profile found it, and wrong labels."""

from __future__ import annotations

from modelward.datasets import Profile
from modelward.training import label_noise
from modelward.training.checking import exclusion
from modelward.training.finding import Finding
from modelward.training.loading import LOADING
from modelward.training.material import Material
from modelward.training.reference import Reference, consult
from modelward.training.spec import Data


def quick_reference(material: Material) -> Reference | None:
    """The run's reference; None where these rows have none, or it fails: it only serves to say more."""
    try:
        with LOADING:
            return consult(material.inputs)
    except Exception:  # noqa: BLE001  # nobody asked for it, so whatever is amiss with it must not stop the training
        return None


def forewarn(material: Material, data: Data, profile: Profile, reference: Reference | None) -> tuple[Finding, ...]:
    """The findings about the rows that a run will learn from."""
    noise = None if reference is None else label_noise.finding(reference, rows=material.train_rows)
    return (*_leaks(material, data, profile), *([noise] if noise else []))


def _leaks(material: Material, data: Data, profile: Profile) -> list[Finding]:
    features = set(material.interface.names)
    suspects = [warning for warning in profile.warnings if warning.kind == "leakage" and warning.column in features]
    remedy = f"Unless it is known before the outcome, write {exclusion([*data.exclude, *(each.column for each in suspects)])}."
    return [Finding(kind="leakage", text=_first_sentence(each.text), remedy=remedy) for each in suspects]


def _first_sentence(text: str) -> str:
    """What the profile found, without what it advises who registers the data."""
    return text.partition(". Leave ")[0].removesuffix(".") + "."
