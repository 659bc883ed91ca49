# SPDX-License-Identifier: Apache-2.0
"""What is read of an image file, and what is refused."""

import numpy as np
import pytest
from PIL import Image

import pictures
from modelward import images
from modelward.images import UnreadableImageError, facts_of, file_of, pixels_of
from modelward.settings import Settings

WHOLE = pictures.WHOLE


@pytest.mark.parametrize("name", pictures.BAD)
def test_what_is_no_whole_image_is_refused(name):
    data, why = pictures.BAD[name]
    for read in (facts_of, lambda data: pixels_of(data, (8, 8, 3))):
        with pytest.raises(UnreadableImageError, match=why):
            read(data)


def test_a_file_of_too_many_bytes_is_not_opened(monkeypatch):
    monkeypatch.setattr(images, "SIZE_LIMIT_BYTES", len(WHOLE) - 1)
    with pytest.raises(UnreadableImageError, match=f"has {len(WHOLE)} bytes; at most {len(WHOLE) - 1}"):
        facts_of(WHOLE)


def test_by_default_the_largest_image_that_is_learned_from_can_be_asked_about():
    assert Settings().image_pixels_limit >= images.PIXELS_LIMIT


@pytest.mark.parametrize("mode", pictures.MODES)
def test_an_image_of_any_mode_is_the_same_image(mode):
    facts, pixels = facts_of(pictures.in_mode(mode)), pixels_of(pictures.in_mode(mode), (12, 12, 1))
    assert (facts.mode, facts.converted, facts.is_grey) == (mode, mode not in ("L", "RGB"), mode in ("L", "LA", "1", "I;16"))
    wanted = pictures.drawn(0)
    # Black and white keeps the bar, a palette nearly every shade.
    assert np.abs((pixels[:, :, 0] > 128).astype(int) - (wanted > 128)).mean() < 0.3 if mode == "1" else True
    if mode in ("L", "RGB", "RGBA", "LA", "I;16"):
        assert np.array_equal(pixels[:, :, 0], wanted)


def test_what_is_transparent_lies_on_white():
    seen = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert pixels_of(pictures.saved(seen), (4, 4, 3)).min() == 255
    assert pixels_of(pictures.saved(Image.new("LA", (4, 4), (0, 0))), (4, 4, 1)).min() == 255
    marked = pictures.saved(Image.new("L", (4, 4), 7), transparency=7)
    assert pixels_of(marked, (4, 4, 1)).min() == 255
    assert facts_of(marked).converted


def test_a_cmyk_photo_becomes_rgb():
    photo = pictures.saved(Image.new("RGB", (16, 16), (200, 30, 60)).convert("CMYK"), "JPEG")
    assert (facts_of(photo).mode, facts_of(photo).converted) == ("CMYK", True)
    assert np.abs(pixels_of(photo, (4, 4, 3)).astype(int) - (200, 30, 60)).max() < 8


def test_an_image_is_turned_as_its_camera_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = np.zeros((4, 8), dtype=np.uint8)
    lying[:, :4] = 255
    turned = pictures.saved(Image.fromarray(lying), "PNG", exif=exif)
    assert (facts_of(turned).height, facts_of(turned).width) == (8, 4)
    assert pixels_of(turned, (8, 4, 1))[:4].min() == 255


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 1), (5, 3, 3)])
def test_an_array_comes_out_of_its_file_as_it_went_in(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    channels = 3 if shape[-1] == 3 and len(shape) == 3 else 1
    assert np.array_equal(pixels_of(file_of(pixels), (5, 3, channels)), pixels.reshape(5, 3, channels))


def test_a_large_photo_is_unpacked_smaller_and_looks_the_same():
    """What is seen of it is what is seen of all its pixels, within the noise of packing; whichever way the camera was held."""
    ramp = np.linspace(0, 255, 640).astype(np.uint8)
    seen = np.stack([np.tile(ramp, (480, 1)), np.full((480, 640), 90, np.uint8), np.tile(ramp[:480, None], (1, 640))], axis=2)
    whole, photo = pictures.png(seen), pictures.saved(Image.fromarray(seen), "JPEG", quality=95)
    for shape in ((32, 32, 3), (32, 24, 1), (400, 10, 3)):
        assert np.abs(pixels_of(photo, shape).astype(int) - pixels_of(whole, shape)).max() <= 6
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = pictures.saved(Image.fromarray(seen), "JPEG", quality=95, exif=exif)
    assert np.abs(pixels_of(turned, (40, 20, 3)).astype(int) - np.rot90(pixels_of(whole, (20, 40, 3)), -1)).max() <= 6


def test_all_images_together_have_no_more_pixels_than_are_allowed():
    with images.at_most(300):
        pixels_of(WHOLE, (4, 4, 1))
        pixels_of(WHOLE, (4, 4, 1))
        with pytest.raises(images.TooManyPixelsError, match="more than 300 pixels together"):
            pixels_of(pictures.bomb(12, 12), (4, 4, 1))
        images.count_anew()
        pixels_of(WHOLE, (4, 4, 1))
    with images.at_most(300, each=100), pytest.raises(UnreadableImageError, match="12 by 12 pixels; at most 100"):
        facts_of(WHOLE)
    pixels_of(WHOLE, (4, 4, 1))
