# SPDX-License-Identifier: Apache-2.0
"""No library here reports to anybody what it is used for."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

OPEN_A_SESSION = """
from modelward.registry.opened import try_out
from serving.tiny import INTERFACE, graph

try_out(graph(), INTERFACE)
"""


def test_onnx_runtime_leaves_no_identifier_and_no_report(tmp_path):
    # It keeps silent by itself where it takes itself to be tested, so that is taken out.
    inherited = {name: value for name, value in os.environ.items() if "CI" not in name and not name.startswith(("ORT_", "XDG_"))}
    places = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", OPEN_A_SESSION], env=inherited | places, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []


def test_the_installed_runtime_knows_the_switch_that_is_set():
    """The control of the test above, for without the switch the runtime would really report."""
    folder = Path(importlib.util.find_spec("onnxruntime").origin).parent
    libraries = [path for path in folder.rglob("*") if path.suffix in {".so", ".dylib", ".pyd"} or ".so." in path.name]
    held = [path.read_bytes() for path in libraries]
    reports = any(b"events.data.microsoft.com" in data for data in held)
    assert not reports or any(b"ORT_DISABLE_TELEMETRY" in data for data in held)


TRAIN = """
import sys

def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "os.fork", "subprocess.Popen", "os.posix_spawn"}:
        raise AssertionError(event)

sys.addaudithook(watch)
from contracts.test_recipes import made
for name in ("ebm", "lightgbm"):
    made(f"{name} over table", 2)
"""


def test_who_boosts_calls_nobody_starts_nothing_and_leaves_nothing(tmp_path):
    places = {
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]),
    }
    subprocess.run([sys.executable, "-c", TRAIN], env=os.environ | places, check=True, timeout=120)
    assert list(tmp_path.rglob("*")) == []
