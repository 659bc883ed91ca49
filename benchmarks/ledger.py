# SPDX-License-Identifier: Apache-2.0
"""How fast the ledger appends, durably, at several group sizes, and how fast it verifies.

    python benchmarks/ledger.py [FOLDER]

The folder decides which disk is measured; by default it is a temporary one.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Semaphore

from modelward.audit import Draft, Event, GroupCommit, Ledger
from modelward.storage import Database, Keyring

ANSWERED = Event("benchmark.answered", "An answer that nobody asked for.")


def open_ledger(folder: Path) -> Ledger:
    keyring = Keyring.create(folder / "keys.json", secrets={"ledger": secrets.token_bytes(32), "digests": secrets.token_bytes(32)})
    database = Database(f"sqlite:///{folder / 'modelward.db'}")
    database.create_tables()
    ledger = Ledger(database, keyring, anchor=folder / "ledger.checkpoint")
    ledger.create("modelward/benchmark")
    return ledger


def draft(number: int) -> Draft:
    facts = {"input": "a" * 64, "output": "b" * 64, "rows": 1, "version": "c" * 64, "credential": "k-1", "milliseconds": 0.731}
    return Draft(ANSWERED, actor="service:till", subject="income:3", facts=facts, request=f"{number:016x}{secrets.token_hex(8)}")


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def append_in_groups(ledger: Ledger, size: int, *, entries: int) -> float:
    """Microseconds an entry, making the draft included."""

    def work() -> None:
        for start in range(0, entries, size):
            group = [draft(start + place) for place in range(size)]
            ledger.commit(group.copy)

    return seconds(work) / entries * 1e6


def append_with_callers(ledger: Ledger, callers: int, *, entries: int) -> float:
    """Microseconds an entry, with this many callers in flight, each of whom waits until its entry is durable."""
    commits, free = GroupCommit(ledger), Semaphore(callers)
    commits.start()

    def work() -> None:
        for number in range(entries):
            free.acquire()
            commits.submit(draft(number), lambda _outcome: free.release())
        commits.close()

    return seconds(work) / entries * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        ledger = open_ledger(Path(folder))
        for size, entries in ((1, 2_000), (10, 20_000), (64, 64_000), (100, 100_000), (1000, 100_000)):
            cost = append_in_groups(ledger, size, entries=entries)
            print(f"groups of {size:4}: {cost:7.1f} us an entry, {1e6 / cost:9,.0f} entries/s")
        for callers in (1, 64, 256):
            cost = append_with_callers(ledger, callers, entries=20_000 if callers > 1 else 2_000)
            print(f"{callers:3} callers in flight: {cost:7.1f} us an entry, {1e6 / cost:9,.0f} entries/s")
        size = ledger.head().size
        spent = seconds(ledger.verify)
        print(f"verify: {size:,} entries in {spent:.2f} s, {size / spent:,.0f} entries/s")
        request = ledger.entries(since=size // 3, limit=1, newest_first=False)[0].entry.request
        print(f"receipt: {seconds(lambda: ledger.receipt(request)) * 1e3:.1f} ms")
        print(f"database: {(Path(folder) / 'modelward.db').stat().st_size / size:.0f} bytes an entry")


if __name__ == "__main__":
    main()
