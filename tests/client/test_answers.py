# SPDX-License-Identifier: Apache-2.0
"""The client takes rows of every kind and reads every kind of answer, and so does `modelward predict --url`."""

import json

import numpy as np
import pytest

import pictures
from entrances import speakers, takers
from entrances.cli.terminal import Terminal
from modelward.client import StrangeAnswerError
from modelward.client.asking import _answer
from modelward.errors import InvalidError
from modelward.registry import GRAPH_FILE
from modelward.serving import Answer, RankingAnswer, TextAnswer, ValuesAnswer
from serving.tiny import LINEAGE

GRAPH, LIGHT = pictures.bright()
SEEN = pictures.drawn(1, seed=3)


@pytest.fixture(scope="module", autouse=True)
def models(house, server):
    """One of each kind of row and of answer is live."""
    registry = house.platform.registry
    said = {"lineage": LINEAGE, "interface": LIGHT, "purpose": "tests", "owner": "tester", "facts": {}}
    light = registry.register("light", {GRAPH_FILE: GRAPH}, **said, by=house.by).name
    for name in (light, *speakers.register(registry, by=house.by), *takers.register(registry, by=house.by)):
        house.make_live(name)


def test_each_kind_of_answer_is_read_as_what_it_is(remote):
    ranking = remote.serving.predict("shop", [{"history": ["a"]}, {"history": ()}]).answer
    assert isinstance(ranking, RankingAnswer)
    told = [(each.item, pytest.approx(each.probability, abs=1e-6)) for each in ranking.predictions[0].ranking]
    assert told == takers.ranked("a")
    text = remote.serving.predict("echo", [{"said": "abc"}, {"said": "ä"}]).answer
    assert isinstance(text, TextAnswer)
    assert [each.text for each in text.predictions] == ["bcd", "å"]
    values = remote.serving.predict("sums", [{"x": 2, "y": 3}]).answer
    assert isinstance(values, ValuesAnswer)
    assert values.predictions[0].values == {"sum": 5.0, "difference": -1.0}
    assert remote.serving.predict("grid", [{"x": 2, "y": 3}]).answer.predictions[0].values == [[5.0, -1.0]]
    assert isinstance(remote.serving.predict("swing", [{"wave": [1, 2]}]).answer, Answer)


def test_arrays_and_files_are_taken_as_rows(remote):
    forms = [pictures.png(SEEN), SEEN, SEEN.tolist()]
    answer = remote.serving.predict("light", [{"scan": each} for each in forms]).answer
    wanted = pytest.approx(float(SEEN.mean()) / 255, abs=1e-6)
    assert [each.probabilities["bright"] for each in answer.predictions] == [wanted] * 3
    waves = [[1.0, -0.5], np.array([1.0, -0.5]), np.array([[1.0], [-0.5]], dtype=np.float32)]
    sides = remote.serving.predict("swing", [{"wave": each} for each in waves]).answer
    assert [each.probabilities["above"] for each in sides.predictions] == [pytest.approx(takers.above(1, -0.5), abs=1e-6)] * 3
    with pytest.raises(InvalidError, match="A object has no form in JSON"):
        remote.serving.predict("swing", [{"wave": object()}])


def test_an_answer_of_somebody_else_is_said_to_be_one():
    for content in (b"<html>", b"[]", b'{"predictions": 3}', b'{"predictions": [{"text": 4}]}'):
        with pytest.raises(StrangeAnswerError, match="no answer of Modelward's"):
            _answer(content)


def test_a_recommendation_is_explained_there_as_here(house, remote):
    rows = [{"history": ["b", "a"]}]
    (found,), (here,) = remote.serving.explain("shop", rows), house.platform.serving.explain("shop", rows, by=house.by)
    assert found.contributions == here.contributions
    assert (found.contributions[0].feature, found.contributions[0].value) == ("history[-1]", "a")


@pytest.mark.parametrize("model", ["income", "light", "echo", "sums", "grid", "shop", "swing"])
def test_a_row_is_made_up_for_every_kind(remote, model):
    row = remote.serving.made_up_row(model)
    assert len(remote.serving.predict(model, [row]).answer.predictions) == 1


@pytest.fixture
def afar(house, server, tmp_path) -> Terminal:
    """A terminal that speaks to the server."""
    return Terminal(tmp_path, tmp_path, ["--url", server.url, "--key", house.key()])


@pytest.mark.parametrize(
    ("model", "name", "content", "told"),
    [
        ("shop", "rows.csv", 'history\n"[""a""]"\n', {"label": "d"}),
        ("shop", "rows.json", '[{"history": ["a"]}]', {"label": "d"}),
        ("swing", "rows.csv", 'wave\n"[1.5, 2]"\n', {"label": "above"}),
        ("echo", "rows.csv", "said\nabc\n", {"text": "bcd"}),
        ("sums", "rows.csv", "x,y\n2,3\n", {"values": {"sum": 5.0, "difference": -1.0}}),
        ("grid", "rows.jsonl", '{"x": 2, "y": 3}\n', {"values": [[5.0, -1.0]]}),
        ("light", "one.png", pictures.png(SEEN), {"label": "bright" if SEEN.mean() >= 127.5 else "dark"}),
    ],
)
def test_a_command_asks_a_service_about_every_kind(afar, model, name, content, told):
    outcome = afar("predict", model, afar.file(name, content), "--json", home=False)
    assert outcome.code == 0, outcome.err
    (found,) = outcome.json["predictions"]
    assert {field: found[field] for field in told} == told
    if model == "shop":
        assert [each["item"] for each in found["ranking"]] == [item for item, _ in takers.ranked("a")]
        shown = afar("predict", model, afar.file(name, content), home=False)
        assert "d (" in shown.out


@pytest.mark.parametrize(
    ("name", "content"), [("rows.csv", 'history\n"[""b"", ""a""]"\n'), ("rows.json", '[{"history": ["b", "a"]}]')]
)
def test_a_command_explains_a_recommendation(house, server, tmp_path, name, content):
    from modelward.access import Role

    away = Terminal(tmp_path, tmp_path, ["--url", server.url, "--key", house.key(Role.ADMINISTRATOR)])
    here = Terminal(house.settings.home, tmp_path)
    told = [
        away("explain", "shop", away.file(name, content), "--json", home=False),
        here("explain", "shop", tmp_path / name, "--json"),
    ]
    for outcome in told:
        assert outcome.code == 0, outcome.err
        (found,) = json.loads(outcome.out)
        assert found["contributions"][0]["feature"] == "history[-1]"
    assert "history[-1]" in here("explain", "shop", tmp_path / name).out
