# SPDX-License-Identifier: Apache-2.0
"""Who comes in by the provider, as whom, and in which role."""

import sqlite3
from datetime import datetime
from itertools import islice
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrances.console.conftest import Visitor, words_of
from entrances.console.provider.conftest import go, house_of, is_inside, sign_in
from entrances.console.provider.misbehaving import EC
from modelward.access import InvalidTenantsError, Permission, Role, WrongPasswordError, check_name, local_actor
from modelward.access.identity import names_for
from modelward.entrances.console.provider.configuration import configuration_of
from modelward.settings import Settings


def test_who_has_a_role_there_comes_in_and_it_is_on_record(house, provider):
    browser = house.browser()
    assert "Sign in with House Login" in browser.get("/console/sign-in").text
    answer = sign_in(house, browser)
    assert (answer.status_code, 'content="0; url=/console/models"' in answer.text) == (200, True)
    assert "modelward_session" in browser.cookies
    assert "ada-lovelace" in words_of(browser.get("/console/models").text)
    assert house.people() == {"admin": "administrator", "ada-lovelace": "data-scientist"}
    opened = house.events("session.opened")
    assert [(entry.actor, entry.facts["means"]) for entry in opened] == [("person:ada-lovelace", "provider")]
    assert [entry.subject for entry in house.events("identity.bound")] == ["person:ada-lovelace"]
    assert provider.asked == ["/.well-known/openid-configuration", "/authorize", "/token", "/jwks"]


def test_the_way_there_asks_for_a_code_with_state_nonce_and_a_challenge(house):
    seen = []
    for browser in (house.browser(), house.browser()):
        asked = parse_qs(urlsplit(browser.get("/console/sign-in/provider").headers["location"]).query)
        assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == (["code"], ["S256"], ["openid profile"])
        assert asked["redirect_uri"] == [f"{house.url}/console/sign-in/provider/callback"]
        seen += [asked["state"], asked["nonce"], asked["code_challenge"]]
    assert len({value for (value,) in seen}) == 6, "each sign-in has its own, and none is another"


def test_the_same_person_comes_again_as_the_same(house):
    for _ in range(2):
        assert is_inside_after_signing_in(house)
    assert set(house.people()) == {"admin", "ada-lovelace"}
    assert len(house.events("identity.bound")) == 1


def is_inside_after_signing_in(house) -> bool:
    browser = house.browser()
    sign_in(house, browser)
    return is_inside(browser)


def test_who_comes_by_the_provider_sets_no_password_that_would_outlast_it(house):
    browser = house.browser()
    sign_in(house, browser)
    accounts, me = house.platform.access.accounts, house.platform.access.actor_of_session(browser.cookies["modelward_session"])
    with pytest.raises(WrongPasswordError, match="by the sign-in provider"):
        accounts.change_password("", "nine copper owls at dawn", by=me)
    standing = accounts.standing(me.name, by=me)
    assert (standing.has_password, standing.has_provider) == (False, True)
    assert is_inside(browser)
    page = browser.get("/console/access/account").text
    assert "You come in by House Login" in words_of(page), "what would be refused is not offered"
    assert ('name="new"' in page, "links alone" in page) == (False, False)
    # Who runs the house may decide otherwise.
    link = house.platform.access.invite(me.name, by=local_actor())
    by_link = house.platform.access.sign_in(link.token).actor
    assert accounts.change_password("", "nine copper owls at dawn", by=by_link)


def test_whoever_is_called_like_somebody_here_is_not_them(house, provider):
    house.platform.access.add_user("ada-lovelace", role=Role.ADMINISTRATOR, by=local_actor())
    browser = house.browser()
    sign_in(house, browser)
    assert "ada-lovelace-2" in words_of(browser.get("/console/models").text)
    provider.person = {"sub": "s-2", "preferred_username": "ada lovelace", "groups": ["ops"]}
    sign_in(house, browser)
    assert house.people() == {
        "admin": "administrator",
        "ada-lovelace": "administrator",
        "ada-lovelace-2": "data-scientist",
        "ada-lovelace-3": "operator",
    }


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Zoë.Müller@example.org", "zoe-muller"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("王小明", "person"),
        ("", "person"),
        ("a" * 500, "a" * 56),
        ("admin", "admin-2"),
        (7, "person"),
    ],
)
def test_a_name_of_the_provider_becomes_one_that_the_house_can_give(house, provider, told, name):
    provider.person["preferred_username"] = told
    sign_in(house, house.browser())
    assert set(house.people()) == {"admin", name}


def test_whom_no_group_gives_a_role_stays_out_on_record(house, provider):
    for groups in ([], ["ML", "ml "], None, {"ml": 1}, [["ml"]]):
        provider.person["groups"] = groups
        browser = house.browser()
        answer = sign_in(house, browser)
        assert answer.status_code == 403
        assert "none of your groups has a role here" in answer.text
        assert not is_inside(browser)
    assert set(house.people()) == {"admin"}
    assert {entry.facts["why"] for entry in house.events("identity.refused")} == {"NoRoleError"}


def test_the_role_follows_the_groups_and_the_first_that_fits_counts(house, provider):
    browser = house.browser()
    sign_in(house, browser)
    provider.person["groups"] = ["ops", "cn=officers,ou=groups"]
    other = house.browser()
    sign_in(house, other)
    assert house.people()["ada-lovelace"] == "risk-officer"
    assert not is_inside(browser), "the session in the role of before is over"
    assert "risk officer" in words_of(other.get("/console/models").text)
    (changed,) = house.events("user.role-changed")
    assert (changed.facts["before"], changed.facts["role"]) == ("data-scientist", "risk-officer")


def test_who_lost_every_role_is_out_with_all_their_sessions(house, provider):
    browser = house.browser()
    sign_in(house, browser)
    assert is_inside(browser)
    provider.person["groups"] = []
    assert sign_in(house, house.browser()).status_code == 403
    assert not is_inside(browser)


def test_a_removed_person_stays_out_whatever_the_provider_says(house):
    browser = house.browser()
    sign_in(house, browser)
    house.platform.access.remove_user("ada-lovelace", by=local_actor())
    assert not is_inside(browser)
    answer = sign_in(house, browser)
    assert answer.status_code == 403
    assert "was removed here" in answer.text
    assert not is_inside(browser)
    assert set(house.people()) == {"admin"}


def test_a_bond_that_somebody_changed_in_the_database_opens_nothing(house):
    house.platform.access.add_user("grace", role=Role.ADMINISTRATOR, by=local_actor())
    sign_in(house, house.browser())
    with sqlite3.connect(house.platform.settings.home / "modelward.db") as connection:
        assert connection.execute("update access_identities set user = 'grace'").rowcount == 1
    connection.close()
    browser = house.browser()
    assert sign_in(house, browser).status_code == 403
    assert not is_inside(browser)
    assert house.platform.access.altered() == ["identity 'grace'"]


def test_what_the_provider_tells_at_its_userinfo_alone_is_asked_there(house, provider):
    provider.userinfo = {"sub": "s-1", "preferred_username": "grace", "groups": "ops"}
    provider.person = {"sub": "s-1"}
    sign_in(house, house.browser())
    assert house.people()["grace"] == "operator"


def test_userinfo_of_somebody_else_is_not_believed(house, provider):
    provider.userinfo = {"sub": "s-2", "preferred_username": "grace", "groups": "ops"}
    provider.person = {"sub": "s-1"}
    assert sign_in(house, house.browser()).status_code == 403
    assert set(house.people()) == {"admin"}


def test_groups_may_lie_within_an_object_and_names_elsewhere(empty_home, tmp_path, provider):
    provider.person = {"sub": "s-1", "email": "lin@example.org", "realm_access": {"roles": ["ops"]}}
    more = {"oidc_groups_claim": "realm_access.roles", "oidc_name_claim": "email"}
    with house_of(empty_home, tmp_path, provider.url, **more) as house:
        sign_in(house, house.browser())
        assert house.people()["lin"] == "operator"


def test_a_key_of_another_kind_signs_as_well(house, provider):
    provider.key, provider.header = EC, {"kid": "two"}
    assert is_inside_after_signing_in(house)


def test_a_session_lasts_no_longer_than_the_settings_say(empty_home, tmp_path, provider):
    provider.claims = {"exp": 4_000_000_000}
    with house_of(empty_home, tmp_path, provider.url, session_seconds=60) as house:
        answer = sign_in(house, house.browser())
        (session,) = [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("modelward_session")]
        assert "max-age=60;" in session.lower()
        assert {"httponly", "samesite=strict", "path=/console"} <= set(session.lower().split("; ")[1:])
        (opened,) = house.events("session.opened")
        assert 0 < (datetime.fromisoformat(opened.facts["expires"]) - opened.at).total_seconds() <= 60


def test_what_the_browser_keeps_meanwhile_is_for_this_alone_and_goes(house):
    browser = house.browser()
    away = browser.get("/console/sign-in/provider").headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/console/sign-in/provider", "max-age=600"} <= set(away.split("; ")[1:])
    sign_in(house, browser)
    assert "modelward_sign_in" not in browser.cookies


def test_signing_in_by_a_link_goes_on_beside_it(house):
    visitor = Visitor(house.browser())
    token = house.platform.access.add_user("lena", role=Role.AUDITOR, by=local_actor()).token
    assert visitor.sign_in(token).status_code == 303
    assert visitor.get("/models").status_code == 200
    assert house.events("session.opened")[-1].facts["means"] == "link"


def test_without_a_provider_there_is_no_such_page_and_no_button(empty_home, tmp_path):
    with house_of(empty_home, tmp_path, "") as house:
        browser = house.browser()
        assert "/sign-in/provider" not in browser.get("/console/sign-in").text
        assert browser.get("/console/sign-in/provider").status_code == 401


def test_nothing_is_written_down_for_strangers_at_the_door(house):
    before = len(house.events())
    for _ in range(5):
        go(house, house.browser())
    assert len(house.events()) == before
    with sqlite3.connect(house.platform.settings.home / "modelward.db") as connection:
        assert connection.execute("select count(*) from access_spent_sign_ins").fetchone() == (0,)
    connection.close()


TENANTS = "clinic north=north; cn=head,ou=south=south; headquarters=-"


@pytest.fixture
def parted(empty_home, tmp_path, provider):
    """A house with tenants into which groups put people."""
    with house_of(empty_home, tmp_path, provider.url, oidc_tenants=TENANTS) as found:
        for name in ("north", "south"):
            found.platform.tenants.add(name, by=local_actor())
        yield found


def person(provider, number: int, name: str, *groups: str) -> None:
    provider.person = {"sub": f"s-{number}", "preferred_username": name, "groups": ["ml", *groups]}


def tenants_of(house) -> dict[str, str]:
    return {user.name: user.tenant for user in house.platform.access.users(by=local_actor())}


def test_groups_put_people_into_a_tenant_and_the_first_that_fits_counts(parted, provider):
    told = [("Ada", "clinic north"), ("ada", "headquarters", "clinic north"), ("bob", "cn=head,ou=south"), ("eve", "headquarters")]
    for number, (name, *groups) in enumerate(told):
        person(provider, number, name, *groups)
        assert is_inside_after_signing_in(parted)
    names = tenants_of(parted)
    assert names == {"admin": "", "north-ada": "north", "north-ada-2": "north", "south-bob": "south", "eve": ""}
    added = {entry.subject: entry.facts.get("tenant", "") for entry in parted.events("user.added")}
    assert added["person:north-ada"] == "north"
    assert added["person:eve"] == ""


def test_who_is_of_a_tenant_sees_what_is_its_own_alone(parted, provider):
    person(provider, 1, "ada", "clinic north")
    browser = parted.browser()
    sign_in(parted, browser)
    actor = parted.platform.access.actor_of_session(browser.cookies["modelward_session"])
    assert actor.tenant == "north"
    assert actor.may(Permission.MODELS_READ, model="north-income")
    assert not actor.may(Permission.MODELS_READ, model="income")


def test_where_groups_put_people_into_tenants_whom_none_puts_anywhere_stays_out(parted, provider):
    person(provider, 1, "ada", "clinic west")
    answer = sign_in(parted, parted.browser())
    assert answer.status_code == 403
    assert "none of your groups belongs to a part of the house" in words_of(answer.text)
    assert set(parted.people()) == {"admin"}
    assert [entry.facts["why"] for entry in parted.events("identity.refused")] == ["NoTenantError"]


def test_a_tenant_that_is_not_there_lets_nobody_in(parted, provider):
    parted.platform.tenants.remove("south", by=local_actor())
    person(provider, 1, "bob", "cn=head,ou=south")
    answer = sign_in(parted, parted.browser())
    assert (answer.status_code, "modelward tenants add south" in words_of(answer.text)) == (403, True)


@pytest.mark.parametrize("groups", [["cn=head,ou=south"], ["headquarters"], []])
def test_whom_groups_put_elsewhere_later_is_out_with_all_their_sessions(parted, provider, groups):
    person(provider, 1, "ada", "clinic north")
    browser = parted.browser()
    sign_in(parted, browser)
    assert is_inside(browser)
    person(provider, 1, "ada", *groups)
    assert sign_in(parted, parted.browser()).status_code == 403
    assert not is_inside(browser)
    person(provider, 1, "ada", "clinic north")
    assert is_inside_after_signing_in(parted)
    assert set(tenants_of(parted)) == {"admin", "north-ada"}


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("North Pole", "northpole"),
        ("north-ada", "northada"),
        ("north", "north"),
        ("northern-ada", "northern-ada"),
        ("NORTH--x", "northx"),
    ],
)
def test_whose_name_looks_like_a_tenants_is_of_the_house_all_the_same(house, provider, told, name):
    house.platform.tenants.add("north", by=local_actor())
    house.platform.access.add_user("north-ada", role=Role.ADMINISTRATOR, tenant="north", by=local_actor())
    provider.person["preferred_username"] = told
    sign_in(house, house.browser())
    names = tenants_of(house)
    assert names == {"admin": "", "north-ada": "north", name: ""}
    tenants_own = house.platform.access.sign_in(house.platform.access.invite("north-ada", by=local_actor()).token).actor
    assert not tenants_own.sees(name)
    assert [user.name for user in house.platform.access.users(by=tenants_own)] == ["north-ada"]


def test_a_namesake_does_not_become_a_tenants_by_its_number(house, provider):
    house.platform.tenants.add("ada", by=local_actor())
    for number in range(2):
        provider.person = {"sub": f"s-{number}", "preferred_username": "ada", "groups": ["ml"]}
        sign_in(house, house.browser())
    assert tenants_of(house) == {"admin": "", "ada": "", "ada2": ""}


@pytest.mark.parametrize("text", ["north", "=north", "a=not-a-tenant", "a=North", "a="])
def test_a_setting_of_tenants_that_cannot_be_read_stops_the_start(text):
    given = {"oidc_issuer": "https://login.example.org", "oidc_client_id": "us", "oidc_console_url": "https://here.example.org"}
    assert configuration_of(Settings(**given, oidc_roles="ml=operator", oidc_tenants="a=north; b=-"))
    with pytest.raises(InvalidTenantsError, match="MODELWARD_OIDC_TENANTS"):
        configuration_of(Settings(**given, oidc_roles="ml=operator", oidc_tenants=text))


@given(st.text(max_size=80), st.sampled_from(["", "north", "n" * 63]), st.sets(st.sampled_from(["north", "a", "ab", "person"])))
def test_every_name_that_is_given_is_of_where_it_belongs(told, tenant, others):
    for name in islice(names_for(told, tenant=tenant, tenants=others), 3):
        assert check_name("person", name) == name
        assert name.startswith(f"{tenant}-") if tenant else name.partition("-")[0] not in others or "-" not in name
