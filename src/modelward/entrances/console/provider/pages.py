# SPDX-License-Identifier: Apache-2.0
"""Going to the sign-in provider, and coming back from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import BEGUN_SECONDS
from modelward.entrances.console.provider.issuer import Issuer
from modelward.entrances.console.session import COOKIE, COOKIE_PATH, forget, remember
from modelward.entrances.console.visit import HOME, SIGN_IN, Visit
from modelward.errors import InvalidError, ModelwardError

if TYPE_CHECKING:
    from modelward.access import SignedIn

KEEPSAKE: Final = "modelward_sign_in"
KEEPSAKE_PATH: Final = f"{COOKIE_PATH}/sign-in/provider"
_ANSWERED: Final = ("state", "code", "iss", "error")


class AnswerError(InvalidError):
    """What the provider sent the browser back with cannot be read."""


class ProviderPages:
    """The two pages of a sign-in by a provider."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    async def go(self, visit: Visit) -> Response:
        """Send the browser to the provider. What it keeps meanwhile comes back with it, though it comes back from another site."""
        begun = await run_in_threadpool(visit.platform.identities.begin)
        response = RedirectResponse(await self._issuer.address(begun), 303)
        remember(
            response,
            KEEPSAKE,
            begun.keepsake,
            seconds=BEGUN_SECONDS,
            request=visit.request,
            path=KEEPSAKE_PATH,
            samesite="lax",
        )
        return response

    async def come_back(self, visit: Visit) -> Response:
        """Open a session for whom the provider vouches for. Whatever comes of it, what the browser kept is of no more use.

        The session's cookie does not go with a way that began at another site, so the answer is a page that leads on by itself.
        """
        visit.other_page = SIGN_IN
        try:
            signed_in = await self._signed_in(visit)
        except ModelwardError as error:
            visit.request.state.fault = error
            response = visit.failure(error)
        else:
            response = visit.page("signed-in.html", home=HOME)
            seconds = visit.platform.settings.session_seconds
            remember(response, COOKIE, signed_in.session, seconds=seconds, request=visit.request)
        forget(response, KEEPSAKE, path=KEEPSAKE_PATH, samesite="lax")
        return response

    async def _signed_in(self, visit: Visit) -> SignedIn:
        identities, answer = visit.platform.identities, _answer(visit)
        keepsake = visit.request.cookies.get(KEEPSAKE, "")
        begun = await run_in_threadpool(identities.begun, keepsake, state=answer.get("state", ""))
        identity = await self._issuer.identity(answer, begun)
        return await run_in_threadpool(identities.sign_in, identity, begun=begun)


def _answer(visit: Visit) -> Mapping[str, str]:
    asked = visit.request.query_params
    if any(len(asked.getlist(name)) > 1 for name in _ANSWERED):
        raise AnswerError(
            "The sign-in provider's answer says something twice. Nobody was signed in. Begin again at /console/sign-in."
        )
    return {name: asked[name] for name in _ANSWERED if name in asked}
