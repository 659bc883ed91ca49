# SPDX-License-Identifier: Apache-2.0
import pytest

from modelward.access import PERMISSIONS_OF, Actor, Auditing, NotPermittedError, Permission, Role
from modelward.audit import Event, ReceiptMissingError, verify_receipt

ANSWERED = Event("request.answered", "A request was answered.")
TILL = Actor("service:till", "till", Role.CALLER)
SHOP = Actor("service:shop", "shop", Role.CALLER)
AUDITOR = Actor("person:ann", "ann", Role.AUDITOR)
OWNER = Actor("person:olu", "olu", Role.DATA_OWNER)


@pytest.fixture
def auditing(ledger, database):
    with database.change() as connection:
        for request, actor in [("r-1", TILL), ("r-2", SHOP), ("r-3", TILL)]:
            ledger.record(connection, ANSWERED, actor=actor.id, subject="income:1", request=request)
    return Auditing(ledger)


def test_a_caller_gets_the_receipt_of_their_own_request(auditing):
    receipt = verify_receipt(auditing.receipt("r-1", by=TILL), public_key=auditing.public_key(by=TILL))
    assert (receipt.entry.request, receipt.entry.actor) == ("r-1", TILL.id)


def test_somebody_elses_request_and_a_missing_one_read_the_same(auditing):
    messages = []
    for request in ("r-2", "r-9", ""):
        with pytest.raises(ReceiptMissingError) as caught:
            auditing.receipt(request, by=TILL)
        messages.append(str(caught.value).replace(repr(request), "…"))
    assert len(set(messages)) == 1
    assert auditing.receipt("r-2", by=SHOP)


def test_a_request_id_used_again_by_another_shows_nothing_of_theirs(auditing, ledger, database):
    with database.change() as connection:
        ledger.record(connection, ANSWERED, actor=SHOP.id, subject="income:1", request="r-1")
    with pytest.raises(ReceiptMissingError):
        auditing.receipt("r-1", by=TILL)


def test_who_reads_the_ledger_gets_any_receipt(auditing):
    for request in ("r-1", "r-2", "r-3"):
        assert auditing.receipt(request, by=AUDITOR)
    with pytest.raises(ReceiptMissingError):
        auditing.receipt("r-9", by=AUDITOR)


VERBS = {
    "log": (lambda auditing, by, folder: auditing.log(by=by), Permission.AUDIT_READ),
    "verify": (lambda auditing, by, folder: auditing.verify(by=by), Permission.AUDIT_READ),
    "export": (lambda auditing, by, folder: auditing.export(folder / by.role, by=by), Permission.AUDIT_READ),
    "receipt": (lambda auditing, by, folder: auditing.receipt("r-1", by=by), Permission.AUDIT_RECEIPT),
    "checkpoint": (lambda auditing, by, folder: auditing.checkpoint(by=by), Permission.AUDIT_RECEIPT),
    "consistency": (lambda auditing, by, folder: auditing.consistency(1, by=by), Permission.AUDIT_RECEIPT),
    "verify_since": (
        lambda auditing, by, folder: auditing.verify_since(auditing._ledger.head().text, by=by),
        Permission.AUDIT_RECEIPT,
    ),
    "public_key": (lambda auditing, by, folder: auditing.public_key(by=by), Permission.AUDIT_RECEIPT),
}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_asks_for_its_permission(auditing, tmp_path, verb):
    call, permission = VERBS[verb]
    for role in Role:
        who = Actor(TILL.id, "till", role)
        if permission in PERMISSIONS_OF[role]:
            assert call(auditing, who, tmp_path)
        else:
            with pytest.raises(NotPermittedError, match=permission):
                call(auditing, who, tmp_path)


def test_the_log_is_filtered_as_asked(auditing):
    assert [logged.entry.request for logged in auditing.log(actor=TILL.id, by=AUDITOR)] == ["r-3", "r-1"]
    assert [logged.entry.request for logged in auditing.log(request="r-2", by=AUDITOR)] == ["r-2"]
    assert [logged.index for logged in auditing.log(since=1, limit=2, newest_first=False, by=AUDITOR)] == [1, 2]


def test_verifying_and_exporting_read_the_whole_ledger(auditing, tmp_path):
    seen: list[tuple[int, int]] = []
    found = auditing.verify(lambda done, total: seen.append((done, total)), by=AUDITOR)
    assert found.is_sound
    assert found.size == 4
    assert seen
    assert auditing.export(tmp_path / "out", by=AUDITOR) == 4
    assert auditing.checkpoint(by=TILL).size == 4


def test_an_actor_limited_to_some_models_does_not_read_the_ledger_of_all(auditing, tmp_path):
    limited = Actor("service:watch", "watch", Role.ADMINISTRATOR, models=("income",))
    for verb in (auditing.log, auditing.verify, lambda by: auditing.export(tmp_path / "out", by=by)):
        with pytest.raises(NotPermittedError, match="limited to income"):
            verb(by=limited)
    with pytest.raises(ReceiptMissingError):
        auditing.receipt("r-1", by=limited)
