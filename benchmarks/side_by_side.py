# SPDX-License-Identifier: Apache-2.0
"""Modelward beside other model servers: the same model, the same rows, the same load generator, one command.

Each server runs on core 0 and is asked from core 1. Before anything is timed, its answers to about 1,000 rows are compared with
those of ONNX Runtime. It is then asked in a closed loop by `wrk`, and in an open loop at twice what it can do. All that is once a
round, one server after the other, and the middle of the rounds counts, so that a machine whose speed wanders treats all alike.

    python benchmarks/side_by_side.py [--peers modelward,mosec] [--cells single-64,dear-64] [--rounds 2] [--seconds 3]

What was measured is kept as lines of JSON and not measured again: an interrupted run goes on where it was, and another round is
one more. `--fresh` begins anew. Needs `wrk` and `taskset`; the other servers are installed with pip into virtual environments
under `--place`, outside of the repository (3.5 GB for all of them). Traffic goes to 127.0.0.1 alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import wrk
from machine import ASKER_CORE, TOO_BUSY_CORES, calm, described, sync_milliseconds, watched
from open_loop import offer
from peers import DEAR, FOREST, PEERS, Peer, Served
from peers.checking import check
from peers.models import make_models
from peers.showing import BEGIN, END, put, tables
from peers.starting import Running, check_ledger, environment_of, running

OVERLOAD, DEADLINES = "overload", "overload-deadlines"
BODIES = 64
OVERLOAD_CONNECTIONS = 256


@dataclass(frozen=True)
class Cell:
    """A closed loop: rows a question, connections, and the model."""

    rows: int
    connections: int
    model: str = FOREST


CELLS = {
    "single-1": Cell(1, 1),
    "single-64": Cell(1, 64),
    "single-256": Cell(1, 256),
    "rows-32": Cell(32, 64),
    "dear-64": Cell(1, 64, DEAR),
}
ALL_CELLS = (*CELLS, OVERLOAD, DEADLINES)


class Kept:
    """The file of what was measured."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def add(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        with self._file.open("a") as sink:
            sink.write(json.dumps(line) + "\n")

    def missing(self, peer: str, cells: Sequence[str], *, lap: int) -> list[str]:
        there = {line["cell"] for line in self.lines if line["peer"] == peer and line["round"] == lap}
        return [cell for cell in cells if cell not in there]


class Measuring:
    """One peer that runs, and what is asked of it."""

    def __init__(self, peer: Peer, served: Served, server: Running, *, seconds: int) -> None:
        self._server = server
        self._seconds = seconds
        server.tree.favour()
        self._members = server.tree.members()
        self.answered = 0
        self._bodies = {rows: _bodies(peer, served, rows) for rows in (1, 32)}

    def closed(self, rows: int, connections: int, *, seconds: int | None = None) -> wrk.Told:
        url = self._server.url + self._server.path
        told = wrk.ask(url, self._bodies[rows], connections=connections, seconds=seconds or self._seconds, key=self._server.key)
        self.answered += told.requests - told.errors
        return told

    def cell(self, cell: Cell) -> dict[str, Any]:
        """The calmer of two measurements where the first was disturbed."""
        found: dict[str, Any] = {}
        for _ in range(2):
            calm()
            with watched(self._members) as use:
                told = self.closed(cell.rows, cell.connections)
            line = asdict(told) | {"per_second": told.answers_per_second, "rows_per_second": told.answers_per_second * cell.rows}
            line |= {"server_cores": use.server, "asker_cores": use.asker, "elsewhere_cores": use.elsewhere}
            if not found or line["elsewhere_cores"] < found["elsewhere_cores"]:
                found = line
            if found["elsewhere_cores"] <= TOO_BUSY_CORES:
                break
        resident, proportional = self._server.tree.memory_megabytes()
        return found | {"resident_megabytes": resident, "proportional_megabytes": proportional}

    def overload(self, *, with_deadlines: bool) -> dict[str, Any]:
        """Twice what it just did, in an open loop; and with deadlines, half of what an answer then took."""
        calm()
        peak = self.closed(1, OVERLOAD_CONNECTIONS)
        if not peak.answers_per_second:
            raise SystemExit(f"None of {peak.requests} questions on {OVERLOAD_CONNECTIONS} connections was answered.")
        headers = [f"Authorization: Bearer {self._server.key}"] if self._server.key else []
        deadline = max(1, round(peak.p50_ms / 2)) if with_deadlines else None
        if deadline is not None:
            headers.append(f"x-request-timeout-ms: {deadline}")
        with Peak(self._server) as memory, watched(self._members) as use:
            url = self._server.url + self._server.path
            rate = 2 * peak.answers_per_second
            found = offer(url, self._bodies[1], rate=rate, seconds=self._seconds, connections=OVERLOAD_CONNECTIONS, headers=headers)
        self.answered += found.good + found.late
        line = asdict(found) | {"peak_per_second": peak.answers_per_second, "deadline_ms": deadline}
        line |= {"server_cores": use.server, "elsewhere_cores": use.elsewhere}
        return line | {"resident_megabytes_before": memory.first, "resident_megabytes_peak": memory.most}


class Peak:
    """The most resident memory while something runs."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self.first = self.most = server.tree.memory_megabytes()[0]

    def __enter__(self) -> Peak:
        self._watch.start()
        return self

    def _look(self) -> None:
        while not self._ended.wait(0.5):
            self.most = max(self.most, self._server.tree.memory_megabytes()[0])

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()
        self.most = max(self.most, self._server.tree.memory_megabytes()[0])


def _bodies(peer: Peer, served: Served, rows: int) -> list[bytes]:
    count = len(served.rows)
    return [peer.wording.body([served.rows[(at * rows + row) % count] for row in range(rows)]) for at in range(BODIES)]


def measure(kept: Kept, name: str, cells: Sequence[str], *, lap: int, served: Served, seconds: int, place: Path) -> None:
    """One start of one peer, and the cells of one model. What a governed peer answered must be in its ledger."""
    peer = PEERS[name]
    print(f"round {lap}: {name}, {served.name}", file=sys.stderr)
    found = []
    with running(peer, served, place=place) as server:
        checked = check(server, peer.wording, served)
        measuring = Measuring(peer, served, server, seconds=seconds)
        resident, proportional = server.tree.memory_megabytes()
        start = {"ready_seconds": server.ready_seconds, "questions_checked": checked, "processes": len(server.tree.members())}
        start |= {"idle_resident_megabytes": resident, "idle_proportional_megabytes": proportional}
        measuring.closed(1, 64, seconds=2)
        for cell in cells:
            start["sync_ms"] = sync_milliseconds(place)
            told = measuring.cell(CELLS[cell]) if cell in CELLS else measuring.overload(with_deadlines=cell == DEADLINES)
            print(f"  {said(cell, start | told)}", file=sys.stderr)
            at = time.strftime("%Y-%m-%dT%H:%M:%S")
            found.append({"round": lap, "peer": name, "cell": cell, "model": served.name, "at": at, **start, **told})
        if server.home is not None:
            server.tree.end()
            check_ledger(server.home, least=measuring.answered + checked if peer.is_governed else 0)
    for line in found:
        kept.add(line)


def said(cell: str, told: dict[str, Any]) -> str:
    others = f"others {told['elsewhere_cores']:.2f} cores, disk {told['sync_ms']:.2f} ms"
    if cell in CELLS:
        return (
            f"{cell}: {told['per_second']:,.0f}/s, p50 {told['p50_ms']:.2f} ms, p99 {told['p99_ms']:.2f} ms, "
            f"{told['errors']} errors, {others}"
        )
    good = told["good_per_second"] / max(1.0, told["peak_per_second"])
    return f"{cell}: {good:.0%} of {told['peak_per_second']:,.0f}/s, refused {told['refused'] or 'nothing'}, {others}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=",".join(PEERS), help=f"some of {', '.join(PEERS)}")
    parser.add_argument("--cells", default=",".join(ALL_CELLS), help=f"some of {', '.join(ALL_CELLS)}")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=3, help="how long each cell is asked")
    parser.add_argument(
        "--place", type=Path, default=Path.home() / ".cache" / "modelward-side-by-side", help="for all that is made"
    )
    parser.add_argument("--fresh", action="store_true", help="forget what was measured")
    parser.add_argument("--install-only", action="store_true", help="make the environments and the models, and measure nothing")
    parser.add_argument("--page", type=Path, help=f"a page in Markdown: the tables go between its lines {BEGIN} and {END}")
    parser.add_argument("--show", action="store_true", help="print the tables of what was measured, and measure nothing")
    given = parser.parse_args()
    peers, cells = given.peers.split(","), given.cells.split(",")
    for named, known in ((peers, PEERS), (cells, ALL_CELLS)):
        if unknown := set(named) - set(known):
            parser.error(f"nothing is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    place = given.place.absolute()
    place.mkdir(parents=True, exist_ok=True)
    results = place / "results.jsonl"
    if given.fresh:
        results.unlink(missing_ok=True)
    kept = Kept(results)
    failed = []
    if not given.show:
        for name in peers:
            environment_of(PEERS[name], place / "environments")
        served = make_models(place / "models")
        if not given.install_only:
            failed = run(kept, peers, cells, rounds=given.rounds, seconds=given.seconds, served=served, place=place)
    found = tables(kept.lines, on=described())
    print(found)
    if given.page:
        put(found, given.page)
    if failed:
        raise SystemExit(f"Not measured in full: {', '.join(dict.fromkeys(failed))}. Run it again to fill the gaps.")


def run(
    kept: Kept, peers: Sequence[str], cells: Sequence[str], *, rounds: int, seconds: int, served: dict[str, Served], place: Path
) -> list[str]:
    """All that is missing, round by round; the peers of which something could not be measured. The others go on."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {ASKER_CORE})
    failed: list[str] = []
    for lap in range(1, rounds + 1):
        for name in peers:
            missing = kept.missing(name, cells, lap=lap)
            if not PEERS[name].is_modelward:
                missing = [cell for cell in missing if cell != DEADLINES]
            for model, asked in served.items():
                of_model = [cell for cell in missing if (CELLS[cell].model if cell in CELLS else FOREST) == model]
                if not of_model:
                    continue
                try:
                    measure(kept, name, of_model, lap=lap, served=asked, seconds=seconds, place=place)
                except (SystemExit, subprocess.CalledProcessError) as fault:
                    print(f"  nothing of {name}: {fault}", file=sys.stderr)
                    failed.append(name)
    return failed


if __name__ == "__main__":
    main()
