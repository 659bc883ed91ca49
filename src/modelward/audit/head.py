# SPDX-License-Identifier: Apache-2.0
"""The head of the ledger as it is read: believed, or said to be damaged."""

from __future__ import annotations

from modelward.audit import store
from modelward.audit.checkpoint import Checkpoint, CheckpointBrokenError, VerifierKey, open_checkpoint
from modelward.errors import PrerequisiteError, RefusedError
from modelward.storage import RawConnection


class LedgerMissingError(PrerequisiteError):
    """The database holds no ledger."""


class LedgerBrokenError(RefusedError):
    """The ledger is not as it was written, so nothing is appended to it and no receipt is given."""


def broken(why: str) -> LedgerBrokenError:
    """The error that says what of the ledger is damaged, and what to do."""
    return LedgerBrokenError(f"The ledger is damaged: {why}. Nothing was recorded or proved. Run `modelward audit verify`.")


def head_row(connection: RawConnection) -> store.Head:
    """The row that entries are appended to; its signature is not looked at.

    Raises:
        LedgerMissingError: there is no ledger. LedgerBrokenError: there is one, and its head is gone or cannot be read.
    """
    try:
        head = store.read_head(connection)
    except store.RowsUnreadableError as damage:
        raise broken(str(damage)) from damage
    if head is None and store.is_untouched(connection):
        raise LedgerMissingError("This database holds no ledger. Run `modelward init`, or restore a backup.")
    if head is None:
        raise broken("its head is gone")
    return head


def signed_head(connection: RawConnection, public: bytes) -> Checkpoint:
    """The checkpoint in the head, once the key is found to have signed it.

    Raises:
        LedgerMissingError, LedgerBrokenError: as `head_row`, or `public` did not sign it.
    """
    head = head_row(connection)
    try:
        return open_checkpoint(head.checkpoint, VerifierKey(head.origin, public))
    except CheckpointBrokenError as wrong:
        raise broken(str(wrong)) from wrong
