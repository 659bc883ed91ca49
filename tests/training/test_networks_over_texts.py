# SPDX-License-Identifier: Apache-2.0
"""Networks that read texts: drawn as they were trained, blind behind the end of a text, and texts changed at random."""

import random
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from modelward.registry import Feature, code_points, text_of
from modelward.training import Status, graph, parity, parse_spec
from modelward.training.neural.editing import edited
from modelward.training.recipe import Inputs, UnusableInputsError, configure
from modelward.training.recipes import RECIPES
from modelward.training.text_preparation import TextPreparation
from training.lessons import InMemory, StoppedError
from training.test_texts import reviews

FEATURE = Feature("review", "text", nullable=True, length=60, lowercase=True)
WORDS = {"bad": ("awful", "dull", "很差", "无聊"), "good": ("great", "lovely", "很好", "喜欢")}
NETWORKS = ("rnn", "transformer")


def texts_of(rows, *, seed):
    """Texts of one word that tells, somewhere among others, and their labels."""
    draw, found = random.Random(seed), []
    labels = np.array([draw.randrange(2) for _ in range(rows)])
    for label in labels:
        words = [draw.choice(WORDS[("bad", "good")[label]]), *draw.choices(("the film", "and", "这部电影", "of it"), k=5)]
        draw.shuffle(words)
        found.append(" ".join(words))
    return found, labels


def inputs_of(rows=240, *, seed=1):
    (train, labels), (held, held_labels) = texts_of(rows, seed=seed), texts_of(60, seed=seed + 1)
    return Inputs(
        train=code_points(train, FEATURE),
        train_labels=labels,
        validation=code_points(held, FEATURE),
        validation_labels=held_labels,
        classes=("bad", "good"),
        taken="text",
    )


def make(name, inputs, **parameters):
    return configure(RECIPES.load(name), name=name, parameters=parameters).make(inputs, lambda *_: None)


def differing(made, texts):
    """By how much the served graph differs from what was trained."""
    preparation = TextPreparation(name="review", length=FEATURE.length, lowercase=True)
    served = graph.finish(preparation.graph(), made.graph(), ("bad", "good"))
    return parity.check(served, preparation, made, {"review": code_points(texts, FEATURE)}).worst


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("rnn", {"steps": 60, "cell": "lstm", "layers": 2, "units": 5}),
        ("rnn", {"steps": 7, "pooling": "last", "longest": 1}),
        ("rnn", {"steps": 1, "pooling": "last", "both_ways": False, "cell": "lstm"}),
        ("rnn", {"steps": 16, "longest": 8, "buckets": 16, "embedding": 3}),
        ("transformer", {"steps": 60, "layers": 1, "width": 6, "heads": 1}),
        ("transformer", {"steps": 9, "longest": 2, "dropout": 0.1}),
    ],
)
def test_a_network_over_texts_is_served_as_it_was_trained(name, parameters):
    given = inputs_of()
    made = make(name, given, epochs=2, **parameters)
    asked = [*texts_of(40, seed=9)[0], "", "x", "never seen Ω \U0001f642", "great " * 50, "很" * 60, "很" * 61]
    assert differing(made, asked) < 1e-5
    assert differing(made, [""]) < 1e-5
    assert np.unique(made.predict(given.validation).round(3), axis=0).shape[0] > 1, "it answers something"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_finds_the_word_that_tells(name):
    made = make(name, inputs_of(600), steps=30, drop_words=0.1)
    texts, labels = texts_of(200, seed=5)
    assert (made.predict(code_points(texts, FEATURE)).argmax(axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("rnn", {"steps": 30}), ("rnn", {"steps": 30, "pooling": "last", "cell": "lstm"}), ("transformer", {"steps": 30})],
)
def test_nothing_behind_the_end_of_a_text_is_read(name, parameters):
    """Steps that are not there hold numbers all the same, from the biases of every layer: none of them may reach an answer."""
    given = inputs_of()
    made, texts = make(name, given, epochs=2, **parameters), ["awful film", "很好", "the film is great"]
    network = next(cell.cell_contents for cell in made.predict.__closure__ if isinstance(cell.cell_contents, torch.nn.Module))
    points, plain = torch.tensor(code_points(texts, FEATURE)), network.entry.forward

    def disturbed(rows):
        steps = plain(rows)
        return steps._replace(values=steps.values + 100 * (1 - steps.there))

    with torch.no_grad():
        before = network(points)
        network.entry.forward = disturbed
        after = network(points)
    assert torch.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_empty_text_is_answered_alike_wherever_it_stands(name):
    made = make(name, inputs_of(), epochs=2)
    alone = made.predict(code_points([""], FEATURE))
    among = made.predict(code_points(["great", "", "awful", " \n "], FEATURE))
    assert np.isfinite(alone).all()
    assert np.allclose(alone[0], among[[1, 3]], atol=1e-6)


def test_characters_that_no_training_text_held_say_nothing_new():
    """With buckets enough nothing shares one, and what was never learnt stands for nothing."""
    made = make("rnn", inputs_of(), buckets=4_000_000, embedding=2, steps=60, longest=1, epochs=3)
    unseen = made.predict(code_points(["ЖЖЖЖЖЖЖЖ", "ωωωωωωωω"], FEATURE))
    assert np.allclose(unseen[0], unseen[1], atol=1e-6)


@pytest.mark.parametrize(("name", "parameter"), [("rnn", {"shape": [30, 2]}), ("transformer", {"shape": [30, 2]})])
def test_a_parameter_for_tables_is_refused_over_texts(name, parameter):
    with pytest.raises(UnusableInputsError, match="`shape` is for a table, and this data is a text"):
        make(name, inputs_of(), **parameter)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_parameter_for_texts_is_refused_over_tables(name):
    rows, labels = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32), np.arange(20) % 2
    given = Inputs(train=rows, train_labels=labels, validation=rows, validation_labels=labels, classes=("a", "b"))
    with pytest.raises(UnusableInputsError, match="`drop_words` is for a text, and this data is a table"):
        make(name, given, drop_words=0.1)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_with_changed_texts_goes_on_to_the_same_bytes(name):
    given, parameters = (
        inputs_of(),
        {"drop_words": 0.2, "swap_characters": 0.1, "drop_characters": 0.05, "dropout": 0.2, "epochs": 3, "batch_size": 64},
    )

    def trained(checkpoints):
        inputs = Inputs(**{each: getattr(given, each) for each in given.__slots__} | {"checkpoints": checkpoints})
        return make(name, inputs, **parameters).graph().SerializeToString()

    whole, cut = trained(InMemory(every=10**9)), InMemory(every=1, stop_after=4)
    with pytest.raises(StoppedError):
        trained(cut)
    assert trained(InMemory(kept=cut.kept, every=10**9)) == whole


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_over_texts_makes_a_version_of_a_network(rooms, register, admin, name):
    register("reviews", reviews(160, empty=5), target="mood", sensitive=("reader",))
    spec = f"model: moods\ndata: {{dataset: reviews, text: review}}\ncandidates: [{name}: {{epochs: 6, buckets: 4096}}]\n"
    assert rooms.training.train(parse_spec(spec), by=admin).status is Status.DONE
    version = rooms.registry.find("moods:1", by=admin)
    rows = [{"review": text} for text in ("Wonderful, 非常好看", "Dull, 太无聊了", "", None)]
    answer = rooms.registry.open(version).predict(version.interface.columns(rows))
    assert [version.interface.classes[place] for place in answer[:2].argmax(axis=1)] == ["good", "bad"]
    assert np.isfinite(answer).all()


def changed(texts, *, seed=7, **how):
    asked = SimpleNamespace(**{"drop_characters": 0.0, "swap_characters": 0.0, "drop_words": 0.0} | how)
    points = torch.tensor(code_points(texts, FEATURE))
    found = edited(points, how=asked, noise=torch.Generator().manual_seed(seed)).numpy()
    assert found.dtype == np.int32
    assert all((row[np.count_nonzero(row) :] == 0).all() for row in found), "nothing lies behind an end"
    return [text_of(row) for row in found]


def test_without_a_change_a_text_stays_as_it_is():
    texts = ["one two three", "", "很好"]
    assert changed(texts) == texts


def test_words_are_left_out_whole_at_the_rate_that_was_asked_for():
    text = "one two three four five six seven eight nine"
    found = changed([text] * 400, drop_words=0.25)
    words = [each.split() for each in found]
    assert all(set(each) <= set(text.split()) for each in words)
    assert [each for each in words[0] if each in text.split()] == words[0], "in their order"
    assert 0.22 < 1 - sum(map(len, words)) / (400 * 9) < 0.28


def test_where_a_script_has_no_spaces_each_character_is_a_word():
    text = "这本书的作者写得很好看"
    found = changed([text] * 400, drop_words=0.2)
    assert 0.17 < 1 - sum(map(len, found)) / (400 * len(text)) < 0.23
    assert len(set(found)) > 50


def test_characters_are_left_out_at_the_rate_that_was_asked_for():
    text = "abcdefghijklmnopqrstuvwxyz"
    found = changed([text] * 400, drop_characters=0.1)
    assert all("".join(sorted(each)) == each for each in found), "in their order"
    assert 0.08 < 1 - sum(map(len, found)) / (400 * 26) < 0.12


def test_neighbours_change_places_at_the_rate_that_was_asked_for():
    text = "abcdefghijklmnopqrstuvwxyz"
    found = changed([text] * 400, swap_characters=0.2)
    assert all(Counter(each) == Counter(text) for each in found), "nothing is lost"
    moved = [abs(each.index(one) - at) for each in found for at, one in enumerate(text)]
    assert set(moved) == {0, 1}
    assert 0.16 < np.mean(moved) < 0.22


def test_a_text_of_which_nothing_would_be_left_stays_whole():
    found = changed(["a", "ab", ""] * 200, drop_characters=0.5, drop_words=0.5)
    assert all(found[at] for at in range(600) if at % 3 < 2)
    assert not any(found[2::3])


def test_changes_follow_from_the_seed():
    how, texts = {"drop_words": 0.3, "drop_characters": 0.1, "swap_characters": 0.2}, texts_of(20, seed=1)[0]
    assert changed(texts, **how) == changed(texts, **how)
    assert changed(texts, **how) != changed(texts, seed=8, **how)
