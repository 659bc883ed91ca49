# SPDX-License-Identifier: Apache-2.0
"""Grants elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from modelward.access import Actor
from modelward.client.connection import Room, part
from modelward.datasets import READS_SHOWN, Grant, Reading


class RemoteGrants(Room):
    """See `modelward.datasets.Grants`."""

    def grant(
        self,
        model: str,
        dataset: str,
        *,
        purpose: str,
        columns: Sequence[str] | None = None,
        rows: str = "",
        until: datetime | None = None,
        by: Actor | None = None,
    ) -> Grant:
        """Grant a dataset to a model."""
        body = {
            "model": model,
            "purpose": purpose,
            "columns": None if columns is None else list(columns),
            "rows": rows,
            "until": until,
        }
        return self._connection.fetch(Grant, "POST", f"/api/v1/datasets/{part(dataset)}/grants", body=body)

    def revoke(self, model: str, dataset: str, *, by: Actor | None = None) -> Grant:
        """Take a grant back."""
        return self._connection.fetch(Grant, "DELETE", f"/api/v1/datasets/{part(dataset)}/grants/{part(model)}")

    def list(self, *, dataset: str = "", model: str = "", by: Actor | None = None) -> list[Grant]:
        """List grants."""
        asked = {name: value for name, value in (("dataset", dataset), ("model", model)) if value}
        return self._connection.fetch(list[Grant], "GET", "/api/v1/grants", params=asked)

    def reads(self, dataset: str, *, limit: int = READS_SHOWN, by: Actor | None = None) -> Sequence[Reading]:
        """See who had rows of a dataset."""
        path = f"/api/v1/datasets/{part(dataset)}/reads"
        return self._connection.fetch(list[Reading], "GET", path, params={"limit": limit})
