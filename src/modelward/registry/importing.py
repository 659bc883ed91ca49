# SPDX-License-Identifier: Apache-2.0
"""Versions made elsewhere: a folder with one ONNX graph, or the graph alone. Nothing in it is ever executed or unpickled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelward import __version__
from modelward.errors import InvalidError, NotFoundError
from modelward.registry.adapting import adapt
from modelward.registry.card import PUBLIC_KEY_FILE
from modelward.registry.contents import VERSION_LIMIT_BYTES, VersionTooLargeError, check_content
from modelward.registry.interface import Interface, parse_interface
from modelward.registry.manifest import GRAPH_FILE, INTERFACE_FILE, MANIFEST_FILE, InvalidManifestError, Manifest, parse_manifest
from modelward.registry.opened import try_out
from modelward.registry.paths import FILES_LIMIT, check_paths
from modelward.registry.signing import SIGNATURE_FILE, SignatureInvalidError, key_id
from modelward.registry.verifying import verify_folder
from modelward.registry.version import IMPORTED_FROM, Lineage

_PAPERS = "imported"
_PART_OF_THE_MODEL = (".onnx", ".safetensors")
# What an assessment puts beside a version; nothing that is there is ever replaced.
_ATTACHED_LATER = ("trust_report.", "evidence/", "plots/")


class ImportMissingError(NotFoundError):
    """There is nothing to import at the path."""


class UnusableImportError(InvalidError):
    """What lies at the path is not one importable model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What was read: files as they will lie in the version, and as much of its origin as it told."""

    files: dict[str, bytes]
    interface: Interface
    lineage: Lineage
    purpose: str
    owner: str
    facts: dict[str, Any]


def read_import(path: Path, *, public_key: bytes | None) -> Import:
    """Read and check what lies at `path`, and adapt its graph to inputs by name.

    Papers that came along (cards, reports, an earlier manifest) are kept under `imported/`.

    Raises:
        ImportMissingError: nothing is there. UnusableImportError: it has no graph, or several, or could never be assessed.
        InvalidError: a file may not be in a version. SignatureInvalidError: the signature asked for does not hold.
    """
    if not path.exists():
        raise ImportMissingError(f"There is nothing at {path}. Name a folder with an ONNX graph in it, or the graph.")
    if public_key is not None:
        _check_signature(path, public_key)
    offered = _read_folder(path) if path.is_dir() else {GRAPH_FILE if path.suffix == ".onnx" else path.name: _read(path)}
    for name, data in offered.items():
        if name not in (SIGNATURE_FILE, PUBLIC_KEY_FILE):
            check_content(name, data)
    graph = _the_graph(offered, path)
    given = offered.get(INTERFACE_FILE)
    adapted, interface = adapt(offered.pop(graph), interface=parse_interface(given) if given else None)
    try_out(adapted, interface)
    manifest = _manifest(offered.get(MANIFEST_FILE))
    return Import(
        files=_arranged(offered, manifest) | {GRAPH_FILE: adapted},
        interface=interface,
        lineage=_lineage(manifest if public_key is not None else None),
        purpose=manifest.purpose if manifest else "",
        owner=manifest.owner if manifest else "",
        # Whoever imports chooses the key, so the version says for ever which one its origin was believed of.
        facts={IMPORTED_FROM: path.name[:200], "signed_by": key_id(public_key) if public_key is not None else ""},
    )


def _check_signature(path: Path, public_key: bytes) -> None:
    if not path.is_dir():
        raise SignatureInvalidError(f"{path} is one file; a signature covers a folder with a {SIGNATURE_FILE} in it.")
    found = verify_folder(path, public_key=public_key)
    if not found.is_sound:
        what = "; ".join(f"{fault.path}: {fault.what}" for fault in found.faults[:5])
        raise SignatureInvalidError(f"{path} is not what was signed. {what} It was not imported.")


def _read_folder(folder: Path) -> dict[str, bytes]:
    found: dict[str, Path] = {}
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or not (file.is_dir() or file.is_file()):
            raise UnusableImportError(f"{file} is a link or a special file. Import plain files.")
        if file.is_file():
            found[file.relative_to(folder).as_posix()] = file
        if len(found) > FILES_LIMIT:
            raise UnusableImportError(f"{folder} holds more than {FILES_LIMIT} files. Import a folder with one model in it.")
    check_paths(found)
    if sum(file.stat().st_size for file in found.values()) > VERSION_LIMIT_BYTES:
        raise VersionTooLargeError(f"The files in {folder} pass the limit of a version, {VERSION_LIMIT_BYTES} bytes.")
    return {name: _read(file) for name, file in found.items()}


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size > VERSION_LIMIT_BYTES:
            raise VersionTooLargeError(f"{file} passes the limit of a version, {VERSION_LIMIT_BYTES} bytes.")
        return stream.read(VERSION_LIMIT_BYTES)


def _the_graph(offered: Mapping[str, bytes], path: Path) -> str:
    graphs = [name for name in offered if name.endswith(".onnx")]
    if GRAPH_FILE in graphs:
        return GRAPH_FILE
    if len(graphs) != 1:
        raise UnusableImportError(
            f"{path} holds {len(graphs)} ONNX graphs; one is imported at a time. Name the one to answer with {GRAPH_FILE}."
        )
    return graphs[0]


def _manifest(raw: bytes | None) -> Manifest | None:
    try:
        return parse_manifest(raw) if raw else None
    except InvalidManifestError:
        return None


def _arranged(offered: Mapping[str, bytes], manifest: Manifest | None) -> dict[str, bytes]:
    """The files of the model in their places, papers under `imported/`; signature and key are of the folder, not of the version."""
    own = {file.path for file in manifest.files} if manifest else set()
    if taken := sorted(name for name in own & offered.keys() if name.casefold().startswith(_ATTACHED_LATER)):
        raise UnusableImportError(
            f"The manifest names {taken[0]!r} as a file of the model; an assessment writes that name, so the version could "
            "never be assessed. Take it out of the manifest, and it is kept among the papers."
        )
    kept = {name: data for name, data in offered.items() if name not in (INTERFACE_FILE, SIGNATURE_FILE, PUBLIC_KEY_FILE)}
    return {
        name if name in own or name.endswith(_PART_OF_THE_MODEL) else f"{_PAPERS}/{name.removeprefix(_PAPERS + '/')}": data
        for name, data in kept.items()
    }


def _lineage(manifest: Manifest | None) -> Lineage:
    """What a manifest with a checked signature says of its origin; without one, that it is imported."""
    if manifest is not None:
        return manifest.lineage
    return Lineage(
        dataset="",
        fingerprint="",
        split="",
        spec="",
        run="",
        recipe="imported",
        parameters={},
        seed=0,
        code=__version__,
        libraries={},
    )
