# SPDX-License-Identifier: Apache-2.0
"""A small house with real models, one of them live, and visitors to its console. Nothing is faked."""

import re
import shutil
import socket
import sqlite3
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from modelward.access import Role, local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.audit import Event
from modelward.entrances.console import console_routes
from modelward.settings import Settings
from modelward.training import parse_spec
from training.house import people

SPEC = """
model: grant
purpose: pre-screening of grant applications
owner: social-affairs
data:
  dataset: people
  target: grant
  sensitive: [town]
  split: {by: stratified, test: 0.3, validation: 0.1, seed: 7}
candidates: [naive-bayes, logistic-regression, decision-tree]
"""
POLICY = """
name: grants
approvals: 1
rules:
  - rule: signed
  - rule: purpose-declared
"""
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=\'owned\'"><script>document.title="owned";'
    b'fetch("/console/ledger")</script><text y="20">plain</text></svg>'
)
HTML = (
    b'<!doctype html><title>calm</title><body onload="document.title=\'owned\'"><script>document.title="owned";'
    b'fetch("/console/ledger")</script><form action="/console/sign-out" method="post"><button>press</button></form>'
    b'<img src="http://127.0.0.1:9/outside.png">plain'
)
CARD = (
    b"# grant:2\n\n## Look\n\n<script>document.title='owned'</script>\n\n[press](javascript:alert(1)) "
    b"![spy](http://127.0.0.1:9/spy.png)\n\n| a | b |\n| - | - |\n| 1 | 2 |\n"
)
PAPERS_ATTACHED = Event("test.papers-attached", "A test put papers beside a version.")
SAID = {"purpose": "pre-screening of grant applications", "owner": "social-affairs"}
ROW = {"f0": "44", "f1": "38.5", "f2": "north", "f3": "true"}


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A home with three versions: the first live, the second with hostile papers, the third trained and nothing else."""
    home = tmp_path_factory.mktemp("console") / ".modelward"
    settings = Settings(home=home, training_isolation="none")
    create_home(settings)
    platform, by = open_platform(settings), local_actor()
    table = home.parent / "people.csv"
    table.write_text(people(400))
    platform.datasets.add("people", [table], target="grant", sensitive=("town",), by=by, **SAID)
    platform.training.train(parse_spec(SPEC), by=by)
    for name in ("grant:1", "grant:2"):
        platform.assessment.assess(name, by=by)
    version, registry = platform.registry.find("grant:2", by=by), platform.registry
    added = {file.path for file in registry.dossier(version).files} - {file.path for file in version.files}
    papers = {path: registry.read(version, path) for path in added - {"README.md", "public-key.pem"}}
    hostile = {"imported/evil.svg": SVG, "imported/evil.html": HTML, "README.md": CARD}
    registry.attach(version, papers | hostile, event=PAPERS_ATTACHED, facts={}, by=by)
    platform.releases.policies.put(POLICY, by=by)
    release = platform.releases.propose("grant:1", policy="grants", by=by)
    platform.releases.approve(release.id, reason="fit for the purpose", by=_officer())
    platform.releases.promote(release.id, by=by)
    platform.close()
    return home


def _officer():
    from modelward.access import Actor

    return Actor(id="person:olga", name="olga", role=Role.RISK_OFFICER)


@dataclass
class House:
    """A home of one's own, and the console over it."""

    platform: Platform
    app: Starlette
    url: str
    _names: list[str] = field(default_factory=list)
    _clients: list[httpx.Client] = field(default_factory=list)

    def token(self, role: Role, name: str = "") -> str:
        """The one-time token of a new person."""
        name = name or f"{role.value}-{len(self._names)}"
        self._names.append(name)
        return self.platform.access.add_user(name, role=role, by=local_actor()).token

    def stranger(self) -> "Visitor":
        """Somebody with a browser and nothing else."""
        self._clients.append(httpx.Client(base_url=self.url, timeout=60, trust_env=False))
        return Visitor(self._clients[-1])

    def close(self) -> None:
        """Every visitor leaves."""
        for client in self._clients:
            client.close()

    def visitor(self, role: Role, name: str = "") -> "Visitor":
        """Somebody who signed in."""
        visitor = self.stranger()
        answer = visitor.sign_in(self.token(role, name))
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/models")
        return visitor

    def entries(self, event: str = "", request: str = ""):
        return self.platform.ledger.entries(event=event, request=request, limit=1000)


class Visitor:
    """A browser without JavaScript: it keeps cookies, and sends back the hidden fields of the form it was shown."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, **options):
        return self.client.get(f"/console{path}", **options)

    def post(self, path: str, fields: dict[str, str], *, shown_at: str = "", forged: bool = False):
        """Send a form; without `forged`, with the token that the page at `shown_at` carries."""
        hidden = {} if forged else {"csrf": csrf_in(self.get(shown_at or path).text)}
        return self.client.post(f"/console{path}", data=hidden | fields)

    def sign_in(self, token: str):
        return self.post("/sign-in", {"token": token}, shown_at=f"/sign-in?token={token}")


def csrf_in(page: str) -> str:
    found = re.findall(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found, page
    return found[-1]


def words_of(page: str) -> str:
    """The text that a page shows."""
    page = re.sub(r"<(style|svg)[ >].*?</\1>", " ", page, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def tamper(house, statement: str) -> None:
    """Change a row behind the ledger's back, with the triggers that would refuse it taken away."""
    connection = sqlite3.connect(house.platform.settings.home / "modelward.db")
    with connection:
        for (trigger,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {trigger}")
        assert connection.execute(statement).rowcount > 0
    connection.close()


@contextmanager
def opened(built: Path, folder: Path):
    """A house over a copy of the built home."""
    home = folder / ".modelward"
    shutil.copytree(built, home)
    platform = open_platform(Settings(home=home))
    gateway = platform.serving.gateway()

    @asynccontextmanager
    async def lifespan(_app):
        async with gateway:
            yield

    app = Starlette(routes=console_routes(platform, gateway), lifespan=lifespan)
    with served(app) as url:
        house = House(platform, app, url)
        yield house
        house.close()
    platform.close()


@contextmanager
def served(app: Starlette):
    """The application on a port of its own, in a thread; its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def house(built, tmp_path_factory):
    """One house for all tests of a module; they must not mind each other's visitors."""
    with opened(built, tmp_path_factory.mktemp("house")) as found:
        yield found


@pytest.fixture
def own_house(built, tmp_path):
    """A house that a test may damage."""
    with opened(built, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def admin_visitor(house):
    return house.visitor(Role.ADMINISTRATOR)
