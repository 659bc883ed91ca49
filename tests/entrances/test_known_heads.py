# SPDX-License-Identifier: Apache-2.0
"""A head that came before on a connection is not read again. It means what it meant the first time, for as long as that is so, and
nowhere else. `test_one_connection.py` has requests of every kind; here are many of the same, and who reads them is counted.
"""

import gc
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrances.api.house import ROW, Threaded, body, build, tensors
from entrances.wire import Line, asking
from modelward.entrances import protocol
from modelward.entrances.exchange import Exchange

MARK = "X-Mark"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("heads"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def read():
    """How often the parser read a head that bears a mark."""
    counted = Counter()

    def counting(target, headers, premises, *, read_head=protocol.read_head, **more):
        counted[dict(headers).get(MARK.lower().encode(), b"").decode()] += 1
        return read_head(target, headers, premises, **more)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(protocol, "read_head", counting)
        yield counted


@pytest.fixture(scope="module")
def server(house, read):
    with Threaded(house.settings) as running:
        yield running


@pytest.fixture(scope="module")
def key(house):
    return house.key()


def rows(age: float) -> bytes:
    return body([{**ROW, "age": age}])


def ask(line, question):
    line.send(question)
    reply = line.answer()
    assert reply is not None
    return reply


def told(reply) -> tuple:
    """All of an answer but what differs from answer to answer."""
    headers = {**reply.headers, "x-request-id": "", "x-modelward-ledger-index": ""}
    return reply.status, list(headers.items()), re.sub(rb"req-[0-9a-f]{32}", b"", reply.body)


def test_a_head_is_read_no_more_once_it_is_known(server, key, read):
    question = asking(key, headers=(f"{MARK}: known",))
    with Line(server.port) as line:
        assert [ask(line, question).status for _ in range(8)] == [200] * 8
    assert read["known"] <= 3, "the first with a new key holds for nothing else"


def test_heads_that_come_but_once_push_no_other_out(server, key, read):
    with Line(server.port) as line:
        for at in range(700):
            ask(line, asking(key, headers=(f"traceparent: 00-{at + 1:032x}-{1:016x}-01",)))
            if at % 30 == 0:
                ask(line, asking(key, headers=(f"{MARK}: often",)))
    assert read["often"] <= 3


MLFLOW = b'{"dataframe_split": {"columns": ["age", "hours", "sector"], "data": [[40, 38.5, "public"]]}}'
QUESTIONS = {
    "records": ("/v1/models/income/predict", body(), 200),
    "a version by its number": ("/v1/models/income:1/predict", body(), 200),
    "tensors": ("/v2/models/income/infer", json.dumps(tensors()).encode(), 200),
    "mlflow": ("/models/income/invocations", MLFLOW, 200),
    "rows that do not fit": ("/v1/models/income/predict", body([{**ROW, "hours": None}]), 400),
    "no rows": ("/v1/models/income/predict", b"{", 400),
    "nobody's model": ("/v1/models/nobody/predict", body(), 404),
    "a version that is not live": ("/v1/models/income:7/predict", body(), 404),
    "too many rows": ("/v1/models/income/predict", body([ROW] * 65), 413),
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_whoever_reads_the_head_the_answer_is_the_same(server, key, read, kind):
    path, data, status = QUESTIONS[kind]
    question = asking(key, data, to=path, headers=(f"{MARK}: {kind}", "Content-Type: application/json"))
    replies = []
    for _ in range(2):
        with Line(server.port) as line:
            replies += [ask(line, question) for _ in range(4)]
    assert read[kind] < len(replies)
    assert {reply.status for reply in replies} == {status}
    assert [told(reply) for reply in replies] == [told(replies[0])] * len(replies)
    assert len({reply.headers["x-request-id"] for reply in replies}) == len(replies)


def test_a_head_is_known_on_its_own_connection_alone(server, key, read):
    question = asking(key, headers=(f"{MARK}: own",))
    with Line(server.port) as line, Line(server.port) as another:
        for _ in range(4):
            ask(line, question)
        before = read["own"]
        assert ask(another, question).status == 200
        assert read["own"] == before + 1


def test_a_known_head_with_another_length_is_another_head(server, key, read):
    with Line(server.port) as line:
        for _ in range(4):
            ask(line, asking(key, rows(20.0), headers=(f"{MARK}: length",)))
        before = read["length"]
        reply = ask(line, asking(key, rows(20.25), headers=(f"{MARK}: length",)))
        assert (reply.status, read["length"]) == (200, before + 1)


WAYS = (
    "whole",
    "whole",
    "whole",
    "with the next",
    "cut in its head",
    "cut before its body",
    "cut in its body",
    "cut before its end",
)


def pieces(ways, questions):
    """What is sent at once, and how many questions are whole by then."""
    ready, held = 0, b""
    for way, question in zip(ways, questions, strict=True):
        head = question.index(b"\r\n\r\n") + 4
        cut = {
            "cut in its head": head // 2,
            "cut before its body": head,
            "cut in its body": head + 9,
            "cut before its end": -1,
        }.get(way)
        if cut is not None:
            yield held + question[:cut], ready
            held, question = b"", question[cut:]
        held += question
        ready += 1
        if way != "with the next":
            yield held, ready
            held = b""
    yield held, ready


def answered_alike(server, key, ages, ways, *, is_patient):
    """Questions with the same head, sent in pieces: each has the answer that it gets alone on a connection. Who is patient waits
    for the answers to what was sent before the next piece.
    """
    questions = [asking(key, rows(age), headers=(f"{MARK}: alike",)) for age in ages]
    replies = []
    with Line(server.port) as line:
        for piece, ready in pieces(ways, questions):
            line.send(piece)
            server.look()
            while is_patient and len(replies) < ready:
                replies.append(line.answer())
        replies += [line.answer() for _ in questions[len(replies) :]]
    with Line(server.port) as line:
        alone = {age: told(ask(line, asking(key, rows(age), headers=(f"{MARK}: alone",)))) for age in set(ages)}
    assert [told(reply) for reply in replies] == [alone[age] for age in ages]
    indexes = [int(reply.headers["x-modelward-ledger-index"]) for reply in replies]
    assert indexes == sorted(set(indexes))


def test_of_questions_alike_in_their_heads_each_gets_its_own_answer_however_they_are_cut(server, key, read):
    sent = 0

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(
        questions=st.lists(st.tuples(st.integers(20, 89), st.sampled_from(WAYS)), min_size=1, max_size=12), is_patient=st.booleans()
    )
    @example(questions=[(20 + at, way) for at, way in enumerate(WAYS)], is_patient=True)
    def cut(questions, is_patient):
        nonlocal sent
        ages, ways = zip(*questions, strict=True)
        answered_alike(server, key, ages, ways, is_patient=is_patient)
        sent += len(ages)

    cut()
    assert 0 < read["alike"] < sent, "some heads were read, and some were known"


def test_a_key_that_has_expired_opens_nothing_more_also_where_its_head_is_known(house, server, read):
    expires = datetime.now(UTC) + timedelta(seconds=1.5)
    question = asking(house.key(expires=expires), headers=(f"{MARK}: expiring",))
    replies = []
    with Line(server.port) as line:
        while not replies or replies[-1].status == 200:
            has_expired = datetime.now(UTC) >= expires
            replies.append(ask(line, question))
            assert not (has_expired and replies[-1].status == 200)
        assert datetime.now(UTC) >= expires
        assert [ask(line, question).status for _ in range(3)] == [401] * 3
    assert read["expiring"] < len(replies) + 3


def test_after_a_key_was_revoked_every_head_is_read_again(house, server, key, read):
    """Whoever's key it was, for a standing says only among which keys it was found."""
    revoked = house.key()
    mine = house.platform.access.keys(by=house.by)[-1]
    other, own = asking(revoked, headers=(f"{MARK}: revoked",)), asking(key, headers=(f"{MARK}: kept",))
    with Line(server.port) as line:
        for _ in range(4):
            assert (ask(line, other).status, ask(line, own).status) == (200, 200)
        before = read["kept"]
        house.platform.access.revoke_key(mine.id, by=house.by)
        while ask(line, other).status == 200:
            pass
        for _ in range(4):
            assert (ask(line, other).status, ask(line, own).status) == (401, 200)
    assert read["revoked"] >= 4
    assert before < read["kept"] <= before + 2


def test_a_known_head_is_answered_by_the_version_that_is_live_and_by_none_where_none_is(house, server, key, read):
    house.make_live(house.register("moving"))
    question = asking(key, to="/v1/models/moving/predict", headers=(f"{MARK}: moving",))
    with Line(server.port) as line:
        for _ in range(4):
            assert ask(line, question).headers["x-modelward-model"] == "moving:1"
        house.make_live(house.register("moving", weight=0.2))
        while (reply := ask(line, question)).headers["x-modelward-model"] == "moving:1":
            pass
        assert reply.headers["x-modelward-model"] == "moving:2"
        house.platform.releases.pause(house.platform.releases.live()["moving"].id, by=house.by)
        while ask(line, question).status == 200:
            pass
        assert "moving:2 is paused" in ask(line, question).error
    assert read["moving"] <= 2


@pytest.mark.parametrize(
    ("models", "header", "status"),
    [(["other"], "A: b", 403), (None, "x-request-timeout-ms: soon", 400), (None, "Content-Encoding: x", 415)],
)
def test_a_head_that_was_refused_is_read_again(house, server, read, models, header, status):
    """What was refused may be granted the next time; and is not granted because nobody looks."""
    question = asking(house.key(models=models), headers=(f"{MARK}: {status}", header))
    with Line(server.port) as line:
        assert [ask(line, question).status for _ in range(4)] == [status] * 4
    assert read[f"{status}"] == 4


REFUSED = {
    "stranger": ({"key": "mw_nobody"}, 401),
    "no credential": ({"key": ""}, 401),
    "nobody's model": ({"more": {"to": "/v1/models/nobody/predict"}}, 404),
    "no version": ({"more": {"to": "/v1/models/income:0/predict"}}, 404),
    "no time": ({"more": {"headers": ("x-request-timeout-ms: soon",)}}, 400),
    "no encoding": ({"more": {"headers": ("Content-Encoding: x",)}}, 415),
}


def test_a_question_that_ends_the_connection_ends_it_every_time(server, key):
    with Line(server.port) as line:
        for _ in range(4):
            ask(line, asking(key))
        assert ask(line, asking(key, headers=("Connection: close",))).headers["connection"] == "close"
        assert line.answer() is None


@pytest.mark.parametrize("kind", ["answered", *REFUSED])
def test_a_question_leaves_nothing_to_the_collector_however_it_ends(server, key, kind):
    """The server lets it come seldom; and what one question still held of the one before it would never come to it."""
    refused, status = REFUSED.get(kind, ({}, 200))
    with Line(server.port) as line:
        ask(line, asking(key))
        gc.collect()
        gc.disable()
        try:
            for at in range(30):
                assert ask(line, asking(refused.get("key", key), rows(20.0 + at % 3), **refused.get("more", {}))).status == status
            left = sum(isinstance(held, Exchange) for held in gc.get_objects())
        finally:
            gc.enable()
    assert left <= 2
