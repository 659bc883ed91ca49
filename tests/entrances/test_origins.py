# SPDX-License-Identifier: Apache-2.0
"""Every door says where a question comes from, so that policies of the site can forbid by address: that of who connects, or of
whoever a trusted proxy says connected to it.
"""

import pytest

from entrances.api.house import client
from entrances.doors import DOORS, doors, is_well
from entrances.wire import Line, asking
from modelward.access import Role, origin_at
from modelward.entrances.origins import address_behind

INSIDE, OUTSIDE = "10.1.2.3", "192.0.2.7"
POLICY = (
    '@id("inside") forbid (principal, action, resource) '
    'unless { principal is Local || (context has address && context.address.isInRange(ip("10.0.0.0/8"))) };'
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Doors behind a proxy on this machine, which a policy opens to some addresses alone."""
    with doors(tmp_path_factory.mktemp("behind"), trusted_proxies="127.0.0.1") as found:
        access = found.house.platform.access
        access.policies.put("places", POLICY, by=access.owner().at(origin_at(INSIDE)))
        yield found


def from_(*addresses):
    return [("x-forwarded-for", each) for each in addresses]


@pytest.mark.parametrize("door", DOORS)
def test_a_policy_forbids_by_address_at_every_door(place, door):
    key = place.house.key()
    assert is_well(place.ask(door, key, *from_(INSIDE)))
    for addresses in ([OUTSIDE], [], [f"{INSIDE}, {OUTSIDE}"], [INSIDE, OUTSIDE]):
        refused = place.ask(door, key, *from_(*addresses))
        assert refused.status == ("PERMISSION_DENIED" if door == "grpc" else 403), addresses
        assert "places/inside" in refused.text
    # The proxy says who connected to it; who that was before is hearsay.
    assert is_well(place.ask(door, key, *from_(f"{OUTSIDE}, {INSIDE}")))


@pytest.mark.parametrize("said", [OUTSIDE, f"{OUTSIDE}:4711", "2001:db8::7", "[2001:db8::7]:4711", "[2001:db8::7]"])
def test_a_proxy_may_tell_the_port(said):
    found = address_behind("127.0.0.1", [(b"x-forwarded-for", said.encode())], trusted="127.0.0.1")
    assert found == (OUTSIDE if OUTSIDE in said else "2001:db8::7")


@pytest.mark.parametrize("path", ["/api/v1/models", "/metrics", "/v2/models/income", "/v2/models/income/ready"])
def test_so_at_every_other_route(place, path):
    role = Role.CALLER if path.startswith("/v2") else Role.OPERATOR
    with client(place.process.url, place.house.key(role)) as http:
        found = [http.get(path, headers=from_(each)).status_code for each in (INSIDE, OUTSIDE)]
    assert found == [200, 403]


def test_so_in_the_console(place):
    access, by = place.house.platform.access, place.house.by
    session = access.sign_in(access.add_user("ada", role=Role.OPERATOR, by=by).token).session
    with client(place.process.url) as http:
        http.cookies.set("modelward_session", session)
        pages = [http.get("/console/models", headers=from_(each)).status_code for each in (INSIDE, OUTSIDE, INSIDE)]
    assert pages == [200, 403, 200]


def test_requests_on_one_connection_are_judged_each_by_its_own_address(place):
    key, line = place.house.key(), Line(place.process.port)
    for address, status in [(INSIDE, 200), (OUTSIDE, 403), (INSIDE, 200), (OUTSIDE, 403), (INSIDE, 200)]:
        line.send(asking(key, headers=(f"X-Forwarded-For: {address}",)))
        assert line.answer().status == status
    line.drop()


def test_who_is_no_proxy_is_not_believed(tmp_path):
    with doors(tmp_path) as place:
        key, by = place.house.key(), place.house.platform.access.owner().at(origin_at("127.0.0.1"))
        policies = place.house.platform.access.policies
        policies.put("places", POLICY.replace("10.0.0.0/8", "127.0.0.0/8"), by=by)
        for door in DOORS:
            assert is_well(place.ask(door, key, *from_(OUTSIDE))), door


@pytest.mark.parametrize("trusted", ["10.0.0.5", "::ffff:10.0.0.5", "fd00::5, 10.0.0.5"])
@pytest.mark.parametrize("address", ["10.0.0.5", "::ffff:10.0.0.5"])
def test_a_trusted_proxy_is_known_however_a_socket_writes_its_address(trusted, address):
    said = [(b"x-forwarded-for", b"203.0.113.9")]
    assert address_behind(address, said, trusted=trusted) == "203.0.113.9"
    assert address_behind("10.0.0.6", said, trusted=trusted) == "10.0.0.6"
