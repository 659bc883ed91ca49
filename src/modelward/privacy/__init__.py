# SPDX-License-Identifier: Apache-2.0
"""Privacy finds persons in data and hides them."""

from modelward.privacy.detector import Detector, Found, identifiers_in, normalised
from modelward.privacy.detectors import DETECTORS
from modelward.privacy.marks import of_few_marks

__all__ = ["DETECTORS", "Detector", "Found", "identifiers_in", "normalised", "of_few_marks"]
