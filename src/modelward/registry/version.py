# SPDX-License-Identifier: Apache-2.0
"""Versions: what a model is at one number, where it came from, and the signed dossiers that speak of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelward.access import check_name
from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from modelward.registry.interface import Interface

VERSION_REGISTERED = Event("version.registered", "A version was signed and put on the shelf of models.")
VERSION_IMPORTED = Event("version.imported", "A version made elsewhere was checked, signed and put on the shelf of models.")
VERSION_EXPORTED = Event("version.exported", "The plain files of a version, with its signature, were written to a folder.")

IMPORTED_FROM = "imported_from"
"""The fact of a version that only an import writes."""

_NAME = re.compile(r"(?P<model>[^:]+):(?P<number>[1-9][0-9]{0,8})")


class ModelMissingError(NotFoundError):
    """No model has that name."""


class VersionMissingError(NotFoundError):
    """The model exists, and has no version of that number."""


class DossierMissingError(NotFoundError):
    """The version exists, and has no dossier of that number, or no file of that path in it."""


class VersionNumberMissingError(InvalidError):
    """A model was named where one version of it is needed."""


class ModelFileImmutableError(ConflictError):
    """Somebody tried to replace a file that a version consists of."""


class TamperedVersionError(RefusedError):
    """Signature, digests, rows and sealed files of a version do not tell one story; it is not opened."""


@dataclass(frozen=True, slots=True)
class VersionFile:
    """One file: its path, the SHA-256 and size of its plaintext, and the digest under which it lies sealed."""

    path: str
    digest: str
    size_bytes: int
    sealed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a version was made from. `fingerprint` is the dataset's, `split` and `spec` are digests, `code` is our version."""

    dataset: str
    fingerprint: str
    split: str
    spec: str
    run: str
    recipe: str
    parameters: dict[str, Any]
    seed: int
    code: str
    libraries: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A model at one number. It never changes. `digest` is the SHA-256 of its manifest, which lists every other file."""

    model: str
    number: int
    digest: str
    files: tuple[VersionFile, ...]
    lineage: Lineage
    interface: Interface
    purpose: str
    owner: str
    facts: dict[str, Any]
    created: datetime
    by: str

    @property
    def name(self) -> str:
        """`income:3`."""
        return f"{self.model}:{self.number}"

    @property
    def is_imported(self) -> bool:
        """Whether it was made elsewhere, so that its origin is what others say."""
        return IMPORTED_FROM in self.facts

    @property
    def size_bytes(self) -> int:
        """All files of the version together, as plaintext."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """The files of a version and what was later written about it, under one signature (a sigstore bundle).

    `sequence` counts from 1, the dossier made at registration. A later dossier replaces none: all can be read.
    """

    model: str
    number: int
    sequence: int
    files: tuple[VersionFile, ...]
    signature: str
    event: str
    created: datetime
    by: str

    @property
    def name(self) -> str:
        """`income:3`."""
        return f"{self.model}:{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """A model and how many versions it has. Purpose, owner and time are the latest version's; without a time it is damaged."""

    model: str
    versions: int
    latest: int
    purpose: str
    owner: str
    updated: datetime | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was signed. `path` is empty where no single file is to blame."""

    path: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What verifying found: how many files were read and compared, whether the signature holds, and every fault."""

    name: str
    files_checked: int
    is_signed: bool
    faults: tuple[Fault, ...]

    @property
    def is_sound(self) -> bool:
        """Whether everything is as it was signed."""
        return self.is_signed and not self.faults


def parse_version_name(name: str) -> tuple[str, int]:
    """Model and number of `income:3`.

    Raises:
        VersionNumberMissingError: there is no number. InvalidError: the name or the number cannot be one.
    """
    if ":" not in name:
        check_name("model", name)
        raise VersionNumberMissingError(
            f"{name!r} names a model; one version of it is needed, such as `{name}:1`. "
            f"Run `modelward model show {name}` to see which there are."
        )
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidError(
            f"{name[:100]!r} is not the name of a version. Write the model, a colon and a number, such as `income:3`."
        )
    return check_name("model", match["model"]), int(match["number"])


def version_label(name: str, path: str) -> str:
    """What binds a sealed file to the version it is part of."""
    return f"version {name} {path}"


def dossier_label(name: str, sequence: int, path: str) -> str:
    """What binds a sealed file to the dossier that added it."""
    return f"dossier {name} {sequence} {path}"
