# SPDX-License-Identifier: Apache-2.0
"""Versions and dossiers onto the shelf: seal, sign, then rows and ledger entry in one short transaction.

The number of a version is part of its labels and its manifest, so it is chosen before anything is sealed. If somebody else takes
it meanwhile, the transaction is left and everything is made again with the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from modelward.audit import Event, Ledger
from modelward.digest import sha256_hex
from modelward.registry import store
from modelward.registry.card import CARD_FILE, PUBLIC_KEY_FILE, model_card
from modelward.registry.contents import check_contents
from modelward.registry.draft import Draft, check_free
from modelward.registry.kinship import known_by
from modelward.registry.manifest import GRAPH_FILE, INTERFACE_FILE, MANIFEST_FILE, parse_manifest
from modelward.registry.paths import check_paths
from modelward.registry.shelf import Shelf
from modelward.registry.signing import SIGNATURE_FILE
from modelward.registry.version import Dossier, Version, VersionFile, dossier_label, version_label
from modelward.storage import Connection, Database, OvertakenError, until_written


class Writer:
    """Writes versions and dossiers: all of one, durable, signed and in the ledger, or nothing."""

    def __init__(self, database: Database, shelf: Shelf, ledger: Ledger) -> None:
        self._database = database
        self._shelf = shelf
        self._ledger = ledger

    def put_version(self, draft: Draft, *, event: Event, by: str) -> Version:
        """`draft` as the next version of its model, with its first dossier.

        Raises:
            OvertakenError: others were faster a hundred times.
        """
        return until_written(lambda: self._put_version(draft, event=event, by=by))

    def put_dossier(
        self, version: Version, files: Mapping[str, bytes], *, event: Event, facts: Mapping[str, Any], by: str
    ) -> Dossier:
        """The next dossier of `version`: its files, and `files` beside them.

        Raises:
            ModelFileImmutableError: one of `files` is a file of the version. InvalidError: one may not be in a dossier.
            OvertakenError: others were faster a hundred times.
        """
        own = tuple(file.path for file in version.files)
        for path in files:
            check_free(path, taken=(*own, PUBLIC_KEY_FILE, SIGNATURE_FILE), of=version.name)
        check_paths([*own, *files])
        check_contents(files)
        return until_written(lambda: self._put_dossier(version, files, event=event, facts=facts, by=by))

    def _put_version(self, draft: Draft, *, event: Event, by: str) -> Version:
        with self._database.look() as connection:
            number = store.last_number(connection, draft.model) + 1
        name = f"{draft.model}:{number}"
        raw = draft.manifest(number=number, by=by).to_json()
        # Read back, so that the version handed out now equals the one that is found later.
        manifest, interface = parse_manifest(raw), draft.files[INTERFACE_FILE]
        beside, known = (
            self._beside(model_card(manifest.version(interface=interface, sealed={}))),
            known_by(draft.files.get(GRAPH_FILE)),
        )

        def label(path: str) -> str:
            return dossier_label(name, 1, path) if path in beside else version_label(name, path)

        with self._shelf.sealing({**draft.files, MANIFEST_FILE: raw, **beside}, label=label) as (connection, files):
            own = tuple(file for file in files if file.path not in beside)
            attached = tuple(file for file in files if file.path in beside)
            version = manifest.version(interface=interface, sealed={file.path: file.sealed for file in own})
            dossier = self._signed(version, attached, sequence=1, event=event, by=by)
            _check_still_next(store.last_number(connection, draft.model), number, of=draft.model)
            store.add_version(connection, store.VersionRow(draft.model, number, version.digest, raw.decode()), files=own)
            store.add_graph(connection, draft.model, number, graph=known.graph, weights=known.weights)
            self._add(connection, version, dossier, attached=attached, event=event, facts={"run": version.lineage.run})
        return version

    def _put_dossier(
        self, version: Version, files: Mapping[str, bytes], *, event: Event, facts: Mapping[str, Any], by: str
    ) -> Dossier:
        with self._database.look() as connection:
            sequence = store.last_sequence(connection, version.model, version.number) + 1
        beside = {**self._beside(model_card(version, report={})), **files}
        with self._shelf.sealing(beside, label=partial(dossier_label, version.name, sequence)) as (connection, attached):
            dossier = self._signed(version, attached, sequence=sequence, event=event, by=by)
            _check_still_next(store.last_sequence(connection, version.model, version.number), sequence, of=version.name)
            self._add(connection, version, dossier, attached=attached, event=event, facts=facts)
        return dossier

    def _beside(self, card: str) -> dict[str, bytes]:
        return {CARD_FILE: card.encode(), PUBLIC_KEY_FILE: self._shelf.signer.public_key}

    def _signed(self, version: Version, attached: tuple[VersionFile, ...], *, sequence: int, event: Event, by: str) -> Dossier:
        files = tuple(sorted((*version.files, *attached), key=lambda file: file.path))
        return Dossier(
            model=version.model,
            number=version.number,
            sequence=sequence,
            files=files,
            signature=self._shelf.signer.sign(version.name, digests={file.path: file.digest for file in files}),
            event=event.name,
            created=version.created if sequence == 1 else datetime.now(UTC),
            by=by,
        )

    def _add(
        self,
        connection: Connection,
        version: Version,
        dossier: Dossier,
        *,
        attached: tuple[VersionFile, ...],
        event: Event,
        facts: Mapping[str, Any],
    ) -> None:
        store.add_dossier(connection, dossier, attached=attached)
        # The digest of the signature in the ledger: a dossier that is taken away, or swapped for an older one, is missed.
        bound = {"digest": version.digest, "dossier": dossier.sequence, "signature": sha256_hex(dossier.signature.encode())}
        self._ledger.record(connection, event, actor=dossier.by, subject=version.name, facts={**facts, **bound})


def _check_still_next(last: int, chosen: int, *, of: str) -> None:
    if last != chosen - 1:
        raise OvertakenError(f"Others kept writing to {of!r} at the same time. Nothing was written. Try again.")
