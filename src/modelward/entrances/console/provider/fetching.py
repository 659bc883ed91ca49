# SPDX-License-Identifier: Apache-2.0
"""Asking the provider: at its own addresses only, within a time and a size, without following it elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import msgspec

from modelward.entrances.console.provider.configuration import Configuration
from modelward.errors import UnavailableError

ANSWER_LIMIT_BYTES: Final = 256 << 10
_WHOLE_SECONDS: Final = 8.0
_STEP_SECONDS: Final = 4.0


class ProviderUnavailableError(UnavailableError):
    """The sign-in provider gave no answer, or one that cannot be used."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the provider answered: a status and a JSON object."""

    status: int
    answer: dict[str, Any]


class Fetcher:
    """Asks the endpoints of one issuer. It follows no redirect, believes no proxy of the environment, and keeps no cookie."""

    def __init__(self, configuration: Configuration, *, whole_seconds: float = _WHOLE_SECONDS) -> None:
        self._configuration = configuration
        self._whole_seconds = whole_seconds

    async def get(self, url: str, *, bearer: str = "") -> Told:
        """The JSON object at `url`.

        Raises:
            ProviderUnavailableError: there is none, or not within time and size. Nothing that was sent or received is in it.
        """
        return await self._ask("GET", url, headers={"authorization": f"Bearer {bearer}"} if bearer else {})

    async def post(self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> Told:
        """What comes of sending a form; `basic` names user and password. Raises: as `get`."""
        return await self._ask("POST", url, data=dict(form), auth=httpx.BasicAuth(*basic) if basic else None)

    async def _ask(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Told:
        if not self._configuration.admits(url):
            raise self._fault("names an endpoint elsewhere; MODELWARD_OIDC_HOSTS can allow its host")
        asked = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
        try:
            async with (
                asyncio.timeout(self._whole_seconds),
                httpx.AsyncClient(verify=self._configuration.trust, trust_env=False, timeout=_STEP_SECONDS) as client,
                client.stream(method, url, headers=asked, follow_redirects=False, **more) as response,
            ):
                return Told(response.status_code, self._object(response, await self._body(response)))
        except TimeoutError:
            raise self._fault("does not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            # Its own text may hold an address with what was asked.
            raise self._fault("cannot be reached, or is not trusted by its certificate") from None

    async def _body(self, response: httpx.Response) -> bytes:
        if response.is_redirect:
            raise self._fault("sends elsewhere (a redirect), and that is not followed")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._fault("answers in an encoding that was not asked for")
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > ANSWER_LIMIT_BYTES:
                raise self._fault(f"answers with more than {ANSWER_LIMIT_BYTES} bytes")
        return bytes(body)

    def _object(self, response: httpx.Response, body: bytes) -> dict[str, Any]:
        if response.status_code >= 500:
            raise self._fault(f"answers {response.status_code}")
        try:
            found = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            raise self._fault(f"answers {response.status_code} and no JSON") from None
        if not isinstance(found, dict):
            raise self._fault("answers with JSON that is no object")
        return found

    def _fault(self, what: str) -> ProviderUnavailableError:
        return unavailable(self._configuration, what)


def unavailable(configuration: Configuration, what: str) -> ProviderUnavailableError:
    """The failure of a provider that `what` happened to."""
    return ProviderUnavailableError(
        f"The sign-in provider {configuration.issuer} {what}. "
        "Try again in a minute, or sign in without it at /console/sign-in. What an administrator can look at is in "
        "docs/how-to/sign-in-oidc.md."
    )
