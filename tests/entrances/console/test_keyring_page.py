# SPDX-License-Identifier: Apache-2.0
"""The page of the keyring: it tells what another master key does, and puts one in place for who manages keys of the house."""

import pytest

from entrances.console.conftest import words_of
from entrances.console.test_words import left_english
from modelward.access import Role, local_actor

PLACE = "/access/keyring"


def test_the_master_key_is_replaced_after_it_was_told_what_that_does(own_house):
    visitor, keyring = own_house.visitor(Role.ADMINISTRATOR, "ada"), own_house.platform.keyring
    assert f'href="/console{PLACE}"' in visitor.get("/access/security").text
    before = keyring.current
    told = words_of(visitor.get(PLACE).text)
    for said in (before, "A fresh master key", "open with the keyring of their time alone", "nothing is lost"):
        assert said in told, said
    assert keyring.current == before, "looking changes nothing"
    answer = visitor.post(PLACE, {})
    assert answer.status_code == 200
    assert (keyring.current != before, len(keyring.masters)) == (True, 1)
    done = words_of(answer.text)
    assert f"The master key {keyring.current} wraps from now on." in done
    assert f"{before} left the keyring" in done
    [entry] = own_house.entries("master.rotated")
    assert entry.entry.actor == "person:ada"
    assert own_house.platform.datasets.table("people", by=local_actor()).height == 400
    assert visitor.get("/models/grant/1").status_code == 200


def test_another_replacement_under_way_is_said_on_the_page(own_house):
    visitor = own_house.visitor(Role.ADMINISTRATOR)
    with own_house.platform.keyring.turning():
        answer = visitor.post(PLACE, {})
    assert (answer.status_code, 'role="alert"' in answer.text) == (409, True)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_nobody_else_sees_or_replaces_it(house, role):
    visitor, keyring = house.visitor(role), house.platform.keyring
    before = keyring.current
    assert visitor.get(PLACE).status_code == 403
    assert visitor.post(PLACE, {}, shown_at="/access").status_code == 403
    assert keyring.current == before


def test_it_speaks_chinese(admin_visitor):
    page = admin_visitor.get(f"{PLACE}?lang=zh").text
    assert ("更换主密钥" in page, left_english(page)) == (True, [])
    admin_visitor.get("/models?lang=en")
