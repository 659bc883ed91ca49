# SPDX-License-Identifier: Apache-2.0
"""The house's own authority: what it signs, what is never overwritten, and that no key is where it should not be."""

import ipaddress
import os
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from modelward.access import (
    Actor,
    AuthorityExistsError,
    AuthorityMissingError,
    CertificateTakenError,
    Certifying,
    InvalidHostError,
    InvalidNameError,
    NotPermittedError,
    Role,
    certificate,
    certifying,
)
from modelward.settings import read_settings
from modelward.storage import Keyring


@pytest.fixture
def makes(database, ledger, keyring, settings):
    return Certifying(database, ledger, keyring, settings=settings)


def load(path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def events(ledger) -> list[str]:
    return [found.entry.event for found in ledger.entries(newest_first=False)][1:]


def test_it_makes_an_authority_and_a_server_that_it_signed(makes, home, admin):
    authority, server = makes.begin(hosts=["models.example.org", "192.0.2.7"], by=admin)
    ca, own = load(home / "tls" / "ca.pem"), load(home / "tls" / "server.pem")
    own.verify_directly_issued_by(ca)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=0)
    assert isinstance(own.public_key().curve, ec.SECP256R1)
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"models.example.org", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    assert {ipaddress.ip_address("192.0.2.7"), ipaddress.ip_address("127.0.0.1")} <= set(names.get_values_for_type(x509.IPAddress))
    assert list(own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert (authority.kind, server.kind) == ("authority", "server")
    assert timedelta(days=396) < server.ends - server.begins < timedelta(days=399)
    assert authority.ends > server.ends


def test_keys_are_closed_to_others_and_the_authoritys_is_in_no_file_but_the_keyring(makes, home, keyring, admin):
    before = os.umask(0)
    try:
        makes.begin(by=admin)
        makes.issue("till", by=admin)
    finally:
        os.umask(before)
    keys = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if b"PRIVATE KEY" in content(path))
    assert keys == ["tls/issued/till.key", "tls/server.key"]
    assert {(home / key).stat().st_mode & 0o777 for key in keys} == {0o600}
    assert b"PRIVATE KEY" in Keyring.open(keyring.path).secret("tls-authority")


def content(path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def test_nothing_is_overwritten(makes, home, admin):
    makes.begin(by=admin)
    makes.issue("till", by=admin)
    before = {path: path.read_bytes() for path in (home / "tls").rglob("*") if path.is_file()}
    with pytest.raises(AuthorityExistsError, match="tls renew"):
        makes.begin(by=admin)
    with pytest.raises(CertificateTakenError, match="Nothing was overwritten"):
        makes.issue("till", by=admin)
    assert {path: path.read_bytes() for path in (home / "tls").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("lost", [["server.pem"], ["server.pem", "server.key"], ["server.pem", "server.key", "ca.pem"]])
def test_one_that_was_cut_off_goes_on_with_the_same_authority(makes, home, admin, lost):
    authority, _ = makes.begin(by=admin)
    for name in lost:
        (home / "tls" / name).unlink()
    again, server = makes.begin(by=admin)
    assert again.fingerprint == authority.fingerprint
    load(home / "tls" / "server.pem").verify_directly_issued_by(load(home / "tls" / "ca.pem"))
    assert server.kind == "server"


def test_a_renewal_keeps_key_and_hosts_and_lasts_longer(makes, home, admin, monkeypatch):
    now = certificate.utc_now()
    monkeypatch.setattr(certifying, "utc_now", lambda: now - timedelta(days=300))
    _, before = makes.begin(hosts=["a.example.org"], by=admin)
    monkeypatch.undo()
    key = (home / "tls" / "server.key").read_bytes()
    after = makes.renew(hosts=["b.example.org"], by=admin)
    assert set(after.hosts) == {*before.hosts, "b.example.org"}
    assert (after.ends > before.ends, after.serial != before.serial) == (True, True)
    assert (home / "tls" / "server.key").read_bytes() == key


def test_no_certificate_outlives_the_authority(makes, admin, monkeypatch):
    now = certificate.utc_now()
    monkeypatch.setattr(certifying, "utc_now", lambda: now - timedelta(days=3600))
    authority, _ = makes.begin(by=admin)
    monkeypatch.undo()
    assert makes.issue("till", by=admin).ends <= authority.ends


def test_a_client_cannot_serve_and_a_node_can(makes, home, admin):
    makes.begin(by=admin)
    assert makes.issue("till", by=admin).kind == "client"
    node = makes.issue("clinic", hosts=["clinic.example.org"], by=admin)
    assert (node.kind, node.hosts) == ("node", ("clinic.example.org",))
    found = load(home / "tls" / "issued" / "till.pem").extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(found) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_every_certificate_is_on_record(makes, ledger, admin):
    authority, server = makes.begin(by=admin)
    till = makes.issue("till", by=admin)
    entries = [found.entry for found in ledger.entries(newest_first=False)][1:]
    assert [entry.event for entry in entries] == ["authority.created", "certificate.issued", "certificate.issued"]
    assert [entry.facts["sha256"] for entry in entries] == [each.fingerprint for each in (authority, server, till)]
    assert entries[2].subject == "certificate till"
    assert [each.name for each in makes.certificates(by=admin)][-1] == authority.name


@pytest.mark.parametrize("host", ["*.example.org", "a b", "x" * 64, "", "../etc", "exa_mple", "1.2.3.4/8"])
def test_what_is_no_host_is_refused_before_anything_is_made(makes, home, ledger, admin, host):
    with pytest.raises(InvalidHostError):
        makes.begin(hosts=[host], by=admin)
    assert (events(ledger), (home / "tls").exists()) == ([], False)


def test_before_there_is_an_authority_nothing_is_signed(makes, admin):
    for verb in (lambda: makes.issue("till", by=admin), lambda: makes.renew(by=admin)):
        with pytest.raises(AuthorityMissingError, match="tls init"):
            verb()
    makes.begin(by=admin)
    with pytest.raises(InvalidNameError):
        makes.issue("../till", by=admin)


def test_nobody_but_an_administrator_makes_any(makes, home, admin):
    somebody = Actor("person:eve", "eve", Role.OPERATOR)
    for verb in (makes.begin, makes.renew, makes.certificates, lambda by: makes.issue("till", by=by)):
        with pytest.raises(NotPermittedError):
            verb(by=somebody)
    assert not (home / "tls").exists()


def test_settings_take_what_was_made_unless_they_name_another_or_none(makes, home, admin):
    given = {"MODELWARD_HOME": str(home)}
    assert read_settings(given).tls_certificate == ""
    makes.begin(by=admin)
    found = read_settings(given)
    assert (found.tls_certificate, found.tls_key) == (str(home / "tls" / "server.pem"), str(home / "tls" / "server.key"))
    assert read_settings(given | {"MODELWARD_TLS_CERTIFICATE": ""}).tls_certificate == ""
    other = read_settings(given | {"MODELWARD_TLS_CERTIFICATE": "/c.pem", "MODELWARD_TLS_KEY": "/k.pem"})
    assert (other.tls_certificate, other.tls_key) == ("/c.pem", "/k.pem")
