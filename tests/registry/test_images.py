# SPDX-License-Identifier: Apache-2.0
"""An image in a row: every form of it becomes the pixels that the model takes, and what is none is refused by row and feature."""

from base64 import b64encode

import numpy as np
import pytest

import pictures
from modelward.registry import Feature, Interface, InvalidInterfaceError, InvalidRowsError, parse_interface

GREY = Interface((Feature("scan", "image", shape=(12, 12, 1)),), "bar", ("lying", "standing"))
PIXELS = pictures.drawn(1)
FORMS = {
    "base64": b64encode(pictures.png(PIXELS)).decode(),
    "data URL": "data:image/png;base64," + b64encode(pictures.png(PIXELS)).decode(),
    "bytes": pictures.png(PIXELS),
    "lists": PIXELS.tolist(),
    "lists with a channel": PIXELS[:, :, None].tolist(),
    "lists of colours": np.repeat(PIXELS[:, :, None], 3, axis=2).tolist(),
    "array": PIXELS[:, :, None],
}
REFUSED = {
    "null": (None, "must be an image and is null"),
    "a number": (7, "must be an image and is a number"),
    "nothing": ("", "must be an image and is empty"),
    "no base64": ("secret words", "text that is no base64"),
    "no image": (b64encode(b"secret").decode(), "is no PNG or JPEG"),
    **{f"{name}, as a file": (data, why) for name, (data, why) in pictures.BAD.items()},
    **{f"{name}, in base64": (b64encode(data).decode(), why) for name, (data, why) in pictures.BAD.items() if data},
    "ragged": ([[1, 2], [3]], "whole numbers from 0 to 255"),
    "fractions": ([[0.5, 1.0], [0.0, 0.5]], "whole numbers from 0 to 255"),
    "too bright": ([[256, 1], [0, 2]], "whole numbers from 0 to 255"),
    "words": ([["a", "b"], ["c", "d"]], "whole numbers from 0 to 255"),
    "one row": ([1, 2, 3], "whole numbers from 0 to 255"),
    "empty": ([], "whole numbers from 0 to 255"),
    "two channels": ([[[1, 2]]], "whole numbers from 0 to 255"),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_image_is_the_same_in_every_form(form):
    (column,) = GREY.columns([{"scan": FORMS[form]}]).values()
    assert (column.dtype, column.shape) == (np.uint8, (1, 12, 12, 1))
    assert np.array_equal(column[0, :, :, 0], PIXELS)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused_by_row_and_feature_and_not_told(name):
    value, why = REFUSED[name]
    with pytest.raises(InvalidRowsError, match=f"^Row 2: feature 'scan' .*{why}") as refused:
        GREY.columns([{"scan": FORMS["base64"]}, {"scan": value}])
    assert "secret" not in str(refused.value)


def test_an_image_is_brought_to_the_size_and_the_colours_of_the_model():
    colours = Interface((Feature("scan", "image", shape=(6, 4, 3)),), "bar", ("lying", "standing"))
    (column,) = colours.columns([{"scan": FORMS["base64"]}, {"scan": pictures.in_mode("RGBA")}]).values()
    assert column.shape == (2, 6, 4, 3)
    assert np.array_equal(column[0, :, :, 0], column[0, :, :, 2])


def test_images_stand_beside_numbers_and_categories():
    features = (Feature("scan", "image", shape=(12, 12, 1)), Feature("town", "category"), Feature("age", "number"))
    made = Interface(features, "bar", ("lying", "standing"))
    found = made.columns([{"town": "Ulm", "age": 3, "scan": FORMS["base64"]}])
    assert [found[name].shape for name in ("scan", "town", "age")] == [(1, 12, 12, 1), (1, 1), (1, 1)]


def test_an_interface_of_an_image_is_read_back_and_holds_a_shape():
    assert parse_interface(GREY.to_json()) == GREY
    assert GREY.columns([GREY.plain_row])["scan"].shape == (1, 12, 12, 1)
    for shape in ((), (12, 12), (12, 12, 2), (0, 12, 1), (5000, 12, 1)):
        with pytest.raises(InvalidInterfaceError, match="height and width"):
            Interface((Feature("scan", "image", shape=shape),), "bar", ("lying", "standing"))
    with pytest.raises(InvalidInterfaceError, match="only an image or a series has a shape"):
        Interface((Feature("age", "number", shape=(1, 1, 1)),), "bar", ("lying", "standing"))
    with pytest.raises(InvalidInterfaceError, match="nullable"):
        Interface((Feature("scan", "image", shape=(1, 1, 1), nullable=True),), "bar", ("lying", "standing"))
