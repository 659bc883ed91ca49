# SPDX-License-Identifier: Apache-2.0
"""People and keys in a real browser: from the link to the password, the second factor, another person, and a key that ends."""

import os
import re
import time
from base64 import b32decode
from pathlib import Path

import httpx
import pytest

from entrances.console.test_browser import SPILLING, TOO_FAINT, Watched, address, chromium, home, invite, serving
from modelward.access import Role
from modelward.access.second_factor import STEP_SECONDS, code_at

__all__ = ["address", "chromium", "home", "serving"]  # what fixtures are named in the tests below
PASSWORD = "seven brass herons at dusk"
PICTURES = os.environ.get("PICTURES_OF_PEOPLE", "")


def code_of(secret: str, *, after: int = 0) -> tuple[str, int]:
    """A code that was not used, and its step; waits for the next one where this one's was."""
    while (step := int(time.time()) // STEP_SECONDS) <= after - 1:
        time.sleep(0.2)
    step = max(step, after)
    return code_at(b32decode(secret), step), step


def look(page, name: str) -> None:
    """Nothing spills, nothing is too faint; and a picture for who wants to look."""
    page.wait_for_load_state()
    assert page.evaluate(SPILLING) <= 0, name
    assert page.evaluate(TOO_FAINT) == [], name
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("who", "width", "scheme"), [("wide", 1280, "light"), ("narrow", 390, "dark")], ids=["wide and light", "narrow and dark"]
)
def test_a_person_goes_from_the_link_to_a_key_that_ends(chromium, address, home, who, width, scheme):
    window = Watched(chromium, java_script_enabled=True, viewport={"width": width, "height": 844}, color_scheme=scheme)
    page, name = window.page, f"grace-{who}"
    page.goto(f"{address}/console/sign-in?token={invite(home, Role.ADMINISTRATOR, name)}")
    look(page, f"{who}-1-link")
    page.get_by_label("A password of your own").fill(PASSWORD)
    page.get_by_label("The same once more").fill("Password1234!")
    page.get_by_role("button", name="Sign in").click()
    assert "not typed the same way twice" in page.get_by_role("alert").inner_text()
    for field in ("A password of your own", "The same once more"):
        page.get_by_label(field).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/models")

    page.goto(f"{address}/console/access/account")
    look(page, f"{who}-2-account")
    page.locator("summary", has_text="Set up a second factor").click()
    page.locator("#proof").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    secret = page.locator(".enrolment code").inner_text()
    assert page.locator("svg.qr").bounding_box()["width"] > 150
    look(page, f"{who}-3-picture")
    code, step = code_of(secret)
    page.locator("#confirmed").fill(code)
    page.get_by_role("button", name="Confirm").click()
    codes = page.locator(".codes").inner_text().split()
    assert len(codes) == 10
    look(page, f"{who}-4-recovery-codes")
    page.get_by_role("button", name="Sign out").click()

    look(page, f"{who}-5-sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").first.click()
    assert "not right" in page.get_by_role("alert").inner_text(), "the code was left out"
    look(page, f"{who}-6-refused")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Code").fill(codes[0] if who == "narrow" else code_of(secret, after=step + 1)[0])
    page.get_by_role("button", name="Sign in").first.click()
    page.wait_for_url("**/console/models")

    page.goto(f"{address}/console/access/people")
    page.get_by_label("Name").fill(f"olaf-{who}")
    page.get_by_label("Role").select_option("risk-officer")
    page.get_by_role("button", name="Add").click()
    link = page.locator(".once").inner_text()
    assert link.startswith(f"{address}/console/sign-in?token=mwi_")
    look(page, f"{who}-7-people")
    page.get_by_role("link", name=f"olaf-{who}").click()
    page.locator("summary", has_text="Another role").click()
    look(page, f"{who}-8-person")
    page.get_by_label("Role").select_option("auditor")
    page.get_by_role("button", name="Change the role").click()
    assert page.locator(".heading .chip").first.inner_text() == "auditor"

    page.goto(f"{address}/console/access/keys")
    page.get_by_label("Name of the service").fill(f"till-{who}")
    page.get_by_label("Models").fill("grant")
    page.get_by_label("Purpose").fill("the till")
    page.get_by_role("button", name="Make it").click()
    key = page.locator(".once").inner_text()
    look(page, f"{who}-9-key")
    with httpx.Client(base_url=address, trust_env=False, headers={"authorization": f"Bearer {key}"}) as till:
        assert till.get("/api/v1/whoami").json()["name"] == f"till-{who}"
        page.locator(f'summary[aria-label="End till-{who}"]').click()
        look(page, f"{who}-9-key-that-is-to-end")
        page.get_by_role("button", name=f"Revoke till-{who}").click()
        page.wait_for_url("**/console/access/keys")
        assert page.get_by_role("button", name=f"Revoke till-{who}").count() == 0
        assert till.get("/api/v1/whoami").status_code == 401
    page.goto(f"{address}/console/access/account?lang=zh")
    look(page, f"{who}-10-chinese")
    assert window.elsewhere(address) == []
    # What the browser advises to who writes pages is no complaint, nor what it says of the refusals above.
    assert [told for told in window.complaints if not re.search(r"\[DOM\]|status of 40[014]", told)] == []
    assert not any(word in url for url in window.requests for word in (PASSWORD, codes[0], "brass"))
    log = (home.parent / "serve.log").read_text()
    assert not any(word in log for word in (PASSWORD, secret, key, codes[0]))
    window.context.close()
