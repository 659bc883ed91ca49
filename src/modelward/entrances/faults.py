# SPDX-License-Identifier: Apache-2.0
"""What a failure looks like to whoever asked over the network, by whichever door."""

from __future__ import annotations

from modelward.errors import ModelwardError


def message_of(error: BaseException) -> str:
    """What may be said: our own messages; of an unexpected fault only that there was one, for its text may hold a payload."""
    if isinstance(error, ModelwardError):
        return str(error)
    return "An unexpected fault. The server's log names its place under this answer's x-request-id."
