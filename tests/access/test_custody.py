# SPDX-License-Identifier: Apache-2.0
"""Who may move the keyring from guard to guard, and what the ledger then says."""

import pytest

from modelward.access import Actor, Custody, NotPermittedError, Role
from modelward.storage import GuardRefusedError, Keyring, Means
from modelward.storage.guards import passphrase


@pytest.fixture
def custody(database, ledger, keyring):
    return Custody(database, ledger, keyring)


@pytest.fixture
def words(tmp_path, monkeypatch):
    monkeypatch.setattr(passphrase, "_MEMORY_KIB", 8 << 10)
    file = tmp_path / "words"
    file.write_text("six words drawn at random")
    file.chmod(0o600)
    return Means(passphrase_file=file)


def events(ledger) -> list[tuple[str, dict]]:
    return [(found.entry.event, found.entry.facts) for found in ledger.entries(newest_first=False)][1:]


def test_a_move_is_on_record_before_and_after(custody, ledger, keyring, words, admin):
    assert custody.guard(by=admin) == "file"
    assert custody.put_under("passphrase", words, by=admin) == "file"
    facts = {"from": "file", "to": "passphrase"}
    assert events(ledger) == [("keyring.moving", facts), ("keyring.moved", facts)]
    assert custody.guard(by=admin) == Keyring.open(keyring.path, words).guard_name == "passphrase"


def test_one_that_fails_is_on_record_as_begun_alone(custody, ledger, keyring, words, admin):
    words.passphrase_file.write_text("short")
    with pytest.raises(GuardRefusedError):
        custody.put_under("passphrase", words, by=admin)
    assert [event for event, _ in events(ledger)] == ["keyring.moving"]
    assert Keyring.open(keyring.path).guard_name == "file"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_an_administrator_moves_it(custody, ledger, keyring, words, role):
    somebody = Actor("person:eve", "eve", role)
    with pytest.raises(NotPermittedError, match="keys:manage"):
        custody.put_under("passphrase", words, by=somebody)
    with pytest.raises(NotPermittedError, match="keys:manage"):
        custody.guard(by=somebody)
    assert (events(ledger), Keyring.open(keyring.path).guard_name) == ([], "file")
