# SPDX-License-Identifier: Apache-2.0
"""What a policy asks to be done with persons in questions: the version never sees them, and callers get their own back."""

import asyncio
import io

import msgspec
import polars as pl
import pytest

from entrances.speakers import repeater
from modelward.privacy import find_spans
from modelward.registry import GRAPH_FILE, Feature, Interface
from modelward.releases import InvalidPolicyError, parse_policy
from modelward.serving import Question
from modelward.serving.doorkeeper import PersonsRefusedError
from serving.tiny import LINEAGE

LENGTH = 96
ECHO = Interface((Feature("said", "text", nullable=True, length=LENGTH, lowercase=False),), "answer", answer="text", length=LENGTH)
# As the version reads it: it folds full-width signs by itself.
SAID = "联系人: 李强, 电话13800138000, ada@example.org"
HEADER = b"x-modelward-hidden"


@pytest.fixture
def released(house):
    """Makes a model live that says what it is told, under a policy with that door."""

    def release(persons):
        house.releases.policies.put(
            f"name: by-purpose\nrules: [{{rule: purpose-declared}}]\ndoor: {{persons: {persons}}}\n", by=house.admin
        )
        said = {"lineage": LINEAGE, "interface": ECHO, "purpose": "tests", "owner": "tester", "facts": {}}
        house.make_live(house.registry.register("echo", {GRAPH_FILE: repeater(LENGTH)}, **said, by=house.admin).name)
        return house

    return release


def answers(house, *texts, caller=None, seen=None):
    """What callers get for each text in a question of its own; `seen` is told the texts that the engine gets."""

    async def run():
        async with house.serving.gateway() as gateway:
            deployment = house.serving.deployments.get("echo")
            if seen is not None:
                engine, answers = deployment.engine, deployment.engine.answers
                object.__setattr__(engine, "answers", lambda columns: seen.extend(texts_in(columns)) or answers(columns))
            question = Question(caller=caller or house.admin, model="echo", payload=b"{}")
            return [await gateway.predict(question, [{"said": text}]) for text in texts]

    return asyncio.run(run())


def texts_in(columns):
    return ["".join(map(chr, row[row > 0].tolist())) for row in columns["said"].reshape(len(columns["said"]), -1)]


def text_of(reply):
    return msgspec.json.decode(reply.payload)["predictions"][0]["text"]


def test_the_version_sees_pseudonyms_and_the_caller_gets_back_what_was_said(released):
    house, seen = released("pseudonym"), []
    (reply,) = answers(house, SAID, seen=seen)
    assert text_of(reply) == SAID
    assert dict(reply.written.headers)[HEADER] == b"email=1, name=1, phone=1"
    (told,) = seen
    assert not any(value in told for value in ("李强", "13800138000", "ada@example.org"))
    assert [span.kind for span in find_spans(told)].count("email") == 1, "a pseudonym looks like what it stands for"


def test_what_was_hidden_is_counted_by_kind_for_the_version(released):
    house = released("redact")
    answers(house, SAID, "nobody", "ada@example.org")
    counted = {labels: number for labels, (number,) in house.serving._meters._hidden.samples()}
    assert counted == {("echo", "1", "email"): 2, ("echo", "1", "name"): 1, ("echo", "1", "phone"): 1}


def test_a_caller_has_the_same_pseudonyms_in_every_question_and_no_other_caller_has_them(released):
    house, first, second, other = released("pseudonym"), [], [], []
    answers(house, "ada@example.org", seen=first)
    answers(house, "ada@example.org", seen=second)
    answers(house, "ada@example.org", caller=house.key("till"), seen=other)
    assert first == second != other


def test_where_the_policy_says_redact_nobody_sees_them_again(released):
    house, seen = released("redact"), []
    (reply,) = answers(house, SAID, seen=seen)
    assert seen == ["联系人: <name>, 电话<phone>, <email>"]
    assert text_of(reply) == "联系人: <name>, 电话<phone>, <email>"


def test_where_the_policy_says_refuse_the_place_and_the_kinds_are_told_and_no_value(released):
    house, seen = released("refuse"), []
    with pytest.raises(PersonsRefusedError, match=r"Row 1, 'said' names persons \(email, name, phone\)") as refused:
        answers(house, SAID, seen=seen)
    assert not any(value in str(refused.value) for value in ("李强", "13800138000", "ada@"))
    assert seen == []
    assert house.logged("inference.refused")[-1].facts["error"] == "PersonsRefusedError"
    assert [text_of(reply) for reply in answers(house, "nobody at all")] == ["nobody at all"]


def test_without_a_door_nothing_is_looked_for(released):
    house, seen = released("keep"), []
    (reply,) = answers(house, SAID, seen=seen)
    assert (seen, text_of(reply)) == ([SAID], SAID)
    assert HEADER not in dict(reply.written.headers)


def test_what_a_version_says_of_itself_is_hidden_on_the_way_out(released, monkeypatch):
    """A version may have learned somebody's number by heart."""
    from modelward.serving import computed

    house = released("pseudonym")
    texts_of = computed.texts_of
    monkeypatch.setattr(computed, "texts_of", lambda points: [f"{text} or 13900139000" for text in texts_of(points)])
    (reply,) = answers(house, "write to ada@example.org")
    assert text_of(reply) == "write to ada@example.org or <phone>"


def test_a_file_is_answered_as_questions_are(released, tmp_path):
    house = released("pseudonym")
    pl.DataFrame({"said": [SAID, "nobody"]}).write_csv(tmp_path / "rows.csv")
    batch = house.serving.predict_file("echo", tmp_path / "rows.csv", by=house.admin)
    assert pl.read_csv(io.BytesIO(batch.payload))["text"].to_list() == [SAID, "nobody"]
    assert batch.hidden == {"email": 1, "name": 1, "phone": 1}


def test_a_file_with_persons_is_refused_by_the_row_that_people_count(released, tmp_path):
    house = released("refuse")
    pl.DataFrame({"said": ["nobody"] * 1030 + ["ada@example.org"]}).write_csv(tmp_path / "rows.csv")
    with pytest.raises(PersonsRefusedError, match=r"^Row 1031, 'said' names persons"):
        house.serving.predict_file("echo", tmp_path / "rows.csv", by=house.admin)


def test_a_long_question_is_looked_at_aside_and_answered_alike(released):
    house, seen = released("pseudonym"), []

    async def run():
        async with house.serving.gateway() as gateway:
            question = Question(caller=house.admin, model="echo", payload=b" " * 5000)
            return await gateway.predict(question, [{"said": SAID}])

    assert text_of(asyncio.run(run())) == SAID
    assert seen == []


def test_a_policy_in_the_database_that_is_not_the_one_that_was_decided_serves_nothing(released, database):
    from modelward.releases import UnrecordedReleaseError

    house = released("redact")
    with database.change() as connection:
        connection.exec_driver_sql("UPDATE releases SET policy_text = replace(policy_text, 'redact', 'keep')")
    release = house.releases.live()["echo"]
    with pytest.raises(UnrecordedReleaseError, match="policy that is kept with it"):
        house.serving.deployments.deploy(release)


@pytest.mark.parametrize(
    ("door", "told"),
    [
        ("{persons: hide}", "door: persons: no way is called 'hide'"),
        ("{person: redact}", "Did you mean 'persons'"),
        ("redact", "door: must be keys with values"),
        ("{persons: [redact]}", "door: persons: no way is called"),
    ],
)
def test_a_door_that_cannot_be_is_refused_with_what_can(door, told):
    with pytest.raises(InvalidPolicyError, match=told.replace("[", r"\[")):
        parse_policy(f"name: x\nrules: [{{rule: signed}}]\ndoor: {door}\n")
