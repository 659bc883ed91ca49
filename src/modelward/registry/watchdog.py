# SPDX-License-Identifier: Apache-2.0
"""Ends calls of ONNX Runtime that pass their bound: a graph from outside may loop without end on some input."""

from __future__ import annotations

import time
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

_LOOKS_EVERY_SECONDS = 1.0


class Watchdog:
    """One thread that looks at every call under way. Watching costs a call about a microsecond: nothing is locked or woken."""

    def __init__(self) -> None:
        # Single reads and writes of a dictionary are atomic.
        self._calls: dict[onnxruntime.RunOptions, float] = {}
        self._starting = Lock()
        self._thread: Thread | None = None

    def watch(self, seconds: float) -> onnxruntime.RunOptions:
        """Options for a call that is ended soon after so many seconds; the caller MUST `release` them afterwards."""
        from onnxruntime import RunOptions

        options = RunOptions()
        self._calls[options] = time.monotonic() + seconds
        # A forked process has the object and not its thread.
        if self._thread is None or not self._thread.is_alive():
            self._start()
        return options

    def release(self, options: onnxruntime.RunOptions) -> None:
        """The call is over."""
        self._calls.pop(options, None)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._look, name="modelward-watchdog", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        while True:
            now = time.monotonic()
            for options, end in list(self._calls.items()):
                if end < now:
                    options.terminate = True
            time.sleep(_LOOKS_EVERY_SECONDS)


WATCHDOG = Watchdog()
