# SPDX-License-Identifier: Apache-2.0
"""A small sign-in provider over real HTTP with real keys, that can be told to misbehave in any way that a test thinks of."""

import json
import secrets
import socket
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "modelward", "client-secret-canary-7f3a"
RSA, OTHER_RSA, EC = RSAKey.generate_key(2048), RSAKey.generate_key(2048), ECKey.generate_key("P-256")


def segment(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def published(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", **more}


@dataclass
class Provider:
    """What it says, each part of which a test may change. `claims` overrides claims of the token; None takes one out."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "s-1", "preferred_username": "Ada.Lovelace", "groups": ["ml"]})
    userinfo: dict[str, Any] | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: RSA)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [published(RSA, "one"), published(EC, "two")])
    metadata: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str | None] = field(default_factory=dict)
    forged: Callable[[str, dict[str, Any], dict[str, Any]], str] | None = None
    instead: dict[str, Callable[[Request], Response]] = field(default_factory=dict)
    token_answer: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        routes = {
            "/.well-known/openid-configuration": self._describe,
            "/authorize": self._authorize,
            "/token": self._token,
            "/jwks": self._keys,
            "/userinfo": self._userinfo,
        }

        def endpoint(path: str, usual: Callable[..., Any]) -> Callable[..., Any]:
            async def answer(request: Request) -> Response:
                self.asked.append(path)
                body = await request.body()
                if path in self.instead:
                    return self.instead[path](request)
                return usual(request, body)

            return answer

        elsewhere = Route("/{path:path}", endpoint("elsewhere", lambda request, body: Response("?", 404)), methods=["GET", "POST"])
        return Starlette(routes=[*(Route(p, endpoint(p, u), methods=["GET", "POST"]) for p, u in routes.items()), elsewhere])

    def _describe(self, request: Request, body: bytes) -> Response:
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        if self.userinfo is not None:
            said["userinfo_endpoint"] = f"{self.url}/userinfo"
        return JSONResponse({name: value for name, value in (said | self.metadata).items() if value is not None})

    def _authorize(self, request: Request, body: bytes) -> Response:
        asked = dict(request.query_params)
        code = f"code-canary-{secrets.token_urlsafe(12)}"
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.url} | self.answer
        kept = {name: value for name, value in answer.items() if value is not None}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(kept)}", 303)

    def _token(self, request: Request, body: bytes) -> Response:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        user, _, password = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        if (user, password) != (CLIENT, SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form.get("code", ""), None)
        proof = segment(sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["code_challenge"] != proof or asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.tokens.append(self._id_token(asked["nonce"]))
        return JSONResponse(
            {"access_token": "at-canary-1", "token_type": "Bearer", "id_token": self.tokens[-1]} | self.token_answer
        )

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        said = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.person, **self.claims}
        claims = {name: value() if callable(value) else value for name, value in said.items() if value is not None}
        head = {"alg": "RS256" if isinstance(self.key, RSAKey) else "ES256", "kid": "one"} | self.header
        header = {name: value for name, value in head.items() if value is not None}
        if self.forged:
            return self.forged(self.url, header, claims)
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])

    def _keys(self, request: Request, body: bytes) -> Response:
        return JSONResponse({"keys": self.keys})

    def _userinfo(self, request: Request, body: bytes) -> Response:
        if request.headers.get("authorization") != "Bearer at-canary-1":
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.userinfo)


@contextmanager
def listening(app: Starlette, host: str = "127.0.0.1"):
    """The application on a port that the system chooses; its address."""
    opened = socket.socket()
    opened.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the provider did not start"
            time.sleep(0.01)
        yield f"http://{host}:{opened.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        opened.close()


@contextmanager
def running():
    """A provider that behaves until it is told otherwise."""
    provider = Provider()
    with listening(provider.app()) as provider.url:
        yield provider
