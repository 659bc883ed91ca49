# SPDX-License-Identifier: Apache-2.0
"""One connection, byte by byte: what is sent goes out as it is, and answers are read as they come."""

import json
import socket
import time
from collections.abc import Iterator

from entrances.api.house import Reply, body

PREDICT = "/v1/models/income/predict"
PATIENCE_SECONDS = 20.0


class Line:
    """A connection to the server on `port`. A closed one answers None."""

    def __init__(self, port: int, *, receive_bytes: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        # What is sent in pieces leaves in pieces.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.connect(("127.0.0.1", port))
        self._seen = b""

    def send(self, data: bytes) -> bool:
        """Whether all of it could be sent: a server that has closed takes no more."""
        try:
            self._socket.sendall(data)
        except ConnectionError:
            return False
        return True

    def send_no_more(self) -> None:
        """Shut down this side's half."""
        self._socket.shutdown(socket.SHUT_WR)

    def drop(self) -> None:
        """Leave without a word: a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self._socket.close()

    def patience(self, seconds: float) -> None:
        self._socket.settimeout(seconds)

    def is_closed(self, *, within_seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether the server ends the connection in that time; what it says before is passed over."""
        end = time.monotonic() + within_seconds
        self._socket.settimeout(max(within_seconds, 1e-6))
        try:
            while self._socket.recv(1 << 16):
                self._socket.settimeout(max(end - time.monotonic(), 1e-6))
        except (TimeoutError, BlockingIOError):
            return False
        except ConnectionError:
            return True
        finally:
            self._socket.settimeout(PATIENCE_SECONDS)
        return True

    def answer(self, *, to: str = "POST") -> Reply | None:
        """The next answer, interim ones included; `to` is the method that asked."""
        while b"\r\n\r\n" not in self._seen:
            if not self._more():
                assert self._seen == b"", f"the answer was cut off: {self._seen[:200]!r}"
                return None
        head, _, self._seen = self._seen.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        length = 0 if to == "HEAD" or status < 200 or status == 204 else int(headers["content-length"])
        while len(self._seen) < length:
            assert self._more(), "the answer was cut off"
        text, self._seen = self._seen[:length], self._seen[length:]
        return Reply(status, headers, text)

    def answers(self) -> Iterator[Reply]:
        """Every answer until the server closes."""
        while (reply := self.answer()) is not None:
            yield reply

    def _more(self) -> bool:
        try:
            chunk = self._socket.recv(1 << 16)
        except ConnectionError:
            return False
        self._seen += chunk
        return bool(chunk)

    def __enter__(self):
        return self

    def __exit__(self, *_fault):
        self._socket.close()


def asking(key: str, data: bytes | None = None, *, to: str = PREDICT, headers: tuple[str, ...] = (), method: str = "POST") -> bytes:
    """A request as bytes; a question about one row unless it says otherwise."""
    data = body() if data is None else data
    lines = [f"{method} {to} HTTP/1.1", "Host: here", f"Authorization: Bearer {key}", *headers]
    if method == "POST" and not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (data if method == "POST" else b"")


def label_of(reply: Reply) -> float:
    """The probability of `low` of the first row: by it a caller knows the answer to its own row."""
    return json.loads(reply.body)["predictions"][0]["probabilities"]["low"]
