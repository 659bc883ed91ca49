# SPDX-License-Identifier: Apache-2.0
"""Texts that are answered with texts: what is learned, how it is written, in PyTorch and in the graph alike."""

from functools import cache

import msgspec
import numpy as np
import onnxruntime
import pytest

from modelward.registry import Feature, code_points, texts_of
from modelward.training import parity
from modelward.training.examining import examine
from modelward.training.graph import finish_text
from modelward.training.neural.vocabulary import END, PADDING, UNKNOWN, Alphabet, Units
from modelward.training.pairs import PairInputs, written
from modelward.training.recipe import InvalidParameterError, UnusableInputsError, answers, configure
from modelward.training.recipes import RECIPES
from modelward.training.text_preparation import TextPreparation
from training.lessons import InMemory, StoppedError

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FEATURE = Feature("said", "text", nullable=True, length=6)
PREPARATION = TextPreparation(name="said", length=6, lowercase=False)
ATTENDING = {"architecture": "transformer", "units": 48, "inner": 96, "warmup": 0.1, "learning_rate": 0.005, "epochs": 24}
QUICK = {"units": 32, "width": 16, "epochs": 12, "learning_rate": 0.01, "batch_size": 32, "vocabulary": 60}


def pairs(count, *, seed):
    random = np.random.default_rng(seed)
    sources = ["".join(map(str, random.integers(0, 10, random.integers(1, 5)))) for _ in range(count)]
    return sources, tuple(" ".join(DIGITS[int(digit)] for digit in source) for source in sources)


def lesson(count=400, **more):
    (train, targets), (seen, wanted) = pairs(count, seed=1), pairs(60, seed=2)
    points, others = code_points(train, FEATURE), code_points(seen, FEATURE)
    return PairInputs(train=points, train_texts=targets, validation=others, validation_texts=wanted, length=23, **more)


def recipe_with(**parameters):
    return configure(RECIPES.load("seq2seq"), name="seq2seq", parameters={**QUICK, **parameters})


@cache
def learned(**parameters):
    made = recipe_with(**dict(parameters)).make(lesson(), lambda *_: None)
    return made, finish_text(PREPARATION.graph(), made.graph(), length=23)


def asked(graph, texts):
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return texts_of(session.run(["text"], {"said": code_points(texts, FEATURE)})[0])


@pytest.mark.parametrize("parameters", [{}, ATTENDING])
def test_what_was_never_seen_is_written_right(parameters):
    _, graph = learned(**parameters)
    sources, targets = pairs(200, seed=3)
    assert answers(RECIPES.load("seq2seq")) == "text"
    assert np.mean([got == wanted for got, wanted in zip(asked(graph, sources), targets, strict=True)]) > 0.9


@pytest.mark.parametrize("parameters", [{}, ATTENDING])
@pytest.mark.parametrize(
    ("count", "more", "kinds"),
    [
        (400, {}, []),
        (30, {"epochs": 50, "patience": 50}, ["overfitting"]),
        (100, {"epochs": 6, "learning_rate": 1e-8, "warmup": 0.0}, ["plateau"]),
        (100, {"epochs": 1, "learning_rate": 1e-5}, ["underfitting"]),
    ],
)
def test_why_it_came_out_as_it_did_is_said(count, more, kinds, parameters):
    inputs, recipe = lesson(count), recipe_with(**{**parameters, **more})
    made = learned(**parameters)[0] if count == 400 else recipe.make(inputs, lambda *_: None)
    found = examine(made, inputs, parameters=msgspec.to_builtins(recipe.parameters), reference=None)
    assert [each.kind for each in found] == kinds, found
    assert not any("prepare" in each.remedy for each in found), "there are no numbers to scale"


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"beam": 1},
        {"cell": "lstm", "layers": 2, "epochs": 1},
        {"writes": "characters", "beam": 3, "epochs": 1},
        {"vocabulary": 3, "epochs": 1, "beam": 16},
        {"dropout": 0.2, "ema": 0.9, "epochs": 1, "accumulate": 2},
        ATTENDING,
        {**ATTENDING, "layers": 2, "heads": 3, "beam": 1, "epochs": 1},
        {**ATTENDING, "writes": "characters", "beam": 16, "vocabulary": 3, "heads": 1, "epochs": 1},
    ],
)
def test_the_graph_writes_what_pytorch_writes(parameters):
    made, graph = learned(**parameters)
    odd = ["", "12345678", "ünknown", "\U0001f642", "0"]
    columns = {"said": code_points([*pairs(100, seed=4)[0], *odd], FEATURE)}
    report = parity.check(graph, PREPARATION, made, columns)
    assert report.rows == 105
    assert report.differing == ()
    assert report.told["differing_texts"] == 0


@pytest.mark.parametrize("parameters", [{}, ATTENDING])
def test_a_text_is_answered_alike_alone_and_among_others(parameters):
    _, graph = learned(**parameters)
    sources = [*pairs(40, seed=5)[0], "", "99999999"]
    together = asked(graph, sources)
    assert [asked(graph, [source])[0] for source in sources] == together
    assert asked(graph, sources[::-1]) == together[::-1]


@pytest.mark.parametrize("architecture", ["rnn", "transformer"])
def test_equal_seeds_write_the_same_graph_and_others_another(architecture):
    recipe = recipe_with(architecture=architecture, epochs=2, dropout=0.1)
    made = [recipe.make(lesson(120, seed=seed), lambda *_: None).graph() for seed in (5, 5, 6)]
    first, again, other = (each.SerializeToString(deterministic=True) for each in made)
    assert first == again
    assert first != other


@pytest.mark.parametrize("architecture", ["rnn", "transformer"])
def test_a_training_that_was_stopped_ends_with_the_same_bytes(architecture):
    recipe = recipe_with(architecture=architecture, epochs=3, dropout=0.1, ema=0.9)
    whole = recipe.make(lesson(120), lambda *_: None)
    kept = InMemory()

    def stop(share, _word="", /):
        if share > 0.4:
            raise StoppedError

    with pytest.raises(StoppedError):
        recipe.make(lesson(120, checkpoints=kept), stop)
    again = recipe.make(lesson(120, checkpoints=InMemory(kept=kept.kept)), lambda *_: None)
    assert any("went on after step" in note for note in again.notes)
    assert again.graph().SerializeToString(deterministic=True) == whole.graph().SerializeToString(deterministic=True)


def test_heads_that_cannot_share_the_units_are_told_how_they_could():
    with pytest.raises(InvalidParameterError, match="`units: 36`"):
        recipe_with(architecture="transformer", heads=12, units=32)


@pytest.mark.parametrize("parameters", [{}, {**ATTENDING, "layers": 2}])
def test_a_recipe_knows_about_how_many_weights_its_network_has(parameters):
    given = lesson(20)
    recipe = recipe_with(**{**parameters, "epochs": 1})
    made = recipe.make(given, lambda *_: None)
    assert recipe.weights(given) >= made.parameters


def test_pairs_need_a_partner_each_and_something_to_write():
    points = code_points(["a", "b"], FEATURE)
    with pytest.raises(UnusableInputsError, match="2 texts to be read and 1 to be written"):
        PairInputs(train=points, train_texts=("x",), validation=points[:0], validation_texts=(), length=3)
    with pytest.raises(UnusableInputsError, match="No text that is to be written has a character"):
        PairInputs(train=points, train_texts=("", ""), validation=points[:0], validation_texts=(), length=3)


def test_longer_texts_are_learned_up_to_where_most_end_and_that_is_told():
    given = lesson(300)
    texts = ("one " * 60, *given.train_texts[1:])
    made = recipe_with(epochs=1).make(
        PairInputs(
            train=given.train, train_texts=written(texts), validation=given.validation, validation_texts=given.validation_texts,
            length=240,
        ),
        lambda *_: None,
    )  # fmt: skip
    assert any("1 of 300 training pairs are longer, and are learned up to there" in note for note in made.notes)


def test_what_is_written_keeps_case_and_width_and_loses_control_characters():
    assert written([" Ａb\r\n\tC  ", "e\u0301", ""]) == ("Ａb C", "é", "")


def test_subwords_are_joined_inside_of_words_alone_and_spell_every_text_again():
    texts = ["low lower lowest", "new newer  newest", "wide wider", "x"] * 3
    units = Units.of(texts, most=40, are_subwords=True)
    assert " newe" in units.pieces
    assert all(" " not in piece[1:] for piece in units.pieces)
    ids = units.ids(texts)
    assert ["".join(units.pieces[place] for place in row if place > 0) for row in ids] == texts
    assert [row[row != PADDING][-1] for row in ids] == [END] * len(texts)
    assert (units.ids(["lowß"])[0] == UNKNOWN).sum() == 1
    assert units.ids(["low low low"], most=2).tolist()[0][-1] != END
    characters = Units.of(texts, most=3, are_subwords=False)
    assert len(characters.pieces) == 5


def test_an_alphabet_knows_what_was_frequent_and_calls_the_rest_unknown():
    points = code_points(["aab", "abc", "a"], FEATURE)
    alphabet = Alphabet.of(points, most=2)
    assert alphabet.characters.tolist() == [ord("a"), ord("b")]
    assert alphabet.ids(code_points(["abz"], FEATURE)).tolist() == [[2, 3, UNKNOWN, END, END, END]]
