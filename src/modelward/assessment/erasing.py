# SPDX-License-Identifier: Apache-2.0
"""What follows from an erasure: which versions may have learned from the rows, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelward.datasets import Erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An erasure, the `versions` that may have learned from the rows, and what to do about them."""

    erased: Erased
    versions: tuple[str, ...]
    advice: tuple[str, ...]


def advice_after(erased: Erased, versions: Sequence[str]) -> tuple[str, ...]:
    """What follows, for people."""
    said = ["No version was made from the rows."]
    if versions:
        said = [
            f"May have learned from the rows: {', '.join(versions)}. They are erased from the data, and not from these: weights "
            "were made with them, and files may hold some (the background of explanations; neighbours and support vectors). The "
            "default policy lets none of them go live any more. Train again, release the new version in their place, and take the "
            "old one offline with `modelward release pause` if that must not wait."
        ]
    if erased.erased is not None:
        said.append(
            "Backups, and copies of the database from before, still open what was sealed then: run `modelward keys rotate-master`, "
            "take a new backup, and erase the old ones with their keyrings."
        )
    return tuple(said)
