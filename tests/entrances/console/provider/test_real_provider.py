# SPDX-License-Identifier: Apache-2.0
"""The whole way through a certified provider that others wrote: npm's `oidc-provider`, by hand and in a real browser."""

import fcntl
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from entrances.console.conftest import words_of
from entrances.console.provider.conftest import ROLES, house_of, is_inside
from entrances.console.provider.misbehaving import CLIENT, SECRET
from modelward.app import open_platform
from modelward.settings import Settings

VERSION = "9.13.3"
CACHE = Path(__file__).parents[4] / ".cache" / "oidc-provider"
SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

if shutil.which("node") is None or shutil.which("npm") is None:
    pytest.skip(
        "NO NODE: nobody signs in by a provider that others wrote. Install it (Debian: apt-get install nodejs npm).",
        allow_module_level=True,
    )


@pytest.fixture(scope="module")
def installed() -> Path:
    """The folder that the package is installed in, once for all; beside the tree, not of it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = CACHE / f"installed-{VERSION}"
        if not done.exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefix", str(CACHE)]
            found = subprocess.run([*command, f"oidc-provider@{VERSION}"], capture_output=True, text=True, timeout=200, check=False)
            if found.returncode:
                pytest.skip(f"NO PROVIDER: npm cannot install oidc-provider {VERSION}: {found.stderr[-300:]}")
            done.touch()
    return CACHE


@contextmanager
def provider_for(installed: Path, console: str):
    """The provider, with that console as its one client; its address. It is another site than the console: `localhost`."""
    command = ["node", str(SCRIPT), str(installed), f"{console}/console/sign-in/provider/callback", SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            told = process.stdout.readline()
            assert told.startswith("listening "), told
            yield told.split()[1]
        finally:
            process.terminate()


@contextmanager
def free_address():
    """An address that nobody listens at. It is free until somebody takes it."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    yield address


def form_of(page: str) -> tuple[str, dict[str, str]]:
    action = re.search(r'<form[^>]+action="([^"]+)"', page)[1]
    return action, dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def through(client: httpx.Client, url: str, login: str, until: str) -> str:
    """Sign in and consent at the provider as a browser does; the address that it sends back to."""
    answer = client.get(url)
    for _ in range(12):
        if answer.is_redirect:
            there = urljoin(str(answer.url), answer.headers["location"])
            if there.startswith(until):
                return there
            answer = client.get(there)
            continue
        action, hidden = form_of(answer.text)
        fields = hidden | ({"login": login, "password": "any"} if 'name="login"' in answer.text else {})
        answer = client.post(urljoin(str(answer.url), action), data=fields)
    raise AssertionError(answer.text)


@pytest.mark.parametrize(
    ("login", "role"), [("ada+ml", "data-scientist"), ("olga+ops+nothing", "operator"), ("mallory+cooks", None)]
)
def test_a_person_of_the_provider_comes_in_by_what_it_says_of_them(installed, empty_home, tmp_path, login, role):
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    console = f"http://127.0.0.1:{bound.getsockname()[1]}"
    with provider_for(installed, console) as issuer, house_of(empty_home, tmp_path, issuer, bound=bound) as house:
        browser = house.browser()
        away = browser.get("/console/sign-in/provider").headers["location"]
        assert away.startswith(f"{issuer}/auth?")
        with httpx.Client(trust_env=False) as there:
            back = through(there, away, login, until=console)
        answer = browser.get(back)
        assert (answer.status_code, is_inside(browser)) == ((200, True) if role else (403, False))
        name = login.partition("+")[0]
        assert house.people().get(name) == role
        assert browser.get(back).status_code == 401, "an answer is taken once"
        if role:
            assert is_inside(browser), "and whoever is inside stays inside"
            assert house.events("session.opened")[-1].actor == f"person:{name}"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="NO CHROMIUM: nobody signs in with a browser. Debian: apt-get install chromium.")
def test_a_person_with_a_browser_goes_to_the_provider_and_comes_back_signed_in(installed, empty_home, tmp_path):
    from playwright.sync_api import sync_playwright

    home = Path(shutil.copytree(empty_home, tmp_path / ".modelward"))
    with (
        free_address() as console,
        provider_for(installed, console) as issuer,
        serving(home, console, issuer) as log,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        context = chromium.new_context(java_script_enabled=False)
        # The provider's own forms name a typeface of somebody else's; nobody else is asked.
        context.route("**", lambda route: route.continue_() if is_local(route.request.url) else route.abort())
        page, complaints = context.new_page(), []
        page.on("console", lambda told: complaints.append(told.text))
        addresses = []
        page.on("framenavigated", lambda frame: addresses.append(frame.url))

        page.goto(f"{console}/console/sign-in?lang=en")
        page.get_by_role("link", name="Sign in with Example Login").click()
        page.wait_for_url(f"{issuer}/**")
        page.fill("input[name=login]", "ada.lovelace+ml")
        page.fill("input[name=password]", "any")
        page.click("button[type=submit]")
        page.wait_for_selector("text=Authorize")
        page.click("button[type=submit]")
        page.wait_for_url(f"{console}/console/models")
        assert page.locator(".who .name").inner_text().split() == ["ada-lovelace", "data", "scientist"]
        assert [told for told in complaints if "Content Security Policy" in told and console in told] == []

        cookies = {cookie["name"]: cookie for cookie in context.cookies(f"{console}/console/sign-in/provider")}
        assert (cookies["modelward_session"]["sameSite"], cookies["modelward_session"]["httpOnly"]) == ("Strict", True)
        assert "modelward_sign_in" not in cookies
        page.go_back()
        assert "code=" not in page.url, "the way back does not lead to an answer that is spent"
        page.goto(f"{console}/console/models?lang=zh")
        page.get_by_role("button", name="退出").click()
        assert page.get_by_role("link", name="用 Example Login 登录").is_visible()
        context.close()
        chromium.close()

    codes = {found for url in addresses for found in re.findall(r"[?&](?:code|state)=([^&]+)", url)}
    told = log.read_text()
    assert [secret for secret in {SECRET, *codes} if secret in told] == []
    assert_nothing_is_kept(home, codes)


def is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:"))


def assert_nothing_is_kept(home: Path, codes: set[str]) -> None:
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert [secret for secret in {SECRET, *codes} if secret.encode() in kept] == []
    platform = open_platform(Settings(home=home))
    try:
        (opened,) = [each.entry for each in platform.ledger.entries(event="session.opened", limit=10)]
        assert (opened.actor, opened.facts["means"]) == ("person:ada-lovelace", "provider")
        assert platform.ledger.verify().is_sound
    finally:
        platform.close()


@contextmanager
def serving(home: Path, console: str, issuer: str):
    """`modelward serve` as a process of its own, told of the provider; the file of its log."""
    import os

    secret = home.parent / "client.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    told = {
        "ISSUER": issuer,
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET_FILE": str(secret),
        "CONSOLE_URL": console,
        "TITLE": "Example Login",
        "ROLES": ROLES,
    }
    environment = dict(os.environ) | {f"MODELWARD_OIDC_{name}": value for name, value in told.items()}
    command = [sys.executable, "-m", "modelward", "serve", "--home", str(home), "--port", console.rpartition(":")[2]]
    log = home.parent / "serve.log"
    with log.open("w") as written, subprocess.Popen(command, stdout=written, stderr=written, env=environment) as process:
        try:
            while not answers(console):
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            assert SECRET.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()
            assert SECRET.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
            yield log
        finally:
            process.terminate()


def answers(console: str) -> bool:
    try:
        return httpx.get(f"{console}/livez", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_page_for_people_shows_the_button_in_both_languages(empty_home, tmp_path):
    with house_of(empty_home, tmp_path, "https://login.example.org", oidc_title="") as house:
        for language, said in (("en", "Sign in with login.example.org"), ("zh", "用 login.example.org 登录")):
            assert said in words_of(house.browser().get(f"/console/sign-in?lang={language}").text)
