# SPDX-License-Identifier: Apache-2.0
"""What a version takes and gives: named, typed features in, and one probability per class out, or a text, or numbers.

`interface.json` in every version holds it, so that a row is checked against what the model was trained on, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from modelward.digest import canonical_json
from modelward.errors import InvalidError
from modelward.registry.kinds import KINDS
from modelward.registry.texts import LENGTH_LIMIT

if TYPE_CHECKING:
    import numpy.typing as npt

    from modelward.registry.kind import Kind
    from modelward.registry.rows import RowReader
    from modelward.registry.table import ColumnWriter, Encoded, Table

NAME_LIMIT = 200
FEATURES_LIMIT = 10_000
VALUES_LIMIT = 1 << 22
# What the rows of one question may take of memory. A few bytes of JSON may hold a large image, and a seed asks for one.
_QUESTION_BYTES = 1 << 28
_VALUE_BYTES = {"image": 1, "sequence": 8, "series": 4}
# What a number or text takes in a list of Python.
_LISTED_BYTES = 32

AnswerKind = Literal["classes", "text", "values"]
"""What a version answers a row with: a probability for each class; a text; or numbers in a fixed shape."""


class InvalidInterfaceError(InvalidError):
    """An interface that no row could be checked against."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input. `categories`, `minimum` and `maximum` are what the training rows held. They bind nobody: another value is
    answered, and called unfamiliar. Where none is given, as in many a model made elsewhere, nothing is called so. What `is_bound`
    is no observation but an order, such as a seed: a whole number from `minimum` to `maximum`, or one of `categories`, and all else
    is refused.

    Of a text, `characters` are those that at least two training texts held, and a text is called unfamiliar of which a larger share
    than `strange_share` is others: another script, say.

    `nullable` says that the version fills in a missing value by itself. Of a text, the graph takes `length` characters, in lower
    case where `lowercase` says so; of an image `shape`: height, width and channels; of a series how many steps, the last ones, and
    the channels of each. All were chosen when it was trained, so that a text is cut, and an image brought to its size, the same
    alone and among others.
    """

    name: str
    kind: Literal["number", "category", "text", "image", "sequence", "series"]
    categories: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False
    length: int = 0
    lowercase: bool = False
    characters: str = ""
    strange_share: float = 0.0
    shape: tuple[int, ...] = ()
    is_bound: bool = False

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
    """The features in their order, what is predicted, and what the answer is made of: the classes in the order of the
    probabilities; of a text its most characters, `length`; of values their `shape`, and `values`, a name for each, where they have
    names. Then `categories` may say of each value the texts among which it is a place, counted from 0; nothing of a number. With
    `top` only so many of the classes are told, the most probable ones.
    """

    features: tuple[Feature, ...]
    target: str
    classes: tuple[str, ...] = ()
    answer: AnswerKind = "classes"
    length: int = 0
    shape: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    top: int = 0

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        _check_names("feature", names, least=1)
        for feature in self.features:
            _check_kind(feature)
        _check_answer(self)

    @cached_property
    def is_of_numbers(self) -> bool:
        """Whether every feature is a number."""
        return all(feature.kind == "number" for feature in self.features)

    @cached_property
    def is_of_single_values(self) -> bool:
        """Whether every feature is told by one value."""
        return all(feature.sort.tensor(feature) == (1,) for feature in self.features)

    @cached_property
    def is_packed(self) -> bool:
        """Whether few bytes of a question may take long to read."""
        return any(feature.sort.is_packed for feature in self.features)

    @cached_property
    def text_places(self) -> Mapping[str, int]:
        """The features that are texts, each with its place among `Table.others`."""
        from modelward.registry.table import places_of_texts

        return places_of_texts(self.features)

    @cached_property
    def most_rows(self) -> int:
        """How many rows may be asked about together, by the memory that what is read, and what is answered, takes."""
        read = sum(_VALUE_BYTES[each.kind] * prod(each.graph_shape) for each in self.features if each.kind in _VALUE_BYTES)
        told = _LISTED_BYTES * prod(self.answer_shape) if self.answer == "values" or self.top else 0
        return max(1, _QUESTION_BYTES // max(1, read, told))

    @cached_property
    def by_name(self) -> dict[str, Feature]:
        """The features by their names."""
        return {feature.name: feature for feature in self.features}

    @cached_property
    def names(self) -> list[str]:
        """The names of the features, in their order."""
        return [feature.name for feature in self.features]

    @cached_property
    def answer_shape(self) -> tuple[int, ...]:
        """The shape of the answer to one row, as the graph gives it: [K] probabilities, [length] code points, or that of values."""
        return {"classes": (len(self.classes),), "text": (self.length,), "values": self.shape}[self.answer]

    @cached_property
    def named_values(self) -> tuple[tuple[str, bool], ...]:
        """The names of the values, and whether each stands for a text; nothing where they have none."""
        texts = self.categories or ((),) * len(self.values)
        return tuple(zip(self.values, map(bool, texts), strict=True))

    def named(self, values: Sequence[float]) -> dict[str, float | str]:
        """Values [shape] by their names, and those that stand for a category as its text."""
        named: dict[str, float | str] = dict(zip(self.values, values, strict=True))
        for name, texts in zip(self.values, self.categories, strict=False):
            if texts:
                named[name] = text_at(texts, named[name])
        return named

    @cached_property
    def plain_row(self) -> dict[str, Any]:
        """A row that fits, for asking a version about whom nothing is asked: the smallest numbers and the first categories that
        training saw, and texts as long as are read.
        """
        return {feature.name: feature.sort.plain(feature) for feature in self.features}

    def named_column(self, name: str, rows: Sequence[Sequence[float]]) -> list[Any]:
        """The values of that name, row by row: numbers, or texts where they stand for a category."""
        place = self.values.index(name)
        values = [row[place] for row in rows]
        texts = self.categories[place] if self.categories else ()
        return [text_at(texts, value) for value in values] if texts else values

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
        """The columns of `encode`, of rows of JSON."""
        return self.encode([self._reader.rows(rows)]).columns.apart()

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
                is too long; or there are more than `most_rows`. The message names row and feature, never the value.
        """
        self._check_count(len(rows))
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
        return self._reader.columns(columns, check_count=self._check_count)

    def table_of_matrix(self, rows: Sequence[Sequence[Any]] | npt.NDArray[Any]) -> Table:
        """`table_of_rows` of values in the order of the features, [rows, features]; NaN in an array is a missing number.

        Raises:
            InvalidRowsError: as there; or a row has another number of values.
        """
        return self._reader.matrix(rows, check_count=self._check_count)

    def _check_count(self, rows: int) -> None:
        if rows > self.most_rows:
            from modelward.registry.rows import InvalidRowsError

            raise InvalidRowsError(
                f"There are {rows:,} rows, and each takes so much memory that {self.most_rows:,} are the most at once. Send them "
                "in parts."
            )

    def to_json(self) -> bytes:
        """The canonical bytes of `interface.json`. What says nothing is left out, so that those of classes have the bytes that they
        had before there were others.
        """
        told = msgspec.to_builtins(self)
        for feature in told["features"]:
            if not feature["is_bound"]:
                del feature["is_bound"]
        return canonical_json({name: value for name, value in told.items() if name not in _LATER or value != _LATER[name]})

    @cached_property
    def _reader(self) -> RowReader:
        from modelward.registry.rows import RowReader

        return RowReader(self.features)

    @cached_property
    def _writer(self) -> ColumnWriter:
        from modelward.registry.table import ColumnWriter

        return ColumnWriter(self.features)


def text_at(texts: Sequence[str], place: float | str) -> str:
    """The text at a place, the nearest where the place lies outside."""
    return texts[min(max(round(float(place)), 0), len(texts) - 1)]


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
    if (feature.kind not in ("text", "sequence") and feature.length) or (feature.kind != "text" and feature.lowercase):
        raise InvalidInterfaceError(
            f"{feature.name!r} is a {feature.kind}; only texts and sequences have a length, and texts are put in lower case."
        )
    if feature.is_bound and (feature.nullable or not _bounds(feature)):
        raise InvalidInterfaceError(
            f"{feature.name!r} is bound, and nothing says to what. Only a number with a least and a most can be, or a category "
            "with its categories, and none that may be missing."
        )
    if feature.kind not in ("image", "series") and feature.shape:
        raise InvalidInterfaceError(f"{feature.name!r} is a {feature.kind}; only an image or a series has a shape.")


def _bounds(feature: Feature) -> bool:
    if feature.kind == "number":
        return feature.minimum is not None and feature.maximum is not None
    return feature.kind == "category" and bool(feature.categories)


# What came later, and what it is where nobody says it.
_LATER: dict[str, Any] = {"answer": "classes", "length": 0, "shape": (), "values": (), "categories": (), "top": 0}


def _check_answer(interface: Interface) -> None:
    """What the answer is made of is said, and nothing that belongs to another kind of answer."""
    said = {
        "classes": bool(interface.classes),
        "length": bool(interface.length),
        "shape": bool(interface.shape or interface.values or interface.categories),
    }
    own = {"classes": "classes", "text": "length", "values": "shape"}[interface.answer]
    if strange := [name for name, is_said in said.items() if is_said and name != own]:
        raise InvalidInterfaceError(f"The answer is {interface.answer!r}, and {strange[0]!r} belongs to another. Leave it out.")
    if interface.answer == "classes":
        _check_names("class", interface.classes, least=2)
    if interface.top and not (interface.answer == "classes" and 1 <= interface.top <= len(interface.classes)):
        raise InvalidInterfaceError(f"Of the classes 1 to all are told, and `top` says {interface.top}. Leave it out to tell all.")
    if interface.answer == "text" and not 1 <= interface.length <= LENGTH_LIMIT:
        raise InvalidInterfaceError(f"A text that is an answer has a length of 1 to {LENGTH_LIMIT}, not {interface.length}.")
    if interface.answer == "values":
        _check_values(interface.shape, interface.values)
    if interface.categories and len(interface.categories) != len(interface.values):
        count = len(interface.categories)
        raise InvalidInterfaceError(f"There are {count} lists of categories for {len(interface.values)} values. Give one to each.")


def _check_values(shape: tuple[int, ...], names: tuple[str, ...]) -> None:
    if not shape or min(shape) < 1 or prod(shape) > VALUES_LIMIT:
        raise InvalidInterfaceError(
            f"Values have a shape of at most {VALUES_LIMIT:,} numbers, such as [28, 28], not {list(shape)}."
        )
    if names:
        _check_names("value", names, least=1)
        if shape != (len(names),):
            raise InvalidInterfaceError(f"There are {len(names)} names for values of the shape {list(shape)}. Give one to each.")


def _check_names(kind: str, names: Sequence[str], *, least: int) -> None:
    if not least <= len(names) <= FEATURES_LIMIT:
        raise InvalidInterfaceError(f"An interface has {least} to {FEATURES_LIMIT} entries of kind {kind}, not {len(names)}.")
    for name in names:
        if not name or len(name) > NAME_LIMIT or not name.isprintable():
            raise InvalidInterfaceError(f"A {kind} is named {name[:NAME_LIMIT]!r}; use 1 to {NAME_LIMIT} printable characters.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInterfaceError(f"The {kind} {twice!r} is listed twice; each needs a name of its own.")
