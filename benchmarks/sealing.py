# SPDX-License-Identifier: Apache-2.0
"""What sealing takes: a stream sealed and unsealed, beside AES-256-GCM alone over the same bytes on the same core.

Both sides take pieces of 1 MiB out of memory, in alternating rounds; the median of the rounds' ratios is told. Then a stream of
several GB is sealed and unsealed in one go, by a process of its own, whose memory is looked at.

    python benchmarks/sealing.py --rounds 31 --gigabytes 4.5 --json figures.json
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from machine import described

from modelward.storage import Sealer, as_stream

PIECE_BYTES = 1 << 20
ROUND_BYTES = 256 * PIECE_BYTES
BOUND = b"bound"
LABEL = "version income:1 model.onnx"


class Zeros(io.RawIOBase):
    """So many zero bytes, made as they are asked for."""

    def __init__(self, size: int) -> None:
        self.left = size
        self._piece = bytes(PIECE_BYTES)

    def read(self, size: int = -1) -> bytes:
        given = min(size, self.left)
        self.left -= given
        return self._piece if given == PIECE_BYTES else bytes(given)


def seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


class Pieces:
    """What both sides work on: plaintext, and the same sealed in pieces by AES-256-GCM alone, and as one stream of ours."""

    def __init__(self) -> None:
        self.data = os.urandom(PIECE_BYTES) * (ROUND_BYTES // PIECE_BYTES)
        self.cipher, self.sealer = AESGCM(os.urandom(32)), Sealer(LABEL)
        self.nonces = [number.to_bytes(12, "big") for number in range(ROUND_BYTES // PIECE_BYTES)]
        view = memoryview(self.data)
        self.plain = [view[place : place + PIECE_BYTES] for place in range(0, ROUND_BYTES, PIECE_BYTES)]
        self.bare = [self.cipher.encrypt(nonce, piece, BOUND) for nonce, piece in zip(self.nonces, self.plain, strict=True)]
        self.ours = b"".join(self.sealer.seal(io.BytesIO(self.data)))

    def bare_round(self) -> tuple[float, float]:
        """Seconds of encrypting and of decrypting piece after piece in memory, and nothing else."""

        def encrypt() -> None:
            for nonce, piece in zip(self.nonces, self.plain, strict=True):
                self.cipher.encrypt(nonce, piece, BOUND)

        def decrypt() -> None:
            for nonce, piece in zip(self.nonces, self.bare, strict=True):
                self.cipher.decrypt(nonce, piece, BOUND)

        return seconds(encrypt), seconds(decrypt)

    def our_round(self) -> tuple[float, float]:
        """Seconds of sealing and of unsealing."""
        return (
            seconds(lambda: deque(self.sealer.seal(io.BytesIO(self.data)), maxlen=0)),
            seconds(lambda: deque(self.sealer.unseal(io.BytesIO(self.ours)), maxlen=0)),
        )


def ratios(rounds: int) -> dict[str, float]:
    pieces = Pieces()
    found: dict[str, list[float]] = {"sealing": [], "unsealing": [], "ours": [], "bare": []}
    for number in range(rounds + 1):
        sides = {}
        for side in ("bare", "ours") if number % 2 else ("ours", "bare"):
            sides[side] = pieces.bare_round() if side == "bare" else pieces.our_round()
        if number:  # the first one warms up
            found["sealing"].append(sides["bare"][0] / sides["ours"][0])
            found["unsealing"].append(sides["bare"][1] / sides["ours"][1])
            found["ours"].append(ROUND_BYTES / sides["ours"][0] / 1e9)
            found["bare"].append(ROUND_BYTES / sides["bare"][0] / 1e9)
    return {name: statistics.median(each) for name, each in found.items()}


def peak_mib() -> float:
    """The most memory that this process ever had at once."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def long_stream(gigabytes: float) -> dict[str, float]:
    """Peak memory beyond what the process had before, in MiB, over a stream that is sealed and unsealed as it comes."""
    size = int(gigabytes * 1e9)
    sealer = Sealer(LABEL)
    before = peak_mib()
    began, total = time.monotonic(), 0
    for piece in sealer.unseal(as_stream(sealer.seal(Zeros(size)))):
        total += len(piece)
    if total != size:
        raise SystemExit(f"{total} bytes came out, of {size}")
    return {"gigabytes": gigabytes, "extra_mib": peak_mib() - before, "seconds": time.monotonic() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=31, help="pairs of rounds")
    parser.add_argument("--gigabytes", type=float, default=4.5, help="length of the long stream")
    parser.add_argument("--json", type=Path, help="where to put the figures")
    parser.add_argument("--long-stream", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.long_stream:
        print(json.dumps(long_stream(given.gigabytes)))
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    figures = ratios(given.rounds)
    command = [sys.executable, __file__, "--long-stream", "--gigabytes", str(given.gigabytes)]
    long = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    on = described()
    print(f"{on['processor']}, {on['system']}, one core; medians of {given.rounds} alternating rounds of {ROUND_BYTES >> 20} MiB\n")
    print("| | share of AES-256-GCM alone |\n|---|--:|")
    print(f"| sealing | {figures['sealing']:.1%} |\n| unsealing | {figures['unsealing']:.1%} |\n")
    print(f"Sealing: {figures['ours']:.2f} GB/s; AES-256-GCM alone: {figures['bare']:.2f} GB/s.")
    print(f"A stream of {long['gigabytes']} GB: {long['extra_mib']:.1f} MiB more memory, {long['seconds']:.0f} s.")
    if given.json:
        given.json.write_text(json.dumps({"on": on, "ratios": figures, "long": long}, indent=2) + "\n")


if __name__ == "__main__":
    main()
