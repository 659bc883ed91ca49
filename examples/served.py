# SPDX-License-Identifier: Apache-2.0
"""Runs `modelward serve`, and waits until it answers."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx


class Served(NamedTuple):
    """A running service, and how long it took to be ready."""

    url: str
    process: subprocess.Popen[bytes]
    ready_seconds: float


@contextmanager
def served(home: Path) -> Iterator[Served]:
    """`modelward serve` on a free port, until the block ends."""
    began = time.perf_counter()
    command = [str(Path(sys.executable).with_name("modelward")), "serve", "--port", "0", "--home", str(home)]
    log = home.parent / "serve.log"
    with log.open("w") as sink:
        process = subprocess.Popen(command, stderr=sink)
    try:
        yield Served(address_in(log, process), process, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the service says it is, once it is ready."""
    for _ in range(400):
        if found := re.search(r"http://[\d.]+:\d+", log.read_text()):
            if is_ready(found[0]):
                return found[0]
        elif process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"The service did not start: {log.read_text()}")


def is_ready(url: str) -> bool:
    """Whether the service takes questions."""
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False
