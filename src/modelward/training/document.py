# SPDX-License-Identifier: Apache-2.0
"""The training spec as somebody wrote it."""

from __future__ import annotations

from typing import Any

from modelward import strict_yaml
from modelward.errors import InvalidError, TooLargeError


class InvalidSpecError(InvalidError):
    """The training spec cannot be used; the message names the key, what it may be, and the nearest match."""


class SpecTooLargeError(InvalidSpecError, TooLargeError):
    """The training spec passes the limit of its size."""


def read(text: str | bytes) -> Any:
    """The one document in `text`, as JSON values.

    Raises:
        InvalidSpecError: it is no YAML as `strict_yaml` takes it.
    """
    return strict_yaml.read(text, noun="spec", invalid=InvalidSpecError, too_large=SpecTooLargeError)
