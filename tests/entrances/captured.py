# SPDX-License-Identifier: Apache-2.0
"""Run in a network namespace of its own: reads every packet on its loopback while a client asks, and says which canaries it saw.

`python -m entrances.captured HOME KEY`: once over plain HTTP, once over the TLS that `modelward tls init` made in the home.
"""

import json
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import httpx

from entrances.api.house import Process

# A number that stands in the question, and a word that stands in the answer.
HOURS = 38.0719283746
ANSWERED = '"predictions"'
_EVERY_PROTOCOL = 3
_IDLE_SECONDS = 0.5


class Capture(threading.Thread):
    """All bytes that pass over the loopback."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
        self._socket.bind(("lo", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.settimeout(_IDLE_SECONDS)
        self._is_over = threading.Event()
        self._packets: list[bytes] = []

    def run(self) -> None:
        while True:
            try:
                self._packets.append(self._socket.recv(1 << 17))
            except TimeoutError:
                if self._is_over.is_set():
                    return

    def seen(self) -> bytes:
        """What passed, once nothing more does."""
        self._is_over.set()
        self.join()
        return b"".join(self._packets)


def canaries_seen(home: Path, key: str, verify: ssl.SSLContext | bool, **settings) -> dict:
    with Process(home, **settings) as server:
        capture = Capture()
        capture.start()
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=30, verify=verify) as http:
            row = {"age": 40.0, "hours": HOURS, "sector": "public"}
            answer = http.post("/v1/models/income/predict", json={"rows": [row]})
        assert answer.status_code == 200, answer.text
        assert ANSWERED in answer.text
        seen = capture.seen()
    canaries = {"key": key, "question": str(HOURS), "answer": ANSWERED}
    return {"bytes": len(seen)} | {name: canary.encode() in seen for name, canary in canaries.items()}


def main(home: Path, key: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    trusted = ssl.create_default_context(cafile=home / "tls" / "ca.pem")
    told = {"plain": canaries_seen(home, key, verify=True, tls_certificate=""), "tls": canaries_seen(home, key, verify=trusted)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
