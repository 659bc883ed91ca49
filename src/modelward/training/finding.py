# SPDX-License-Identifier: Apache-2.0
"""A finding: something that explains why a training went as it did, with its figures, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

FINDINGS = {
    "label-noise": "Many training rows seem to bear another class's label.",
    "leakage": "A column alone tells the target nearly perfectly.",
    "test-rows-near-training": "Many test rows have a near-duplicate among the training rows.",
    "overfitting": "The training rows are answered better than the validation rows.",
    "underfitting": "Even the training rows are hardly learnt.",
    "plateau": "The training loss does not fall any more while it is still high.",
    "imbalance": "A class is so rare that the training pays it little heed, or was made to pay it too much.",
    "out-of-memory": "The training ran out of memory and was tried again with smaller batches.",
    "not-examined": "The candidate was made, and why it is as it is could not be examined.",
}
"""Every kind of finding, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`kind` is one of `FINDINGS`. `text` is what was found, with figures and never a value of the data; `remedy` is what to do."""

    kind: str
    text: str
    remedy: str
