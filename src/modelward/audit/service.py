# SPDX-License-Identifier: Apache-2.0
"""The ledger: what was done is recorded once, in order, and can be proved afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from modelward.audit import export, search, store
from modelward.audit.anchor import MENDING, Anchor
from modelward.audit.appender import Appender
from modelward.audit.checkpoint import Checkpoint, VerifierKey, open_kept, public_half
from modelward.audit.consistency import Consistency, prove_consistency
from modelward.audit.entry import Draft, LoggedEntry, read_entry
from modelward.audit.event import LEDGER_OPENED, Event
from modelward.audit.form import Form
from modelward.audit.head import LedgerBrokenError, LedgerMissingError, broken, head_row, signed_head
from modelward.audit.inclusion import prove_inclusion
from modelward.audit.merkle import subtree_root
from modelward.audit.receipt import write_receipt
from modelward.audit.request_key import RequestKey
from modelward.audit.verification import Findings, Verification
from modelward.audit.verifier import Found, Progress, Verifier, believed, silently
from modelward.audit.words import WordsHeld
from modelward.digest import KeyedDigest
from modelward.errors import ModelwardError, NotFoundError
from modelward.storage import Connection, Database, DatabaseDamagedError, Keyring, RawConnection, lent, raw

ENTRIES_LIMIT = 10_000
_PAGE = 1000
_ANCHOR_SECONDS = 1.0
_FOREIGN = " It is of another ledger, or this one was put in the place of the ledger that it is of."
_logger = logging.getLogger(__name__)


class ReceiptMissingError(NotFoundError):
    """No entry belongs to that request."""


class Ledger:
    """One append-only Merkle log (RFC 6962) in the database, its head signed as a C2SP checkpoint.

    `record` runs inside the caller's transaction: the change and its entry are written together or not at all. Every
    transaction leaves a signed checkpoint of the new size. `anchor` is the file that keeps the latest one outside.
    """

    def __init__(self, database: Database, keyring: Keyring, *, anchor: Path) -> None:
        self._database = database
        secret = keyring.secret("ledger")
        self._public = public_half(secret)
        self._appender = Appender(secret, self.request_key)
        self._digests = KeyedDigest(keyring.secret("digests"))
        self._anchor = Anchor(anchor)
        self._anchored_at = float("-inf")

    def create(self, origin: str, *, actor: str = "system") -> None:
        """Begin the ledger of a new home under the name `origin`, and anchor it. One that is there already is left as it is.

        Raises:
            InvalidError: `origin` cannot be the name of a log.
            LedgerBrokenError: a ledger was here, and its head or all of it is gone; none is begun over it.
        """
        with self._database.change() as connection:
            if not store.is_untouched(raw(connection)):
                head_row(raw(connection))
                return
            if self._anchor.read() is not None:
                raise broken(f"the checkpoint in {self._anchor.path} is of a ledger that is gone from the database")
            key = self._appender.begin(raw(connection), origin)
            self.record(connection, LEDGER_OPENED, actor=actor, subject=origin, facts={"public_key": key})
        self.anchor_now()

    def record(
        self,
        connection: Connection,
        event: Event,
        *,
        actor: str,
        subject: str,
        facts: Mapping[str, Any] | None = None,
        request: str = "",
    ) -> int:
        """Append one entry in the caller's transaction and return its index; see `record_all`."""
        return self.record_all(connection, [Draft(event, actor=actor, subject=subject, facts=facts, request=request)])

    def record_all(self, connection: Connection, drafts: Sequence[Draft]) -> int:
        """Append entries in the caller's transaction, in order, and return the index of the first.

        They are in the ledger once that transaction has committed. Facts hold digests, names and counts, never payloads.

        Raises:
            LedgerMissingError: there is no ledger. LedgerBrokenError: its head is not what its key signed; nothing is appended.
        """
        return self._appender.append(raw(connection), drafts)

    def commit(self, choose: Callable[[], Sequence[Draft]]) -> int:
        """`record_all` of what `choose` gives, in a transaction of its own: the entries are durable when this returns.

        It is asked once nobody else can write: what was wanted when the wait began may not be any more.

        Raises: as `record_all`, and whatever `Database.quick_change` raises; then none of them is in the ledger.
        """
        with self._database.quick_change() as connection:
            return self._appender.append(connection, choose())

    def request_key(self, request: str) -> RequestKey:
        """The key of one request's commitments, which commits to what was asked and answered."""
        return RequestKey(self._digests.raw(request.encode()))

    def form(self, event: Event, *, actor: str, subject: str, filled: Sequence[str], fixed: Mapping[str, Any]) -> Form:
        """What makes many drafts of one kind, which commit to what was asked and answered; see `Form`."""
        return Form(self._digests, event, actor=actor, subject=subject, filled=filled, fixed=fixed)

    def head(self) -> Checkpoint:
        """The signed checkpoint of the ledger as it stands.

        Raises:
            LedgerMissingError: there is no ledger. LedgerBrokenError: its key did not sign it.
        """
        with self._look() as connection:
            return signed_head(connection, self._public)

    def public_key(self) -> str:
        """The verifier key in one line: all that is needed to check receipts and checkpoints."""
        with self._look() as connection:
            return str(VerifierKey(head_row(connection).origin, self._public))

    def entries(
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
    ) -> list[LoggedEntry]:
        """Entries from index `since` on and before `until` that match every filter, at most `limit` and never more than 10,000.

        Raises:
            EntryUnreadableError: one of them is not what a ledger writes.
        """
        wanted = {"event": event, "actor": actor, "subject": subject, "request": request}
        with self._look() as connection:
            found = search.find(
                connection,
                columns={name: value for name, value in wanted.items() if value},
                since=since,
                until=until,
                limit=max(0, min(limit, ENTRIES_LIMIT)),
                newest_first=newest_first,
            )
        return [_logged(row) for row in found]

    def every(self, *, event: str, subject: str = "", since: int = 0) -> Iterator[LoggedEntry]:
        """All entries from index `since` on that match the filters, oldest first, however many they are.

        Raises:
            EntryUnreadableError: one of them is not what a ledger writes.
        """
        page = self.entries(event=event, subject=subject, since=since, limit=_PAGE, newest_first=False)
        yield from page
        while len(page) == _PAGE:
            page = self.entries(event=event, subject=subject, since=page[-1].index + 1, limit=_PAGE, newest_first=False)
            yield from page

    def receipt(self, request: str) -> str:
        """The receipt of the last entry that belongs to `request`, as tlog-proof text.

        Raises:
            ReceiptMissingError: no entry does. LedgerBrokenError: the ledger was tampered with, so that nothing can be proved.
        """
        with self._look() as connection:
            found = search.find(connection, columns={"request": request}, since=0, limit=1, newest_first=True) if request else []
            if not found:
                raise ReceiptMissingError(f"No entry of the ledger belongs to the request {request!r}. See `modelward audit log`.")
            row, checkpoint = found[0], signed_head(connection, self._public)
            path = prove_inclusion(connection, row, checkpoint)
        return write_receipt(row.entry, row.idx, key=self.request_key(request).secret, path=path, checkpoint=checkpoint.text)

    def proves(self, logged: LoggedEntry) -> bool:
        """Whether `logged` stands at its index under the signed root, as an entry that was read from a row may not."""
        with self._look() as connection:
            found = search.find(connection, columns={}, since=logged.index, limit=1, newest_first=False)
            try:
                if not found or _logged(found[0]) != logged:
                    return False
                prove_inclusion(connection, found[0], signed_head(connection, self._public))
            except LedgerBrokenError:
                return False
        return True

    def consistency(self, older: int, newer: int | None = None) -> Consistency:
        """The proof that the first `newer` entries, or all there are, begin with the first `older`.

        Raises:
            StateMissingError: the ledger never had so many. LedgerBrokenError: it was tampered with, so that nothing can be proved.
        """
        with self._look() as connection:
            return prove_consistency(connection, signed_head(connection, self._public), older=older, newer=newer)

    def verify(self, progress: Progress = silently, *, earlier: str | None = None) -> Verification:
        """Read everything and name each entry that was changed, removed, reordered, truncated or added without a signature.

        The head is held against its signature, against the anchor outside the database, and against `earlier`, a checkpoint
        that somebody kept. Damage never raises; it is reported.

        Raises:
            NotACheckpointError: `earlier` is none, which is no fault of the ledger.
        """
        findings = Findings()
        # The anchor is read first: it may lag behind the entries, never run before them.
        kept = self._anchored(findings)
        try:
            with self._look() as connection:
                head = self._head_for(connection, findings)
                # Without a head the anchor tells the name of the log; the key is ours in any case.
                key = VerifierKey(head.origin if head else (kept or "").partition("\n")[0], self._public)
                found = (
                    Found("the ledger's head", head.checkpoint if head else None),
                    Found(f"the file {self._anchor.path.name}", kept, self._anchor.advice),
                    Found("the checkpoint you kept", earlier, _FOREIGN, open_kept),
                )
                trusted = believed(found, key, findings)
                if head and store.spare_nodes(connection, head.size):
                    findings.add(None, "Roots are stored of blocks that the ledger has not completed; no ledger wrote them.")
                verifier = Verifier(head, trusted=trusted, stored=partial(_stored, connection), findings=findings)
                missing = partial(search.missing_words, connection)
                words = WordsHeld(missing, findings, until=head.size // store.BLOCK if head else 0)
                return verifier.run(words.watch(store.pages(connection)), progress)
        except DatabaseDamagedError as damage:
            findings.add(None, str(damage))
            return Verification(0, "", findings.sorted())

    def note_verified(self, found: Verification) -> None:
        """Note beside the anchor that somebody just verified it, where it was found sound."""
        if found.is_sound:
            self._anchor.note_verified(found.size)

    def last_verified(self) -> datetime | None:
        """When somebody last verified it here and found it sound, as far as is known: a note in the home, which proves nothing."""
        return self._anchor.last_verified()

    def export(self, folder: Path) -> int:
        """Write every entry, the checkpoint, the public key and how to verify them into a new `folder`; how many entries.

        Raises:
            FolderTakenError: the folder is there and not empty. LedgerBrokenError: the head is not what the key signed.
        """
        with self._look() as connection:
            checkpoint = signed_head(connection, self._public)
            return export.write(
                folder, store.pages(connection), checkpoint=checkpoint, key=VerifierKey(checkpoint.origin, self._public)
            )

    def anchor_now(self) -> bool:
        """Keep the latest checkpoint outside the database; whether it is kept.

        A checkpoint that is not of this ledger's past is left where it is, as evidence. That, and a disk that is full, is
        logged and not raised: `verify` will report it.
        """
        self._anchored_at = monotonic()
        try:
            # Read first: what another process keeps meanwhile may be newer than what is seen here, and no fault.
            kept = self._anchor.read()
            with self._look() as connection:
                now = signed_head(connection, self._public)
                is_past = partial(_is_past, connection, now)
                self._anchor.keep(now, VerifierKey(now.origin, self._public), kept=kept, is_past=is_past)
        except (ModelwardError, OSError) as fault:
            _logger.warning("The ledger could not be anchored: %s", fault)
            return False
        return True

    def anchor_when_due(self) -> bool:
        """`anchor_now`, at most once a second; whether it was due."""
        is_due = monotonic() - self._anchored_at >= _ANCHOR_SECONDS
        if is_due:
            self.anchor_now()
        return is_due

    def tend(self) -> None:
        """Keep the database's log short. What goes wrong is logged and not raised: nothing is lost by it."""
        try:
            self._database.tend()
        except ModelwardError as fault:
            _logger.warning("The database's log could not be copied back: %s", fault)

    @contextmanager
    def _look(self) -> Iterator[RawConnection]:
        with self._database.look() as connection:
            yield lent(connection)

    def _anchored(self, findings: Findings) -> str | None:
        try:
            kept = self._anchor.read()
        except OSError as fault:
            findings.add(
                None, f"The file {self._anchor.path.name} in the home cannot be read: {fault.strerror}. Check whose it is."
            )
            return None
        if kept is None:
            findings.add(None, f"The file {self._anchor.path.name} is missing from the home; {MENDING}")
        return kept

    def _head_for(self, connection: RawConnection, findings: Findings) -> store.Head | None:
        try:
            return head_row(connection)
        except (LedgerBrokenError, LedgerMissingError) as damage:
            findings.add(None, f"The ledger has no head: {damage}")
            return None


def _logged(row: store.Row) -> LoggedEntry:
    # What is not even bytes reads as nothing, which is no entry.
    entry, leaf = (value if isinstance(value, bytes) else b"" for value in (row.entry, row.leaf))
    return LoggedEntry(row.idx, leaf.hex(), read_entry(entry))


def _is_past(connection: RawConnection, now: Checkpoint, past: Checkpoint) -> bool:
    try:
        return past.size <= now.size and subtree_root(partial(store.hashes, connection), 0, past.size).hex() == past.root
    except store.RowsUnreadableError:
        return False


def _stored(connection: RawConnection, level: int, index: int) -> bytes | None:
    try:
        return store.hashes(connection, level, index, index + 1)[0]
    except store.RowsUnreadableError:
        return None
