# SPDX-License-Identifier: Apache-2.0
"""Tokens, answers and keys of somebody who would like to be somebody else. Each is refused, says what to do, and tells nothing."""

import hashlib
import hmac
import time

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws, jwt

from entrances.console.provider.conftest import go, is_inside, sign_in
from entrances.console.provider.misbehaving import CLIENT, EC, OTHER_RSA, RSA, published, segment
from modelward.access import identities


def signed_by_hmac(key: bytes):
    def forge(_url, header, claims):
        head = f"{segment(header | {'alg': 'HS256'})}.{segment(claims)}"
        return f"{head}.{segment(hmac.new(key, head.encode(), hashlib.sha256).digest())}"

    return forge


def unsigned(_url, header, claims):
    return f"{segment(header | {'alg': 'none'})}.{segment(claims)}."


def with_part(place, change):
    def forge(_url, header, claims):
        parts = jwt.encode(header, claims, RSA, algorithms=["RS256"]).split(".")
        parts[place] = change(parts[place])
        return ".".join(parts)

    return forge


PEM = RSA.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
HOSTILE = {
    "unsigned": ({"forged": unsigned}, "not allowed"),
    "unsigned, spelled otherwise": (
        {"forged": lambda url, head, claims: unsigned(url, head | {"alg": "nOnE"}, claims)},
        "not allowed",
    ),
    "the public key as a shared secret": ({"forged": signed_by_hmac(PEM)}, "not allowed"),
    "the client's secret as the key": ({"forged": signed_by_hmac(b"client-secret-canary-7f3a")}, "not allowed"),
    "an algorithm that is not allowed": (
        {"header": {"alg": "RS512"}, "forged": lambda u, h, c: jwt.encode(h, c, RSA, ["RS512"])},
        "not allowed",
    ),
    "no algorithm": ({"forged": lambda u, h, c: f"{segment({'kid': 'one'})}.{segment(c)}.AA"}, "cannot be read"),
    "signed by a stranger's key": ({"key": OTHER_RSA}, "not signed by the key"),
    "another key's kid": ({"header": {"kid": "two"}}, "does not say by which"),
    "another kind of key under this kid": ({"key": EC, "header": {"alg": "ES256", "kid": "one"}}, "does not say by which"),
    "an unknown kid": ({"header": {"kid": "three"}}, "has not published"),
    "a kid that is a path": ({"header": {"kid": "../../../dev/null"}}, "has not published"),
    "no kid where two keys would do": (
        {"keys": [published(RSA, "one"), published(OTHER_RSA, "two")], "header": {"kid": None}},
        "does not say",
    ),
    "two keys of one kid": ({"keys": [published(OTHER_RSA, "one"), published(RSA, "one")]}, "does not say by which"),
    "a key for encryption alone": ({"keys": [published(RSA, "one") | {"use": "enc"}, published(EC, "two")]}, "has not published"),
    "a key of another algorithm": ({"keys": [published(RSA, "one", alg="PS256"), published(EC, "two")]}, "does not say by which"),
    "what it must not ignore": (
        {"header": {"crit": ["exp"], "exp": 1}, "forged": lambda u, h, c: f"{segment(h)}.{segment(c)}.AA"},
        "head",
    ),
    "a payload outside of it": ({"header": {"b64": False}, "forged": lambda u, h, c: f"{segment(h)}.{segment(c)}.AA"}, "head"),
    "cut short": ({"forged": with_part(2, lambda part: part[:-20])}, "not signed by the key"),
    "without a signature": ({"forged": with_part(2, lambda part: "")}, "not signed by the key"),
    "with a claim changed": (
        {"forged": with_part(1, lambda part: part[:40] + ("A" if part[40] != "A" else "B") + part[41:])},
        "token",
    ),
    "two parts": ({"forged": lambda u, h, c: f"{segment(h)}.{segment(c)}"}, "cannot be read"),
    "no token": ({"token_answer": {"id_token": None}}, "no token"),
    "a list for a token": ({"token_answer": {"id_token": ["a"]}}, "no token"),
    "a token of a megabyte": ({"token_answer": {"id_token": "e" * 200_000}}, "too long"),
    "claims that are no object": ({"forged": lambda u, h, c: jwt_of(h, b"[1]")}, "not signed by the key"),
    "claims nested deeply": ({"forged": lambda u, h, c: jwt_of(h, b"[" * 9000 + b"]" * 9000)}, "not signed by the key"),
    "for another client": ({"claims": {"aud": "other"}}, "for somebody else (aud)"),
    "for nobody": ({"claims": {"aud": None}}, "for somebody else (aud)"),
    "for a list of others": ({"claims": {"aud": ["other"]}}, "for somebody else (aud)"),
    "for many, given to nobody": ({"claims": {"aud": [CLIENT, "other"]}}, "for somebody else (aud)"),
    "given to another": ({"claims": {"azp": "other"}}, "(azp)"),
    "for many, given to another": ({"claims": {"aud": [CLIENT, "other"], "azp": "other"}}, "(azp)"),
    "from another issuer": ({"claims": {"iss": "https://elsewhere.example"}}, "another issuer"),
    "from an issuer with a slash more": ({"claims": {"iss": None}}, "another issuer"),
    "expired": ({"claims": {"exp": lambda: int(time.time()) - 120}}, "expired"),
    "never expiring": ({"claims": {"exp": None}}, "(exp)"),
    "expiring at no number": ({"claims": {"exp": "9999999999"}}, "(exp)"),
    "expiring true": ({"claims": {"exp": True}}, "(exp)"),
    "expiring at infinity": ({"claims": {"exp": float("inf")}}, "token"),
    "issued in the future": ({"claims": {"iat": lambda: int(time.time()) + 3600, "exp": 4_000_000_000}}, "to come"),
    "not issued": ({"claims": {"iat": None}}, "(iat)"),
    "holding from tomorrow": ({"claims": {"nbf": lambda: int(time.time()) + 86_400}}, "to come"),
    "of another sign-in": ({"claims": {"nonce": "another"}}, "another sign-in (nonce)"),
    "of no sign-in": ({"claims": {"nonce": None}}, "another sign-in (nonce)"),
    "about nobody": ({"person": {"sub": "", "groups": ["ml"]}}, "(sub)"),
    "about a number": ({"person": {"sub": 7, "groups": ["ml"]}}, "(sub)"),
    "about somebody endless": ({"person": {"sub": "s" * 300, "groups": ["ml"]}}, "(sub)"),
    "with another's access token": ({"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}, "(at_hash)"),
}


def jwt_of(header, payload: bytes) -> str:
    return jws.serialize_compact(header, payload, RSA, algorithms=["RS256"])


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_token_is_refused(house, provider, kind):
    changes, told = HOSTILE[kind]
    for name, value in changes.items():
        setattr(provider, name, value)
    browser = house.browser()
    back = go(house, browser)
    answer = browser.get(back)
    assert answer.status_code == 403, answer.text
    assert told in answer.text
    assert "Nobody was signed in." in answer.text
    assert 'href="/console/sign-in"' in answer.text
    assert not is_inside(browser)
    assert set(house.people()) == {"admin"}
    assert house.events("session.opened") == []
    assert_nothing_leaks(house, provider, answer, back)


def assert_nothing_leaks(house, provider, answer, back):
    secrets = ["client-secret-canary", "at-canary", back.partition("code=")[2].partition("&")[0]]
    secrets += [part for token in provider.tokens for part in token.split(".") if len(part) > 8]
    told = answer.text + str(answer.headers) + repr(house.events())
    assert [secret for secret in secrets if secret in told] == []


def test_the_very_same_without_a_fault_is_let_in(house, provider):
    """The positive control of every case above."""
    browser = house.browser()
    assert sign_in(house, browser).status_code == 200
    assert is_inside(browser)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "other"], "azp": CLIENT},
        {"exp": lambda: int(time.time()) - 30},
        {"iat": lambda: int(time.time()) + 30},
        {"nbf": lambda: int(time.time()) + 30},
    ],
    ids=["an audience of one", "a list, and to us", "just expired", "just issued", "about to hold"],
)
def test_what_is_within_the_rules_and_the_tolerance_of_clocks_is_let_in(house, provider, claims):
    provider.claims = claims
    browser = house.browser()
    assert sign_in(house, browser).status_code == 200
    assert is_inside(browser)


@pytest.mark.parametrize("where", ["jku", "x5u"])
def test_where_a_token_says_that_its_keys_lie_nobody_looks(house, provider, where):
    provider.key = OTHER_RSA
    provider.header = {where: f"{provider.url}/mine", "kid": "one"}
    assert sign_in(house, house.browser()).status_code == 403
    assert "elsewhere" not in provider.asked


def test_a_key_that_a_token_brings_along_is_not_used(house, provider):
    provider.key, provider.header = OTHER_RSA, {"jwk": OTHER_RSA.as_dict(private=False)}
    assert sign_in(house, house.browser()).status_code == 403


def test_a_weak_key_and_a_private_one_are_no_keys(house, provider):
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    weak = {"kty": "RSA", "kid": "one", "n": segment(numbers.n.to_bytes(128)), "e": "AQAB"}
    provider.keys = [weak, RSA.as_dict(private=True) | {"kid": "two"}, {"kty": "oct", "k": "AAAA", "kid": "three"}, 7]
    answer = sign_in(house, house.browser())
    assert answer.status_code == 503
    assert "publishes no key" in answer.text


def test_an_answer_is_taken_once(house):
    browser = house.browser()
    away = browser.get("/console/sign-in/provider")
    keepsake = browser.cookies["modelward_sign_in"]
    back = httpx.get(away.headers["location"], trust_env=False).headers["location"]
    assert browser.get(back).status_code == 200
    browser.cookies.set("modelward_sign_in", keepsake, path="/console/sign-in/provider")
    again = browser.get(back)
    assert (again.status_code, len(house.events("session.opened"))) == (403, 1)
    assert "not take its code back" in again.text


def test_a_sign_in_is_finished_once_even_where_the_provider_gives_two_codes(house):
    browser = house.browser()
    away = browser.get("/console/sign-in/provider")
    keepsake = browser.cookies["modelward_sign_in"]
    answers = [httpx.get(away.headers["location"], trust_env=False).headers["location"] for _ in range(2)]
    assert browser.get(answers[0]).status_code == 200
    browser.cookies.set("modelward_sign_in", keepsake, path="/console/sign-in/provider")
    second = browser.get(answers[1])
    assert (second.status_code, len(house.events("session.opened"))) == (401, 1)
    assert "finished before" in second.text


def test_an_answer_to_another_browser_is_refused(house):
    attacker, victim = house.browser(), house.browser()
    back = go(house, attacker)
    assert victim.get(back).status_code == 401
    victim.get("/console/sign-in/provider")
    assert victim.get(back).status_code == 401
    assert not is_inside(victim)
    assert attacker.get(back).status_code == 200, "it was of no use to the victim, and is not spent"


def test_a_code_of_another_sign_in_is_refused(house):
    attacker, victim = house.browser(), house.browser()
    stolen = go(house, victim).partition("code=")[2].partition("&")[0]
    mine = go(house, attacker)
    code = mine.partition("code=")[2].partition("&")[0]
    answer = attacker.get(mine.replace(code, stolen))
    assert answer.status_code == 403
    assert not is_inside(attacker)


@pytest.mark.parametrize("keepsake", ["", "x", "0.AAAA", "99999999999999999999.AAAA", "-1.x", "1" * 5000, "1700000000.abc"])
def test_a_keepsake_that_was_not_given_out_opens_nothing(house, keepsake):
    browser = house.browser()
    back = go(house, browser)
    browser.cookies.clear()
    browser.cookies.set("modelward_sign_in", keepsake, path="/console/sign-in/provider")
    answer = browser.get(back)
    assert answer.status_code == 401
    assert "Begin again" in answer.text


def test_a_sign_in_of_yesterday_is_refused(house, monkeypatch):
    browser = house.browser()
    monkeypatch.setattr(identities, "BEGUN_SECONDS", -1)
    answer = sign_in(house, browser)
    assert answer.status_code == 401
    assert "ago" in answer.text


@pytest.mark.parametrize(
    ("changed", "status", "told"),
    [
        ({"iss": "https://elsewhere.example"}, 403, "another issuer"),
        ({"iss": None}, 403, "another issuer"),
        ({"code": None}, 403, "did not let you in"),
        ({"code": ""}, 403, "did not let you in"),
        ({"code": "c" * 5000}, 403, "did not let you in"),
        ({"code": "never-given-out"}, 403, "not take its code back"),
        ({"state": "x"}, 401, "not begun in this browser"),
        ({"state": None}, 401, "not begun in this browser"),
        ({"error": "access_denied", "code": None}, 403, "access_denied"),
        ({"error": "<script>alert(1)</script>", "error_description": "canary-text"}, 403, "did not let you in"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(house, provider, changed, status, told):
    provider.answer = changed
    browser = house.browser()
    answer = sign_in(house, browser)
    assert answer.status_code == status
    assert told in answer.text
    assert "<script" not in answer.text
    assert "canary-text" not in answer.text
    assert not is_inside(browser)


def test_an_answer_that_says_something_twice_is_refused(house):
    browser = house.browser()
    answer = browser.get(go(house, browser) + "&code=another")
    assert answer.status_code == 400
    assert not is_inside(browser)
