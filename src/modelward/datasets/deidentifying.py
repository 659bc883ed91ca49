# SPDX-License-Identifier: Apache-2.0
"""The verbs that hide who is in a dataset, and that tell who stands behind a pseudonym, on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from modelward.access import Actor, Permission, check_name
from modelward.audit import Ledger, checked_reason
from modelward.datasets import declaration, store
from modelward.datasets.agreement import Agreement
from modelward.datasets.dataset import Column, ColumnKind, Dataset, DatasetExistsError
from modelward.datasets.declaration import Declaration
from modelward.datasets.derived import (
    DATASET_DEIDENTIFIED,
    DATASET_REIDENTIFIED,
    PSEUDONYMS_FORGOTTEN,
    Anonymity,
    Deidentification,
    Derived,
    Forgotten,
    HiddenColumn,
    Hiding,
    InvalidHidingError,
    NoPseudonymsError,
    Reidentified,
)
from modelward.datasets.description import Description, Made, describe_table, pseudonyms_label
from modelward.datasets.layout import quoted
from modelward.datasets.owners import Owners
from modelward.datasets.shelf import Shelf
from modelward.datasets.table import KeptTable, Table
from modelward.digest import keyed_digest, sha256_hex
from modelward.images import at_most
from modelward.privacy import Book, restore
from modelward.settings import Settings
from modelward.storage import Connection, Database, Keyring, Scratch, Vault, until_written

TEXTS_LIMIT, TEXT_LIMIT_CHARACTERS = 1000, 100_000
_TOO_MANY_PIXELS = "The images have more than {limit:,} pixels together. Leave their column out with `--drop`."


class Registering(Protocol):
    """Puts tables on the shelf by their names, `then` writes down what else is to be known in the same change."""

    def __call__(
        self, made: Mapping[str, Made], *, declared: Declaration, by: Actor, then: Callable[[Connection], object] = ...
    ) -> tuple[Dataset, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Copy:
    """A table whose columns are hidden, and what is told of each."""

    table: KeptTable
    told: tuple[HiddenColumn, ...]
    persons: frozenset[str]
    anonymity: Anonymity | None


class Deidentifying:
    """Makes de-identified copies of datasets, and keeps the books of their pseudonyms sealed beside them."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        ledger: Ledger,
        shelf: Shelf,
        keyring: Keyring,
        agreement: Agreement,
        owners: Owners,
        register: Registering,
        settings: Settings,
    ) -> None:
        self._database = database
        self._vault = vault
        self._ledger = ledger
        self._shelf = shelf
        self._digest_key = keyring.secret("digests")
        self._agreement = agreement
        self._owners = owners
        self._register = register
        self._settings = settings

    def deidentify(self, name: str, copy: str, hiding: Hiding, *, is_trial: bool = False, by: Actor) -> Deidentification:
        """Hide what names persons in the dataset called `name`, and register what is left as the dataset `copy`: declared as it is,
        theirs who registered the first, and under its terms. What was granted of it is not granted of the copy. One that
        `is_trial` says what would be found and hidden, in counts, and changes nothing.

        Raises:
            NotPermittedError: the actor may not read the one or register the other. DatasetMissingError: there is none.
            TermsNotAcceptedError: its terms are to be accepted first. DatasetExistsError: the copy's name is taken.
            InvalidHidingError, UnknownPluginError, InvalidOperatorError: a column or an operator is named that there is not.
            UnusableTableError, InvalidDeclarationError: what is left is no table to learn from.
            BookFullError: there are not as many pseudonyms. ErasedMeanwhileError: somebody changed the dataset just now.
        """
        by.require(Permission.DATA_READ, dataset=name)
        by.require(Permission.DATA_WRITE, dataset=check_name("dataset", copy))
        found = self._shelf.find(name)
        self._agreement.require(found, by=by)
        with self._database.look() as connection:
            if store.find(connection, copy):
                raise _taken(copy)
        limits, whole = self._settings, self._shelf.description(found)
        book = Book()
        with Scratch(limits.home) as scratch, self._bounded_images():
            made = _hidden(self._shelf.rows(found), whole.columns, hiding, book, scratch=scratch, user=found.declared.user)
            declared = _declared(found.declared, hiding)
            derived = Derived(
                dataset=name,
                fingerprint=found.fingerprint,
                columns=made.told,
                dropped=hiding.drop,
                pseudonyms=len(book),
                anonymity=made.anonymity,
            )
            described = replace(_described(made, copy, declared, whole), derived=derived)
            told = Deidentification(dataset=copy, fingerprint="", rows=made.table.height, derived=derived)
            if is_trial:
                return told
            wanted = Made(made.table, described, book.sealable() if len(book) else b"")
            until_written(
                lambda: self._register({copy: wanted}, declared=declared, by=by, then=self._record(found, derived, copy, by))
            )
        return replace(told, fingerprint=described.profile.fingerprint)

    def reidentify(self, name: str, texts: Sequence[str], *, reason: str, by: Actor) -> Reidentified:
        """The texts, such as one pseudonym each, with what the pseudonyms of the dataset called `name` stand for in their place,
        once it is on record who was told, how many, and why. What is no pseudonym of it stays as it is.

        Raises:
            NotPermittedError: the actor lacks data:reidentify. DatasetMissingError: there is none. DatasetShreddedError: it was
            shredded, and its pseudonyms stand for nobody any more. NoPseudonymsError: it has none.
            TermsNotAcceptedError: its terms are to be accepted first. ReasonError: there is no reason.
            InvalidHidingError: there is no text, or too many, or a long one.
            SealBrokenError, DataKeyMissingError, DataKeyDestroyedError, BookUnreadableError: what opens the pseudonyms is gone.
        """
        by.require(Permission.DATA_READ, dataset=name)
        by.require(Permission.DATA_REIDENTIFY, dataset=name)
        found = self._shelf.genuine(name)
        self._agreement.require(found, by=by)
        reason = checked_reason(reason)
        if not 1 <= len(texts) <= TEXTS_LIMIT or any(len(text) > TEXT_LIMIT_CHARACTERS for text in texts):
            raise InvalidHidingError(
                f"There are {len(texts):,} texts; 1 to {TEXTS_LIMIT:,} are looked up at once, each of at most "
                f"{TEXT_LIMIT_CHARACTERS:,} characters."
            )
        if not found.pseudonyms:
            raise _no_pseudonyms(name)
        book = Book.opened(self._vault.read(found.pseudonyms, label=pseudonyms_label(name)))
        restored = [restore(text, book) for text in texts]
        counts: dict[str, int] = {}
        for each in restored:
            for kind, count in each.counts.items():
                counts[kind] = counts.get(kind, 0) + count
        asked = keyed_digest(self._digest_key, "\0".join([f"reidentify:{name}", *texts]).encode("utf-8", "surrogatepass"))
        facts = {"texts": len(texts), "told": sum(counts.values()), "digest": asked, "reason": reason}
        with self._database.change() as connection:
            self._shelf.must_be_as_read(connection, found)
            self._ledger.record(connection, DATASET_REIDENTIFIED, actor=by.id, subject=name, facts=facts)
        return Reidentified(dataset=name, texts=tuple(each.text for each in restored), counts=dict(sorted(counts.items())))

    def forget(self, name: str, *, reason: str, by: Actor) -> Forgotten:
        """Destroy the book of the pseudonyms of the dataset called `name`: its rows stay, and nobody can tell again what their
        pseudonyms stand for. What somebody cut off is finished by calling it again.

        Raises:
            NotPermittedError: the actor neither holds data:shred nor is it theirs. DatasetMissingError: there is none.
            NoPseudonymsError: it has none, or they were forgotten. ReasonError: there is no reason.
            ErasedMeanwhileError: somebody changed the dataset just now.
            DatabaseBusyError: it is done, and what was deleted could not be overwritten yet.
        """
        by.require(Permission.DATA_READ, dataset=name)
        found = self._shelf.find(name)
        if by.may(Permission.DATA_SHRED, dataset=name) or not self._owners.is_owner(by, found):
            by.require(Permission.DATA_SHRED, dataset=name)
        reason = checked_reason(reason)
        if not found.pseudonyms or found.shredded:
            self._vault.clear(None)
            raise _no_pseudonyms(name)
        book = {found.pseudonyms: pseudonyms_label(name)}
        keys = tuple(sha256_hex((key.id or key.object[:32]).encode()) for key in self._vault.keys_of(book))
        done = Forgotten(dataset=name, forgotten=datetime.now(UTC), by=by.id, reason=reason, keys=keys)
        with self._database.change() as connection:
            self._shelf.must_be_as_read(connection, found)
            traces = self._vault.shred(connection, book)
            store.forget_pseudonyms(connection, name)
            facts = {"fingerprint": found.fingerprint, "reason": reason, "keys": [*keys]}
            self._ledger.record(connection, PSEUDONYMS_FORGOTTEN, actor=by.id, subject=name, facts=facts)
        self._vault.clear(traces)
        self._vault.discard(found.pseudonyms)
        return done

    def may_forget(self, name: str, *, by: Actor) -> bool:
        """Whether the actor may have the pseudonyms of that dataset forgotten, and it has any."""
        found = self._shelf.find(name)
        has_any = bool(found.pseudonyms) and found.shredded is None
        return has_any and (by.may(Permission.DATA_SHRED, dataset=name) or self._owners.is_owner(by, found))

    def may_reidentify(self, name: str, *, by: Actor) -> bool:
        """Whether the actor may be told what the pseudonyms of that dataset stand for, and it has any."""
        has_any = bool(self._shelf.find(name).pseudonyms)
        return has_any and by.may(Permission.DATA_REIDENTIFY, dataset=name) and by.may(Permission.DATA_READ, dataset=name)

    def _bounded_images(self) -> AbstractContextManager[None]:
        limits = self._settings
        return at_most(limits.dataset_pixels_limit, each=limits.image_pixels_limit, refusal=_TOO_MANY_PIXELS)

    def _record(self, found: store.Registration, derived: Derived, copy: str, by: Actor) -> Callable[[Connection], None]:
        facts: dict[str, object] = {
            "copy": copy,
            "fingerprint": found.fingerprint,
            "columns": {each.column: each.operator for each in derived.columns if each.cells},
            "dropped": [*derived.dropped],
            "hidden": sum(sum(each.hidden.values()) for each in derived.columns),
            "pseudonyms": derived.pseudonyms,
        }
        if made := derived.anonymity:
            facts |= {"k": made.k, "quasi": [*made.quasi], "smallest": made.smallest, "sensitive": made.sensitive}

        def record(connection: Connection) -> None:
            self._shelf.must_be_as_read(connection, found)
            self._ledger.record(connection, DATASET_DEIDENTIFIED, actor=by.id, subject=found.name, facts=facts)

        return record


def _hidden(table: Table, columns: Sequence[Column], hiding: Hiding, book: Book, *, scratch: Scratch, user: str) -> _Copy:
    from modelward.datasets.anonymity import check_anonymising, measure, widen
    from modelward.datasets.hidden_columns import hide_column, ways_of, widened_column

    asked = hiding.anonymous
    if asked:
        check_anonymising(asked, table.columns, [*hiding.columns, *hiding.drop])
    ways = ways_of(table, columns, hiding, persons=user)
    if not ways:
        raise InvalidHidingError("Every column is left out. Keep some: a dataset has columns.")
    made, told, persons = KeptTable(scratch), [], set()
    widened = widen(table, asked) if asked else None
    for name, way in ways.items():
        if widened and (alike := widened.columns.get(name)) is not None:
            made.add(alike)
            told.append(widened_column(table.get_column(name), alike))
            continue
        hidden = hide_column(table.get_column(name), way, book, table.get_column)
        made.add(hidden.values)
        told.append(hidden.told)
        persons |= {name} if hidden.names_persons else set()
    anonymity = measure(table, made, asked, lost=widened.lost) if asked and widened else None
    return _Copy(made, tuple(told), frozenset(persons), anonymity)


def _declared(declared: Declaration, hiding: Hiding) -> Declaration:
    """What is declared of the copy: the same, but for sensitive columns that are left out."""
    needed = [name for name in (declared.target, declared.user, declared.time) if name in hiding.drop]
    if needed:
        raise InvalidHidingError(f"The task of the data needs column {quoted(needed)}, so it cannot be left out.")
    return replace(declared, sensitive=tuple(name for name in declared.sensitive if name not in hiding.drop))


def _described(made: _Copy, copy: str, declared: Declaration, whole: Description) -> Description:
    from modelward.datasets.profiling import describe_columns, find_identifiers

    table = made.table
    declaration.check_names(declared, table.columns)
    recognised = describe_columns(table, find_identifiers(table), persons=declared.user)
    columns = tuple(
        Column(name=each.name, kind=ColumnKind.TEXT, nullable=each.nullable)
        if each.name in made.persons and each.name != declared.target
        else each
        for each in recognised
    )
    changed = {each.column for each in made.told if each.cells}
    positive = "" if declared.target in changed else whole.profile.positive
    return describe_table(table, name=copy, declared=declared, positive=positive, columns=columns)


def _no_pseudonyms(name: str) -> NoPseudonymsError:
    return NoPseudonymsError(
        f"Dataset {name!r} has no pseudonyms that could be turned back, so nothing tells who is in it. See `modelward data show "
        f"{name}`."
    )


def _taken(copy: str) -> DatasetExistsError:
    return DatasetExistsError(f"The name {copy!r} is taken: there is such a dataset. A dataset never changes; choose another name.")
