# SPDX-License-Identifier: Apache-2.0
"""After `modelward tls init` the server speaks TLS, and asks for certificates of its own authority where it is told to."""

import json
import ssl
from datetime import timedelta

import httpx
import pytest

from entrances.api.house import Process, body, build
from entrances.cli.terminal import Terminal
from entrances.wire import PREDICT
from modelward.access import certificate, certifying, local_actor
from modelward.app import open_platform
from modelward.client import Client, Trust
from modelward.errors import UnavailableError


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("own"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def tls(house):
    """The folder that `tls init` made, after a server that spoke plainly."""
    with Process(house.settings.home) as server:
        assert server.url.startswith("http://127.0.0.1")
    terminal = Terminal(house.settings.home, house.settings.home.parent)
    made = terminal("tls", "init", "--host", "models.example.org")
    assert made.code == 0
    assert "PRIVATE" not in made.out + made.err
    assert terminal("tls", "issue", "till").code == 0
    assert terminal("tls", "init", "--json").code == 5
    shown = terminal("tls", "show", "--json").json
    assert {each["kind"] for each in shown} == {"authority", "server", "client"}
    return house.settings.home / "tls"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Another house with an authority of its own, and a client of that."""
    built = build(tmp_path_factory.mktemp("strange"))
    built.platform.certifying.begin(by=local_actor())
    built.platform.certifying.issue("till", by=local_actor())
    yield built.settings.home / "tls"
    built.platform.close()


def context(tls, shown=None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=tls / "ca.pem")
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    if shown is not None:
        made.load_cert_chain(shown, shown.with_suffix(".key"))
    return made


def ask(server, house, trusted) -> int:
    headers = {"authorization": f"Bearer {house.key()}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30, verify=trusted) as http:
        return http.post(PREDICT, content=body()).status_code


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_speaks_tls_by_what_was_made_and_no_plain_http(house, tls, stranger, workers):
    with Process(house.settings.home, workers=workers) as server:
        assert server.url.startswith("https://")
        assert ask(server, house, context(tls)) == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(server, house, context(stranger))
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url.replace("https", "http") + "/livez", timeout=10)
        assert server.end() == 0


def test_one_that_is_told_to_have_no_certificate_speaks_plainly(house, tls):
    with Process(house.settings.home, tls_certificate="") as server:
        assert server.url.startswith("http://")
        assert httpx.get(server.url + "/livez", timeout=10).status_code == 200


@pytest.fixture(scope="module")
def mutual(house, tls):
    with Process(house.settings.home, tls_client_ca=tls / "ca.pem") as server:
        yield server


@pytest.fixture(scope="module")
def ended(house, tls):
    """A certificate of the right authority, which ended yesterday."""
    now = certificate.utc_now()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifying, "utc_now", lambda: now - timedelta(days=398))
        # The keyring that the house's own platform holds is from before there was an authority.
        platform = open_platform(house.settings)
        platform.certifying.issue("bygone", by=local_actor())
        platform.close()
    return tls / "issued" / "bygone.pem"


def test_a_client_with_an_issued_certificate_is_answered(mutual, house, tls):
    assert ask(mutual, house, context(tls, tls / "issued" / "till.pem")) == 200


def test_a_client_without_one_is_refused(mutual, house, tls):
    with pytest.raises(httpx.TransportError):
        ask(mutual, house, context(tls))


def test_a_client_of_another_authority_is_refused(mutual, house, tls, stranger):
    with pytest.raises(httpx.TransportError):
        ask(mutual, house, context(tls, stranger / "issued" / "till.pem"))


def test_a_certificate_that_ended_is_refused(mutual, house, tls, ended):
    with pytest.raises(httpx.TransportError):
        ask(mutual, house, context(tls, ended))


def test_the_servers_own_certificate_does_not_make_a_client(mutual, house, tls):
    with pytest.raises(httpx.TransportError):
        ask(mutual, house, context(tls, tls / "server.pem"))


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """Another house, without an authority, which is to be a node of the first one's."""
    built = build(tmp_path_factory.mktemp("clinic"))
    yield built
    built.platform.close()


def test_two_nodes_serve_and_ask_each_other_by_certificates_of_one_authority(house, tls, clinic, stranger):
    terminal = Terminal(house.settings.home, house.settings.home.parent)
    for name in ("clinic", "head-office"):
        assert terminal("tls", "issue", name, "--host", "127.0.0.1").code == 0
    issued, authority = tls / "issued", tls / "ca.pem"

    def trust(name, folder=issued):
        return Trust(ca=authority, certificate=folder / f"{name}.pem", key=folder / f"{name}.key")

    def node(of, name):
        files = {"tls_certificate": issued / f"{name}.pem", "tls_key": issued / f"{name}.key"}
        return Process(of.settings.home, **files, tls_client_ca=authority)

    row = json.loads(body())["rows"][0]
    with node(house, "head-office") as one, node(clinic, "clinic") as other:
        for server, owner, asker in ((one, house, "clinic"), (other, clinic, "head-office")):
            with Client(server.url, key=owner.key(), trust=trust(asker)) as client:
                assert client.serving.predict("income", [row]).version == "income:1"
            for shown in (trust("till", stranger / "issued"), Trust(ca=authority)):
                with pytest.raises(UnavailableError), Client(server.url, key=owner.key(), trust=shown) as client:
                    client.serving.predict("income", [row])
