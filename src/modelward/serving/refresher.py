# SPDX-License-Identifier: Apache-2.0
"""The refreshers: threads that look for new releases, and for keys that were made or revoked, again and again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

_LOG = logging.getLogger("modelward.serving")


class Refresher:
    """Has `look` called every so many seconds, in a thread of its own: what takes long there keeps no other from looking. `what` it
    looks for is said in the log when it cannot.
    """

    def __init__(self, look: Callable[[], object], what: str, *, every_seconds: float) -> None:
        self._look = look
        self._what = what
        self._every_seconds = every_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._keep_fresh, name=f"refresher of {what}", daemon=True)

    def start(self) -> None:
        """Begin, that long from now. Once only."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    def _keep_fresh(self) -> None:
        while not self._stopped.wait(self._every_seconds):
            try:
                self._look()
            except Exception as fault:  # noqa: BLE001  # a database that is busy now may answer next time
                _LOG.warning("could not look for new %s: %s", self._what, type(fault).__name__)
