# SPDX-License-Identifier: Apache-2.0
"""A version before it has a number: everything about it is checked here, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from modelward.access import check_name
from modelward.digest import sha256_hex
from modelward.errors import InvalidError
from modelward.registry.card import CARD_FILE, PUBLIC_KEY_FILE
from modelward.registry.contents import check_contents
from modelward.registry.graph import check_ends, check_graph
from modelward.registry.interface import Interface
from modelward.registry.manifest import GRAPH_FILE, INTERFACE_FILE, MANIFEST_FILE, Manifest, ManifestFile
from modelward.registry.signing import SIGNATURE_FILE
from modelward.registry.version import Lineage, ModelFileImmutableError

TEXT_LIMIT = 2000
WRITTEN_BY_US = (MANIFEST_FILE, INTERFACE_FILE, CARD_FILE, PUBLIC_KEY_FILE, SIGNATURE_FILE)


class InvalidVersionError(InvalidError):
    """A version that lacks something it must have, or has what it must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to become the next version of `model`. `files` hold `interface.json` already."""

    model: str
    files: Mapping[str, bytes]
    lineage: Lineage
    interface: Interface
    purpose: str
    owner: str
    facts: dict[str, Any]
    created: datetime

    def manifest(self, *, number: int, by: str) -> Manifest:
        """The manifest of this draft as version `number`."""
        return Manifest(
            model=self.model,
            number=number,
            files=tuple(ManifestFile(path, sha256_hex(data), len(data)) for path, data in sorted(self.files.items())),
            lineage=self.lineage,
            purpose=self.purpose,
            owner=self.owner,
            facts=self.facts,
            created=self.created,
            by=by,
        )


def make_draft(
    model: str,
    files: Mapping[str, bytes],
    *,
    lineage: Lineage,
    interface: Interface,
    purpose: str,
    owner: str,
    facts: Mapping[str, Any],
) -> Draft:
    """A draft of which everything was checked.

    Raises:
        InvalidError: a name, a path, a file, the graph or a text cannot be in a version.
    """
    check_name("model", model)
    _check_text("purpose", purpose)
    _check_text("owner", owner)
    for path in files:
        check_free(path, taken=WRITTEN_BY_US, of="every version, and is written by the registry")
    if not files:
        raise InvalidVersionError(f"A version of {model!r} without files was handed in. Hand in its `{GRAPH_FILE}`.")
    check_contents(files)
    if GRAPH_FILE in files:
        check_ends(check_graph(files[GRAPH_FILE]), interface)
    return Draft(
        model=model,
        files={**files, INTERFACE_FILE: interface.to_json()},
        lineage=lineage,
        interface=interface,
        purpose=purpose,
        owner=owner,
        facts=dict(facts),
        created=datetime.now(UTC),
    )


def check_free(path: str, *, taken: tuple[str, ...], of: str) -> None:
    """Nothing, where `path` is none of those `taken`, whatever its case.

    Raises:
        ModelFileImmutableError: it is.
    """
    if path.casefold() in {other.casefold() for other in taken}:
        raise ModelFileImmutableError(f"{path!r} is a file of {of}; it cannot be replaced. Use another path.")


def _check_text(what: str, text: str) -> None:
    if not text.strip() or len(text) > TEXT_LIMIT or not text.isprintable():
        raise InvalidVersionError(f"The {what} of a model is one line of 1 to {TEXT_LIMIT} printable characters. State it.")
