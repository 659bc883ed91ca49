# SPDX-License-Identifier: Apache-2.0
"""The tree is that of RFC 6962: the same roots and proofs as a word-by-word implementation, and known answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import naive
from audit.opened import law
from modelward.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofBrokenError,
    check_consistency,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_from_inclusion,
    subtree_root,
)

# The entries and roots that the implementers of Certificate Transparency test with.
KNOWN_ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def log_of(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


class Stored:
    """The hashes that a ledger of `entries` keeps, and how many of them were read."""

    def __init__(self, entries: list[bytes]) -> None:
        self.levels: dict[int, list[bytes]] = {0: [], 8: [], 16: []}
        self.read_count = 0
        frontier = Frontier()
        for entry in entries:
            self.levels[0].append(leaf_hash(entry))
            for level, index, root in frontier.append(leaf_hash(entry)):
                assert index == len(self.levels[level])
                self.levels[level].append(root)

    def __call__(self, level: int, start: int, stop: int) -> list[bytes]:
        self.read_count += stop - start
        assert stop <= len(self.levels[level])
        return self.levels[level][start:stop]


BIG = log_of(1100)
BIG_STORED = Stored(BIG)


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_known_ones(size):
    frontier = Frontier()
    for entry in KNOWN_ENTRIES[:size]:
        frontier.append(leaf_hash(entry))
    assert frontier.root().hex() == KNOWN_ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert Frontier().root() == EMPTY_ROOT == naive.head([])


def test_the_known_proofs_come_out():
    stored = Stored(KNOWN_ENTRIES)
    assert [step.hex()[:8] for step in inclusion_proof(stored, 5, 8)] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert [step.hex()[:8] for step in consistency_proof(stored, 6, 8)] == ["0ebc5d34", "ca854ea1", "d37ee418"]


@law
@given(st.integers(0, 1100))
def test_the_root_is_that_of_the_definition(size):
    assert subtree_root(BIG_STORED, 0, size) == naive.head(BIG[:size])


@law
@given(st.integers(1, 1100), st.data())
def test_inclusion_proofs_are_those_of_the_definition_and_lead_to_the_root(size, data):
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(BIG_STORED, index, size)
    assert path == naive.path(index, BIG[:size])
    assert root_from_inclusion(leaf_hash(BIG[index]), index, size=size, path=path) == naive.head(BIG[:size])


@law
@given(st.integers(1, 1100), st.data())
def test_consistency_proofs_are_those_of_the_definition_and_convince(newer, data):
    older = data.draw(st.integers(1, newer))
    path = consistency_proof(BIG_STORED, older, newer)
    assert path == naive.proof(older, BIG[:newer])
    check_consistency(path, older=(older, naive.head(BIG[:older])), newer=(newer, naive.head(BIG[:newer])))


@law
@given(st.integers(2, 300), st.data())
def test_a_proof_for_another_leaf_place_or_size_leads_nowhere(size, data):
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_proof(BIG_STORED, index, size), naive.head(BIG[:size])
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index))
    assert root_from_inclusion(leaf_hash(BIG[other]), index, size=size, path=path) != root
    for wrong in ([*path, root], path[1:]):
        with pytest.raises(ProofBrokenError):
            root_from_inclusion(leaf_hash(BIG[index]), index, size=size, path=wrong)
    with pytest.raises(ProofBrokenError):
        root_from_inclusion(leaf_hash(BIG[index]), size, size=size, path=path)


@law
@given(st.integers(2, 300), st.data())
def test_a_rewritten_past_is_not_consistent(newer, data):
    older = data.draw(st.integers(1, newer - 1))
    forged = [*BIG[:newer]]
    forged[data.draw(st.integers(0, older - 1))] = b"forged"
    path = consistency_proof(Stored(forged), older, newer)
    with pytest.raises(ProofBrokenError):
        check_consistency(path, older=(older, naive.head(BIG[:older])), newer=(newer, naive.head(forged)))


@pytest.mark.parametrize(("older", "newer"), [(0, 5), (6, 5), (3, 5), (4, 8)])
def test_an_empty_consistency_proof_convinces_nobody(older, newer):
    roots = {"older": (older, naive.head(BIG[:older])), "newer": (newer, naive.head(BIG[:newer]))}
    with pytest.raises(ProofBrokenError):
        check_consistency([], **roots)


def test_proofs_of_a_large_log_read_few_hashes():
    stored = Stored(log_of(70_000))
    inclusion_proof(stored, 12_345, 69_999)
    assert stored.read_count < 1500


@law
@given(st.integers(0, 1100))
def test_a_frontier_comes_back_from_its_bytes(size):
    frontier = Frontier()
    for entry in BIG[:size]:
        frontier.append(leaf_hash(entry))
    again = Frontier.of_bytes(size, frontier.to_bytes())
    assert (again.size, again.root()) == (size, naive.head(BIG[:size]))


def test_a_frontier_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="3 entries"):
        Frontier.of_bytes(3, bytes(32))


def test_a_block_can_be_appended_as_one():
    whole, blocks = Frontier(), Frontier()
    for entry in BIG[:1024]:
        whole.append(leaf_hash(entry))
    for root in BIG_STORED.levels[8]:
        blocks.append(root, level=8)
    assert (blocks.size, blocks.root()) == (1024, whole.root())


@law
@given(st.lists(st.integers(0, 700), max_size=6))
def test_leaves_added_together_make_the_log_of_leaves_added_one_by_one(sizes):
    single, several, at = Frontier(), Frontier(), 0
    for size in sizes:
        leaves = [leaf_hash(entry) for entry in log_of(at + size)[at:]]
        at += size
        expected = [node for leaf in leaves for node in single.append(leaf)]
        assert sorted(several.extend(leaves)) == sorted(expected)
        assert (several.size, several.hashes, several.root()) == (single.size, single.hashes, single.root())
