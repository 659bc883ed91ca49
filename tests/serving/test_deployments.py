# SPDX-License-Identifier: Apache-2.0
"""What answers is what the gate let through, whatever somebody writes into the database."""

import sqlite3
import threading
import time
from contextlib import closing

import msgspec
import pytest

from modelward.access import Role, UnknownCredentialError
from modelward.errors import UnavailableError
from modelward.releases import NotReleasedError, Release, ReleaseState, UnrecordedReleaseError
from modelward.serving import Keychain, ModelUnavailableError, NotServedError
from modelward.serving.keychain import KeysUnreadableError


@pytest.fixture
def edit(home):
    """Rewrite the row of a release behind the back of the gate, as somebody with the database file could."""

    def write(number: int, state: ReleaseState) -> None:
        with sqlite3.connect(home / "modelward.db") as connection:
            (document,) = connection.execute("SELECT document FROM releases WHERE serial = ?", (number,)).fetchone()
            forged = msgspec.json.decode(document)
            forged |= {"state": state.value, "live_since": "2026-03-01T00:00:00Z", "approvals_needed": 0}
            msgspec.convert(forged, Release)
            connection.execute(
                "UPDATE releases SET state = ?, document = ?, entry = entry + 100 WHERE serial = ?",
                (state.value, msgspec.json.encode(forged), number),
            )
        connection.close()

    return write


def test_a_version_that_was_made_live_in_the_database_alone_answers_nothing(house, edit):
    release = house.releases.propose(house.register(), policy="by-purpose", by=house.admin)
    edit(1, ReleaseState.LIVE)
    assert house.releases.live()["income"].id == release.id, "the forgery is a good one"
    house.serving.deployments.refresh()
    with pytest.raises(ModelUnavailableError, match="the ledger does not say so"):
        house.serving.deployments.get("income")
    with pytest.raises(UnrecordedReleaseError):
        house.serving.explain("income", [{}], by=house.admin)


def test_a_version_that_gave_way_is_not_brought_back_by_editing_the_database(live, edit):
    live.make_live(live.register(weight=0.07))
    live.serving.deployments.refresh()
    assert live.serving.deployments.get("income").name == "income:2"
    edit(2, ReleaseState.ROLLED_BACK)
    edit(1, ReleaseState.LIVE)
    live.serving.deployments.refresh()
    with pytest.raises(ModelUnavailableError, match="the ledger does not say so"):
        live.serving.deployments.get("income")
    live.serving.deployments.close()


def test_nothing_answers_for_a_paused_model_and_callers_are_told(live):
    deployments = live.serving.deployments
    deployments.refresh()
    live.releases.pause("r-1", reason="wrong units in the source", by=live.admin)
    deployments.refresh()
    for number in (None, 1, 2):
        with pytest.raises(NotServedError, match=r"is not released\. income:1 is paused\."):
            deployments.get("income", number)
    with pytest.raises(NotReleasedError, match="income:1 is paused"):
        live.serving.explain("income", [{}], by=live.admin)
    assert (deployments.all(), deployments.readiness()) == ([], [])
    live.releases.promote("r-1", by=live.admin)
    deployments.refresh()
    assert deployments.get("income").name == "income:1"
    deployments.close()


@pytest.mark.parametrize("has_seen_the_pause", [True, False])
def test_a_pause_is_not_undone_by_putting_the_database_back(live, home, has_seen_the_pause):
    """Also by somebody quick: the row is as it was, to the last byte, before the server looks again."""
    deployments = live.serving.deployments
    deployments.refresh()
    assert deployments.get("income").name == "income:1"
    with sqlite3.connect(home / "modelward.db") as rows:
        before = rows.execute("SELECT state, live_since, document, entry FROM releases").fetchone()
    live.releases.pause("r-1", reason="wrong units in the source", by=live.admin)
    if has_seen_the_pause:
        deployments.refresh()
        assert deployments.all() == []
    with sqlite3.connect(home / "modelward.db") as rows:
        rows.execute("UPDATE releases SET state = ?, live_since = ?, document = ?, entry = ?", before)
    rows.close()
    assert live.releases.live()["income"].id == "r-1", "the forgery is a good one"
    deployments.refresh()
    with pytest.raises(ModelUnavailableError, match="the ledger does not say so"):
        deployments.get("income")
    with pytest.raises(UnrecordedReleaseError):
        live.serving.explain("income", [{}], by=live.admin)
    deployments.close()


def ruin(home, statement: str) -> None:
    connection = sqlite3.connect(home / "modelward.db")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_where_a_release_cannot_be_read_nothing_answers_until_it_can(live, home):
    deployments = live.serving.deployments
    live.make_live(live.register("other"))
    deployments.refresh()
    assert [deployment.name for deployment in deployments.all()] == ["income:1", "other:1"]
    ruin(home, "UPDATE releases SET document = CAST('x' || document AS BLOB), entry = entry + 100 WHERE serial = 2")
    with pytest.raises(ValueError, match="malformed"):
        deployments.refresh()
    with pytest.raises(NotServedError):
        deployments.get("income")
    ruin(home, "UPDATE releases SET document = CAST(SUBSTR(document, 2) AS BLOB) WHERE serial = 2")
    deployments.refresh()
    assert deployments.get("income").name == "income:1"
    deployments.close()


def test_a_key_whose_row_was_edited_opens_nothing_and_the_others_go_on(house, home):
    till, desk = house.key("till"), house.key("desk")
    ruin(home, "UPDATE access_keys SET role = 'nobody' WHERE name = 'desk'")
    keychain = Keychain(house.access)
    assert keychain.credential(till).actor.id == "service:till"
    with pytest.raises(UnknownCredentialError):
        keychain.credential(desk)


def test_where_the_keys_cannot_be_read_no_key_opens_anything_until_they_can(house, home):
    secret = house.key("till")
    keychain = Keychain(house.access)
    assert keychain.credential(secret).actor.id == "service:till"
    house.key("desk")
    ruin(home, "ALTER TABLE access_keys RENAME COLUMN purpose TO spoilt")
    with pytest.raises(Exception, match="no such column"):
        keychain.refresh()
    with pytest.raises(Exception, match="no such column"):
        keychain.credential(secret)
    ruin(home, "ALTER TABLE access_keys RENAME COLUMN spoilt TO purpose")
    keychain.refresh()
    assert keychain.credential(secret).actor.id == "service:till"


def test_keys_that_cannot_be_looked_after_for_too_long_open_nothing_until_they_can(house, home):
    secret, other, now = house.key("till"), house.key("desk"), 100.0
    keychain = Keychain(house.access, trusted_seconds=10, clock=lambda: now)
    keychain.refresh()
    assert keychain.credential(secret).actor.id == "service:till"
    file, away = home / "modelward.db", home / "away"
    house.access._database.close()
    file.rename(away)
    file.mkdir()
    now += 9
    with pytest.raises(UnavailableError):
        keychain.refresh()
    assert keychain.credential(secret).actor.id == "service:till"
    assert keychain.revision is not None
    with pytest.raises(UnavailableError):
        keychain.credential(other)
    now += 2
    with pytest.raises(UnavailableError):
        keychain.refresh()
    assert keychain.revision is None, "a head that is known would go on opening the door"
    with pytest.raises(KeysUnreadableError, match=r"for 10 s.*Ask again later"):
        keychain.credential(secret)
    file.rmdir()
    away.rename(file)
    keychain.refresh()
    assert keychain.credential(secret).actor.id == "service:till"


def test_a_database_that_somebody_writes_to_for_long_turns_nobody_away(house, home):
    secret, now = house.key("till"), 100.0
    keychain = Keychain(house.access, trusted_seconds=10, clock=lambda: now)
    keychain.refresh()
    with closing(sqlite3.connect(home / "modelward.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        now += 60
        keychain.refresh()
        assert keychain.credential(secret).actor.id == "service:till"


def test_a_release_that_takes_long_to_open_keeps_no_revoked_key_alive(live, entered, monkeypatch):
    opening, may_open = threading.Event(), threading.Event()
    gateway, _ = entered()
    deployments = live.serving.deployments
    deployed = deployments._deployed

    def deployed_late(release):
        opening.set()
        assert may_open.wait(30)
        return deployed(release)

    def ask_until(give_up):
        while time.monotonic() < give_up:
            gateway.actor(issued.secret)
            time.sleep(0.01)

    issued = live.access.create_key("till", role=Role.CALLER, by=live.admin)
    monkeypatch.setattr(deployments, "_deployed", deployed_late)
    live.make_live(live.register(weight=0.1))
    try:
        assert opening.wait(10)
        assert gateway.actor(issued.secret).id == "service:till"
        live.access.revoke_key(issued.key.id, by=live.admin)
        with pytest.raises(UnknownCredentialError):
            ask_until(time.monotonic() + 10)
    finally:
        may_open.set()
