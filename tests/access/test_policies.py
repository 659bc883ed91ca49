# SPDX-License-Identifier: Apache-2.0
"""Policies of the site: put in force, judged by, changed by two at once, altered behind our back; and why somebody may."""

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager
from itertools import product
from threading import Barrier, Thread

import pytest

from modelward.access import (
    AlteredRowError,
    InvalidNameError,
    InvalidSitePolicyError,
    LockedOutError,
    NobodyKnownError,
    NotPermittedError,
    Permission,
    Role,
    SitePolicyChangedError,
    SitePolicyMissingError,
    SitePolicyTooLargeError,
    UnfitThingError,
    UnknownPermissionError,
)
from modelward.access.cedar import read
from modelward.access.judge import BY_ROLE
from modelward.access.judging import HouseJudge
from modelward.app import create_home, open_platform
from modelward.errors import ConflictError
from modelward.settings import Settings

NO_EXPORT = '@id("no-export") forbid (principal, action == Action::"models:export", resource);'
NOT_TILL = '@id("not-till") forbid (principal == Service::"till", action, resource);'
MAY_READ = '@id("ada-reads") permit (principal == Person::"ada", action == Action::"audit:read", resource);'


@pytest.fixture
def platform(tmp_path):
    settings = Settings(home=tmp_path / ".modelward")
    create_home(settings)
    made = open_platform(settings)
    yield made
    made.close()


@pytest.fixture
def owner(platform):
    return platform.access.owner()


@pytest.fixture
def policies(platform):
    return platform.access.policies


def service(platform, name="till", role=Role.CALLER, **limits):
    return platform.access.authenticate(platform.access.create_key(name, role=role, by=platform.access.owner(), **limits).secret)


def signed_in(platform, name="ada", role=Role.DATA_OWNER):
    return platform.access.sign_in(platform.access.add_user(name, role=role, by=platform.access.owner()).token).actor


def edit(platform, statement, *values):
    """What somebody with the database alone can do."""
    with closing(sqlite3.connect(platform.settings.home / "modelward.db")) as database:
        database.execute(statement, values)
        database.execute("update access_revision set value = value + 1")
        database.commit()


def seen_anew(platform, actor):
    """The actor as a server sees them with the next request."""
    platform.access.credentials(platform.access.changed_secrets().digests)
    return actor


def test_a_policy_forbids_what_the_role_permits_and_permits_what_it_does_not(platform, policies, owner):
    till, ada = service(platform), signed_in(platform)
    assert till.may(Permission.MODELS_PREDICT, model="income")
    assert not ada.may(Permission.AUDIT_READ)
    policies.put("house", f"{NOT_TILL}\n{MAY_READ}", by=owner)
    assert not till.may(Permission.MODELS_PREDICT, model="income")
    assert ada.may(Permission.AUDIT_READ)
    with pytest.raises(NotPermittedError, match="house/not-till"):
        till.require(Permission.MODELS_PREDICT, model="income")
    policies.remove("house", by=owner)
    assert till.may(Permission.MODELS_PREDICT, model="income")
    assert not ada.may(Permission.AUDIT_READ)


def test_what_forbids_overrides_what_permits(platform, policies, owner):
    till = service(platform)
    policies.put("a", 'permit (principal == Service::"till", action == Action::"audit:read", resource);', by=owner)
    assert till.may(Permission.AUDIT_READ)
    policies.put("b", NOT_TILL, by=owner)
    assert not till.may(Permission.AUDIT_READ)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("models", [None, ("income",)])
def test_without_a_policy_that_bears_on_it_the_judge_says_what_the_table_says(platform, policies, owner, role, models):
    by_table = service(platform, role=role, models=models)
    wanted = {
        (permission, model): BY_ROLE.decide(by_table, permission, model=model)
        for permission, model in product(Permission, (None, "income", "other"))
    }
    for turn in range(2):
        for (permission, model), decision in wanted.items():
            assert by_table.judge.decide(by_table, permission, model=model) == decision
        if not turn:
            policies.put("far", 'forbid (principal == Service::"nobody", action, resource);', by=owner)


def test_no_policy_permits_beyond_the_limit_of_a_key(platform, policies, owner):
    till = service(platform, models=["income"])
    policies.put("all", 'permit (principal == Service::"till", action, resource);', by=owner)
    assert till.may(Permission.MODELS_EXPORT, model="income")
    assert not till.may(Permission.MODELS_EXPORT, model="other")
    assert not till.may(Permission.KEYS_MANAGE)
    assert not till.may(Permission.POLICIES_MANAGE)


def test_a_policy_knows_the_purpose_of_a_key(platform, policies, owner):
    policies.put("p", 'forbid (principal is Service, action, resource) when { context.purpose != "pilot" };', by=owner)
    pilot, other = service(platform, "pilot", purpose="pilot"), service(platform, "other", purpose="sales")
    assert pilot.may(Permission.MODELS_PREDICT, model="m")
    assert not other.may(Permission.MODELS_PREDICT, model="m")


def test_a_decision_that_speaks_of_the_time_ends_by_itself(platform, policies, owner):
    till = service(platform)
    assert till.require(Permission.MODELS_PREDICT, model="m").until is None
    policies.put("t", 'forbid (principal, action, resource) when { context.time > datetime("2999-01-01T00:00:00Z") };', by=owner)
    assert till.require(Permission.MODELS_PREDICT, model="m").until is not None


def test_a_file_with_a_fault_changes_nothing(platform, policies, owner):
    till = service(platform)
    policies.put("house", NOT_TILL, by=owner)
    entries = len(platform.auditing.log(by=owner))
    for fault in ("forbid (principal, action, resource", 'permit (principal == Foo::"x", action, resource);', ""):
        with pytest.raises(InvalidSitePolicyError):
            policies.put("house", fault, revision=1, by=owner)
    assert policies.show("house", by=owner).text == NOT_TILL
    assert not till.may(Permission.MODELS_PREDICT, model="m")
    assert len(platform.auditing.log(by=owner)) == entries


def test_of_two_administrators_who_change_one_file_the_second_is_told(policies, owner):
    first = policies.put("house", NO_EXPORT, by=owner)
    outcomes, start = [], Barrier(2)

    def change(text):
        start.wait()
        try:
            outcomes.append(policies.put("house", text, revision=first.revision, by=owner).text)
        except ConflictError as refused:
            outcomes.append(refused)

    threads = [Thread(target=change, args=[f"{NO_EXPORT}\n// {name}"]) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = next(outcome for outcome in outcomes if isinstance(outcome, SitePolicyChangedError))
    kept = next(outcome for outcome in outcomes if isinstance(outcome, str))
    assert policies.show("house", by=owner).text == kept
    assert policies.show("house", by=owner).revision == 2
    assert "--revision 2" in str(refused)


def test_a_file_is_not_overwritten_nor_removed_by_who_has_not_seen_it(policies, owner):
    policies.put("house", NO_EXPORT, by=owner)
    for revision in (0, 2):
        with pytest.raises(SitePolicyChangedError):
            policies.put("house", NOT_TILL, revision=revision, by=owner)
    with pytest.raises(SitePolicyChangedError):
        policies.remove("house", revision=2, by=owner)
    with pytest.raises(SitePolicyMissingError):
        policies.remove("horse", by=owner)
    assert policies.remove("house", revision=1, by=owner) == "house"


def test_every_change_is_in_the_ledger_with_its_digest(platform, policies, owner):
    put = policies.put("house", NO_EXPORT, by=owner)
    policies.remove("house", by=owner)
    removed, told = platform.auditing.log(subject="access policy house", by=owner)
    assert (told.entry.event, told.entry.facts["digest"]) == ("access.policy-put", put.digest)
    assert (removed.entry.event, removed.entry.actor) == ("access.policy-removed", owner.id)


def test_the_built_in_policies_are_shown_and_cannot_be_changed(policies, owner):
    assert policies.list(by=owner)[0].name == "built-in"
    assert 'Role::"auditor"' in policies.show("built-in", by=owner).text
    with pytest.raises(InvalidSitePolicyError, match="built-in"):
        policies.put("built-in", NO_EXPORT, by=owner)
    with pytest.raises(SitePolicyMissingError):
        policies.remove("built-in", by=owner)


def test_who_asks_for_what_may_not_be_there_is_told_how(policies, owner):
    with pytest.raises(InvalidSitePolicyError, match=r"Ask first whether it is there: `context has address && …`"):
        policies.put(
            "night", 'forbid (principal, action, resource) when { context.address.isInRange(ip("10.0.0.0/8")) };', by=owner
        )


def test_limits_and_names_are_held(policies, owner):
    with pytest.raises(SitePolicyTooLargeError, match="bytes"):
        policies.put("large", f"// {'x' * (1 << 20)}\n{NO_EXPORT}", by=owner)
    with pytest.raises(InvalidNameError):
        policies.put("../house", NO_EXPORT, by=owner)


def test_only_who_manages_policies_sees_and_changes_them(platform, policies):
    for actor in (signed_in(platform, role=Role.RISK_OFFICER), service(platform, role=Role.ADMINISTRATOR, models=["m"])):
        for verb in (
            lambda: policies.list(by=actor),  # noqa: B023  # called before the loop goes on
            lambda: policies.show("built-in", by=actor),  # noqa: B023
            lambda: policies.put("house", NO_EXPORT, by=actor),  # noqa: B023
            lambda: policies.remove("house", by=actor),  # noqa: B023
        ):
            with pytest.raises(NotPermittedError):
                verb()


@pytest.mark.parametrize(
    "text",
    [
        "forbid (principal, action, resource);",
        'forbid (principal in Role::"administrator", action == Action::"policies:manage", resource);',
        "forbid (principal is Person, action, resource);",
    ],
)
def test_a_policy_that_would_lock_out_every_administrator_is_refused(policies, owner, text):
    with pytest.raises(LockedOutError):
        policies.put("house", text, by=owner)
    assert [file.name for file in policies.list(by=owner)] == ["built-in"]


def test_a_policy_that_leaves_one_administrator_is_taken(platform, policies, owner):
    service(platform, "robot", role=Role.ADMINISTRATOR)
    assert policies.put("house", "forbid (principal is Person, action, resource);", by=owner).revision == 1


def test_the_owner_of_the_home_is_judged_by_policies_and_may_always_repair_them(platform, policies, owner):
    service(platform, "robot", role=Role.ADMINISTRATOR)
    policies.put("house", "forbid (principal is Local, action, resource);", by=owner)
    assert not owner.may(Permission.MODELS_READ)
    policies.remove("house", by=owner)
    assert owner.may(Permission.MODELS_READ)


@pytest.mark.parametrize(
    "statement",
    [
        "update access_policies set text = replace(text, 'till', 'tull')",
        "update access_policies set revision = '7'",
        "delete from access_policies",
    ],
)
def test_a_policy_altered_behind_our_back_denies_everything_until_the_owner_repairs_it(platform, policies, owner, statement):
    till, ada = service(platform), signed_in(platform, role=Role.ADMINISTRATOR)
    policies.put("house", NOT_TILL, by=owner)
    other = service(platform, "other")
    assert other.may(Permission.MODELS_PREDICT, model="m")
    edit(platform, statement)
    for actor in (till, other, ada):
        assert not seen_anew(platform, actor).may(Permission.MODELS_READ)
    assert not owner.may(Permission.MODELS_READ)
    if statement.startswith("update"):
        assert platform.access.altered() == ["policy 'house'"]
        with pytest.raises(AlteredRowError, match="house"):
            policies.list(by=owner)
        policies.remove("house", by=owner)
        assert other.may(Permission.MODELS_READ)
    policies.put("house", NOT_TILL, by=owner)
    assert other.may(Permission.MODELS_READ)
    assert not till.may(Permission.MODELS_READ)


def test_an_older_row_put_back_is_seen(platform, policies, owner):
    till = service(platform)
    policies.put("house", NO_EXPORT, by=owner)
    with closing(sqlite3.connect(platform.settings.home / "modelward.db")) as database:
        row = database.execute("select * from access_policies").fetchone()
    policies.put("house", NOT_TILL, revision=1, by=owner)
    edit(platform, "delete from access_policies")
    edit(platform, f"insert into access_policies values ({', '.join('?' * len(row))})", *row)
    with pytest.raises(NotPermittedError, match="ledger"):
        seen_anew(platform, till).require(Permission.MODELS_READ)


def test_an_older_row_put_back_with_a_copy_of_its_entry_far_ahead_is_seen(platform, policies, owner):
    till = service(platform)
    policies.put("house", NO_EXPORT, by=owner)
    with closing(sqlite3.connect(platform.settings.home / "modelward.db")) as database:
        row = database.execute("select * from access_policies").fetchone()
        ((index,),) = database.execute("select max(idx) from ledger_entries where event = 'access.policy-put'").fetchall()
    policies.put("house", NOT_TILL, revision=1, by=owner)
    assert not till.may(Permission.MODELS_READ)
    edit(platform, "delete from access_policies")
    edit(platform, f"insert into access_policies values ({', '.join('?' * len(row))})", *row)
    copied = "entry, leaf, event, actor, subject, request"
    edit(platform, f"insert into ledger_entries select idx + 1000, {copied} from ledger_entries where idx = ?", index)
    with pytest.raises(NotPermittedError, match="modelward audit verify"):
        seen_anew(platform, till).require(Permission.MODELS_READ)
    other = open_platform(platform.settings)
    assert not other.access.owner().judge.judged(till).may(Permission.MODELS_READ), "nor does who begins later believe it"
    other.close()
    assert not platform.ledger.verify().is_sound


def test_a_policy_that_cannot_be_evaluated_denies(platform, policies, owner):
    till = service(platform)
    policies.put("sum", "forbid (principal is Service, action, resource) when { 9223372036854775807 + 1 > 2 };", by=owner)
    with pytest.raises(NotPermittedError, match="could not be evaluated"):
        till.require(Permission.MODELS_READ)


def test_another_process_judges_by_the_new_policy_with_the_next_request(platform, policies, owner):
    secret = platform.access.create_key("till", role=Role.CALLER, by=owner).secret
    with_other = open_platform(platform.settings)
    try:
        assert with_other.access.authenticate(secret).may(Permission.MODELS_READ)
        policies.put("house", NOT_TILL, by=owner)
        assert not with_other.access.authenticate(secret).may(Permission.MODELS_READ)
        assert not next(iter(with_other.access.credentials(with_other.access.changed_secrets().digests).values())).actor.may(
            Permission.MODELS_READ
        )
    finally:
        with_other.close()


def test_a_home_without_policies_does_not_load_the_engine(platform):
    code = (
        "import sys; from pathlib import Path; from modelward.app import open_platform; from modelward.settings import Settings;"
        "p = open_platform(Settings(home=Path(sys.argv[1]))); p.access.owner().require('models:read'); p.close();"
        "sys.exit('cedarpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, platform.settings.home], check=False).returncode == 0


def test_explain_names_what_decided_and_what_would_change_it(platform, policies, owner):
    service(platform, models=["income"])
    policies.put("house", NOT_TILL, by=owner)
    told = platform.access.explain("till", "models:predict", "income", by=owner)
    assert (told.who, told.what, told.is_allowed) == ("service:till", "model:income", False)
    assert [(ground.kind, ground.name, ground.permits) for ground in told.grounds] == [
        ("role", "caller", True),
        ("policy", "house/not-till", False),
    ]
    assert "house/not-till" in told.change[0]
    policies.remove("house", by=owner)
    allowed = platform.access.explain("service:till", "models:predict", "model:income", by=owner)
    assert (allowed.is_allowed, [ground.kind for ground in allowed.grounds]) == (True, ["role"])
    limited = platform.access.explain("till", "models:predict", "other:3", by=owner)
    kinds = [ground.kind for ground in limited.grounds]
    assert (limited.what, limited.is_allowed, kinds) == (
        "model:other",
        False,
        ["role", "limit"],
    )
    lacking = platform.access.explain("till", "audit:read", by=owner)
    assert (lacking.is_allowed, [ground.kind for ground in lacking.grounds]) == (False, ["limit"])


def test_explain_says_what_a_role_lacks_and_who_has_it(platform, owner):
    signed_in(platform)
    told = platform.access.explain("ada", "audit:read", by=owner)
    assert (told.who, told.role, told.is_allowed, told.grounds) == ("person:ada", "data-owner", False, ())
    assert "auditor" in told.change[0]


def test_a_model_is_a_principal_without_a_role(platform, policies, owner):
    told = platform.access.explain("model:income", "data:read", "adult", by=owner)
    assert (told.who, told.role, told.what, told.is_allowed) == ("model:income", "", "dataset:adult", False)
    assert "`modelward data grant income adult --purpose TEXT`" in told.change[0]
    assert all("modelward data grant income" in change for change in told.change)
    text = 'permit (principal == Model::"income", action == Action::"data:read", resource == Dataset::"adult");'
    policies.put("house", text, by=owner)
    assert platform.access.explain("model:income", "data:read", "adult", by=owner).is_allowed
    assert not platform.access.explain("model:income", "data:read", "other", by=owner).is_allowed


def test_what_is_not_known_is_told_apart(platform, owner):
    for who, action, error in [
        ("nobody", "models:read", NobodyKnownError),
        ("person:till", "models:read", NobodyKnownError),
        ("admin", "models:reed", UnknownPermissionError),
        ("model:../x", "models:read", InvalidNameError),
    ]:
        service(platform, f"k{abs(hash(who))}")
        with pytest.raises(error):
            platform.access.explain(who, action, by=owner)


def test_everybody_may_ask_of_themselves_and_of_nobody_else(platform):
    till = service(platform)
    signed_in(platform)
    assert platform.access.explain("service:till", "models:read", by=till).is_allowed
    with pytest.raises(NotPermittedError):
        platform.access.explain("ada", "models:read", by=till)


def test_ones_own_name_alone_is_oneself_and_who_may_ask_of_all_means_whom_they_always_meant(platform, owner):
    till = service(platform)
    assert platform.access.explain("till", "models:read", by=till) == platform.access.explain(
        "service:till", "models:read", by=till
    )
    person = signed_in(platform, "till-2")
    with pytest.raises(NotPermittedError):
        platform.access.explain("till", "models:read", by=person)
    assert platform.access.explain("till", "models:read", by=owner).who == "service:till"


@pytest.mark.parametrize(
    ("action", "what", "about"),
    [
        ("models:predict", "dataset:adult", "models"),
        ("captures:read", "dataset:adult", "models"),
        ("users:manage", "model:income", "the house as a whole"),
        ("audit:read", "adult", "the house as a whole"),
    ],
)
def test_of_what_a_permission_is_not_about_no_yes_is_said(platform, owner, action, what, about):
    with pytest.raises(UnfitThingError, match=f"{action} is about {about}"):
        platform.access.explain(owner.id, action, what, by=owner)


@pytest.mark.parametrize("action", ["captures:read", "captures:rule", "terms:put"])
def test_what_is_kept_of_one_model_and_its_terms_are_forbidden_for_that_model_alone(platform, policies, owner, action):
    officer = signed_in(platform, role=Role.RISK_OFFICER)
    policies.put("site", f'forbid(principal, action == Action::"{action}", resource == Model::"triage");', by=owner)
    assert not officer.may(Permission(action), model="triage")
    assert officer.may(Permission(action), model="income")
    assert officer.may(Permission(action)), "lists are asked for in general"
    told = platform.access.explain("ada", action, "model:income", by=owner)
    assert 'resource == Model::"income"' in told.change[0]


def test_files_are_checked_and_made_ready_before_anything_is_written(platform, policies, owner, monkeypatch):
    """Whoever else writes would wait for it."""
    from modelward.access.cedar import checking
    from modelward.access.cedar import policies as compiling

    writing, written, seen = [], [], []
    change = platform.access._database.change

    @contextmanager
    def changing():
        with change() as connection:
            writing.append(1)
            yield connection
            writing.clear()
            written.append(1)

    def noting(what, ours):
        def noted(*arguments, **more):
            seen.append((what, bool(writing)))
            return ours(*arguments, **more)

        return noted

    policies.put("first", NO_EXPORT, by=owner)
    monkeypatch.setattr(platform.access._database, "change", changing)
    monkeypatch.setattr(checking.cedarpy, "policies_to_json_str", noting("read", checking.cedarpy.policies_to_json_str))
    monkeypatch.setattr(checking.cedarpy, "validate_policies", noting("checked", checking.cedarpy.validate_policies))
    monkeypatch.setattr(compiling.CompiledPolicies, "_add", noting("compiled", compiling.CompiledPolicies._add))
    policies.put("second", NOT_TILL, by=owner)
    assert Counter(seen) == {("read", False): 1, ("checked", False): 1, ("compiled", False): 2}, (
        "the new one alone, and nobody waits"
    )
    assert written == [1]


def test_a_file_that_is_put_while_another_is_made_ready_is_not_lost(platform, policies, owner, monkeypatch):
    till, others = service(platform), [NO_EXPORT]
    compiled = HouseJudge.compiled

    def overtaken(judge, files, **more):
        if others:
            text = others.pop()
            policies.put("meanwhile", text, by=owner)
        return compiled(judge, files, **more)

    monkeypatch.setattr(HouseJudge, "compiled", overtaken)
    policies.put("house", NOT_TILL, by=owner)
    assert [file.name for file in policies.list(by=owner)] == ["built-in", "house", "meanwhile"]
    assert not till.may(Permission.MODELS_PREDICT, model="m")
    assert not signed_in(platform, role=Role.OPERATOR).may(Permission.MODELS_EXPORT)


def test_who_is_overtaken_again_and_again_is_told_and_changes_nothing(policies, owner, monkeypatch):
    compiled, turn = HouseJudge.compiled, []

    def overtaken(judge, files, **more):
        if "house" in [file.name for file in files]:
            turn.append(1)
            policies.put(f"other-{len(turn)}", NO_EXPORT, by=owner)
        return compiled(judge, files, **more)

    monkeypatch.setattr(HouseJudge, "compiled", overtaken)
    with pytest.raises(SitePolicyChangedError, match="Send it again"):
        policies.put("house", NOT_TILL, by=owner)
    assert "house" not in [file.name for file in policies.list(by=owner)]


@pytest.fixture
def elsewhere(platform, monkeypatch):
    """Another process of the same home: what it may say of the till, and which texts it read for that."""
    from modelward.access.cedar import checking

    other = open_platform(platform.settings)
    judge, texts = other.access.owner().judge, []
    ours = checking.cedarpy.policies_to_json_str

    def look(actor, *asked):
        with monkeypatch.context() as watched:
            watched.setattr(checking.cedarpy, "policies_to_json_str", lambda text: texts.append(text) or ours(text))
            texts.clear()
            judge.refreshed()
        return [judge.decide(actor, each, model="m").is_allowed for each in asked], [*texts]

    yield look
    other.close()


NOT_TO = '@id("not-to") forbid (principal == Service::"till", action == Action::"models:{}", resource);'


def test_a_process_reads_of_the_policies_what_was_changed_and_judges_by_all(platform, policies, owner, elsewhere):
    till, asked = service(platform, role=Role.DATA_SCIENTIST), (Permission.MODELS_READ, Permission.MODELS_EXPORT)
    to_read, to_export, to_assess = (NOT_TO.format(verb) for verb in ("read", "export", "assess"))
    policies.put("a", to_read, by=owner)
    policies.put("b", to_export, by=owner)
    assert elsewhere(till, *asked) == ([False, False], [to_read, to_export])
    policies.put("a", to_assess, revision=1, by=owner)
    assert elsewhere(till, *asked, Permission.MODELS_ASSESS) == ([True, False, False], [to_assess]), "changed"
    policies.put("c", to_read, by=owner)
    assert elsewhere(till, *asked) == ([False, False], [to_read]), "added"
    policies.remove("b", by=owner)
    assert elsewhere(till, *asked, Permission.MODELS_ASSESS) == ([False, True, False], []), "removed"
    policies.remove("c", by=owner)
    policies.put("b", to_read, by=owner)
    assert elsewhere(till, *asked) == ([False, True], [to_read]), "another text under a name that there was"
    for name in "ab":
        policies.remove(name, by=owner)
    assert elsewhere(till, *asked) == ([True, True], [])
    policies.put("a", to_read, by=owner)
    assert elsewhere(till, *asked) == ([False, True], [to_read])


def test_a_file_with_a_fault_leaves_the_old_in_force_everywhere(platform, policies, owner, elsewhere):
    till = service(platform, role=Role.DATA_SCIENTIST)
    policies.put("a", NOT_TO.format("read"), by=owner)
    assert elsewhere(till, Permission.MODELS_READ) == ([False], [NOT_TO.format("read")])
    with pytest.raises(InvalidSitePolicyError):
        policies.put("a", NOT_TO.format("pretend"), revision=1, by=owner)
    assert elsewhere(till, Permission.MODELS_READ) == ([False], [])


def test_a_text_that_was_altered_is_not_mistaken_for_the_one_that_was_read(platform, policies, owner, elsewhere):
    till = service(platform, role=Role.DATA_SCIENTIST)
    policies.put("a", NOT_TO.format("read"), by=owner)
    policies.put("b", NOT_TO.format("export"), by=owner)
    assert elsewhere(till, Permission.MODELS_ASSESS)[0] == [True]
    edit(platform, "update access_policies set text = ? where name = 'a'", NOT_TO.format("assess"))
    assert elsewhere(till, Permission.MODELS_ASSESS, Permission.DATA_READ) == ([False, False], []), "nothing is allowed"
    edit(platform, "update access_policies set text = ? where name = 'a'", NOT_TO.format("read"))
    assert elsewhere(till, Permission.MODELS_ASSESS, Permission.MODELS_READ) == ([True, False], []), "nothing is forgotten"


def test_the_lines_of_policies_are_told_where_there_are_many(policies, owner):
    text = "".join(f'// {number}\n\nforbid (principal == Service::"k{number}", action, resource);\n' for number in range(300))
    assert [each.line for each in read(text)] == [3 * number + 3 for number in range(300)]
