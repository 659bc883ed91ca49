# SPDX-License-Identifier: Apache-2.0
"""The manifest: the one canonical document that says what a version is. Its SHA-256 is the version's digest.

It lies in the version as `manifest.json` and is signed with it. It lists every other file of the version, so that rows of the
database are an index of it and never its rival.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from modelward.digest import canonical_json, sha256_hex
from modelward.errors import InvalidError
from modelward.registry.interface import parse_interface
from modelward.registry.version import Lineage, Version, VersionFile

MANIFEST_FILE = "manifest.json"
INTERFACE_FILE = "interface.json"
GRAPH_FILE = "model.onnx"
# Rows of the training data that an explanation compares with. A version made elsewhere may bring none.
BACKGROUND_FILE = "background.json"
FORMAT = "modelward-version-1"
_EXACT_LIMIT = 2**53


class InvalidManifestError(InvalidError):
    """Bytes that are not the canonical manifest of a version."""


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file beside the manifest: its path, SHA-256 and size."""

    path: str
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a version is, without the manifest itself. `files` are sorted by path; `interface.json` is one of them."""

    format: str = FORMAT
    model: str
    number: int
    files: tuple[ManifestFile, ...]
    lineage: Lineage
    purpose: str
    owner: str
    facts: dict[str, Any]
    created: datetime
    by: str

    def to_json(self) -> bytes:
        """The canonical bytes of `manifest.json`.

        Raises:
            InvalidManifestError: facts or parameters hold what JSON cannot: a number that is not finite or beyond 2**53.
        """
        try:
            return canonical_json(self)
        except (ValueError, TypeError) as wrong:
            raise InvalidManifestError(
                f"The manifest of {self.model}:{self.number} cannot be written as canonical JSON: {wrong}. "
                "Facts and parameters hold JSON values with finite numbers."
            ) from wrong

    def version(self, *, interface: bytes, sealed: dict[str, str]) -> Version:
        """The version that this manifest describes, with the bytes of its `interface.json`, and where each file lies sealed."""
        raw = self.to_json()
        own = ManifestFile(MANIFEST_FILE, sha256_hex(raw), len(raw))
        files = sorted((*self.files, own), key=lambda file: file.path)
        return Version(
            model=self.model,
            number=self.number,
            digest=own.digest,
            files=tuple(VersionFile(file.path, file.digest, file.size_bytes, sealed.get(file.path, "")) for file in files),
            lineage=self.lineage,
            interface=parse_interface(interface),
            purpose=self.purpose,
            owner=self.owner,
            facts=self.facts,
            created=self.created,
            by=self.by,
        )


def parse_manifest(raw: bytes) -> Manifest:
    """The manifest in `raw`, which must be its canonical bytes: one manifest has one digest.

    Raises:
        InvalidManifestError: it is not, or is of a format that this version of Modelward does not know.
    """
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
        lineage = replace(manifest.lineage, parameters=_with_wide_floats(manifest.lineage.parameters))
        manifest = replace(manifest, lineage=lineage, facts=_with_wide_floats(manifest.facts))
        is_canonical = manifest.to_json() == raw
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError) as wrong:
        raise InvalidManifestError(f"This is not the manifest of a version: {wrong}.") from wrong
    if manifest.format != FORMAT:
        raise InvalidManifestError(f"The manifest has format {manifest.format[:50]!r}; this version of Modelward knows {FORMAT!r}.")
    if not is_canonical:
        raise InvalidManifestError("The manifest is not in canonical form (RFC 8785).")
    return manifest


def _with_wide_floats(value: Any) -> Any:
    """`value` with whole numbers beyond 2**53 as the floats they were: canonical JSON writes 1e17 without a point."""
    if isinstance(value, dict):
        return {name: _with_wide_floats(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_wide_floats(inner) for inner in value]
    return float(value) if isinstance(value, int) and abs(value) >= _EXACT_LIMIT else value
