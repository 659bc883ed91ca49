# SPDX-License-Identifier: Apache-2.0
"""A house whose people sign in by a provider, and the way there and back with a browser that has no scripts."""

import shutil
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from entrances.console.provider.misbehaving import CLIENT, SECRET, running
from modelward.access import local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.entrances.console import console_routes
from modelward.settings import Settings

ROLES = "cn=officers,ou=groups=risk-officer; ml=data-scientist; ops=operator"


@dataclass
class House:
    platform: Platform
    url: str
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self) -> httpx.Client:
        self.browsers.append(httpx.Client(base_url=self.url, timeout=30, trust_env=False))
        return self.browsers[-1]

    def events(self, event: str = ""):
        """Oldest first."""
        found = self.platform.ledger.entries(event=event, limit=1000)
        return [each.entry for each in sorted(found, key=lambda each: each.index)]

    def people(self):
        return {user.name: user.role.value for user in self.platform.access.users(by=local_actor()) if not user.removed}


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("provider") / ".modelward"
    create_home(Settings(home=home))
    return home


@contextmanager
def house_of(empty_home: Path, folder: Path, issuer: str, *, bound: socket.socket | None = None, **more):
    """A console on a port of its own, whose people come by that issuer."""
    home = Path(shutil.copytree(empty_home, folder / ".modelward"))
    secret = folder / "client.secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{SECRET}\n")
    if bound is None:
        bound = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    given = {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret_file": str(secret), "oidc_console_url": url}
    settings = Settings(home=home, **(given | {"oidc_roles": ROLES, "oidc_title": "House Login"} | more))
    platform = open_platform(settings)
    gateway = platform.serving.gateway()

    @asynccontextmanager
    async def lifespan(_app):
        async with gateway:
            yield

    app = Starlette(routes=console_routes(platform, gateway), lifespan=lifespan)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the console did not start"
            time.sleep(0.01)
        house = House(platform, url)
        try:
            yield house
        finally:
            for browser in house.browsers:
                browser.close()
    finally:
        server.should_exit = True
        thread.join()
        bound.close()
        platform.close()


@pytest.fixture
def provider():
    with running() as found:
        yield found


@pytest.fixture
def house(empty_home, tmp_path, provider):
    with house_of(empty_home, tmp_path, provider.url) as found:
        yield found


def go(house, browser: httpx.Client) -> str:
    """Press the button and sign in at the provider; the address that it sends the browser back to."""
    away = browser.get("/console/sign-in/provider")
    assert away.status_code == 303, away.text
    back = httpx.get(away.headers["location"], trust_env=False)
    assert back.status_code == 303, back.text
    return back.headers["location"]


def sign_in(house, browser: httpx.Client) -> httpx.Response:
    return browser.get(go(house, browser))


def is_inside(browser: httpx.Client) -> bool:
    return browser.get("/console/models").status_code == 200
