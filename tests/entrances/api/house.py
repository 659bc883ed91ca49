# SPDX-License-Identifier: Apache-2.0
"""A real home with a tiny live model, and real servers over it: in a thread, or as the process that `modelward serve` is."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from modelward.access import Role, local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.settings import Settings
from serving.tiny import OPEN_POLICY, ROW, register

__all__ = ["ROW", "House", "Process", "Reply", "Threaded", "body", "build", "client", "raw", "tensors"]

QUICK = {
    "refresh_seconds": 0.1,
    "training_isolation": "none",
    "shutdown_grace_seconds": 5.0,
    "rows_limit": 64,
    "explain_rows_limit": 2,
    "body_limit_bytes": 65536,
}


@dataclass
class House:
    """A home, its platform as the owner has it, and shortcuts to put things into it."""

    platform: Platform
    settings: Settings
    made: int = 0
    by: object = field(default_factory=local_actor)

    def key(self, role=Role.CALLER, **more) -> str:
        self.made += 1
        return self.platform.access.create_key(f"key-{self.made}", role=role, by=self.by, **more).secret

    def register(self, model="income", **more) -> str:
        return register(self.platform.registry, model, by=self.by, **more).name

    def make_live(self, name: str) -> str:
        release = self.platform.releases.propose(name, policy="by-purpose", by=self.by)
        return self.platform.releases.promote(release.id, by=self.by).id

    def logged(self, **filters) -> list:
        return [found.entry for found in self.platform.ledger.entries(limit=10_000, newest_first=False, **filters)]

    def tamper(self, name: str) -> None:
        """Flip a byte of a version's sealed graph."""
        version = self.platform.registry.find(name, by=self.by)
        sealed = next(file.sealed for file in version.files if file.path.endswith(".onnx"))
        lying = next(path for path in (self.settings.home / "objects").rglob("*") if path.name.endswith(sealed[-20:]))
        damaged = bytearray(lying.read_bytes())
        damaged[-1] ^= 1
        lying.chmod(0o600)
        lying.write_bytes(bytes(damaged))


def build(folder: Path, **settings) -> House:
    """A home in which `income:1` is live."""
    chosen = Settings(home=folder / ".modelward", **(QUICK | settings))
    create_home(chosen)
    house = House(open_platform(chosen), chosen)
    house.platform.releases.policies.put(OPEN_POLICY, by=house.by)
    house.make_live(house.register())
    return house


class Threaded:
    """The web application of a home, on a port of its own, in a thread."""

    def __init__(self, settings: Settings, *, traces=None) -> None:
        from modelward.entrances.server import Server

        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._platform = open_platform(settings)
        self._server = Server(self._platform, announce=lambda _platform: None, traces=traces)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})

    def routes(self) -> list:
        """What the application's router holds."""
        return self._server.config.app._app.routes

    def look(self) -> None:
        """Return once the server's loop has looked at everything that was sent before."""
        loop = self._server.servers[0].get_loop()
        for _ in range(3):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(20)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *_fault):
        self._server.should_exit = True
        self._thread.join()
        self._platform.close()
        self._listening.close()


class Process:
    """`modelward serve` as a process of its own, or a program that ends in it. What it writes to standard error is kept."""

    def __init__(self, home: Path, *, port: int = 0, drafts: Path | None = None, code: str = "", inherit=(), **settings) -> None:
        environment = {**os.environ, **{f"MODELWARD_{name.upper()}": str(value) for name, value in settings.items()}}
        if drafts is not None:
            environment["TMPDIR"] = str(drafts)
        program = ["-c", code] if code else ["-m", "modelward"]
        command = [sys.executable, *program, "serve", "--home", str(home), "--port", str(port), "--json"]
        self._errors = (home.parent / f"serve-{time.monotonic_ns()}.log").open("w+")
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=self._errors, text=True, pass_fds=inherit
        )
        assert self._process.stdout
        self.told = json.loads(self._document())
        self.url = self.told["address"]
        self.port = int(self.url.rpartition(":")[2])

    def _document(self) -> str:
        """What the server prints once it answers."""
        text = ""
        while not text.endswith("}\n"):
            line = self._process.stdout.readline()
            text += line
            if not line:
                self.__exit__()
                raise AssertionError(f"the server ended: {self.errors()}")
        return text

    def errors(self) -> str:
        return Path(self._errors.name).read_text()

    def end(self, how=signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self._process.send_signal(how)
        return self.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, how) -> None:
        self._process.send_signal(how)

    def wait(self) -> int:
        return self._process.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_fault):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def body(rows=(ROW,)) -> bytes:
    return msgspec.json.encode({"rows": list(rows)})


def tensors(rows=(ROW,), **more) -> dict:
    """The rows as Open Inference tensors of shape [N, 1]."""
    kinds = {"age": "FP32", "hours": "FP32", "sector": "BYTES"}
    inputs = [
        {"name": name, "datatype": kind, "shape": [len(rows), 1], "data": [row[name] for row in rows]}
        for name, kind in kinds.items()
    ]
    return {"inputs": inputs, **more}


@dataclass
class Reply:
    """An answer read off the wire."""

    status: int
    headers: dict
    body: bytes

    @property
    def error(self) -> str:
        told = json.loads(self.body)
        return told.get("error") or told["detail"]


def raw(port: int, data: bytes) -> Reply:
    """Send bytes as they are, and read one answer; status 0 where the connection was closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        # A server that refuses may close before everything was sent.
        with contextlib.suppress(ConnectionError):
            line.sendall(data)
        seen = b""
        with contextlib.suppress(ConnectionError):
            while chunk := line.recv(65536):
                seen += chunk
                if _is_whole(seen):
                    break
    head, _, rest = seen.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return Reply(int(lines[0].split()[1]) if seen else 0, headers, rest)


def _is_whole(seen: bytes) -> bool:
    head, seam, rest = seen.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(seam and length and len(rest) >= int(length[1]))


def client(url: str, key: str = "") -> httpx.Client:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=url, headers=headers, timeout=30)
