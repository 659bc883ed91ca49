# SPDX-License-Identifier: Apache-2.0
"""Image files: looked at within limits, and made into the numbers that a model takes, in the same way for training and answering.

What a file says it is decides, not its name. PNG and JPEG are read, and the plainest of all formats, Netpbm, in which arrays are
kept. An image is turned as its camera says; what is transparent in it lies on white; of 16 bits the upper 8 are kept; the model's
size is reached by stretching (bilinear), from a JPEG at a half, a quarter or an eighth of its own size where that is still twice
as large; and its mode by Pillow's own conversion (ITU-R 601-2 for grey).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError, TooLargeError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]
"""[height, width, channels], 0 to 255; one channel is grey, three are red, green and blue."""

SIZE_LIMIT_BYTES = 32 << 20
PIXELS_LIMIT = 25_000_000
_FORMATS = ("PNG", "JPEG", "PPM")
_STARTS = (b"\x89PNG", b"\xff\xd8\xff")
_DAMAGED = "is cut off or damaged. Save it again from where it comes from."
_NO_IMAGE = "is no PNG or JPEG. Save it as one of these."
_EMPTY = "is empty. Save it again, or take it out."
_PLAIN = {"L", "RGB"}
_GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"}
_WHITE = (255, 255, 255, 255)
# A JPEG is unpacked at least this many times as large as it is asked for, so that stretching still means over pixels.
_REDUCING = 2


class UnreadableImageError(InvalidError):
    """Bytes that are no image as it is read here. The message goes on after whatever the image is called: "is cut off"."""


class TooManyPixelsError(TooLargeError):
    """The images of one request, or of one dataset, have more pixels together than the setting allows."""


@dataclass(slots=True)
class _Allowance:
    limit: int
    each: int
    left: int
    refusal: str


_REFUSAL = "The images of the request have more than {limit:,} pixels together. Send fewer at once, or smaller ones."
_ALLOWANCE: ContextVar[_Allowance | None] = ContextVar("pixels that may still be unpacked", default=None)


@contextmanager
def at_most(pixels: int, *, each: int = PIXELS_LIMIT, refusal: str = _REFUSAL) -> Iterator[None]:
    """All images that this thread unpacks meanwhile have at most so many `pixels` together, else `TooManyPixelsError` is raised
    before the one that is too many is unpacked; `refusal` is what it says, with `{limit}` in it. One that has more than `each` is
    an `UnreadableImageError`.
    """
    token = _ALLOWANCE.set(_Allowance(pixels, min(each, PIXELS_LIMIT), pixels, refusal))
    try:
        yield
    finally:
        _ALLOWANCE.reset(token)


def count_anew() -> None:
    """Have `at_most` count from nothing: the same images are looked at a second time."""
    if (allowance := _ALLOWANCE.get()) is not None:
        allowance.left = allowance.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What there is to say of one image. `mode` is Pillow's name of how it holds its colours; `converted` whether they become
    others before a model sees them. `mean` and `deviation` are of its brightness, 0 to 255.
    """

    height: int
    width: int
    mode: str
    converted: bool
    mean: float
    deviation: float

    @property
    def is_grey(self) -> bool:
        """Whether it holds no colours."""
        return self.mode in _GREY


def facts_of(data: bytes) -> Facts:
    """What the image in `data` is; it is decoded wholly, so that what is amiss with it is found.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    image, mode, converted = _read(data)
    grey = np.asarray(image.convert("L"))
    return Facts(
        height=image.height,
        width=image.width,
        mode=mode,
        converted=converted,
        mean=float(grey.mean()),
        deviation=float(grey.std()),
    )


def pixels_of(data: bytes, shape: tuple[int, ...]) -> Pixels:
    """The pixels of the image in `data`, brought to the model's `shape`: height, width and channels.

    Raises:
        UnreadableImageError: it cannot be read. TooManyPixelsError: see `at_most`.
    """
    height, width, channels = shape
    image, _, _ = _read(data, side=_REDUCING * max(height, width))
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        from PIL.Image import Resampling

        image = image.resize((width, height), Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8).reshape(height, width, channels)


def file_of(pixels: npt.NDArray[np.uint8]) -> bytes:
    """An array [h, w], [h, w, 1] or [h, w, 3] as a file, in binary Netpbm: nothing is packed, so that the same pixels are the same
    bytes on every machine.
    """
    height, width = pixels.shape[:2]
    kind = b"P6" if pixels.ndim == 3 and pixels.shape[2] == 3 else b"P5"
    return b"%b %d %d 255\n" % (kind, width, height) + np.ascontiguousarray(pixels).tobytes()


def _read(data: bytes, *, side: int | None = None) -> tuple[Image, str, bool]:
    """The one image in `data` as L or RGB, turned as its camera says, the mode that it had, and whether its colours became others.
    A JPEG may be smaller than it is, where no `side` of it becomes less than that.
    """
    image = _opened(data)
    _take(image.width * image.height)
    try:
        if side is not None:
            image.draft(None, (side, side))
        image.load()
        return _plain(image), image.mode, not _is_plain(image)
    # Decoders raise whatever they meet, and their texts may quote what lies in the file.
    except Exception:  # noqa: BLE001
        raise UnreadableImageError(_DAMAGED) from None


def _take(pixels: int) -> None:
    if (allowance := _ALLOWANCE.get()) is None:
        return
    allowance.left -= pixels
    if allowance.left < 0:
        raise TooManyPixelsError(allowance.refusal.format(limit=allowance.limit))


def _opened(data: bytes) -> Image:
    """The image, of which no more than its head was read."""
    from PIL import Image, UnidentifiedImageError

    if len(data) > SIZE_LIMIT_BYTES:
        raise UnreadableImageError(f"has {len(data):,} bytes; at most {SIZE_LIMIT_BYTES:,} are read. Make it smaller.")
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError:
        if data.startswith(_STARTS):
            raise UnreadableImageError(_DAMAGED) from None
        raise UnreadableImageError(_NO_IMAGE if data else _EMPTY) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImageError(f"has more than {PIXELS_LIMIT:,} pixels. Make it smaller.") from None
    except Exception:  # noqa: BLE001  # see `_read`
        raise UnreadableImageError(_DAMAGED) from None
    # Portable float maps call themselves Netpbm; what their fractions stand for is not known.
    if image.mode == "F":
        raise UnreadableImageError(_NO_IMAGE)
    limit = PIXELS_LIMIT if (allowance := _ALLOWANCE.get()) is None else allowance.each
    if image.width * image.height > limit:
        raise UnreadableImageError(
            f"has {image.width:,} by {image.height:,} pixels; at most {limit:,} in all are read. Make it smaller."
        )
    # Cameras keep a second, smaller picture behind the first one of a JPEG; that moves nothing.
    if image.format == "PNG" and getattr(image, "is_animated", False):
        raise UnreadableImageError("is animated. Save the one picture of it that is meant.")
    return image


def _is_plain(image: Image) -> bool:
    """Whether it holds grey or red, green and blue, none of which is said to be transparent."""
    return image.mode in _PLAIN and not image.has_transparency_data


def _plain(image: Image) -> Image:
    from PIL import Image, ImageOps

    turned = ImageOps.exif_transpose(image)
    if _is_plain(turned):
        return turned
    if turned.mode.startswith("I"):
        return Image.fromarray((np.asarray(turned) >> 8).clip(0, 255).astype(np.uint8))
    if turned.has_transparency_data:
        is_grey = turned.mode in _GREY
        seen = turned.convert("RGBA")
        seen = Image.alpha_composite(Image.new("RGBA", seen.size, _WHITE), seen)
        return seen.convert("L" if is_grey else "RGB")
    return turned.convert("L" if turned.mode == "1" else "RGB")
