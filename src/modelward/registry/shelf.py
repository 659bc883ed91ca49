# SPDX-License-Identifier: Apache-2.0
"""The shelf: files sealed one by one, rows that index them, and the one check that makes rows and files trustworthy.

A signature names the version and lists the digest of each file; `manifest.json` is among them and says everything else. So
whatever differs between signature, manifest, rows and sealed files is found, whichever of them was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from modelward.digest import sha256_hex
from modelward.errors import InvalidError, NotFoundError, RefusedError
from modelward.registry import store
from modelward.registry.manifest import INTERFACE_FILE, MANIFEST_FILE, parse_manifest
from modelward.registry.signing import SignatureInvalidError, Signer, verify_signature
from modelward.registry.version import Dossier, TamperedVersionError, Version, VersionFile, dossier_label, version_label
from modelward.storage import Connection, Database, Vault


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows that speak of one version with one of its dossiers, as they were found."""

    version: store.VersionRow
    dossier: store.DossierRow
    own: tuple[VersionFile, ...]
    attached: tuple[VersionFile, ...]


class Shelf:
    """Seals and unseals the files of versions and dossiers."""

    def __init__(self, database: Database, vault: Vault, signer: Signer) -> None:
        self._database = database
        self._vault = vault
        self.signer = signer

    @contextmanager
    def sealing(
        self, files: Mapping[str, bytes], *, label: Callable[[str], str]
    ) -> Iterator[tuple[Connection, tuple[VersionFile, ...]]]:
        """Seal `files` for the body that writes their rows, in the change that it gets; see `Vault.sealing`."""
        paths = sorted(files)
        digests = {path: sha256_hex(files[path]) for path in paths}
        pieces = ((label(path), files[path]) for path in paths)
        with self._vault.sealing(pieces, named=store.sealed_objects) as (connection, sealed):
            yield connection, tuple(VersionFile(path, digests[path], len(files[path]), sealed[label(path)]) for path in paths)

    def unseal(self, file: VersionFile, *, name: str, label: str) -> bytes:
        """The plaintext of one file, compared with its digest.

        Raises:
            TamperedVersionError: it is missing, was changed, or is another file's.
        """
        try:
            data = self._vault.read(file.sealed, label=label)
        except (NotFoundError, RefusedError) as broken:
            raise tampered(name, f"the file {file.path!r} is missing, or was changed where it lies sealed") from broken
        if sha256_hex(data) != file.digest or len(data) != file.size_bytes:
            raise tampered(name, f"the file {file.path!r} is not the one that was signed")
        return data

    def trusted(self, rows: Rows) -> tuple[Version, Dossier]:
        """Version and dossier out of rows, after comparing them with what was signed. The other files are not read.

        Raises:
            TamperedVersionError: they tell different stories.
        """
        row, name = rows.version, f"{rows.version.model}:{rows.version.number}"
        signed = self.signed_digests(rows)
        own, attached = {file.path: file for file in rows.own}, {file.path: file for file in rows.attached}
        found = {path: file.digest for path, file in (own | attached).items()}
        if own.keys() & attached.keys() or found != signed:
            odd = next((path for path in sorted(found | signed) if found.get(path) != signed.get(path)), MANIFEST_FILE)
            raise tampered(name, f"the rows of the file {odd!r} are not what was signed")
        raw = row.manifest.encode()
        if not sha256_hex(raw) == row.digest == signed.get(MANIFEST_FILE):
            raise tampered(name, f"the row of {MANIFEST_FILE!r} is not what was signed")
        interface = self.unseal(own[INTERFACE_FILE], name=name, label=version_label(name, INTERFACE_FILE))
        try:
            version = parse_manifest(raw).version(interface=interface, sealed={path: file.sealed for path, file in own.items()})
        except InvalidError as wrong:
            raise tampered(name, f"its manifest or its interface cannot be read: {wrong}") from wrong
        if (version.name, version.files) != (name, rows.own):
            raise tampered(name, "its rows are not what its manifest lists")
        return version, _dossier(rows)

    def signed_digests(self, rows: Rows) -> dict[str, str]:
        """Path to SHA-256 as the dossier's signature has it.

        Raises:
            TamperedVersionError: the signature is broken, or speaks of another version.
        """
        name = f"{rows.version.model}:{rows.version.number}"
        try:
            statement = verify_signature(rows.dossier.signature, public_key=self.signer.public_key)
        except SignatureInvalidError as wrong:
            raise tampered(name, f"the signature of dossier {rows.dossier.sequence} does not hold: {wrong}") from wrong
        if statement.name != name:
            raise tampered(name, f"the signature of dossier {rows.dossier.sequence} speaks of {statement.name[:100]!r}")
        return statement.digests


def find_rows(connection: Connection, model: str, number: int, *, sequence: int | None = None) -> Rows | None:
    """The rows of a version and of its latest dossier, or of the one numbered `sequence`; None where either has none."""
    version = store.version_row(connection, model, number)
    dossier = store.dossier_row(connection, model, number, sequence=sequence)
    if version is None or dossier is None:
        return None
    own = store.file_rows(connection, model, number, sequence=0)
    return Rows(version, dossier, own, store.file_rows(connection, model, number, sequence=dossier.sequence))


def label_in(version: Version, dossier: Dossier, path: str) -> str:
    """The label of a file of a dossier: its version's, or its own."""
    is_own = any(file.path == path for file in version.files)
    return version_label(version.name, path) if is_own else dossier_label(version.name, dossier.sequence, path)


def tampered(name: str, what: str) -> TamperedVersionError:
    """The error that says what of `name` does not fit, and what to do."""
    return TamperedVersionError(
        f"{name} is not opened: {what}. Run `modelward model verify {name}` to see every fault, and restore it from a backup."
    )


def _dossier(rows: Rows) -> Dossier:
    row = rows.dossier
    return Dossier(
        model=row.model,
        number=row.number,
        sequence=row.sequence,
        files=tuple(sorted((*rows.own, *rows.attached), key=lambda file: file.path)),
        signature=row.signature,
        event=row.event,
        created=row.created,
        by=row.by,
    )
