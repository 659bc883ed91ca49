# SPDX-License-Identifier: Apache-2.0
"""A person with a real browser, from the one-time link to the receipt."""

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from entrances.console.conftest import opened, tamper
from modelward.access import Role, local_actor
from modelward.app import open_platform
from modelward.audit import verify_receipt
from modelward.settings import Settings

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip(
        "NO CHROMIUM: nobody looks at the console in a browser. Install one (Debian: apt-get install chromium).",
        allow_module_level=True,
    )
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = (
    "/sign-in",
    "/models",
    "/models/grant",
    "/models/grant/1",
    "/models/grant/2",
    "/models/grant/3",
    "/models/grant/1/report",
    "/data",
    "/data/people",
    "/runs",
    "/runs/RUN",
    "/releases",
    "/ledger",
    "/data/people/trace",
    "/data/people/shred",
    "/access",
    "/access/tenants",
    "/access/terms",
    "/access/captures",
    "/access/policies",
    "/access/policies/built-in",
    "/access/why",
    "/access/security",
    "/access/keyring",
    "/access/emergencies",
    "/access/people",
    "/access/people/admin",
    "/access/keys",
    "/access/account",
    "/nowhere",
)
# Every piece of text against what lies behind it: WCAG 2.2, 1.4.3 (AA).
TOO_FAINT = """() => {
  const parts = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const behind = node => { for (; node; node = node.parentElement) {
    const colour = parts(getComputedStyle(node).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour; } return [255, 255, 255]; };
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const holder = node.parentElement, style = getComputedStyle(holder);
    if (!node.textContent.trim() || !holder.getClientRects().length || holder.closest('.hidden, .skip')) continue;
    const [above, below] = [light(parts(style.color)), light(behind(holder))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (above + .05) / (below + .05);
    if (ratio < (isLarge ? 3 : 4.5)) found.push([node.textContent.trim().slice(0, 40), style.color, ratio.toFixed(2)]);
  }
  return found;
}"""
# What takes the focus of a keyboard: radio buttons of one name take it together.
CONTROLS = """() => { const names = new Set(); return [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
  .filter(node => !node.disabled && node.checkVisibility({ visibilityProperty: true }))
  .filter(node => node.type !== 'radio' || !names.has(node.name) && names.add(node.name))
  .map((node, at) => { node.dataset.place = at; return node; }).length; }"""
FOCUSED = """() => { const now = document.activeElement, style = getComputedStyle(now);
  return [now.className || now.name || now.textContent.trim() || now.ariaLabel || now.tagName, now.dataset.place || 'none',
    style.outlineStyle, parseFloat(style.outlineWidth)]; }"""
OPEN_ALL = "() => document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
SPILLING = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def serving(home: Path):
    """`modelward serve` over a home, as a process of its own; its address."""
    command = [sys.executable, "-m", "modelward", "serve", "--home", str(home), "--port", "0"]
    with (home.parent / "serve.log").open("w+") as told, subprocess.Popen(command, stdout=told, stderr=told) as process:
        try:
            yield _address(home.parent / "serve.log", process)
        finally:
            process.terminate()


def _address(log: Path, process: subprocess.Popen) -> str:
    while process.poll() is None:
        if found := re.search(r"http://[\d.]+:\d+", re.sub(r"\s*\n\s*", " ", log.read_text())):
            with httpx.Client(trust_env=False) as client:
                try:
                    client.get(f"{found.group(0)}/livez")
                except httpx.TransportError:
                    continue
            return found.group(0)
    raise AssertionError(log.read_text())


def invite(home: Path, role: Role, name: str) -> str:
    platform = open_platform(Settings(home=home))
    try:
        return platform.access.add_user(name, role=role, by=local_actor()).token
    finally:
        platform.close()


@pytest.fixture(scope="module")
def home(built, tmp_path_factory) -> Path:
    return Path(shutil.copytree(built, tmp_path_factory.mktemp("browser") / ".modelward"))


@pytest.fixture(scope="module")
def address(home):
    with serving(home) as found:
        yield found


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


class Watched:
    """A browser window whose every request and complaint is noted."""

    def __init__(self, chromium, **options) -> None:
        self.context = chromium.new_context(locale="en-GB", **options)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.stopped: list[str] = []
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("requestfailed", lambda request: self.stopped.append(request.url) if request.failure == "csp" else None)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def elsewhere(self, address: str) -> list[str]:
        """Requests that left for anywhere but the console, or the site's picture that browsers ask for by themselves."""
        here = urlsplit(address)
        return [
            url
            for url in self.requests
            if url not in self.stopped
            if urlsplit(url)[:2] != here[:2] or not urlsplit(url).path.startswith(("/console", "/favicon.ico"))
        ]


@pytest.fixture(scope="module")
def officer(chromium, address, home):
    """Somebody who may look at everything, signed in, with scripts allowed: there are none."""
    window = Watched(chromium, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    window.page.goto(f"{address}/console/sign-in?token={invite(home, Role.ADMINISTRATOR, 'ada')}")
    window.page.click("main button")
    window.page.wait_for_url("**/console/models")
    yield window
    window.context.close()


def test_a_person_without_scripts_goes_from_the_link_to_the_receipt(chromium, address, home, tmp_path):
    window = Watched(chromium, java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = window.page
    page.goto(f"{address}/console/sign-in?token={invite(home, Role.ADMINISTRATOR, 'grace')}")
    page.get_by_role("button", name="Sign in").click()
    assert urlsplit(page.url)[2:] == ("/console/models", "", "")
    page.get_by_role("link", name="grant:1").click()
    assert page.get_by_role("heading", level=1).inner_text() == "grant:1"

    page.get_by_label("age", exact=True).fill("71.0625")
    page.get_by_label("hours").fill("48")
    page.get_by_label("town", exact=True).select_option("north")
    page.get_by_role("button", name="Predict and explain").click()
    outcome = page.locator("#outcome")
    assert outcome.locator(".answer").inner_text() == "yes"
    assert outcome.locator(".signed li").count() == 4
    assert "71.0625" in outcome.locator(".signed").inner_text()
    assert page.get_by_label("age", exact=True).input_value() == "71.0625", "the form is still filled in"

    request = outcome.locator(".record .mono").inner_text()
    with page.expect_download() as download:
        outcome.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "answer.tlog-proof")
    with page.expect_download() as download:
        outcome.get_by_role("link", name="public key").click()
    download.value.save_as(tmp_path / "key.txt")
    receipt = verify_receipt((tmp_path / "answer.tlog-proof").read_text(), public_key=(tmp_path / "key.txt").read_text().strip())
    assert (receipt.entry.event, receipt.entry.request) == ("inference.answered", request)
    assert receipt.entry.actor == "person:grace"

    outcome.locator(".record").get_by_role("link").first.click()
    assert page.locator("tbody tr").count() == 1
    assert "inference.answered" in page.locator("tbody tr").inner_text()
    assert "sound" in page.locator("#verification").get_attribute("class")
    assert "Sound" in page.locator("#verification").inner_text()

    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{address}/console/ledger")
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
    assert window.elsewhere(address) == []
    assert not any("71.0625" in url for url in window.requests)
    assert "71.0625" not in (home.parent / "serve.log").read_text()
    window.context.close()


def test_a_tampered_copy_of_the_home_shows_which_entry_was_changed(chromium, home, tmp_path):
    with opened(home, tmp_path) as house:
        window = Watched(chromium)
        page = window.page
        page.goto(f"{house.url}/console/sign-in?token={house.token(Role.AUDITOR)}")
        page.click("main button")
        tamper(house, "update ledger_entries set entry = replace(entry, 'person:', 'person;') where idx = 9")
        page.goto(f"{house.url}/console/ledger")
        badge = page.locator("#verification")
        assert "broken" in badge.get_attribute("class")
        assert "Entry 9 was changed" in badge.inner_text()
        badge.get_by_role("link", name="Show it").click()
        assert page.locator("tbody tr").first.get_attribute("class") == "faulty"
        assert page.locator("tr.faulty th").all_inner_texts() == ["9"]
        window.context.close()


@pytest.fixture(scope="module")
def pages(home):
    """The path of every page, that of the run there is among them."""
    platform = open_platform(Settings(home=home))
    try:
        (run,) = platform.training.runs(by=local_actor())
    finally:
        platform.close()
    return [path.replace("RUN", run.id) for path in PAGES]


def test_no_page_asks_for_anything_from_elsewhere_or_breaks_its_own_policy(officer, address, pages):
    officer.complaints.clear()
    for path in pages:
        officer.page.goto(f"{address}/console{path}")
        officer.page.evaluate(OPEN_ALL)
    assert [told for told in officer.complaints if "404 (Not Found)" not in told] == []
    assert officer.elsewhere(address) == []


def test_the_policy_would_have_been_heard_of(officer, address):
    """The positive control: what the policy forbids is refused, and the browser says so."""
    officer.page.goto(f"{address}/console/models")
    officer.complaints.clear()
    officer.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\"><img src=\"http://127.0.0.1:9/x.png\">')"
    )
    officer.page.wait_for_timeout(200)
    said = " ".join(told for told in officer.complaints if "Content Security Policy" in told)
    assert "style-src 'self'" in said
    assert "img-src 'self'" in said


def test_plots_are_pictures_that_keep_their_styles(officer, address):
    officer.page.goto(f"{address}/console/models/grant/1")
    widths = officer.page.locator("figure img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert len(widths) >= 3
    assert min(widths) > 100
    plot = officer.page.locator("figure a").first.get_attribute("href")
    officer.complaints.clear()
    officer.page.goto(f"{address}{plot}")
    assert officer.page.evaluate("() => getComputedStyle(document.querySelector('text')).fontFamily") != ""
    assert [told for told in officer.complaints if "style" in told] == []


@pytest.mark.parametrize("file", ["evil.svg", "evil.html"])
def test_a_script_in_a_signed_file_does_not_run(officer, address, file):
    officer.requests.clear()
    officer.complaints.clear()
    officer.page.goto(f"{address}/console/models/grant/2/files/imported/{file}")
    officer.page.wait_for_timeout(300)
    assert "plain" in officer.page.content()
    assert officer.page.title() != "owned"
    assert officer.page.evaluate("() => self.origin") == "null", "it is not of our origin, and reaches no cookie of ours"
    assert officer.elsewhere(address) == []
    assert not any(url.endswith("/console/ledger") for url in officer.requests)
    assert officer.complaints, "the browser says what it refused"


def test_the_whole_report_is_readable_in_its_sandbox(officer, address):
    officer.complaints.clear()
    officer.page.goto(f"{address}/console/models/grant/1/files/trust_report.html")
    assert "grant:1" in officer.page.locator("h1").inner_text()
    assert min(officer.page.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")) > 100
    assert officer.complaints == []


def test_on_a_phone_each_row_of_the_report_is_a_card_and_nothing_is_scrolled_sideways(officer, address):
    officer.page.set_viewport_size({"width": 390, "height": 900})
    officer.page.goto(f"{address}/console/models/grant/1/report")
    officer.page.evaluate(OPEN_ALL)
    hidden = "boxes => boxes.map(box => box.scrollWidth - box.clientWidth)"
    assert max(officer.page.locator(".sheet").evaluate_all(hidden)) <= 0
    officer.page.set_viewport_size({"width": 1280, "height": 900})
    assert max(officer.page.locator(".sheet:not(.groups)").evaluate_all(hidden)) <= 0, "at a desk no column is cut, either"


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "zh")])
def test_every_text_stands_out_and_nothing_spills(officer, address, pages, scheme, language):
    page = officer.page
    page.emulate_media(color_scheme=scheme)
    for path in pages:
        page.goto(f"{address}/console{path}?lang={language}")
        page.evaluate(OPEN_ALL)
        for width in (390, 800, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(SPILLING) <= 0, (path, width)
        assert page.evaluate(TOO_FAINT) == [], path


def test_a_text_too_faint_would_have_been_seen(officer, address):
    officer.page.emulate_media(color_scheme="light")
    officer.page.goto(f"{address}/console/models?lang=en")
    officer.page.evaluate("() => { document.querySelector('h1').style.color = '#bbb'; }")
    assert [text for text, *_ in officer.page.evaluate(TOO_FAINT)] == ["Models"]


def test_everything_can_be_reached_by_keyboard_and_is_seen_when_reached(officer, address, pages):
    page = officer.page
    for path in pages:
        page.goto(f"{address}/console{path}?lang=en")
        waiting = page.evaluate(CONTROLS)
        assert waiting > 0, path
        reached = []
        for _ in range(waiting + 1):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(FOCUSED))
        # A report is a paper of its own, with nothing before it.
        assert reached[0][0] == "skip" or path.endswith("/report"), path
        assert len({place for _, place, _, _ in reached} - {"none"}) == waiting, path
        assert all(style != "none" and width >= 2 for _, _, style, width in reached[:waiting]), (path, reached)
