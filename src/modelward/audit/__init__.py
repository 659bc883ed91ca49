# SPDX-License-Identifier: Apache-2.0
"""Audit keeps the ledger: an append-only Merkle log in which every change and every answer is an entry that can be proved."""

from modelward.audit.checkpoint import Checkpoint, CheckpointBrokenError, PublicKeyUnreadableError, VerifierKey, open_checkpoint
from modelward.audit.entry import Draft, Entry, EntryUnreadableError, LoggedEntry, UnrecordableError
from modelward.audit.event import LEDGER_OPENED, Event
from modelward.audit.group_commit import GroupCommit, WriterClosedError
from modelward.audit.merkle import ProofBrokenError, check_consistency
from modelward.audit.receipt import Receipt, ReceiptBrokenError, UnknownCommitmentError, verify_receipt
from modelward.audit.service import (
    Ledger,
    LedgerBrokenError,
    LedgerMissingError,
    ReceiptMissingError,
)
from modelward.audit.verification import Fault, Verification

__all__ = [
    "LEDGER_OPENED",
    "Checkpoint",
    "CheckpointBrokenError",
    "Draft",
    "Entry",
    "EntryUnreadableError",
    "Event",
    "Fault",
    "GroupCommit",
    "Ledger",
    "LedgerBrokenError",
    "LedgerMissingError",
    "LoggedEntry",
    "ProofBrokenError",
    "PublicKeyUnreadableError",
    "Receipt",
    "ReceiptBrokenError",
    "ReceiptMissingError",
    "UnknownCommitmentError",
    "UnrecordableError",
    "Verification",
    "VerifierKey",
    "WriterClosedError",
    "check_consistency",
    "open_checkpoint",
    "verify_receipt",
]
