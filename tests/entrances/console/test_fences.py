# SPDX-License-Identifier: Apache-2.0
"""What keeps pages, signed files and secrets apart."""

import re

import pytest

from entrances.console.conftest import HTML, SVG
from modelward.access import Role

STRICT = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
PAGES = (
    "/sign-in?token=x",
    "/models",
    "/models/grant",
    "/models/grant/comparison.svg",
    "/models/grant/1",
    "/models/grant/3",
    "/models/grant/99",
    "/models/..%2f..",
    "/releases",
    "/releases/r-1",
    "/releases/r-99",
    "/ledger",
    "/ledger/checkpoint",
    "/ledger/key",
    "/receipts/req-unknown",
    "/static/console.css",
    "/static/..%2fpages.py",
    "/nowhere",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("is_inside", [True, False], ids=["inside", "outside"])
def test_every_answer_is_fenced_in(house, admin_visitor, path, is_inside):
    answer = (admin_visitor if is_inside else house.stranger()).get(path)
    assert answer.headers["content-security-policy"] == STRICT
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if "/static/" not in path:
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_forbids(admin_visitor, path):
    """The positive control of the policy: pages hold neither scripts nor styles of their own, nor anything from elsewhere."""
    answer = admin_visitor.get(path)
    if not answer.headers["content-type"].startswith("text/html"):
        return
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert all(place.startswith(("/console/", "?", "#")) for place in re.findall(r'(?:href|src|action)="([^"]*)"', answer.text))


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [("imported/evil.svg", "image/svg+xml", SVG), ("imported/evil.html", "text/html; charset=utf-8", HTML)],
)
def test_a_signed_file_with_a_script_in_it_is_shown_in_a_sandbox(admin_visitor, path, kind, content):
    answer = admin_visitor.get(f"/models/grant/2/files/{path}")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, content, kind)
    policy = answer.headers["content-security-policy"].split("; ")
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert not any(rule.startswith("script-src") or "unsafe-eval" in rule for rule in policy)


@pytest.mark.parametrize("path", ["trust_report.html", "trust_report.json", "README.md", "plots/quality.roc_curve.svg"])
def test_papers_are_shown_as_they_were_signed(house, admin_visitor, admin, path):
    version = house.platform.registry.find("grant:1", by=admin)
    answer = admin_visitor.get(f"/models/grant/1/files/{path}")
    assert answer.content == house.platform.registry.read(version, path)
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["model.onnx", "background.json", "training.json", "preparation.json", "MODEL.ONNX"])
def test_weights_and_rows_of_data_are_not_handed_out_by_a_browser(admin_visitor, path):
    answer = admin_visitor.get(f"/models/grant/1/files/{path}")
    assert answer.status_code == 403
    assert "modelward model export grant:1" in answer.text


@pytest.mark.parametrize("path", ["../../keys.json.md", "%2e%2e/%2e%2e/keys.md", "/etc/passwd.md", "nowhere.md", "a%00.md"])
def test_no_path_leads_out_of_a_signed_directory(admin_visitor, path):
    answer = admin_visitor.get(f"/models/grant/1/files/{path}")
    assert answer.status_code in {403, 404}
    assert "root:" not in answer.text


def test_a_card_can_neither_act_nor_fetch(admin_visitor):
    page = admin_visitor.get("/models/grant/2").text
    card = page.partition('id="card"')[2].partition("</details>")[0]
    assert "Look" in card, "the card is shown"
    assert "<td>1</td>" in card
    assert not re.search(r"<script|<img|<a |href=", card)
    assert "&lt;script&gt;" in card


def test_static_files_are_kept_for_ever_under_an_address_that_changes_with_them(house):
    page = house.stranger().get("/sign-in").text
    address = re.search(r'href="/console(/static/console\.css\?v=[0-9a-f]{12})"', page).group(1)
    stranger = house.stranger()
    assert "immutable" in stranger.get(address).headers["cache-control"]
    assert stranger.get("/static/console.css?v=000000000000").headers["cache-control"] == "no-cache"
    assert stranger.get("/static/nowhere.css").status_code == 404


def test_a_fault_nobody_meant_shows_nothing_of_its_cause(own_house, monkeypatch):
    visitor = own_house.visitor(Role.ADMINISTRATOR)

    def fail(**_asked):
        raise ZeroDivisionError("Ada Example, 3 Mill Lane")

    monkeypatch.setattr(own_house.platform.registry, "models", fail)
    answer = visitor.get("/models")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "Mill Lane" not in answer.text
    assert answer.headers["content-security-policy"] == STRICT
