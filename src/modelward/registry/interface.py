# SPDX-License-Identifier: Apache-2.0
"""What a version takes and gives: named, typed features in, one probability per class out.

`interface.json` in every version holds it, so that a row is checked against what the model was trained on, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from modelward.digest import canonical_json
from modelward.errors import InvalidError

if TYPE_CHECKING:
    import numpy.typing as npt

    from modelward.registry.rows import Encoded, RowEncoder

NAME_LIMIT = 200
FEATURES_LIMIT = 10_000


class InvalidInterfaceError(InvalidError):
    """An interface that no row could be checked against."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input. `categories`, `minimum` and `maximum` are what the training rows held. They bind nobody: another value is
    answered, and called unfamiliar. Where none is given, as in many a model made elsewhere, nothing is called so.

    `nullable` says that the version fills in a missing value by itself.
    """

    name: str
    kind: Literal["number", "category"]
    categories: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False


# No slots: the compiled encoder is kept in the instance, out of the fields that are written to JSON.
@dataclass(frozen=True)
class Interface:
    """The features in their order, what is predicted, and the classes in the order of the probabilities."""

    features: tuple[Feature, ...]
    target: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        _check_names("feature", names, least=1)
        _check_names("class", self.classes, least=2)

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
        """The columns of `encode`."""
        return self._encoder.encode(rows).columns

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Encoded:
        """One column per feature out of rows of JSON: float32 [n, 1] for numbers, objects (text) [n, 1] for categories; and
        which features of each row hold what training never saw, a category of its own or a number out of the range.

        A missing number becomes NaN and a missing category the empty text, where the version fills them in. True and false
        become "true" and "false" for a category. What training never saw is taken: what the model makes of it is its own
        (versions trained here hold a number within bounds, and give a category the place of all rare ones, or none).

        Raises:
            InvalidRowsError: a feature is unknown or missing, a value has the wrong type, is not finite, is beyond float32 or
                is too long. The message names row and feature, never the value.
        """
        return self._encoder.encode(rows)

    def to_json(self) -> bytes:
        """The canonical bytes of `interface.json`."""
        return canonical_json(self)

    @cached_property
    def _encoder(self) -> RowEncoder:
        from modelward.registry.rows import RowEncoder

        return RowEncoder(self.features)


def parse_interface(data: bytes) -> Interface:
    """The interface in the bytes of an `interface.json`.

    Raises:
        InvalidInterfaceError: they are not one.
    """
    try:
        return msgspec.json.decode(data, type=Interface)
    except InvalidInterfaceError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise InvalidInterfaceError(
            f"interface.json is not an interface: {wrong}. `docs/reference/version-format.md` shows one."
        ) from wrong


def _check_names(kind: str, names: Sequence[str], *, least: int) -> None:
    if not least <= len(names) <= FEATURES_LIMIT:
        raise InvalidInterfaceError(f"An interface has {least} to {FEATURES_LIMIT} entries of kind {kind}, not {len(names)}.")
    for name in names:
        if not name or len(name) > NAME_LIMIT or not name.isprintable():
            raise InvalidInterfaceError(f"A {kind} is named {name[:NAME_LIMIT]!r}; use 1 to {NAME_LIMIT} printable characters.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInterfaceError(f"The {kind} {twice!r} is listed twice; each needs a name of its own.")
