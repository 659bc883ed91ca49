# SPDX-License-Identifier: Apache-2.0
"""The ledger's page: its badge tells the truth, at a bounded cost."""

import re
import threading
from html import unescape

import pytest

from entrances.console.conftest import tamper, words_of
from modelward.access import Role
from modelward.entrances.console import ledger_page, recent
from modelward.entrances.console.recent import Recent


def badge(page: str) -> tuple[str, str]:
    found = re.search(r'<div class="badge (\w+)" id="verification".*?</div>\s*(?:<form.*?</form>)?\s*</div>', page, re.S)
    return found.group(1), words_of(found.group(0))


ENTRIES, HEAD = "ledger_entries", "ledger_head"


def test_a_sound_ledger_is_said_to_be_sound(house, admin_visitor):
    kind, words = badge(admin_visitor.get("/ledger").text)
    assert kind == "sound"
    assert re.search(r"\d+ entries: each hash, the tree and the signed checkpoint agree", words)
    assert re.search(r"Verified \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", words)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("update {table} set entry = replace(entry, 'grant', 'Grant') where idx = 7", "7"),
        ("update {table} set entry = x'00' where idx = 7", "7"),
        ("delete from {table} where idx = 7", "7"),
        ("update {table} set actor = 'person:nobody' where idx = 7", "7"),
        ("delete from {table} where idx > 7", "8"),
    ],
    ids=["a word changed", "garbage", "removed", "another actor in the column", "truncated"],
)
def test_a_tampered_ledger_is_shown_with_the_entries_named(own_house, statement, named):
    visitor = own_house.visitor(Role.AUDITOR)
    tamper(own_house, statement.format(table=ENTRIES))
    answer = visitor.get("/ledger")
    assert answer.status_code == 200
    kind, words = badge(answer.text)
    assert kind == "broken"
    assert "Not sound" in words
    assert re.search(rf"\b{named}\b", words.partition("as it was written")[2])
    assert "<table" in answer.text, "what can be read is shown all the same"


def test_the_faulty_entry_is_marked_among_the_others(own_house):
    visitor = own_house.visitor(Role.AUDITOR)
    tamper(own_house, f"update {ENTRIES} set entry = x'00' where idx = 7")
    page = visitor.get("/ledger?before=12").text
    rows = re.findall(r'<tr( class="faulty")?><th scope="row" class="num">(\d+)</th>(.*?)</tr>', page, re.S)
    assert [int(index) for _, index, _ in rows][:3] == [11, 10, 9]
    assert [int(index) for mark, index, _ in rows if mark] == [7]
    assert "cannot be read" in next(cells for _, index, cells in rows if index == "7")


def test_a_head_that_was_changed_is_reported_not_an_error(own_house):
    visitor = own_house.visitor(Role.AUDITOR)
    # Within what is signed: before the empty line that ends it.
    tamper(own_house, f"update {HEAD} set checkpoint = replace(checkpoint, char(10, 10), 'x' || char(10, 10))")
    answer = visitor.get("/ledger")
    assert answer.status_code == 200
    assert badge(answer.text)[0] == "broken"


def test_entries_are_found_by_what_they_are_about(house, admin_visitor):
    page = admin_visitor.get("/ledger?event=release.approved&subject=grant%3A1").text
    assert re.findall(r'<td class="mono" data-label="Event">([\w.-]+)</td>', page) == ["release.approved"]
    assert 'value="release.approved"' in page
    assert "No entry matches" in admin_visitor.get("/ledger?event=nothing.of-that-kind").text


def test_facts_are_shown_as_people_read_them(admin_visitor):
    page = words_of(admin_visitor.get("/ledger").text)
    assert "sensitive town" in page
    assert re.search(r"verdicts passed \d+ failed \d+", page)
    assert "policy digest" in page
    assert not re.search(r"\[['\"]|\{['\"]|\bNone\b|\bTrue\b|\bFalse\b", page), (
        "no page shows the notation of a programming language"
    )


def test_older_entries_are_a_page_away_with_the_same_filters(house, admin_visitor, monkeypatch):
    monkeypatch.setattr(ledger_page, "SHOWN", 2)
    page = admin_visitor.get("/ledger?event=version.registered").text
    older = unescape(re.search(r'href="\?([^"]+)">Older entries', page).group(1))
    following = admin_visitor.get(f"/ledger?{older}").text
    first, second = ([int(index) for index in re.findall(r'class="num">(\d+)</th>', shown)] for shown in (page, following))
    every = [logged.index for logged in house.entries("version.registered")]
    assert first + second == every
    assert (len(first), len(second)) == (2, 1)
    assert "Older entries" not in following
    assert "Newest entries" in following
    assert "Newest entries" not in page


@pytest.mark.parametrize("before", ["-1", "9999999999999999", "1e3", "²", "%00", "0"])
def test_an_odd_place_to_begin_is_no_fault(admin_visitor, before):
    assert admin_visitor.get(f"/ledger?before={before}").status_code == 200


def test_whoever_may_not_read_the_ledger_does_not_learn_whether_it_is_sound(house, admin_visitor):
    admin_visitor.get("/ledger")
    answer = house.visitor(Role.CALLER).get("/ledger")
    assert answer.status_code == 403
    assert "agree" not in answer.text


def test_a_large_ledger_is_verified_when_asked_and_not_before(own_house, monkeypatch):
    monkeypatch.setattr(ledger_page, "UNASKED_LIMIT_ENTRIES", 5)
    visitor = own_house.visitor(Role.AUDITOR)
    assert badge(visitor.get("/ledger").text)[0] == "unknown"
    answer = visitor.post("/ledger", {})
    # Not a redirect, which may lead to another worker.
    assert (answer.status_code, badge(answer.text)[0]) == (200, "sound")
    assert badge(visitor.get("/ledger").text)[0] == "sound"


def test_looking_often_does_not_verify_often(own_house, monkeypatch):
    verified = []
    verify = own_house.platform.auditing.verify
    monkeypatch.setattr(
        own_house.platform.auditing, "verify", lambda *given, **named: verified.append(1) or verify(*given, **named)
    )
    visitor = own_house.visitor(Role.AUDITOR)
    for _ in range(20):
        visitor.get("/ledger")
    assert len(verified) == 1


def test_what_takes_long_is_kept_long(monkeypatch):
    clock = iter([100.0, 104.0])
    now = [0.0]
    monkeypatch.setattr(recent.time, "monotonic", lambda: next(clock, now[0]))
    seen = Recent()
    first = seen.get("key", lambda: "found")
    assert first.until == 104.0 + 4.0 * 20
    now[0] = 104.0 + 79
    assert seen.get("key", lambda: "found anew").value == "found"
    now[0] = 104.0 + 81
    assert seen.get("key", lambda: "found anew").value == "found anew"


def test_many_who_ask_at_once_wait_for_one_answer():
    asked, gate, seen = [], threading.Event(), Recent()

    def find():
        asked.append(1)
        gate.wait(10)
        return len(asked)

    found = []
    threads = [threading.Thread(target=lambda: found.append(seen.get("key", find).value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert found == [1] * 8


def test_what_failed_is_not_kept():
    seen = Recent()
    with pytest.raises(ZeroDivisionError):
        seen.get("key", lambda: 1 // 0)
    assert seen.get("key", lambda: "found").value == "found"
