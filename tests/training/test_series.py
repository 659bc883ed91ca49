# SPDX-License-Identifier: Apache-2.0
"""Series of numbers of unequal length: from a file to a version that answers for them, blind behind the end of each."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modelward.datasets import ColumnKind
from modelward.errors import InvalidError
from modelward.serving.file_rows import kinds_of, rows_of_file
from modelward.training import InvalidSpecError, Status, UnusableDataError, parse_spec
from modelward.training.gatherers.series import SeriesGatherer
from modelward.training.preparation import Prepare
from modelward.training.series_preparation import SeriesPreparation

NETWORKS = ("rnn", "transformer")


def waves(rows=160, *, seed=1, channels=1, empty=0):
    """Series of 5 to 40 steps that swing slowly or fast, and which of the two."""
    draw, found = np.random.default_rng(seed), []
    labels = [("slow", "fast")[label] for label in draw.integers(0, 2, rows)]
    for at, label in enumerate(labels):
        steps = np.arange(draw.integers(5, 41)) * (0.4 if label == "slow" else 1.6) + draw.uniform(0, 6)
        values = np.stack(
            [50 + 3 * np.sin(steps + channel) + draw.normal(0, 0.3, len(steps)) for channel in range(channels)], axis=1
        )
        value = (values if channels > 1 else values[:, 0]).round(3).tolist()
        found.append([] if at >= rows - empty else value)
    return found, labels


def as_csv(series, labels):
    lines = [f'"{value}",{at % 7},{label}' for at, (value, label) in enumerate(zip(series, labels, strict=True))]
    return "\n".join(["wave,day,pace", *lines]) + "\n"


def spec_of(candidates="[rnn]", data="series: wave"):
    return parse_spec(f"model: paces\ndata: {{dataset: waves, {data}}}\ncandidates: {candidates}\n")


@pytest.fixture
def trained(rooms, register, admin):
    def train(name="rnn", *, given=None, data="series: wave", epochs=3):
        register("waves", as_csv(*(given or waves())), target="pace", sensitive=())
        assert (
            rooms.training.train(spec_of(f"[{name}: {{epochs: {epochs}, batch_size: 32}}]", data), by=admin).status is Status.DONE
        )
        return rooms.registry.find("paces:1", by=admin)

    return train


def asked(rooms, version, values):
    rows = [{"wave": value} for value in values]
    return rooms.registry.open(version).predict(version.interface.columns(rows))


@pytest.mark.parametrize(("name", "channels"), [("rnn", 1), ("transformer", 2)])
def test_a_network_learns_from_series_and_answers_for_them(rooms, trained, name, channels):
    version = trained(name, given=waves(240, channels=channels), epochs=25)
    series, labels = waves(60, seed=5, channels=channels)
    answer = asked(rooms, version, series)
    named = [version.interface.classes[place] for place in answer.argmax(axis=1)]
    assert np.mean([one == other for one, other in zip(named, labels, strict=True)]) > 0.85
    (feature,) = version.interface.features
    assert (feature.kind, feature.shape[1], feature.nullable) == ("series", channels, False)


def test_a_series_is_answered_alone_as_among_others_as_list_and_as_text(rooms, trained):
    version, series = trained(), waves(10, seed=6)[0]
    together = asked(rooms, version, series)
    for at, value in enumerate(series):
        for form in (value, json.dumps(value), [[each] for each in value], np.array(value)):
            assert asked(rooms, version, [form])[0] == pytest.approx(together[at], abs=1e-6)


def test_a_file_and_a_tensor_say_what_a_list_says(rooms, trained):
    version, series = trained(), waves(4, seed=6)[0]
    lines = "".join(f'"{value}"\n' for value in series)
    read = rows_of_file(Path("asked.csv"), f"wave\n{lines}".encode(), kinds=kinds_of(version.interface.features))
    wanted = version.interface.columns([{"wave": value} for value in series])["wave"]
    assert np.array_equal(version.interface.columns(read.all())["wave"], wanted, equal_nan=True)
    encoded = version.interface.encode([version.interface.table_of_columns({"wave": wanted})])
    assert np.array_equal(encoded.columns["wave"], wanted, equal_nan=True)


def test_of_a_long_series_the_last_steps_are_read(rooms, trained):
    version, (value, *_) = trained(data="series: wave, prepare: {length: 12}"), waves(1, seed=8)[0]
    value = (value * 3)[:20]
    answers = asked(rooms, version, [value, value[-12:], [0.0] * 99_000 + value[-12:]])
    assert answers[1].tolist() == answers[0].tolist() == answers[2].tolist()
    assert "the last 12 steps are read" in version.interface.features[0].sort.told(version.interface.features[0])


@pytest.mark.parametrize("name", NETWORKS)
def test_empty_series_are_learned_from_and_answered_for_where_there_are_some(rooms, trained, name):
    version = trained(name, given=waves(160, empty=30))
    answers = asked(rooms, version, [[], None, "", [None]])
    assert np.isfinite(answers).all()
    assert (answers == answers[0]).all()


def test_what_is_missing_within_a_series_is_no_end(rooms, trained):
    version = trained()
    answers = asked(rooms, version, [[50, None, 52, 51], [50], [50, None, 52, 51, None]])
    assert answers[0].tolist() == answers[2].tolist() != answers[1].tolist()


def test_a_series_from_parquet_is_the_one_from_csv(rooms, register, admin, tmp_path):
    series, labels = waves(60, channels=2)
    register("waves", as_csv(series, labels), target="pace", sensitive=())
    days = [at % 7 for at in range(len(labels))]
    path = tmp_path / "other.parquet"
    pl.DataFrame({"wave": series, "day": days, "pace": labels}).write_parquet(path)
    added = rooms.datasets.add("other", [path], target="pace", by=admin, purpose="to test training", owner="the tests")
    spec = "model: {}\ndata: {{dataset: {}, series: wave}}\ncandidates: [rnn: {{epochs: 2}}]\n"
    for name in ("waves", "other"):
        rooms.training.train(parse_spec(spec.format(name, name)), by=admin)
    graphs = {rooms.registry.read(rooms.registry.find(f"{name}:1", by=admin), "model.onnx") for name in ("waves", "other")}
    assert len(graphs) == 1
    assert added.rows == 60


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("series: waves", "data.series: there is no feature 'waves' in 'waves'; did you mean wave?"),
        ("series: day", "data.series: column 'day' is a number and holds no lists"),
    ],
)
def test_a_column_that_holds_no_series_is_refused(rooms, register, admin, data, said):
    register("waves", as_csv(*waves(60)), target="pace", sensitive=())
    with pytest.raises(UnusableDataError) as refused:
        rooms.training.train(spec_of(data=data), by=admin)
    assert said in str(refused.value)


def test_a_row_that_holds_no_series_is_refused_by_its_number_and_not_its_value(rooms, register, admin):
    series, labels = waves(60)
    register("waves", as_csv([*series[:41], *["secret"] * 19], labels), target="pace", sensitive=())
    with pytest.raises(UnusableDataError, match="row 42 of column 'wave' is a text that holds no list") as refused:
        rooms.training.train(spec_of(), by=admin)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[True, False]] * 60, "row 1 of column 'wave' holds something that is no number in step 1"),
        ([["a", "b"]] * 60, "row 1 of column 'wave' holds something that is no number in step 1"),
        ([[]] * 60, "The feature 'wave' has no number in the training rows"),
    ],
)
def test_lists_of_no_numbers_are_refused_when_a_model_is_to_learn_from_them(rooms, register, admin, values, said):
    quoted = [json.dumps(value).replace('"', '""') for value in values]
    register("waves", as_csv(quoted, ["slow", "fast"] * 30), target="pace", sensitive=())
    with pytest.raises(InvalidError) as refused:
        rooms.training.train(spec_of(), by=admin)
    assert said in str(refused.value)


def test_a_column_that_was_called_text_before_there_were_series_is_learned_from_all_the_same(rooms, register, admin):
    register("waves", as_csv(*waves(60)), target="pace", sensitive=())
    dataset = rooms.datasets.show("waves", by=admin)
    before = replace(
        dataset, columns=tuple(replace(each, kind=ColumnKind.TEXT) if each.name == "wave" else each for each in dataset.columns)
    )
    (column,) = SeriesGatherer().choose(spec_of().data, before, rooms.datasets.table("waves", by=admin))
    assert (column.name, column.kind) == ("wave", "text")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("text: wave", "column 'wave' holds series of numbers. Name it as `data.series` instead"),
        ("exclude: [day]", "holds series of numbers, which are no feature of a table"),
    ],
)
def test_a_series_is_neither_text_nor_feature_of_a_table(rooms, register, admin, data, said):
    register("waves", as_csv(*waves(60)), target="pace", sensitive=())
    with pytest.raises(UnusableDataError) as refused:
        rooms.training.train(spec_of("[text-linear]" if "text" in data else "[knn]", data), by=admin)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("candidates", "data", "said"),
    [
        ("[knn]", "series: wave", "candidates[0].knn: the recipe learns from a table"),
        ("[rnn]", "series: wave, text: wave", "data: `text` and `series` are both there"),
    ],
)
def test_what_does_not_go_with_series_is_refused_in_the_words_of_the_spec(candidates, data, said):
    with pytest.raises(InvalidSpecError) as refused:
        spec_of(candidates, data)
    assert str(refused.value).startswith(said)


def test_few_different_series_are_no_categories_that_would_be_listed(rooms, register, admin):
    series = [[[1.5, 2.5], [], [3.5]][at % 3] for at in range(60)]
    register("waves", as_csv(series, ["slow", "fast"] * 30), target="pace", sensitive=())
    column = rooms.datasets.show("waves", by=admin).column("wave")
    assert (column.kind, column.categories) == ("series", ())


def test_a_preparation_is_fitted_to_the_last_steps_that_are_read():
    series = [np.array([[1000.0], [1.0], [3.0]], dtype=np.float32), np.array([[np.nan], [5.0]], dtype=np.float32)]
    fitted = SeriesPreparation.fit("wave", series, Prepare(length=2))
    assert fitted.means == (3.0,)
    assert fitted.length == 2
    whole = np.array([[[1.0], [3.0]], [[np.nan], [5.0]], [[3e38], [np.nan]], [[np.nan], [np.nan]]], dtype=np.float32)
    rows = fitted.apply({"wave": whole}).reshape(4, 2, 2)
    assert rows[:, :, 1].tolist() == [[1, 1], [1, 1], [1, 0], [0, 0]]
    assert np.isfinite(rows).all()
