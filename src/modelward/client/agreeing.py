# SPDX-License-Identifier: Apache-2.0
"""Terms that are elsewhere."""

from __future__ import annotations

from modelward.access import Acceptance, Actor, OfferedTerms, Terms
from modelward.client.connection import Room, part


class RemoteTerms(Room):
    """See `modelward.access.Agreeing`."""

    def put(self, subject: str, text: str, *, replaces: str = "", by: Actor | None = None) -> Terms:
        """Put terms in place."""
        return self._connection.fetch(Terms, "POST", _path(subject), body={"text": text, "replaces": replaces})

    def show(self, subject: str, *, by: Actor | None = None) -> OfferedTerms:
        """Show terms, and when one accepted them."""
        return self._connection.fetch(OfferedTerms, "GET", _path(subject))

    def list(self, *, by: Actor | None = None) -> list[OfferedTerms]:
        """List the terms of what one reaches."""
        return self._connection.fetch(list[OfferedTerms], "GET", "/api/v1/terms")

    def accept(self, subject: str, *, digest: str = "", key: str = "", by: Actor | None = None) -> Acceptance:
        """Accept the terms in place."""
        body = {"digest": digest, "key": key}
        return self._connection.fetch(Acceptance, "POST", f"{_path(subject)}/acceptances", body=body)


def _path(subject: str) -> str:
    kind, _, name = subject.partition(":")
    return f"/api/v1/terms/{part(kind)}/{part(name)}"
