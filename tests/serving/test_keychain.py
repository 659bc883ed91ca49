# SPDX-License-Identifier: Apache-2.0
"""The keychain reads a key when it is used, and again when it changes; whoever changes rows behind its back is found out."""

import sqlite3
from contextlib import closing

import pytest

from modelward.access import Quota, Role, UnknownCredentialError
from modelward.access.credential import draw_secret
from modelward.errors import UnavailableError
from modelward.serving import Keychain


@pytest.fixture
def counted(house, monkeypatch):
    """A keychain, and the hashes of what it read."""
    read = []
    credentials = type(house.access).credentials

    def noted(access, digests):
        read.extend(digests)
        return credentials(access, digests)

    monkeypatch.setattr(type(house.access), "credentials", noted)
    return Keychain(house.access), read


def refused(keychain, secret):
    with pytest.raises(UnknownCredentialError):
        keychain.credential(secret)


def test_a_key_is_read_when_it_is_first_used_and_no_other_with_it(house, counted):
    keychain, read = counted
    secrets = [house.key(f"key-{number}") for number in range(20)]
    keychain.refresh()
    assert read == []
    for _ in range(3):
        assert keychain.credential(secrets[3]).actor.name == "key-3"
    assert read == [house.access.credential_hash(secrets[3])]


def test_what_is_no_key_is_never_looked_for(house, counted, monkeypatch):
    keychain, read = counted
    house.key()
    keychain.refresh()
    asked = []
    monkeypatch.setattr(keychain, "refresh", lambda: asked.append(1))
    for secret in ("", "x", "mw_", draw_secret("mws").text, draw_secret("mwi").text, "é" * 5000):
        refused(keychain, secret)
    assert (asked, read) == ([], [])
    for _ in range(500):
        refused(keychain, draw_secret("mw").text)
    assert read == []
    assert 1 <= len(asked) <= 100, "wrong keys are looked for, and a flood of them is not"


def test_a_flood_of_wrong_keys_keeps_no_right_one_out(house, counted):
    keychain, _ = counted
    secrets = [house.key(f"key-{number}") for number in range(200)]
    keychain.refresh()
    for _ in range(300):
        refused(keychain, draw_secret("mw").text)
    assert {keychain.credential(secret).actor.role for secret in secrets} == {Role.CALLER}


def test_a_change_has_that_key_read_again_alone(house, counted):
    keychain, read = counted
    made = [house.access.create_key(f"key-{number}", role=Role.CALLER, by=house.admin) for number in range(100)]
    for each in made:
        keychain.credential(each.secret)
    for _ in range(3):
        keychain.refresh()
    before = keychain.revision
    house.access.revoke_key(made[7].key.id, by=house.admin)
    read.clear()
    keychain.refresh()
    assert house.access.credential_hash(made[7].secret) in read
    assert len(read) <= 65, "it and the share of all that has its turn"
    assert keychain.revision != before
    refused(keychain, made[7].secret)
    assert keychain.credential(made[8].secret).actor.name == "key-8"


@pytest.mark.parametrize("change", ["role = 'administrator'", "expires = '2099-01-01T00:00:00.000000+00:00'", "mac = ''"])
def test_a_row_that_is_altered_while_its_key_is_in_use_ends_it_though_nobody_told(house, home, change):
    keychain = Keychain(house.access)
    till, desk = house.key("till"), house.key("desk")
    assert keychain.credential(till).actor.name == "till"
    before = keychain.revision
    with closing(sqlite3.connect(home / "modelward.db", isolation_level=None)) as raw:
        raw.execute(f"UPDATE access_keys SET {change} WHERE name = 'till'")
    keychain.refresh()
    keychain.refresh()
    refused(keychain, till)
    assert keychain.revision != before, "a head that is known would go on opening the door"
    assert keychain.credential(desk).actor.name == "desk"


def test_who_hides_a_revocation_from_the_servers_hides_it_not_for_long(house, home):
    keychain = Keychain(house.access)
    made = house.access.create_key("till", role=Role.CALLER, by=house.admin)
    assert keychain.credential(made.secret)
    house.access.revoke_key(made.key.id, by=house.admin)
    with closing(sqlite3.connect(home / "modelward.db", isolation_level=None)) as raw:
        raw.execute("DELETE FROM access_key_changes")
        raw.execute("UPDATE access_revision SET value = value - 1")
    keychain.refresh()
    keychain.refresh()
    refused(keychain, made.secret)


def test_a_former_secret_opens_until_its_time_is_over_and_the_new_one_at_once(house):
    keychain = Keychain(house.access)
    made = house.access.create_key("till", role=Role.CALLER, quota=Quota(rows_per_day=5), by=house.admin)
    assert keychain.credential(made.secret).expires is None
    rotated = house.access.rotate_key(made.key.id, grace_seconds=3600, by=house.admin)
    keychain.refresh()
    assert keychain.credential(made.secret).expires == rotated.key.former_until
    assert keychain.credential(rotated.secret).expires is None
    assert keychain.credential(rotated.secret).actor == keychain.credential(made.secret).actor
    house.access.rotate_key(made.key.id, grace_seconds=0, by=house.admin)
    keychain.refresh()
    refused(keychain, rotated.secret)


def test_it_is_known_to_the_hour_when_a_key_was_used(house):
    keychain = Keychain(house.access)
    made = house.access.create_key("till", role=Role.CALLER, by=house.admin)
    house.key("never-used")
    keychain.refresh()
    for _ in range(5):
        keychain.credential(made.secret)
    used = keychain._uses[made.key.id]
    assert (used.minute, used.second) == (0, 0)
    keychain.note_uses()
    last, unused = (key.last_used for key in house.access.keys(by=house.admin))
    assert unused is None
    assert last == max(used, made.key.created)
    keychain._uses["unknown0"] = used
    keychain.credential(made.secret)
    assert keychain._uses == {"unknown0": used}, "it is told once in an hour"


def test_uses_that_cannot_be_written_now_are_told_the_next_time(house, monkeypatch):
    keychain = Keychain(house.access)
    made = house.access.create_key("till", role=Role.CALLER, by=house.admin)
    keychain.refresh()
    keychain.credential(made.secret)

    def busy(self, uses):
        raise UnavailableError("The disk is full.")

    with monkeypatch.context() as patching:
        patching.setattr(type(house.access), "note_uses", busy)
        with pytest.raises(UnavailableError):
            keychain.note_uses()
    assert house.access.key(made.key.id, by=house.admin).last_used is None
    keychain.note_uses()
    assert house.access.key(made.key.id, by=house.admin).last_used
