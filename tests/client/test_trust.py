# SPDX-License-Identifier: Apache-2.0
"""What a client trusts and shows is read before it asks, and a file of no use is named."""

import ssl

import pytest

from entrances.certificates import Authority
from modelward.client import Client, Trust, TrustFileError
from modelward.errors import InvalidError


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def test_what_is_told_is_trusted_and_nothing_else(authority):
    shown = authority.issue()
    context = Trust(authority.file, shown.certificate, shown.key).context()
    assert [held["subject"] for held in context.get_ca_certs()] == [context.get_ca_certs()[0]["issuer"]]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_without_a_word_the_well_known_authorities_are_trusted():
    assert len(Trust().context().get_ca_certs()) > 10


def test_a_certificate_and_its_key_may_lie_in_one_file(authority, tmp_path):
    shown = authority.issue()
    both = tmp_path / "both.pem"
    both.write_bytes(shown.key.read_bytes() + shown.certificate.read_bytes())
    Trust(authority.file, both).context()


@pytest.mark.parametrize("what", ["ca", "certificate", "key"])
@pytest.mark.parametrize("how", ["nowhere", "words"])
def test_a_file_of_no_use_is_named_with_its_setting(authority, tmp_path, what, how):
    shown, wrong = authority.issue(), tmp_path / "wrong.pem"
    if how == "words":
        wrong.write_text("these are words")
    given = {"ca": authority.file, "certificate": shown.certificate, "key": shown.key} | {what: wrong}
    with pytest.raises(TrustFileError) as refused:
        Client("https://127.0.0.1:1", key="mw_x", trust=Trust(**given))
    assert isinstance(refused.value, InvalidError)
    assert str(wrong) in str(refused.value)
    assert f"MODELWARD_CLIENT_{'CA' if what == 'ca' else 'CERTIFICATE'}" in str(refused.value)


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(authority):
    shown = authority.issue(password=b"secret words")
    with pytest.raises(TrustFileError, match="without a password"):
        Trust(authority.file, shown.certificate, shown.key).context()


def test_a_key_without_its_certificate_is_refused(authority):
    with pytest.raises(TrustFileError, match="Name both"):
        Trust(key=authority.issue().key).context()
