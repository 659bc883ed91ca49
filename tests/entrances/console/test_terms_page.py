# SPDX-License-Identifier: Apache-2.0
"""The page of terms: read, accepted as who is signed in, and put by who may; what everything is for, as far as one sees."""

import re
from html import unescape

import pytest

from access.test_altered import edit
from entrances.console.conftest import ROW, SAID, words_of
from entrances.console.test_words import left_english
from modelward.access import Role, local_actor
from modelward.entrances.console import terms_page

TEXT = "Keep the answers to yourself.\nTell nobody what was said of whom."
OTHER = "Keep the answers for a year, and burn them."
PUTTERS = {Role.ADMINISTRATOR, Role.DATA_OWNER, Role.RISK_OFFICER}


def put(house, subject: str, text: str = TEXT):
    return house.platform.access.terms.put(subject, text, by=local_actor())


def accept(visitor, terms):
    return visitor.post("/access/terms", {"deed": "accept", "subject": terms.subject, "digest": terms.digest})


def test_terms_are_read_accepted_and_then_the_model_answers(own_house):
    terms, visitor = put(own_house, "model:grant"), own_house.visitor(Role.CALLER, "ada")
    assert visitor.post("/models/grant/1", ROW).status_code == 403
    page = visitor.get("/access/terms").text
    for said in (TEXT, "model:grant", terms.digest, "you have not accepted them", local_actor().id, f"{terms.put:%Y-%m-%d %H:%M}"):
        assert said in unescape(page), said
    assert accept(visitor, terms).status_code == 303
    assert "you have not accepted them" not in visitor.get("/access/terms").text
    [entry] = own_house.entries("terms.accepted")
    assert (entry.entry.actor, entry.entry.subject) == ("person:ada", "model:grant")
    assert entry.entry.facts["digest"] == terms.digest
    assert visitor.post("/models/grant/1", ROW).status_code == 200


def test_who_read_one_text_does_not_accept_another(own_house):
    read, visitor = put(own_house, "model:grant"), own_house.visitor(Role.CALLER)
    put(own_house, "model:grant", OTHER)
    answer = accept(visitor, read)
    assert answer.status_code == 409
    assert OTHER in answer.text
    unnamed = visitor.post("/access/terms", {"deed": "accept", "subject": "model:grant"})
    assert unnamed.status_code == 400
    assert own_house.entries("terms.accepted") == []


def test_who_may_puts_terms_and_everybody_accepts_them_anew(own_house):
    before = put(own_house, "model:grant")
    reader, owner = own_house.visitor(Role.CALLER), own_house.visitor(Role.DATA_OWNER, "olaf")
    accept(reader, before)
    seen = re.findall(r'name="(seen [^"]+)" value="([^"]+)"', owner.get("/access/terms").text)
    assert seen == [("seen model:grant", before.digest)]
    fields = {"deed": "put", "subject": "model:grant", "text": "One line.\r\nAnother."}
    assert owner.post("/access/terms", fields | dict(seen)).status_code == 303
    placed = own_house.platform.access.terms.show("model:grant", by=local_actor()).terms
    assert (placed.text, placed.by) == ("One line.\nAnother.", "person:olaf")
    assert "you have not accepted them" in reader.get("/access/terms").text


def test_who_did_not_see_the_terms_in_place_does_not_replace_them(own_house):
    owner = own_house.visitor(Role.DATA_OWNER)
    present = put(own_house, "model:grant")
    answer = owner.post("/access/terms", {"deed": "put", "subject": "model:grant", "text": OTHER})
    assert (answer.status_code, f"are {present.digest[:12]}…, not" in unescape(answer.text)) == (409, True)
    assert OTHER in answer.text, "what was written is not lost"
    assert own_house.platform.access.terms.show("model:grant", by=local_actor()).terms.text == TEXT


def test_terms_that_were_tampered_with_are_named_and_the_others_are_shown(own_house):
    put(own_house, "model:grant")
    put(own_house, "model:other", OTHER)
    visitor = own_house.visitor(Role.CALLER)
    edit(own_house.platform.settings.home, "DELETE FROM access_terms WHERE subject = 'model:grant'")
    page = unescape(visitor.get("/access/terms").text)
    assert OTHER in page
    assert "The terms of model:grant are not those that the ledger tells of" in page
    assert page.count('value="accept"') == 1, "what nobody can read is not accepted"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"deed": "put", "subject": "release:r-1", "text": TEXT}, "Terms are of a model or a dataset"),
        ({"deed": "put", "subject": "model:grant", "text": "  "}, "The terms are empty"),
        ({"deed": "dance", "subject": "model:grant"}, "nothing to do"),
    ],
)
def test_what_cannot_be_put_is_said_beside_the_form(house, admin_visitor, fields, said):
    before = len(house.entries())
    answer = admin_visitor.post("/access/terms", fields)
    assert answer.status_code == 400
    assert said in answer.text
    assert len(house.entries()) == before


@pytest.mark.parametrize("role", sorted(Role))
def test_who_may_not_put_terms_sees_no_form_and_is_refused(own_house, role):
    seen = {"seen model:grant": put(own_house, "model:grant").digest}
    visitor = own_house.visitor(role)
    page = visitor.get("/access/terms").text
    assert ('value="put"' in page) == (role in PUTTERS)
    answer = visitor.post("/access/terms", {"deed": "put", "subject": "model:grant", "text": OTHER} | seen)
    assert answer.status_code == (303 if role in PUTTERS else 403)
    assert len(own_house.entries("terms.put")) == (2 if role in PUTTERS else 1)


def test_purposes_are_shown_as_far_as_one_sees(own_house):
    own_house.platform.access.create_key("till", role=Role.CALLER, purpose="the till alone", by=local_actor())
    shown = {role: words_of(own_house.visitor(role).get("/access/terms").text) for role in Role}
    assert "the till alone" in shown[Role.ADMINISTRATOR]
    assert all("the till alone" not in text for role, text in shown.items() if role is not Role.ADMINISTRATOR)
    assert f"grant:1 live model {SAID['purpose']}" in shown[Role.AUDITOR]
    assert "grant:2" not in shown[Role.AUDITOR], "it is not live"
    assert f"people Dataset {SAID['purpose']}" in shown[Role.DATA_OWNER]
    assert f"grant:1 live model {SAID['purpose']}" in shown[Role.CALLER]
    assert "people Dataset" not in shown[Role.CALLER]


def test_the_page_speaks_chinese_and_shows_texts_as_text(own_house):
    put(own_house, "model:grant", "<script>document.title='owned'</script> & so on")
    visitor = own_house.visitor(Role.ADMINISTRATOR)
    page = visitor.get("/access/terms?lang=zh").text
    assert "<script" not in page
    assert "您尚未接受" in page
    assert "&lt;script&gt;" in page


def test_who_manages_keys_accepts_terms_for_a_key(own_house):
    access = own_house.platform.access
    terms = put(own_house, "model:grant")
    keys = {name: access.create_key(name, role=Role.CALLER, models=["grant"], by=local_actor()).key for name in ("till", "desk")}
    access.create_key("elsewhere", role=Role.CALLER, models=["other"], by=local_actor())
    visitor = own_house.visitor(Role.ADMINISTRATOR, "ada")
    page = visitor.get("/access/terms").text
    offered = set(re.findall(r'<option value="(\w+)">', page))
    assert offered == set(keys), "whom it cannot concern is not offered"
    fields = {"deed": "accept", "subject": "model:grant", "digest": terms.digest, "key": "till"}
    assert visitor.post("/access/terms", fields).status_code == 303
    [entry] = own_house.entries("terms.accepted")
    assert (entry.entry.actor, entry.entry.facts["for"]) == ("person:ada", "service:till")
    page = visitor.get("/access/terms").text
    assert "Keys that accepted them: till" in words_of(page)
    assert set(re.findall(r'<option value="(\w+)">', page)) == {"desk"}
    for wrong in ("k-none", ""):
        refused = visitor.post("/access/terms", fields | {"key": wrong})
        assert (refused.status_code, f"No valid key is called '{wrong}'." in unescape(refused.text)) == (404, True)
        assert re.search(rf'<details[^>]* open>.*?name="key"[^>]* value="{wrong}"[^>]* aria-invalid="true"', refused.text, re.S)
    for role in sorted(set(Role) - {Role.ADMINISTRATOR}):
        other = own_house.visitor(role)
        assert 'name="key"' not in other.get("/access/terms").text
        assert other.post("/access/terms", fields | {"key": keys["desk"].id}, shown_at="/access/terms").status_code == 403
    assert len(own_house.entries("terms.accepted")) == 1


def test_of_many_keys_some_are_suggested_and_every_one_is_accepted_for(own_house, monkeypatch):
    monkeypatch.setattr(terms_page, "_KEYS_SHOWN", 3)
    access = own_house.platform.access
    terms = put(own_house, "model:grant")
    for number in range(25):
        key = access.create_key(f"till-{number}", role=Role.CALLER, by=local_actor()).key
        if number > 2:
            access.terms.accept("model:grant", key=key.id, by=local_actor())
    key = access.create_key("till-25", role=Role.CALLER, by=local_actor()).key
    visitor = own_house.visitor(Role.ADMINISTRATOR)
    page = visitor.get("/access/terms").text
    assert re.findall(r'<option value="([\w-]+)">', page) == ["till-25", "till-2", "till-1"]
    told = words_of(page)
    for said in ("and 2 more", "The newest 3 are suggested", "Of the keys the newest 3"):
        assert said in told, said
    fields = {"deed": "accept", "subject": "model:grant", "digest": terms.digest}
    for named in ("till-0", key.id):
        assert visitor.post("/access/terms", fields | {"key": named}).status_code == 303
    accepted = access.terms.accepted_by("model:grant", terms.digest, by=local_actor())
    assert {"service:till-0", "service:till-25"} <= accepted
    assert "service:till-1" not in accepted


def test_that_terms_are_not_accepted_is_said_in_chinese(own_house):
    put(own_house, "dataset:people")
    page = own_house.visitor(Role.ADMINISTRATOR, "ada").get("/models/grant?lang=zh").text
    assert left_english(page) == []
    assert "person:ada 尚未接受 dataset:people 的条款。" in words_of(page)


def test_what_was_found_in_data_is_shown_to_who_accepted_its_terms(own_house):
    terms, visitor = put(own_house, "dataset:people"), own_house.visitor(Role.AUDITOR, "ada")
    page = visitor.get("/data/people").text
    assert "What was found in this data is shown to who accepted its terms." in page
    assert 'class="gallery columns"' not in page
    accept(visitor, terms)
    assert 'class="gallery columns"' in visitor.get("/data/people").text
