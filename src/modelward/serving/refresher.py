# SPDX-License-Identifier: Apache-2.0
"""The refresher: a thread that looks for new releases and for keys that were made or revoked, again and again."""

from __future__ import annotations

import logging
from threading import Event, Thread

from modelward.serving.deployments import Deployments
from modelward.serving.keychain import Keychain

_LOG = logging.getLogger("modelward.serving")


class Refresher:
    """Keeps deployments and keys as fresh as `every_seconds`."""

    def __init__(self, deployments: Deployments, keychain: Keychain, *, every_seconds: float) -> None:
        self._deployments = deployments
        self._keychain = keychain
        self._every_seconds = every_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._keep_fresh, name="refresher", daemon=True)

    def start(self) -> None:
        """Look now, and go on looking. Once only.

        Raises: as `Deployments.refresh` and `Keychain.refresh`; then it does not go on.
        """
        self._refresh()
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    def _refresh(self) -> None:
        try:
            self._keychain.refresh()
        finally:
            self._deployments.refresh()

    def _keep_fresh(self) -> None:
        while not self._stopped.wait(self._every_seconds):
            try:
                self._refresh()
            except Exception as fault:  # noqa: BLE001  # a database that is busy now may answer next time
                _LOG.warning("could not look for new releases and keys: %s", type(fault).__name__)
