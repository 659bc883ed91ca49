# SPDX-License-Identifier: Apache-2.0
"""That an entry is under the signed root, from what the database holds."""

from __future__ import annotations

from functools import partial

from modelward.audit import store
from modelward.audit.checkpoint import Checkpoint
from modelward.audit.head import broken
from modelward.audit.merkle import inclusion_proof, leaf_hash, root_from_inclusion
from modelward.storage import RawConnection


def prove_inclusion(connection: RawConnection, row: store.Row, checkpoint: Checkpoint) -> list[bytes]:
    """The hashes that lead from an entry to the signed root.

    Raises:
        LedgerBrokenError: they do not lead there.
    """
    try:
        path = inclusion_proof(partial(store.hashes, connection), row.idx, checkpoint.size)
        proven = root_from_inclusion(leaf_hash(row.entry), row.idx, size=checkpoint.size, path=path).hex()
    except (store.RowsUnreadableError, ValueError, TypeError) as damage:
        raise broken(f"entry {row.idx} cannot be proved, {damage}") from damage
    if proven != checkpoint.root:
        raise broken(f"entry {row.idx} is not under the signed root")
    return path
