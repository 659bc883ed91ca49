# SPDX-License-Identifier: Apache-2.0
"""The verbs of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from modelward.access import Actor, Agreeing, Permission, check_name
from modelward.audit import Event, Ledger
from modelward.registry import store
from modelward.registry.draft import make_draft
from modelward.registry.importing import read_import
from modelward.registry.interface import Interface
from modelward.registry.kinship import Kinship
from modelward.registry.manifest import GRAPH_FILE, InvalidManifestError, Manifest, parse_manifest
from modelward.registry.opened import OpenVersion
from modelward.registry.shelf import Shelf, find_rows, label_in, tampered
from modelward.registry.signing import SIGNATURE_FILE, Signer
from modelward.registry.verifying import verify_version
from modelward.registry.version import (
    VERSION_EXPORTED,
    VERSION_IMPORTED,
    VERSION_REGISTERED,
    Dossier,
    DossierMissingError,
    Lineage,
    ModelMissingError,
    ModelSummary,
    Verification,
    Version,
    VersionMissingError,
    parse_version_name,
)
from modelward.registry.writing import Writer
from modelward.storage import Connection, Database, Keyring, Vault, check_free, whole_folder

_SHOWN = 20


class Registry:
    """The signed shelf of models. A version is immutable; what is found out later is added to it in a new signed dossier."""

    def __init__(self, database: Database, vault: Vault, ledger: Ledger, keyring: Keyring) -> None:
        self._database = database
        self._ledger = ledger
        self._shelf = Shelf(database, vault, Signer(keyring.secret("signer")))
        self._writer = Writer(database, self._shelf, ledger)
        self._terms = Agreeing(database, ledger, keyring)
        self._kinship = Kinship(database, self._shelf)

    @property
    def public_key(self) -> bytes:
        """The key (PEM) that verifies every signature of this registry."""
        return self._shelf.signer.public_key

    def register(
        self,
        model: str,
        files: Mapping[str, bytes],
        *,
        lineage: Lineage,
        interface: Interface,
        purpose: str,
        owner: str,
        facts: Mapping[str, Any],
        by: Actor,
    ) -> Version:
        """Put `files` on the shelf as the next version of `model`, sealed and signed, with a card that says it is not assessed.

        The registry adds `interface.json`, `manifest.json`, `README.md` and `public-key.pem`.

        Raises:
            NotPermittedError: the actor has neither training:run nor models:import for this model.
            InvalidError: a name, a path, a file, the graph or a text cannot be in a version; the message says why.
            NoSpaceError, DatabaseBusyError: it could not be written. Nothing of it is visible.
        """
        if not by.may(Permission.TRAINING_RUN, model=model):
            by.require(Permission.MODELS_IMPORT, model=model)
        draft = make_draft(model, files, lineage=lineage, interface=interface, purpose=purpose, owner=owner, facts=facts)
        return self._writer.put_version(draft, event=VERSION_REGISTERED, by=by.id)

    def import_folder(
        self, path: Path, name: str, *, by: Actor, purpose: str = "", owner: str = "", public_key: bytes | None = None
    ) -> Version:
        """Put a version made elsewhere on the shelf as the next one of model `name`: a folder with one ONNX graph, or the graph.

        With `public_key` (PEM) the folder must carry a signature that this key made over exactly its files; only then is the
        origin it tells believed. Papers that came along are kept under `imported/`.

        Raises:
            NotPermittedError: the actor lacks models:import. InvalidError: a file may not be in a version, above all a pickle.
            SignatureInvalidError: the signature asked for is missing or does not hold.
        """
        by.require(Permission.MODELS_IMPORT, model=check_name("model", name))
        found = read_import(Path(path), public_key=public_key)
        draft = make_draft(
            name,
            found.files,
            lineage=found.lineage,
            interface=found.interface,
            purpose=purpose or found.purpose or "not stated at import",
            owner=owner or found.owner or by.name,
            facts=found.facts,
        )
        return self._writer.put_version(draft, event=VERSION_IMPORTED, by=by.id)

    def attach(self, version: Version, files: Mapping[str, bytes], *, event: Event, facts: Mapping[str, Any], by: Actor) -> Dossier:
        """Sign a new dossier: the files of `version`, and `files` beside them. Earlier dossiers stay readable.

        A `README.md` among `files` becomes the card; without one the card is written again. `facts` go to the ledger.

        Raises:
            NotPermittedError: the actor lacks models:assess for this model.
            ModelFileImmutableError: one of `files` would replace a file of the version. InvalidError: one may not be in a dossier.
        """
        by.require(Permission.MODELS_ASSESS, model=version.model)
        current, _ = self._current(version)
        return self._writer.put_dossier(current, files, event=event, facts=facts, by=by.id)

    def models(self, *, by: Actor) -> list[ModelSummary]:
        """Every model the actor may see, by name."""
        by.require(Permission.MODELS_READ)
        with self._database.look() as connection:
            rows = store.version_rows(connection)
        found: dict[str, list[store.VersionRow]] = {}
        for row in rows:
            if by.may(Permission.MODELS_READ, model=row.model):
                found.setdefault(row.model, []).append(row)
        return [_summary(model, versions) for model, versions in found.items()]

    def versions(self, model: str, *, by: Actor) -> list[Version]:
        """Every version of `model`, oldest first, each compared with its signature.

        Raises:
            ModelMissingError: there is no such model. TamperedVersionError: rows of a version are not what was signed.
        """
        by.require(Permission.MODELS_READ, model=check_name("model", model))
        with self._database.look() as connection:
            numbers = self._numbers(connection, model, by=by)
            return [self._trusted(connection, model, number)[0] for number in numbers]

    def numbers(self, model: str, *, by: Actor) -> list[int]:
        """The numbers of the versions of `model`, oldest first; nothing is opened or compared.

        Raises:
            ModelMissingError: there is no such model.
        """
        by.require(Permission.MODELS_READ, model=model)
        with self._database.look() as connection:
            return self._numbers(connection, model, by=by)

    def find(self, name: str, *, by: Actor) -> Version:
        """The version called `name`, such as `income:3`, compared with its signature.

        Raises:
            VersionNumberMissingError: a model was named, not a version. ModelMissingError, VersionMissingError: there is none;
                the message lists what there is. TamperedVersionError: its rows are not what was signed.
        """
        model, number = parse_version_name(name)
        by.require(Permission.MODELS_READ, model=model)
        with self._database.look() as connection:
            numbers = self._numbers(connection, model, by=by)
            if number not in numbers:
                shown = ", ".join(f"{model}:{known}" for known in numbers[-_SHOWN:])
                raise VersionMissingError(f"Model {model!r} has no version {number}. There are: {shown}.")
            return self._trusted(connection, model, number)[0]

    def origins(self, version: Version) -> tuple[Version, ...]:
        """The versions whose lineage and facts say what `version` was made from: itself, unless it was imported; then those that
        were made here of the same graph, for what left the house and came back says of itself what others wanted.

        Raises:
            TamperedVersionError: rows of one of them are not what was signed.
        """
        return self._kinship.origins(version)

    def open(self, version: Version) -> OpenVersion:
        """Load the graph of `version` for prediction, after comparing its latest signature, its rows and every one of its files.

        Raises:
            TamperedVersionError: a file, a row or the signature is not what was signed; the message names it.
            DossierMissingError: it has no graph.
        """
        current, dossier = self._current(version)
        graph = None
        for file in current.files:
            data = self._unseal(current, dossier, file.path)
            graph = data if file.path == GRAPH_FILE else graph
        if graph is None:
            raise DossierMissingError(f"{version.name} holds no {GRAPH_FILE}; it cannot answer by itself.")
        return OpenVersion(current, graph)

    def read(self, version: Version, path: str, *, sequence: int | None = None) -> bytes:
        """One file of the latest dossier of `version`, or of the one numbered `sequence`, compared with the signature.

        Raises:
            DossierMissingError: there is no such dossier or file. TamperedVersionError: it is not what was signed.
        """
        return self._unseal(*self._current(version, sequence=sequence), path)

    def dossier(self, version: Version, *, sequence: int | None = None) -> Dossier:
        """The latest dossier of `version`, or the one numbered `sequence`, compared with its signature.

        Raises:
            DossierMissingError: there is none of that number. TamperedVersionError: its rows are not what was signed.
        """
        return self._current(version, sequence=sequence)[1]

    def verify(self, name: str, *, by: Actor) -> Verification:
        """Read every file of every dossier and compare it with signatures, rows and ledger. Damage is reported, never raised.

        Raises:
            ModelMissingError, VersionMissingError: neither the shelf nor the ledger knows it.
        """
        model, number = parse_version_name(name)
        by.require(Permission.MODELS_READ, model=model)
        found = verify_version(self._database, self._shelf, self._ledger, model=model, number=number)
        if found is None:
            self.find(name, by=by)
            raise VersionMissingError(f"There is no version {name}.")
        return found

    def export(self, name: str, folder: Path, *, by: Actor) -> Dossier:
        """Write the latest dossier of `name` to `folder` as plain files with their signature and the public key: all or nothing.

        The ledger says so before the first plain byte is written.

        Raises:
            NotPermittedError: the actor lacks models:export. TermsNotAcceptedError: the model's terms are to be accepted first, for
            who has its files can ask it without being seen. FolderTakenError: something lies in `folder` already.
            TamperedVersionError: the version is not what was signed. NoSpaceError: it did not fit; nothing was left behind.
        """
        model, _ = parse_version_name(name)
        by.require(Permission.MODELS_EXPORT, model=model)
        self._terms.require(f"model:{model}", by)
        version, dossier = self._current(self.find(name, by=by))
        folder = check_free(Path(folder))
        files = {file.path: self._unseal(version, dossier, file.path) for file in dossier.files}
        with self._database.change() as connection:
            facts = {"digest": version.digest, "dossier": dossier.sequence, "files": len(files)}
            self._ledger.record(connection, VERSION_EXPORTED, actor=by.id, subject=version.name, facts=facts)
        with whole_folder(folder) as incoming:
            for path, data in (files | {SIGNATURE_FILE: dossier.signature.encode()}).items():
                place = incoming / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        return dossier

    @staticmethod
    def names(connection: Connection) -> set[str]:
        """The name of every model."""
        return set(store.model_names(connection))

    @staticmethod
    def sealed_objects(connection: Connection) -> dict[str, str]:
        """The digest of every sealed object that this room's rows name, with the label that it is sealed under."""
        return store.sealed_objects(connection)

    def _numbers(self, connection: Connection, model: str, *, by: Actor) -> list[int]:
        numbers = store.numbers(connection, model)
        if not numbers:
            known = [name for name in store.model_names(connection) if by.may(Permission.MODELS_READ, model=name)]
            there = f"There are: {', '.join(known[:_SHOWN])}." if known else "There is none yet. Run `modelward train SPEC.yaml`."
            near = get_close_matches(model, known, n=1) if len(known) > 1 else ()
            meant = "".join(f"Did you mean {name!r}? " for name in near)
            raise ModelMissingError(f"No model is called {model[:80]!r}. {meant}{there}")
        return numbers

    def _current(self, version: Version, *, sequence: int | None = None) -> tuple[Version, Dossier]:
        """What the shelf has now of a version that was found earlier, which must be the same one."""
        with self._database.look() as connection:
            current, dossier = self._trusted(connection, version.model, version.number, sequence=sequence)
        if current.digest != version.digest:
            raise tampered(version.name, "it is not the version that was found under this name before")
        return current, dossier

    def _trusted(self, connection: Connection, model: str, number: int, *, sequence: int | None = None) -> tuple[Version, Dossier]:
        rows = find_rows(connection, model, number, sequence=sequence)
        if rows is None:
            if sequence is None:
                raise tampered(f"{model}:{number}", "its rows, or those of its dossiers, are gone")
            raise DossierMissingError(f"{model}:{number} has no dossier {sequence}. They count from 1.")
        return self._shelf.trusted(rows)

    def _unseal(self, version: Version, dossier: Dossier, path: str) -> bytes:
        for file in dossier.files:
            if file.path == path:
                return self._shelf.unseal(file, name=version.name, label=label_in(version, dossier, path))
        paths = ", ".join(file.path for file in dossier.files[:_SHOWN])
        raise DossierMissingError(f"{version.name} has no file {path[:200]!r} in dossier {dossier.sequence}. There are: {paths}.")


def _summary(model: str, rows: list[store.VersionRow]) -> ModelSummary:
    # An overview reads rows alone, so that one damaged version hides no other; whoever opens that one is told.
    try:
        latest: Manifest | None = parse_manifest(rows[-1].manifest.encode())
    except InvalidManifestError:
        latest = None
    return ModelSummary(
        model=model,
        versions=len(rows),
        latest=rows[-1].number,
        purpose=latest.purpose if latest else "",
        owner=latest.owner if latest else "",
        updated=latest.created if latest else None,
    )
