# SPDX-License-Identifier: Apache-2.0
"""Signing in by a password; the pages of people, keys and one's account."""

import re
from datetime import UTC, datetime
from html import unescape

import msgspec
import pytest
from starlette.requests import Request

from access.test_passwords import CHEAP
from entrances.console.conftest import csrf_in, words_of
from modelward.access import Access, Role, UnknownCredentialError, local_actor
from modelward.access.second_factor import STEP_SECONDS, code_at
from modelward.entrances.console.session import address_of

PASSWORD = "seven brass herons at dusk"
OTHER = "nine copper owls at dawn"


@pytest.fixture
def quick(own_house):
    """A house in which checking a password is as cheap as may be."""
    rebuild(own_house)
    return own_house


def rebuild(house, **settings):
    platform = house.platform
    platform.settings = msgspec.structs.replace(platform.settings, **CHEAP, **settings)
    platform.access = Access(platform.database, platform.ledger, platform.keyring, settings=platform.settings)


def member(house, role: Role, name: str):
    """Somebody who signed in with a link and set a password by it."""
    visitor = house.stranger()
    token = house.token(role, name)
    answer = visitor.post("/sign-in", {"token": token, "new": PASSWORD, "again": PASSWORD}, shown_at=f"/sign-in?token={token}")
    assert answer.status_code == 303, words_of(answer.text)
    return visitor


def sign_in(visitor, name: str, password: str = PASSWORD, code: str = ""):
    return visitor.post("/sign-in", {"name": name, "password": password, "code": code})


def session_of(visitor) -> str:
    return visitor.client.cookies.get("modelward_session", default="")


def once(page: str) -> str:
    return unescape(re.search(r'class="once[^"]*">([^<]*)</code>', page).group(1))


def test_a_password_set_by_the_link_opens_the_console(quick):
    member(quick, Role.AUDITOR, "ada")
    visitor = quick.stranger()
    refused = sign_in(visitor, "ada", OTHER)
    assert (refused.status_code, session_of(visitor)) == (401, "")
    assert OTHER not in refused.text
    assert sign_in(visitor, "ada").headers["location"] == "/console/models"
    assert visitor.get("/models").status_code == 200


def test_what_is_wrong_with_a_new_password_is_said_and_the_link_stays(quick):
    token, visitor = quick.token(Role.AUDITOR, "ada"), quick.stranger()
    for new, again, said in ((PASSWORD, OTHER, "not typed the same way"), ("Password1234!", "Password1234!", "anybody tries")):
        fields = {"token": token, "new": new, "again": again}
        answer = visitor.post("/sign-in", fields, shown_at=f"/sign-in?token={token}")
        assert answer.status_code == 400
        assert said in answer.text
        assert token in answer.text
        assert new not in answer.text
    assert visitor.sign_in(token).status_code == 303


def test_the_secret_of_a_session_is_a_new_one_at_each_sign_in_and_the_one_before_ends(quick):
    visitor = member(quick, Role.AUDITOR, "ada")
    before = session_of(visitor)
    visitor.post("/sign-out", {}, shown_at="/models")
    assert sign_in(visitor, "ada").status_code == 303
    assert session_of(visitor) not in {"", before}
    planted = quick.stranger()
    planted.client.cookies.set("modelward_session", before, path="/console")
    assert planted.get("/models").status_code == 401


def test_a_form_without_its_token_signs_nobody_in(quick):
    member(quick, Role.AUDITOR, "ada")
    visitor = quick.stranger()
    answer = visitor.post("/sign-in", {"name": "ada", "password": PASSWORD}, forged=True)
    assert (answer.status_code, session_of(visitor)) == (403, "")


def test_too_many_failures_make_whoever_fails_wait(quick):
    member(quick, Role.AUDITOR, "ada")
    visitor = quick.stranger()
    assert [sign_in(visitor, "ada", OTHER).status_code for _ in range(6)] == [401] * 5 + [503]
    said = words_of(visitor.post("/sign-in?lang=zh", {"name": "ada", "password": PASSWORD}, shown_at="/sign-in").text)
    assert "秒后才受理下一次" in said


def test_an_administrator_sees_who_must_wait_and_unlocks(quick):
    member(quick, Role.AUDITOR, "ada")
    admin, visitor = quick.visitor(Role.ADMINISTRATOR), quick.stranger()
    for _ in range(6):
        sign_in(visitor, "ada", OTHER)
    assert "must wait" in admin.get("/access/people").text
    assert admin.post("/access/people/ada", {"deed": "unlock"}).status_code == 303
    assert sign_in(visitor, "ada").status_code == 303


def test_the_second_factor_is_set_up_asked_for_and_ended(quick):
    visitor = member(quick, Role.AUDITOR, "ada")
    begun = visitor.post("/access/account", {"deed": "begin", "password": PASSWORD})
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", begun.text).group(1)
    from base64 import b32decode
    from time import time

    step = int(time()) // STEP_SECONDS
    right, asked = code_at(b32decode(secret), step), {"csrf": csrf_in(begun.text), "deed": "confirm"}
    # Who mistypes it enters the next one, and need not begin anew; the secret is not shown again.
    wrong = visitor.client.post("/console/access/account", data=asked | {"code": f"{(int(right) + 500_000) % 1_000_000:06}"})
    assert wrong.status_code == 403
    assert "Enter the code that your device shows now." in wrong.text
    assert 'name="code"' in wrong.text
    assert secret not in wrong.text
    confirmed = visitor.client.post("/console/access/account", data=asked | {"csrf": csrf_in(wrong.text), "code": right})
    codes = once(confirmed.text).split()
    assert len(codes) == 10
    other = quick.stranger()
    assert sign_in(other, "ada").status_code == 401
    assert sign_in(other, "ada", code=codes[3]).status_code == 303
    assert visitor.post("/access/account", {"deed": "end-factor", "password": OTHER}).status_code == 403
    assert visitor.post("/access/account", {"deed": "end-factor", "password": PASSWORD}).status_code == 303
    assert sign_in(quick.stranger(), "ada").status_code == 303


def test_who_lacks_the_second_factor_of_their_role_sees_their_account_alone(quick):
    rebuild(quick, second_factor_roles="auditor")
    visitor = member(quick, Role.AUDITOR, "ada")
    for path in ("/models", "/ledger", "/data", "/access", "/releases"):
        assert visitor.get(path).headers["location"] == "/console/access/account?due=1", path
    assert "asks for a second factor" in visitor.get("/access/account?due=1").text
    assert visitor.post("/models/grant/1", {"f0": "44"}, shown_at="/access/account").status_code == 303
    assert quick.entries("inference.answered") == []
    assert visitor.post("/sign-out", {}, shown_at="/access/account").headers["location"] == "/console/sign-in"


def test_a_new_password_is_a_new_session_here_and_ends_all_others(quick):
    here, elsewhere = member(quick, Role.AUDITOR, "ada"), quick.stranger()
    sign_in(elsewhere, "ada")
    before = session_of(here)
    fields = {"deed": "password", "password": PASSWORD, "new": OTHER, "again": OTHER}
    assert here.post("/access/account", fields).status_code == 303
    assert session_of(here) != before
    assert here.get("/models").status_code == 200
    assert elsewhere.get("/models").status_code == 401


def test_one_ends_ones_own_sessions_alone(quick):
    here, elsewhere = member(quick, Role.AUDITOR, "ada"), quick.stranger()
    sign_in(elsewhere, "ada")
    other = session_of(elsewhere).split("_")[1]
    stranger = quick.visitor(Role.AUDITOR, "eve")
    assert stranger.post("/access/account", {"deed": "end", "session": other}).status_code == 404
    assert elsewhere.get("/models").status_code == 200
    assert here.post("/access/account", {"deed": "end", "session": other}).status_code == 303
    assert elsewhere.get("/models").status_code == 401
    assert here.get("/models").status_code == 200


def test_an_administrator_adds_changes_and_removes_a_person(quick):
    admin = quick.visitor(Role.ADMINISTRATOR)
    page = admin.post("/access/people", {"name": "olaf", "role": "risk-officer"}).text
    token = once(page).partition("token=")[2]
    olaf = quick.stranger()
    olaf.sign_in(token)
    assert token not in admin.get("/access/people").text, "it is shown this one time"
    assert admin.post("/access/people/olaf", {"deed": "role", "role": "auditor"}).status_code == 303
    assert olaf.get("/models").status_code == 401
    renewed = once(admin.post("/access/people/olaf", {"deed": "invite"}).text).partition("token=")[2]
    assert olaf.sign_in(renewed).status_code == 303
    assert admin.post("/access/people/olaf", {"deed": "end"}).status_code == 303
    assert olaf.get("/models").status_code == 401
    assert admin.post("/access/people/olaf", {"deed": "remove"}).headers["location"] == "/console/access/people"
    assert admin.get("/access/people/olaf").status_code == 409


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        ("/access/people", {"name": "Olaf The Great", "role": "auditor"}, 400, "cannot be the name"),
        ("/access/people", {"name": "olaf", "role": "emperor"}, 400, "No role is called"),
        ("/access/people/admin", {"deed": "dance"}, 400, "nothing to do"),
        ("/access/keys", {"name": "till", "role": "caller", "expires": "soon"}, 400, "is no date"),
        ("/access/keys", {"name": "till", "role": "caller", "expires": "2001-01-01"}, 400, "in the past"),
        ("/access/keys", {"name": "till", "role": "caller", "scope": "models:dance"}, 400, "Nothing that can be allowed is called"),
        ("/access/keys", {"name": "till", "role": "caller", "scope": "keys:manage"}, 400, "keys:manage"),
        ("/access/keys", {"name": "till", "role": "caller", "rows_per_day": "many"}, 400, "whole numbers"),
        ("/access/keys", {"name": "till", "role": "caller", "rows_per_day": "0"}, 400, "A quota is a whole number"),
        ("/access/account", {"deed": "password", "new": "Password1234!", "again": "Password1234!"}, 400, "anybody tries"),
        ("/access/account", {"deed": "confirm", "code": "123456"}, 409, "No second factor is being set up"),
    ],
)
def test_what_cannot_be_is_said_beside_the_form(house, admin_visitor, path, fields, status, said):
    before = len(house.entries())
    answer = admin_visitor.post(path, fields)
    assert answer.status_code == status
    assert said in unescape(answer.text)
    assert len(house.entries()) == before


def test_the_last_administrator_cannot_remove_themselves(quick):
    admin = quick.visitor(Role.ADMINISTRATOR, "ada")
    admin.post("/access/people/admin", {"deed": "remove"})
    answer = admin.post("/access/people/ada", {"deed": "remove"})
    assert answer.status_code == 409
    assert "last administrator" in answer.text


def test_a_key_is_made_its_secret_shown_once_and_it_ends(quick):
    admin = quick.visitor(Role.ADMINISTRATOR)
    fields = {"name": "till", "role": "caller", "models": "grant, income", "purpose": "the till", "expires": "2999-01-31"}
    secret = once(admin.post("/access/keys", fields).text)
    actor = quick.platform.access.authenticate(secret)
    assert (actor.name, actor.models, actor.purpose) == ("till", ("grant", "income"), "the till")
    assert secret not in admin.get("/access/keys").text
    assert admin.post(f"/access/keys/{actor.credential}", {}, shown_at="/access/keys").status_code == 303
    assert "1 key that ended" in admin.get("/access/keys").text
    with pytest.raises(Exception, match="not valid"):
        quick.platform.access.authenticate(secret)


def test_a_key_is_made_with_a_scope_and_a_quota_and_both_are_shown(quick):
    admin = quick.visitor(Role.ADMINISTRATOR)
    fields = {"name": "till", "role": "caller", "scope": "models:predict, audit:receipt", "purpose": "the till"}
    quota = {"requests_per_minute": "600", "rows_per_day": "100000"}
    actor = quick.platform.access.authenticate(once(admin.post("/access/keys", fields | quota).text))
    assert actor.scope == {"models:predict", "audit:receipt"}
    assert (actor.quota.requests_per_minute, actor.quota.rows_per_day, actor.quota.requests_per_day) == (600, 100_000, None)
    quick.platform.access.note_uses({actor.credential: datetime(2099, 3, 4, 5, tzinfo=UTC)})
    page = words_of(admin.get("/access/keys").text)
    for said in ("600 requests a minute", "100,000 rows a day", "models:predict", "audit:receipt", "the till", "2099-03-04 05:00"):
        assert said in page, said
    assert "requests a day" not in page
    assert "每分钟 600 次请求" in admin.get("/access/keys?lang=zh").text


def test_of_many_keys_the_newest_are_drawn_and_others_are_searched(quick, monkeypatch):
    admin = quick.visitor(Role.ADMINISTRATOR)
    for name in ("oldest-key", "kiosk-1", "kiosk-2"):
        quick.platform.access.create_key(name, role=Role.CALLER, by=quick.platform.access.owner())
    assert "oldest-key" in admin.get("/access/keys").text
    assert "Search for others" not in admin.get("/access/keys").text
    monkeypatch.setattr("modelward.entrances.console.keys_page._SHOWN", 2)
    newest = words_of(admin.get("/access/keys").text)
    assert "oldest-key" not in newest
    assert "kiosk-1" in newest
    assert "The newest 2 keys. Search for others by the beginning of their name." in newest
    found = words_of(admin.get("/access/keys?find=oldest").text)
    assert "oldest-key" in found
    assert "kiosk-1" not in found
    assert "No valid key has a name that begins so." in admin.get("/access/keys?find=nobody").text
    assert "最新的 2 个密钥" in admin.get("/access/keys?lang=zh").text


def test_another_secret_is_shown_once_and_the_one_before_opens_for_the_time_of_grace(quick):
    admin, access = quick.visitor(Role.ADMINISTRATOR), quick.platform.access
    first = once(admin.post("/access/keys", {"name": "till", "role": "caller"}).text)
    key = access.authenticate(first).credential
    second = once(admin.post(f"/access/keys/{key}/rotation", {"grace_seconds": "3600"}, shown_at="/access/keys").text)
    assert access.authenticate(first) == access.authenticate(second)
    page = admin.get("/access/keys").text
    assert second not in page
    assert "the secret before:" in page
    third = once(admin.post(f"/access/keys/{key}/rotation", {"grace_seconds": "0"}, shown_at="/access/keys").text)
    assert access.authenticate(third).name == "till"
    with pytest.raises(UnknownCredentialError):
        access.authenticate(second)
    for grace, said in (("soon", "whole numbers"), ("99999999", "time of grace")):
        refused = admin.post(f"/access/keys/{key}/rotation", {"grace_seconds": grace}, shown_at="/access/keys")
        assert refused.status_code == 400
        assert said in refused.text
    admin.post(f"/access/keys/{key}", {}, shown_at="/access/keys")
    ended = admin.post(f"/access/keys/{key}/rotation", {"grace_seconds": "0"}, shown_at="/access/keys")
    assert ended.status_code == 409
    assert admin.post("/access/keys/none/rotation", {}, shown_at="/access/keys").status_code == 404


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_nobody_else_sees_people_or_keys(house, role):
    visitor = house.visitor(role)
    page = visitor.get("/access/account").text
    for tab in ("people", "keys"):
        assert f'href="/console/access/{tab}"' not in page
        assert visitor.get(f"/access/{tab}").status_code == 403
    for path, fields in (
        ("/access/people", {"name": "mallory", "role": "administrator"}),
        ("/access/people/admin", {"deed": "remove"}),
        ("/access/people/admin", {"deed": "invite"}),
        ("/access/people/admin", {"deed": "role", "role": "caller"}),
        ("/access/people/admin", {"deed": "end"}),
        ("/access/people/admin", {"deed": "unlock"}),
        ("/access/keys", {"name": "till", "role": "administrator"}),
        ("/access/keys/k1", {}),
        ("/access/keys/k1/rotation", {"grace_seconds": "0"}),
    ):
        assert visitor.post(path, fields, shown_at="/access/account").status_code == 403, path
    names = {user.name for user in house.platform.access.users(by=local_actor())}
    assert "mallory" not in names


@pytest.mark.parametrize(
    ("peer", "said", "trusted", "address"),
    [
        ("192.0.2.1", [], "", "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "", "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1", "203.0.113.9"),
        ("192.0.2.1", ["6.6.6.6, 203.0.113.9"], "192.0.2.1", "203.0.113.9"),
        ("192.0.2.1", ["6.6.6.6", "203.0.113.9, 192.0.2.2"], "192.0.2.1, 192.0.2.2", "203.0.113.9"),
        ("192.0.2.1", [], "192.0.2.1", "192.0.2.1"),
    ],
)
def test_only_a_proxy_that_is_trusted_says_who_connects(peer, said, trusted, address):
    headers = [(b"x-forwarded-for", line.encode()) for line in said]
    request = Request({"type": "http", "path": "/", "headers": headers, "client": (peer, 1)})
    assert address_of(request, trusted=trusted) == address
