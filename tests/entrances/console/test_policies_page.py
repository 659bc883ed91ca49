# SPDX-License-Identifier: Apache-2.0
"""Policies are put in force and taken out in the console, and it says why somebody may do something."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from entrances.console.conftest import words_of
from entrances.console.test_words import left_english
from modelward.access import Permission, Quota, Role, TooManyAttemptsError, UnknownCredentialError, local_actor
from modelward.datasets import Sharding

FORBID = '@id("no-export") forbid (principal == Service::"nobody", action == Action::"models:export", resource);'


def test_an_administrator_puts_a_policy_in_force_changes_it_and_takes_it_out(house):
    ada = house.visitor(Role.ADMINISTRATOR)
    sent = ada.post("/access/policies", {"name": "site", "text": FORBID, "revision": "0"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/console/access/policies/site")
    page = ada.get("/access/policies/site").text
    assert "no-export" in page
    assert 'name="revision" value="1"' in page
    late = ada.post("/access/policies", {"name": "site", "text": FORBID, "revision": "0"})
    assert (late.status_code, "revision 1" in late.text) == (422, True)
    wrong = ada.post("/access/policies", {"name": "other", "text": "permit(;", "revision": "0"})
    assert (wrong.status_code, "column 8" in wrong.text, "permit(;" in wrong.text) == (422, True, True)
    gone = ada.post("/access/policies/site/removal", {"revision": "1"}, shown_at="/access/policies/site")
    assert (gone.status_code, gone.headers["location"]) == (303, "/console/access/policies")
    assert "site" not in re.findall(r"/console/access/policies/([\w-]+)", ada.get("/access/policies").text)


def test_the_page_says_why_and_of_others_to_who_manages_policies_alone(house):
    ada, bob = house.visitor(Role.ADMINISTRATOR, "anna"), house.visitor(Role.AUDITOR, "bernd")
    told = ada.get("/access/why?who=bernd&action=models:predict&what=model:grant").text
    assert "person:bernd is auditor and lacks models:predict" in told
    assert "Denied" in told
    own = bob.get("/access/why?action=models:read").text
    assert "Allowed" in own
    assert "lacks policies:manage" in bob.get("/access/why?who=anna&action=models:read").text
    assert bob.get("/access/policies").status_code == 403


WHO = (
    "person:admin",
    "person:bea",
    "service:till",
    "service:desk",
    "service:north-till",
    "model:grant",
    "service:gone",
    "service:over",
    "person:left",
)


def test_whether_a_key_is_for_what_the_live_version_is_for_is_told_before_it_is_refused(own_house):
    access, me = own_house.platform.access, local_actor()
    own = own_house.platform.registry.find("grant:1", by=me).purpose
    for name, purpose in (("till", "marketing"), ("desk", own)):
        access.create_key(name, role=Role.CALLER, purpose=purpose, by=me)
    met, instead = {}, {}
    for name in ("till", "desk"):
        found = access.explain(name, "models:predict", "grant", by=me)
        met[name] = [each.is_met for each in found.conditions if each.kind == "purpose"]
        instead[name] = [each for each in found.change if "for what the version is for" in each]
    assert met == {"till": [False], "desk": [True]}
    assert (f"--purpose '{own}'" in instead["till"][0], instead["desk"]) == (True, [])
    page = own_house.visitor(Role.ADMINISTRATOR, "ada").get("/access/why?who=till&action=models:predict&what=grant&lang=zh").text
    assert "策略允许，但在下列未满足的条件满足之前仍会被拒绝" in page
    assert re.search(rf"按用途.*marketing.*grant:1.*{own}.*未满足", page)
    assert [each.is_met for each in access.explain("till", "models:predict", "other", by=me).conditions] == [None]
    narrow = access.authenticate(access.create_key("narrow", role=Role.CALLER, purpose="marketing", models=["other"], by=me).secret)
    told = [access.explain("service:narrow", "models:predict", name, by=narrow) for name in ("grant", "gone")]
    assert [(each.is_allowed, [one.kind for one in each.conditions]) for each in told] == [(False, []), (False, [])]
    assert not any("grant:1" in str(each) for each in told), "what a key does not reach it hears nothing of"


def test_the_page_says_why_of_a_connection_with_a_certificate_and_without(own_house):
    own_house.platform.access.policies.put(
        "doors", 'forbid(principal, action == Action::"models:read", resource) unless { context.mtls };', by=local_actor()
    )
    ada = own_house.visitor(Role.ADMINISTRATOR, "ada")
    asked = "/access/why?who=ada&action=models:read&what=model:grant"
    told = {certificate: words_of(ada.get(f"{asked}&certificate={certificate}").text) for certificate in ("", "yes")}
    assert ("Denied" in told[""], "Allowed" in told["yes"]) == (True, True)
    assert 'value="yes" selected' in ada.get(f"{asked}&certificate=yes").text


def test_the_page_says_why_in_chinese_whatever_decided(own_house):
    """Roles, limits and scopes of keys, quotas, purposes, expiry, terms, tenants and policies: what bore on it, and a remedy."""
    platform, by = own_house.platform, local_actor()
    access, soon = platform.access, datetime.now(UTC) + timedelta(days=3)
    platform.tenants.add("north", by=by)
    limited = {"models": ["grant"], "purpose": "the till", "quota": Quota(requests_per_minute=60, rows_per_day=9), "expires": soon}
    key = access.create_key("till", role=Role.CALLER, **limited, by=by).key
    access.create_key("desk", role=Role.OPERATOR, scope=[Permission.RELEASES_READ], by=by)
    access.create_key("north-till", role=Role.CALLER, tenant="north", by=by)
    access.add_user("bea", role=Role.AUDITOR, by=by)
    ends = datetime.now(UTC) + timedelta(seconds=0.3)
    access.create_key("over", role=Role.CALLER, expires=ends, by=by)
    access.revoke_key(access.create_key("gone", role=Role.CALLER, by=by).key.id, by=by)
    access.add_user("left", role=Role.AUDITOR, by=by)
    access.remove_user("left", by=by)
    with suppress(TooManyAttemptsError):
        for _ in range(10):
            with suppress(UnknownCredentialError):
                access.accounts.sign_in("bea", "not this one", address="10.1.2.3")
    permit = '@id("ask") permit (principal == Person::"bea", action == Action::"models:predict", resource == Model::"grant");'
    access.policies.put("site", FORBID.replace('"nobody"', '"till"').replace("models:export", "models:explain") + permit, by=by)
    access.terms.put("model:grant", "Keep it to yourself.", by=by)
    access.terms.accept("model:grant", key=key.id, by=by)
    while datetime.now(UTC) <= ends:
        pass
    visitor, seen = own_house.visitor(Role.ADMINISTRATOR), set()
    for who in WHO:
        for action, what in (
            ("models:predict", "model:grant"),
            ("models:predict", "model:other"),
            ("models:explain", "model:grant"),
            ("releases:read", ""),
            ("audit:read", ""),
        ):
            answer = visitor.get(f"/access/why?lang=zh&who={who}&action={action}&what={what}")
            assert answer.status_code == 200, (who, action, what)
            assert left_english(answer.text) == [], (who, action, what)
            seen |= set(re.findall(r"<li>([^<]+?)(?: <span|：)", answer.text))
    assert {"角色", "密钥的限制", "策略", "权限范围", "期限", "用途", "配额", "保密条款", "等待", "已终止"} <= seen


def test_that_a_policy_forbids_what_something_is_a_shard_of_is_said_in_chinese_too(own_house):
    platform, by = own_house.platform, local_actor()
    platform.datasets.shard("people", Sharding(parts=2, by="random"), by=by)
    visitor = own_house.visitor(Role.ADMINISTRATOR)
    forbid = '@id("not-bea") forbid (principal == Person::"bea", action == Action::"data:read", resource == Dataset::"people");'
    platform.access.add_user("bea", role=Role.DATA_OWNER, by=by)
    platform.access.policies.put("site", forbid, by=by)
    answer = visitor.get("/access/why?lang=zh&who=person:bea&action=data:read&what=dataset:people-2")
    assert "'people-2' 是数据集 'people' 的分片，本站的策略 site/not-bea 拒绝 person:bea 对该数据集执行 data:read。" in words_of(
        answer.text
    )
    assert left_english(answer.text) == []


def test_that_nobody_is_called_so_is_said_in_chinese_too(own_house):
    page = own_house.visitor(Role.ADMINISTRATOR, "ada").get("/access/why?lang=zh&who=nobody&action=data:read&what=adult").text
    assert "这里没有名为" in page
    assert "Nobody here" not in page


def test_the_page_tells_of_grants_in_chinese(own_house):
    """What a model is granted, all of it or a part, for ever or for a while; that nothing is; and that it is over."""
    grants, by = own_house.platform.grants, local_actor()
    visitor, later = own_house.visitor(Role.ADMINISTRATOR), datetime.now(UTC) + timedelta(days=3)

    def told(model: str, what: str = "dataset:people") -> str:
        answer = visitor.get(f"/access/why?lang=zh&who=model:{model}&action=data:read&what={what}")
        assert (answer.status_code, left_english(answer.text)) == (200, [])
        return words_of(answer.text)

    assert "没有数据集 people 的任何内容授予模型 fresh" in told("fresh")
    assert "没有任何数据授予模型 fresh" in told("fresh", "")
    grants.grant("fresh", "people", purpose="to tell; to count. To weigh", by=by)
    assert "全部列、全部行授予模型 fresh，用途为 'to tell; to count. To weigh'，撤销前有效" in told("fresh")
    grants.grant("fresh", "people", purpose="to tell", columns=["age", "grant"], rows="age >= 30", until=later, by=by)
    assert f"2 列、经行条件筛选的行授予模型 fresh，用途为 'to tell'，有效至 {later:%Y-%m-%d %H:%M} UTC" in told("fresh")
    grants.grant("fresh", "people", purpose="to tell", columns=["grant"], by=by)
    assert " 1 列、全部行授予模型 fresh" in told("fresh")
    grants.revoke("fresh", "people", by=by)
    over = told("fresh")
    assert "已终止，现在没有数据集 people 的任何内容授予模型 fresh" in over
    assert "由数据的所有者授权： modelward data grant fresh people" in over
