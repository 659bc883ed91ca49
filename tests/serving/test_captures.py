# SPDX-License-Identifier: Apache-2.0
"""Questions and answers are kept where a rule says so, sealed, and readable on record alone; no answer waits for it."""

import asyncio
import sqlite3
import threading
from datetime import timedelta

import msgspec
import pytest

from modelward.access import Actor, NotPermittedError, Role
from modelward.audit import LedgerBrokenError, ReasonError
from modelward.registry import ModelMissingError
from modelward.serving import (
    CaptureAlteredError,
    CaptureMissingError,
    CaptureShreddedError,
    CapturesOffError,
    InvalidCaptureRuleError,
    Question,
    capturing,
)
from modelward.serving.capture import drawn
from modelward.serving.capture_rules import CaptureRules
from modelward.storage import DatabaseBusyError, SealBrokenError
from serving.locking import locked

ROW = [{"age": 50, "hours": 38, "sector": "public"}]
CANARY = b"canary-9f1c"
WHY = "a complaint about a refusal"


@pytest.fixture
def captures(live):
    return live.serving.captures


@pytest.fixture
def kept(live, captures, admin):
    """Everything that `income` is asked is kept."""
    captures.rule("income", share=1, days=30, reason="monitoring for drift", by=admin)
    return captures


def ask(live, opened, payload=None, **more):
    question = Question(caller=live.admin, model="income", payload=payload or msgspec.json.encode([*ROW, CANARY.decode()]), **more)
    return opened.predict(question, ROW)


def settled(captures, admin, count, run):
    """The captures, once there are so many."""

    async def wait():
        while len(found := captures.list(limit=1000, by=admin)) < count:
            await asyncio.sleep(0.01)
        return found

    return run(asyncio.wait_for(wait(), 30))


def files_with(home, needle):
    return [file.name for file in home.rglob("*") if file.is_file() and needle in file.read_bytes()]


def rows(home, statement, *values):
    with sqlite3.connect(home / "modelward.db") as raw:
        found = raw.execute(statement, values).fetchall()
    raw.close()
    return found


def test_what_is_kept_is_what_came_and_what_went_byte_for_byte_and_lies_nowhere_in_the_open(live, kept, entered, admin, home):
    opened, run = entered()
    reply = run(ask(live, opened))
    (capture,) = settled(kept, admin, 1, run)
    assert (capture.request, capture.version, capture.caller, capture.rows) == (reply.request, "income:1", admin.id, 1)
    assert capture.until - capture.at == timedelta(days=30)
    read = kept.read(reply.request, reason=WHY, by=admin)
    assert (read.question, read.answer, read.entry) == (msgspec.json.encode([*ROW, CANARY.decode()]), reply.payload, reply.entry)
    assert capture.bytes == len(read.question) + len(read.answer)
    (home / "planted").write_bytes(CANARY)
    assert files_with(home, CANARY) == ["planted"], "what lies in the open is found, and nothing else does"


def test_what_names_persons_is_replaced_before_anything_is_kept_and_counted(live, kept, entered, admin):
    opened, run = entered()
    said = [*ROW, "联系人：李强，电话１３８００１３８０００，ada@example.org"]
    reply = run(ask(live, opened, payload=msgspec.json.encode(said)))
    (capture,) = settled(kept, admin, 1, run)
    read = kept.read(reply.request, reason=WHY, by=admin)
    assert msgspec.json.decode(read.question) == [*ROW, "联系人：<name>，电话<phone>，<email>"]
    assert (read.answer, read.entry) == (reply.payload, reply.entry)
    assert read.hidden == {"email": 1, "name": 1, "phone": 1}
    assert capture.bytes == len(read.question) + len(read.answer)


def test_what_was_hidden_does_not_let_what_is_kept_pass_for_another_request(live, kept, entered, admin, monkeypatch):
    opened, run = entered()
    hide = capturing.Capturing._without_persons
    monkeypatch.setattr(
        capturing.Capturing, "_without_persons", lambda self, of: msgspec.structs.replace(hide(self, of), input="0" * 64)
    )
    reply = run(ask(live, opened, payload=msgspec.json.encode([*ROW, "ada@example.org"])))
    settled(kept, admin, 1, run)
    with pytest.raises(CaptureAlteredError, match="no entry that commits to it"):
        kept.read(reply.request, reason=WHY, by=admin)


def test_nothing_is_kept_without_a_rule_nor_after_it_ended(live, captures, entered, admin):
    opened, run = entered()
    run(ask(live, opened))
    captures.rule("income", share=1, days=1, reason=WHY, by=admin)
    run(until_on(opened, is_on=True))
    second = run(ask(live, opened))
    settled(captures, admin, 1, run)
    captures.end("income", reason=WHY, by=admin)
    run(until_on(opened, is_on=False))
    run(ask(live, opened))
    opened._capturing.close()
    assert [each.request for each in captures.list(by=admin)] == [second.request]
    assert captures.rules(by=admin) == []
    with pytest.raises(CapturesOffError):
        captures.end("income", reason=WHY, by=admin)


async def until_on(opened, *, is_on):
    while opened._capturing.is_on is not is_on:
        await asyncio.sleep(0.01)


def test_a_share_takes_those_that_the_ids_of_the_requests_say_and_no_others(live, captures, entered, admin):
    captures.rule("income", share=0.3, days=1, reason=WHY, by=admin)
    opened, run = entered()

    async def many():
        return [(await ask(live, opened)).request for _ in range(200)]

    asked = run(many())
    expected = {request for request in asked if drawn(request) < 0.3 * 16**13}
    assert 0 < len(expected) < 200
    settled(captures, admin, len(expected), run)
    opened._capturing.close()
    assert {each.request for each in captures.list(limit=1000, by=admin)} == expected


def test_reading_is_on_record_with_its_reason_and_leaves_the_receipt_as_it_was(live, kept, entered, admin):
    opened, run = entered()
    reply = run(ask(live, opened))
    settled(kept, admin, 1, run)
    before = live.ledger.receipt(reply.request).partition("\n\n")[0].splitlines()[1]
    with pytest.raises(ReasonError, match="reason"):
        kept.read(reply.request, reason=" ", by=admin)
    assert live.logged("capture.read") == []
    kept.read(reply.request, reason=WHY, by=admin)
    (entry,) = live.logged("capture.read")
    assert (entry.actor, entry.subject) == (admin.id, "income:1")
    assert entry.facts == {"captured": reply.request, "caller": admin.id, "reason": WHY}
    assert live.ledger.receipt(reply.request).partition("\n\n")[0].splitlines()[1] == before


def test_who_may_not_read_sees_neither_list_nor_content_and_another_model_is_not_there(live, kept, entered, admin):
    opened, run = entered()
    reply = run(ask(live, opened))
    settled(kept, admin, 1, run)
    for role in set(Role) - {Role.ADMINISTRATOR, Role.RISK_OFFICER}:
        nobody = Actor(id=f"person:{role}", name=role, role=role)
        for deed in (
            lambda by: kept.list(by=by),
            lambda by: kept.read(reply.request, reason=WHY, by=by),
            lambda by: kept.shred([reply.request], reason=WHY, by=by),
            lambda by: kept.rule("income", share=1, days=1, reason=WHY, by=by),
            lambda by: kept.end("income", reason=WHY, by=by),
            lambda by: kept.sweep(by=by),
        ):
            with pytest.raises(NotPermittedError):
                deed(nobody)
    other = Actor(id="person:b", name="b", role=Role.RISK_OFFICER, models=("housing",))
    assert kept.list(by=other) == []
    for deed in (kept.read, lambda request, **more: kept.shred([request], **more)):
        with pytest.raises(CaptureMissingError):
            deed(reply.request, reason=WHY, by=other)
    assert live.logged("capture.read") == []


def test_who_asks_a_model_may_know_that_it_is_kept(kept):
    caller = Actor(id="service:till", name="till", role=Role.CALLER, models=("income",))
    assert [(rule.model, rule.share, rule.days) for rule in kept.rules(by=caller)] == [("income", 1, 30)]
    assert kept.rules(by=Actor(id="service:b", name="b", role=Role.CALLER, models=("housing",))) == []


def test_what_was_shredded_opens_for_nobody_and_no_file_holds_its_key(live, kept, entered, admin, home, cleared):
    opened, run = entered()
    first, second = run(ask(live, opened)), run(ask(live, opened))
    settled(kept, admin, 2, run)
    ((wrapped,),) = rows(home, "SELECT wrapped FROM data_keys WHERE label = ?", f"capture {first.request}")
    assert files_with(home, wrapped), "it is found while it is there"
    done = kept.shred([first.request, first.request], reason=WHY, by=admin)
    assert files_with(home, wrapped) == []
    assert done.requests == (first.request,)
    with pytest.raises(CaptureShreddedError, match=r"was shredded on"):
        kept.read(first.request, reason=WHY, by=admin)
    (entry,) = live.logged("capture.shredded")
    assert (entry.facts["captured"], entry.facts["reason"], entry.facts["key"]) == (first.request, WHY, done.keys[0])
    assert kept.read(second.request, reason=WHY, by=admin).answer == second.payload
    before = len(cleared())
    for _ in range(3):
        kept.shred([first.request], reason=WHY, by=admin)
    assert (len(live.logged("capture.shredded")), bool(before), len(cleared())) == (1, True, before), "once is enough"
    with pytest.raises(CaptureMissingError):
        kept.shred([second.request, "req-1"], reason=WHY, by=admin)
    assert kept.read(second.request, reason=WHY, by=admin).answer == second.payload, "all or none"


def test_a_shredded_one_that_is_put_back_from_a_copy_of_its_row_does_not_open(live, kept, entered, admin, home):
    opened, run = entered()
    reply = run(ask(live, opened))
    settled(kept, admin, 1, run)
    ((content,),) = rows(home, "SELECT content FROM captures")
    kept.shred([reply.request], reason=WHY, by=admin)
    rows(home, "UPDATE captures SET content = ?, shredded = NULL", content)
    with pytest.raises(CaptureShreddedError):
        kept.read(reply.request, reason=WHY, by=admin)


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("UPDATE captures SET caller = 'person:eve'", CaptureAlteredError),
        ("UPDATE captures SET until = '2099-01-01T00:00:00.000000+00:00'", CaptureAlteredError),
        ("UPDATE captures SET version = 'income:2'", CaptureAlteredError),
        ("UPDATE captures SET content = zeroblob(100)", SealBrokenError),
        ("UPDATE captures SET content = substr(content, 1, length(content) - 1)", SealBrokenError),
    ],
)
def test_a_row_that_was_altered_is_refused_and_not_on_record_as_read(live, kept, entered, admin, home, statement, refused):
    opened, run = entered()
    reply = run(ask(live, opened))
    settled(kept, admin, 1, run)
    rows(home, statement)
    with pytest.raises(refused):
        kept.read(reply.request, reason=WHY, by=admin)
    assert live.logged("capture.read") == []


def test_two_that_were_exchanged_are_refused(live, kept, entered, admin, home):
    opened, run = entered()
    one, other = run(ask(live, opened)), run(ask(live, opened))
    settled(kept, admin, 2, run)
    contents = dict(rows(home, "SELECT request, content FROM captures"))
    rows(home, "UPDATE captures SET content = ? WHERE request = ?", contents[other.request], one.request)
    with pytest.raises(SealBrokenError):
        kept.read(one.request, reason=WHY, by=admin)
    digests = dict(rows(home, "SELECT request, digest FROM captures"))
    rows(home, "UPDATE captures SET digest = ? WHERE request = ?", digests[other.request], one.request)
    with pytest.raises(SealBrokenError):
        kept.read(one.request, reason=WHY, by=admin)


def test_what_somebody_seals_who_has_the_keys_is_refused_where_the_ledger_commits_to_something_else(
    live, kept, entered, admin, home, vault, database, monkeypatch
):
    opened, run = entered()
    made = capturing._taken
    monkeypatch.setattr(
        capturing, "_taken", lambda *given: (t := made(*given))._replace(kept=msgspec.structs.replace(t.kept, answer=b"{}"))
    )
    reply = run(ask(live, opened))
    settled(kept, admin, 1, run)
    with pytest.raises(CaptureAlteredError, match="no entry that commits to it"):
        kept.read(reply.request, reason=WHY, by=admin)


def test_a_rule_is_the_ledgers_word_and_one_that_was_written_there_by_hand_keeps_nothing(live, captures, admin, home):
    captures.rule("income", share=0.5, days=1, reason=WHY, by=admin)
    for (trigger,) in rows(home, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        rows(home, f"DROP TRIGGER {trigger}")
    ((index, entry),) = rows(home, "SELECT idx, entry FROM ledger_entries WHERE event = 'captures.ruled'")
    rows(home, "UPDATE ledger_entries SET entry = ? WHERE idx = ?", entry.replace(b'"share":0.5', b'"share":1.0'), index)
    assert captures.rules(by=admin) == []


def test_an_entry_that_nobody_proves_hides_no_rule_that_comes_after_it(live, captures, admin, home):
    captures.rule("income", share=0.5, days=1, reason=WHY, by=admin)
    rules = captures.rules_in_force
    assert rules.now()["income"].share == 0.5
    for (trigger,) in rows(home, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        rows(home, f"DROP TRIGGER {trigger}")
    names = [name for _, name, *_ in rows(home, "PRAGMA table_info(ledger_entries)")]
    (forged,) = rows(home, "SELECT * FROM ledger_entries WHERE event = 'captures.ruled'")
    far = dict(zip(names, forged, strict=True)) | {"idx": 10**6}
    far["entry"] = far["entry"].replace(b'"share":0.5', b'"share":1.0')
    rows(home, f"INSERT INTO ledger_entries ({', '.join(far)}) VALUES ({', '.join('?' * len(far))})", *far.values())
    assert "income" not in rules.now(), "what is in doubt is not kept"
    rows(home, "DELETE FROM ledger_entries WHERE idx = 1000000")
    captures.rule("income", share=0.25, days=1, reason=WHY, by=admin)
    assert rules.now()["income"].share == 0.25


def test_who_relabels_the_end_of_a_rule_has_it_in_force_again_until_verify_names_it(live, captures, admin, home):
    """What the threat model and decision 38 say cannot be noticed at once; and by whom it is."""
    captures.rule("income", share=0.5, days=1, reason=WHY, by=admin)
    captures.end("income", reason="looked into", by=admin)
    running = captures.rules_in_force
    assert "income" not in running.now()
    for (trigger,) in rows(home, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        rows(home, f"DROP TRIGGER {trigger}")
    (last,) = rows(home, "SELECT max(idx) FROM ledger_entries WHERE event = 'captures.ruled'")
    rows(home, "UPDATE ledger_entries SET event = 'capture.read' WHERE idx = ?", *last)
    assert CaptureRules(live.ledger).now()["income"].share == 0.5
    with pytest.raises(LedgerBrokenError):
        running.now()
    assert not live.ledger.verify().is_sound


def test_time_ends_what_is_kept_and_the_ledger_says_how_much(live, kept, entered, admin, home):
    opened, run = entered()
    reply = run(ask(live, opened))
    settled(kept, admin, 1, run)
    assert kept.sweep(by=admin).removed == 0
    rows(home, "UPDATE captures SET until = '2020-01-01T00:00:00.000000+00:00'")
    opened._capturing.sweep()
    assert kept.list(by=admin) == []
    assert rows(home, "SELECT * FROM data_keys WHERE label LIKE 'capture%'") == []
    (entry,) = live.logged("captures.expired")
    assert (entry.subject, entry.facts) == ("income", {"questions": 1})
    with pytest.raises(CaptureMissingError):
        kept.read(reply.request, reason=WHY, by=admin)


def test_what_is_too_much_is_lost_counted_and_on_record_and_every_answer_leaves(live, kept, entered, admin, home, monkeypatch):
    monkeypatch.setattr(capturing, "WAITING_LIMIT_BYTES", 3000)
    opened, run = entered()
    held, writes = threading.Event(), capturing.Capturing._write
    monkeypatch.setattr(capturing.Capturing, "_write", lambda self, some: (held.wait(30), writes(self, some)))

    async def many():
        return [await ask(live, opened) for _ in range(10)]

    replies = run(many())
    assert len(replies) == 10
    held.set()
    found = settled(kept, admin, 2, run)
    opened._capturing.close()
    (entry,) = live.logged("captures.lost")
    assert entry.facts == {"questions": 10 - len(found)}
    counts = dict(opened.meters._captures.samples())
    assert counts == {("lost",): [10 - len(found)], ("kept",): [len(found)]}


def test_a_database_that_is_busy_delays_what_is_kept_and_loses_nothing(live, kept, entered, admin, home, monkeypatch):
    opened, run = entered()
    failed, writes = [], capturing.Capturing._write

    def write(self, some):
        if len(failed) < 2:
            failed.append(1)
            with locked(home):
                raise DatabaseBusyError("busy")
        writes(self, some)

    monkeypatch.setattr(capturing.Capturing, "_write", write)
    monkeypatch.setattr(capturing, "_RETRY_SECONDS", 0.01)
    replies = [run(ask(live, opened)) for _ in range(3)]
    assert {each.request for each in settled(kept, admin, 3, run)} == {reply.request for reply in replies}
    assert live.logged("captures.lost") == []


def test_what_was_lost_through_a_fault_is_on_record_too(live, kept, entered, admin, monkeypatch):
    opened, run = entered()
    writes, failed = capturing.Capturing._write, []

    def write(self, some):
        if not failed:
            failed.append(1)
            raise ValueError
        writes(self, some)

    monkeypatch.setattr(capturing.Capturing, "_write", write)
    monkeypatch.setattr(capturing, "_RETRY_SECONDS", 0.01)
    run(ask(live, opened))

    async def on_record():
        while not live.logged("captures.lost"):
            await asyncio.sleep(0.01)

    run(asyncio.wait_for(on_record(), 30))
    assert [entry.facts for entry in live.logged("captures.lost")] == [{"questions": 1}]


def test_what_waits_is_written_before_the_gateway_has_ended(live, kept, entered, admin):
    opened, run = entered()

    async def many():
        return await asyncio.gather(*(ask(live, opened) for _ in range(50)))

    replies = run(many())
    run(asyncio.to_thread(opened._capturing.close))
    assert {each.request for each in kept.list(limit=1000, by=admin)} == {reply.request for reply in replies}


def test_what_was_not_on_record_is_not_kept(live, kept, entered, admin, home):
    opened, run = entered()

    async def scenario():
        with locked(home), pytest.raises(Exception, match="No answer within"):
            await ask(live, opened, timeout_seconds=0.1)
        return await ask(live, opened)

    reply = run(scenario())
    settled(kept, admin, 1, run)
    opened._capturing.close()
    assert [each.request for each in kept.list(by=admin)] == [reply.request]


def test_another_master_key_opens_what_was_kept_before(live, kept, entered, admin, keyring, vault, database, ledger):
    from modelward.access import Rotation

    opened, run = entered()
    before = run(ask(live, opened))
    settled(kept, admin, 1, run)
    Rotation(database, ledger, keyring, vault, named=live.registry.sealed_objects).rotate(by=admin)
    after = run(ask(live, opened))
    settled(kept, admin, 2, run)
    for reply in (before, after):
        assert kept.read(reply.request, reason=WHY, by=admin).answer == reply.payload


@pytest.mark.parametrize(("share", "days"), [(0, 1), (-0.1, 1), (1.01, 1), (float("nan"), 1), (0.5, 0), (0.5, 3651)])
def test_a_rule_that_cannot_be_is_refused(captures, admin, share, days):
    with pytest.raises(InvalidCaptureRuleError):
        captures.rule("income", share=share, days=days, reason=WHY, by=admin)
    assert captures.rules(by=admin) == []


def test_a_model_that_is_not_there_has_no_rule(captures, admin):
    with pytest.raises(ModelMissingError):
        captures.rule("housing", share=1, days=1, reason=WHY, by=admin)


def test_explanations_are_kept_as_answers_are(live, kept, entered, admin):
    from modelward.serving import Why

    opened, run = entered()
    payload = msgspec.json.encode(ROW)
    question = Question(caller=live.admin, model="income", payload=payload)
    reply = run(opened.explain(question, lambda: Why(ROW, None)))
    settled(kept, admin, 1, run)
    assert kept.read(reply.request, reason=WHY, by=admin).answer == reply.payload


def test_a_gateway_that_ends_while_nothing_can_be_written_ends_and_says_what_was_lost(live, kept, entered, admin, monkeypatch):
    opened, run = entered()

    def write(self, some):
        raise DatabaseBusyError("busy")

    monkeypatch.setattr(capturing.Capturing, "_write", write)
    run(ask(live, opened))
    run(asyncio.to_thread(opened._capturing.close))
    assert dict(opened.meters._captures.samples()) == {("lost",): [1]}
