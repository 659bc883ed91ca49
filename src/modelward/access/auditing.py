# SPDX-License-Identifier: Apache-2.0
"""The ledger for people: its reading verbs, each with the permission it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelward.access.actor import Actor
from modelward.access.permission import Permission
from modelward.audit import Checkpoint, Consistency, Ledger, LoggedEntry, ReceiptMissingError, Verification, verify_growth


class Auditing:
    """Reads the ledger on behalf of an actor. It writes no entry: the rooms record what they do."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def log(
        self,
        *,
        event: str = "",
        actor: str = "",
        subject: str = "",
        request: str = "",
        since: int = 0,
        until: int | None = None,
        limit: int = 100,
        newest_first: bool = True,
        by: Actor,
    ) -> list[LoggedEntry]:
        """The entries that match every filter given; see `Ledger.entries`.

        Raises:
            NotPermittedError: `by` lacks audit:read.
        """
        by.require(Permission.AUDIT_READ)
        return self._ledger.entries(
            event=event,
            actor=actor,
            subject=subject,
            request=request,
            since=since,
            until=until,
            limit=limit,
            newest_first=newest_first,
        )

    def verify(self, progress: Callable[[int, int], None] | None = None, *, earlier: str | None = None, by: Actor) -> Verification:
        """Read the whole ledger and name whatever is not as it was written; see `Ledger.verify`.

        Raises:
            NotPermittedError: `by` lacks audit:read. NotACheckpointError: `earlier` is none.
        """
        by.require(Permission.AUDIT_READ)
        found = self._ledger.verify(progress or _silently, earlier=earlier)
        self._ledger.note_verified(found)
        return found

    def receipt(self, request: str, *, by: Actor) -> str:
        """The receipt of a request: any, to who may read the ledger; to everybody else those of their own requests.

        Raises:
            NotPermittedError: `by` lacks audit:receipt. ReceiptMissingError: there is no such request, or it is somebody else's,
            which reads the same.
        """
        if by.may(Permission.AUDIT_READ):
            by.require(Permission.AUDIT_READ)
        else:
            by.require(Permission.AUDIT_RECEIPT)
            # The receipt is of the request's last entry, so that is the one which must be theirs.
            last = self._ledger.entries(request=request, limit=1) if request else []
            if not last or last[0].entry.actor != by.id:
                raise ReceiptMissingError(
                    f"No request {request[:80]!r} of {by.id} is in the ledger. Take the id from the answer's `x-request-id`."
                )
        return self._ledger.receipt(request)

    def export(self, folder: Path, *, by: Actor) -> int:
        """Write the ledger as plain files into a new folder; how many entries. See `Ledger.export`.

        Raises:
            NotPermittedError: `by` lacks audit:read. FolderTakenError: the folder is not empty. NoSpaceError: it did not fit.
        """
        by.require(Permission.AUDIT_READ)
        return self._ledger.export(folder)

    def checkpoint(self, *, by: Actor) -> Checkpoint:
        """The signed head of the ledger, for who holds receipts or reads the ledger.

        Raises:
            NotPermittedError: `by` lacks audit:receipt.
        """
        by.require(Permission.AUDIT_RECEIPT)
        return self._ledger.head()

    def consistency(self, older: int, newer: int | None = None, *, by: Actor) -> Consistency:
        """The proof that the ledger of `newer` entries, or as it stands, begins with that of `older`, for who keeps checkpoints.

        Raises:
            NotPermittedError: `by` lacks audit:receipt. StateMissingError: the ledger never had so many entries.
        """
        by.require(Permission.AUDIT_RECEIPT)
        return self._ledger.consistency(older, newer)

    def verify_since(self, kept: str, *, by: Actor) -> Checkpoint:
        """The ledger's checkpoint of today, once it is proved that the ledger of the checkpoint `kept` only grew into it.

        Raises:
            NotPermittedError: `by` lacks audit:receipt. NotACheckpointError: `kept` is none.
            HistoryForkedError, CheckpointBrokenError: it did not.
        """
        by.require(Permission.AUDIT_RECEIPT)
        return verify_growth(kept, public_key=self._ledger.public_key(), prove=self._ledger.consistency)

    def public_key(self, *, by: Actor) -> str:
        """The line that verifies receipts and checkpoints offline.

        Raises:
            NotPermittedError: `by` lacks audit:receipt.
        """
        by.require(Permission.AUDIT_RECEIPT)
        return self._ledger.public_key()


def _silently(_done: int, _total: int) -> None:
    pass
