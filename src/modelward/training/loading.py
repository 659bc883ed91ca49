# SPDX-License-Identifier: Apache-2.0
"""The lock under which libraries are loaded."""

from __future__ import annotations

from threading import Lock

# Python gives up (`_DeadlockError`) where threads load parts of one library at once that load each other.
LOADING = Lock()
