# SPDX-License-Identifier: Apache-2.0
"""What an entry costs the ledger, durable and with its commitments; what a search and a verification cost.

    python benchmarks/ledger.py [--folder FOLDER] [--grown 1000000] [--seconds 60] [PART …]

The parts, all by default: `groups` (CPU and time of a commit, by the entries in it, in a new ledger and in a grown one), `callers`
(many who wait at once), `processes` (one and two that append at once), `busy` (a commit beside a thread that never rests), `log`
(how far the write-ahead log grows under full load), `searches`, `verify`. The folder decides which disk is measured.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelward.audit import Draft, Event, GroupCommit, Ledger
from modelward.serving import new_request_id
from modelward.storage import Database, Keyring

ANSWERED = Event("inference.answered", "An answer that nobody asked for.")
PROMOTED = Event("release.promoted", "A release of nothing.")
PARTS = ("groups", "callers", "processes", "busy", "log", "searches", "verify")
SECRETS = {"ledger": hashlib.sha256(b"ledger").digest(), "digests": hashlib.sha256(b"digests").digest()}
QUESTION, ANSWER, VERSION = b"q" * 220, b"a" * 160, "c" * 64


def open_ledger(folder: Path) -> Ledger:
    path = folder / "keys.json"
    keyring = Keyring.open(path) if path.exists() else Keyring.create(path, secrets=SECRETS)
    database = Database(f"sqlite:///{folder / 'modelward.db'}")
    database.create_tables()
    ledger = Ledger(database, keyring, anchor=folder / "ledger.checkpoint")
    ledger.create("modelward/benchmark")
    return ledger


class Answers:
    """Entries of answers, with all that they take: id, key, two commitments."""

    def __init__(self, ledger: Ledger) -> None:
        self._forms = [
            ledger.form(
                ANSWERED,
                actor=f"service:till-{number % 20}",
                subject=f"income-{number % 10}:3",
                filled=("rows", "milliseconds"),
                fixed={"version": VERSION, "credential": f"k-{number % 20}"},
            )
            for number in range(20)
        ]

    def drafts(self, count: int) -> list[Draft]:
        return [self._forms[number % 20].draft(new_request_id(), QUESTION, ANSWER, b"1", b"0.731") for number in range(count)]


class Bunch:
    """So many answers handed in together."""

    def __init__(self, drafts: Sequence[Draft], done: Callable[[int | Exception], object]) -> None:
        self._drafts = drafts
        self._done = done

    def drafts(self) -> Sequence[Draft]:
        return self._drafts

    def done(self, first: int | Exception, _entries: int) -> None:
        self._done(first)


def shown(seconds: list[float]) -> str:
    """Median and the like, in microseconds."""
    ordered = sorted(seconds)
    p50, p99 = (ordered[len(ordered) * part // 100] * 1e6 for part in (50, 99))
    return f"p50 {p50:7,.0f}  p99 {p99:7,.0f}  max {ordered[-1] * 1e6:8,.0f} us"


def grow(ledger: Ledger, entries: int) -> None:
    """Append so many, one in five thousand of them about a release."""
    answers = Answers(ledger)
    for start in range(ledger.head().size, entries, 1000):
        drafts = answers.drafts(1000)
        if start // 1000 % 5 == 0:
            drafts[500] = Draft(PROMOTED, actor=f"person:{start % 7}", subject=f"income-{start % 9}:3", facts={"release": "r-1"})
        ledger.commit(drafts.copy)
        if start // 1000 % 10 == 0:
            ledger.tend()


def groups(ledger: Ledger) -> None:
    """One thread commits one group after the other, and makes their drafts."""
    answers = Answers(ledger)
    for size in (1, 16, 32, 64, 256):
        cpu, wall = [], []
        for number in range(max(60, min(500, 12_000 // size))):
            spent = time.thread_time()
            drafts = answers.drafts(size)
            made = time.perf_counter()
            ledger.commit(drafts.copy)
            cpu.append(time.thread_time() - spent)
            wall.append(time.perf_counter() - made)
            if number % 50 == 0:
                ledger.tend()
        cpu.sort()
        entry = [cpu[len(cpu) * part // 100] / size * 1e6 for part in (10, 50)]
        print(f"  groups of {size:4}: CPU an entry p10 {entry[0]:6.1f}  p50 {entry[1]:6.1f} us; commit {shown(wall)}", flush=True)


def callers(ledger: Ledger) -> None:
    """So many in flight, each of whom waits until its entry is durable."""
    answers = Answers(ledger)
    for count in (1, 16, 64, 256):
        entries, free, waits, sizes = 1_000 if count == 1 else 30_000, threading.Semaphore(count), [], []
        commits = GroupCommit(ledger, on_commit=lambda _seconds, entries, sizes=sizes: sizes.append(entries))
        commits.start()
        began, spent = time.perf_counter(), time.process_time()

        def told(_outcome: int | Exception, since: float, waits: list[float] = waits, free: threading.Semaphore = free) -> None:
            waits.append(time.perf_counter() - since)
            free.release()

        for _ in range(entries):
            free.acquire()
            now = time.perf_counter()
            commits.submit(Bunch(answers.drafts(1), lambda outcome, now=now: told(outcome, now)))
        commits.close()
        rate, cpu = entries / (time.perf_counter() - began), (time.process_time() - spent) / entries * 1e6
        grouped = f"{entries / len(sizes):5.1f} entries a commit"
        print(
            f"  {count:3} callers: {rate:9,.0f} entries/s, {cpu:6.1f} us CPU an entry, {grouped}; wait {shown(waits)}", flush=True
        )


APPENDING = """
import sys, time
sys.path.insert(0, sys.argv[4])
from pathlib import Path
import ledger as bench
opened = bench.open_ledger(Path(sys.argv[1]))
size, seconds = int(sys.argv[2]), float(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
count, stop = bench.hand_in(opened, size, seconds=seconds)
print(count, time.process_time(), flush=True)
"""


def hand_in(ledger: Ledger, size: int, *, seconds: float, commit_seconds: list[float] | None = None) -> tuple[int, float]:
    """Hand in bunches of `size`, four waiting at most; how many entries became durable, and in how many seconds."""
    free, durable, answers = threading.Semaphore(4), [], Answers(ledger)

    def told(outcome: int | Exception) -> None:
        if isinstance(outcome, int):
            durable.append(outcome)
        free.release()

    commits = GroupCommit(
        ledger, on_commit=None if commit_seconds is None else lambda seconds, _entries: commit_seconds.append(seconds)
    )
    commits.start()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        free.acquire()
        commits.submit(Bunch(answers.drafts(size), told))
    commits.close()
    return len(durable) * size, time.perf_counter() - began


def processes(folder: Path) -> None:
    """One and two processes that append at once, as fast as they can."""
    for size in (16, 64):
        for count in (1, 2):
            command = [sys.executable, "-c", APPENDING, str(folder), str(size), "5", str(Path(__file__).parent)]
            started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
            for process in started:
                process.stdout.readline()
            told = []
            for process in started:
                process.stdin.write("go\n")
                process.stdin.flush()
            told = [process.communicate(timeout=30)[0].split() for process in started]
            done = [int(entries) for entries, _ in told]
            print(f"  {count} processes, bunches of {size:2}: {sum(done) / 5:9,.0f} entries/s (each {done})", flush=True)


@contextmanager
def spinning() -> Iterator[None]:
    """A thread that never gives up the interpreter lock by itself, as a busy event loop nearly does."""
    stop = threading.Event()

    def spin() -> None:
        turns = 0
        while not stop.is_set():
            turns += 1

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def busy(ledger: Ledger) -> None:
    """How long a commit takes beside a thread that spins, at several switch intervals of the interpreter."""
    usual, answers = sys.getswitchinterval(), Answers(ledger)
    for size in (16, 64):
        for interval in (0.005, 0.001, 0.0005):
            sys.setswitchinterval(interval)
            taken: list[float] = []
            with spinning():
                for _ in range(60):
                    drafts = answers.drafts(size)
                    began = time.perf_counter()
                    ledger.commit(drafts.copy)
                    taken.append(time.perf_counter() - began)
            print(f"  groups of {size:2}, switch interval {interval * 1e3:3.1f} ms: commit {shown(taken)}", flush=True)
    sys.setswitchinterval(usual)


def log(ledger: Ledger, folder: Path, *, seconds: float) -> None:
    """How long the write-ahead log becomes while entries are handed in without a pause."""
    stop, sizes, taken = threading.Event(), [0], list[float]()

    def watch() -> None:
        while not stop.wait(0.05):
            sizes.append((folder / "modelward.db-wal").stat().st_size)

    thread = threading.Thread(target=watch)
    thread.start()
    count, spent = hand_in(ledger, 32, seconds=seconds, commit_seconds=taken)
    stop.set()
    thread.join()
    print(
        f"  {count / spent:,.0f} entries/s for {spent:.0f} s; log {max(sizes) / 1e6:.1f} MB at most; commit {shown(taken)}",
        flush=True,
    )


def searches(ledger: Ledger) -> None:
    """What `modelward audit log` asks for, and a receipt."""
    last = ledger.entries(limit=1)[0].entry
    for wanted in (
        {"event": PROMOTED.name},
        {"event": ANSWERED.name},
        {"event": "release.paused"},
        {"actor": "person:3"},
        {"actor": "service:till-3"},
        {"actor": "nobody"},
        {"subject": "income-2:3", "event": PROMOTED.name},
        {"actor": "person:3", "event": ANSWERED.name},
        {"request": last.request},
    ):
        taken = []
        for _ in range(3):
            began = time.perf_counter()
            found = len(ledger.entries(**wanted))  # type: ignore[arg-type]  # the names are those of its arguments
            taken.append(time.perf_counter() - began)
        print(f"  {' '.join(f'{name}={value[:24]}' for name, value in wanted.items()):50} {found:4} in {min(taken) * 1e3:6.1f} ms")
    began = time.perf_counter()
    ledger.receipt(last.request)
    print(f"  a receipt in {(time.perf_counter() - began) * 1e3:.1f} ms")


def verify(ledger: Ledger, folder: Path) -> None:
    """Read everything."""
    began = time.perf_counter()
    found = ledger.verify()
    spent = time.perf_counter() - began
    print(f"  {found.size:,} entries in {spent:.2f} s, {found.size / spent:,.0f} entries/s, {len(found.faults)} faults")
    print(f"  {(folder / 'modelward.db').stat().st_size / found.size:.0f} bytes an entry")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--folder", type=Path, help="where the ledgers are made")
    parser.add_argument("--grown", type=int, default=1_000_000, help="entries of the grown ledger")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the full load on the log lasts")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        for title, entries in (("a new ledger", 0), (f"a ledger of {asked.grown:,} entries", asked.grown)):
            folder = Path(place) / str(entries)
            folder.mkdir()
            ledger = open_ledger(folder)
            if entries:
                print(f"growing to {entries:,} …", flush=True)
                grow(ledger, entries)
            for part in asked.parts:
                print(f"{part}, in {title}" + (f", load {os.getloadavg()[0]:.1f}" if part != "verify" else ""), flush=True)
                if part in ("processes",):
                    processes(folder)
                elif part == "log":
                    log(ledger, folder, seconds=asked.seconds if entries else 3)
                elif part == "verify":
                    verify(ledger, folder)
                else:
                    {"groups": groups, "callers": callers, "busy": busy, "searches": searches}[part](ledger)


if __name__ == "__main__":
    main()
