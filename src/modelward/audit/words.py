# SPDX-License-Identifier: Apache-2.0
"""The words that entries are searched by, held against the entries: a word that was taken away would hide what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from modelward.audit.store import BLOCK, Row, words_of
from modelward.audit.verification import Findings

Missing = Callable[[int, Iterable[str]], Sequence[str]]
"""Those of the words under which a block should be found, and is not."""


class WordsHeld:
    """Looks at the rows of a verification as they pass. Blocks from `until` on are not complete, and under no words yet."""

    def __init__(self, missing: Missing, findings: Findings, *, until: int) -> None:
        self._missing = missing
        self._findings = findings
        self._until = until

    def watch(self, pages: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
        """The same pages, looked at."""
        block, words = -1, set[str]()
        for page in pages:
            for place, event, actor, subject in _places(page):
                if place != block:
                    self._hold(block, words)
                    block, words = place, set()
                words.update(words_of(event, actor, subject))
            yield page
        self._hold(block, words)

    def _hold(self, block: int, words: Iterable[str]) -> None:
        if 0 <= block < self._until and (missing := self._missing(block, words)):
            first, last = block * BLOCK, (block + 1) * BLOCK - 1
            self._findings.add(
                first, f"Searches do not find entries {first} to {last} by {len(missing)} of their words: they were taken away."
            )


def _places(page: Sequence[Row]) -> list[tuple[int, str, str, str]]:
    try:
        return sorted({(row.idx // BLOCK, row.event, row.actor, row.subject) for row in page if row.request})
    except TypeError:
        # A row that is not as it was written is named by the walk.
        return []
