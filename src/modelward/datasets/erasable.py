# SPDX-License-Identifier: Apache-2.0
"""What an erasure takes out: of a dataset, and of every shard that was divided off it; and what is left. Nothing is done yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from modelward.datasets import store
from modelward.datasets.dataset import LEAST_ROWS, Column
from modelward.datasets.description import Description, describe_table
from modelward.datasets.erasure import ErasedPart, NotErasableError, Seen
from modelward.datasets.grant_book import GrantBook
from modelward.datasets.layout import quoted
from modelward.datasets.row_filter import RowFilter
from modelward.datasets.sharding import is_called_shard
from modelward.datasets.shelf import Shelf
from modelward.datasets.table import Table
from modelward.datasets.tracing import Records, records_of
from modelward.datasets.view import GrantedTable, column_as_seen
from modelward.errors import InvalidError, ModelwardError
from modelward.storage import Database

if TYPE_CHECKING:
    import polars as pl

Witness: TypeAlias = Callable[[Mapping[str, Callable[[str], Records]]], Mapping[str, Sequence[Seen]]]
"""Who knows what versions saw, asked while the rows are still there: given for each dataset which of its rows go, as `records_of`
says it, tells for each what is known."""


def nobody(_records: Mapping[str, Callable[[str], Records]]) -> Mapping[str, Sequence[Seen]]:
    """A witness who knows of no version."""
    return {}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One dataset that loses rows, or learns that what it is a shard of did."""

    found: store.Registration
    described: Description
    table: Table
    gone: pl.Series
    parent: str

    @property
    def count(self) -> int:
        """How many rows are taken out."""
        return int(self.gone.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """What is left of one, as it is registered."""

    part: Part
    table: GrantedTable
    described: Description


class Erasable:
    """Finds the rows that a filter means, wherever they lie."""

    def __init__(self, database: Database, shelf: Shelf, book: GrantBook) -> None:
        self._database = database
        self._shelf = shelf
        self._book = book

    def check_whole(self, found: store.Registration) -> None:
        """Nothing, where no other dataset is known that this one's rows were taken from.

        Raises:
            NotErasableError: there is one.
        """
        described = self._shelf.description(found)
        if copied := described.derived:
            raise NotErasableError(
                f"{found.name!r} is a de-identified copy of {copied.dataset!r}. Shred it (`modelward data shred "
                f"{found.name} --reason TEXT`), erase the rows in {copied.dataset!r}, and make a copy of what is left: "
                "`modelward data deidentify`."
            )
        shard = described.shard
        if shard is None:
            return
        with self._database.look() as connection:
            parent = store.find(connection, shard.dataset)
        if parent is not None and parent.shredded is None and parent.fingerprint == shard.fingerprint:
            raise NotErasableError(
                f"{found.name!r} is a shard of {parent.name!r}, which has these rows, too. Erase them there, and they are gone "
                f"from every shard: `modelward data erase {parent.name} --rows FILTER --reason TEXT`."
            )

    def parts(self, found: store.Registration, asked: RowFilter, others: Sequence[store.Registration]) -> Iterator[Part]:
        """The dataset, and below it every one of the `others` whose description speaks of what changes, or which has such rows.

        Raises:
            InvalidFilterError: the filter does not fit. NotErasableError: one that is called like a shard of it cannot be read.
        """
        top = self._part(found, self._shelf.description(found), asked, parent="")
        yield top
        line = [top] if top.count else []
        while line:
            above = line.pop(0)
            for each in others:
                if each.shredded is not None or not is_called_shard(each.name, above.found.name):
                    continue
                description = self._described(each)
                shard = description.shard
                if shard and (shard.dataset, shard.fingerprint) == (above.found.name, above.found.fingerprint):
                    part = self._part(each, description, asked, parent=above.found.name)
                    yield part
                    # One that loses no row learns of other columns all the same, and so do those that were divided off it.
                    line.append(part)

    def check_no_copies(self, parts: Sequence[Part], copied: Callable[[str], Sequence[str]]) -> None:
        """Nothing, where no de-identified copy has the rows that go. `copied` tells of a dataset which copies the ledger names.

        Raises:
            NotErasableError: one has, or had rows that went before.
        """
        names = [part.found.name for part in parts if part.count]
        with self._database.look() as connection:
            there = {*store.copies(connection, names)}
            for each in {copy for name in names for copy in copied(name)}:
                found = store.find(connection, each)
                there |= {each} if found and not found.shredded else set()
        if there:
            raise NotErasableError(copied_still(sorted(there)))

    def told(self, parts: Sequence[Part], witness: Witness) -> tuple[ErasedPart, ...]:
        """What is known of each of the parts before anything is done."""
        records = {
            part.found.name: records_of(
                self._shelf.opened(part.found), part.table, part.described.profile, part.gone, held=self._book.held
            )
            for part in parts
            if part.count
        }
        seen = witness(records)
        return tuple(
            ErasedPart(
                dataset=part.found.name,
                before=part.found.rows,
                gone=part.count,
                kept_out=self._kept_out(part, parts) if part.count else (),
                seen=tuple(seen.get(part.found.name, ())),
            )
            for part in parts
        )

    def _described(self, each: store.Registration) -> Description:
        try:
            return self._shelf.description(each)
        except ModelwardError as unreadable:
            raise NotErasableError(
                f"Nothing is erased: {each.name!r} may be a shard with such rows, and cannot be read. Restore it from a backup, or "
                f"shred it (`modelward data shred {each.name} --reason TEXT`), and erase again."
            ) from unreadable

    def _part(self, found: store.Registration, described: Description, asked: RowFilter, *, parent: str) -> Part:
        table = self._shelf.rows(found)
        asked.check(described.columns)
        return Part(found, described, table, asked.kept(table, described.columns), parent)

    def _kept_out(self, part: Part, parts: Sequence[Part]) -> tuple[str, ...]:
        """The grants, of the dataset or of what it is a shard of, whose filters had left every one of its rows out that go."""
        above = {each.found.name: each.parent for each in parts}
        names, name = [], part.found.name
        while name:
            names.append(name)
            name = above.get(name, "")
        with self._database.look() as connection:
            grants = [each for name in names for each in self._book.rows(connection, dataset=name) if each.rows]
        clear = []
        for grant in grants:
            with suppress(InvalidError):
                kept = RowFilter.parse(grant.rows).kept(part.table, part.described.columns)
                if not (kept & part.gone).any():
                    clear.append(grant.id)
        return tuple(sorted(clear))


def copied_still(names: Sequence[str]) -> str:
    """Why nothing is erased of what was copied."""
    return (
        f"Nothing is erased: {quoted(names)} {'is a de-identified copy' if len(names) == 1 else 'are de-identified copies'} with "
        f"such rows. Shred what was copied (`modelward data shred {names[0]} --reason TEXT`), erase again, and make the copy anew."
    )


def rests_of(parts: Sequence[Part]) -> Iterator[Rest]:
    """What is left of each, in their order: the fingerprint of a dataset is known before its shards speak of it.

    Raises:
        NotErasableError: one is no dataset any more.
    """
    fingerprints: dict[str, str] = {}
    top = parts[0]
    left = GrantedTable(top.table, top.described.columns, ~top.gone)
    # What is told of a column is told of the rows that are left: a value that nobody else has must not stay in it. The columns of a
    # shard are those of the whole.
    columns = tuple(column_as_seen(column, left.get_column(column.name)) for column in top.described.columns)
    for part in parts:
        _check_enough(part)
        rest = _rest(part, columns, fingerprints)
        fingerprints[part.found.name] = rest.described.profile.fingerprint
        yield rest


def _rest(part: Part, columns: tuple[Column, ...], fingerprints: Mapping[str, str]) -> Rest:
    found, described = part.found, part.described
    table = GrantedTable(part.table, columns, ~part.gone)
    try:
        anew = describe_table(table, name=found.name, declared=found.declared, positive=described.profile.positive, columns=columns)
    except InvalidError as refused:
        raise NotErasableError(
            f"What is left of {found.name!r} is no dataset to learn from: {refused} Shred all of it: `modelward data shred "
            f"{found.name} --reason TEXT`."
        ) from refused
    shard = described.shard and replace(described.shard, fingerprint=fingerprints.get(part.parent, described.shard.fingerprint))
    return Rest(part, table, replace(anew, said=described.said, shard=shard))


def _check_enough(part: Part) -> None:
    if (left := part.found.rows - part.count) < LEAST_ROWS:
        raise NotErasableError(
            f"{left} rows of {part.found.name!r} would be left, and at least {LEAST_ROWS} are needed. Shred all of it: `modelward "
            f"data shred {part.found.name} --reason TEXT`."
        )
