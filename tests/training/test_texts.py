# SPDX-License-Identifier: Apache-2.0
"""A run over texts: from a column of a table to a version that reads what it was trained on, and keeps nobody's words."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from modelward.assessment import Assessment
from modelward.datasets import Split, make_split
from modelward.registry import Feature, Interface, code_points, text_of
from modelward.serving.file_rows import kinds_of, rows_of_file
from modelward.training import InvalidSpecError, Prepare, Status, UnusableDataError, UnusableFeatureError, graph, parity, parse_spec
from modelward.training.columns import columns_of
from modelward.training.recipe import Inputs, UnusableInputsError, configure
from modelward.training.recipes import RECIPES
from modelward.training.text_preparation import TextPreparation

PRAISE = ("Wonderful", "I loved it", "非常好看", "很喜欢这本书", "a great read")
BLAME = ("Dull", "I hated it", "太无聊了", "不值得买", "a waste of money")
FILLERS = ("the plot", "the author", "情节", "这个作者", "on page {}", "chapter {}", "第{}章")


def reviews(rows=200, *, seed=1, empty=0, stars=lambda draw: draw.randint(1, 5)) -> str:
    """A table of texts in two languages, beside a number and a sensitive column; the last ones are empty."""
    draw = random.Random(seed)
    lines = ["review,stars,reader,mood"]
    for at in range(rows):
        mood = draw.choice(["good", "bad"])
        words = [draw.choice(PRAISE if mood == "good" else BLAME), *draw.choices(FILLERS, k=3)]
        draw.shuffle(words)
        text = "" if at >= rows - empty else " ".join(words).format(*(draw.randint(1, 10**6) for _ in words))
        lines.append(f'"{text}",{stars(draw)},{draw.choice(["young", "old"])},{mood}')
    return "\n".join(lines) + "\n"


def spec_of(data="text: review", candidates="[text-linear]"):
    return parse_spec(f"model: moods\ndata: {{dataset: reviews, {data}}}\ncandidates: {candidates}\n")


@pytest.fixture
def trained(rooms, register, admin):
    """The version that comes of a run over texts."""
    register("reviews", reviews(), target="mood", sensitive=("reader",))
    assert rooms.training.train(spec_of(), by=admin).status is Status.DONE
    return rooms.registry.find("moods:1", by=admin)


def test_a_text_is_learned_from_and_answered_for_in_both_languages(rooms, trained):
    opened = rooms.registry.open(trained)
    asked = ["Ｗonderful 第7章", "很喜欢这本书，情节", "DULL on page 3", "太无聊了"]
    answer = opened.predict(trained.interface.columns([{"review": text} for text in asked]))
    assert [trained.interface.classes[place] for place in answer.argmax(axis=1)] == ["good", "good", "bad", "bad"]


def test_the_interface_is_the_one_text_with_a_length_from_the_training_rows(rooms, trained, admin):
    (feature,) = trained.interface.features
    assert (feature.name, feature.kind, feature.lowercase, feature.nullable) == ("review", "text", True, False)
    table = rooms.datasets.table("reviews", by=admin, purpose="tests")
    lengths = [len(text) for text in table["review"]]
    assert np.median(lengths) < feature.length <= max(lengths)


def test_a_served_text_is_read_as_a_trained_one(rooms, trained, admin):
    table = rooms.datasets.table("reviews", by=admin, purpose="tests")
    by_table = columns_of(table, trained.interface.features)["review"]
    by_rows = trained.interface.columns(table.select("review").to_dicts())["review"]
    assert by_table.tobytes() == by_rows.tobytes()


def test_a_text_in_a_script_that_training_never_saw_is_unfamiliar_and_others_are_not(rooms, trained, admin):
    table = rooms.datasets.table("reviews", by=admin, purpose="tests")
    interface = trained.interface
    known = interface.encode([interface.table_of_rows(table.select("review").to_dicts())]).unfamiliar
    assert sum(map(bool, known)) <= 0.01 * len(known)
    asked = ["замечательная книга", "wonderful", "很喜欢这本书", "a dull книга", "ὡραῖον βιβλίον", "wonderful 7!"]
    found = interface.encode([interface.table_of_rows([{"review": text} for text in asked])]).unfamiliar
    assert found == [("review",), (), (), ("review",), ("review",), ()]


def test_of_few_texts_nothing_is_called_unfamiliar():
    import polars as pl

    feature = TextPreparation.fit(pl.Series("note", ["good", "bad"] * 10), Prepare()).feature(nullable=False)
    assert feature.characters == ""
    interface = Interface((feature,), "mood", ("a", "b"))
    assert interface.encode([interface.table_of_rows([{"note": "замечательная"}])]).unfamiliar == [()]


def test_a_character_of_one_text_alone_is_not_kept():
    import polars as pl

    texts = ["good and bad"] * 40 + ["good ж"]
    assert "ж" not in TextPreparation.fit(pl.Series("note", texts), Prepare()).characters


def test_a_word_that_means_missing_in_a_table_is_a_text_for_training_as_for_serving(rooms, register, admin):
    words = ["N/A", "None", "?", "nan", "null", "TRUE", "False", "  spaced"]
    lines = reviews(200).splitlines()
    table = "\n".join([*lines, *(f'"{word}",3,young,{mood}' for word in words for mood in ("good", "bad", "bad"))]) + "\n"
    register("reviews", table, target="mood", sensitive=())
    rooms.training.train(spec_of("text: review, prepare: {lowercase: false}"), by=admin)
    version = rooms.registry.find("moods:1", by=admin)
    features = version.interface.features
    assert not features[0].nullable
    trained = columns_of(rooms.datasets.table("reviews", by=admin, purpose="tests"), features)["review"][200:]
    asked = [{"review": word} for word in words for _ in range(3)]
    served = version.interface.columns(asked)["review"]
    assert (
        [text_of(row) for row in served] == [text_of(row) for row in trained] == [word.strip() for word in words for _ in range(3)]
    )
    file = "\n".join(["review", *(one["review"] for one in asked)]).encode()
    of_file = rows_of_file(Path("asked.csv"), file, kinds=kinds_of(features)).all()
    assert version.interface.columns(of_file)["review"].tobytes() == trained.tobytes()
    opened = rooms.registry.open(version)
    assert opened.predict({"review": served}).tobytes() == opened.predict({"review": trained}).tobytes()


def test_a_version_of_texts_keeps_no_text(rooms, trained, admin):
    table = rooms.datasets.table("reviews", by=admin, purpose="tests")
    files = {file.path: rooms.registry.read(trained, file.path) for file in trained.files}
    assert "background.json" not in files
    assert json.loads(files["preparation.json"])["length"] == trained.interface.features[0].length
    for text in table["review"]:
        assert not any(text.encode() in data or text.lower().encode() in data for data in files.values())


def test_the_same_texts_and_seed_make_the_same_bytes(rooms, trained, admin):
    rooms.training.train(spec_of(), by=admin)
    again = rooms.registry.find("moods:2", by=admin)
    assert rooms.registry.read(again, "model.onnx") == rooms.registry.read(trained, "model.onnx")


def test_why_texts_are_not_degraded_is_said_once_on_the_page(rooms, trained, admin):
    assessment = Assessment(rooms.registry, rooms.datasets)
    report = assessment.assess(trained.name, only=("quality", "degraded"), by=admin)
    unmeasured = [clause.id for clause in report.dimensions["degraded"] if clause.estimate is None]
    assert len(unmeasured) > 10
    assert report.clause("degraded.mislabelled_10").estimate is not None
    page = assessment.page(trained.name, by=admin).decode()
    assert page.count("Only these are degraded here.") == 1
    assert all(id in page for id in unmeasured)


def test_a_version_of_texts_is_assessed_also_by_sensitive_columns(rooms, register, admin):
    register("reviews", reviews(800), target="mood", sensitive=("reader",))
    rooms.training.train(spec_of(), by=admin)
    found = Assessment(rooms.registry, rooms.datasets).assess("moods:1", by=admin)
    figures = {clause.id: clause.estimate for clause in found.clauses}
    assert figures["quality.accuracy"] > 0.9
    measured = {name.partition(".")[0] for name, figure in figures.items() if figure is not None}
    assert {"quality", "baseline", "latency", "size", "energy", "fairness"} <= measured


@pytest.mark.parametrize(("prepare", "length", "lowercase"), [("length: 7", 7, True), ("lowercase: false, length: 9", 9, False)])
def test_a_spec_says_how_much_is_read_and_in_which_case(rooms, register, admin, prepare, length, lowercase):
    register("reviews", reviews(), target="mood", sensitive=())
    rooms.training.train(spec_of(f"text: review, prepare: {{{prepare}}}"), by=admin)
    (feature,) = rooms.registry.find("moods:1", by=admin).interface.features
    assert (feature.length, feature.lowercase) == (length, lowercase)


def test_empty_texts_are_learned_from_and_then_taken(rooms, register, admin):
    register("reviews", reviews(empty=40), target="mood", sensitive=())
    rooms.training.train(spec_of(), by=admin)
    version = rooms.registry.find("moods:1", by=admin)
    (feature,) = version.interface.features
    assert feature.nullable
    answer = rooms.registry.open(version).predict(version.interface.columns([{"review": ""}, {"review": None}]))
    assert np.isfinite(answer).all()
    assert answer[0].tolist() == answer[1].tolist()


def test_a_column_without_any_text_in_its_training_rows_is_refused(rooms, register, admin):
    lines = reviews(40).splitlines()
    texts = {0, 1}
    body = [line if at in texts else '"",' + line.split(",", 1)[1] for at, line in enumerate(lines[1:])]
    register("reviews", "\n".join([lines[0], *body]) + "\n", target="mood", sensitive=())
    table = rooms.datasets.table("reviews", by=admin, purpose="tests")
    seed = next(seed for seed in range(200) if not texts & set(parts_of(table, seed).train.tolist()))
    with pytest.raises(UnusableFeatureError, match="'review' has no text in the training rows"):
        rooms.training.train(spec_of(f"text: review, split: {{seed: {seed}}}"), by=admin)


def parts_of(table, seed):
    return make_split(table, "mood", Split(seed=seed))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("text: revue", "data.text: there is no feature 'revue' in 'reviews'; did you mean review"),
        ("text: mood", "data.text: there is no feature 'mood'"),
        ("text: stars", "data.text: column 'stars' is a number and holds no text."),
    ],
)
def test_what_is_no_column_of_text_is_refused(rooms, register, admin, data, message):
    register("reviews", reviews(), target="mood", sensitive=())
    with pytest.raises(UnusableDataError) as refused:
        rooms.training.train(spec_of(data), by=admin)
    assert str(refused.value).startswith(message)
    assert rooms.training.runs(by=admin) == []


@pytest.mark.parametrize(
    ("data", "candidates", "message"),
    [
        (
            "text: review",
            "[text-linear, knn]",
            "candidates[1].knn: the recipe learns from a table or an image, and this data is a text.",
        ),
        (
            "exclude: [stars]",
            "[text-linear]",
            "candidates[0].text-linear: the recipe learns from a text, and this data is a table.",
        ),
        ("text: review", "[text-linear: {shortest: 5, longest: 2}]", "candidates[0].text-linear: `shortest` is longer"),
        ("text: review, prepare: {length: 0}", "[text-linear]", "data.prepare.length: expected `int` >= 1"),
        ("text: review, prepare: {length: 99999}", "[text-linear]", "data.prepare.length: expected `int` <= 16384"),
    ],
)
def test_a_recipe_that_takes_something_else_is_refused_in_the_words_of_the_spec(data, candidates, message):
    with pytest.raises(InvalidSpecError) as refused:
        spec_of(data, candidates)
    assert str(refused.value).startswith(message)


def inputs_of(texts, held_out=()):
    """Texts that are bad and good in turn."""
    feature = Feature("review", "text", length=20, lowercase=True)
    return Inputs(
        train=code_points(texts, feature),
        train_labels=np.arange(len(texts)) % 2,
        validation=code_points(held_out, feature),
        validation_labels=np.arange(len(held_out)) % 2,
        classes=("bad", "good"),
    )


def made(texts, held_out=(), **parameters):
    recipe = configure(RECIPES.load("text-linear"), name="text-linear", parameters=parameters)
    return recipe.make(inputs_of(texts, held_out), lambda *_: None)


def test_the_validation_rows_choose_the_penalty_unless_it_is_given():
    """Where they say the same as the training rows the probabilities may be sure; where they contradict, timid."""
    texts = ["bad book", "good book"] * 20
    sure, timid = made(texts, texts[:20]), made(texts, texts[1:21])
    assert "The validation rows chose C = 100." in sure.notes
    assert "The validation rows chose C = 1." in timid.notes
    asked = inputs_of(texts).train[:2]
    given = made(texts, texts[:20], C=1.0)
    assert given.predict(asked).tolist() == timid.predict(asked).tolist()
    assert sure.predict(asked)[0, 0] > given.predict(asked)[0, 0]
    assert not any("chose" in note for note in (*given.notes, *made(texts).notes))


def test_texts_that_share_no_sequence_of_characters_are_refused():
    with pytest.raises(UnusableInputsError, match="Lower `least_texts`"):
        made(["a", "b", "c", "d"])
    with pytest.raises(UnusableInputsError, match="Lower `least_texts`"):
        made(["", "", "", ""], least_texts=1)


@pytest.mark.parametrize(
    "parameters",
    [{"sublinear": False}, {"normalise": False}, {"shortest": 3, "longest": 3}, {"shortest": 2, "longest": 8}, {"sequences": 3}],
)
def test_every_way_of_weighing_is_drawn_as_it_was_trained(parameters):
    texts = ["good good book", "bad bad bad book", "很好 好好", "不好 很差", "good", "bad", "🙂 good", "🙁 bad"]
    trained = made(texts, least_texts=1, **parameters)
    preparation = TextPreparation(name="review", length=20, lowercase=True)
    drawn = graph.finish(preparation.graph(), trained.graph(), ("bad", "good"))
    asked = [*texts, "", "never seen Ω", "good " * 20, "bookgood", "x"]
    columns = {"review": code_points(asked, preparation.feature(nullable=True))}
    report = parity.check(drawn, preparation, trained, columns)
    assert report.differing == ()
    assert report.worst < 1e-6


def test_what_lies_behind_the_end_of_a_text_counts_for_nothing():
    trained = made(["good book", "bad book"] * 5)
    answers = [
        trained.predict(code_points(["good", "bad book", "okay"], Feature("review", "text", length=length))) for length in (20, 500)
    ]
    assert answers[0].tolist() == answers[1].tolist()


def test_a_text_may_be_called_like_a_name_of_the_graph():
    trained = made(["good book", "bad book"] * 5)
    for name in ("/", "/n0", "//x", "X", "c0"):
        preparation = TextPreparation(name=name, length=20, lowercase=True)
        drawn = graph.finish(preparation.graph(), trained.graph(), ("bad", "good"))
        columns = {name: code_points(["good"], preparation.feature(nullable=True))}
        assert parity.check(drawn, preparation, trained, columns).differing == ()


@pytest.mark.parametrize("sublinear", [True, False])
def test_the_graph_holds_no_constant_that_nothing_reads(sublinear):
    drawn = made(["good book", "bad book"] * 5, sublinear=sublinear).graph().graph
    assert {held.name for held in drawn.initializer} <= {name for node in drawn.node for name in node.input}


def test_the_runtime_says_nothing_of_a_graph_that_is_compared(capfd):
    """ONNX Runtime warns of a constant that nothing reads, with its name."""
    trained = made(["good book", "bad book"] * 5)
    preparation = TextPreparation(name="review", length=20, lowercase=True)
    drawn = graph.finish(preparation.graph(), trained.graph(), ("bad", "good"))
    model = onnx.load_model_from_string(drawn)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(3, dtype=np.float32), "idle"))
    columns = {"review": code_points(["good"], preparation.feature(nullable=True))}
    assert parity.check(model.SerializeToString(), preparation, trained, columns).differing == ()
    assert capfd.readouterr().err == ""


FRESH = """
import numpy as np
from threadpoolctl import threadpool_info
from modelward.training.recipe import Inputs, configure
from modelward.training.recipes import RECIPES
points, labels = np.array([[97, 98], [99, 98]] * 5, dtype=np.int32), np.arange(10) % 2
inputs = Inputs(train=points, train_labels=labels, validation=points, validation_labels=labels, classes=("bad", "good"))
pools = []
recipe = configure(RECIPES.load("text-linear"), name="text-linear", parameters={})
recipe.make(inputs, lambda *_: pools.append({one["filepath"]: one["num_threads"] for one in threadpool_info()}))
print(pools[0] == pools[-1], len(pools[-1]) > 0, set(pools[-1].values()))
"""


def test_a_fresh_process_learns_from_texts_on_one_thread_from_the_first_step():
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, env=environment, timeout=120, check=True)
    assert done.stdout == "True True {1}\n"
