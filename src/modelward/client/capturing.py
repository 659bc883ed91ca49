# SPDX-License-Identifier: Apache-2.0
"""Captures elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from modelward.access import Actor
from modelward.client.connection import Room, part
from modelward.serving import Capture, CapturedExchange, CaptureRule, ShreddedCaptures, SweptCaptures

_LONG_SECONDS = 600.0
_SHOWN = 100


class RemoteCaptures(Room):
    """See `modelward.serving.Captures`."""

    def rule(self, model: str, *, share: float, days: int, reason: str, by: Actor | None = None) -> CaptureRule:
        """Keep a share of a model's questions."""
        body = {"share": share, "days": days, "reason": reason}
        return self._connection.fetch(CaptureRule, "PUT", f"/api/v1/captures/rules/{part(model)}", body=body)

    def end(self, model: str, *, reason: str, by: Actor | None = None) -> CaptureRule:
        """Keep nothing of a model any more."""
        path = f"/api/v1/captures/rules/{part(model)}/end"
        return self._connection.fetch(CaptureRule, "POST", path, body={"reason": reason})

    def rules(self, *, by: Actor | None = None) -> Sequence[CaptureRule]:
        """List what is kept of which model."""
        return self._connection.fetch(list[CaptureRule], "GET", "/api/v1/captures/rules")

    def list(self, *, model: str = "", caller: str = "", limit: int = _SHOWN, by: Actor | None = None) -> Sequence[Capture]:
        """List which questions are kept."""
        asked = {name: value for name, value in (("model", model), ("caller", caller)) if value}
        return self._connection.fetch(list[Capture], "GET", "/api/v1/captures", params={**asked, "limit": limit})

    def read(self, request: str, *, reason: str, by: Actor | None = None) -> CapturedExchange:
        """Read a question and its answer."""
        path = f"/api/v1/captures/{part(request)}/read"
        return self._connection.fetch(CapturedExchange, "POST", path, body={"reason": reason})

    def shred(self, requests: Sequence[str], *, reason: str, by: Actor | None = None) -> ShreddedCaptures:
        """Destroy the keys of what is kept of some requests."""
        body = {"requests": list(requests), "reason": reason}
        return self._connection.fetch(ShreddedCaptures, "POST", "/api/v1/captures/shred", body=body, timeout=_LONG_SECONDS)

    def sweep(self, *, by: Actor | None = None) -> SweptCaptures:
        """Remove what is kept for longer than was ruled."""
        return self._connection.fetch(SweptCaptures, "POST", "/api/v1/captures/sweep", timeout=_LONG_SECONDS)
