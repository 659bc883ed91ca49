# SPDX-License-Identifier: Apache-2.0
"""Recipes that learn honestly and look around meanwhile; what they found stands in the notes of their version."""

import ctypes
import fcntl
import os
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from modelward.compute import JobCancelledError
from training.house import honest


class SpyParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to look, whom to call."""

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    port: int = 0
    socket: str = ""
    process: int = 0


@dataclass(frozen=True)
class Spy:
    """It opens what it is told to, and says how that went."""

    Parameters = SpyParameters
    parameters: SpyParameters

    def make(self, inputs, progress):
        made = honest().make(inputs, progress)
        return replace(made, notes=tuple(f"{name}: {how}" for name, how in self.found()))

    def found(self):
        asked = self.parameters
        for file in asked.files:
            yield f"read {file}", tried(lambda file=file: Path(file).read_bytes())
        for folder in asked.folders:
            yield f"list {folder}", tried(lambda folder=folder: [*Path(folder).iterdir()])
            yield f"write {folder}", tried(lambda folder=folder: Path(folder, "left-by-a-spy").write_text("here"))
        if asked.port:
            yield "tcp", tried(lambda: socket.create_connection(("127.0.0.1", asked.port), timeout=5).close())
            yield "udp", tried(lambda: calls(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", asked.port)))
            yield "datagram", tried(lambda: sends(f"{asked.socket}-datagrams"))
            yield "unix", tried(lambda: calls(socket.AF_UNIX, socket.SOCK_STREAM, asked.socket))
        if asked.process:
            for name in ("environ", "mem", "maps"):
                yield f"look {name}", tried(lambda name=name: Path(f"/proc/{asked.process}/{name}").open("rb").close())
            yield "signal", tried(lambda: os.kill(asked.process, 0))
            yield "owner", tried(lambda: owned_by(asked.process))
            yield "program", tried(lambda: subprocess.run(["/bin/true"], check=True))
            yield "own program", tried(own_program)
            yield "news", tried(lambda: hears(asked.folders[0] if asked.folders else "/"))
        yield "variables", " ".join(sorted(os.environ))
        yield "process", str(os.getpid())


def tried(attempt):
    try:
        attempt()
    except OSError as refused:
        return f"refused by {type(refused).__name__}"
    return "done"


def calls(family, kind, address):
    with socket.socket(family, kind) as own:
        own.connect(address)


def owned_by(process):
    """A pipe whose news would be told to that process by a signal."""
    own, other = os.pipe()
    try:
        fcntl.fcntl(own, fcntl.F_SETOWN, process)
    finally:
        os.close(own)
        os.close(other)


def own_program():
    """One that is in no file; what it says is no program, so that where it may be tried, that is what is wrong."""
    place = os.memfd_create("spy")
    os.write(place, b"no program")
    refused = 0
    try:
        # By the file that is open, and by its path: two calls of the system.
        for way in (place, f"/proc/self/fd/{place}"):
            try:
                os.execve(way, ["spy"], {})
            except PermissionError:
                refused += 1
            except OSError:
                continue
    finally:
        os.close(place)
    if refused == 2:
        raise PermissionError


def hears(folder):
    """What comes and goes in a folder."""
    libc = ctypes.CDLL(None, use_errno=True)
    news = libc.inotify_init1(0)
    if news < 0 or libc.inotify_add_watch(news, folder.encode(), 0x100) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    os.close(news)


def sends(path):
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with own, other:
        own.sendto(b"what was granted", path)


class Deaf:
    """It says how far it is and never listens to the answer."""

    def __new__(cls, parameters):
        return parameters

    class Parameters(msgspec.Struct, frozen=True):
        """Those of a network, which mean nothing here."""

        epochs: int = 1
        hidden: tuple[int, ...] = ()
        batch_size: int = 1
        patience: int = 1

        def make(self, inputs, progress):
            for epoch in range(600_000):
                with suppress(JobCancelledError):
                    progress(0.1, f"epoch {epoch}")
                time.sleep(0.01)


def ask_for_more(wire):
    """The other end of a bench that asks for what was not granted, and says what it got."""
    asked = wire.receive().head
    outcomes = {True: [], False: []}
    for name in ("age", "town", "member", "ledger"):
        wire.send({"kind": "column", "name": name})
        parts = wire.receive().head["parts"]
        for _ in range(parts):
            wire.receive()
        outcomes[parts > 0].append(name)
    told = f"told of {','.join(asked['columns'])}; given {', '.join(outcomes[True])}; not given {', '.join(outcomes[False])}"
    wire.send({"kind": "refused", "class": "InvalidError", "of_kind": "InvalidError", "message": told})
    wire.receive()


def fill_memory(wire):
    """The other end of a bench that has no memory for the rows."""
    from modelward.training import workbench

    workbench.OwnBench.prepare = lambda *_: [0] * 2**60
    workbench.serve(wire)


def refuse_at_length(wire):
    """The other end of a bench that refuses the rows in words that would move a terminal, and in too many."""
    wire.receive()
    message = "4711\x1b[2J" + "x" * 9000
    wire.send({"kind": "refused", "class": "UnusableDataError", "of_kind": "InvalidError", "message": message})
    wire.receive()


FULL, WORDY = f"{__name__}:fill_memory", f"{__name__}:refuse_at_length"
PLACE, DEAF, GREEDY = f"{__name__}:Spy", f"{__name__}:Deaf", f"{__name__}:ask_for_more"


def hostile(how):
    """The other end of a bench that prepares honestly, and makes in a way of its own; as a place."""
    return f"{__name__}:hostile_{how}"


def strange(how):
    """The other end of a bench that says of the rows, once it should have prepared them, what nobody asked; as a place."""
    return f"{__name__}:strange_{how}"


def __getattr__(name):
    if name.startswith("strange_"):
        return partial(_tell_strangely, name.removeprefix("strange_"))
    if not name.startswith("hostile_"):
        raise AttributeError(name)

    def serve(wire):
        from modelward.training import workbench

        def misbehave(_bench, wire, _frame, line):
            for head, body in HOSTILE[name.removeprefix("hostile_")]():
                wire.send({"job": line.name, **head}, body)

        workbench._make = misbehave
        workbench.serve(wire)

    return serve


def _tell_strangely(how, wire):
    wire.receive()
    told = {"findings": [], "split_digest": "0" * 64} | STRANGE[how]
    wire.send({"kind": "prepared", **told}, b"")
    wire.receive()


FOUND = {"kind": "leakage", "text": "4711\x1b[2J", "remedy": ""}
STRANGE = {
    "split": {"split_digest": "4711 lives in Sevenoaks"},
    "kind": {"findings": [FOUND | {"kind": "4711"}]},
    "form": {"findings": [4711]},
    "much": {"findings": [FOUND] * 40_000},
}


def _kind():
    message = "4711\x1b[2J" + "x" * 9000
    failure = {"status": "failed", "message": message, "kind": "Person4711Error", "may_go_well": False}
    yield {"kind": "failed", "failure": failure}, b""


def _facts():
    made = {"interface": {}, "facts": {"told": "x" * (2 << 20)}, "seconds": 1, "parameters": {}, "findings": []}
    yield {"kind": "made", **made}, b""


def _files():
    for number in range(1002):
        yield {"kind": "file", "name": f"f{number}"}, b"x"


def _form():
    yield {"kind": "made", "facts": [], "interface": 7}, b""


def _silence():
    time.sleep(600)
    yield {"kind": "report", "share": 1, "word": ""}, b""


def _chatter():
    for _ in range(600_000):
        yield {"kind": "curves", "curves": {}}, b""
        time.sleep(0.001)


def _unknown():
    yield {"kind": "small talk"}, b""
    time.sleep(600)


def _parameters():
    told = {"interface": {}, "facts": {}, "seconds": 1, "findings": []}
    yield {"kind": "made", **told, "parameters": {"told": "x" * (2 << 20)}}, b""


def _flood():
    for _ in range(200):
        yield {"kind": "report", "job": "", "share": 0, "word": ""}, b""
    yield from _kind()


HOSTILE = {
    "chatter": _chatter,
    "facts": _facts,
    "files": _files,
    "flood": _flood,
    "form": _form,
    "kind": _kind,
    "parameters": _parameters,
    "silence": _silence,
    "unknown": _unknown,
}
