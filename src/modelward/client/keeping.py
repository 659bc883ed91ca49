# SPDX-License-Identifier: Apache-2.0
"""What everything is sealed with, elsewhere."""

from __future__ import annotations

from modelward.access import Actor, MasterRotated
from modelward.client.connection import Room, part
from modelward.datasets import Shredded
from modelward.storage import KeyStanding

_LONG_SECONDS = 600.0


class RemoteRotation(Room):
    """See `modelward.access.Rotation`."""

    def rotate(self, *, by: Actor | None = None) -> MasterRotated:
        """Replace the master key of the house there."""
        return self._connection.fetch(MasterRotated, "POST", "/api/v1/keyring/rotate", timeout=_LONG_SECONDS)


class RemoteShredding(Room):
    """See `modelward.datasets.Shredding`."""

    def shred(self, name: str, *, reason: str, by: Actor | None = None) -> Shredded:
        """Destroy the keys of a dataset."""
        path = f"/api/v1/datasets/{part(name)}/shred"
        return self._connection.fetch(Shredded, "POST", path, body={"reason": reason}, timeout=_LONG_SECONDS)

    def keys(self, name: str, *, by: Actor | None = None) -> list[KeyStanding]:
        """How the keys of a dataset stand."""
        return self._connection.fetch(list[KeyStanding], "GET", f"/api/v1/datasets/{part(name)}/keys")
