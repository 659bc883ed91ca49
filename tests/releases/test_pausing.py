# SPDX-License-Identifier: Apache-2.0
"""Taking a model offline, and what may follow."""

from dataclasses import replace

import msgspec
import pytest

from modelward.access import Actor, NotPermittedError, Role
from modelward.releases import (
    NothingToRollBackError,
    NotReleasedError,
    ReasonMissingError,
    ReleaseMissingError,
    ReleaseRefusedError,
    ReleaseState,
    ReleaseStateError,
    UnrecordedReleaseError,
)
from modelward.releases.record import Record
from releases.conftest import ADA, BOB, OLE, editing, put_back
from releases.test_releases import damage, states

WHY = "the source sends pence for pounds"


@pytest.fixture
def release(gate):
    """Proposes and promotes the next version of a model."""

    def release_one(model="income"):
        proposed = gate.releases.propose(gate.register(model=model), policy="free", by=ADA)
        return gate.releases.promote(proposed.id, by=OLE)

    return release_one


def test_a_paused_release_is_not_live_and_says_who_took_it_offline_and_why(gate, release):
    live = release()
    paused = gate.releases.pause(live.id, reason=f" {WHY}\n", by=OLE)
    assert paused == replace(live, state=ReleaseState.PAUSED, pause=f"person:ole: {WHY}")
    assert gate.releases.live() == {}
    assert gate.releases.standing() == {"income": paused}
    with pytest.raises(NotReleasedError, match=r"income:1 is paused. `modelward release promote r-1` makes it live again"):
        gate.releases.released("income", by=ADA)
    (entry,) = gate.logged("release.paused")
    assert (entry.actor, entry.subject) == ("person:ole", "income:1")
    assert {name: entry.facts[name] for name in ("release", "state", "reason")} == {
        "release": "r-1",
        "state": "paused",
        "reason": WHY,
    }


def test_only_whoever_may_promote_pauses_and_only_with_a_reason(gate, release):
    live = release()
    limited = replace(OLE, models=("credit",))
    for who in (ADA, BOB, Actor("service:till", "till", Role.CALLER), Actor("person:kim", "kim", Role.AUDITOR), limited):
        with pytest.raises(NotPermittedError):
            gate.releases.pause(live.id, reason=WHY, by=who)
    with pytest.raises(ReasonMissingError):
        gate.releases.pause(live.id, reason="x" * 2001, by=OLE)
    assert gate.releases.live() == {"income": live}
    assert gate.logged("release.paused") == []


def test_who_is_in_a_hurry_needs_no_reason_to_take_a_model_offline(gate, release):
    live = release()
    assert gate.releases.pause(live.id, by=OLE).pause == OLE.id
    assert (gate.releases.live(), gate.logged("release.paused")[0].facts["reason"]) == ({}, "")
    gate.releases.must_be_on_record(gate.releases.show(live.id, by=OLE))
    assert gate.releases.promote(live.id, by=OLE).pause == ""


def test_only_what_is_live_is_paused(gate, release):
    waiting = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    with pytest.raises(ReleaseStateError, match="awaiting-approval and cannot be paused"):
        gate.releases.pause(waiting.id, reason=WHY, by=OLE)
    live = release()
    gate.releases.pause(live.id, reason=WHY, by=OLE)
    with pytest.raises(ReleaseStateError, match="is paused and cannot be paused"):
        gate.releases.pause(live.id, reason=WHY, by=OLE)
    with pytest.raises(ReleaseStateError, match=f"{live.version} has the release {live.id} already, which is paused"):
        gate.releases.propose(live.version, policy="free", by=ADA)


def test_promoting_a_paused_release_makes_it_live_again_and_is_recorded(gate, release):
    live = release()
    gate.releases.pause(live.id, reason=WHY, by=OLE)
    with pytest.raises(NotPermittedError):
        gate.releases.promote(live.id, by=ADA)
    again = gate.releases.promote(live.id, by=OLE)
    assert again == replace(live, live_since=again.live_since)
    assert again.live_since > live.live_since
    assert gate.releases.live() == {"income": again}
    assert [entry.facts["state"] for entry in gate.logged("release.promoted")] == ["live", "live"]
    gate.releases.must_be_on_record(again)


def test_a_paused_version_that_no_longer_verifies_stays_paused(gate, release, home):
    live = release()
    paused = gate.releases.pause(live.id, reason=WHY, by=OLE)
    damage(gate, home, live.version)
    with pytest.raises(ReleaseRefusedError, match="income:1 does not verify and does not go live again"):
        gate.releases.promote(live.id, by=OLE)
    assert gate.releases.standing() == {"income": paused}
    assert len(gate.logged("release.promoted")) == 1


def test_another_version_takes_the_place_of_a_paused_one_which_a_roll_back_passes_over(gate, release):
    release()
    gate.releases.pause(release().id, reason=WHY, by=OLE)
    assert release().version == "income:3"
    assert states(gate) == {"r-1": "superseded", "r-2": "superseded", "r-3": "live"}
    assert gate.logged("release.promoted")[-1].facts["superseded"] == "r-2"
    assert gate.releases.roll_back("income", by=OLE).version == "income:1"
    assert states(gate) == {"r-1": "live", "r-2": "superseded", "r-3": "rolled-back"}
    assert gate.releases.propose("income:2", policy="free", by=ADA).state is ReleaseState.APPROVED


def test_rolling_back_from_a_paused_release_brings_the_earlier_one_back(gate, release):
    first = release()
    with pytest.raises(NothingToRollBackError, match=f"modelward release pause {first.id} --reason"):
        gate.releases.roll_back("income", by=OLE)
    gate.releases.pause(first.id, reason=WHY, by=OLE)
    with pytest.raises(NothingToRollBackError):
        gate.releases.roll_back("income", by=OLE)
    gate.releases.promote(first.id, by=OLE)
    gate.releases.pause(release().id, reason=WHY, by=OLE)
    assert gate.releases.roll_back("income", by=OLE).version == "income:1"
    assert states(gate) == {"r-1": "live", "r-2": "rolled-back"}
    gate.releases.must_be_on_record(gate.releases.live()["income"])


def test_pausing_one_model_leaves_the_others_live(gate, release):
    release()
    other = release("credit")
    gate.releases.pause("r-1", reason=WHY, by=OLE)
    assert gate.releases.live() == {"credit": other}


def test_who_names_a_model_instead_of_a_release_is_told_the_release_unless_they_may_not_see_it(gate, release):
    release()
    for name in ("income", "income:1"):
        with pytest.raises(ReleaseMissingError, match=rf"No release is called '{name}'\. r-1 is income:1, live\."):
            gate.releases.pause(name, reason=WHY, by=OLE)
    with pytest.raises(ReleaseMissingError) as told:
        gate.releases.pause("income", reason=WHY, by=replace(OLE, models=("credit",)))
    assert "r-1" not in str(told.value)


def test_a_database_put_back_to_live_after_a_pause_is_found(gate, release, home):
    live = release()
    before = gate.releases.revision()
    gate.releases.must_be_on_record(live)
    paused = gate.releases.pause(live.id, reason=WHY, by=OLE)
    gate.releases.must_be_on_record(paused)
    put_back(home, live)
    assert gate.releases.live() == {"income": live}, "the forgery is a good one"
    with pytest.raises(UnrecordedReleaseError, match="the database has r-1 live, and the ledger does not say so"):
        gate.releases.must_be_on_record(gate.releases.live()["income"])
    assert gate.releases.revision() != before, "a server looks again, though the row is as it was"


def test_a_release_that_was_paused_in_the_database_alone_does_not_go_live(gate, home):
    name = gate.register()
    waiting = gate.releases.propose(name, policy="two-people", by=ADA)
    put_back(home, waiting, state="paused", approvals_needed=0)
    with pytest.raises(UnrecordedReleaseError, match="the database has r-1 paused, and the ledger does not say so"):
        gate.releases.promote(waiting.id, by=OLE)
    assert gate.releases.live() == {}
    assert gate.logged("release.promoted") == []


FORGED = {"actor": "service:olga", "at": "2026-03-01T00:00:00Z", "reason": "It is good."}


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        ({"state": "approved", "approvals": [FORGED, FORGED | {"actor": "service:olaf"}]}, "the database has r-1 approved"),
        ({"state": "approved", "approvals_needed": 0}, "the database has r-1 approved"),
        (
            {"state": "approved", "approvals_needed": 0, "policy": "name: two-people\nrules:\n  - rule: signed\n"},
            "under the policy that is kept with it",
        ),
    ],
    ids=["approvals", "how-many", "policy"],
)
def test_what_was_approved_in_the_database_alone_does_not_go_live(gate, home, forged, words):
    waiting = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    put_back(home, waiting, **forged)
    assert gate.releases.show(waiting.id, by=OLE).state == "approved", "the forgery is a good one"
    with pytest.raises(UnrecordedReleaseError, match=words):
        gate.releases.promote(waiting.id, by=OLE)
    assert gate.releases.live() == {}


def test_a_roll_back_brings_nothing_back_that_the_ledger_does_not_know_as_live_before(gate, release, home):
    waiting = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    live = release()
    put_back(home, waiting, state="superseded", approvals_needed=0, live_since="2026-03-01T00:00:00Z")
    with pytest.raises(UnrecordedReleaseError, match="the database has r-1 superseded"):
        gate.releases.roll_back("income", by=OLE)
    assert gate.releases.live() == {"income": live}


def test_a_pause_that_was_wiped_off_a_superseded_row_is_found(gate, release, home):
    paused = gate.releases.pause(release().id, reason=WHY, by=OLE)
    live = release()
    put_back(home, paused, state="superseded", pause="")
    with pytest.raises(UnrecordedReleaseError, match="do not agree on whether r-1 was paused"):
        gate.releases.roll_back("income", by=OLE)
    assert gate.releases.live() == {"income": live}


def test_what_another_release_followed_does_not_come_back_although_its_row_hid_that_it_was_live(gate, release, home):
    first = release()
    put_back(home, first, state="superseded")
    second = release()
    assert "superseded" not in gate.logged("release.promoted")[-1].facts, "the ledger does not name what it followed"
    put_back(home, second, state="refused")
    put_back(home, first)
    assert gate.releases.live() == {"income": first}, "the forgery is a good one"
    with pytest.raises(UnrecordedReleaseError, match="the database has r-1 live"):
        gate.releases.must_be_on_record(gate.releases.live()["income"])


def test_however_much_was_promoted_since_what_followed_is_found(gate, release, home, monkeypatch):
    monkeypatch.setattr("modelward.audit.service._PAGE", 2)
    first, second = release(), release()
    for model in ("a", "b", "c", "d", "e"):
        release(model)
    put_back(home, second, state="refused")
    put_back(home, first)
    with pytest.raises(UnrecordedReleaseError):
        gate.releases.must_be_on_record(gate.releases.live()["income"])


def test_an_entry_that_was_written_into_the_table_lets_nothing_go_live(gate, home):
    waiting = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    facts = {"release": waiting.id, "digest": waiting.digest, "policy": waiting.policy, "state": "live"}
    with editing(home) as rows:
        (entry,) = rows.execute("SELECT entry FROM ledger_entries WHERE event = 'release.proposed'").fetchone()
        forged = msgspec.json.decode(entry) | {"event": "release.promoted"}
        forged["facts"] |= facts
        values = (10**6, msgspec.json.encode(forged), b"0" * 32, "release.promoted", OLE.id, waiting.version, "")
        rows.execute(
            "INSERT INTO ledger_entries (idx, entry, leaf, event, actor, subject, request) VALUES (?, ?, ?, ?, ?, ?, ?)", values
        )
    put_back(home, waiting, state="live", approvals_needed=0)
    assert gate.releases.live()["income"].id == waiting.id, "the forgery is a good one"
    with pytest.raises(UnrecordedReleaseError):
        gate.releases.must_be_on_record(gate.releases.live()["income"])


def test_a_version_that_went_live_under_two_releases_is_rolled_back_to_by_the_ledger_of_each(gate, release):
    first = release()
    gate.releases.promote(gate.releases.propose(gate.register(), policy="free", by=ADA).id, by=OLE)
    again = gate.releases.promote(gate.releases.propose(first.version, policy="free", by=ADA).id, by=OLE)
    assert (again.version, again.id) == (first.version, "r-3")
    assert [gate.releases.roll_back("income", by=OLE).id for _ in range(2)] == ["r-2", "r-1"]
    gate.releases.must_be_on_record(gate.releases.live()["income"])


def test_what_somebody_else_did_meanwhile_is_no_forgery(gate, release, monkeypatch):
    release(), release(), release()
    must_have, others = Record.must_have, iter([True])

    def after_another_roll_back(record, earlier):
        if next(others, None):
            gate.releases.roll_back("income", by=OLE)
        must_have(record, earlier)

    monkeypatch.setattr(Record, "must_have", after_another_roll_back)
    with pytest.raises(ReleaseStateError, match="r-2 changed meanwhile"):
        gate.releases.roll_back("income", by=OLE)
    assert gate.releases.live()["income"].id == "r-2"


def test_a_refusal_while_a_release_is_promoted_is_no_forgery_and_is_heeded(gate, monkeypatch):
    waiting = gate.releases.propose(gate.register(), policy="free", by=ADA)
    decided = Record.must_have_decided

    def after_a_refusal(record, release, **said):
        gate.releases.refuse(release.id, reason="not this one", by=BOB)
        decided(record, release, **said)

    monkeypatch.setattr(Record, "must_have_decided", after_a_refusal)
    with pytest.raises(ReleaseStateError, match="r-1 changed meanwhile"):
        gate.releases.promote(waiting.id, by=OLE)
    assert gate.releases.live() == {}
