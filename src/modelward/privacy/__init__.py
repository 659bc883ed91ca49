# SPDX-License-Identifier: Apache-2.0
"""Privacy finds persons in data and hides them."""
