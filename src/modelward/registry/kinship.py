# SPDX-License-Identifier: Apache-2.0
"""What a version was before it left the house: one that comes back under another origin is known by its graph."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from modelward.digest import sha256_hex
from modelward.errors import InvalidError
from modelward.registry import store
from modelward.registry.manifest import GRAPH_FILE
from modelward.registry.shelf import Rows, Shelf, find_rows, tampered
from modelward.registry.version import TamperedVersionError, Version, version_label
from modelward.registry.weights import weights_digest
from modelward.storage import Database

_AT_ONCE = 100


class KnownBy(NamedTuple):
    """What a graph is known by: SHA-256 of its bytes, and of what it learned; "" where there is none."""

    graph: str
    weights: str


def known_by(graph: bytes | None) -> KnownBy:
    """What the graph in those bytes is known by."""
    if graph is None:
        return KnownBy("", "")
    weights = ""
    with suppress(InvalidError):
        weights = weights_digest(graph)
    return KnownBy(sha256_hex(graph), weights)


class Kinship:
    """Finds versions of one graph."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf

    def origins(self, version: Version) -> tuple[Version, ...]:
        """The versions whose origin is that of `version`: itself, unless it was imported. Of one that was, those made here of the
        same graph, or of the same numbers; else itself, and those that were imported as it was.

        Raises:
            TamperedVersionError: rows of one of them are not what was signed.
        """
        graph = next((file.digest for file in version.files if file.path == GRAPH_FILE), "")
        if not version.is_imported or not graph:
            return (version,)
        self._write_lacking()
        with self._database.look() as connection:
            names = store.of_graph(connection, version.model, version.number, graph=graph)
            rows = [find_rows(connection, *name) for name in names if name != (version.model, version.number)]
        kin = tuple(self._shelf.trusted(each)[0] for each in rows if each)
        return tuple(each for each in kin if not each.is_imported) or (version, *kin)

    def _write_lacking(self) -> None:
        """Read the graphs of versions that an older Modelward registered, once."""
        with self._database.look() as connection:
            lacking = store.without_graph(connection)
        for start in range(0, len(lacking), _AT_ONCE):
            with self._database.look() as connection:
                rows = [each for name in lacking[start : start + _AT_ONCE] if (each := find_rows(connection, *name))]
            found = []
            for each in rows:
                # What is damaged is not opened either.
                with suppress(TamperedVersionError):
                    found.append((each.version, self._read(each)))
            if found:
                with self._database.same_change() as connection:
                    for row, known in found:
                        store.add_graph(connection, row.model, row.number, graph=known.graph, weights=known.weights)

    def _read(self, rows: Rows) -> KnownBy:
        """What the graph is known by that the newest signature of a version speaks of."""
        name, signed = f"{rows.version.model}:{rows.version.number}", self._shelf.signed_digests(rows)
        graph = next((file for file in rows.own if file.path == GRAPH_FILE), None)
        if graph is None:
            return known_by(None)
        if graph.digest != signed.get(GRAPH_FILE):
            raise tampered(name, f"the rows of the file {GRAPH_FILE!r} are not what was signed")
        return known_by(self._shelf.unseal(graph, name=name, label=version_label(name, GRAPH_FILE)))
