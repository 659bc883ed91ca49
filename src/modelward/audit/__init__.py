# SPDX-License-Identifier: Apache-2.0
"""Audit keeps the ledger: an append-only Merkle log in which every change and every answer is an entry that can be proved."""

from modelward.audit.checkpoint import (
    Checkpoint,
    CheckpointBrokenError,
    ForeignCheckpointError,
    NotACheckpointError,
    PublicKeyUnreadableError,
    VerifierKey,
    open_checkpoint,
)
from modelward.audit.consistency import Consistency, HistoryForkedError, StateMissingError, verify_growth
from modelward.audit.entry import Draft, Entry, EntryUnreadableError, LoggedEntry, UnrecordableError
from modelward.audit.event import LEDGER_OPENED, Event
from modelward.audit.form import Form
from modelward.audit.group_commit import Bunch, GroupCommit, WriterClosedError
from modelward.audit.head import LedgerBrokenError, LedgerMissingError
from modelward.audit.reason import ReasonError, checked_reason
from modelward.audit.receipt import Receipt, ReceiptBrokenError, UnknownCommitmentError, verify_receipt
from modelward.audit.request_key import RequestKey
from modelward.audit.service import Ledger, ReceiptMissingError
from modelward.audit.tail import Tail
from modelward.audit.verification import Fault, Verification

__all__ = [
    "LEDGER_OPENED",
    "Bunch",
    "Checkpoint",
    "CheckpointBrokenError",
    "Consistency",
    "Draft",
    "Entry",
    "EntryUnreadableError",
    "Event",
    "Fault",
    "ForeignCheckpointError",
    "Form",
    "GroupCommit",
    "HistoryForkedError",
    "Ledger",
    "LedgerBrokenError",
    "LedgerMissingError",
    "LoggedEntry",
    "NotACheckpointError",
    "PublicKeyUnreadableError",
    "ReasonError",
    "Receipt",
    "ReceiptBrokenError",
    "ReceiptMissingError",
    "RequestKey",
    "StateMissingError",
    "Tail",
    "UnknownCommitmentError",
    "UnrecordableError",
    "Verification",
    "VerifierKey",
    "WriterClosedError",
    "checked_reason",
    "open_checkpoint",
    "verify_growth",
    "verify_receipt",
]
