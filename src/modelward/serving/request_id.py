# SPDX-License-Identifier: Apache-2.0
"""Request ids: in the order of time, so that the ledger's index of them grows at its end alone, and not to be guessed."""

from __future__ import annotations

import os
from time import time_ns

_RANDOM_BYTES = 10
_DRAWN_AT_ONCE = 512
_WIDTH = 2 * _RANDOM_BYTES


class _RequestIds:
    """Random bits are drawn for many ids at once, for a system call costs more than all the rest of an id."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Draw anew: a forked process must not give out the ids of its parent."""
        self._drawn: list[str] = []
        self._moment = -1
        self._prefix = ""

    def next(self) -> str:
        moment = time_ns() // 1_000_000
        if moment != self._moment:
            # Two threads may do so at once, and write the same.
            self._prefix, self._moment = f"req-{moment:012x}", moment
        while True:
            try:
                # One thread at a time takes from a list, so that no two ever get the same bits.
                return self._prefix + self._drawn.pop()
            except IndexError:
                drawn = os.urandom(_RANDOM_BYTES * _DRAWN_AT_ONCE).hex()
                self._drawn.extend([drawn[at : at + _WIDTH] for at in range(0, len(drawn), _WIDTH)])


_REQUEST_IDS = _RequestIds()
os.register_at_fork(after_in_child=_REQUEST_IDS.forget)


def new_request_id() -> str:
    """A request id: 48 bits of milliseconds since 1970, then 80 random bits, in hexadecimal.

    Ours are never taken from a client: a receipt is found by them.
    """
    return _REQUEST_IDS.next()
