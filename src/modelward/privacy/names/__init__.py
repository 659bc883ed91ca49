# SPDX-License-Identifier: Apache-2.0
"""How names of people are told from other words. The tables beside this are made by `benchmarks/names.py`, which says from what."""
