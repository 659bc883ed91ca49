# SPDX-License-Identifier: Apache-2.0
"""Who comes in, how, and for how long."""

import re

import pytest
from starlette.requests import Request
from starlette.responses import Response

from entrances.console.conftest import csrf_in
from modelward.access import Role, local_actor
from modelward.entrances.console.session import remember


def session_of(visitor) -> str:
    return visitor.client.cookies.get("modelward_session", default="")


def test_a_link_that_was_only_looked_at_still_works(house):
    token, visitor = house.token(Role.AUDITOR), house.stranger()
    for _ in range(3):
        page = visitor.get(f"/sign-in?token={token}")
        assert page.status_code == 200
        assert f'value="{token}"' in page.text
    assert visitor.sign_in(token).headers["location"] == "/console/models"
    assert visitor.get("/models").status_code == 200


def test_a_link_works_once(house):
    token = house.token(Role.AUDITOR)
    house.stranger().sign_in(token)
    second = house.stranger()
    answer = second.sign_in(token)
    assert answer.status_code == 401
    assert "not valid" in answer.text
    assert token not in answer.text
    assert session_of(second) == ""
    assert second.get("/models").status_code == 401


def test_a_wrong_token_is_not_echoed(house):
    answer = house.stranger().sign_in("mwi_<script>alert(1)</script>")
    assert answer.status_code == 401
    assert "<script" not in answer.text


@pytest.mark.parametrize("field", [{}, {"csrf": "0" * 64}], ids=["without a token", "with a wrong token"])
def test_a_sign_in_form_that_no_page_of_ours_made_is_refused(house, field):
    token, visitor = house.token(Role.AUDITOR), house.stranger()
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", {"token": token, **field}, forged=True).status_code == 403
    assert session_of(visitor) == ""
    assert visitor.sign_in(token).status_code == 303, "the refused form did not use the token up"


def test_a_sign_in_form_of_another_browser_is_refused(house):
    token, attacker, victim = house.token(Role.AUDITOR), house.stranger(), house.stranger()
    victim.get("/sign-in")
    stolen = csrf_in(attacker.get("/sign-in").text)
    assert victim.post("/sign-in", {"token": token, "csrf": stolen}, forged=True).status_code == 403


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(house):
    visitor = house.stranger()
    page = visitor.get("/sign-in?lang=zh")
    answer = visitor.sign_in(house.token(Role.AUDITOR))
    cookies = [*page.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {"modelward_language", "modelward_visitor", "modelward_session"}
    for cookie in cookies:
        assert {"httponly", "samesite=strict", "path=/console"} <= set(cookie.lower().split("; ")[1:]), cookie


@pytest.mark.parametrize(
    ("scheme", "headers", "is_secure"),
    [("http", [], False), ("https", [], True), ("http", [(b"x-forwarded-proto", b"https")], True)],
    ids=["http", "https", "behind a proxy that ends TLS"],
)
def test_a_cookie_set_over_tls_leaves_by_tls_alone(scheme, headers, is_secure):
    response = Response()
    request = Request({"type": "http", "scheme": scheme, "path": "/", "headers": headers, "server": ("a.example", 80)})
    remember(response, "modelward_session", "secret", seconds=60, request=request)
    assert ("; secure" in response.headers["set-cookie"].lower()) is is_secure


def test_a_session_that_somebody_planted_is_not_taken_over(house):
    planted = "mws_aaaaaaaa_" + "A" * 43
    visitor = house.stranger()
    visitor.client.cookies.set("modelward_session", planted, path="/console")
    page = visitor.get("/sign-in")
    answer = visitor.client.post("/console/sign-in", data={"token": house.token(Role.AUDITOR), "csrf": csrf_in(page.text)})
    given = re.search(r"modelward_session=([^;]+)", answer.headers["set-cookie"]).group(1)
    assert given != planted
    stranger = house.stranger()
    stranger.client.cookies.set("modelward_session", planted, path="/console")
    assert stranger.get("/models").status_code == 401


def test_signing_in_again_ends_the_session_before(house):
    visitor = house.visitor(Role.AUDITOR)
    before = session_of(visitor)
    assert visitor.sign_in(house.token(Role.AUDITOR)).status_code == 303
    stranger = house.stranger()
    stranger.client.cookies.set("modelward_session", before, path="/console")
    assert stranger.get("/models").status_code == 401
    assert visitor.get("/models").status_code == 200


def test_signing_out_ends_the_session_itself(house):
    visitor = house.visitor(Role.AUDITOR)
    session = session_of(visitor)
    assert visitor.post("/sign-out", {}, shown_at="/models").headers["location"] == "/console/sign-in"
    assert session_of(visitor) == ""
    visitor.client.cookies.set("modelward_session", session, path="/console")
    assert visitor.get("/models").status_code == 401


def test_a_removed_person_is_out_at_once(house):
    visitor = house.visitor(Role.RISK_OFFICER, "leaving-lena")
    assert visitor.get("/models").status_code == 200
    house.platform.access.remove_user("leaving-lena", by=local_actor())
    answer = visitor.get("/models")
    assert answer.status_code == 401
    assert "grant:1" not in answer.text


def test_whoever_is_inside_needs_no_form(house):
    visitor = house.visitor(Role.AUDITOR)
    assert visitor.get("/sign-in").headers["location"] == "/console/models"


def paths(house):
    """Every route of the console, with something in its places."""
    values = {"{model}": "grant", "{number:int}": "1", "{id}": "r-1", "{request}": "req-0", "{name}": "console.css"}
    for route in house.app.routes:
        path = route.path.replace("{path:path}", "README.md")
        for place, value in values.items():
            path = path.replace(place, value)
        yield from ((method, path) for method in sorted(route.methods - {"HEAD"}))


PUBLIC = {
    ("GET", "/"),
    ("GET", "/console"),
    ("GET", "/console/"),
    ("GET", "/console/sign-in"),
    ("GET", "/console/static/console.css"),
}


def test_every_page_but_the_sign_in_needs_a_session(house):
    found = set(paths(house))
    assert found > PUBLIC
    for method, path in sorted(found - PUBLIC):
        answer = house.stranger().client.request(method, path)
        if path == "/console/sign-in":
            assert answer.status_code in {400, 403}, path
            continue
        assert answer.status_code == 401, (method, path)
        assert "grant" not in answer.text, (method, path)


def test_nothing_redirects_anywhere_but_into_the_console(house):
    visitor = house.visitor(Role.ADMINISTRATOR)
    asked = "next=//evil.example&url=https://evil.example&token=&redirect=%2F%2Fevil.example&lang=//evil.example"
    for method, path in paths(house):
        for someone in (visitor, house.stranger()):
            answer = someone.client.request(method, f"{path}?{asked}")
            assert answer.headers.get("location", "/console/").startswith("/console/"), (method, path)
    for path in ("/console//evil.example", "/console/%2F%2Fevil.example", "/console/%5Cevil.example"):
        assert visitor.client.get(path).status_code == 404


def test_the_bare_address_leads_to_the_console(house):
    stranger = house.stranger().client
    for address in ("/", "/console"):
        answer = stranger.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/models")
    assert stranger.post("/").status_code == 405
