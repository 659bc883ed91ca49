# SPDX-License-Identifier: Apache-2.0
"""Proofs that the ledger only grew: what an outside witness asks for who kept an earlier checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from modelward.audit import store
from modelward.audit.checkpoint import Checkpoint, VerifierKey, from_base64, open_checkpoint, open_kept, to_base64
from modelward.audit.head import broken
from modelward.audit.merkle import check_consistency, consistency_proof
from modelward.errors import NotFoundError, RefusedError
from modelward.storage import RawConnection


class StateMissingError(NotFoundError):
    """The ledger never had so many entries."""


class HistoryForkedError(RefusedError):
    """The ledger does not begin with the entries that a checkpoint signed which somebody kept."""


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof (RFC 6962, section 2.1.2) that a log of `newer` entries begins with the log of `older` entries.

    `path` is in base64. `checkpoint` is the signed checkpoint of the newer state; it is empty where that is not the present one,
    for the ledger keeps no other: who asks for a state of the past has kept its checkpoint.
    """

    older: int
    newer: int
    path: tuple[str, ...]
    checkpoint: str


def prove_consistency(connection: RawConnection, now: Checkpoint, *, older: int, newer: int | None = None) -> Consistency:
    """The proof from `older` to `newer` entries; to all there are where `newer` is not said.

    Raises:
        StateMissingError: the ledger never had one of these states. LedgerBrokenError: its hashes are not all there.
    """
    newer = now.size if newer is None else newer
    if not 0 < older <= newer <= now.size:
        raise StateMissingError(
            f"Nothing can be proved from {older} to {newer} entries: the ledger has {now.size}. Ask for 1 to {now.size}, "
            "the older first."
        )
    try:
        path = consistency_proof(partial(store.hashes, connection), older, newer)
    except store.RowsUnreadableError as damage:
        raise broken(str(damage)) from damage
    return Consistency(older, newer, tuple(map(to_base64, path)), now.text if newer == now.size else "")


def verify_growth(kept: str, *, public_key: str, prove: Callable[[int], Consistency]) -> Checkpoint:
    """The checkpoint of the ledger as it stands, once it is proved that the ledger of the checkpoint `kept` only grew into it.

    `prove` asks the ledger, which need not be trusted, for its proof from a size on; `public_key` is the line of its key.

    Raises:
        NotACheckpointError: `kept` is none. CheckpointBrokenError: the key did not sign one of the two.
        HistoryForkedError: the proof does not show it.
    """
    key = VerifierKey.parse(public_key)
    old = open_kept(kept, key)
    try:
        proof = prove(old.size)
    except NotFoundError as missing:
        raise _forked(f"the ledger does not have the {old.size} entries that it signs") from missing
    now = open_checkpoint(proof.checkpoint, key)
    try:
        path = [from_base64(step) for step in proof.path]
        check_consistency(path, older=(old.size, bytes.fromhex(old.root)), newer=(now.size, bytes.fromhex(now.root)))
    except ValueError as wrong:
        raise _forked(f"the first {old.size} of its {now.size} entries are not those that it signs") from wrong
    return now


def _forked(why: str) -> HistoryForkedError:
    return HistoryForkedError(
        f"The ledger does not extend the checkpoint that you kept: {why}. Its past was rewritten, or an older state put back. "
        "Keep the checkpoint as evidence, and run `modelward audit verify --since FILE` where the ledger lies."
    )
