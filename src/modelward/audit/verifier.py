# SPDX-License-Identifier: Apache-2.0
"""The walk through every entry that finds what was changed, and names it.

Each entry is held against its leaf hash, its place, its search columns and the leaf hash that its successor remembers. The
tree is built from the *remembered* leaf hashes: so one forged entry is named alone, and the signed root then proves that all
the others are authentic. Whatever is damaged is reported, never raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

from modelward.audit.checkpoint import Checkpoint, CheckpointBrokenError, VerifierKey, open_checkpoint
from modelward.audit.merkle import Frontier
from modelward.audit.rebuilt import RebuiltTree, Stored
from modelward.audit.store import Head, Row, RowsUnreadableError
from modelward.audit.verification import FAULTS_LIMIT, Findings, Verification

Progress = Callable[[int, int], None]
"""Told how many entries are done, and of how many."""


def silently(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


class Found(NamedTuple):
    """The text of a checkpoint, None where there is none; where it was found, what to do if it is not believed, what opens it."""

    where: str
    text: str | None
    advice: str = ""
    opened: Callable[[str, VerifierKey], Checkpoint] = open_checkpoint


def believed(found: Iterable[Found], key: VerifierKey, findings: Findings) -> list[tuple[str, Checkpoint]]:
    """The checkpoints that `key` signed, each with where it was found; the others are faults."""
    trusted = []
    for where, text, advice, opened in found:
        try:
            if text is not None:
                trusted.append((where, opened(text, key)))
        except CheckpointBrokenError as wrong:
            findings.add(None, f"{where[0].upper()}{where[1:]} is not believed: {wrong}{advice}")
    return trusted


class _Link(msgspec.Struct):
    index: int
    event: str
    actor: str
    subject: str
    request: str
    previous: str


_read_link = msgspec.json.Decoder(_Link).decode
_UNREADABLE = (TypeError, ValueError, RecursionError, msgspec.DecodeError)


class Verifier:
    """One walk. `trusted` are the checkpoints whose signature holds, each with where it was found."""

    def __init__(self, head: Head | None, *, trusted: Sequence[tuple[str, Checkpoint]], stored: Stored, findings: Findings) -> None:
        self._head = head
        self._trusted = sorted(trusted, key=lambda found: found[1].size)
        self._signed = self._trusted[-1][1].size if trusted else 0
        self._findings = findings
        self._tree = RebuiltTree(stored, findings, wanted=[checkpoint.size for _, checkpoint in trusted])
        self._read = 0
        self._next = 0
        # The leaf hash that the next entry must remember; None where the entry before it is missing.
        self._previous: str | None = ""
        self._previous_is_sound = True
        self._unsigned: list[int] = []
        self._moved: list[tuple[int, int, int]] = []

    def run(self, pages: Iterable[Sequence[Row]], progress: Progress) -> Verification:
        """Walk through all the rows and say what was found."""
        try:
            for page in pages:
                self._walk(page)
                self._read += len(page)
                progress(self._read, max(self._signed, self._read))
        except RowsUnreadableError as damage:
            self._findings.add(self._next, f"The database cannot be read from entry {self._next} on: {damage}.")
        self._check_end()
        self._report_ranges()
        frontier = self._tree.finish()
        self._check_roots()
        self._check_head(frontier)
        return Verification(self._read, frontier.root().hex() if frontier else "", self._findings.sorted())

    def _walk(self, page: Sequence[Row]) -> None:
        # Nearly every row is sound, so this loop is what a verification costs.
        take, signed, expected, previous = self._tree.leaves.append, self._signed, self._next, self._previous
        for row in page:
            index, entry, leaf, event, actor, subject, request = row
            try:
                link = _read_link(entry)
                is_sound = (
                    sha256(b"\0" + entry).digest() == leaf
                    and index == expected == link.index < signed
                    and link.previous == previous
                    and link.request == request
                    and link.subject == subject
                    and link.actor == actor
                    and link.event == event
                )
            except _UNREADABLE:
                is_sound = False
            if is_sound:
                take(leaf)
                expected = index + 1
                previous = leaf.hex()
            else:
                self._previous_is_sound = self._previous_is_sound or expected != self._next
                self._next, self._previous = expected, previous
                self._examine(row)
                expected, previous = self._next, self._previous
        self._previous_is_sound = self._previous_is_sound or expected != self._next
        self._next, self._previous = expected, previous
        self._tree.settle()

    def _examine(self, row: Row) -> None:
        # Something is wrong with this row or with those before it.
        index = row.idx
        if not isinstance(index, int) or index < self._next:
            self._findings.add(None, f"A row numbered {index!r} lies among the entries; no ledger wrote it.")
            return
        if index > self._next:
            self._miss(index, f"{_entries(self._next, index - 1)} removed.")
        self._next = index + 1
        if self._trusted and index >= self._signed:
            self._unsigned = [*self._unsigned[:1], index]
            return
        link, leaf = self._examine_alone(row)
        if link is not None:
            self._check_link(index, link.previous)
        self._previous = leaf.hex() if leaf else None
        self._previous_is_sound = link is not None
        if index < self._signed:
            self._tree.leaves.append(leaf)

    def _examine_alone(self, row: Row) -> tuple[_Link | None, bytes | None]:
        # What the entry says and its leaf hash; None for what cannot be believed.
        index = row.idx
        computed, link = _hash_of(row.entry), _link_of(row.entry)
        if computed is None or computed != row.leaf:
            self._findings.add(index, f"Entry {index} was changed: its bytes do not have its leaf hash.")
            return None, row.leaf if _is_hash(row.leaf) else computed
        if link is None:
            self._findings.add(index, f"Entry {index} was rewritten: it is not what a ledger writes.")
            return None, computed
        if link.index != index:
            self._move(index, link.index - index)
            return None, None
        for name in ("event", "actor", "subject", "request"):
            if getattr(row, name) != getattr(link, name):
                self._findings.add(index, f"The column {name!r} beside entry {index} was changed: the entry says something else.")
        return link, computed

    def _check_link(self, index: int, remembered: str) -> None:
        if remembered == self._previous:
            return
        if index == 0:
            self._findings.add(0, "Entry 0 was rewritten: it remembers an entry before the first.")
        elif self._previous is not None and self._previous_is_sound:
            self._findings.add(
                index - 1,
                f"Entry {index - 1} was rewritten together with its leaf hash, or entry {index} was: "
                f"entry {index} remembers another leaf hash.",
            )
        self._remember(remembered)

    def _remember(self, leaf: str) -> None:
        if self._tree.leaves:
            try:
                self._tree.leaves[-1] = bytes.fromhex(leaf)
            except ValueError:
                self._tree.leaves[-1] = None

    def _move(self, index: int, shift: int) -> None:
        if self._moved and self._moved[-1][1:] == (index - 1, shift):
            self._moved[-1] = (self._moved[-1][0], index, shift)
        elif len(self._moved) <= FAULTS_LIMIT:
            self._moved.append((index, index, shift))

    def _miss(self, until: int, what: str) -> None:
        if self._next < self._signed or not self._trusted:
            self._findings.add(self._next, what)
        for _ in range(self._next, min(until, self._signed)):
            self._tree.leaves.append(None)
            self._tree.settle()
        self._previous = None

    def _check_end(self) -> None:
        head = self._head
        if head and self._next == head.size and self._previous and self._previous != head.last.hex():
            if self._previous_is_sound:
                self._findings.add(
                    head.size - 1,
                    f"Entry {head.size - 1}, the last, was rewritten together with its leaf hash, or the head was: "
                    "the head remembers another leaf hash.",
                )
            if self._signed == head.size:
                self._remember(head.last.hex())
        if self._next < self._signed:
            where, checkpoint = self._trusted[-1]
            self._miss(
                self._signed,
                f"{_entries(self._next, self._signed - 1)} removed at the end: {where} counts {checkpoint.size} entries.",
            )

    def _report_ranges(self) -> None:
        for first, last, shift in self._moved:
            self._findings.add(
                first,
                f"Row {first} holds the entry recorded as {first + shift}: entries were removed, or their order was changed."
                if first == last
                else f"Rows {first} to {last} hold the entries recorded as {first + shift} to {last + shift}: "
                "entries were removed, or their order was changed.",
            )
        if self._unsigned:
            first, last = self._unsigned[0], self._unsigned[-1]
            self._findings.add(first, f"{_entries(first, last)} added without a signature of the ledger.")

    def _check_roots(self) -> None:
        proven = 0
        for where, checkpoint in self._trusted:
            root = self._tree.roots.get(checkpoint.size)
            if root is not None and root.hex() == checkpoint.root:
                proven = checkpoint.size
            elif root is not None:
                self._findings.add(
                    proven if proven < checkpoint.size else None,
                    f"The first {checkpoint.size} entries do not have the root that {where} signs, so it was not extended:"
                    f" entry {proven} or one after it was rewritten, together with the hashes that follow from it.",
                )
                return

    def _check_head(self, frontier: Frontier | None) -> None:
        head = self._head
        if head and frontier and (frontier.size, frontier.to_bytes()) != (head.size, head.frontier):
            self._findings.add(None, "The size or the perfect subtrees in the ledger's head are not those of its signed entries.")


def _entries(first: int, last: int) -> str:
    return f"Entry {first} was" if first == last else f"Entries {first} to {last} were"


def _hash_of(entry: object) -> bytes | None:
    return sha256(b"\0" + entry).digest() if isinstance(entry, bytes) else None


def _link_of(entry: object) -> _Link | None:
    try:
        return _read_link(entry)  # type: ignore[arg-type]  # whatever lies there; what is no JSON is caught
    except _UNREADABLE:
        return None


def _is_hash(leaf: object) -> bool:
    return isinstance(leaf, bytes) and len(leaf) == 32
