# SPDX-License-Identifier: Apache-2.0
"""Forms act only for whoever was shown them, and only as they were made."""

from functools import reduce

import pytest

from entrances.console.conftest import ROW, csrf_in
from modelward.access import Role

FORMS = {
    "/console/sign-out": {},
    "/console/models/grant/1": ROW,
    "/console/models/grant/3/proposal": {"policy": "grants"},
    "/console/releases/r-1": {"decision": "roll-back"},
    "/console/ledger": {},
    "/console/data/ada/erasure": {"rows": "age > 30", "reason": "tests", "deed": "erase"},
    "/console/data/ada/deidentify": {"copy": "hidden", "deed": "make"},
    "/console/data/ada/forget": {"reason": "tests"},
    "/console/data/ada/reidentify": {"texts": "x", "reason": "tests"},
    "/console/data/ada/grants": {"model": "grant", "purpose": "tests"},
    "/console/data/ada/privacy": {"epsilon": "50", "delta": "1e-6"},
    "/console/data/ada/statistics": {"kind": "count", "epsilon": "1"},
    "/console/data/ada/trace": {"column": "age", "value": "44"},
    "/console/data/ada/shred": {"typed": "ada", "reason": "tests"},
    "/console/access/policies": {"name": "open", "text": "permit (principal, action, resource);"},
    "/console/access/policies/ada/removal": {},
    "/console/access/people": {"name": "mallory", "role": "administrator"},
    "/console/access/people/ada": {"deed": "remove"},
    "/console/access/terms": {"deed": "put", "subject": "model:grant", "text": "Keep it to yourself."},
    "/console/access/captures": {"deed": "on", "model": "grant", "percent": "100", "days": "3650", "reason": "tests"},
    "/console/access/keys": {"name": "till", "role": "administrator"},
    "/console/access/keys/k1": {},
    "/console/access/keys/k1/rotation": {"grace_seconds": "0"},
    "/console/access/keyring": {},
    "/console/access/tenants": {"name": "north"},
    "/console/access/tenants/ada/removal": {},
    "/console/access/emergencies": {"step": "ask", "what": "administrator", "minutes": "5", "reason": "tests"},
    "/console/access/account": {"deed": "password", "new": "seven brass herons at dusk", "again": "seven brass herons at dusk"},
}


def test_every_form_but_the_sign_in_is_in_the_list(house):
    posted = {route.path.replace("{model}", "grant") for route in house.app.routes if "POST" in route.methods}
    places = {"/1": "/{number:int}", "/3": "/{number:int}", "r-1": "{id}", "k1": "{id}", "/ada": "/{name}"}
    shapes = {reduce(lambda path, place: path.replace(*place), places.items(), path) for path in FORMS}
    assert posted == shapes | {"/console/sign-in"}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", ["none", "wrong", "another session's"])
def test_a_forged_form_is_refused_and_changes_nothing(house, admin_visitor, path, token):
    tokens = {"none": {}, "wrong": {"csrf": "0" * 64}}
    if token == "another session's":
        tokens[token] = {"csrf": csrf_in(house.visitor(Role.AUDITOR).get("/models").text)}
    before = len(house.entries())
    answer = admin_visitor.client.post(path, data={"any": "thing"} | FORMS[path] | tokens[token])
    assert answer.status_code == 403
    assert "not made by your session" in answer.text
    assert len(house.entries()) == before
    assert admin_visitor.get("/models").status_code == 200


def test_the_same_form_with_its_token_is_taken(house, admin_visitor):
    assert admin_visitor.post("/models/grant/1", ROW).status_code == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "multipart/form-data; boundary=x"}, b"no form", 400),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--", 403),
        ({"content-type": "application/json"}, b"{}", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"f0=44&broken", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"f0=\xff\xfe", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"&".join(b"a%d=1" % n for n in range(6000)), 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=" + b"x" * (1 << 20), 413),
        ({"content-type": "application/x-www-form-urlencoded"}, b"", 403),
    ],
    ids=["multipart", "empty multipart", "json", "not a form", "not text", "too many fields", "too large", "empty"],
)
def test_what_is_no_form_of_ours_is_refused_in_words(admin_visitor, headers, body, status):
    answer = admin_visitor.client.post("/console/models/grant/1", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "xxxx" not in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"f0": "forty-seven-8731"}, "The field 'age' needs a number"),
        ({"f0": "1,234"}, "The field 'age' needs a number"),
        ({"f0": "nan"}, "'age'"),
        ({"f0": "1e400"}, "'age'"),
        ({"f2": "x" * 100_000}, "'town'"),
    ],
    ids=["words", "a comma", "not a number", "infinite", "too long"],
)
def test_a_bad_value_is_refused_with_its_field_named_and_the_form_kept(house, admin_visitor, changes, said):
    before = len(house.entries("inference.answered"))
    answer = admin_visitor.post("/models/grant/1", ROW | changes)
    assert answer.status_code == 400
    assert said.replace("'", "&#39;") in answer.text
    notice = answer.text.partition('role="alert"')[2].partition("</p>")[0]
    assert next(iter(changes.values()))[:20] not in notice
    assert 'value="38.5"' in answer.text
    assert len(house.entries("inference.answered")) == before


def test_the_field_that_is_wrong_is_marked(admin_visitor):
    page = admin_visitor.post("/models/grant/1", ROW | {"f0": "words"}).text
    assert page.count('aria-invalid="true"') == 1
    assert '<input id="f0"' in page.partition('aria-invalid="true"')[0].splitlines()[-1]
