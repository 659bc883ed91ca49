# SPDX-License-Identifier: Apache-2.0
"""A provider that is down, slow, confused or hostile. The house asks it for little, believes less, and other doors stay open."""

import asyncio
import gzip
import logging
import socket
import time

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from entrances.console.conftest import Visitor
from entrances.console.provider.conftest import house_of, is_inside, sign_in
from entrances.console.provider.misbehaving import OTHER_RSA, RSA, listening, published
from modelward.access import Begun, Role, local_actor
from modelward.entrances.console.provider.configuration import configuration_of
from modelward.entrances.console.provider.fetching import ANSWER_LIMIT_BYTES, Fetcher, ProviderUnavailableError
from modelward.entrances.console.provider.issuer import Issuer
from modelward.entrances.console.provider.kept import Kept
from modelward.entrances.console.provider.token import TokenRefusedError
from modelward.settings import Settings

WELL_KNOWN = "/.well-known/openid-configuration"


async def forever():
    for _ in range(40):
        yield b" "
        await asyncio.sleep(0.05)


async def endless():
    for _ in range(100):
        yield b" " * 65536
        await asyncio.sleep(0)


MISBEHAVIOURS = {
    "a fault": (lambda request: Response("canary-text", 500), "answers 500"),
    "garbage": (lambda request: Response(b"\xff\x00garbage canary-text"), "no JSON"),
    "a page": (lambda request: Response("<html>canary-text", media_type="text/html"), "no JSON"),
    "a list": (lambda request: JSONResponse(["canary-text"]), "no object"),
    "arrays nested deeply": (lambda request: Response(b"[" * 100_000), "no JSON"),
    "too much": (lambda request: StreamingResponse(endless()), "more than"),
    "something packed": (lambda request: Response(gzip.compress(b"{}"), headers={"content-encoding": "gzip"}), "encoding"),
    "a way elsewhere": (lambda request: RedirectResponse("http://127.0.0.1:9/inner", 302), "redirect"),
    "a way to itself": (lambda request: RedirectResponse(str(request.url), 307), "redirect"),
}


@pytest.mark.parametrize("path", [WELL_KNOWN, "/token", "/jwks", "/userinfo"])
@pytest.mark.parametrize("kind", MISBEHAVIOURS)
def test_an_endpoint_that_answers_wrongly_lets_nobody_in(house, provider, kind, path, caplog):
    wrong, told = MISBEHAVIOURS[kind]
    provider.person, provider.userinfo = {"sub": "s-1"}, {"sub": "s-1", "groups": "ops"}
    provider.instead = {path: wrong}
    browser = house.browser()
    with caplog.at_level(logging.INFO):
        answer = browser.get("/console/sign-in/provider") if path == WELL_KNOWN else sign_in(house, browser)
    assert answer.status_code == 503, answer.text
    assert told in answer.text
    assert "Try again in a minute, or sign in without it" in answer.text
    told = answer.text + repr([vars(record) for record in caplog.records if record.name.startswith("modelward")])
    assert [canary for canary in ("canary-text", "code-canary", "at-canary", "client-secret") if canary in told] == []
    assert not is_inside(browser)
    assert set(house.people()) == {"admin"}


def test_where_the_provider_is_down_a_link_still_lets_in(empty_home, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with house_of(empty_home, tmp_path, down) as house:
            answer = house.browser().get("/console/sign-in/provider")
            assert answer.status_code == 503
            assert "cannot be reached" in answer.text
            visitor = Visitor(house.browser())
            assert (
                visitor.sign_in(house.platform.access.add_user("lena", role=Role.AUDITOR, by=local_actor()).token).status_code
                == 303
            )
            assert visitor.get("/models").status_code == 200


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"issuer": "https://elsewhere.example"}, "another name"),
        ({"issuer": None}, "another name"),
        ({"token_endpoint": "https://elsewhere.example/token"}, "token_endpoint elsewhere"),
        ({"jwks_uri": "http://169.254.169.254/latest/meta-data"}, "jwks_uri elsewhere"),
        ({"jwks_uri": "http://127.0.0.1:1/jwks"}, "jwks_uri elsewhere"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri elsewhere"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint elsewhere"),
        ({"authorization_endpoint": "https://elsewhere.example/a"}, "authorization_endpoint elsewhere"),
        ({"userinfo_endpoint": "//elsewhere.example"}, "userinfo_endpoint elsewhere"),
        ({"token_endpoint": None}, "token_endpoint elsewhere, or nowhere"),
        ({"token_endpoint": ["a"]}, "token_endpoint elsewhere"),
    ],
)
def test_endpoints_elsewhere_are_never_asked(house, provider, said, told):
    provider.metadata = said
    answer = house.browser().get("/console/sign-in/provider")
    assert answer.status_code == 503
    assert told in answer.text


def test_a_client_that_the_provider_does_not_know_is_the_administrators_matter(house, provider):
    provider.instead = {"/token": lambda request: JSONResponse({"error": "invalid_client", "error_description": "canary"}, 401)}
    answer = sign_in(house, house.browser())
    assert answer.status_code == 503
    assert "does not know this installation by its id and secret" in answer.text
    assert "canary" not in answer.text


def test_strangers_make_the_house_ask_the_provider_once(house, provider):
    provider.instead = {WELL_KNOWN: lambda request: Response("", 500)}
    for _ in range(5):
        assert house.browser().get("/console/sign-in/provider").status_code == 503
    assert provider.asked == [WELL_KNOWN]


def configured(provider, **more):
    given = {"oidc_client_id": "modelward", "oidc_console_url": "http://127.0.0.1:1", "oidc_roles": "ml=operator"}
    return configuration_of(Settings(oidc_issuer=provider.url, **(given | more)))


@pytest.mark.parametrize("wrong", [forever, None], ids=["drop by drop", "never"])
def test_an_answer_that_does_not_end_is_not_waited_for(provider, wrong):
    provider.instead = {WELL_KNOWN: lambda request: StreamingResponse(forever())}
    if wrong is None:
        bound = socket.create_server(("127.0.0.1", 0))
        provider.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    fetcher = Fetcher(configured(provider), whole_seconds=0.3)
    begun = time.monotonic()
    with pytest.raises(ProviderUnavailableError, match="in time"):
        asyncio.run(fetcher.get(f"{provider.url}{WELL_KNOWN}"))
    assert time.monotonic() - begun < 30, "it would never have ended"
    if wrong is None:
        bound.close()


def test_what_is_within_the_limit_is_read(provider):
    provider.instead = {WELL_KNOWN: lambda request: JSONResponse({"a": "b" * (ANSWER_LIMIT_BYTES - 100)})}
    assert asyncio.run(Fetcher(configured(provider)).get(f"{provider.url}{WELL_KNOWN}")).status == 200


def test_an_address_that_is_not_the_issuers_is_not_asked(provider):
    with listening(provider.app()) as other, pytest.raises(ProviderUnavailableError, match="elsewhere"):
        asyncio.run(Fetcher(configured(provider)).get(f"{other}/jwks"))
    assert provider.asked == []


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_new_keys_of_the_provider_are_taken_and_not_asked_for_more_than_once_in_a_while(provider):
    clock = Clock()
    issuer = Issuer(configured(provider), clock=clock)

    async def ask(*, key, kid):
        provider.key, provider.header, provider.claims = key, {"kid": kid}, {"nonce": "n"}
        token = provider._id_token("n")
        begun = Begun("k", "s", "n", "v", None)
        try:
            return (await issuer._claims(token, begun))["sub"]
        except TokenRefusedError:
            return "refused"

    async def story():
        assert await ask(key=RSA, kid="one") == "s-1"
        provider.keys = [published(OTHER_RSA, "new")]
        clock.now += 1
        assert await ask(key=OTHER_RSA, kid="new") == "refused", "the keys were asked for a moment ago"
        clock.now += 10
        assert await ask(key=OTHER_RSA, kid="new") == "s-1"
        assert await ask(key=RSA, kid="one") == "refused", "a key that the provider took back is of no more use"
        for _ in range(20):
            assert await ask(key=OTHER_RSA, kid="made-up") == "refused"
        assert provider.asked.count("/jwks") == 2
        clock.now += 599
        provider.keys = [published(RSA, "one")]
        assert await ask(key=OTHER_RSA, kid="new") == "s-1", "ten minutes are not over"
        clock.now += 2
        assert await ask(key=OTHER_RSA, kid="new") == "refused", "and then they are"

    asyncio.run(story())


def test_who_waits_for_the_same_thing_waits_together():
    calls = []

    async def fetch():
        calls.append(1)
        await asyncio.sleep(0.01)
        return object()

    async def story():
        kept = Kept(fetch, keep_seconds=60, pause_seconds=10, clock=Clock())
        found = await asyncio.gather(*(kept.get() for _ in range(20)))
        assert len(set(found)) == len(calls) == 1
        # Twenty who miss something at once make one new asking, too.
        kept._asked = -100.0
        renewed = await asyncio.gather(*(kept.again(found[0]) for _ in range(20)))
        assert len(set(renewed)) == 1
        assert len(calls) == 2

    asyncio.run(story())


def test_a_provider_that_came_back_is_asked_again(provider):
    clock = Clock()
    issuer = Issuer(configured(provider), clock=clock)

    async def story():
        begun = Begun("k", "s", "n", "v", None)
        provider.instead = {WELL_KNOWN: lambda request: Response("", 500)}
        for _ in range(2):
            with pytest.raises(ProviderUnavailableError):
                await issuer.address(begun)
        provider.instead = {}
        with pytest.raises(ProviderUnavailableError):
            await issuer.address(begun)
        clock.now += 11
        assert (await issuer.address(begun)).startswith(f"{provider.url}/authorize?")

    asyncio.run(story())
