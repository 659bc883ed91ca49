# SPDX-License-Identifier: Apache-2.0
"""The description of a dataset: its columns and its profile, sealed beside its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import msgspec

from modelward.datasets import declaration
from modelward.datasets.dataset import Column, Shard
from modelward.datasets.declaration import Declaration
from modelward.datasets.derived import Derived
from modelward.datasets.fingerprint import fingerprint
from modelward.datasets.pieces import pieces_of
from modelward.datasets.profile import Profile
from modelward.datasets.table import SlicedTable, Table


@dataclass(frozen=True, slots=True)
class Said:
    """What was declared and by whom, beside the database's row of it, which anybody could edit who edits the database."""

    purpose: str
    owner: str
    by: str


@dataclass(frozen=True, slots=True)
class Description:
    """What is sealed beside the rows: it holds values out of them. `pieces` says which columns are in each piece of the rows; what
    was sealed before there were several does not. What was sealed before models were granted data does not have what was `said`.
    """

    columns: tuple[Column, ...]
    profile: Profile
    pieces: tuple[tuple[str, ...], ...] = ()
    shard: Shard | None = None
    said: Said | None = None
    derived: Derived | None = None

    @property
    def origin(self) -> str:
        """What it is a shard or a de-identified copy of; "" where it is neither."""
        return self.shard.dataset if self.shard else self.derived.dataset if self.derived else ""


@dataclass(frozen=True, slots=True)
class Made:
    """A table that is to be a dataset, its description, and the book of its pseudonyms where it has any, in bytes."""

    table: SlicedTable
    described: Description
    book: bytes = field(default=b"", repr=False)


def describe_table(
    table: SlicedTable, *, name: str, declared: Declaration, positive: str, columns: tuple[Column, ...] = ()
) -> Description:
    """The description of a table that is to be the dataset `name`, with `columns` of a dataset that it is a part of, if it is one:
    what a part's values happen to look like does not change what they are.

    Raises:
        UnusableTableError, InvalidDeclarationError: the table cannot be learned from, or what is declared does not hold.
    """
    from modelward.datasets.log_profiling import check_log
    from modelward.datasets.profiling import describe_columns, find_identifiers, profile_table

    identifiers = find_identifiers(table)
    columns = columns or describe_columns(table, identifiers, persons=declared.user)
    declaration.check_table(table, columns, target=declared.target, task=declared.task)
    if declared.log:
        check_log(table, columns, log=declared.log, item=declared.target)
    profile = profile_table(
        table,
        columns,
        identifiers=identifiers,
        dataset=name,
        fingerprint=fingerprint(table),
        target=declared.target,
        positive=positive,
        task=declared.task,
        log=declared.log,
    )
    return Description(columns, profile)


def opened_description(sealed: bytes) -> Description:
    """The description in these bytes."""
    described = msgspec.json.decode(sealed, type=Description)
    # What was sealed before a favourable class could be stated follows the rule for those that nobody stated.
    taken = described.profile.positive or declaration.favourable_class(described.profile.classes)
    return replace(described, profile=replace(described.profile, positive=taken))


def sealable(table: Table, described: Description, *, name: str, book: bytes = b"") -> Iterator[tuple[str, bytes]]:
    """What is sealed of a table, with the label of each: its pieces, its book of pseudonyms, then what is said of them."""
    names = []
    for piece, (columns, data) in enumerate(pieces_of(table)):
        names.append(columns)
        yield rows_label(name, piece), data
    if book:
        yield pseudonyms_label(name), book
    yield description_label(name), msgspec.json.encode(replace(described, pieces=tuple(names)))


def rows_label(name: str, piece: int) -> str:
    """The label under which a piece of a dataset's rows is sealed."""
    return f"dataset {name} piece {piece + 1}" if piece else f"dataset {name}"


def description_label(name: str) -> str:
    """The label under which a dataset's description is sealed."""
    return f"dataset {name} description"


def pseudonyms_label(name: str) -> str:
    """The label under which the book of a dataset's pseudonyms is sealed."""
    return f"dataset {name} pseudonyms"


def is_label_of(label: str, name: str) -> bool:
    """Whether something of that dataset is sealed under `label`."""
    whole = rows_label(name, 0)
    return label in (whole, description_label(name), pseudonyms_label(name)) or label.startswith(f"{whole} piece ")
