# SPDX-License-Identifier: Apache-2.0
import pytest

from modelward.entrances.console.drawn_values import drawn_values


def test_an_image_is_drawn_pixel_by_pixel_from_black_to_white():
    drawn = drawn_values([[0.0, 8.0], [16.0, 0.0], [0.0, 0.0]], (3, 2))
    assert (drawn.width, drawn.height) == (2, 3)
    assert [(cell.x, cell.y, cell.colour) for cell in drawn.cells][:3] == [(0, 0, "#000000"), (1, 0, "#808080"), (0, 1, "#ffffff")]


def test_three_channels_are_colours():
    drawn = drawn_values([[[255.0, 0, 0], [0, 0, 255.0]], [[0, 255.0, 0], [0, 0, 0]]], (2, 2, 3))
    assert [cell.colour for cell in drawn.cells] == ["#ff0000", "#0000ff", "#00ff00", "#000000"]


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (2, 2, 2), (80, 80)])
def test_what_is_no_image_or_too_large_is_not_drawn(shape):
    assert drawn_values([], shape) is None


def test_an_image_of_one_tone_is_drawn_too():
    assert {cell.colour for cell in drawn_values([[3.0, 3.0], [3.0, 3.0]], (2, 2)).cells} == {"#000000"}
