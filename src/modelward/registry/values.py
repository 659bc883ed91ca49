# SPDX-License-Identifier: Apache-2.0
"""What single values of JSON are, and what is wrong with one, in words that do not tell it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

LARGEST = float(np.finfo(np.float32).max)
# A text that never ends is matched as well, or each quotation mark within it would be tried to its end.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_NUMBER = re.compile(rb"\b(?:NaN|nan|None|Infinity|inf)\b")


class UnfitValueError(Exception):
    """Why a value does not fit its feature, in words. Whoever reads rows puts the row and the feature before them."""


def json_kind(value: Any) -> str:
    """The JSON type of a value, in words: it may be told where the value may not."""
    names = {bool: "true or false", str: "text", list: "a list", dict: "an object", float: "a number", int: "a number"}
    return "null" if value is None else names.get(type(value), "something else")


def json_hint(data: bytes) -> str:
    """What to do about bytes that are no JSON, where Python's words for missing and infinite numbers may be why."""
    if not _NO_NUMBER.search(_TEXT.sub(b"", data)):
        return ""
    return "It holds NaN, None or Infinity, which JSON has not: write null where a number is missing."


def is_unicode(text: str) -> bool:
    """Whether a text has no half characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def why_no_text(value: Any, *, limit: int) -> str:
    """Why a value is not the text that a feature needs."""
    if value is None or value == "":
        return "is empty, and the version does not fill it in; send text"
    if type(value) is not str:
        return f"must be text and is {json_kind(value)}"
    if len(value) > limit:
        return f"is {len(value)} characters long; the limit is {limit}"
    return "holds half a character (a lone surrogate); send valid Unicode"


def flat(values: npt.NDArray[Any]) -> Sequence[Any]:
    """An array of single values as a list; NaN is how arrays say that a number is missing."""
    listed: list[Any] = values.ravel().tolist()
    return [None if value != value else value for value in listed] if values.dtype.kind == "f" else listed
