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
from modelward.registry.kinds import KINDS

if TYPE_CHECKING:
    import numpy.typing as npt

    from modelward.registry.kind import Kind
    from modelward.registry.rows import RowReader
    from modelward.registry.table import ColumnWriter, Encoded, Table

NAME_LIMIT = 200
FEATURES_LIMIT = 10_000


class InvalidInterfaceError(InvalidError):
    """An interface that no row could be checked against."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input. `categories`, `minimum` and `maximum` are what the training rows held. They bind nobody: another value is
    answered, and called unfamiliar. Where none is given, as in many a model made elsewhere, nothing is called so, and no text ever
    is.

    `nullable` says that the version fills in a missing value by itself. Of a text, the graph takes `length` characters, in lower
    case where `lowercase` says so; both were chosen when it was trained, so that a text is cut the same alone and among others.
    """

    name: str
    kind: Literal["number", "category", "text"]
    categories: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False
    length: int = 0
    lowercase: bool = False

    @property
    def sort(self) -> Kind:
        """All that features of its kind have in common."""
        return KINDS[self.kind]

    @property
    def graph_shape(self) -> tuple[int, ...]:
        """What a graph takes of each row: the dimensions behind the first."""
        return self.sort.shape(self)


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
        for feature in self.features:
            _check_kind(feature)

    @cached_property
    def is_of_numbers(self) -> bool:
        """Whether every feature is a number."""
        return all(feature.kind == "number" for feature in self.features)

    @cached_property
    def names(self) -> list[str]:
        """The names of the features, in their order."""
        return [feature.name for feature in self.features]

    @cached_property
    def plain_row(self) -> dict[str, Any]:
        """A row that fits, for asking a version about whom nothing is asked: the smallest numbers and the first categories that
        training saw, and texts as long as are read.
        """
        return {feature.name: feature.sort.plain(feature) for feature in self.features}

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
        """The columns of `encode`, of rows of JSON."""
        return self.encode([self.table_of_rows(rows)]).columns.apart()

    def encode(self, tables: Sequence[Table]) -> Encoded:
        """One column per feature, of all rows of all tables in order: float32 [n, 1] for numbers, objects (text) [n, 1] for
        categories, code points int32 [n, length] for texts; and which features of each row hold what training never saw, a
        category of its own or a number out of the range. A missing number is NaN there, a missing category the empty text, and a
        missing text one without characters.
        """
        return self._writer.encode(tables)

    def table_of_rows(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        """Rows of JSON, checked.

        True and false become "true" and "false" for a category. What training never saw is taken: what the model makes of it is
        its own (versions trained here hold a number within bounds, and give a category the place of all rare ones, or none).

        Raises:
            InvalidRowsError: a feature is unknown or missing, a value has the wrong type, is not finite, is beyond float32 or
                is too long. The message names row and feature, never the value.
        """
        return self._reader.rows(rows)

    def table_of_json(self, body: bytes) -> Table | None:
        """The rows in `{"rows": [{"FEATURE": VALUE, …}, …]}`, checked while they are read; None where anything is amiss, or needs
        a closer look: then `table_of_rows` says what.
        """
        if (decoder := self._reader.decoder) is None:
            return None
        try:
            rows = decoder.decode(body).rows
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return self._reader.typed(rows)

    def table_of_columns(self, columns: Mapping[str, Any]) -> Table:
        """`table_of_rows` of one list of values, or array [n] or [n, 1], per feature; NaN in an array is a missing number.

        Raises:
            InvalidRowsError: as there; or the columns differ in length.
        """
        return self._reader.columns(columns)

    def table_of_matrix(self, rows: Sequence[Sequence[Any]] | npt.NDArray[Any]) -> Table:
        """`table_of_rows` of values in the order of the features, [rows, features]; NaN in an array is a missing number.

        Raises:
            InvalidRowsError: as there; or a row has another number of values.
        """
        return self._reader.matrix(rows)

    def to_json(self) -> bytes:
        """The canonical bytes of `interface.json`."""
        return canonical_json(self)

    @cached_property
    def _reader(self) -> RowReader:
        from modelward.registry.rows import RowReader

        return RowReader(self.features)

    @cached_property
    def _writer(self) -> ColumnWriter:
        from modelward.registry.table import ColumnWriter

        return ColumnWriter(self.features)


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


def _check_kind(feature: Feature) -> None:
    if fault := feature.sort.fault(feature):
        raise InvalidInterfaceError(fault)
    if feature.kind != "text" and (feature.length or feature.lowercase):
        raise InvalidInterfaceError(f"{feature.name!r} is a {feature.kind}; only a text has a length and is put in lower case.")


def _check_names(kind: str, names: Sequence[str], *, least: int) -> None:
    if not least <= len(names) <= FEATURES_LIMIT:
        raise InvalidInterfaceError(f"An interface has {least} to {FEATURES_LIMIT} entries of kind {kind}, not {len(names)}.")
    for name in names:
        if not name or len(name) > NAME_LIMIT or not name.isprintable():
            raise InvalidInterfaceError(f"A {kind} is named {name[:NAME_LIMIT]!r}; use 1 to {NAME_LIMIT} printable characters.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInterfaceError(f"The {kind} {twice!r} is listed twice; each needs a name of its own.")
