# SPDX-License-Identifier: Apache-2.0
"""What `modelward serve` does on one core, with governance on: key checked, rows checked, and each answer's ledger entry durable
(SQLite, `synchronous=FULL`) before the answer leaves.

Real models are trained, released and served from a temporary home. The server runs on core 0 and the load generator `wrk` on
core 1, closed loop, 64 different one-row questions in turn. Before anything is timed, online answers are compared with offline
ones; afterwards the ledger is verified and must hold every answer.

    python benchmarks/serving.py [--models forest,gradient-boosting] [--connections 64,1] [--seconds 8] [--json FILE]

It needs `wrk`; without `taskset` nothing is pinned. `modelward bench` asks any service with a Python client instead.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import io
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import wrk
from machine import SERVER_CORE, described, favour, free_port, pinned, watched

from modelward.access import Role, local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.datasets import SAMPLES, fetch_sample
from modelward.settings import Settings
from modelward.training import parse_spec

POLICY = "name: bench\nrules:\n  - rule: signed\n"
BODIES = 64
CHECKED_ROWS = 200
PREDICT = "/v1/models/{model}/predict"
BY = local_actor()


@dataclass(frozen=True)
class Subject:
    """A model to measure: what it is trained on, and how."""

    title: str
    dataset: str
    target: str
    candidate: str


SUBJECTS = {
    "forest": Subject("random forest, 100 trees, 30 numbers", "breast-cancer", "diagnosis", "random-forest: {trees: 100}"),
    "logistic-regression": Subject("logistic regression, 14 features", "adult", "income", "logistic-regression"),
    "gradient-boosting": Subject("gradient boosting, 14 features", "adult", "income", "gradient-boosting"),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One measurement. `elsewhere_cores` is what others used of the machine meanwhile: above 0.2 the figures are too low."""

    model: str
    connections: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    requests: int
    server_microseconds_per_request: float
    elsewhere_cores: float


def breast_cancer(folder: Path) -> Path:
    """The table that ships with scikit-learn, as CSV."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    place = folder / "breast-cancer.csv"
    with place.open("w", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow([*(name.replace(" ", "_") for name in found.feature_names), "diagnosis"])
        writer.writerows([*row, found.target_names[label]] for row, label in zip(found.data.tolist(), found.target, strict=True))
    return place


def make_live(house: Platform, name: str, folder: Path) -> Path:
    """Train and release one subject; the file with rows to ask it."""
    subject = SUBJECTS[name]
    file = breast_cancer(folder) if subject.dataset == "breast-cancer" else fetch_sample(subject.dataset, folder)
    if subject.dataset not in {each.name for each in house.datasets.list(by=BY)}:
        sensitive = SAMPLES[subject.dataset].sensitive if subject.dataset in SAMPLES else ()
        told = {"target": subject.target, "sensitive": sensitive, "purpose": "measuring speed", "owner": "nobody"}
        house.datasets.add(subject.dataset, [file], by=BY, **told)
    split = "{by: stratified, test: 0.2, validation: 0.1, seed: 7}"
    data = f"{{dataset: {subject.dataset}, target: {subject.target}, split: {split}}}"
    spec = f"model: {name}\ndata: {data}\ncandidates: [{subject.candidate}]\n"
    run = house.training.train(parse_spec(spec), by=BY)
    house.releases.promote(house.releases.propose(run.versions[0], policy="bench", by=BY).id, by=BY)
    return file


def sample_rows(house: Platform, name: str, file: Path, folder: Path) -> tuple[list[dict[str, Any]], list[float]]:
    """Rows to ask, and the first probability that offline prediction gives to each."""
    interface = house.registry.find(house.releases.released(name, by=BY), by=BY).interface
    with file.open(newline="") as lines:
        table = list(csv.DictReader(lines))
    chosen = random.Random(0).sample(table, CHECKED_ROWS)
    part = folder / f"{name}-rows.csv"
    with part.open("w", newline="") as sink:
        writer = csv.DictWriter(sink, list(chosen[0]))
        writer.writeheader()
        writer.writerows(chosen)
    answers = csv.DictReader(io.StringIO(house.serving.predict_file(name, part, by=BY).payload.decode()))
    missing = {"", "?"}
    rows = [
        {
            feature.name: None
            if row[feature.name] in missing
            else float(row[feature.name])
            if feature.kind == "number"
            else row[feature.name]
            for feature in interface.features
        }
        for row in chosen
    ]
    return rows, [float(answer[f"probability_{interface.classes[0]}"]) for answer in answers]


class Server:
    """`modelward serve` on core 0."""

    def __init__(self, home: Path, log: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "modelward", "serve", "--home", str(home), "--port", str(port)]
        self._log = log.open("w")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [*pinned(SERVER_CORE), *command], stdout=self._log, stderr=self._log, start_new_session=True
        )
        favour(self.process.pid)
        while not is_ready(port):
            if self.process.poll() is not None:
                raise SystemExit(f"The server ended: {log.read_text()}")
            time.sleep(0.002)
        self.ready_seconds = time.perf_counter() - began
        self.seen = psutil.Process(self.process.pid)

    @property
    def resident_megabytes(self) -> float:
        return self.seen.memory_info().rss / 1e6

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._log.close()
        return code


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def check(url: str, key: str, model: str, *, rows: Sequence[dict[str, Any]], expected: Sequence[float]) -> None:
    """Online answers, one by one and together, are the offline ones."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=30) as http:
        for size in (1, 50):
            seen: list[float] = []
            for at in range(0, len(rows), size):
                told = http.post(PREDICT.format(model=model), json={"rows": rows[at : at + size]}).raise_for_status().json()
                seen += [next(iter(each["probabilities"].values())) for each in told["predictions"]]
            if seen != list(expected):
                wrong = sum(one != other for one, other in zip(seen, expected, strict=True))
                raise SystemExit(f"{model}: {wrong} of {len(expected)} answers differ from offline ones. Nothing is timed.")


def load(server: Server, key: str, model: str, *, rows: Sequence[dict[str, Any]], connections: int, seconds: int) -> Cell:
    """Ask for `seconds`, and report what came of it."""
    url = f"{server.url}{PREDICT.format(model=model)}"
    with watched([server.seen]) as use:
        bodies = [msgspec.json.encode({"rows": [row]}) for row in rows[:BODIES]]
        told = wrk.ask(url, bodies, connections=connections, seconds=seconds, key=key)
    return Cell(
        model=model,
        connections=connections,
        requests_per_second=told.requests / told.seconds,
        p50_ms=told.p50_ms,
        p99_ms=told.p99_ms,
        errors=told.errors,
        requests=told.requests,
        server_microseconds_per_request=use.server_seconds / max(1, told.requests) * 1e6,
        elsewhere_cores=use.elsewhere,
    )


def import_seconds() -> float:
    """What `import modelward` adds to the start of Python; the middle of five pairs."""

    def start(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    return max(0.0, statistics.median(start("import modelward") - start("pass") for _ in range(5)))


def run(models: Sequence[str], *, connections: Sequence[int], seconds: int, folder: Path) -> dict[str, Any]:
    """Build, serve, check, load, verify."""
    settings = Settings(home=folder / ".modelward")
    create_home(settings)
    house = open_platform(settings)
    house.releases.policies.put(POLICY, by=BY)
    rows = {}
    for model in models:
        print(f"training {SUBJECTS[model].title} …", file=sys.stderr)
        rows[model] = sample_rows(house, model, make_live(house, model, folder), folder)
    key = house.access.create_key("bench", role=Role.CALLER, by=BY).secret
    starts = []
    for _ in range(3):
        server = Server(settings.home, folder / "server.log")
        starts.append(server.ready_seconds)
        server.end()
    server = Server(settings.home, folder / "server.log")
    idle, cells = server.resident_megabytes, []
    for model, (asked, expected) in rows.items():
        check(server.url, key, model, rows=asked, expected=expected)
        load(server, key, model, rows=asked, connections=64, seconds=1)
        for count in connections:
            print(f"asking {model} on {count} connections for {seconds} s …", file=sys.stderr)
            cells.append(load(server, key, model, rows=asked, connections=count, seconds=seconds))
    peak = server.resident_megabytes
    if server.end() != 0:
        raise SystemExit(f"The server did not end well: {(folder / 'server.log').read_text()}")
    recorded = sum(1 for _ in entries(house))
    if recorded < sum(cell.requests for cell in cells) or not house.ledger.verify().is_sound:
        raise SystemExit("The ledger does not hold every answer. These figures are void.")
    house.close()
    return {
        "machine": described(),
        "ready_seconds": statistics.median(starts),
        "resident_megabytes": {"idle": idle, "after_load": peak},
        "import_seconds": import_seconds(),
        "cells": [asdict(cell) for cell in cells],
        "ledger_entries_verified": recorded,
    }


def entries(house: Platform) -> Iterator[object]:
    """Every answer on record."""
    since = 0
    while page := house.ledger.entries(event="inference.answered", since=since, limit=10_000, newest_first=False):
        yield from page
        since = page[-1].index + 1


def show(found: dict[str, Any]) -> None:
    print("\n".join(found["machine"].values()))
    memory, models = found["resident_megabytes"], len({cell["model"] for cell in found["cells"]})
    print(
        f"ready {found['ready_seconds']:.2f} s after start, {models} models live · import modelward {found['import_seconds']:.3f} s"
    )
    print(f"resident {memory['idle']:.0f} MB idle, {memory['after_load']:.0f} MB after load")
    print(f"{found['ledger_entries_verified']:,} answers on record, ledger verified\n")
    print("| model | connections | requests/s | p50 ms | p99 ms | errors | server CPU µs a request | others' cores |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for cell in found["cells"]:
        latencies = f"{cell['p50_ms']:.2f} | {cell['p99_ms']:.2f} | {cell['errors']}"
        costs = f"{cell['server_microseconds_per_request']:.0f} | {cell['elsewhere_cores']:.2f}"
        title, rate = SUBJECTS[cell["model"]].title, f"{cell['requests_per_second']:,.0f}"
        print(f"| {title} | {cell['connections']} | {rate} | {latencies} | {costs} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(SUBJECTS), help=f"some of {', '.join(SUBJECTS)}")
    parser.add_argument("--connections", default="64,1")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--json", type=Path, help="file for the figures as JSON")
    given = parser.parse_args()
    models, connections = given.models.split(","), [int(count) for count in given.connections.split(",")]
    if unknown := set(models) - set(SUBJECTS):
        parser.error(f"no model is called {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    with tempfile.TemporaryDirectory(prefix="modelward-bench-") as folder:
        found = run(models, connections=connections, seconds=given.seconds, folder=Path(folder))
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    show(found)


if __name__ == "__main__":
    main()
