# SPDX-License-Identifier: Apache-2.0
"""The gate: what goes live, what does not, and what the ledger says of it."""

from dataclasses import replace

import pytest

from modelward.access import Actor, NotPermittedError, Role
from modelward.registry import VersionMissingError
from modelward.releases import (
    NothingToRollBackError,
    NotReleasedError,
    PolicyMissingError,
    ReleaseMissingError,
    ReleaseRefusedError,
    ReleaseState,
    ReleaseStateError,
    SelfApprovalError,
    UnrecordedReleaseError,
)
from releases.conftest import ADA, BOB, EVE, OLE, TWO_PEOPLE, put_back


def test_a_version_that_passes_is_approved_promoted_and_live(gate):
    release = gate.releases.propose(gate.register(), policy="free", by=ADA)
    assert release.state is ReleaseState.APPROVED
    assert [decision.verdict for decision in release.decisions] == ["passed", "passed"]
    live = gate.releases.promote(release.id, by=OLE)
    assert gate.releases.live() == {"income": live}
    assert gate.releases.released("income", by=ADA) == "income:1"
    with pytest.raises(NotPermittedError):
        gate.releases.released("income", by=Actor("service:till", "till", Role.CALLER, models=("credit",)))
    assert live.digest == gate.registry.find("income:1", by=ADA).digest


def test_a_refused_version_is_on_record_with_every_reason(gate):
    name = gate.register(is_known=False)
    with pytest.raises(ReleaseRefusedError, match="income:1 does not say which data") as refused:
        gate.releases.propose(name, policy="default", by=ADA)
    (release,) = gate.releases.list(by=ADA)
    assert release.state is ReleaseState.REFUSED
    assert {decision.rule.partition(" ")[0] for decision in release.refused} == {
        "lineage-complete",
        "assessed-within",
        "quality-measured",
        "no-failed-clause",
    }
    for decision in release.refused:
        assert decision.reason in str(refused.value)
    (entry,) = gate.logged("release.refused")
    assert entry.facts["refused_by"] == [decision.rule for decision in release.refused]
    assert gate.releases.live() == {}


def test_a_policy_without_rules_lets_nothing_through(gate):
    with pytest.raises(ReleaseRefusedError, match="no rules let nothing through"):
        gate.releases.propose(gate.register(), policy="nothing", by=ADA)


def test_two_other_people_must_approve_before_it_is_promoted(gate):
    release = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    with pytest.raises(ReleaseStateError, match="awaiting-approval and cannot be promoted"):
        gate.releases.promote(release.id, by=OLE)
    gate.releases.approve(release.id, reason="figures are sound", by=BOB)
    with pytest.raises(ReleaseStateError):
        gate.releases.promote(release.id, by=OLE)
    assert gate.releases.approve(release.id, reason="so they are", by=EVE).state is ReleaseState.APPROVED
    assert gate.releases.promote(release.id, by=OLE).state is ReleaseState.LIVE
    assert [entry.actor for entry in gate.logged("release.approved")] == ["person:bob", "person:eve"]
    assert gate.logged("release.approved")[0].facts["reason"] == "figures are sound"


def test_an_administrator_cannot_approve_a_proposal_of_their_own(gate):
    release = gate.releases.propose(gate.register(), policy="two-people", by=gate.admin)
    with pytest.raises(SelfApprovalError):
        gate.releases.approve(release.id, reason="mine", by=gate.admin)
    assert gate.logged("release.approved") == []


def test_each_change_is_one_entry_and_a_refused_change_is_none(gate):
    before = len(gate.ledger.entries(limit=1000))
    release = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    gate.releases.approve(release.id, reason="yes", by=BOB)
    with pytest.raises(ReleaseStateError):
        gate.releases.approve(release.id, reason="yes, yes", by=BOB)
    gate.releases.refuse(release.id, reason="no after all", by=EVE)
    # One of them is the registration.
    assert len(gate.ledger.entries(limit=1000)) == before + 4
    assert gate.releases.show(release.id, by=ADA).refusal == "person:eve: no after all"


def test_roles_do_what_they_are_for_and_no_more(gate):
    name = gate.register()
    caller, auditor = Actor("service:till", "till", Role.CALLER), Actor("person:kim", "kim", Role.AUDITOR)
    for who in (BOB, caller, auditor):
        with pytest.raises(NotPermittedError):
            gate.releases.propose(name, policy="two-people", by=who)
    release = gate.releases.propose(name, policy="two-people", by=ADA)
    for who in (ADA, OLE, caller, auditor):
        with pytest.raises(NotPermittedError):
            gate.releases.approve(release.id, reason="yes", by=who)
        with pytest.raises(NotPermittedError):
            gate.releases.policies.put(TWO_PEOPLE.replace("2", "0"), by=who)
    for who in (ADA, BOB, caller, auditor):
        with pytest.raises(NotPermittedError):
            gate.releases.promote(release.id, by=who)
        with pytest.raises(NotPermittedError):
            gate.releases.roll_back("income", by=who)
    with pytest.raises(NotPermittedError):
        gate.releases.list(by=caller)
    limited = Actor("person:lim", "lim", Role.AUDITOR, models=("other",))
    assert gate.releases.list(by=limited) == ()
    with pytest.raises(NotPermittedError):
        gate.releases.show(release.id, by=limited)


def test_a_version_has_one_open_release_at_a_time(gate):
    name = gate.register()
    first = gate.releases.propose(name, policy="two-people", by=ADA)
    with pytest.raises(ReleaseStateError, match=rf"{name} has the release {first.id} already"):
        gate.releases.propose(name, policy="free", by=ADA)
    gate.releases.refuse(first.id, reason="start over", by=BOB)
    assert gate.releases.propose(name, policy="free", by=ADA).id == "r-2"


def test_promoting_supersedes_and_rolling_back_returns_step_by_step(gate):
    ids = [gate.releases.propose(gate.register(), policy="free", by=ADA).id for _ in range(3)]
    for one in ids:
        gate.releases.promote(one, by=OLE)
    assert states(gate) == {"r-1": "superseded", "r-2": "superseded", "r-3": "live"}
    assert gate.releases.roll_back("income", by=OLE).version == "income:2"
    assert states(gate) == {"r-1": "superseded", "r-2": "live", "r-3": "rolled-back"}
    gate.releases.roll_back("income", by=OLE)
    assert states(gate) == {"r-1": "live", "r-2": "rolled-back", "r-3": "rolled-back"}
    with pytest.raises(NothingToRollBackError, match="No version of income was live before income:1"):
        gate.releases.roll_back("income", by=OLE)
    assert [entry.facts["version_taken_back"] for entry in gate.logged("release.rolled-back")] == ["income:3", "income:2"]


def states(gate):
    return {release.id: release.state.value for release in gate.releases.list(by=ADA)}


def test_rolling_back_to_a_version_that_no_longer_verifies_is_refused(gate, home):
    for _ in range(2):
        gate.releases.promote(gate.releases.propose(gate.register(), policy="free", by=ADA).id, by=OLE)
    damage(gate, home, "income:1")
    with pytest.raises(ReleaseRefusedError, match="income:1 does not verify"):
        gate.releases.roll_back("income", by=OLE)
    assert gate.releases.released("income", by=ADA) == "income:2"


def test_evidence_that_broke_after_the_approval_refuses_the_promotion(gate, home):
    release = gate.releases.propose(gate.register(), policy="free", by=ADA)
    damage(gate, home, "income:1")
    with pytest.raises(ReleaseRefusedError, match="signed: the signature of income:1 does not verify"):
        gate.releases.promote(release.id, by=OLE)
    assert gate.releases.show(release.id, by=ADA).state is ReleaseState.REFUSED
    assert gate.releases.live() == {}


def damage(gate, home, name):
    sealed = next(file.sealed for file in gate.registry.find(name, by=gate.admin).files if file.path.endswith(".onnx"))
    path = next(path for path in (home / "objects").rglob("*") if path.name.endswith(sealed[-20:]))
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(raw))


def test_a_later_policy_of_the_same_name_does_not_change_what_was_proposed_under_the_earlier(gate):
    release = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    changed = gate.releases.policies.put(TWO_PEOPLE.replace("2", "0"), by=BOB)
    assert changed.number == 2
    assert gate.releases.show(release.id, by=ADA).approvals_needed == 2
    with pytest.raises(ReleaseStateError):
        gate.releases.promote(release.id, by=OLE)
    assert gate.releases.propose(gate.register(), policy="two-people", by=ADA).state is ReleaseState.APPROVED


def test_a_policy_put_twice_is_one_change(gate):
    before = len(gate.logged("policy.changed"))
    again = gate.releases.policies.put(TWO_PEOPLE, by=EVE)
    assert (again.number, again.by) == (1, "person:bob")
    assert len(gate.logged("policy.changed")) == before
    assert [policy.name for policy in gate.releases.policies.list(by=ADA)] == ["default", "free", "nothing", "two-people"]


def test_what_does_not_exist_is_said_to_be_missing(gate):
    with pytest.raises(VersionMissingError):
        gate.releases.propose(gate.register().replace(":1", ":9"), policy="free", by=ADA)
    with pytest.raises(PolicyMissingError, match="No policy is called 'lax'"):
        gate.releases.propose("income:1", policy="lax", by=ADA)
    for unknown in ("r-9", "r--1", "9", "", "r-" + "9" * 40, "r-²"):
        with pytest.raises(ReleaseMissingError):
            gate.releases.show(unknown, by=ADA)
    with pytest.raises(NotReleasedError, match="No version of 'income' is live"):
        gate.releases.released("income", by=ADA)
    with pytest.raises(NotReleasedError):
        gate.releases.roll_back("income", by=OLE)


def test_the_revision_grows_with_every_change_and_with_nothing_else(gate):
    seen = [gate.releases.revision()]
    release = gate.releases.propose(gate.register(), policy="two-people", by=ADA)
    seen.append(gate.releases.revision())
    gate.register()
    assert gate.releases.revision() == seen[-1]
    for who in (BOB, EVE):
        gate.releases.approve(release.id, reason="yes", by=who)
        seen.append(gate.releases.revision())
    gate.releases.promote(release.id, by=OLE)
    seen.append(gate.releases.revision())
    assert seen == sorted(set(seen))


def test_a_limited_actor_puts_no_policy_in_place_for_it_would_decide_over_every_model(gate):
    limited = replace(BOB, id="service:desk", models=("income",))
    with pytest.raises(NotPermittedError, match="limited to some models"):
        gate.releases.policies.put(TWO_PEOPLE.replace("approvals: 2", "approvals: 0"), by=limited)
    assert gate.releases.policies.show("two-people", by=BOB).approvals == 2
    assert gate.releases.policies.put(TWO_PEOPLE.replace("approvals: 2", "approvals: 3"), by=BOB).approvals == 3


def test_a_release_is_on_record_while_it_is_live_and_not_before_or_after(gate):
    first = gate.releases.propose(gate.register(), policy="free", by=ADA)
    with pytest.raises(UnrecordedReleaseError, match="the ledger does not say so"):
        gate.releases.must_be_on_record(first)
    first = gate.releases.promote(first.id, by=OLE)
    gate.releases.must_be_on_record(first)
    second = gate.releases.promote(gate.releases.propose(gate.register(), policy="free", by=ADA).id, by=OLE)
    gate.releases.must_be_on_record(second)
    with pytest.raises(ReleaseStateError, match="r-1 changed meanwhile"):
        gate.releases.must_be_on_record(first)
    back = gate.releases.roll_back("income", by=OLE)
    gate.releases.must_be_on_record(back)
    with pytest.raises(ReleaseStateError, match="r-2 changed meanwhile"):
        gate.releases.must_be_on_record(second)


@pytest.mark.parametrize("change", [{"digest": "e" * 64}, {"id": "r-9"}])
def test_a_live_release_of_other_bytes_or_another_id_is_not_on_record(gate, home, change):
    live = gate.releases.promote(gate.releases.propose(gate.register(), policy="free", by=ADA).id, by=OLE)
    put_back(home, live, **change)
    with pytest.raises(UnrecordedReleaseError):
        gate.releases.must_be_on_record(gate.releases.live()["income"])
