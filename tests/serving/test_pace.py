# SPDX-License-Identifier: Apache-2.0
"""A slow model is explained in fewer parts, or not at all, and who asks is told before it is asked."""

import numpy as np
import pytest

import pictures
from modelward.registry import GRAPH_FILE, Feature, OpenVersion
from modelward.serving.explainers import EXPLAINERS
from modelward.serving.pace import MOST_SECONDS, Pace, TooSlowError
from modelward.serving.varied import patches_of
from serving.tiny import LINEAGE

GRAPH, INTERFACE = pictures.bright()
ROW = {"scan": pictures.drawn(0).tolist()}


def least(features):
    return EXPLAINERS.load("shapley")().least(features)


@pytest.mark.parametrize(
    ("row_seconds", "rows", "parts"), [(1e-6, 1, 64), (0.01, 1, 64), (0.01, 16, 4), (0.1, 1, 16), (0.5, 1, 4), (0.02, 3, 16)]
)
def test_a_row_is_explained_in_as_many_parts_as_there_is_time_for(row_seconds, rows, parts):
    plan = Pace(row_seconds).of_parts(rows, least=least, name="light:1")
    assert plan.parts == parts
    assert plan.evaluations >= least(parts)
    assert rows * plan.evaluations * row_seconds <= MOST_SECONDS


def test_what_would_take_too_long_is_refused_with_how_many_rows_would_not():
    with pytest.raises(TooSlowError, match=r"light:1 takes about 0.5 s.*explain 9 it would be asked for 144.*at most 1 at once"):
        Pace(0.5).of_parts(9, least=least, name="light:1")
    with pytest.raises(TooSlowError, match=r"longer than the 30 s.*answer alone"):
        Pace(5.0).of_parts(1, least=least, name="light:1")


@pytest.fixture
def light(house):
    said = {"lineage": LINEAGE, "interface": INTERFACE, "purpose": "tests", "owner": "tester", "facts": {}}
    house.make_live(house.registry.register("light", {GRAPH_FILE: GRAPH}, **said, by=house.admin).name)
    return house


def explained(house, monkeypatch, *, row_seconds):
    """The explanation of a model at such a pace, and for how many rows it was asked."""
    asked, predict = [], OpenVersion.predict

    def counted(opened, columns):
        asked.append(len(columns["scan"]))
        return predict(opened, columns)

    monkeypatch.setattr(OpenVersion, "predict", counted)
    monkeypatch.setattr(Pace, "of", classmethod(lambda cls, *_: cls(row_seconds)))
    (found,) = house.serving.explain("light", [ROW], by=house.admin)
    return found, sum(asked)


@pytest.mark.parametrize(("row_seconds", "patches", "most"), [(1e-4, 64, 1 << 14), (0.1, 16, 260), (1.0, 4, 20)])
def test_an_image_of_a_slow_model_has_fewer_patches(light, monkeypatch, row_seconds, patches, most):
    found, asked = explained(light, monkeypatch, row_seconds=row_seconds)
    assert len(found.contributions) == patches
    assert asked <= most
    assert abs(found.residual) < 1e-5


def test_a_model_that_is_too_slow_is_asked_for_nothing(light, monkeypatch):
    with pytest.raises(TooSlowError):
        explained(light, monkeypatch, row_seconds=60.0)


@pytest.mark.parametrize("most", [64, 16, 4])
@pytest.mark.parametrize("shape", [(12, 12, 1), (1, 30, 3), (3, 2, 1)])
def test_patches_are_the_whole_image_in_bounded_number(most, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    varied = patches_of(Feature("scan", "image", shape=shape), pixels, most)
    assert len(varied.row) <= most
    assert (varied.whole(varied.row)["scan"] == pixels).all()
    assert len(np.unique(varied.whole(varied.background)["scan"].reshape(-1, shape[2]), axis=0)) == 1
