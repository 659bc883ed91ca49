# SPDX-License-Identifier: Apache-2.0
"""A run over images: from a folder to a version that sees what it was trained on."""

from base64 import b64encode

import numpy as np
import polars as pl
import pytest

import pictures
from modelward.assessment import Assessment
from modelward.images import facts_of
from modelward.training import InvalidSpecError, OutOfMemoryError, RunFailedError, Status, UnusableDataError, memory, parse_spec
from modelward.training.columns import columns_of
from modelward.training.image_preparation import ImagePreparation
from modelward.training.material import gather
from modelward.training.preparation import Prepare
from modelward.training.recipe import Inputs, configure
from modelward.training.recipes import RECIPES
from modelward.training.rows import PreparedPixels, Spread
from training.lessons import InMemory, StoppedError

CNN = "cnn: {channels: [4, 8], hidden: [8], epochs: 25, batch_size: 8, learning_rate: 0.01}"

# By the name of the class, the axis that a bar goes along.
DRAWN = {"standing": 1, "lying": 2}


def spec_of(data="image: image", candidates=f"[{CNN}, logistic-regression]"):
    if candidates.startswith("[cnn: "):
        candidates = candidates.replace("cnn: ", "{cnn: ", 1).replace("}", "}}", 1)
    return parse_spec(f"model: bars\ndata: {{dataset: bars, {data}}}\ncandidates: {candidates}\n")


@pytest.fixture
def bars(rooms, admin, tmp_path):
    """A dataset of standing and lying bars."""
    pictures.folder_of(tmp_path / "bars", rows=120)
    return rooms.datasets.add("bars", [tmp_path / "bars"], target="label", purpose="tests", owner="tester", by=admin)


def test_images_are_learned_from_by_networks_and_by_others(rooms, bars, admin):
    run = rooms.training.train(spec_of(), by=admin)
    assert run.status is Status.DONE, run
    asked = [{"image": b64encode(pictures.png(pictures.drawn(at % 2, seed=500 + at))).decode()} for at in range(40)]
    for name in ("bars:1", "bars:2"):
        version = rooms.registry.find(name, by=admin)
        (feature,) = version.interface.features
        assert (feature.kind, feature.shape) == ("image", (12, 12, 1))
        answer = rooms.registry.open(version).predict(version.interface.columns(asked))
        right = [
            version.interface.classes[place] == ("standing", "lying")[at % 2] for at, place in enumerate(answer.argmax(axis=1))
        ]
        if name == "bars:1":
            assert np.mean(right) > 0.9


def test_images_are_made_up_as_well_the_same_of_the_same_seed(rooms, bars, admin):
    data = "image: image, split: {by: stratified, test: 0.3}"
    run = rooms.training.train(
        spec_of(data, "[gan: {channels: [8, 16], epochs: 90, batch_size: 16, learning_rate: 0.004}]"), by=admin
    )
    assert run.status is Status.DONE, run
    version = rooms.registry.find("bars:1", by=admin)
    interface, opened = version.interface, rooms.registry.open(version)
    assert (interface.answer, interface.shape, interface.values) == ("values", (12, 12), ())
    of = {label: opened.predict(interface.columns([{"seed": at, "label": label} for at in range(40)])) for label in DRAWN}
    for label, axis in DRAWN.items():
        made = of[label]
        assert made.shape == (40, 12, 12)
        assert 0 <= made.min() <= made.max() <= 230
        assert (made == np.round(made)).all()
        # The brightest line of most is the bar, which goes along one axis.
        along, across = (made.mean(axis=side).max(axis=1) for side in (axis, 3 - axis))
        assert (along > across).mean() > 0.7
        assert len(np.unique(made.reshape(40, -1), axis=0)) == 40
    again = opened.predict(interface.columns([{"seed": at, "label": "lying"} for at in range(40)]))
    assert np.array_equal(again, of["lying"])
    report = Assessment(rooms.registry, rooms.datasets).assess("bars:1", only=["generation"], by=admin)
    found = {clause.id: clause for clause in report.clauses}
    assert found["generation.accuracy_taught_by_real"].n == 36
    assert found["generation.accuracy_taught_by_real"].estimate > 0.9
    assert found["generation.copies"].estimate == 0


def test_a_served_image_is_seen_as_a_trained_one(rooms, bars, admin):
    rooms.training.train(spec_of(candidates="[logistic-regression]"), by=admin)
    interface = rooms.registry.find("bars:1", by=admin).interface
    table = rooms.datasets.table("bars", by=admin, purpose="tests")
    by_table = columns_of(table, interface.features)["image"]
    by_rows = interface.columns([{"image": b64encode(data).decode()} for data in table["image"]])["image"]
    assert np.array_equal(by_table, by_rows)


def test_images_of_every_mode_are_learned_from_together_and_asked_about_as_they_were_learned(rooms, admin, tmp_path):
    files = [pictures.png(pictures.drawn(at % 2, seed=at)) for at in range(60)] + list(pictures.ODD.values())
    table = pl.DataFrame({"image": files, "label": (["standing", "lying"] * len(files))[: len(files)]})
    table.write_parquet(tmp_path / "bars.parquet")
    rooms.datasets.add("bars", [tmp_path / "bars.parquet"], target="label", purpose="tests", owner="tester", by=admin)
    converted = rooms.datasets.profile("bars", by=admin).columns[0].images.converted
    assert converted == len(pictures.ODD) - len({"L", "RGB", "turned by its camera", "one pixel", "a wide one"})
    run = rooms.training.train(spec_of("image: image, prepare: {size: [12, 12]}", "[logistic-regression]"), by=admin)
    assert run.status is Status.DONE, run
    interface = rooms.registry.find("bars:1", by=admin).interface
    assert interface.features[0].shape == (12, 12, 3)
    learned = columns_of(rooms.datasets.table("bars", by=admin, purpose="tests"), interface.features)["image"]
    asked = interface.columns([{"image": b64encode(data).decode()} for data in files])["image"]
    assert np.array_equal(learned, asked)


def test_the_same_images_and_seed_make_the_same_network_and_mixing_another():
    made = []
    images = np.stack([pictures.drawn(at % 2, seed=at).ravel() for at in range(40)]).astype(np.float32) / 255
    for mixup in (0.0, 0.0, 0.4):
        inputs = Inputs(
            train=images, train_labels=np.arange(40) % 2, validation=images[:8], validation_labels=np.arange(8) % 2,
            classes=("standing", "lying"), seed=3, shape=(12, 12, 1), mixup=mixup,
        )  # fmt: skip
        asked = {"channels": [4], "hidden": [], "epochs": 2, "batch_size": 8}
        recipe = configure(RECIPES.load("cnn"), name="cnn", parameters=asked)
        made.append(recipe.make(inputs, lambda *_: None).graph().SerializeToString())
    assert made[0] == made[1] != made[2]


def test_the_size_is_the_images_own_or_a_middle_one_or_what_is_asked():
    def fitted(files, **prepare):
        return ImagePreparation.fit("image", [facts_of(data) for data in files], Prepare(**prepare)).shape

    small, large = pictures.png(pictures.drawn(0, side=12)), pictures.png(pictures.drawn(0, side=400))
    assert fitted([small, small]) == (12, 12, 1)
    assert fitted([large, large]) == (400, 400, 1)
    assert fitted([small, large]) == (64, 64, 1)
    assert fitted([small, pictures.in_mode("RGBA")]) == (12, 12, 3)
    assert fitted([small, large], size=(20, 30)) == (20, 30, 1)


def test_preparation_and_its_graph_give_the_same_bits():
    import onnxruntime

    preparation = ImagePreparation(name="image", shape=(5, 7, 3))
    images = np.random.default_rng(0).integers(0, 256, (9, 5, 7, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(preparation.graph().SerializeToString(), providers=["CPUExecutionProvider"])
    (drawn,) = session.run(None, {"image": images})
    assert np.array_equal(drawn, preparation.apply({"image": images}))
    assert (drawn.dtype, drawn.shape) == (np.float32, (9, 105))


def test_many_images_stay_bytes_and_make_the_models_of_the_matrix(rooms, bars, admin, monkeypatch):
    spec = spec_of(candidates="[cnn: {channels: [4], hidden: [], epochs: 2, batch_size: 8, noise: 0.1}, knn]")
    small = rooms.training.train(spec, by=admin).versions
    monkeypatch.setattr("modelward.training.rows.MATRIX_BYTES", 0)
    monkeypatch.setattr("modelward.training.rows.ROWS_AT_ONCE", 7)
    inputs = gather(spec, rooms.datasets.show("bars", by=admin), rooms.datasets.columns("bars", by=admin)).inputs
    assert isinstance(inputs.train, PreparedPixels)
    assert (inputs.train.pixels.dtype, inputs.train.pixels.shape) == (np.uint8, (120, 12, 12, 1))
    large = rooms.training.train(spec, by=admin).versions
    one, other = ([rooms.registry.read(rooms.registry.find(it, by=admin), "model.onnx") for it in made] for made in (small, large))
    assert one == other


def test_a_network_over_images_that_stay_bytes_goes_on_to_the_same_bits():
    pixels = np.stack([pictures.drawn(at % 2, seed=at) for at in range(48)])[..., None]
    train, seen = (PreparedPixels(places, pixels) for places in np.split(np.random.default_rng(1).permutation(48), [40]))

    def graph(checkpoints):
        inputs = Inputs(
            train=train, train_labels=train.places % 2, validation=seen, validation_labels=seen.places % 2,
            classes=("standing", "lying"), seed=3, shape=(12, 12, 1), taken="image", checkpoints=checkpoints,
        )  # fmt: skip
        asked = {"channels": [4], "hidden": [], "epochs": 3, "batch_size": 8, "dropout": 0.1, "shift": 1, "noise": 0.1}
        recipe = configure(RECIPES.load("cnn"), name="cnn", parameters=asked)
        return recipe.make(inputs, lambda *_: None).graph().SerializeToString()

    kept = InMemory(stop_after=8)
    with pytest.raises(StoppedError):
        graph(kept)
    assert graph(InMemory(kept=kept.kept)) == graph(InMemory(every=10**9))


def test_a_recipe_that_needs_all_images_at_once_is_refused_where_they_do_not_fit(rooms, bars, admin, monkeypatch):
    monkeypatch.setattr("modelward.training.rows.MATRIX_BYTES", 0)
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    with pytest.raises(RunFailedError, match=r"'knn' needs all rows.*cnn.*`prepare: \{size: \[32, 32\]\}`"):
        rooms.training.train(spec_of(candidates="[knn]"), by=admin)


def test_images_that_do_not_fit_say_what_makes_them_smaller(rooms, bars, admin, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr("modelward.training.bench.gather", full)
    with pytest.raises(OutOfMemoryError, match=r"120 rows did not fit.*Lower `data\.prepare\.size`, or train on a machine"):
        rooms.training.train(spec_of(candidates="[knn]"), by=admin)


def test_the_spread_of_rows_is_that_of_all_their_cells(monkeypatch):
    rows = np.random.default_rng(1).normal(3, 2, (50, 7)).astype(np.float32)
    monkeypatch.setattr("modelward.training.rows.CELLS_AT_ONCE", 30)
    found = Spread.of(rows)
    assert found.mean == pytest.approx(rows.astype(np.float64).mean(), rel=1e-12)
    assert found.deviation == pytest.approx(rows.astype(np.float64).std(), rel=1e-12)


REFUSED = {
    "image: picture": "data.image: there is no column of images 'picture'",
    "image: label": "data.image: there is no column of images 'label'",
}


@pytest.mark.parametrize("data", REFUSED)
def test_a_column_without_images_is_refused(rooms, bars, admin, data):
    with pytest.raises(UnusableDataError, match=REFUSED[data]):
        rooms.training.train(spec_of(data, "[logistic-regression]"), by=admin)


def test_images_are_no_feature_of_a_table(rooms, bars, admin):
    with pytest.raises(UnusableDataError, match="holds images"):
        rooms.training.train(spec_of("exclude: []", "[logistic-regression]"), by=admin)


def test_a_recipe_of_tables_is_refused_with_those_that_see():
    with pytest.raises(InvalidSpecError, match=r"this data is an image.*from an image learn: cnn, gan, knn, logistic-regression"):
        spec_of(candidates="[ebm]")
    with pytest.raises(InvalidSpecError, match="`text` and `image` are both there"):
        spec_of("image: image, text: label", "[cnn]")


def test_a_shape_that_the_images_do_not_have_is_refused(rooms, bars, admin):
    with pytest.raises(Exception, match=r"`shape: \[3, 3, 1\]` has 9 places"):
        rooms.training.train(spec_of(candidates="[cnn: {shape: [3, 3]}]"), by=admin)


def test_missing_images_are_refused(rooms, admin, tmp_path):
    files = [pictures.png(pictures.drawn(at % 2, seed=at)) for at in range(40)]
    files[7] = None
    pl.DataFrame({"image": files, "label": ["a", "b"] * 20}).write_parquet(tmp_path / "bars.parquet")
    rooms.datasets.add("bars", [tmp_path / "bars.parquet"], target="label", purpose="tests", owner="tester", by=admin)
    with pytest.raises(UnusableDataError, match="1 of 40 rows of 'bars' have no image"):
        rooms.training.train(spec_of(candidates="[logistic-regression]"), by=admin)
