# SPDX-License-Identifier: Apache-2.0
"""The pages of tenants: added, filled with people and keys, and removed once nobody belongs to one any more."""

import pytest

from entrances.console.conftest import words_of
from entrances.console.test_words import left_english
from modelward.access import Role, local_actor

PLACE = "/access/tenants"


def test_a_tenant_is_added_filled_and_removed(own_house):
    visitor, platform = own_house.visitor(Role.ADMINISTRATOR, "ada"), own_house.platform
    assert f'href="/console{PLACE}"' in visitor.get("/access").text
    assert "There is no tenant" in visitor.get(PLACE).text
    assert 'name="tenant"' not in visitor.get("/access/people").text
    assert visitor.post(PLACE, {"name": "north"}).status_code == 303
    person = {"name": "north-ned", "role": "auditor", "tenant": "north"}
    assert visitor.post("/access/people", person).status_code == 200
    assert visitor.post("/access/keys", {"name": "north-till", "role": "caller", "tenant": "north"}).status_code == 200
    assert [each.tenant for each in platform.access.users(by=local_actor()) if each.name == "north-ned"] == ["north"]
    [key] = platform.access.keys(by=local_actor())
    assert key.tenant == "north"
    assert "every model of north" in visitor.get("/access/keys").text
    page = words_of(visitor.get(f"{PLACE}/north").text)
    assert ("People north-ned Keys north-till" in page, "What will happen" in page) == (True, False)
    assert "1 1 0 0" in words_of(visitor.get(PLACE).text)
    refused = visitor.post(f"{PLACE}/north/removal", {}, shown_at=PLACE)
    assert (refused.status_code, "still come in" in refused.text) == (409, True)
    platform.access.remove_user("north-ned", by=local_actor())
    platform.access.revoke_key(key.id, by=local_actor())
    assert "become the house’s" in visitor.get(f"{PLACE}/north").text
    assert visitor.post(f"{PLACE}/north/removal", {}).status_code == 303
    assert platform.tenants.list(by=local_actor()) == []
    assert visitor.get(f"{PLACE}/north").status_code == 404
    assert [own_house.entries(event)[0].entry.actor for event in ("tenant.added", "tenant.removed")] == ["person:ada"] * 2


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        (PLACE, {"name": "no-rth"}, 400, "leave the hyphen out"),
        ("/access/people", {"name": "east-ned", "role": "auditor", "tenant": "east"}, 404, "No tenant is called"),
        ("/access/keys", {"name": "east-till", "role": "caller", "tenant": "east"}, 404, "No tenant is called"),
    ],
)
def test_what_cannot_be_is_said_above_the_form(house, admin_visitor, path, fields, status, said):
    before = len(house.entries())
    answer = admin_visitor.post(path, fields)
    assert (answer.status_code, said in answer.text, 'role="alert"' in answer.text) == (status, True, True)
    assert f'value="{fields["name"]}"' in answer.text, "what was typed stays"
    assert len(house.entries()) == before


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_nobody_else_sees_or_changes_tenants(house, role):
    visitor = house.visitor(role)
    assert f'href="/console{PLACE}"' not in visitor.get("/access").text
    assert visitor.get(PLACE).status_code == 403
    for path in (PLACE, f"{PLACE}/north/removal"):
        assert visitor.post(path, {"name": "north"}, shown_at="/access").status_code == 403
    assert house.platform.tenants.list(by=local_actor()) == []


def test_an_administrator_of_a_tenant_is_not_offered_tenants(own_house):
    own_house.platform.tenants.add("north", by=local_actor())
    token = own_house.platform.access.add_user("north-ada", role=Role.ADMINISTRATOR, tenant="north", by=local_actor()).token
    visitor = own_house.stranger()
    visitor.sign_in(token)
    assert 'name="tenant"' not in visitor.get("/access/people").text
    assert visitor.get(PLACE).status_code == 403
    made = {"name": "north-till", "role": "caller", "tenant": "south"}
    assert visitor.post("/access/keys", made).status_code in (403, 404)
    assert own_house.platform.access.keys(by=local_actor()) == []


def test_it_speaks_chinese(own_house):
    own_house.platform.tenants.add("north", by=local_actor())
    visitor = own_house.visitor(Role.ADMINISTRATOR)
    for path in (PLACE, f"{PLACE}/north", "/access/people"):
        page = visitor.get(f"{path}?lang=zh").text
        assert ("租户" in page, left_english(page)) == (True, []), path
