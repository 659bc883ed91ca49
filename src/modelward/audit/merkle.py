# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree of RFC 6962, section 2.1: hashes, roots, inclusion proofs and consistency proofs.

Hashes are 32 raw bytes. Proofs are read through a `HashReader`, which holds the leaves and the roots of complete blocks of
256, 256², … leaves, so that any root or proof costs some thousand hashes at most, however long the log is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256().digest()
STRIDE = 8
"""Roots of complete subtrees are kept at every eighth level: blocks of 256 leaves, of 65536, and so on."""

# The stored hashes at (level, first index, index after the last); level 0 holds the leaves.
HashReader = Callable[[int, int, int], Sequence[bytes]]


class ProofBrokenError(ValueError):
    """A proof does not lead from the leaf or the older root to the root."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf that holds `entry`."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two children."""
    return sha256(b"\1" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of sibling hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


class Frontier:
    """The roots of the perfect subtrees of a growing log, largest first: all that appending and the root need."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"A log of {size} entries has {size.bit_count()} perfect subtrees, not {len(self.hashes)}.")

    @classmethod
    def of_bytes(cls, size: int, joined: bytes) -> Frontier:
        """The frontier that `to_bytes` was taken from."""
        return cls(size, (joined[at : at + 32] for at in range(0, len(joined), 32)))

    def to_bytes(self) -> bytes:
        """The hashes one after the other."""
        return b"".join(self.hashes)

    def copy(self) -> Frontier:
        """Another frontier of the same log, which grows on its own."""
        return Frontier(self.size, self.hashes)

    def append(self, subtree: bytes, *, level: int = 0) -> list[tuple[int, int, bytes]]:
        """Add a perfect subtree of `2**level` leaves; the size must be a multiple of that.

        Returns the roots that became complete at a stored level, as (level, index within it, hash).
        """
        completed = []
        index = self.size >> level
        while index & 1:
            subtree = sha256(b"\1" + self.hashes.pop() + subtree).digest()
            index >>= 1
            level += 1
            if level % STRIDE == 0:
                completed.append((level, index, subtree))
        self.hashes.append(subtree)
        self.size = (index + 1) << level
        return completed

    def extend(self, leaves: Iterable[bytes]) -> list[tuple[int, int, bytes]]:
        """`append` each of the leaves, level by level for all of them, which is quicker."""
        completed: list[tuple[int, int, bytes]] = []
        row, first, level, fresh = list(leaves), self.size, 0, []
        self.size += len(row)
        while row:
            if first & 1:
                row.insert(0, self.hashes.pop())
            if len(row) & 1:
                fresh.append(row.pop())
            row = [sha256(b"\1" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
            first >>= 1
            level += 1
            if level % STRIDE == 0:
                completed += [(level, first + place, subtree) for place, subtree in enumerate(row)]
        self.hashes += reversed(fresh)
        return completed

    def root(self) -> bytes:
        """The tree head of the log as it stands."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = sha256(b"\1" + left + root).digest()
        return root


def subtree_root(read: HashReader, start: int, stop: int) -> bytes:
    """The hash over leaves `start` to `stop` (excluded), which must be a subtree that section 2.1 speaks of."""
    width = stop - start
    if width == 0:
        return EMPTY_ROOT
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        stored = level - level % STRIDE
        return complete_root(read(stored, start >> stored, stop >> stored))
    split = start + _split(width)
    return node_hash(subtree_root(read, start, split), subtree_root(read, split, stop))


def inclusion_proof(read: HashReader, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves, from the leaf's sibling upwards."""
    start, stop, path = 0, size, []
    while stop - start > 1:
        split = start + _split(stop - start)
        if index < split:
            path.append(subtree_root(read, split, stop))
            stop = split
        else:
            path.append(subtree_root(read, start, split))
            start = split
    return path[::-1]


def consistency_proof(read: HashReader, older: int, newer: int) -> list[bytes]:
    """The proof of section 2.1.2 that the tree of `newer` leaves begins with the tree of `older` leaves, 0 < older <= newer."""
    start, stop, path = 0, newer, []
    while older != stop:
        split = start + _split(stop - start)
        if older <= split:
            path.append(subtree_root(read, split, stop))
            stop = split
        else:
            path.append(subtree_root(read, start, split))
            start = split
    if start:
        path.append(subtree_root(read, start, stop))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, *, size: int, path: Sequence[bytes]) -> bytes:
    """The root that `path` leads to from `leaf`.

    Raises:
        ProofBrokenError: the index lies outside the tree, or the path has another length than a tree of `size` gives.
    """
    if not 0 <= index < size:
        raise ProofBrokenError(f"Index {index} lies outside a log of {size} entries.")
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofBrokenError("The inclusion proof is longer than the tree is high.")
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            # The right edge of the tree has no siblings on the levels where it ends.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofBrokenError("The inclusion proof is shorter than the tree is high.")
    return root


def check_consistency(path: Sequence[bytes], *, older: tuple[int, bytes], newer: tuple[int, bytes]) -> None:
    """Check that the log `newer` (size, root) begins with the log `older` (size, root).

    Raises:
        ProofBrokenError: the proof does not show it.
    """
    (small, small_root), (large, large_root) = older, newer
    if not 0 < small <= large:
        raise ProofBrokenError(f"A log of {large} entries cannot begin with one of {small}.")
    if small == large and not path and small_root == large_root:
        return
    # The proof opens with the largest perfect subtree that ends at `small`, unless that is the whole older tree.
    roots = _roots_from_consistency([small_root, *path] if small.bit_count() == 1 else path, small, large)
    if small == large or roots != (small_root, large_root):
        raise ProofBrokenError("The consistency proof leads to other roots.")


def _roots_from_consistency(path: Sequence[bytes], small: int, large: int) -> tuple[bytes, bytes] | None:
    # The roots of both trees that the proof gives; None where it has another length than such a proof has.
    node, last = small - 1, large - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not path:
        return None
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        node, last = node >> 1, last >> 1
    return None if last else (was, now)


def _split(width: int) -> int:
    # The largest power of two below `width`: where section 2.1 divides a tree.
    return 1 << ((width - 1).bit_length() - 1)
