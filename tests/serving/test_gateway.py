# SPDX-License-Identifier: Apache-2.0
"""The gateway: what it answers, what it refuses, and what the ledger says of both."""

import asyncio
import hmac

import msgspec
import numpy as np
import pytest

from modelward.access import NotPermittedError, Role, UnknownCredentialError
from modelward.registry import InvalidRowsError
from modelward.serving import (
    Answer,
    Asking,
    ModelUnavailableError,
    NotServedError,
    OverloadedError,
    Question,
    ShuttingDownError,
    TooManyRowsError,
    as_records,
    new_request_id,
)

ROW = {"age": 40, "hours": 38.5, "sector": "public"}
LOW = 1 / (1 + np.exp(-(0.05 * 40 - 0.1 * 38.5 + 1.5)))


def question(caller, *, rows=(ROW,), model="income", **more):
    return Question(caller=caller, model=model, payload=msgspec.json.encode({"rows": rows}), **more)


def ask(house, caller, *, rows=(ROW,), **more):
    """One question through a gateway of its own."""

    async def once():
        async with house.serving.gateway() as gateway:
            return await gateway.predict(question(caller, rows=rows, **more), rows)

    return asyncio.run(once())


def test_an_answer_names_the_class_its_probabilities_the_version_and_the_request(live):
    reply = ask(live, live.key())
    answer = msgspec.json.decode(reply.payload, type=Answer)
    assert answer.predictions[0].label == "high"
    assert answer.predictions[0].probabilities == pytest.approx({"high": 1 - LOW, "low": LOW}, abs=1e-6)
    assert (answer.model, answer.version, answer.request_id) == ("income", 1, reply.request)
    assert reply.version == "income:1"


def test_an_answer_leaves_with_an_entry_that_commits_to_question_and_answer(live):
    reply = ask(live, live.key("till"))
    (entry,) = live.logged("inference.answered")
    key = live.ledger.request_key(reply.request).secret
    sent = msgspec.json.encode({"rows": (ROW,)})
    assert entry.facts["input"] == hmac.digest(key, sent, "sha256").hex()
    assert entry.facts["output"] == hmac.digest(key, reply.payload, "sha256").hex()
    assert entry.facts["rows"] == 1
    assert entry.facts["version"] == live.registry.find("income:1", by=live.admin).digest
    assert (entry.index, entry.actor, entry.subject, entry.request) == (reply.entry, "service:till", "income:1", reply.request)
    assert live.ledger.verify().is_sound


def test_no_entry_holds_what_was_asked_or_answered(live):
    ask(live, live.key(), rows=[{"age": 77.25, "hours": 38.5, "sector": "a-secret-sector"}])
    told = "".join(str(found.entry) for found in live.ledger.entries())
    assert "inference.answered" in told
    assert "77.25" not in told
    assert "a-secret-sector" not in told


def test_columns_and_rows_get_the_same_answer(live):
    async def both():
        async with live.serving.gateway() as gateway:
            key = live.key()
            rows = [ROW, {"age": None, "hours": 5, "sector": None}]
            columns = {name: [row[name] for row in rows] for name in ROW}
            found = [
                await gateway.predict(question(key), rows),
                await gateway.answer(question(key), lambda interface: Asking(interface.table_of_columns(columns), as_records)),
            ]
            uneven = {**columns, "hours": [1]}
            with pytest.raises(InvalidRowsError, match="'hours' has 1"):
                await gateway.answer(question(key), lambda interface: Asking(interface.table_of_columns(uneven), as_records))
            return [msgspec.json.decode(reply.payload, type=Answer).predictions for reply in found]

    first, second = asyncio.run(both())
    assert len(first) == 2
    assert first == second


@pytest.mark.parametrize("secret", ["", "mw_", "mw_abcdefgh_" + "x" * 43, "ключ", "\udc80"])
def test_a_key_that_opens_nothing_is_turned_away_and_not_recorded(live, secret):
    with pytest.raises(UnknownCredentialError):
        ask(live, secret)
    assert live.logged("inference.refused") == []


def test_a_revoked_key_stops_working_while_the_server_runs(live):
    issued = live.access.create_key("till", role=Role.CALLER, by=live.admin)

    async def until_refused():
        async with live.serving.gateway() as gateway:
            await gateway.predict(question(issued.secret), [ROW])
            live.access.revoke_key(issued.key.id, by=live.admin)
            for _ in range(500):
                await gateway.predict(question(issued.secret), [ROW])
                await asyncio.sleep(0.01)

    with pytest.raises(UnknownCredentialError):
        asyncio.run(until_refused())


def test_the_standing_of_a_key_that_is_revoked_while_it_is_looked_at_does_not_hold(live, entered, monkeypatch):
    gateway, _ = entered()
    issued = live.access.create_key("till", role=Role.CALLER, by=live.admin)
    look = gateway._keychain.credential

    def meanwhile(secret):
        found = look(secret)
        live.access.revoke_key(issued.key.id, by=live.admin)
        gateway._keychain.refresh()
        return found

    about = {"model": "income", "number": None, "request": new_request_id()}
    assert gateway.standing(issued.secret, **about).revision != gateway.keys_revision, "the keychain had not seen the key"
    assert gateway.standing(issued.secret, **about).revision == gateway.keys_revision
    monkeypatch.setattr(gateway._keychain, "credential", meanwhile)
    assert gateway.standing(issued.secret, **about).revision != gateway.keys_revision


def test_a_key_made_while_the_server_runs_works_at_once(live):
    async def run():
        async with live.serving.gateway() as gateway:
            for number in range(5):
                await gateway.predict(question(live.key(f"till-{number}")), [ROW])

    asyncio.run(run())
    assert len({entry.facts["credential"] for entry in live.logged("inference.answered")}) == 5


def test_a_key_for_another_model_is_refused_on_record_before_the_model_is_looked_for(live):
    key = live.key(models=["other"])
    for model in ("income", "unheard-of"):
        with pytest.raises(NotPermittedError, match="limited to other"):
            ask(live, key, model=model)
    assert [entry.facts["error"] for entry in live.logged("inference.refused")] == ["NotPermittedError"] * 2


def test_a_role_that_may_not_predict_is_refused(live):
    with pytest.raises(NotPermittedError):
        ask(live, live.key(role=Role.AUDITOR))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**ROW, "hours": "many"}, "'hours' must be a number"),
        ({**ROW, "hours": None}, "'hours' is null"),
        ({**ROW, "hours": float("nan")}, "not finite"),
        ({"age": 1, "hours": 2}, "lacks the feature 'sector'"),
        ({**ROW, "wage": 1}, "'wage' is unknown"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_place_and_on_record(live, row, words):
    with pytest.raises(InvalidRowsError, match=words):
        ask(live, live.key(), rows=[row])
    (entry,) = live.logged("inference.refused")
    assert entry.facts["error"] == "InvalidRowsError"
    assert live.logged("inference.answered") == []


def test_more_rows_than_the_limit_are_refused(live):
    ask(live, live.key("one"), rows=[ROW] * 64)
    with pytest.raises(TooManyRowsError, match="64 is the most"):
        ask(live, live.key("two"), rows=[ROW] * 65)


def test_what_is_not_live_is_not_served(house):
    name, key = house.register(), house.key()
    with pytest.raises(NotServedError, match="'income' is not released"):
        ask(house, key)
    house.make_live(name)
    house.register()
    with pytest.raises(NotServedError, match="income:1 is"):
        ask(house, key, number=2)
    assert ask(house, key, number=1).version == "income:1"


def test_a_version_promoted_while_the_server_runs_takes_over_and_a_roll_back_brings_the_old_one_back(live):
    async def run():
        async with live.serving.gateway() as gateway:
            key = live.key()
            seen = [(await gateway.predict(question(key), [ROW])).version]
            for change in (
                lambda: live.make_live(live.register(weight=0.2)),
                lambda: live.releases.roll_back("income", by=live.admin),
            ):
                change()
                while (now := (await gateway.predict(question(key), [ROW])).version) == seen[-1]:
                    await asyncio.sleep(0.01)
                seen.append(now)
            return seen

    assert asyncio.run(asyncio.wait_for(run(), 30)) == ["income:1", "income:2", "income:1"]


def test_the_first_question_after_a_release_finds_it(house):
    async def run():
        async with house.serving.gateway() as gateway:
            key = house.key()
            house.make_live(house.register())
            return await gateway.predict(question(key), [ROW])

    assert asyncio.run(run()).version == "income:1"


def test_a_tampered_version_is_not_served_and_neither_is_the_one_before(live, home):
    second = live.register(weight=0.2)
    live.make_live(second)
    sealed = next(file.sealed for file in live.registry.find(second, by=live.admin).files if file.path.endswith(".onnx"))
    lying = next(path for path in (home / "objects").rglob("*") if path.name.endswith(sealed[-20:]))
    damaged = bytearray(lying.read_bytes())
    damaged[-1] ^= 1
    lying.chmod(0o600)
    lying.write_bytes(bytes(damaged))
    with pytest.raises(ModelUnavailableError, match="income:2 is released and cannot be opened"):
        ask(live, live.key())
    (found,) = [one for one in readiness(live) if one.model == "income"]
    assert not found.is_ready
    assert "income:2" in found.fault


def readiness(house):
    house.serving.deployments.refresh()
    return house.serving.deployments.readiness()


def test_overload_is_answered_at_once_with_when_to_come_back(live, settings):
    live.serving._settings = msgspec.structs.replace(settings, inflight_limit=3)

    async def run():
        async with live.serving.gateway() as gateway:
            key = live.key()
            return await asyncio.gather(*(gateway.predict(question(key), [ROW]) for _ in range(8)), return_exceptions=True)

    outcomes = asyncio.run(run())
    refused = [outcome for outcome in outcomes if isinstance(outcome, OverloadedError)]
    assert len(refused) == 5
    assert refused[0].retry_after_seconds > 0
    assert len(live.logged("inference.answered")) == 3
    assert live.logged("inference.refused") == []


def test_after_the_gateway_closed_nothing_is_answered(live):
    async def run():
        async with live.serving.gateway() as gateway:
            pass
        await gateway.predict(question(live.key()), [ROW])

    with pytest.raises(ShuttingDownError):
        asyncio.run(run())


def test_questions_open_when_the_gateway_closes_are_answered(live):
    async def run():
        async with live.serving.gateway() as gateway:
            key = live.key()
            asked = [asyncio.ensure_future(gateway.predict(question(key), [ROW])) for _ in range(20)]
            await asyncio.sleep(0)
        return await asyncio.gather(*asked)

    assert len(asyncio.run(run())) == 20
