# SPDX-License-Identifier: Apache-2.0
"""Verifying: read everything, believe nothing, report every fault. On the shelf, and in a folder that was exported from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from modelward.audit import Ledger
from modelward.digest import sha256_hex, sha256_of_stream
from modelward.errors import RefusedError
from modelward.registry import store
from modelward.registry.shelf import Rows, Shelf, find_rows
from modelward.registry.signing import SIGNATURE_FILE, SIGNATURE_LIMIT_BYTES, SignatureInvalidError, verify_signature
from modelward.registry.version import (
    VERSION_IMPORTED,
    VERSION_REGISTERED,
    Fault,
    TamperedVersionError,
    Verification,
    dossier_label,
    version_label,
)
from modelward.storage import Database

_LIMIT = 10_000


def verify_version(database: Database, shelf: Shelf, ledger: Ledger, *, model: str, number: int) -> Verification | None:
    """Every file of every dossier of a version, compared with signatures, rows and ledger; None where nothing knows of it."""
    name = f"{model}:{number}"
    with database.look() as connection:
        events = {VERSION_REGISTERED.name, VERSION_IMPORTED.name, *store.dossier_events(connection, model, number)}
    faults: dict[Fault, None] = {}
    try:
        recorded = _recorded(ledger, name, events=events)
    except RefusedError as wrong:
        recorded, faults = {}, {Fault("", str(wrong)): None}
    with database.look() as connection:
        last = max(store.last_sequence(connection, model, number), *recorded, 0)
        is_there = store.version_row(connection, model, number) is not None
        found = {sequence: find_rows(connection, model, number, sequence=sequence) for sequence in range(1, last + 1)}
    if not recorded and not is_there and not faults:
        return None
    checked: set[str] = set()
    if not is_there:
        faults[Fault("", "The ledger knows this version, and its row is gone.")] = None
    elif not found:
        faults[Fault("", "The version has no dossier.")] = None
    for sequence, rows in found.items():
        for fault in _dossier_faults(shelf, rows, name=name, sequence=sequence, recorded=recorded, checked=checked):
            faults[fault] = None
    latest = found.get(last)
    return Verification(
        name=name, files_checked=len(checked), is_signed=latest is not None and _is_signed(shelf, latest), faults=tuple(faults)
    )


def verify_folder(folder: Path, *, public_key: bytes) -> Verification:
    """Compare an exported folder with its `model.sig`, by the public key (PEM) of whoever is said to have signed it.

    Nothing but the folder and the key is needed. Any file beyond those signed is a fault, and so is a symbolic link.
    """
    faults: list[Fault] = []
    signed: Mapping[str, str] = {}
    name = folder.name
    try:
        statement = verify_signature(_signature_in(folder), public_key=public_key)
        signed, name = statement.digests, statement.name
    except SignatureInvalidError as wrong:
        faults.append(Fault(SIGNATURE_FILE, str(wrong)))
    found = {path: file for file in folder.rglob("*") if (path := file.relative_to(folder).as_posix()) != SIGNATURE_FILE}
    links = {path for path, file in found.items() if file.is_symlink()}
    others = {path: file for path, file in found.items() if path not in links and not file.is_dir()}
    # Whoever opens a pipe waits for somebody to write into it.
    files = {path: file for path, file in others.items() if file.is_file()}
    faults.extend(Fault(path, "It is a symbolic link.") for path in sorted(links))
    faults.extend(Fault(path, "It is no plain file.") for path in sorted(others.keys() - files.keys()))
    if signed:
        faults.extend(Fault(path, "It was not signed.") for path in sorted(files.keys() - signed.keys()))
    faults.extend(Fault(path, "It is missing.") for path in sorted(signed.keys() - files.keys()))
    shared = sorted(files.keys() & signed.keys())
    faults.extend(Fault(path, "It is not the file that was signed.") for path in shared if _digest(files[path]) != signed[path])
    return Verification(name=name, files_checked=len(shared), is_signed=bool(signed), faults=tuple(faults))


def _signature_in(folder: Path) -> bytes:
    file = folder / SIGNATURE_FILE
    if file.is_symlink() or not file.is_file():
        raise SignatureInvalidError("There is no signature.")
    with file.open("rb") as stream:
        # One byte more than is taken, so that what is too long is seen to be.
        return stream.read(SIGNATURE_LIMIT_BYTES + 1)


def _dossier_faults(
    shelf: Shelf, rows: Rows | None, *, name: str, sequence: int, recorded: Mapping[int, str], checked: set[str]
) -> list[Fault]:
    if rows is None:
        return [Fault("", f"Dossier {sequence} is gone.")]
    faults: list[Fault] = []
    try:
        shelf.trusted(rows)
    except TamperedVersionError as wrong:
        faults.append(Fault("", f"Dossier {sequence}: {wrong}"))
    if sequence not in recorded:
        faults.append(Fault("", f"Dossier {sequence} is not in the ledger."))
    elif recorded[sequence] != sha256_hex(rows.dossier.signature.encode()):
        faults.append(Fault(SIGNATURE_FILE, f"The signature of dossier {sequence} is not the one the ledger has."))
    labelled = [(file, version_label(name, file.path)) for file in rows.own]
    labelled += [(file, dossier_label(name, sequence, file.path)) for file in rows.attached]
    for file, label in labelled:
        if file.sealed in checked:
            continue
        checked.add(file.sealed)
        try:
            shelf.unseal(file, name=name, label=label)
        except TamperedVersionError:
            faults.append(Fault(file.path, "It is missing, or is not the file that was signed."))
    return faults


def _is_signed(shelf: Shelf, rows: Rows) -> bool:
    try:
        shelf.signed_digests(rows)
    except TamperedVersionError:
        return False
    return True


def _recorded(ledger: Ledger, name: str, *, events: Collection[str]) -> dict[int, str]:
    """Dossier number to digest of its signature, as the ledger has them: all of the `events` known, and the latest of any."""
    found = {
        logged.index: logged.entry for event in ("", *events) for logged in ledger.entries(subject=name, event=event, limit=_LIMIT)
    }
    made = [entry.facts for entry in found.values() if "signature" in entry.facts and "dossier" in entry.facts]
    return {int(facts["dossier"]): str(facts["signature"]) for facts in made}


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return sha256_of_stream(stream)
