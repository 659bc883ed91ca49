# SPDX-License-Identifier: Apache-2.0
"""What somebody who watches a run is told."""

from __future__ import annotations

from typing import Protocol

from modelward.training.run import Run


class Progress(Protocol):
    """Watches one run. `candidate` is called from the threads that train, so it MUST be thread-safe, quick, and never raise."""

    def started(self, run: Run) -> None:
        """The run has an id, its data is prepared, and its candidates are about to train."""
        ...

    def candidate(self, name: str, share: float, word: str) -> None:
        """Candidate `name` is `share` done (0 to 1), busy with `word`; at 1 the word says what became of it."""
        ...


class Silent:
    """Watches and says nothing."""

    def started(self, run: Run) -> None:
        pass

    def candidate(self, name: str, share: float, word: str) -> None:
        pass


SILENT: Progress = Silent()
