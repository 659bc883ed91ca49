# SPDX-License-Identifier: Apache-2.0
"""A model has one governing policy at most; under another one nothing is proposed, and nothing goes live."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.access import NotPermittedError
from modelward.errors import ConflictError, RefusedError
from modelward.releases import (
    ModelGovernedError,
    PolicyMissingError,
    PolicyNotGoverningError,
    PolicyText,
    ReleaseState,
    UnrecordedPolicyError,
)
from modelward.releases.policy import governing
from modelward.releases.record import Record
from releases.conftest import ADA, BOB, OLE, editing

MODELS = ("income", "credit", "grant")
NAMES = ("a", "b", "c", "default")


def policy(name: str, *models: str, approvals: int = 0) -> str:
    said = f"models: [{', '.join(map(repr, models))}]\n" if models else ""
    return f"name: {name}\n{said}approvals: {approvals}\nrules:\n  - rule: signed\n  - rule: lineage-complete\n"


@pytest.fixture
def governed(gate):
    """A gate with a policy for income and credit, and one for every other model."""
    gate.releases.policies.put(policy("grants", "income", "credit"), by=BOB)
    gate.releases.policies.put(policy("others", "*"), by=BOB)
    return gate


def test_the_policy_that_names_a_model_decides_over_it_and_the_one_for_every_model_over_the_rest(governed):
    for model, name in (("income", "grants"), ("credit", "grants"), ("grant", "others")):
        version = governed.register(model=model)
        assert [each.name for each in governed.releases.policies.open_to(model, by=ADA)] == [name]
        assert governed.releases.propose(version, by=ADA).policy == name


def test_naming_the_governing_policy_is_fine_and_naming_another_is_refused(governed):
    version = governed.register()
    before = len(governed.ledger.entries(limit=1000))
    for other in ("free", "default", "others", "nobody-put-it"):
        with pytest.raises(
            PolicyNotGoverningError, match=f"The policy grants governs income, and '{other}' does not decide"
        ) as refused:
            governed.releases.propose(version, policy=other, by=ADA)
        assert isinstance(refused.value, RefusedError)
    assert len(governed.ledger.entries(limit=1000)) == before
    assert governed.releases.propose(version, policy="grants", by=ADA).policy == "grants"


def test_a_model_that_no_policy_governs_takes_the_policy_named_or_the_default(gate):
    gate.releases.policies.put(policy("grants", "income"), by=BOB)
    version = gate.register(model="credit")
    assert len(gate.releases.policies.open_to("credit", by=ADA)) == 5
    assert gate.releases.propose(version, policy="grants", by=ADA).policy == "grants"
    gate.releases.policies.put(policy("default"), by=BOB)
    assert gate.releases.propose(gate.register(model="credit"), by=ADA).policy == "default"
    with pytest.raises(PolicyMissingError):
        gate.releases.propose(gate.register(model="credit"), policy="lax", by=ADA)


@pytest.mark.parametrize(("models", "shared"), [(["income"], "income"), (["tax", "credit"], "credit"), (["*"], r"\*")])
def test_a_model_that_one_policy_names_is_not_named_by_another(governed, models, shared):
    before = governed.releases.policies.list(by=BOB)
    whose = "others" if models == ["*"] else "grants"
    with pytest.raises(ModelGovernedError, match=f"The policy {whose} names {shared} already") as refused:
        governed.releases.policies.put(policy("mine", *models), by=BOB)
    assert isinstance(refused.value, ConflictError)
    assert governed.releases.policies.list(by=BOB) == before


def test_a_policy_gives_a_model_up_under_its_own_name_and_then_another_may_have_it(governed):
    again = governed.releases.policies.put(policy("grants", "credit", approvals=1), by=BOB)
    assert (again.number, again.models) == (2, ("credit",))
    assert governed.releases.policies.put(policy("mine", "income"), by=BOB).models == ("income",)
    assert governed.releases.propose(governed.register(), by=ADA).policy == "mine"
    assert governed.logged("policy.changed")[-1].facts["models"] == ["income"]


def test_what_was_approved_under_another_policy_does_not_go_live_once_one_governs(gate):
    release = gate.releases.propose(gate.register(), policy="free", by=ADA)
    live = gate.releases.promote(gate.releases.propose(gate.register(), policy="free", by=ADA).id, by=OLE)
    gate.releases.policies.put(policy("grants", "income"), by=BOB)
    with pytest.raises(PolicyNotGoverningError, match="r-1 was decided under free, and the policy grants governs income now"):
        gate.releases.promote(release.id, by=OLE)
    assert gate.releases.show(release.id, by=ADA).state is ReleaseState.APPROVED
    gate.releases.pause(live.id, reason="to look at it", by=OLE)
    assert gate.releases.promote(live.id, by=OLE).state is ReleaseState.LIVE, "what was live comes back as it was decided"
    gate.releases.refuse(release.id, reason="grants decides now", by=BOB)
    assert gate.releases.promote(gate.releases.propose("income:1", by=ADA).id, by=OLE).policy == "grants"


def test_what_was_approved_under_an_earlier_text_of_the_governing_policy_is_proposed_again(gate):
    gate.releases.policies.put(policy("grants", "income"), by=BOB)
    release = gate.releases.propose(gate.register(), by=ADA)
    gate.releases.policies.put(policy("grants", "income", approvals=1), by=BOB)
    with pytest.raises(PolicyNotGoverningError, match="text number 2 of the policy grants governs income now"):
        gate.releases.promote(release.id, by=OLE)


def test_a_policy_put_while_the_rules_are_decided_is_heeded(gate, monkeypatch):
    release = gate.releases.propose(gate.register(), policy="free", by=ADA)
    verify = type(gate.registry).verify

    def put_meanwhile(*words, **named):
        gate.releases.policies.put(policy("grants", "income", approvals=2), by=BOB)
        return verify(*words, **named)

    monkeypatch.setattr(type(gate.registry), "verify", put_meanwhile)
    with pytest.raises(PolicyNotGoverningError, match="the policy grants governs income now"):
        gate.releases.promote(release.id, by=OLE)
    assert gate.releases.live() == {}


GONE = "DELETE FROM release_policies WHERE name = 'grants'"
EDITED = "UPDATE release_policies SET document = CAST(replace(CAST(document AS TEXT), ?, ?) AS BLOB) WHERE name = 'grants'"


@pytest.mark.parametrize(
    ("forge", "values"),
    [
        (GONE, ()),
        (f"{GONE} AND number = 2", ()),
        (EDITED, ('"models":["income"]', '"models":["nobody"]')),
        (EDITED, ("lineage-complete", "signed")),
        (EDITED, ('"approvals":2', '"approvals":0')),
    ],
    ids=["gone", "older", "models", "rules", "approvals"],
)
def test_where_the_governing_policy_was_edited_in_the_database_nothing_is_decided(gate, home, forge, values):
    gate.releases.policies.put(policy("grants", "income", "credit", approvals=2), by=BOB)
    gate.releases.policies.put(policy("grants", "income", approvals=2), by=BOB)
    version = gate.register()
    with editing(home) as rows:
        assert rows.execute(forge, values).rowcount
    for named in (None, "free"):
        with pytest.raises(UnrecordedPolicyError, match="The policy grants in the database is not the one"):
            gate.releases.propose(version, policy=named, by=ADA)
    assert gate.logged("release.proposed") == []


def test_a_policy_that_is_put_while_the_policies_are_read_is_no_forgery(gate, monkeypatch):
    told = Record.policies
    texts = iter([policy("grants", "income"), policy("grants", "income", approvals=1)])

    def told_after_a_put(record):
        if text := next(texts, None):
            gate.releases.policies.put(text, by=BOB)
        return told(record)

    monkeypatch.setattr(Record, "policies", told_after_a_put)
    assert gate.releases.policies.governing("income").number == 2


def test_an_entry_about_a_policy_that_was_written_into_the_table_is_not_believed(gate, home):
    gate.releases.policies.put(policy("grants", "income", approvals=2), by=BOB)
    version = gate.register()
    lax = policy("grants", "income")
    with editing(home) as rows:
        rows.execute(EDITED, ('"approvals":2', '"approvals":0'))
        rows.execute(EDITED, ("approvals: 2", "approvals: 0"))
        (entry,) = rows.execute("SELECT entry FROM ledger_entries WHERE subject = 'grants'").fetchone()
        forged = json.loads(entry)
        forged["facts"] |= {"approvals": 0, "digest": sha256(lax.encode()).hexdigest()}
        values = (10**6, json.dumps(forged).encode(), b"0" * 32, "policy.changed", BOB.id, "grants", "")
        rows.execute(
            "INSERT INTO ledger_entries (idx, entry, leaf, event, actor, subject, request) VALUES (?, ?, ?, ?, ?, ?, ?)", values
        )
    with pytest.raises(UnrecordedPolicyError, match="The policy grants in the database"):
        gate.releases.propose(version, by=ADA)


def test_who_is_limited_to_a_model_does_not_bind_a_policy_to_it_either(gate):
    with pytest.raises(NotPermittedError):
        gate.releases.policies.put(policy("mine", "income"), by=replace(BOB, models=("income",)))


def text_of(name: str, models: list[str]) -> PolicyText:
    return PolicyText(name=name, number=1, digest="", approvals=0, text="", by="person:bob", at=None, models=tuple(models))


bound = st.lists(st.sampled_from(MODELS), unique=True) | st.just(["*"])


@given(st.lists(st.tuples(st.sampled_from(NAMES), bound), max_size=12))
def test_in_any_order_of_puts_a_model_has_one_governing_policy_at_most(puts):
    """Puts are taken as `Policies.put` takes them; `test_law` asks the gate itself."""
    in_place: dict[str, PolicyText] = {}
    for name, models in puts:
        if not any(set(models) & set(other.models) for other in in_place.values() if other.name != name):
            in_place[name] = text_of(name, models)
    for model in (*MODELS, "never-named"):
        naming = [each for each in in_place.values() if model in each.models]
        for_all = [each for each in in_place.values() if "*" in each.models]
        assert len(naming) <= 1
        assert len(for_all) <= 1
        assert governing(in_place.values(), model) == next(iter([*naming, *for_all]), None)
        assert governing(reversed(in_place.values()), model) == governing(in_place.values(), model)


DEFAULT_RULES = (
    "signed",
    "lineage-complete",
    "purpose-declared",
    "data-not-erased",
    "assessed-within",
    "quality-measured",
    "no-failed-clause",
)


@pytest.mark.parametrize(
    ("rules", "lacks"),
    [
        (["signed", "lineage-complete"], DEFAULT_RULES[2:]),
        (
            [each for each in DEFAULT_RULES if each not in ("data-not-erased", "assessed-within")],
            ("data-not-erased", "assessed-within"),
        ),
        (DEFAULT_RULES, ()),
        ([], DEFAULT_RULES),
    ],
)
@pytest.mark.parametrize("name", ["mine", "default"])
def test_a_policy_says_which_rules_it_lacks_of_the_one_that_comes_with_modelward(gate, name, rules, lacks):
    written = "".join(f"  - rule: {each}\n" + "    days: 30\n" * (each == "assessed-within") for each in rules)
    text = f"name: {name}\nrules:\n{written}" if rules else f"name: {name}\nrules: []\n"
    if "assessed-within" not in rules:
        lacks = tuple(each for each in DEFAULT_RULES if each not in rules)
    for put in (gate.releases.policies.put(text, by=BOB), gate.releases.policies.put(text, by=BOB)):
        assert put.lacks == lacks
    assert gate.releases.policies.show(name, by=ADA).lacks == lacks
    assert {each.name: each.lacks for each in gate.releases.policies.list(by=ADA)}[name] == lacks
    assert gate.releases.policies.list(by=ADA)[0].lacks == (lacks if name == "default" else ())


@pytest.mark.parametrize(
    ("days", "lacks"),
    [((30,), ()), ((7,), ()), ((31,), ("assessed-within (days: 30)",)), ((900, 30), ()), ((), ("assessed-within",))],
)
def test_a_rule_that_asks_for_less_than_the_one_that_comes_with_modelward_is_told_with_what_that_asks_for(gate, days, lacks):
    rules = "".join(f"  - rule: {each}\n" for each in DEFAULT_RULES if each != "assessed-within")
    rules += "".join(f"  - rule: assessed-within\n    days: {each}\n" for each in days)
    assert gate.releases.policies.put(f"name: mine\nrules:\n{rules}", by=BOB).lacks == lacks
