# SPDX-License-Identifier: Apache-2.0
"""Every route is declared, documented and closed: default deny."""

import json
import re

import pytest
from openapi_spec_validator import validate

from entrances.api.house import ROW, client
from modelward.access import PERMISSIONS_OF, Permission, Role
from modelward.entrances.api import ENDPOINTS, Open, openapi

OPEN_PATHS = {"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"}
NAMES = {
    "kind": "model",
    "model": "nothing",
    "version": "1",
    "number": "1",
    "name": "nobody",
    "id": "nothing",
    "path": "model.onnx",
    "request": "req-0",
}
# What a route cannot do without.
QUERIES = {"/api/v1/ledger/consistency": "?from=1", "/api/v1/access/explanation": "?action=models:read"}
BODIES = {"/predict": {"rows": [ROW]}, "/explain": {"rows": [ROW]}, "/invocations": {"inputs": [ROW]}}


def is_for_people(path: str) -> bool:
    """Whether it is the console's: its pages guard themselves with a session, and its own tests see to that."""
    return path == "/" or path.startswith("/console")


def table(server) -> set[tuple[str, str]]:
    """Method and template of every route that the running application has."""
    routes = server.routes()
    found = {(method, route.path) for route in routes for method in (getattr(route, "methods", None) or {"ANY"})}
    return {(method, path) for method, path in found if method != "HEAD"}


def concrete(path: str, **names) -> str:
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: (NAMES | names)[found[1]], path)


def ask(http, endpoint, **names):
    """Call an endpoint with names that exist nowhere; how far it comes shows who let it through."""
    sent = (
        {} if endpoint.takes is None else {"json": next((body for end, body in BODIES.items() if endpoint.path.endswith(end)), {})}
    )
    return http.request(endpoint.method, concrete(endpoint.path, **names), **sent)


def test_the_document_is_openapi_3_1_and_lists_exactly_the_routes_there_are(server, caller):
    served = caller.get("/api/openapi.json").raise_for_status().json()
    assert served == json.loads(json.dumps(openapi()))
    validate(served)
    assert served["openapi"] == "3.1.0"
    listed = {(method.upper(), path) for path, found in served["paths"].items() for method in found}
    there = {(method, re.sub(r"{(\w+):\w+}", r"{\1}", path)) for method, path in table(server) if not is_for_people(path)}
    assert listed == there
    assert len(listed) > 50


def test_the_validator_would_see_a_broken_document():
    broken = openapi()
    broken["paths"]["/v2"]["get"]["responses"] = {"200": {}}
    with pytest.raises(Exception, match="description"):
        validate(broken)


def test_every_route_says_which_permission_it_needs(server):
    document = openapi()
    known = {*Permission, "anybody_known", "health"}
    for path, found in document["paths"].items():
        for operation in found.values():
            assert operation["x-permission"] in known
            assert (operation["x-permission"] == "health") == (path in OPEN_PATHS)


def test_every_route_of_questions_says_which_headers_tell_how_urgent_one_is(caller):
    paths = openapi()["paths"]
    questions = [path for path in paths if path.endswith(("/predict", "/explain", "/infer", "/invocations"))]
    assert len(questions) == 7
    for path in questions:
        told = {said["name"]: said["schema"] for said in paths[path]["post"]["parameters"] if said["in"] == "header"}
        assert set(told) == {"x-request-timeout-ms", "x-request-priority"}
        for name, schema in told.items():
            for value in (schema["minimum"] - 1, schema["maximum"] + 1):
                refused = caller.post(concrete(path, model="income"), json=BODIES["/predict"], headers={name: str(value)})
                assert (refused.status_code, name in refused.text) == (400, True)
            asked = {"json": BODIES["/predict"], "headers": {name: str(schema["maximum"])}}
            assert caller.post("/v1/models/income/predict", **asked).status_code == 200
    others = [path for path in paths if path not in questions]
    assert not [said for path in others for found in paths[path].values() for said in found["parameters"] if said["in"] == "header"]


def test_every_route_outside_of_health_and_console_asks_for_a_key(server, stranger):
    walked = 0
    for method, path in sorted(table(server)):
        if path in OPEN_PATHS or is_for_people(path):
            continue
        answer = stranger.request(method, concrete(path, model="income"))
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        walked += 1
    assert walked == len(ENDPOINTS) - len(OPEN_PATHS)


@pytest.mark.parametrize("role", Role)
def test_a_role_comes_through_exactly_the_doors_of_its_permissions(house, server, role):
    with client(server.url, house.key(role)) as http:
        for endpoint in ENDPOINTS:
            answer = ask(http, endpoint)
            if isinstance(endpoint.permission, Open) or endpoint.permission in PERMISSIONS_OF[role]:
                assert answer.status_code not in (401, 403), (endpoint.method, endpoint.path, answer.text)
            else:
                assert answer.status_code == 403, (endpoint.method, endpoint.path, answer.text)
                assert "permission" in answer.text or endpoint.permission in answer.text


def test_a_role_that_may_ask_the_model_gets_an_answer_and_no_other_does(house, server):
    for role in Role:
        with client(server.url, house.key(role)) as http:
            for endpoint in ENDPOINTS:
                if endpoint.path.startswith("/v1/models") and endpoint.path.endswith("/predict"):
                    allowed = endpoint.permission in PERMISSIONS_OF[role]
                    assert ask(http, endpoint, model="income").status_code == (200 if allowed else 403)


def test_lists_are_given_to_those_who_may_read_them(house, server, administrator):
    plain = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET" and "{" not in endpoint.path]
    assert len(plain) > 10
    for endpoint in plain:
        answer = administrator.get(endpoint.path + QUERIES.get(endpoint.path, ""))
        assert answer.status_code == 200, (endpoint.path, answer.text)
        assert answer.headers["content-type"].startswith(endpoint.media)


def test_a_proof_of_consistency_says_from_and_to_which_state(administrator):
    head = administrator.get("/api/v1/ledger/checkpoint").text
    size = int(head.split("\n")[1])
    given = administrator.get(f"/api/v1/ledger/consistency?from=2&to={size}").json()
    assert (given["older"], given["newer"], bool(given["path"])) == (2, size, True)
    assert given["checkpoint"] in (head, "")
    for query, status in {
        "": 400,
        "?from=-1": 400,
        "?from=x": 400,
        "?from=0": 404,
        "?from=3&to=2": 404,
        "?from=1&to=999999": 404,
    }.items():
        assert administrator.get(f"/api/v1/ledger/consistency{query}").status_code == status, query


def test_health_needs_no_key_and_says_no_more_than_that(stranger):
    for path in OPEN_PATHS:
        answer = stranger.get(path)
        assert answer.status_code == 200
        assert list(answer.json().values()) == [True]
        assert len(answer.content) < 20
