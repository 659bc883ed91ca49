# SPDX-License-Identifier: Apache-2.0
"""The steps of a release, and which are not due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from modelward.releases import (
    Approval,
    Decision,
    ReasonMissingError,
    Release,
    ReleaseState,
    ReleaseStateError,
    SelfApprovalError,
)
from modelward.releases.release import ReleaseRefusedError, unless_refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
YES = Decision("signed", "passed", "it is")
NO = Decision("clause-at-least", "refused", "it is too low")


def proposed(*decisions, approvals=0):
    return Release(
        id="r-1",
        model="income",
        number=3,
        digest="d" * 64,
        policy="strict",
        policy_digest="p" * 64,
        approvals_needed=approvals,
        state=ReleaseState.AWAITING_APPROVAL,
        proposer="person:ada",
        proposed=NOW,
        decisions=decisions,
    ).decided()


def approval(actor, reason="looked at it"):
    return Approval(actor, NOW + timedelta(hours=1), reason)


def test_where_nobody_needs_to_approve_passing_is_approval():
    assert proposed(YES).state is ReleaseState.APPROVED


def test_one_refusal_among_many_refuses_and_names_itself():
    release = proposed(YES, NO, YES)
    assert release.state is ReleaseState.REFUSED
    assert release.refused == (NO,)
    assert "it is too low" in release.refusal


def test_a_refusal_says_that_what_is_not_measurable_cannot_be_mended():
    unmeasurable = Decision("measured", "refused", "quality.accuracy is not measurable (The version answers with numbers.)")
    for decision, is_said in ((unmeasurable, True), (NO, False)):
        with pytest.raises(ReleaseRefusedError) as caught:
            unless_refused(proposed(YES, decision))
        assert ("policies that ask for what is" in str(caught.value)) is is_said


def test_no_decision_at_all_refuses():
    assert proposed().state is ReleaseState.REFUSED


@pytest.mark.parametrize("verdict", ["", "Passed", "ok", "not-measurable"])
def test_any_word_but_passed_refuses(verdict):
    assert proposed(Decision("signed", verdict, "")).state is ReleaseState.REFUSED


def test_as_many_people_as_the_policy_says_must_approve():
    release = proposed(YES, approvals=2).approve(approval("person:bob"))
    assert release.state is ReleaseState.AWAITING_APPROVAL
    with pytest.raises(ReleaseStateError, match="person:bob approved r-1 already"):
        release.approve(approval("person:bob"))
    assert release.approve(approval("person:eve")).state is ReleaseState.APPROVED


def test_nobody_approves_what_they_proposed():
    with pytest.raises(SelfApprovalError, match="person:ada proposed r-1"):
        proposed(YES, approvals=1).approve(approval("person:ada"))


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 2001])
def test_a_decision_has_a_reason(reason):
    with pytest.raises(ReasonMissingError):
        proposed(YES, approvals=1).approve(approval("person:bob", reason))
    with pytest.raises(ReasonMissingError):
        proposed(YES).refuse("person:bob", reason=reason)


def test_only_what_is_approved_goes_live():
    for release in (proposed(YES, approvals=1), proposed(NO), proposed(YES).refuse("person:bob", reason="no")):
        with pytest.raises(ReleaseStateError, match="cannot be promoted"):
            release.promote(NOW)
    assert proposed(YES).promote(NOW).live_since == NOW


def test_a_row_that_claims_to_be_approved_does_not_go_live_without_its_approvals():
    forged = replace(proposed(YES, approvals=1), state=ReleaseState.APPROVED)
    with pytest.raises(ReleaseStateError, match="has not passed every rule and approval"):
        forged.promote(NOW)
    by_the_proposer = replace(forged, approvals=(approval("person:ada"),))
    with pytest.raises(ReleaseStateError):
        by_the_proposer.promote(NOW)


def test_what_is_live_is_not_refused_and_what_was_rolled_back_does_not_return():
    live = proposed(YES).promote(NOW)
    with pytest.raises(ReleaseStateError, match="is live and cannot be refused"):
        live.refuse("person:bob", reason="late")
    with pytest.raises(ReleaseStateError):
        live.take_back().return_live(NOW)
    assert live.supersede().return_live(NOW).state is ReleaseState.LIVE


def test_a_release_survives_json():
    release = proposed(YES, approvals=2).approve(approval("person:bob"))
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(release)), Release) == release
