# SPDX-License-Identifier: Apache-2.0
"""Who asks a version asks it for what it is for, and has accepted its terms; that is found out once, until anything changes."""

import asyncio
from pathlib import Path

import pytest

from access.test_altered import edit
from modelward.access import AlteredRowError, PurposeNotAgreedError, Role, TermsNotAcceptedError
from modelward.serving import Question
from modelward.serving.admission import Admission
from serving.tiny import ROW

TERMS = "Nothing leaves the department."


@pytest.fixture
def keyed(live):
    """Makes a key with a purpose."""

    def make(name, purpose="", **more):
        return live.access.create_key(name, role=Role.CALLER, purpose=purpose, by=live.admin, **more)

    return make


def ask(gateway, secret, model="income"):
    return gateway.predict(Question(caller=secret, model=model, payload=b"{}"), [ROW])


@pytest.mark.parametrize("purpose", ["", "tests", "Tests.", "tests/of doors"])
def test_a_key_asks_for_what_the_model_is_for(live, entered, keyed, purpose):
    gateway, run = entered()
    assert run(ask(gateway, keyed("till", purpose).secret)).version == "income:1"


@pytest.mark.parametrize("purpose", ["marketing", "tests; marketing", "testing"])
def test_a_key_for_something_else_is_refused_on_record_and_told_both_purposes(live, entered, keyed, purpose):
    gateway, run = entered()
    with pytest.raises(PurposeNotAgreedError) as caught:
        run(ask(gateway, keyed("till", purpose).secret))
    assert repr(purpose) in str(caught.value)
    assert "income:1 is for 'tests'" in str(caught.value)
    assert "modelward keys create --purpose" in str(caught.value)
    run(asyncio.sleep(0.2))
    (entry,) = live.logged("inference.refused")
    assert (entry.facts["error"], entry.subject) == ("PurposeNotAgreedError", "income")


def test_a_version_for_something_else_refuses_who_asked_the_one_before(live, entered, keyed):
    gateway, run = entered()
    till, desk = keyed("till", "tests").secret, keyed("desk").secret
    assert run(ask(gateway, till)).version == "income:1"
    live.make_live(live.register(purpose="sales", weight=0.07))
    live.serving.deployments.refresh()
    with pytest.raises(PurposeNotAgreedError, match="income:2 is for 'sales'"):
        run(ask(gateway, till))
    assert run(ask(gateway, desk)).version == "income:2"


def test_a_model_that_goes_live_while_it_is_asked_refuses_too(live, entered, keyed):
    """What is not known yet is looked for; what is found then is not asked before it is known whether it may be."""
    gateway, run = entered(refresh_seconds=3600.0)
    secret = keyed("till", "marketing").secret
    live.make_live(live.register("late"))
    with pytest.raises(PurposeNotAgreedError, match="late:1"):
        run(ask(gateway, secret, "late"))


def test_terms_are_accepted_before_the_first_answer_and_at_once_enough(live, entered, keyed):
    gateway, run = entered(refresh_seconds=3600.0)
    live.access.terms.put("model:income", TERMS, by=live.admin)
    run(asyncio.to_thread(gateway._keychain.refresh))
    made = keyed("till")
    for _ in range(3):
        with pytest.raises(TermsNotAcceptedError, match="terms accept model:income"):
            run(ask(gateway, made.secret))
    live.access.terms.accept("model:income", by=made.key.actor)
    assert run(ask(gateway, made.secret)).version == "income:1"
    refused = {entry.facts["error"] for entry in live.logged("inference.refused")}
    assert refused == {"TermsNotAcceptedError"}


def test_terms_that_are_put_refuse_who_asked_before(live, entered, keyed):
    gateway, run = entered()
    made = keyed("till")
    assert run(ask(gateway, made.secret)).version == "income:1"
    for text in (TERMS, f"{TERMS} Never."):
        live.access.terms.put("model:income", text, by=live.admin)
        run(asyncio.to_thread(gateway._keychain.refresh))
        with pytest.raises(TermsNotAcceptedError):
            run(ask(gateway, made.secret))
        live.access.terms.accept("model:income", by=made.key.actor)
        assert run(ask(gateway, made.secret)).version == "income:1"


def test_what_is_known_is_not_looked_up_again(live, keyed, monkeypatch):
    live.access.terms.put("model:income", TERMS, by=live.admin)
    live.serving.deployments.refresh()
    version = live.serving.deployments.get("income").version
    actor = keyed("till", "tests").key.actor
    live.access.terms.accept("model:income", by=actor)
    asked, terms = [], live.access.terms
    has_accepted, in_force = terms.has_accepted, terms.in_force
    monkeypatch.setattr(terms, "has_accepted", lambda *given: asked.append("accepted") or has_accepted(*given))
    monkeypatch.setattr(terms, "in_force", lambda: asked.append("in force") or in_force())
    admission = Admission(terms)
    for _ in range(5):
        admission.check(actor, version, revision=1)
    assert asked == ["in force", "accepted"]
    for _ in range(5):
        admission.check(actor, version, revision=2)
    assert asked == ["in force", "accepted", "in force"], "acceptances are never taken back"
    live.serving.deployments.close()


def test_altered_terms_are_accepted_by_nobody(live, entered, keyed, home):
    from access.test_altered import edit

    gateway, run = entered()
    made = keyed("till")
    live.access.terms.put("model:income", TERMS, by=live.admin)
    live.access.terms.accept("model:income", by=made.key.actor)
    edit(home, "UPDATE access_terms SET digest = 'x'")
    run(asyncio.to_thread(gateway._keychain.refresh))
    with pytest.raises(Exception, match=r"altered|not accepted"):
        run(ask(gateway, made.secret))


@pytest.mark.parametrize("what", ["purpose", "terms"])
def test_files_and_explanations_hold_to_it_as_well(live, keyed, tmp_path, what):
    made = keyed("till", "marketing" if what == "purpose" else "")
    if what == "terms":
        live.access.terms.put("model:income", TERMS, by=live.admin)
    file = Path(tmp_path / "rows.csv")
    file.write_text("age,hours,sector\n39,38,public\n")
    refusal = PurposeNotAgreedError if what == "purpose" else TermsNotAcceptedError
    with pytest.raises(refusal):
        live.serving.predict_file("income", file, by=made.key.actor)
    with pytest.raises(refusal):
        live.serving.explain("income", [ROW], by=made.key.actor)


def test_terms_whose_row_somebody_deleted_let_nobody_ask(live, entered, keyed, home):
    gateway, run = entered(refresh_seconds=3600.0)
    live.access.terms.put("model:income", TERMS, by=live.admin)
    made = keyed("till")
    live.access.terms.accept("model:income", by=made.key.actor)
    run(asyncio.to_thread(gateway._keychain.refresh))
    assert run(ask(gateway, made.secret)).version == "income:1"
    edit(home, "DELETE FROM access_terms")
    other = keyed("desk")
    run(asyncio.to_thread(gateway._keychain.refresh))
    for secret in (made.secret, other.secret):
        with pytest.raises(AlteredRowError, match="modelward terms put model:income FILE"):
            run(ask(gateway, secret))
