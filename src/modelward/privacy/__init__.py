# SPDX-License-Identifier: Apache-2.0
"""Privacy finds persons in data and hides them, and adds up what noisy answers tell of one row."""

from modelward.privacy.accountants import ACCOUNTANTS
from modelward.privacy.detector import Detector, Found, identifiers_in, normalised
from modelward.privacy.detectors import DETECTORS
from modelward.privacy.marks import of_few_marks
from modelward.privacy.mechanism import (
    AccountantsDisagreeError,
    InvalidMechanismError,
    Loss,
    Mechanism,
    check_delta,
    epsilon_of,
    merged,
)

__all__ = [
    "ACCOUNTANTS",
    "DETECTORS",
    "AccountantsDisagreeError",
    "Detector",
    "Found",
    "InvalidMechanismError",
    "Loss",
    "Mechanism",
    "check_delta",
    "epsilon_of",
    "identifiers_in",
    "merged",
    "normalised",
    "of_few_marks",
]
