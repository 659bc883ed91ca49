# SPDX-License-Identifier: Apache-2.0
"""What the pages show, and to whom."""

import json
import re
from html import unescape
from itertools import pairwise

import pytest

from entrances.console.conftest import ROW, words_of
from modelward import errors
from modelward.access import PERMISSIONS_OF, Permission, Role, local_actor
from modelward.audit import verify_receipt
from modelward.entrances.console import shelf_page
from modelward.entrances.console.visit import TITLES
from modelward.errors import ModelwardError


def row_of(page: str, name: str) -> str:
    return next(row for row in re.findall(r"<tr.*?</tr>", page, re.S) if f">{name}<" in row)


def test_the_shelf_marks_the_live_version_and_says_what_was_measured(admin_visitor):
    page = admin_visitor.get("/models").text
    live, unmeasured = row_of(page, "grant:1"), row_of(page, "grant:3")
    assert "chosen" in live
    assert re.search(r'<span class="chip live">live</span>', live)
    assert re.search(r"0\.\d{4}", live)
    assert "not assessed" in unmeasured
    assert "chosen" not in unmeasured


def test_the_list_of_all_models_is_short_and_never_without_the_live_version(admin_visitor, monkeypatch):
    monkeypatch.setattr(shelf_page, "NEWEST_SHOWN", 1)
    page = admin_visitor.get("/models").text
    assert re.findall(r">(grant:\d)</a>", page) == ["grant:3", "grant:1"]
    assert "All 3 versions" in page
    assert re.findall(r">(grant:\d)</a>", admin_visitor.get("/models/grant").text) == ["grant:3", "grant:2", "grant:1"]


def test_a_version_shows_what_failed_first(house, admin_visitor):
    page = admin_visitor.get("/models/grant/1").text
    judged = page.partition('class="judged')[2].partition("</table>")[0]
    verdicts = re.findall(r'<tr class="([a-z-]+)">', judged)
    order = ["failed", "not-measurable", "passed"]
    assert verdicts == sorted(verdicts, key=order.index)
    assert {"failed", "passed"} <= set(verdicts)
    assert "ROC AUC" in judged
    assert page.count("<figure") == len(house.platform.assessment.report("grant:1", by=local_actor()).plots) >= 3


def test_versions_of_a_model_are_held_against_each_other(admin_visitor):
    page = admin_visitor.get("/models/grant").text
    assert "Take grant:" in page
    assert page.count(">recommended</span>") == 1
    assert re.search(r'data-label="Behind the best">[0-9.]+<span class="under">-?[0-9.]+ – [0-9.]+</span>', page)
    picture = admin_visitor.get("/models/grant/comparison.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert b"</svg>" in picture.content


def test_looking_at_a_comparison_assesses_nothing(house, admin_visitor):
    before = len(house.entries())
    admin_visitor.get("/models/grant")
    assert len(house.entries()) == before
    assert "not assessed" in row_of(admin_visitor.get("/models").text, "grant:3")


def test_an_answer_comes_with_its_reasons_and_its_record(house, admin_visitor):
    page = admin_visitor.post("/models/grant/1", ROW).text
    shown = page.partition('id="outcome"')[2].partition("</section>")[0]
    assert re.search(r'<p class="answer">(yes|no)</p>', shown)
    assert all(feature in words_of(shown) for feature in ("age", "hours", "town", "member", "North".lower()))
    request = re.search(r"req-[0-9a-f]{32}", shown).group(0)
    (logged,) = house.entries(request=request)
    assert (logged.entry.event, logged.entry.subject) == ("inference.answered", "grant:1")
    assert logged.entry.actor.startswith("person:administrator")
    assert f">{logged.index}</a>" in shown


def test_an_answer_to_what_training_never_saw_says_so_in_both_languages(admin_visitor):
    assert 'id="unfamiliar"' not in admin_visitor.post("/models/grant/1", ROW).text
    strange = ROW | {"f0": "130", "f2": "Hintertupfingen"}
    page = words_of(admin_visitor.post("/models/grant/1", strange).text)
    assert "Training never saw such a value of: age, town. Check it" in page
    admin_visitor.get("/models?lang=zh")
    assert "训练中从未出现过这样的值：age, town。" in words_of(admin_visitor.post("/models/grant/1", strange).text)
    admin_visitor.get("/models?lang=en")


def test_the_receipt_confirms_the_two_texts_that_the_page_shows(house, admin_visitor):
    page = admin_visitor.post("/models/grant/1", ROW).text
    request = re.search(r"/console/receipts/(req-[0-9a-f]{32})", page).group(1)
    asked, answered = (unescape(text).encode() for text in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)[:2])
    download = admin_visitor.get(f"/receipts/{request}")
    assert f'filename="{request}.tlog-proof"' in download.headers["content-disposition"]
    assert json.loads(asked) == {"rows": [{"age": 44.0, "hours": 38.5, "town": "north", "member": "true"}]}, "as a program asks"
    receipt = verify_receipt(download.text, public_key=admin_visitor.get("/ledger/key").text.strip())
    assert receipt.confirms(asked, "input")
    assert receipt.confirms(answered, "output")
    assert not receipt.confirms(asked + b" ", "input")


def test_the_checkpoint_is_given_to_keep_and_the_ledger_extends_it(house, admin_visitor):
    assert 'href="/console/ledger/checkpoint"' in admin_visitor.get("/ledger").text
    kept = admin_visitor.get("/ledger/checkpoint")
    size = int(kept.text.splitlines()[1])
    assert f'filename="ledger-{size}.checkpoint"' in kept.headers["content-disposition"]
    admin_visitor.post("/models/grant/1", ROW)
    assert house.platform.auditing.verify_since(kept.text, by=local_actor()).size > size


def test_nothing_that_was_typed_is_kept_or_in_an_address(house, admin_visitor, caplog):
    typed = ROW | {"f0": "47.8731", "f2": "Hintertupfingen"}
    answer = admin_visitor.post("/models/grant/1", typed)
    assert answer.status_code == 200
    for place in re.findall(r'(?:href|src|action)="([^"]*)"', answer.text):
        assert "47.8731" not in place
        assert "Hintertupfingen" not in place
    assert all("Hintertupfingen" not in str(entry) and "47.8731" not in str(entry) for entry in house.entries())
    for file in house.platform.settings.home.rglob("*"):
        if file.is_file():
            assert b"Hintertupfingen" not in file.read_bytes(), file
    assert "Hintertupfingen" not in caplog.text


def test_a_missing_value_is_taken_where_the_model_fills_it_in(admin_visitor):
    answer = admin_visitor.post("/models/grant/1", ROW | {"f1": "", "f2": ""})
    assert answer.status_code == 200
    assert "missing" in words_of(answer.text.partition('id="outcome"')[2])


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_the_sections_and_forms_it_may_use(house, role):
    visitor, allowed = house.visitor(role), PERMISSIONS_OF[role]
    page = visitor.get("/models/grant/1").text
    sections = re.findall(r'<a href="/console/(models|releases|ledger)"(?: aria-current="page")?>[A-Z]', page.partition("<main")[0])
    needed = {"models": Permission.MODELS_READ, "releases": Permission.RELEASES_READ, "ledger": Permission.AUDIT_READ}
    assert sections == [section for section, permission in needed.items() if permission in allowed]
    for section, permission in needed.items():
        assert visitor.get(f"/{section}").status_code == (200 if permission in allowed else 403)
    assert ("Predict and explain" in page) is (Permission.MODELS_PREDICT in allowed)
    answer = visitor.post("/models/grant/1", ROW)
    assert answer.status_code == (200 if Permission.MODELS_PREDICT in allowed else 403)
    assert ("Propose it" in visitor.get("/models/grant/3").text) is (Permission.RELEASES_PROPOSE in allowed)


@pytest.mark.parametrize("role", Role)
def test_the_page_of_roles_shows_the_table_of_permissions_to_everybody(house, role):
    page = house.visitor(role).get("/access").text
    table = page.partition("<h2>")[2]
    for permission in Permission:
        row = table.partition(f">{permission.value}<")[2].partition("</tr>")[0]
        holders = row.partition('class="holders"')[2].partition("</td>")[0]
        named = re.findall(r"<span>(?:<strong>)?([a-z ]+)(?:</strong>)?</span>", holders)
        assert named == [each.value.replace("-", " ") for each in Role if permission in PERMISSIONS_OF[each]], permission
    assert page.count("Your role") == 1


def test_whoever_may_ask_but_not_have_it_explained_gets_the_answer_alone(house):
    operator = house.visitor(Role.OPERATOR)
    before = len(house.entries("inference.refused"))
    page = words_of(operator.post("/models/grant/1", ROW).text)
    assert "Answer" in page
    assert "models:explain is needed" in page
    assert len(house.entries("inference.refused")) == before


def test_a_receipt_of_somebody_else_is_not_handed_out(house, admin_visitor):
    page = admin_visitor.post("/models/grant/1", ROW).text
    request = re.search(r"/console/receipts/(req-[0-9a-f]{32})", page).group(1)
    assert house.visitor(Role.CALLER).get(f"/receipts/{request}").status_code == 404
    assert house.visitor(Role.AUDITOR).get(f"/receipts/{request}").status_code == 200


def test_a_release_goes_all_the_way_through_the_console(own_house):
    scientist, officer = own_house.visitor(Role.DATA_SCIENTIST), own_house.visitor(Role.RISK_OFFICER)
    operator, auditor = own_house.visitor(Role.OPERATOR), own_house.visitor(Role.AUDITOR)
    place = scientist.post("/models/grant/3/proposal", {"policy": "grants"}, shown_at="/models/grant/3").headers["location"]
    place = place.removeprefix("/console")
    assert re.fullmatch(r"/releases/r-\d+", place)
    for visitor in (auditor, scientist, operator):
        assert "Reason, for the record" not in visitor.get(place).text
        assert visitor.post(place, {"decision": "approve", "reason": "why not"}).status_code == 403
    assert officer.post(place, {"decision": "approve", "reason": " "}).status_code == 400
    assert officer.post(place, {"decision": "promote"}).status_code == 403
    assert officer.post(place, {"decision": "applaud"}).status_code == 400
    assert (
        officer.post(place, {"decision": "approve", "reason": "figures are <b>sound</b>"}).headers["location"] == f"/console{place}"
    )
    assert "figures are &lt;b&gt;sound&lt;/b&gt;" in auditor.get(place).text
    assert "approved" in words_of(auditor.get(place).text)
    assert operator.post(place, {"decision": "promote"}).status_code == 303
    assert "chosen" in row_of(auditor.get("/models").text, "grant:3")
    assert "Take it offline" not in officer.get(place).text
    assert "Take it offline now" in operator.get(place).text
    assert operator.post(place, {"decision": "pause", "reason": "x" * 2001}).status_code == 400
    assert officer.post(place, {"decision": "pause", "reason": "wrong units"}).status_code == 403
    assert operator.post(place, {"decision": "pause", "reason": "wrong <i>units</i>"}).status_code == 303
    page = auditor.get(place).text
    assert "wrong &lt;i&gt;units&lt;/i&gt;" in page
    assert "was live from" in page
    assert "live since" not in page
    assert "Let it go live again" in operator.get(place).text
    assert "chosen" not in auditor.get("/models").text.partition("<main")[2]
    assert "paused" in row_of(auditor.get("/models").text, "grant:3")
    assert operator.post(place, {"decision": "promote"}).status_code == 303
    assert "chosen" in row_of(auditor.get("/models").text, "grant:3")
    assert operator.post(place, {"decision": "roll-back"}).status_code == 303
    assert "chosen" in row_of(auditor.get("/models").text, "grant:1")
    events = [logged.entry.event for logged in own_house.entries()]
    assert {"release.proposed", "release.approved", "release.promoted", "release.paused", "release.rolled-back"} <= set(events)


def test_which_rules_a_policy_of_ones_own_lacks_is_shown_where_it_is_chosen_and_where_it_decided(own_house):
    scientist, lacked = own_house.visitor(Role.DATA_SCIENTIST), "data-not-erased, assessed-within"
    page = words_of(scientist.get("/models/grant/3").text)
    assert "grants lacks rules of the one that comes with Modelward:" in page
    assert lacked in page
    assert "default lacks rules" not in page
    place = scientist.post("/models/grant/3/proposal", {"policy": "grants"}, shown_at="/models/grant/3").headers["location"]
    page = words_of(scientist.get(place.removeprefix("/console")).text)
    assert "This policy lacks rules of the one that comes with Modelward:" in page
    assert lacked in page


def test_only_the_policy_that_governs_a_model_is_offered(own_house):
    scientist = own_house.visitor(Role.DATA_SCIENTIST)
    assert re.findall(r"<option>([\w-]+)</option>", scientist.get("/models/grant/3").text) == ["default", "grants"]
    policies = own_house.platform.releases.policies
    policies.put(policies.show("grants", by=local_actor()).text + "models: [grant]\n", by=local_actor())
    assert re.findall(r"<option>([\w-]+)</option>", scientist.get("/models/grant/3").text) == ["grants"]
    answer = scientist.post("/models/grant/3/proposal", {"policy": "default"}, shown_at="/models/grant/3")
    assert answer.status_code == 403
    assert "The policy grants governs grant" in answer.text.replace("&#39;", "'")


def test_what_a_policy_refused_is_shown_with_its_reasons(own_house):
    scientist = own_house.visitor(Role.DATA_SCIENTIST)
    answer = scientist.post("/models/grant/3/proposal", {"policy": "default"}, shown_at="/models/grant/3")
    page = words_of(scientist.get(answer.headers["location"].removeprefix("/console")).text)
    assert "refused" in page
    assert "assessed-within" in page


def test_what_is_live_comes_first_and_unfolded_and_what_was_refused_is_folded(own_house):
    scientist = own_house.visitor(Role.DATA_SCIENTIST)
    scientist.post("/models/grant/3/proposal", {"policy": "default"}, shown_at="/models/grant/3")
    folds = re.findall(
        r'<article class="sheet release (\w+)".*?<details class="plain-fold"( open)?>', scientist.get("/releases").text, re.S
    )
    assert folds == [("live", " open"), ("refused", "")]


def test_a_version_says_which_of_the_files_verified_were_signed_earlier(house, admin_visitor):
    platform, by = house.platform, local_actor()
    checked = platform.registry.verify("grant:1", by=by).files_checked
    signed = len(platform.registry.dossier(platform.registry.find("grant:1", by=by)).files)
    page = words_of(admin_visitor.get("/models/grant/1").text)
    assert f"{checked} files" in page
    assert f"{signed} in force, and {checked - signed} that were signed earlier" in page


def test_a_policy_that_asks_for_nobody_says_so(own_house):
    scientist = own_house.visitor(Role.DATA_SCIENTIST)
    answer = scientist.post("/models/grant/3/proposal", {"policy": "default"}, shown_at="/models/grant/3")
    page = words_of(scientist.get(answer.headers["location"].removeprefix("/console")).text)
    assert "no approval needed" in page
    assert "1 of 1 approvals" in words_of(scientist.get("/releases").text)


def test_nobody_approves_what_they_proposed(own_house):
    administrator = own_house.visitor(Role.ADMINISTRATOR)
    place = administrator.post("/models/grant/3/proposal", {"policy": "grants"}, shown_at="/models/grant/3").headers["location"]
    place = place.removeprefix("/console")
    page = administrator.get(place).text
    assert 'value="approve"' not in page
    assert "somebody else approves it" in page
    answer = administrator.post(place, {"decision": "approve", "reason": "mine"})
    assert answer.status_code == 403
    assert "cannot approve it" in answer.text
    assert "awaiting approval" in words_of(administrator.get(place).text)


def test_a_version_that_was_tampered_with_says_so_and_hides_no_other(own_house):
    admin, visitor = local_actor(), own_house.visitor(Role.ADMINISTRATOR)
    registry = own_house.platform.registry
    file = next(file for file in registry.dossier(registry.find("grant:2", by=admin)).files if file.path == "model.onnx")
    sealed = next(
        path
        for path in own_house.platform.settings.home.rglob("*")
        if path.name.startswith(file.sealed[:40]) or file.sealed in str(path)
    )
    sealed.chmod(0o600)
    sealed.write_bytes(sealed.read_bytes()[:-1] + b"\x00")
    page = visitor.get("/models/grant/2").text
    assert "not as it was signed" in page
    assert "model.onnx" in page.partition('id="verification"')[2].partition("</ul>")[0]
    assert "Trust report" not in page
    assert visitor.get("/models/grant/1").text.count("not as it was signed") == 0


def test_a_version_whose_rows_were_changed_is_one_broken_line_in_the_list(own_house):
    import sqlite3

    visitor = own_house.visitor(Role.ADMINISTRATOR)
    with sqlite3.connect(own_house.platform.settings.home / "modelward.db") as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        table = next(name for name in tables if "version" in name)
        connection.execute(f"update {table} set manifest = replace(manifest, 'social-affairs', 'nobody') where number = 2")
    connection.close()
    page = visitor.get("/models").text
    assert "broken" in row_of(page, "grant:2")
    assert "live" in row_of(page, "grant:1")
    assert visitor.get("/models/grant/2").status_code == 403
    assert "broken" in row_of(visitor.get("/models/grant").text, "grant:2")


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/models/grant/99", 404, "no version 99"),
        ("/models/nobody/1", 404, "No model is called"),
        ("/models/nobody", 404, "No model is called"),
        ("/models/grant/one", 404, "no page"),
        ("/models/GRANT!/1", 400, "GRANT!"),
        ("/models/grant/99999999999999999999", 400, "not the name of a version"),
        ("/releases/r-99", 404, "No release is called"),
        ("/receipts/req-0", 404, "req-0"),
        ("/elsewhere", 404, "no page"),
    ],
)
def test_what_is_not_there_is_said_on_a_page_of_our_own(admin_visitor, path, status, said):
    answer = admin_visitor.get(path)
    assert answer.status_code == status
    assert said in words_of(answer.text)
    assert "<h1>" in answer.text
    assert "/console/models" in answer.text


def test_every_kind_of_failure_has_a_title():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ModelwardError)}
    assert kinds == set(TITLES)


@pytest.mark.parametrize(
    "path",
    ["/models", "/models/grant", "/models/grant/1", "/models/grant/2", "/models/grant/3", "/releases", "/ledger", "/nowhere"],
)
def test_a_page_is_built_for_those_who_do_not_see_it(admin_visitor, path):
    page = admin_visitor.get(path).text
    assert page.count("<h1") == page.count("<main") == 1
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), levels
    for field in re.findall(r"<(?:input|select|textarea) [^>]*>", page):
        if 'type="hidden"' not in field:
            assert f'<label for="{re.search(chr(34).join(("id=", "([^", "]+)", "")), field).group(1)}">' in page, field
    tables = page.partition('id="card"')[0]
    assert tables.count("<table") == tables.count("<caption"), "every table is called something"
    for region in re.findall(r'<div [^>]*tabindex="0"[^>]*>', tables):
        assert 'aria-label="' in region, "what can be scrolled to is called something"
    identifiers = re.findall(r'\sid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    assert all(
        target in identifiers for target in re.findall(r'(?:aria-labelledby|aria-describedby|href)="#?([\w-]+)"', page) if target
    )
    assert re.search(r'<html lang="(en|zh-Hans)">', page)
    assert all('alt="' in image for image in re.findall(r"<img [^>]*>", page))
