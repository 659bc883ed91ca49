# SPDX-License-Identifier: Apache-2.0
"""The whole matrix: every route, page and method, asked by every role of the house and of two tenants, with the names of what
belongs to one of them. Whatever is granted outside of what is declared fails; so does a way in without a declaration.
"""

import re
from dataclasses import dataclass, replace

import grpc
import httpx
import pytest

from entrances.api.house import ROW, Threaded, build, client
from entrances.triton import free_port
from modelward.access import PERMISSIONS_OF, Permission, Role
from modelward.access.permission import NEVER_OF_TENANTS
from modelward.entrances.api import ENDPOINTS, Open
from modelward.entrances.rpc.messages import message
from modelward.entrances.rpc.service import SERVICES
from modelward.training import parse_spec
from training.house import people

SPEC = """
model: south-grants
purpose: tests
owner: tests
data: {dataset: south-people, target: grant}
candidates: [naive-bayes]
"""
TENANTS = ("", "north", "south")
BODIES = {"/predict": {"rows": [ROW]}, "/explain": {"rows": [ROW]}, "/invocations": {"inputs": [ROW]}}
QUERIES = {"/api/v1/ledger/consistency": "?from=1", "/api/v1/access/explanation": "?action=models:read"}
# What each page of the console asks for: a permission, or None where everybody who is signed in may come.
PAGES: dict[str, Permission | None] = {
    "/console/models": Permission.MODELS_READ,
    "/console/models/{model}": Permission.MODELS_READ,
    "/console/models/{model}/comparison.svg": Permission.MODELS_ASSESS,
    "/console/models/{model}/{number:int}": Permission.MODELS_READ,
    "/console/models/{model}/{number:int}/report": Permission.MODELS_READ,
    "/console/models/{model}/{number:int}/files/{path:path}": Permission.MODELS_READ,
    "/console/models/{model}/{number:int}/curves.svg": Permission.MODELS_READ,
    "/console/data": Permission.DATA_READ,
    "/console/data/{name}": Permission.DATA_READ,
    "/console/data/{name}/privacy": Permission.DATA_READ,
    "/console/data/{name}/trace": Permission.DATA_GRANT,
    "/console/data/{name}/shred": Permission.DATA_SHRED,
    "/console/runs": Permission.TRAINING_READ,
    "/console/runs/{id}": Permission.TRAINING_READ,
    "/console/runs/{id}/curves/{candidate}.svg": Permission.TRAINING_READ,
    "/console/releases": Permission.RELEASES_READ,
    "/console/releases/{id}": Permission.RELEASES_READ,
    "/console/access": None,
    "/console/access/why": None,
    "/console/access/emergencies": None,
    "/console/access/policies": Permission.POLICIES_MANAGE,
    "/console/access/policies/{name}": Permission.POLICIES_MANAGE,
    "/console/access/people": Permission.USERS_MANAGE,
    "/console/access/people/{name}": Permission.USERS_MANAGE,
    "/console/access/keys": Permission.KEYS_MANAGE,
    "/console/access/tenants": Permission.TENANTS_MANAGE,
    "/console/access/tenants/{name}": Permission.TENANTS_MANAGE,
    "/console/access/account": None,
    "/console/access/terms": None,
    "/console/access/captures": None,
    "/console/access/security": Permission.KEYS_MANAGE,
    "/console/access/keyring": Permission.KEYS_MANAGE,
    "/console/ledger": Permission.AUDIT_READ,
    "/console/ledger/checkpoint": Permission.AUDIT_RECEIPT,
    "/console/ledger/key": Permission.AUDIT_RECEIPT,
    "/console/receipts/{request}": Permission.AUDIT_RECEIPT,
}
# What speaks of the whole house though its permission does not: no tenant is let in.
OF_THE_HOUSE = {
    "/console/access/security",
    "/console/access/keyring",
    "/api/v1/security",
    "/api/v1/keyring/rotate",
    "/api/v1/captures/sweep",
}
# Those that need no session, and the addresses that only lead elsewhere.
OPEN_PAGES = re.compile(r"/(console/?)?$|/console/(static|sign-in|sign-out)\b|/console/\{path:path\}$")


@dataclass
class Estate:
    """What belongs to the tenant `south`, and who asks."""

    house: object
    server: Threaded
    names: dict
    keys: dict
    sessions: dict


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    house = build(tmp_path_factory.mktemp("matrix"), grpc_port=free_port())
    platform, owner = house.platform, house.platform.access.owner()
    for tenant in TENANTS[1:]:
        platform.tenants.add(tenant, by=owner)
    table = house.settings.home.parent / "people.csv"
    table.write_text(people(200))
    said = {"target": "grant", "purpose": "tests", "owner": "tests"}
    platform.datasets.add("south-people", [table], **said, by=owner)
    run = platform.training.train(parse_spec(SPEC), by=owner)
    live = house.make_live(house.register("south-income"))
    keys, sessions = {}, {}
    for tenant in TENANTS:
        for role in Role:
            name = f"{tenant}-{role}" if tenant else f"house-{role}"
            keys[role, tenant] = platform.access.create_key(name, role=role, tenant=tenant, by=owner)
            made = platform.access.add_user(name, role=role, tenant=tenant, by=owner)
            sessions[role, tenant] = platform.access.sign_in(made.token).session
    platform.access.add_user("south-eve", role=Role.AUDITOR, tenant="south", by=owner)
    names = {"model": "south-income", "version": "1", "number": "1", "name": "south-people", "id": live, "path": "README.md"}
    with Threaded(house.settings) as server:
        with client(server.url, keys[Role.CALLER, "south"].secret) as http:
            asked = http.post("/v1/models/south-income/predict", json={"rows": [ROW]}).raise_for_status()
        names |= {"request": asked.headers["x-request-id"], "candidate": "naive-bayes", "run": run.id}
        names |= {"key": keys[Role.AUDITOR, "south"].key.id, "person": "south-eve"}
        yield Estate(house, server, names, keys, sessions)
    platform.close()


def concrete(path: str, names: dict) -> str:
    """The path with names of what `south` has, whatever kind of thing the path speaks of."""
    kinds = {"/runs/": {"id": names["run"]}, "/keys/": {"id": names["key"]}, "/users/": {"name": names["person"]}}
    kinds |= {
        "/access/people/": {"name": names["person"]},
        "/access/policies/": {"name": "built-in"},
        "/tenants/": {"name": "south"},
        "/terms/": {"kind": "dataset"},
    }
    own = names | next((found for part, found in kinds.items() if part in path), {})
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: str(own[found[1]]), path)


def is_within(needed, role: Role, tenant: str, path: str) -> bool:
    """Whether what is declared lets somebody of that role and tenant do it with what belongs to `south`."""
    if isinstance(needed, Permission) and needed not in PERMISSIONS_OF[role]:
        return False
    if tenant and (needed in NEVER_OF_TENANTS or path in OF_THE_HOUSE):
        return False
    # Who is known may know what says nothing of anything: the path of MLflow's version names a model, and speaks of Modelward.
    return tenant in ("", "south") or "{" not in path or needed is Open.ANYBODY_KNOWN


def ask(http: httpx.Client, endpoint, names: dict) -> httpx.Response:
    body = next((body for end, body in BODIES.items() if endpoint.path.endswith(end)), {})
    sent = {} if endpoint.takes is None else {"json": body}
    return http.request(endpoint.method, concrete(endpoint.path, names) + QUERIES.get(endpoint.path, ""), **sent)


def breaches(estate: Estate, endpoints, *, tenants=TENANTS, roles=Role) -> tuple[list[str], int]:
    """What is granted outside of what is declared, and how much within. Who may change something is not asked to."""
    found, granted = [], 0
    for tenant in tenants:
        for role in roles:
            with client(estate.server.url, estate.keys[role, tenant].secret) as http:
                for endpoint in endpoints:
                    if endpoint.permission is Open.HEALTH:
                        continue
                    inside = is_within(endpoint.permission, role, tenant, endpoint.path)
                    if inside and endpoint.method != "GET" and not endpoint.path.endswith(tuple(BODIES)):
                        continue
                    answer = ask(http, endpoint, estate.names)
                    where = f"{endpoint.method} {endpoint.path} by {role} of {tenant or 'the house'}: {answer.status_code}"
                    granted += inside and answer.is_success
                    if answer.is_success and not inside:
                        found.append(where)
                    # Those of `north` are told nothing of `south` but the very words that they said.
                    own = set(re.findall(r"south-[a-z-]+", concrete(endpoint.path, estate.names)))
                    if tenant == "north" and set(re.findall(r"south-[a-z-]+", answer.text)) - own:
                        found.append(f"{where} tells of south")
    return found, granted


def test_no_route_grants_what_is_not_declared(estate):
    found, granted = breaches(estate, ENDPOINTS)
    assert found == []
    assert granted > 300


@pytest.mark.parametrize("twin", ["another permission", "another tenant"])
def test_a_route_that_grants_more_than_it_declares_would_be_seen(estate, twin):
    shown = next(each for each in ENDPOINTS if (each.method, each.path) == ("GET", "/api/v1/models/{model}/versions"))
    if twin == "another permission":
        stricter = replace(shown, permission=Permission.USERS_MANAGE)
        assert breaches(estate, [stricter], tenants=("south",), roles=[Role.CALLER])[0]
        return
    mistaken = replace(estate, keys=estate.keys | {(Role.CALLER, "north"): estate.keys[Role.CALLER, "south"]})
    assert breaches(mistaken, [shown], tenants=("north",), roles=[Role.CALLER])[0]


def test_what_another_tenant_has_reads_as_what_nobody_has(estate):
    others = {"model": "absent-income", "name": "absent-people", "id": "r-99", "run": "run-absent", "key": "absent00"}
    others |= {"person": "absent-auditor", "request": "req-absent", "candidate": "naive-bayes"}
    missing = estate.names | others
    compared = 0
    with client(estate.server.url, estate.keys[Role.ADMINISTRATOR, "north"].secret) as http:
        for endpoint in ENDPOINTS:
            if "{" not in endpoint.path or endpoint.permission is Open.HEALTH:
                continue
            theirs, nobodys = ask(http, endpoint, estate.names), ask(http, endpoint, missing)
            told = [_without(answer.text, names) for answer, names in ((theirs, estate.names), (nobodys, missing))]
            assert (theirs.status_code, told[0]) == (nobodys.status_code, told[1]), (endpoint.method, endpoint.path)
            compared += 1
    assert compared > 40


def _without(text: str, names: dict) -> str:
    for name in sorted((str(each) for each in names.values() if len(str(each)) > 2), key=len, reverse=True):
        text = text.replace(name, "…")
    return re.sub(r"req-[a-z0-9]+", "…", text)


def undeclared(paths, declared) -> set[str]:
    return {path for path in paths if not OPEN_PAGES.match(path)} - set(declared)


def pages(server) -> list[str]:
    routes = [route for route in server.routes() if route.path == "/" or route.path.startswith("/console")]
    return [route.path for route in routes if "GET" in (route.methods or ())]


def test_every_page_is_declared(estate):
    assert undeclared(pages(estate.server), PAGES) == set()
    assert undeclared([*pages(estate.server), "/console/secrets"], PAGES) == {"/console/secrets"}


def test_no_page_grants_what_is_not_declared(estate):
    found, granted = [], 0
    for (role, tenant), session in estate.sessions.items():
        with httpx.Client(
            base_url=estate.server.url, cookies={"modelward_session": session}, trust_env=False, timeout=60
        ) as browser:
            for path in pages(estate.server):
                if OPEN_PAGES.match(path):
                    continue
                answer = browser.get(concrete(path, estate.names))
                inside = is_within(PAGES[path], role, tenant, path)
                granted += inside and answer.is_success
                if answer.is_success and not inside:
                    found.append(f"{path} by {role} of {tenant or 'the house'}")
                own = set(re.findall(r"south-[a-z-]+", concrete(path, estate.names)))
                if tenant == "north" and set(re.findall(r"south-[a-z-]+", answer.text)) - own:
                    found.append(f"{path} tells {role} of north of south")
    assert found == []
    assert granted > 100


def test_no_method_of_grpc_grants_what_is_not_declared(estate):
    found, granted = [], 0
    with grpc.insecure_channel(f"127.0.0.1:{estate.house.settings.grpc_port}") as channel:
        for (role, tenant), key in estate.keys.items():
            for service, methods in SERVICES.items():
                for name, method in methods.items():
                    if method.is_open:
                        continue
                    said = _request(name)
                    try:
                        answer = channel.unary_unary(f"/{service}/{name}")(
                            said, metadata=[("authorization", f"Bearer {key.secret}")], timeout=20
                        )
                    except grpc.RpcError:
                        answer = b""
                    may_ask = Permission.MODELS_PREDICT in PERMISSIONS_OF[role] and tenant != "north"
                    tells = b"south-income" in answer or (name == "ModelReady" and answer == b"\x08\x01")
                    granted += tells and may_ask
                    if tells and not may_ask:
                        found.append(f"{name} by {role} of {tenant or 'the house'}")
    assert found == []
    assert granted > 10


def _request(name: str) -> bytes:
    fields = {"ModelReady": {"name": "south-income"}, "ModelMetadata": {"name": "south-income"}}
    fields["ModelInfer"] = {"model_name": "south-income"}
    made: bytes = message(f"{name}Request")(**fields.get(name, {})).SerializeToString()
    return made
