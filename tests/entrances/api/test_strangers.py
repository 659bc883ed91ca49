# SPDX-License-Identifier: Apache-2.0
"""Who sends wrong keys costs nothing, and keeps nobody else out."""

from modelward.access import Access
from modelward.access.credential import draw_secret
from modelward.entrances.api.strangers import FREE, Strangers


def test_wrong_keys_count_and_are_forgiven():
    now = [0.0]
    strangers = Strangers(lambda: now[0])
    for _ in range(FREE):
        assert not strangers.is_one("192.0.2.1")
        strangers.note("192.0.2.1")
    assert strangers.is_one("192.0.2.1")
    assert not strangers.is_one("192.0.2.2")
    now[0] += 6
    assert not strangers.is_one("192.0.2.1")


def test_no_more_addresses_are_kept_than_there_is_room_for():
    strangers = Strangers()
    for at in range(5000):
        strangers.note(f"2001:db8::{at:x}")
    assert len(strangers._wrong) == 4096


def test_a_flood_of_wrong_keys_stops_asking_the_database_and_right_ones_still_open(server, caller, monkeypatch):
    asked = []
    ours = Access.authenticate
    monkeypatch.setattr(Access, "authenticate", lambda self, key: asked.append(key) or ours(self, key))
    for _ in range(FREE + 30):
        wrong = caller.get("/api/v1/whoami", headers={"authorization": f"Bearer {draw_secret('mw').text}"})
        assert wrong.status_code == 401
    assert FREE <= len(asked) <= FREE + 5
    assert caller.get("/api/v1/whoami").status_code == 200
