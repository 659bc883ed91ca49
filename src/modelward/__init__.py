# SPDX-License-Identifier: Apache-2.0
"""Modelward turns data into models, measures what each risks, releases what passes a policy, and serves it accountably."""

__version__ = "0.1.0"
