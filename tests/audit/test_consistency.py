# SPDX-License-Identifier: Apache-2.0
"""Who kept a checkpoint can make the ledger prove that it only grew; a ledger that did not cannot."""

import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import naive
from audit.opened import close, draft, law, open_ledger
from modelward.audit import (
    CheckpointBrokenError,
    ForeignCheckpointError,
    HistoryForkedError,
    NotACheckpointError,
    StateMissingError,
    verify_growth,
)
from modelward.audit.checkpoint import CheckpointSigner, from_base64
from modelward.audit.merkle import check_consistency

KEPT = 30
SIZE = 70


@pytest.fixture(scope="module")
def branches(tmp_path_factory):
    """One ledger that went on after a checkpoint was kept, and one with the same key whose entry 20 was another all along."""
    folder, ledgers = tmp_path_factory.mktemp("branches"), {}
    (folder / "begun").mkdir()
    begun = open_ledger(folder / "begun")
    begun.commit(lambda: [draft(number) for number in range(19)])
    close(begun)
    for name, twentieth in (("true", 19), ("forked", 1900)):
        shutil.copytree(folder / "begun", folder / name)
        ledgers[name] = open_ledger(folder / name)
        group = [draft(twentieth), *(draft(number) for number in range(20, KEPT - 1))]
        ledgers[name].commit(group.copy)
        ledgers[name].anchor_now()
    kept = ledgers["true"].head()
    assert kept.size == ledgers["forked"].head().size == KEPT
    for ledger in ledgers.values():
        ledger.commit(lambda: [draft(number) for number in range(KEPT, SIZE)])
        ledger.anchor_now()
    yield ledgers["true"], ledgers["forked"], kept
    for ledger in ledgers.values():
        close(ledger)


def test_a_ledger_that_only_grew_proves_it(branches):
    true, _, kept = branches
    now = verify_growth(kept.text, public_key=true.public_key(), prove=true.consistency)
    assert now == true.head()
    assert verify_growth(now.text, public_key=true.public_key(), prove=true.consistency) == now


def test_a_forked_ledger_cannot_prove_it_and_is_found_by_verify_too(branches):
    true, forked, kept = branches
    assert forked.public_key() == true.public_key()
    assert forked.verify().is_sound, "nothing inside tells: every hash and signature fits"
    with pytest.raises(HistoryForkedError, match=f"the first {KEPT} of its {SIZE} entries are not those"):
        verify_growth(kept.text, public_key=forked.public_key(), prove=forked.consistency)
    (fault,) = forked.verify(earlier=kept.text).faults
    assert f"The first {KEPT} entries do not have the root that the checkpoint you kept signs" in fault.what
    assert true.verify(earlier=kept.text).is_sound


def test_a_ledger_put_back_to_fewer_entries_cannot_prove_it(branches, tmp_path):
    true, *_ = branches
    short = open_ledger(tmp_path)
    with pytest.raises(HistoryForkedError, match=f"does not have the {SIZE} entries"):
        verify_growth(true.head().text, public_key=true.public_key(), prove=short.consistency)
    close(short)


def test_a_server_that_lies_is_not_believed(branches):
    true, forked, kept = branches
    honest, other = true.consistency(KEPT), forked.consistency(KEPT)
    for lie in (other, replace(other, path=honest.path), replace(honest, path=honest.path[:-1]), replace(honest, path=("?",))):
        with pytest.raises(HistoryForkedError):
            verify_growth(kept.text, public_key=true.public_key(), prove=lambda _size, lie=lie: lie)
    unsigned = replace(honest, checkpoint=honest.checkpoint.replace(f"\n{SIZE}\n", "\n71\n"))
    for lie in (unsigned, replace(honest, checkpoint="")):
        with pytest.raises(CheckpointBrokenError):
            verify_growth(kept.text, public_key=true.public_key(), prove=lambda _size, lie=lie: lie)


DAMAGE = {
    "empty": lambda _text: "",
    "a blank line": lambda _text: "\n",
    "something else": lambda _text: "What I wanted to keep.\n",
    "cut short": lambda text: text[:40],
    "without its end": lambda text: text.rstrip("\n"),
    "unsigned": lambda text: text.partition("\n\n")[0] + "\n",
    "another size": lambda text: text.replace(f"\n{KEPT}\n", "\n29\n"),
    "another signature": lambda text: text[:-10] + text[-10:].swapcase(),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_kept_text_that_is_no_checkpoint_is_refused_and_not_held_against_the_ledger(branches, how):
    true, _, kept = branches
    damaged = DAMAGE[how](kept.text)
    with pytest.raises(NotACheckpointError, match="modelward audit checkpoint -o FILE"):
        true.verify(earlier=damaged)
    with pytest.raises(NotACheckpointError, match="Nothing was compared"):
        verify_growth(damaged, public_key=true.public_key(), prove=true.consistency)
    assert true.verify().is_sound


def test_a_checkpoint_that_another_key_signed_is_held_against_the_ledger(branches):
    true, *_ = branches
    for signer in (CheckpointSigner("modelward/test", bytes(32)), CheckpointSigner("modelward/else", bytes(32))):
        foreign = signer.sign(KEPT, bytes(32))
        (fault,) = true.verify(earlier=foreign).faults
        assert "The checkpoint you kept is not believed" in fault.what
        assert "another ledger, or this one was put in the place" in fault.what
        with pytest.raises(ForeignCheckpointError):
            verify_growth(foreign, public_key=true.public_key(), prove=true.consistency)


@law
@given(st.integers(1, SIZE), st.integers(1, SIZE))
def test_every_two_states_are_proved_by_the_definition(branches, one, other):
    true, older, newer = branches[0], min(one, other), max(one, other)
    with true._database.look() as connection:
        stored = [row[0] for row in connection.exec_driver_sql("SELECT entry FROM ledger_entries ORDER BY idx")]
    proof = true.consistency(older, newer)
    roots = {size: naive.head(stored[:size]) for size in (older, newer)}
    check_consistency([from_base64(step) for step in proof.path], older=(older, roots[older]), newer=(newer, roots[newer]))
    assert proof.checkpoint == (true.head().text if newer == SIZE else "")


@pytest.mark.parametrize(("older", "newer"), [(0, None), (SIZE + 1, None), (5, 4), (5, SIZE + 1), (0, 5)])
def test_states_that_never_were_are_not_proved(branches, older, newer):
    with pytest.raises(StateMissingError, match=f"the ledger has {SIZE}"):
        branches[0].consistency(older, newer)
