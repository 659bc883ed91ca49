# SPDX-License-Identifier: Apache-2.0
"""A draft made from a form is, byte for byte, the draft that would have been made without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.opened import DONE, close, law, open_ledger
from modelward.audit import Draft, verify_receipt

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    opened = open_ledger(tmp_path_factory.mktemp("form"))
    yield opened
    close(opened)


@law
@given(TEXT, TEXT, st.dictionaries(TEXT, TEXT | st.integers(-9, 9), max_size=3), st.binary(max_size=300), st.binary(max_size=300))
def test_a_form_gives_the_draft_that_is_made_without_it(ledger, actor, subject, fixed, came, went):
    fixed = {name: value for name, value in fixed.items() if name not in {"input", "output", "rows", "note"}}
    form = ledger.form(DONE, actor=actor, subject=subject, filled=("rows", "note"), fixed=fixed)
    made = form.draft("req-1", came, went, b"7", b'"100 %d"')
    key = ledger.request_key("req-1")
    facts = {"input": key.commitment(came), "output": key.commitment(went), "rows": 7, "note": "100 %d", **fixed}
    usual = Draft(DONE, actor=actor, subject=subject, facts=facts, request="req-1")
    assert made.body == usual.body
    assert (made.event, made.actor, made.subject, made.request) == (usual.event, usual.actor, usual.subject, usual.request)
    assert made.key == key.digest


def test_the_receipt_of_a_form_confirms_what_came_and_what_went(ledger):
    form = ledger.form(DONE, actor="service:till", subject="income:3", filled=("rows",), fixed={"version": "v"})
    ledger.commit(lambda: [form.draft("req-2", b"asked", b"answered", b"1")])
    receipt = verify_receipt(ledger.receipt("req-2"), public_key=ledger.public_key())
    assert receipt.confirms(b"asked", "input")
    assert receipt.confirms(b"answered", "output")
    assert not receipt.confirms(b"asked", "output")
    assert ledger.verify().is_sound
