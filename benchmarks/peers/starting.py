# SPDX-License-Identifier: Apache-2.0
"""Getting a peer to run: its own virtual environment, what it needs beforehand, and the process."""

from __future__ import annotations

import hashlib
import http.client
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from machine import Tree, free_port, plain_environment

from modelward.access import Role, local_actor
from modelward.app import create_home, open_platform
from modelward.settings import Settings
from peers import DEAR, Peer, Served

HERE = Path(__file__).parent
POLICY = "name: bench\nrules:\n  - rule: signed\n"
_READY_SECONDS = 120


@dataclass(frozen=True)
class Running:
    """A server that has answered once."""

    tree: Tree
    url: str
    path: str
    key: str
    ready_seconds: float
    home: Path | None


def environment_of(peer: Peer, place: Path) -> Path:
    """The peer's virtual environment, made with pip where there is none for these requirements. Modelward's is this one."""
    if peer.is_modelward:
        return Path(sys.prefix)
    wanted = HERE / peer.folder / "requirements.txt"
    constraints = HERE / "constraints.txt"
    state = hashlib.sha256(wanted.read_bytes() + constraints.read_bytes()).hexdigest()
    folder = place / peer.folder
    mark = folder / "made-of"
    if not mark.exists() or mark.read_text() != state:
        print(f"installing {peer.title} into {folder} …", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-c", str(constraints), "-r", str(wanted)], check=True)
        mark.write_text(state)
    return folder


@contextmanager
def running(peer: Peer, served: Served, *, place: Path) -> Iterator[Running]:
    """The peer, serving on its core, until this is left."""
    prefix, port = environment_of(peer, place / "environments"), free_port()
    logs = place / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    # Short, for Ray keeps sockets there; Modelward's ledger has to be on a disk, which a temporary folder need not be.
    with tempfile.TemporaryDirectory(prefix="peer-") as scratch, tempfile.TemporaryDirectory(prefix="home-", dir=place) as house:
        folder, key, home = Path(scratch), "", None
        environment = plain_environment() | {
            "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(HERE / "served"),
            "PEER_NAME": served.name,
            "PEER_MODEL": str(served.file),
            "PEER_PORT": str(port),
            "PEER_FOLDER": scratch,
            **peer.environment,
            **(peer.dear if served.name == DEAR else {}),
        }
        command = [str(prefix / "bin" / "python"), str(HERE / peer.folder / peer.script)]
        if peer.is_modelward:
            home = Path(house) / ".modelward"
            key = make_home(home, served)
            del environment["PYTHONPATH"]
            command = [sys.executable, "-m", "modelward", "serve", "--home", str(home), "--port", str(port)]
        elif peer.prepares:
            subprocess.run([*command, "save"], env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.perf_counter()
        tree = Tree(command, environment=environment, folder=folder, log=logs / f"{peer.folder}-{served.name}.log")
        try:
            path = peer.wording.path(served.name)
            seconds = first_answer(tree, port, path, body=peer.wording.body(served.rows[:1]), key=key) - began
            yield Running(tree, f"http://127.0.0.1:{port}", path, key, seconds, home)
        finally:
            tree.end()


def first_answer(tree: Tree, port: int, path: str, *, body: bytes, key: str) -> float:
    """When the first 200 was there."""
    until = time.perf_counter() + _READY_SECONDS
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    said = "nothing"
    while time.perf_counter() < until:
        tree.check_alive()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            if answer.status == 200:
                return time.perf_counter()
            said = f"{answer.status} {answer.read()[:200]!r}"
        except (OSError, http.client.HTTPException) as fault:
            said = repr(fault)
        finally:
            connection.close()
        time.sleep(0.005)
    raise SystemExit(f"No answer on {path} within {_READY_SECONDS} s; the last was {said}.")


def make_home(home: Path, served: Served) -> str:
    """A home with the model imported, released and live; the key of a caller."""
    settings, by = Settings(home=home), local_actor()
    create_home(settings)
    house = open_platform(settings)
    try:
        house.releases.policies.put(POLICY, by=by)
        version = house.registry.import_folder(served.file, served.name, purpose="measuring speed", owner="nobody", by=by)
        house.releases.promote(house.releases.propose(f"{version.model}:{version.number}", policy="bench", by=by).id, by=by)
        return house.access.create_key("bench", role=Role.CALLER, by=by).secret
    finally:
        house.close()


def check_ledger(home: Path, *, least: int) -> None:
    """Every answer is on record, and the ledger verifies.

    Raises:
        SystemExit: it is not so, and the figures are void.
    """
    house = open_platform(Settings(home=home))
    try:
        found = house.ledger.verify()
    finally:
        house.close()
    if not found.is_sound or found.size < least:
        raise SystemExit(
            f"The ledger has {found.size:,} entries for {least:,} answers and {len(found.faults)} faults. Nothing is kept."
        )
    print(f"  {found.size:,} entries verified for {least:,} answers", file=sys.stderr)
