# SPDX-License-Identifier: Apache-2.0
"""The bodies of MLflow's scoring protocol, as tables: four shapes of JSON, and CSV.

Source: MLflow 3.18, "Deploy MLflow Model as a Local Inference Server". Where MLflow would guess (columns that a model does not
know, rows that differ), a body is refused instead, with the row and the feature.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from modelward.datasets import FIELD_LIMIT_CHARACTERS, MISSING
from modelward.entrances.api.bodies import MalformedBodyError, decode
from modelward.registry import Interface, InvalidRowsError, Number, Table

_BEGINNING = 64
_NAMES_SHOWN = 10
SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")
_EXAMPLE = '{"dataframe_split": {"columns": ["FEATURE", …], "data": [[VALUE, …], …]}}'
# Texts are matched too, so that they are passed over: what looks like a number's word in them is text.
_WORDS_OF_NUMBERS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|NaN|-?Infinity', re.DOTALL)
csv.field_size_limit(FIELD_LIMIT_CHARACTERS)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class SplitFrame(msgspec.Struct, forbid_unknown_fields=True):
    """A table as a `pandas.DataFrame` says it with `orient="split"`. `index` only has to fit."""

    data: list[list[Any]]
    columns: list[Any] | None = None
    index: list[Any] | None = None


class Invocation(msgspec.Struct, forbid_unknown_fields=True):
    """A question: rows in exactly one of four shapes, and `params` that say what to answer."""

    dataframe_split: SplitFrame | UnsetType = UNSET
    dataframe_records: list[dict[str, Any]] | UnsetType = UNSET
    instances: list[Any] | UnsetType = UNSET
    inputs: list[Any] | dict[str, Any] | UnsetType = UNSET
    params: dict[str, Any] | None = None


class _Rows(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The question that programs ask most: numbers in the order of the features."""

    inputs: list[list[Number]]
    params: dict[str, str] | None = None


class _Frame(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """`SplitFrame`, of numbers alone."""

    data: list[list[Number]]
    columns: list[str]
    index: list[int] | None = None


class _Table(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The question that MLflow's client asks most."""

    dataframe_split: _Frame
    params: dict[str, str] | None = None


_decode_rows = msgspec.json.Decoder(_Rows).decode
_decode_table = msgspec.json.Decoder(_Table).decode


def read_plain(body: bytes, interface: Interface) -> tuple[Table, Mapping[str, Any] | None] | None:
    """The rows and the `params` of a question that holds numbers alone, checked while they are read; None where it is of another
    kind, or wrong: `read_json` and `table_of` say what.
    """
    if not interface.is_of_numbers:
        return None
    rows: list[list[float]]
    try:
        if body.find(b'"dataframe_split"', 0, _BEGINNING) >= 0:
            table = _decode_table(body)
            frame, params = table.dataframe_split, table.params
            rows = frame.data
            if frame.columns != interface.names or (frame.index is not None and len(frame.index) != len(rows)):
                return None
        else:
            told = _decode_rows(body)
            rows, params = told.inputs, told.params
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return (Table(len(rows), rows, ()), params) if set(map(len, rows)) == {len(interface.names)} else None


def read_json(body: bytes, *, depth_limit: int) -> Invocation:
    """The question in a body of JSON. MLflow's client writes a missing number as `NaN`, which JSON has not; it is read as null.

    Raises:
        MalformedBodyError: it is none.
    """
    if b"NaN" in body or b"Infinity" in body:
        body = _WORDS_OF_NUMBERS.sub(_plain, body)
    asked: Invocation = decode(body, Invocation, depth_limit=depth_limit)
    given = [shape for shape in SHAPES if getattr(asked, shape) is not UNSET]
    if len(given) != 1:
        told = f"It has {' and '.join(given)}." if given else "It has none."
        raise MalformedBodyError(f"The body must have exactly one of {', '.join(SHAPES)}. {told} Write {_EXAMPLE}.")
    return asked


def table_of(asked: Invocation, interface: Interface) -> Table:
    """The rows of a question, checked.

    Raises:
        InvalidRowsError: they do not fit; the message names row and feature, never a value.
    """
    if asked.inputs is not UNSET:
        return _of_list(asked.inputs, interface) if isinstance(asked.inputs, list) else _of_columns(asked.inputs, interface)
    if asked.dataframe_split is not UNSET:
        return _of_split(asked.dataframe_split, interface)
    if asked.dataframe_records is not UNSET:
        return interface.table_of_rows(asked.dataframe_records)
    assert asked.instances is not UNSET
    return _of_list(asked.instances, interface)


def table_of_csv(body: bytes, interface: Interface) -> Table:
    """The rows of a text of comma-separated values under a row of column names, read as `modelward predict` reads a file: what is a
    category is text, an empty field and its like are missing, and of a text only an empty field is.

    Raises:
        MalformedBodyError: it is no such text. InvalidRowsError: the rows do not fit.
    """
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), skipinitialspace=True, strict=True)
        names = [name.strip() for name in next(lines, [])]
        if not names:
            raise MalformedBodyError("The CSV is empty. Write a row of column names, and one row per record.")
        _check_first_line(names, interface)
        _check_names(names)
        rows = [row for row in lines if row]
    except UnicodeDecodeError as wrong:
        raise MalformedBodyError(f"The CSV is not UTF-8: byte {wrong.start} is none. Convert it to UTF-8.") from None
    except csv.Error as wrong:
        raise MalformedBodyError(
            f"The CSV is not well-formed: {wrong}. A quotation mark that is never closed is the usual cause; mend it."
        ) from None
    _check_widths(rows, names)
    of_kind: dict[str, Callable[[str], Any]] = {"number": _number, "category": _word}
    readers = {feature.name: of_kind.get(feature.kind, _text) for feature in interface.features}
    read = [readers.get(name, _word) for name in names]
    return interface.table_of_rows(
        [{name: each(field) for name, each, field in zip(names, read, row, strict=True)} for row in rows]
    )


def _plain(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if text.endswith(b"Infinity"):
        raise MalformedBodyError(
            "The JSON body holds an infinite number, which no version takes. Send finite numbers, or null where the version "
            "fills it in."
        )
    return b"null" if text == b"NaN" else text


def _of_list(rows: Sequence[Any], interface: Interface) -> Table:
    kinds = set(map(type, rows))
    if kinds == {list}:
        # Where the one feature is told by many values, a row is those.
        is_whole = len(interface.names) == 1 and not interface.is_of_single_values
        return interface.table_of_matrix([[row] for row in rows] if is_whole else rows)
    if kinds <= {dict}:
        return interface.table_of_rows(rows)
    width = len(interface.names)
    if kinds & {list, dict}:
        number = next(number for number, row in enumerate(rows, 1) if type(row) is not type(rows[0]))
        raise InvalidRowsError(f"Row {number} is of another kind than row 1. Send all rows as lists, or all as objects.")
    if width > 1:
        raise InvalidRowsError(
            f"Row 1 is a single value, and the version takes {width} features. Send each row as a list in the order of the "
            "features, or as an object with their names."
        )
    return interface.table_of_matrix([[value] for value in rows])


def _of_columns(columns: Mapping[str, Any], interface: Interface) -> Table:
    kinds = set(map(type, columns.values()))
    if list not in kinds:
        # One row of named values.
        return interface.table_of_rows([columns])
    if kinds != {list}:
        name = next(name for name, values in columns.items() if type(values) is not list)
        raise InvalidRowsError(f"The column {name[:100]!r} is no list, and others are. Send one list of values per feature.")
    whole = {feature.name for feature in interface.features if feature.sort.tensor(feature) != (1,)}
    return interface.table_of_columns({name: values if name in whole else _flat(name, values) for name, values in columns.items()})


def _flat(name: str, values: list[Any]) -> list[Any]:
    """A column of [rows] as it is; of [rows, 1], which is how an array says it, without the second."""
    if list not in set(map(type, values)):
        return values
    for number, value in enumerate(values, 1):
        if type(value) is not list or len(value) != 1:
            raise InvalidRowsError(f"Row {number}: the column {name[:100]!r} must have the shape [rows] or [rows, 1].")
    return [value for (value,) in values]


def _of_split(split: SplitFrame, interface: Interface) -> Table:
    if split.index is not None and len(split.index) != len(split.data):
        raise InvalidRowsError(
            f"The index names {len(split.index)} rows, and the data has {len(split.data)}. Send as many, or leave the index out."
        )
    names = split.columns
    # A table without names has their numbers in their place; its values come in the order of the features, as those of a list.
    if names is None or names == list(range(len(names))) or names == interface.names:
        return interface.table_of_matrix(split.data)
    if not all(isinstance(name, str) for name in names):
        raise InvalidRowsError("A column has a name that is no text. Name each column after its feature.")
    _check_names(names)
    _check_widths(split.data, names)
    return interface.table_of_rows([dict(zip(names, row, strict=True)) for row in split.data])


def _check_first_line(names: Sequence[str], interface: Interface) -> None:
    """A text without names has the first row in their place, whose values no message may tell."""
    known = set(interface.names)
    strange = [(place, name) for place, name in enumerate(names, 1) if name not in known]
    places = [place for place, name in strange if _NUMBER.fullmatch(name)]
    if not places and len(strange) < len(names):
        return
    features = ", ".join(interface.names[:_NAMES_SHOWN]) + (", …" if len(known) > _NAMES_SHOWN else "")
    found = f"column {places[0]} has a number there" if places else f"none of its {len(names)} columns is a feature"
    raise InvalidRowsError(
        f"The first line of the CSV names the columns, and {found}. Write the names of the features: {features}."
    )


def _check_names(names: Sequence[str]) -> None:
    if "" in names:
        raise InvalidRowsError(
            f"Column {names.index('') + 1} of {len(names)} has no name. It is often an index that was saved along: write the table "
            "with `to_csv(index=False)`."
        )
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise InvalidRowsError(f"More than one column is called {repeated[0][:100]!r}. Send each feature once.")


def _check_widths(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> None:
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise InvalidRowsError(f"Row {number} has {len(row)} values, and there are {len(names)} columns. Send one for each.")


def _number(field: str) -> float | str | None:
    """A number, None where it is missing, and text as it is: the interface refuses it, and names the row and the feature."""
    text = field.strip()
    if text in MISSING:
        return None
    return float(text) if _NUMBER.fullmatch(text) else text


def _text(field: str) -> str | None:
    return field if field.strip() else None


def _word(field: str) -> str | None:
    text = field.strip()
    if text in MISSING:
        return None
    return text.lower() if text.lower() in {"true", "false"} else text
