# SPDX-License-Identifier: Apache-2.0
"""Images: of JSON a file in base64, or lists of whole numbers; uint8 [rows, height, width, channels] for a graph."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.images import PIXELS_LIMIT, Pixels, UnreadableImageError, file_of, pixels_of
from modelward.registry.values import UnfitValueError, flat, json_kind

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

SIDE_LIMIT = 1024
_CHANNELS = (1, 3)
_DATA_URL, _COMMA_WITHIN = "data:image/", 64
_NUMBERS = "must be whole numbers from 0 to 255, [height, width], or [height, width, 3] with red, green and blue"


class ImageKind:
    """See `Kind`. A feature says what the model takes, `shape`: height, width and channels. Every image is brought to that, by
    `images.pixels_of`, so that one is seen alone as it is among others.
    """

    datatype, element, task = "UINT8", "UINT8", "image-classification"
    is_binary = True
    is_packed = True
    # A convolution holds what it makes of every pixel of every image that it is handed.
    rows_at_once: int | None = 64

    def fault(self, feature: Feature) -> str:
        if feature.nullable:
            return f"{feature.name!r} is an image, and no version fills in a missing one; it cannot be nullable."
        is_whole = len(feature.shape) == 3 and all(1 <= side <= SIDE_LIMIT for side in feature.shape[:2])
        if is_whole and feature.shape[2] in _CHANNELS:
            return ""
        return (
            f"The image {feature.name!r} has the shape {[*feature.shape]}; it is height and width, 1 to {SIDE_LIMIT} each, and "
            "1 or 3 channels."
        )

    def shape(self, feature: Feature) -> tuple[int, ...]:
        return feature.shape

    def tensor(self, feature: Feature) -> tuple[int, ...]:
        return feature.shape

    def json_type(self, feature: Feature) -> Any:
        return None

    def encoder(self, feature: Feature) -> Callable[[Any], Pixels]:
        def encode(value: Any) -> Pixels:
            if isinstance(value, np.ndarray | list):
                pixels = _array(value)
                if pixels.shape == feature.shape:
                    return pixels
                value = file_of(pixels)
            try:
                return pixels_of(value if type(value) is bytes else _file(value), feature.shape)
            except UnreadableImageError as unreadable:
                raise UnfitValueError(str(unreadable).rstrip(".")) from None

        return encode

    def listed(self, values: npt.NDArray[Any], feature: Feature) -> Sequence[Any]:
        return list(values) if values.ndim > 2 else flat(values)

    def column(self, values: Sequence[Any] | Pixels, feature: Feature) -> Pixels:
        if isinstance(values, np.ndarray):
            return values
        return np.stack(values) if len(values) else np.zeros((0, *feature.shape), dtype=np.uint8)

    def plain(self, feature: Feature) -> Any:
        return np.zeros(feature.shape, dtype=np.uint8).tolist()

    def told(self, feature: Feature) -> str:
        height, width, channels = feature.shape
        return f"{height} by {width} pixels, {'grey' if channels == 1 else 'in colour'}; any image is brought to that"


def _file(value: Any) -> bytes:
    """The bytes of a file in base64, by itself or as a data URL."""
    if type(value) is not str or not value:
        what = "empty" if value == "" else json_kind(value)
        raise UnfitValueError(f"must be an image and is {what}; send a PNG or JPEG file in base64, or its pixels as lists")
    if value.startswith(_DATA_URL):
        value = value[value.find(",", 0, _COMMA_WITHIN) + 1 :]
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise UnfitValueError("is text that is no base64; send a PNG or JPEG file in base64") from None


def _array(value: Any) -> Pixels:
    try:
        numbers = np.asarray(value)
    # Lists of unequal lengths.
    except ValueError:
        raise UnfitValueError(_NUMBERS) from None
    if numbers.ndim == 2:
        numbers = numbers[:, :, None]
    if numbers.ndim != 3 or numbers.shape[2] not in _CHANNELS or numbers.dtype.kind not in "iu" or not numbers.size:
        raise UnfitValueError(_NUMBERS)
    if numbers.shape[0] * numbers.shape[1] > PIXELS_LIMIT:
        raise UnfitValueError(f"has more than {PIXELS_LIMIT:,} pixels; send fewer")
    if numbers.dtype != np.uint8 and (numbers.min() < 0 or numbers.max() > 255):
        raise UnfitValueError(_NUMBERS)
    return numbers.astype(np.uint8)
