# SPDX-License-Identifier: Apache-2.0
"""Policies are read strictly: what is not understood is refused with its place."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward import strict_yaml
from modelward.access import InvalidNameError
from modelward.errors import InvalidError, TooLargeError
from modelward.releases import RULES, InvalidPolicyError, Policy, PolicyTooLargeError, builtin_policy, parse_policy, unmeasured

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
        ("name: a\nrules: [{rule: clause-at-least, clause: q, value: 1e999}]", "a number that is too large"),
        ("name: a\nrules: [{rule: clause-at-least, clause: q, value: .nan}]", "Expected `float`, got `str`"),
        ("name: a\nrules: [{rule: assessed-within, days: 1:30}]", "Expected `int`, got `str`"),
        ("name: a\nrules: []\n<<: {approvals: 0}", "no key is called '<<'"),
        ("name: a\nrules: []\n? [b]\n: c", "line 3, column 3: every key must be a text"),
        ("name: a\nrules: [{rule: clause-at-least, clause: q, value: 1, on: luck}]", "Invalid enum value 'luck'"),
        ("name: a\nrules: [{rule: measured, clauses: []}]", "length >= 1"),
        ("name: a\nrules: [{rule: signed, really: true}]", "It takes none."),
        ("name: a\nrules: [signed]", "rules[0]: must be keys with values"),
        ("name: a\nrules: signed", "rules: must be a list"),
        ("name: a", "rules: must be a list"),
        ("name: a\napproval: 1\nrules: []", "no key is called 'approval'. Did you mean 'approvals'?"),
        ("name: a\napprovals: -1\nrules: []", "approvals: must be a whole number from 0 to 10"),
        ("name: a\napprovals: true\nrules: []", "approvals: must be a whole number"),
        ("name: a\napprovals: 1\napprovals: 0\nrules: []", "line 3, column 1: the key 'approvals' stands twice"),
        ("name: a\nrules: [{rule: assessed-within, days: 1, days: 9}]", "the key 'days' stands twice"),
        ("name: a\nmodels: income\nrules: []", "models: must be a list of names such as `[income, credit]`"),
        ("name: a\nmodels: []\nrules: []", 'models: must be a list of names such as `[income, credit]`, or `["*"]`'),
        ("name: a\nmodels:\nrules: []", "models: must be a list of names"),
        ("name: a\nmodels: [1]\nrules: []", "models: must be a list of names"),
        ("name: a\nmodels: [income, income]\nrules: []", "models: 'income' is named twice"),
        ("name: a\nmodels: ['*', income]\nrules: []", 'models: "*" is every model; nothing stands beside it'),
        ("name: a\nrules: &r [{rule: signed}]\nmore: *r", "line 2, column 8: anchors and aliases"),
        ("name: [", "The policy is not YAML that can be used in line 1, column 8"),
        ("- name: a", "the policy: must be keys with values"),
        ("", "the policy: must be keys with values"),
        ("{1: a}", "line 1, column 2: every key must be a text"),
        ("name: !!python/object/apply:os.system [x]\nrules: []", "column 7: tags (!) are not taken"),
        ("name: a\nrules: " + "[" * 5000, "more than 20 levels deep"),
        ("# " + "x" * 70_000, "65,536 is the limit"),
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


@pytest.mark.parametrize("models", ["[income, credit]", '["*"]'])
def test_a_policy_says_which_models_it_governs(models):
    assert parse_policy(f"name: a\nmodels: {models}\nrules: []").models == tuple(models.strip('[]"').split(", "))
    assert parse_policy("name: a\nrules: []").models == ()


def test_a_policy_larger_than_the_limit_is_too_large():
    with pytest.raises(PolicyTooLargeError) as refused:
        parse_policy("# " + "x" * (64 << 10))
    assert isinstance(refused.value, TooLargeError)


@pytest.mark.parametrize("name", ["", "../etc", "Name", "a" * 64, "[a]"])
def test_a_policy_needs_a_name_that_can_be_one(name):
    with pytest.raises(InvalidNameError):
        parse_policy(f"name: {name}\nrules: []")
    with pytest.raises(InvalidNameError, match="name of a model"):
        parse_policy(f"name: a\nmodels: ['{name}']\nrules: []")


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


def written(policy: Policy) -> str:
    """The policy as a file that says the same."""
    rules = [{"rule": words.partition(" ")[0], **asdict(rule)} for words, rule in policy.rules]
    said = {"name": policy.name, "approvals": policy.approvals, "rules": rules}
    return strict_yaml.write(said | ({"models": list(policy.models)} if policy.models else {}))


def is_read_or_refused(text: str) -> bool:
    """Whether `text` is a policy; one says the same when it is written out anew, and a refusal says where it is wrong."""
    why = ""
    try:
        policy = parse_policy(text)
    except InvalidError as refused:
        why = str(refused)
    if why:
        assert PLACE.match(why), why
        return False
    again = parse_policy(written(policy))
    assert (again.name, again.approvals, again.models) == (policy.name, policy.approvals, policy.models)
    assert [rule for _, rule in again.rules] == [rule for _, rule in policy.rules]
    return True


# The key, or the line, or the whole, that is wrong.
PLACE = re.compile(
    r"(the policy|name|models|approvals|rules(\[\d+\])?( \([a-z-]+\))?): "
    r"|The policy (is not YAML that can be used in line \d+, column \d+: .|is not text in UTF-8|holds a character|has [\d,]+ bytes)"
    r"|'.*' cannot be the name of a (policy|model)\.",
    re.DOTALL,
)


@given(
    st.one_of(st.text(), st.text(alphabet="name:rules-[]{}&*!|> \n\t'\"0aA"), st.binary().map(lambda raw: raw.decode("latin-1")))
)
def test_any_text_is_a_policy_or_refused(text):
    is_read_or_refused(text)


LINES = st.sampled_from(
    [
        *("name: a", "name: B", "approvals: 2", "approvals: 11", "models: [income]", "models: ['*']", "models: [*]", "rules: []"),
        *(
            "rules:",
            "  - rule: signed",
            "  - {rule: assessed-within, days: 3}",
            "    days: 1e400",
            "  - rule: &x signed",
            "\t",
            "  - 3",
        ),
        "  - {rule: clause-at-most, clause: 'quality.*', value: -1.5, on: estimate}",
    ]
)


@given(
    st.lists(LINES, max_size=5).map(lambda more: "\n".join(["name: a", *more]))
    | st.permutations(["name: a", "models: [b, c]", "approvals: 3", "rules: [{rule: signed}, {rule: measured, clauses: [q]}]"]).map(
        "\n".join
    )
)
def test_lines_of_policies_in_any_order_are_a_policy_or_refused(text):
    is_read_or_refused(text)


def test_the_check_of_any_text_knows_both_ends():
    """The control: what it is drawn from holds policies and refusals."""
    assert is_read_or_refused(GOOD)
    assert not is_read_or_refused("name: a")


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
    is_read_or_refused(json.dumps({"name": "a", "rules": [{"rule": rule, **given_}]}))


def test_what_the_guide_asks_of_a_detector_is_measured():
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "release.md").read_text()
    (shown,) = re.findall(r"```yaml\n(name: watching.*?)```", guide, flags=re.S)
    assert unmeasured(parse_policy(shown)) == {}
    assert unmeasured(parse_policy(shown.replace("p99_ms", "p98_ms"))) != {}
