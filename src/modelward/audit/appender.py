# SPDX-License-Identifier: Apache-2.0
"""Appending: entries take their place behind the last one, the tree grows by them, and its new head is signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from modelward.audit import store
from modelward.audit.checkpoint import CheckpointSigner
from modelward.audit.entry import Draft, entry_bytes, timestamp
from modelward.audit.head import broken, head_row
from modelward.audit.merkle import EMPTY_ROOT, Frontier
from modelward.audit.request_key import RequestKey
from modelward.errors import RefusedError
from modelward.storage import RawConnection


class Appender:
    """Appends to one ledger, whose key is `secret`. `request_key` derives the key of a request's commitments."""

    def __init__(self, secret: bytes, request_key: Callable[[str], RequestKey]) -> None:
        self._secret = secret
        self._request_key = request_key
        self._signer: CheckpointSigner | None = None
        self._own_head: store.Head | None = None

    def begin(self, connection: RawConnection, origin: str) -> str:
        """Write the head of an empty log; its verifier key.

        Raises:
            InvalidError: `origin` cannot be the name of a log.
        """
        signer = self._signer_of(origin)
        store.create_head(connection, store.Head(origin, 0, b"", b"", signer.sign(0, EMPTY_ROOT)))
        return str(signer.key)

    def append(self, connection: RawConnection, drafts: Sequence[Draft]) -> int:
        """Append entries in the transaction that is open, in order, and return the index of the first.

        Raises:
            LedgerMissingError: there is no ledger. LedgerBrokenError: its head is not what its key signed; nothing is appended.
        """
        head, frontier = self._trusted_head(connection)
        if not drafts:
            return head.size
        at, leaf, leaves, values = timestamp(), head.last, list[bytes](), list[store.Value]()
        for index, draft in enumerate(drafts, head.size):
            request = draft.request
            key = draft.key or (self._request_key(request).digest if request else "")
            entry = entry_bytes(index, draft.body, at=at, key=key, previous=leaf.hex())
            leaf = sha256(b"\0" + entry).digest()
            leaves.append(leaf)
            values += index, entry, leaf, draft.event, draft.actor, draft.subject, request
        nodes = frontier.extend(leaves)
        checkpoint = self._signer_of(head.origin).sign(frontier.size, frontier.root())
        new = store.Head(head.origin, frontier.size, leaf, frontier.to_bytes(), checkpoint)
        store.append(connection, values, nodes=nodes, head=new)
        # If the transaction fails, the next head read is another one and is checked against its signature again.
        self._own_head = new
        return head.size

    def _trusted_head(self, connection: RawConnection) -> tuple[store.Head, Frontier]:
        # Appending signs what went before, so a head that is not ours is held against its signature first: Ed25519 is
        # deterministic, and signing again is five times quicker than verifying.
        head = head_row(connection)
        try:
            frontier = Frontier.of_bytes(head.size, head.frontier)
            if head != self._own_head and not self._is_signed(connection, head, frontier):
                raise ValueError("its head is not what its key signed")
        except (ValueError, RefusedError, store.RowsUnreadableError) as wrong:
            raise broken(str(wrong)) from wrong
        return head, frontier

    def _is_signed(self, connection: RawConnection, head: store.Head, frontier: Frontier) -> bool:
        last = store.hashes(connection, 0, head.size - 1, head.size)[0] if head.size else b""
        return head.last == last and head.checkpoint == self._signer_of(head.origin).sign(head.size, frontier.root())

    def _signer_of(self, origin: str) -> CheckpointSigner:
        if self._signer is None or self._signer.key.name != origin:
            self._signer = CheckpointSigner(origin, self._secret)
        return self._signer
