# SPDX-License-Identifier: Apache-2.0
"""What every rule of the table promises, ours or anybody's."""

from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path

import msgspec
import pytest

from modelward.releases import RULES, Passed, Refused, decide, parse_policy
from releases.evidence import NOTHING_KNOWN, clause, evidence, unmeasurable

MEASURED = (
    *map(clause, ("quality.accuracy", "quality.roc_auc", "quality.brier", "fairness.sex.accuracy")),
    clause("quality.ece", 0.01, 0.0, 0.02),
)
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"


@pytest.fixture(params=RULES.names())
def name(request):
    return request.param


@pytest.fixture
def rule(name):
    """The rule with the parameters of its own example."""
    kind = RULES.load(name)
    return msgspec.convert(dict(kind.example), kind)


def test_evidence_without_anything_in_it_is_refused_with_a_reason(rule):
    verdict = rule.check(NOTHING_KNOWN)
    assert isinstance(verdict, Refused)
    assert len(verdict.reason) > 20


def test_evidence_that_has_everything_passes_and_says_what_was_seen(rule):
    verdict = rule.check(evidence(*MEASURED))
    assert isinstance(verdict, Passed)
    assert verdict.seen


def test_what_could_not_be_measured_never_passes_for_measured(rule):
    nothing = evidence(*(unmeasurable(one.id, threshold=0.5) for one in MEASURED))
    # Either the rule looks at clauses and refuses, or it passes for what it does look at and clauses make no difference.
    assert isinstance(rule.check(nothing), Refused) or rule.check(nothing) == rule.check(evidence()) == rule.check(
        evidence(*MEASURED)
    )


def test_the_same_evidence_gives_the_same_verdict_and_stays_as_it_is(rule):
    known = evidence(clause(), unmeasurable("fairness.sex.accuracy", note="too few rows"))
    before = msgspec.json.encode(known.report)
    assert rule.check(known) == rule.check(known)
    assert msgspec.json.encode(known.report) == before


def test_a_rule_is_a_frozen_value_of_its_parameters(rule):
    assert is_dataclass(rule)
    for field in fields(rule):
        with pytest.raises(FrozenInstanceError):
            setattr(rule, field.name, None)


def test_a_policy_can_name_it_as_its_example_does(name):
    example = dict(RULES.load(name).example)
    policy = parse_policy(msgspec.json.encode({"name": "one", "rules": [{"rule": name, **example}]}).decode())
    (decision,) = decide(policy, NOTHING_KNOWN)
    assert decision.verdict == "refused"
    assert decision.rule.startswith(name)


def test_the_reference_explains_it_and_each_of_its_parameters(name):
    told = REFERENCE.read_text("utf-8")
    section = told.partition(f"## `{name}`\n")[2].partition("\n## ")[0]
    assert section, f"docs/reference/rules.md has no section on {name}"
    for field in fields(RULES.load(name)):
        assert f"`{field.name}`" in section


def test_the_reference_explains_no_rule_that_is_not_there():
    told = {line[4:-1] for line in REFERENCE.read_text("utf-8").splitlines() if line.startswith("## `")}
    assert told == set(RULES.names())
