# SPDX-License-Identifier: Apache-2.0
"""Policies are read strictly: what is not understood is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.access import InvalidNameError
from modelward.errors import ModelwardError
from modelward.releases import RULES, InvalidPolicyError, builtin_policy, parse_policy

GOOD = """
name: strict
approvals: 2
rules:
  - rule: signed
  - rule: clause-at-least
    clause: quality.roc_auc
    value: 0.8
  - {rule: measured, clauses: [quality.*, fairness.*]}
"""


def test_a_policy_says_its_name_its_approvals_and_its_rules_in_words():
    policy = parse_policy(GOOD)
    assert (policy.name, policy.approvals) == ("strict", 2)
    assert [words for words, _ in policy.rules] == [
        "signed",
        "clause-at-least (clause: quality.roc_auc, value: 0.8)",
        "measured (clauses: [quality.*, fairness.*])",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nrules: [{rule: singed}]", "rules[0]: no rule is called 'singed'. Did you mean 'signed'?"),
        ("name: a\nrules: [{rule: signed}, {rule: assessed-within, day: 3}]", "rules[1] (assessed-within): no key is called 'day'"),
        ("name: a\nrules: [{rule: assessed-within, day: 3}]", "Did you mean 'days'?"),
        ("name: a\nrules: [{rule: assessed-within}]", "rules[0] (assessed-within): Object missing required field `days`"),
        ("name: a\nrules: [{rule: assessed-within, days: 0}]", "Expected `int` >= 1"),
        ("name: a\nrules: [{rule: assessed-within, days: soon}]", "Write it like `rule: assessed-within, days: 30`"),
        ("name: a\nrules: [{rule: clause-at-least, clause: q, value: 1e999}]", "a number must be finite"),
        ("name: a\nrules: [{rule: clause-at-least, clause: q, value: .nan}]", "Expected `float`, got `str`"),
        ("name: a\nrules: [{rule: assessed-within, days: 1:30}]", "Expected `int`, got `str`"),
        ("name: a\nrules: []\n<<: {approvals: 0}", "no key is called '<<'"),
        ("name: a\nrules: []\n? [b]\n: c", "line 3: a key must be a word"),
        ("name: a\nrules: [{rule: clause-at-least, clause: q, value: 1, on: luck}]", "Invalid enum value 'luck'"),
        ("name: a\nrules: [{rule: measured, clauses: []}]", "length >= 1"),
        ("name: a\nrules: [{rule: signed, really: true}]", "It takes none."),
        ("name: a\nrules: [signed]", "rules[0]: must be keys with values"),
        ("name: a\nrules: signed", "rules: must be a list"),
        ("name: a", "rules: must be a list"),
        ("name: a\napproval: 1\nrules: []", "no key is called 'approval'. Did you mean 'approvals'?"),
        ("name: a\napprovals: -1\nrules: []", "approvals: must be a whole number from 0 to 10"),
        ("name: a\napprovals: true\nrules: []", "approvals: must be a whole number"),
        ("name: a\napprovals: 1\napprovals: 0\nrules: []", "the key 'approvals' is given twice"),
        ("name: a\nrules: [{rule: assessed-within, days: 1, days: 9}]", "the key 'days' is given twice"),
        ("name: a\nrules: &r [{rule: signed}]\nmore: *r", "line 3: an alias"),
        ("name: [", "line 1: the policy is not YAML"),
        ("- name: a", "the policy: must be keys with values"),
        ("", "the policy: must be keys with values"),
        ("{1: a}", "the policy: must be keys with values"),
        ("name: !!python/object/apply:os.system [x]\nrules: []", "the policy is not YAML"),
        ("name: a\nrules: " + "[" * 5000, "the policy is not YAML"),
        ("# " + "x" * 70_000, "65536 is the most"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_its_place(text, words):
    with pytest.raises(InvalidPolicyError) as refused:
        parse_policy(text)
    assert words in str(refused.value)


def test_numbers_are_those_that_stand_there():
    policy = parse_policy("name: a\napprovals: 010\nrules: [{rule: clause-at-least, clause: q, value: 1e-3}]")
    assert policy.approvals == 10
    assert policy.rules[0][1].value == 0.001


@pytest.mark.parametrize("name", ["", "../etc", "Name", "a" * 64, "[a]"])
def test_a_policy_needs_a_name_that_can_be_one(name):
    with pytest.raises(InvalidNameError):
        parse_policy(f"name: {name}\nrules: []")


def test_the_policy_that_comes_with_modelward_is_one():
    policy = parse_policy(builtin_policy().text)
    assert policy.name == "default"
    assert {"signed", "lineage-complete", "purpose-declared"} <= {words for words, _ in policy.rules}


def test_the_example_is_a_policy():
    from pathlib import Path

    example = Path(__file__).parents[2] / "examples" / "policy.yaml"
    policy = parse_policy(example.read_text("utf-8"))
    assert policy.approvals >= 1
    assert len({words.partition(" ")[0] for words, _ in policy.rules}) >= 5


@given(
    st.one_of(st.text(), st.text(alphabet="name:rules-[]{}&*!|> \n\t'\"0aA"), st.binary().map(lambda raw: raw.decode("latin-1")))
)
def test_any_text_is_a_policy_or_refused(text):
    try:
        parse_policy(text)
    except ModelwardError:
        return


parameters = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(
    rule=st.sampled_from(RULES.names()),
    given_=st.dictionaries(st.sampled_from(["clause", "value", "on", "days", "clauses"]), parameters),
)
def test_any_parameters_make_a_rule_or_are_refused(rule, given_):
    import yaml

    try:
        policy = parse_policy(yaml.safe_dump({"name": "a", "rules": [{"rule": rule, **given_}]}))
    except InvalidPolicyError:
        return
    assert len(policy.rules) == 1
