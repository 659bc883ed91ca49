# SPDX-License-Identifier: Apache-2.0
"""What a version was before it left the house: one that comes back under another origin is known by its graph."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from modelward.digest import sha256_hex
from modelward.errors import InvalidError
from modelward.registry import store
from modelward.registry.manifest import GRAPH_FILE
from modelward.registry.shelf import Shelf, find_rows
from modelward.registry.version import TamperedVersionError, Version, version_label
from modelward.registry.weights import weights_digest
from modelward.storage import Database


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
            lacking = [each for name in store.without_graph(connection) if (each := find_rows(connection, *name))]
        for rows in lacking:
            # What is damaged is not opened either.
            with suppress(TamperedVersionError):
                version, _ = self._shelf.trusted(rows)
                known = self._read(version)
                with self._database.same_change() as connection:
                    store.add_graph(connection, version.model, version.number, graph=known.graph, weights=known.weights)

    def _read(self, version: Version) -> KnownBy:
        graph = next((file for file in version.files if file.path == GRAPH_FILE), None)
        if graph is None:
            return known_by(None)
        return known_by(self._shelf.unseal(graph, name=version.name, label=version_label(version.name, GRAPH_FILE)))
