# SPDX-License-Identifier: Apache-2.0
"""The tree of a ledger under verification, rebuilt from its leaves and held block by block against the stored roots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from modelward.audit.merkle import EMPTY_ROOT, STRIDE, Frontier, complete_root
from modelward.audit.verification import Findings

Stored = Callable[[int, int], bytes | None]
"""The stored root of block (level, index); None where it is missing."""

_BLOCK = 1 << STRIDE


class RebuiltTree:
    """Takes leaves in order, None for one that is missing; a block with a missing leaf counts with its stored root.

    `roots` holds the root at each of the `wanted` sizes that could be computed.
    """

    def __init__(self, stored: Stored, findings: Findings, *, wanted: Iterable[int]) -> None:
        self.leaves: list[bytes | None] = []
        self.roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self._stored = stored
        self._findings = findings
        self._wanted = sorted(set(wanted))
        self._start = 0
        self._frontier: Frontier | None = Frontier()

    def settle(self) -> None:
        """Take in every complete block of `leaves`, to which the caller appends; the last leaf always stays and can be replaced."""
        while len(self.leaves) > _BLOCK:
            self._take_block()

    def finish(self) -> Frontier | None:
        """Take in what is left; the frontier of all leaves, or None where too many are missing."""
        self.settle()
        if len(self.leaves) == _BLOCK:
            self._take_block()
        self._note_roots(self.leaves)
        return self._grown(self.leaves)

    def _take_block(self) -> None:
        block = self.leaves[:_BLOCK]
        del self.leaves[:_BLOCK]
        self._note_roots(block)
        root = self._root_of(block)
        if self._frontier is not None and root is not None:
            for level, index, computed in self._frontier.append(root, level=STRIDE):
                self._compare(level, index, computed)
        else:
            self._frontier = None
        self._start += _BLOCK
        if self._frontier is not None and self._start in self._wanted:
            self.roots[self._start] = self._frontier.root()

    def _root_of(self, block: Sequence[bytes | None]) -> bytes | None:
        index = self._start // _BLOCK
        known = [leaf for leaf in block if leaf is not None]
        if len(known) < _BLOCK:
            return self._stored(STRIDE, index)
        root = complete_root(known)
        self._compare(STRIDE, index, root)
        return root

    def _compare(self, level: int, index: int, computed: bytes) -> None:
        stored = self._stored(level, index)
        if stored != computed:
            first, last = index << level, ((index + 1) << level) - 1
            how = "is missing" if stored is None else "differs from theirs: it was rewritten, or one of them was"
            self._findings.add(first, f"The root stored for entries {first} to {last} {how}.")

    def _note_roots(self, leaves: Sequence[bytes | None]) -> None:
        for size in self._wanted:
            if self._start < size <= self._start + len(leaves) and (grown := self._grown(leaves[: size - self._start])):
                self.roots[size] = grown.root()

    def _grown(self, leaves: Sequence[bytes | None]) -> Frontier | None:
        if self._frontier is None:
            return None
        grown = self._frontier.copy()
        for leaf in leaves:
            if leaf is None:
                return None
            grown.append(leaf)
        return grown
