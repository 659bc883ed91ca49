# SPDX-License-Identifier: Apache-2.0
"""Modelward turns data into models, measures what each risks, releases what passes a policy, and serves it accountably."""

import os

# From 1.29 on, ONNX Runtime tells its maker which models it loads, and keeps an identifier of the device in the user's cache,
# unless this stands before it is first imported. Nothing here phones home, whatever the environment says.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
