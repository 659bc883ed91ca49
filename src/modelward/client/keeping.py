# SPDX-License-Identifier: Apache-2.0
"""What everything is sealed with, and who is hidden in data, elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from modelward.access import Actor, MasterRotated
from modelward.client.connection import Room, part
from modelward.datasets import Deidentification, Forgotten, Hiding, Reidentified, Shredded
from modelward.storage import KeyStanding

_LONG_SECONDS = 600.0


class RemoteRotation(Room):
    """See `modelward.access.Rotation`."""

    def rotate(self, *, by: Actor | None = None) -> MasterRotated:
        """Replace the master key of the house there."""
        return self._connection.fetch(MasterRotated, "POST", "/api/v1/keyring/rotate", timeout=_LONG_SECONDS)


class RemoteDeidentifying(Room):
    """See `modelward.datasets.Deidentifying`."""

    def deidentify(
        self, name: str, copy: str, hiding: Hiding, *, is_trial: bool = False, by: Actor | None = None
    ) -> Deidentification:
        """Hide who is in a dataset, and register what is left; or say what would be hidden."""
        body = {"copy": copy, "is_trial": is_trial, **asdict(hiding)}
        path = f"/api/v1/datasets/{part(name)}/deidentify"
        return self._connection.fetch(Deidentification, "POST", path, body=body, timeout=_LONG_SECONDS)

    def forget(self, name: str, *, reason: str, by: Actor | None = None) -> Forgotten:
        """Destroy the book of a dataset's pseudonyms."""
        path = f"/api/v1/datasets/{part(name)}/forget"
        return self._connection.fetch(Forgotten, "POST", path, body={"reason": reason}, timeout=_LONG_SECONDS)

    def reidentify(self, name: str, texts: Sequence[str], *, reason: str, by: Actor | None = None) -> Reidentified:
        """Tell what pseudonyms of a dataset stand for."""
        path, body = f"/api/v1/datasets/{part(name)}/reidentify", {"texts": [*texts], "reason": reason}
        return self._connection.fetch(Reidentified, "POST", path, body=body, timeout=_LONG_SECONDS)


class RemoteShredding(Room):
    """See `modelward.datasets.Shredding`."""

    def shred(self, name: str, *, reason: str, by: Actor | None = None) -> Shredded:
        """Destroy the keys of a dataset."""
        path = f"/api/v1/datasets/{part(name)}/shred"
        return self._connection.fetch(Shredded, "POST", path, body={"reason": reason}, timeout=_LONG_SECONDS)

    def keys(self, name: str, *, by: Actor | None = None) -> list[KeyStanding]:
        """How the keys of a dataset stand."""
        return self._connection.fetch(list[KeyStanding], "GET", f"/api/v1/datasets/{part(name)}/keys")
