# SPDX-License-Identifier: Apache-2.0
"""Privacy finds persons in data and hides them."""

from modelward.privacy.detector import Detector, Found, identifiers_in, normalised
from modelward.privacy.detectors import DETECTORS

__all__ = ["DETECTORS", "Detector", "Found", "identifiers_in", "normalised"]
