# SPDX-License-Identifier: Apache-2.0
"""Terms are put, read and accepted, word for word and on record; other words are accepted anew."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from access.test_altered import edit
from modelward.access import (
    AlteredRowError,
    InvalidNameError,
    InvalidTermsError,
    KeyMissingError,
    NotPermittedError,
    Permission,
    Role,
    TermsChangedError,
    TermsMissingError,
    TermsNotAcceptedError,
)
from modelward.digest import sha256_hex

TEXT = "Nothing that this model says leaves the department.\nQuestions to the data office."


@pytest.fixture
def till(access, admin):
    """A key, and who acts with it."""
    made = access.create_key("till", role=Role.CALLER, models=["income"], by=admin)
    return access.authenticate(made.secret)


def test_where_no_terms_are_put_nothing_is_to_be_accepted(access, till):
    assert access.terms.require("model:income", till) == ""
    assert access.terms.list(by=till) == []
    with pytest.raises(TermsMissingError, match="nothing is to be accepted"):
        access.terms.accept("model:income", by=till)


def test_terms_are_accepted_once_and_on_record(access, admin, ledger, till):
    put = access.terms.put("model:income", TEXT, by=admin)
    assert put.digest == sha256_hex(TEXT.encode())
    with pytest.raises(TermsNotAcceptedError, match=r"service:till has not accepted.*modelward terms accept model:income.*POST"):
        access.terms.require("model:income", till)
    assert access.terms.show("model:income", by=till).accepted is None
    made = access.terms.accept("model:income", digest=put.digest, by=till)
    assert access.terms.accept("model:income", by=till) == made
    assert access.terms.require("model:income", till) == put.digest
    shown = access.terms.show("model:income", by=till)
    assert (shown.terms, shown.accepted) == (put, made.accepted)
    assert access.terms.list(by=till) == [shown]
    (entry,) = (found.entry for found in ledger.entries(event="terms.accepted"))
    assert (entry.actor, entry.subject) == ("service:till", "model:income")
    assert entry.facts == {"digest": put.digest, "for": "service:till", "credential": till.credential}
    with pytest.raises(TermsNotAcceptedError):
        access.terms.require("model:income", admin)


def test_new_terms_are_accepted_anew_and_the_same_again_are_not_new(access, admin, till):
    first = access.terms.put("model:income", TEXT, by=admin)
    access.terms.accept("model:income", by=till)
    revision = access.revision()
    assert access.terms.put("model:income", f"  {TEXT}\n", by=admin) == first
    assert access.revision() == revision
    second = access.terms.put("model:income", f"{TEXT} At once.", by=admin)
    assert access.revision() > revision
    with pytest.raises(TermsNotAcceptedError):
        access.terms.require("model:income", till)
    with pytest.raises(TermsChangedError, match="Read them again"):
        access.terms.accept("model:income", digest=first.digest, by=till)
    access.terms.accept("model:income", digest=second.digest, by=till)
    assert access.terms.require("model:income", till) == second.digest


def test_who_manages_keys_accepts_for_a_key_and_the_record_says_who(access, admin, ledger, till):
    access.terms.put("dataset:adult", TEXT, by=admin)
    access.terms.put("model:income", TEXT, by=admin)
    accepted = access.terms.accept("model:income", key=till.credential, by=admin)
    assert (accepted.actor, accepted.by) == ("service:till", admin.id)
    assert access.terms.require("model:income", till)
    assert ledger.entries(event="terms.accepted")[0].entry.facts["for"] == "service:till"
    with pytest.raises(KeyMissingError):
        access.terms.accept("model:income", key="nosuch00", by=admin)
    with pytest.raises(KeyMissingError, match=f"The key named till has the id {till.credential}"):
        access.terms.accept("model:income", key="till", by=admin)
    with pytest.raises(NotPermittedError, match="keys:manage"):
        access.terms.accept("model:income", key=till.credential, by=till)


def test_terms_of_what_is_out_of_reach_are_neither_shown_nor_accepted(access, admin, till):
    for subject in ("model:other", "dataset:adult"):
        access.terms.put(subject, TEXT, by=admin)
        for verb in (access.terms.show, access.terms.accept):
            with pytest.raises(NotPermittedError, match="does not reach"):
                verb(subject, by=till)
    assert access.terms.list(by=till) == []


def test_a_key_for_predictions_alone_may_accept(access, admin):
    made = access.create_key("narrow", role=Role.CALLER, scope=[Permission.MODELS_PREDICT], by=admin)
    access.terms.put("model:income", TEXT, by=admin)
    assert access.terms.accept("model:income", by=access.authenticate(made.secret)).actor == "service:narrow"


def test_only_who_may_puts_terms(access, admin, till):
    with pytest.raises(NotPermittedError, match="terms:put"):
        access.terms.put("model:income", TEXT, by=till)
    owner = access.authenticate(access.create_key("owner", role=Role.DATA_OWNER, models=["other"], by=admin).secret)
    with pytest.raises(NotPermittedError, match="limited to other"):
        access.terms.put("model:income", TEXT, by=owner)
    assert access.terms.put("model:other", TEXT, by=owner).by == "service:owner"


@pytest.mark.parametrize(
    ("subject", "text", "fault"),
    [
        ("income", TEXT, InvalidTermsError),
        ("house:income", TEXT, InvalidTermsError),
        ("model:", TEXT, InvalidNameError),
        ("model:../../x", TEXT, InvalidNameError),
        ("model:income", " \n", InvalidTermsError),
        ("model:income", "a" * 65_537, InvalidTermsError),
        ("model:income", "a\x00b", InvalidTermsError),
        ("model:income", "a\x1b[31mb", InvalidTermsError),
        ("model:income", "a\udcffb", InvalidTermsError),
    ],
)
def test_what_cannot_be_terms_is_refused(access, admin, subject, text, fault):
    with pytest.raises(fault):
        access.terms.put(subject, text, by=admin)
    assert access.terms.in_force() == {}


def test_of_two_who_change_terms_at_once_one_is_told_of_the_other(access, admin):
    first = access.terms.put("model:income", TEXT, replaces="none", by=admin)
    with pytest.raises(TermsChangedError, match=f"are {first.digest[:12]}…, not 'none'"):
        access.terms.put("model:income", "Nobody tells.", replaces="none", by=admin)
    drafts = [f"Number {number} tells nobody." for number in range(4)]
    done = []

    def put(text):
        with suppress(TermsChangedError):
            done.append(access.terms.put("model:income", text, replaces=first.digest, by=admin))

    with ThreadPoolExecutor(len(drafts)) as editors:
        list(editors.map(put, drafts))
    assert len(done) == 1
    assert access.terms.show("model:income", by=admin).terms.text == done[0].text
    assert access.terms.put("model:income", TEXT, by=admin).digest == first.digest, "who says nothing replaces what there is"


EDITS = [
    ("access_terms", "by = 'person:eve'"),
    ("access_terms", "digest = 'none'"),
    ("access_acceptances", "actor = 'service:till'"),
    ("access_acceptances", "mac = ''"),
]


@pytest.mark.parametrize(("table", "change"), EDITS)
def test_who_edits_rows_makes_nobody_accept(access, admin, home, till, table, change):
    access.terms.put("model:income", TEXT, by=admin)
    access.terms.accept("model:income", by=admin)
    if "actor" not in change:
        access.terms.accept("model:income", by=till)
    assert access.altered() == []
    column, _, value = change.partition(" = ")
    moment = {"access_terms": "put", "access_acceptances": "accepted"}[table]
    edit(home, f'UPDATE {table} SET "{column}" = {value} WHERE {moment} = (SELECT max({moment}) FROM {table})')
    assert len(access.altered()) == 1
    with pytest.raises((AlteredRowError, TermsNotAcceptedError)):
        access.terms.require("model:income", till)
    digest = access.terms.show("model:income", by=admin).terms.digest if table == "access_acceptances" else ""
    assert "service:till" not in access.terms.accepted_by("model:income", digest, by=admin)


def test_who_manages_keys_alone_is_told_who_accepted_terms(access, admin, till):
    put = access.terms.put("model:income", TEXT, by=admin)
    assert access.terms.accepted_by("model:income", put.digest, by=admin) == set()
    access.terms.accept("model:income", by=till)
    assert access.terms.accepted_by("model:income", put.digest, by=admin) == {"service:till"}
    access.terms.put("model:income", "Other words.", by=admin)
    assert access.terms.accepted_by("model:income", sha256_hex(b"Other words."), by=admin) == set()
    with pytest.raises(NotPermittedError, match="keys:manage"):
        access.terms.accepted_by("model:income", put.digest, by=till)


def test_a_text_that_was_altered_is_not_shown_as_the_terms(access, admin, home, till):
    access.terms.put("model:income", TEXT, by=admin)
    edit(home, "UPDATE access_terms_texts SET text = 'Do as you please.'")
    assert "was altered" in access.terms.show("model:income", by=till).terms.text
    again = access.terms.put("model:income", TEXT, by=admin)
    assert again.text == TEXT
    assert access.terms.show("model:income", by=till).terms.text == TEXT
