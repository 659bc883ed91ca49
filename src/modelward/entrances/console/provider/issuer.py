# SPDX-License-Identifier: Apache-2.0
"""The provider that vouches for people: where it lies, what it signs with, and who it says that somebody is.

The authorization code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636), state, nonce, and the issuer's name in its answers
(RFC 9207).
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from modelward.access import Identity
from modelward.entrances.console.provider.configuration import Configuration
from modelward.entrances.console.provider.fetching import Fetcher, unavailable
from modelward.entrances.console.provider.kept import Clock, Kept
from modelward.entrances.console.provider.token import (
    SigningKey,
    TokenRefusedError,
    UnknownSigningKeyError,
    check_access_token,
    checked_claims,
    signing_keys,
)

if TYPE_CHECKING:
    from modelward.access import Begun

_KEEP_SECONDS: Final = 600.0
_PAUSE_SECONDS: Final = 10.0
_NAME_CHARACTERS: Final = 200
_GROUPS_LIMIT: Final = 1000
_CODE_CHARACTERS: Final = 4096
_AGAIN: Final = "Nobody was signed in. Begin again at /console/sign-in, or ask who runs the provider."


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the provider does what; see OpenID Connect Discovery 1.0, section 3."""

    authorization: str
    token: str
    keys: str
    userinfo: str
    takes_basic: bool
    names_itself: bool


class Issuer:
    """One provider. What it publishes is asked for at most once in some seconds, however many strangers come."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        fetcher: Fetcher | None = None,
        clock: Clock = time.monotonic,
        now: Clock = time.time,
    ) -> None:
        self.configuration = configuration
        self._fetcher = fetcher or Fetcher(configuration)
        self._now = now
        kept = {"keep_seconds": _KEEP_SECONDS, "pause_seconds": _PAUSE_SECONDS}
        self._endpoints = Kept(self._discover, clock=clock, **kept)
        self._keys = Kept(self._published, clock=clock, **kept)

    async def address(self, begun: Begun) -> str:
        """Where to send a browser to sign in.

        Raises:
            ProviderUnavailableError: the provider does not say where.
        """
        endpoints = await self._endpoints.get()
        asked = {
            "response_type": "code",
            "client_id": self.configuration.client_id,
            "redirect_uri": self.configuration.callback,
            "scope": self.configuration.scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": urlsafe_b64encode(sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{endpoints.authorization}{'&' if '?' in endpoints.authorization else '?'}{urlencode(asked)}"

    async def identity(self, answer: Mapping[str, str], begun: Begun) -> Identity:
        """Who somebody is, by the provider's `answer` to the browser that began it.

        Raises:
            TokenRefusedError: the provider refused, or what it sent proves nothing. ProviderUnavailableError.
        """
        endpoints = await self._endpoints.get()
        self._check_source(answer, endpoints)
        if "error" in answer or not 0 < len(answer.get("code", "")) <= _CODE_CHARACTERS:
            told = "access_denied" if answer.get("error") == "access_denied" else "no code"
            raise TokenRefusedError(f"The sign-in provider did not let you in ({told}). {_AGAIN}")
        tokens = await self._exchange(answer["code"], begun, endpoints)
        token = tokens.get("id_token")
        claims = await self._claims(token, begun)
        access_token = tokens.get("access_token")
        if isinstance(access_token, str) and isinstance(token, str):
            check_access_token(claims, access_token, token)
            claims = await self._more(claims, access_token, endpoints)
        return self._identity(claims)

    def _check_source(self, answer: Mapping[str, str], endpoints: Endpoints) -> None:
        if answer.get("iss", self.configuration.issuer) != self.configuration.issuer or (
            endpoints.names_itself and "iss" not in answer
        ):
            raise TokenRefusedError(f"This answer comes from another issuer than was asked. {_AGAIN}")

    async def _claims(self, token: object, begun: Begun) -> dict[str, Any]:
        keys = await self._keys.get()

        def checked(keys: tuple[SigningKey, ...]) -> dict[str, Any]:
            return checked_claims(token, keys, configuration=self.configuration, nonce=begun.nonce, now=self._now())

        try:
            return checked(keys)
        except UnknownSigningKeyError:
            # The provider may have changed its keys since.
            return checked(await self._keys.again(keys))

    async def _exchange(self, code: str, begun: Begun, endpoints: Endpoints) -> dict[str, Any]:
        client, secret = self.configuration.client_id, self.configuration.client_secret()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.configuration.callback}
        form["code_verifier"] = begun.verifier
        basic = None
        if secret and endpoints.takes_basic:
            basic = (quote(client, safe=""), quote(secret, safe=""))
        else:
            form |= {"client_id": client} | ({"client_secret": secret} if secret else {})
        told = await self._fetcher.post(endpoints.token, form, basic=basic)
        if told.status == 200:
            return told.answer
        if told.answer.get("error") == "invalid_client":
            raise unavailable(self.configuration, "does not know this installation by its id and secret")
        raise TokenRefusedError(
            f"The sign-in provider did not take its code back: used before, too old, or of another sign-in. {_AGAIN}"
        )

    async def _more(self, claims: dict[str, Any], access_token: str, endpoints: Endpoints) -> dict[str, Any]:
        """The claims, with those that this provider tells at its userinfo endpoint alone, of the same person."""
        wanted = (self.configuration.name_claim, self.configuration.groups_claim)
        if not endpoints.userinfo or all(_claim(claims, name) is not None for name in wanted):
            return claims
        told = await self._fetcher.get(endpoints.userinfo, bearer=access_token)
        if told.status != 200:
            raise unavailable(self.configuration, f"answers {told.status} where it should say who somebody is")
        if told.answer.get("sub") != claims["sub"]:
            raise TokenRefusedError(f"The sign-in provider spoke of two people at once. {_AGAIN}")
        return told.answer | claims

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        name, groups = _claim(claims, self.configuration.name_claim), _claim(claims, self.configuration.groups_claim)
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        return Identity(
            issuer=self.configuration.issuer,
            subject=claims["sub"],
            name=name[:_NAME_CHARACTERS] if isinstance(name, str) else "",
            groups=tuple(group for group in listed[:_GROUPS_LIMIT] if isinstance(group, str)),
        )

    async def _discover(self) -> Endpoints:
        told = await self._fetcher.get(f"{self.configuration.issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.status != 200:
            raise unavailable(self.configuration, f"answers {told.status} where it should describe itself (openid-configuration)")
        if told.answer.get("issuer") != self.configuration.issuer:
            raise unavailable(self.configuration, "calls itself by another name than MODELWARD_OIDC_ISSUER")
        methods = told.answer.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Endpoints(
            authorization=self._endpoint(told.answer, "authorization_endpoint"),
            token=self._endpoint(told.answer, "token_endpoint"),
            keys=self._endpoint(told.answer, "jwks_uri"),
            userinfo=self._endpoint(told.answer, "userinfo_endpoint") if "userinfo_endpoint" in told.answer else "",
            takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
            names_itself=told.answer.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, told: Mapping[str, Any], name: str) -> str:
        url = told.get(name)
        if not isinstance(url, str) or not self.configuration.admits(url):
            raise unavailable(self.configuration, f"has its {name} elsewhere, or nowhere; MODELWARD_OIDC_HOSTS can allow its host")
        return url

    async def _published(self) -> tuple[SigningKey, ...]:
        told = await self._fetcher.get((await self._endpoints.get()).keys)
        keys = signing_keys(told.answer) if told.status == 200 else ()
        if not keys:
            raise unavailable(self.configuration, "publishes no key that a token may be signed with (jwks_uri)")
        return keys


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of that very name, or the one that its dots lead to; None where there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
