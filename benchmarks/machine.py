# SPDX-License-Identifier: Apache-2.0
"""The machine that is measured on: one core for the server and one for who asks, what a server takes, and what others take."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

SERVER_CORE, ASKER_CORE = 0, 1
TOO_BUSY_CORES = 0.2
_MARK = "BENCHMARK_TREE"
_END_SECONDS = 15.0
_NICE = -15


def pinned(core: int) -> list[str]:
    """What puts a command on one core, and before others where that is allowed."""
    taskset = ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    return [*taskset, *(["nice", "-n", str(_NICE)] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])]


def favour(process: int) -> None:
    """Put the session of a process before others, as `nice` puts a process: Linux weighs sessions first, then what is in them."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text(f"{_NICE}\n")


def asked_by(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a load generator says that runs on its core."""
    command = [*pinned(ASKER_CORE), *command]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        favour(process.pid)
        said = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode} and said: {said[-1000:]}")
    return said


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ONNX Runtime, MLflow, BentoML and Ray tell their makers what they do unless they are told not to.
SILENCE = {
    "ORT_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
}
# Before whoever imports this can import ONNX Runtime.
os.environ |= SILENCE


def plain_environment() -> dict[str, str]:
    """This environment with one thread for each numeric library, and without choices of kernel made for other processors."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS_", "MODELWARD_", "PYTHON"))}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def described() -> dict[str, str]:
    """Processor, system, and the versions that decide."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name"))
        name = next(lines, name)
    memory = psutil.virtual_memory().total / 2**30
    return {
        "processor": f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "versions": f"CPython {platform.python_version()}, ONNX Runtime {version('onnxruntime')}",
    }


class Tree:
    """A command on the server's core, with every process that came of it, whoever is their parent by now."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> None:
        self._mark = uuid.uuid4().hex
        self._log = log
        self._sink = log.open("wb")
        self.process = subprocess.Popen(
            [*pinned(SERVER_CORE), *command],
            env={**environment, _MARK: self._mark},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._sink,
            stderr=self._sink,
            start_new_session=True,
        )
        favour(self.process.pid)

    def members(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == self._mark:
                    found |= {each.pid: each for each in (process, *process.children(recursive=True))}
        return list(found.values())

    def favour(self) -> None:
        """All members: some servers give their workers sessions of their own."""
        for member in self.members():
            favour(member.pid)

    def check_alive(self) -> None:
        if self.process.poll() is not None:
            raise SystemExit(f"The server ended: {self._log.read_text(errors='replace')[-2000:]}\nAll of it: {self._log}")

    def memory_megabytes(self) -> tuple[float, float]:
        """Resident memory of all members, and their proportional share, which counts a shared page once."""
        resident = proportional = 0
        for member in self.members():
            with contextlib.suppress(psutil.Error):
                taken = member.memory_full_info()
                resident += taken.rss
                proportional += getattr(taken, "pss", taken.rss)
        return resident / 1e6, proportional / 1e6

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.members())

    def end(self) -> None:
        """Ask all members to end, and end those that do not."""
        for order in (signal.SIGTERM, signal.SIGKILL):
            members = self.members()
            for member in members:
                with contextlib.suppress(psutil.Error):
                    member.send_signal(order)
            _, left = psutil.wait_procs(members, _END_SECONDS)
            if not left and not self.members():
                break
        self.process.wait()
        self._sink.close()


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    used = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used += times.user + times.system
    return used


@dataclass
class Use:
    """What was used while something ran, in cores: by the server, by who asked, and by others. Above `TOO_BUSY_CORES` of others,
    figures are too low.
    """

    server: float = 0.0
    asker: float = 0.0
    elsewhere: float = 0.0
    server_seconds: float = 0.0


@contextmanager
def watched(members: Sequence[psutil.Process]) -> Iterator[Use]:
    """What is used meanwhile. Who asks has to be this process, or a child of it that has ended by then."""

    def busy() -> float:
        times = psutil.cpu_times()
        return float(times.user + times.system + times.nice + times.irq + times.softirq + times.steal)

    def own() -> float:
        used = os.times()
        return used.children_user + used.children_system + used.user + used.system

    use = Use()
    began, before = time.perf_counter(), (busy(), cpu_seconds(members), own())
    yield use
    after, seconds = (busy(), cpu_seconds(members), own()), time.perf_counter() - began
    everybody, server, asker = (late - early for late, early in zip(after, before, strict=True))
    use.server_seconds, use.server, use.asker = server, server / seconds, asker / seconds
    use.elsewhere = max(0.0, everybody - server - asker) / seconds


def sync_milliseconds(folder: Path) -> float:
    """How long the disk takes to make 4 KiB durable; the middle of some. A governed answer waits for that."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(25):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def calm(seconds: float = 3.0) -> None:
    """Wait until others leave the machine alone, or that long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and psutil.cpu_percent(0.3) / 100 * (os.cpu_count() or 1) > TOO_BUSY_CORES:
        pass
