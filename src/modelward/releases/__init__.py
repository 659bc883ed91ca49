# SPDX-License-Identifier: Apache-2.0
"""Releases decide what may go live: a policy of rules over what was measured, the approvals of people, and the way back.

No release without evidence: a rule that finds nothing measured refuses, an empty policy refuses, and every decision is bound
to the digest of the exact version and of the policy's text.
"""

from modelward.releases.door import Door
from modelward.releases.evidence import Evidence
from modelward.releases.foresight import unmeasured
from modelward.releases.policies import Policies
from modelward.releases.policy import (
    InvalidPolicyError,
    ModelGovernedError,
    Policy,
    PolicyMissingError,
    PolicyNotGoverningError,
    PolicyText,
    PolicyTooLargeError,
    UnrecordedPolicyError,
    builtin_policy,
    decide,
    lacking,
    parse_policy,
)
from modelward.releases.record import Revision
from modelward.releases.release import (
    Approval,
    Decision,
    NothingToRollBackError,
    NotReleasedError,
    ReasonMissingError,
    Release,
    ReleaseMissingError,
    ReleaseRefusedError,
    ReleaseState,
    ReleaseStateError,
    SelfApprovalError,
    UnrecordedReleaseError,
)
from modelward.releases.rule import Passed, Refused, Rule, Verdict
from modelward.releases.rules import RULES
from modelward.releases.service import Releases
from modelward.releases.wording import DECISION_WORDS

__all__ = [
    "DECISION_WORDS",
    "RULES",
    "Approval",
    "Decision",
    "Door",
    "Evidence",
    "InvalidPolicyError",
    "ModelGovernedError",
    "NotReleasedError",
    "NothingToRollBackError",
    "Passed",
    "Policies",
    "Policy",
    "PolicyMissingError",
    "PolicyNotGoverningError",
    "PolicyText",
    "PolicyTooLargeError",
    "ReasonMissingError",
    "Refused",
    "Release",
    "ReleaseMissingError",
    "ReleaseRefusedError",
    "ReleaseState",
    "ReleaseStateError",
    "Releases",
    "Revision",
    "Rule",
    "SelfApprovalError",
    "UnrecordedPolicyError",
    "UnrecordedReleaseError",
    "Verdict",
    "builtin_policy",
    "decide",
    "lacking",
    "parse_policy",
    "unmeasured",
]
