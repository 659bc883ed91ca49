# SPDX-License-Identifier: Apache-2.0
"""A workshop: a process that was started anew, so that it never held what this one holds, and is given only what it is sent."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from modelward.compute.cores import usable_cores
from modelward.compute.sandbox import Sandbox, landlock_version, shut_memory
from modelward.compute.wire import Wire
from modelward.errors import PrerequisiteError, UnavailableError

_PROGRAM = "modelward.compute.child"
_END_SECONDS = 5.0
_DEAF_SECONDS = 60
# Read by libraries about the machine; of processes only the child's own, for `/proc/self` is opened by the child.
_MACHINE = (
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self",
    "/proc/stat",
    "/sys/class/powercap",
    "/sys/devices/system",
    "/sys/devices/virtual/powercap",
    "/sys/fs/cgroup",
    "/usr",
)
_ACCELERATORS = ("/dev/dri", "/dev/kfd", "/dev/nvidia-uvm", "/dev/nvidiactl", *(f"/dev/nvidia{number}" for number in range(16)))
# What a library needs to know of its surroundings. Nothing that tells of a home, a database or a password is among them.
_VARIABLES = frozenset({"LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TZ", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG"})
_FAMILIES = ("LC_", "OMP_", "MKL_", "OPENBLAS_")


class SandboxMissingError(PrerequisiteError):
    """A sandbox is required, and this system has none."""


class ExposedHomeError(PrerequisiteError):
    """The home lies among the files of the programs, which the process that trains must be able to read."""


class WorkshopLostError(UnavailableError):
    """The process that did the work ended before it was done."""


class Workshop:
    """Runs the function at `place`, `module:function`, in a process of its own; it is given the other end of `wire`.

    Where the kernel offers it, the process is closed in before it loads anything: it reads the programs, writes in a folder of its
    own below `folder`, which is removed with it, opens nothing else, and reaches no network. What is in `hidden` lies among
    nothing that it reads. `isolation` says what it came to: `landlock-N`, or `process`.

    Raises:
        SandboxMissingError: `is_required`, and the system has no sandbox. ExposedHomeError: see there.
        WorkshopLostError: the process could not be started.
    """

    def __init__(self, place: str, *, folder: Path, hidden: Collection[Path], is_required: bool) -> None:
        version = landlock_version()
        if is_required and not version:
            raise SandboxMissingError(
                "The setting MODELWARD_TRAINING_ISOLATION is `required`, and this system has no Landlock (Linux 5.13 or later, "
                "with `landlock` among its security modules). Train on a system that has it, or set `process`."
            )
        searched = _searched(hidden)
        readable = _readable(searched, hidden) if version else ()
        # Nobody of the same user, the process about to be started among them, looks into the memory of this one.
        shut_memory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder)
        self._scratch = folder / f"{os.getpid()}-{secrets.token_hex(8)}"
        self._scratch.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        # Who does not listen must not keep the one waiting for ever that speaks.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _DEAF_SECONDS, 0))
        self._process = subprocess.Popen(  # noqa: S603  # this very interpreter, and words of our own
            [sys.executable, "-P", "-m", _PROGRAM, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=_environment(self._scratch, searched),
            cwd=self._scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.wire = Wire(ours)
        try:
            self.isolation = self._begin(place, readable if version else None)
        except BaseException:
            self.close()
            raise

    @property
    def number(self) -> int:
        """The number of the process."""
        return self._process.pid

    def lost(self) -> WorkshopLostError:
        """What to raise once nothing more comes from it."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        code = self._process.poll()
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in {*signal.Signals} else str(-code)
            why = "Somebody ended it, or the system did when memory ran out" if code == -signal.SIGKILL else "It crashed"
            return WorkshopLostError(f"The process that trained was ended by {name}. {why}.")
        return WorkshopLostError("The process that trained ended before it was done.")

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """End the process, wait until it is gone, and remove what it wrote."""
        self.wire.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
            # Another run may have its own folder beside it.
            with suppress(OSError):
                self._scratch.parent.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _begin(self, place: str, readable: tuple[str, ...] | None) -> str:
        scratch = (str(self._scratch), "/dev/null", *_ACCELERATORS)
        sandbox = None if readable is None else asdict(Sandbox(readable=readable, writable=scratch))
        with suppress(OSError):
            self.wire.send({"place": place, "sandbox": sandbox})
        answer = self.wire.receive()
        if answer is None:
            raise self.lost()
        if answer.head.get("kind") != "ready":
            raise WorkshopLostError(f"The process that was to train could not begin: {told_broken(answer.head)}.")
        version = answer.head["landlock"]
        return f"landlock-{version}" if version else "process"


def _sweep(folder: Path) -> None:
    """Remove what workshops wrote whose owner was killed."""
    for left in folder.iterdir():
        owner = left.name.partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def told_broken(head: dict[str, object]) -> str:
    """What a process that broke says of it: the kind of the fault and its place, for its text may hold values."""
    told = f"{str(head.get('fault'))[:80]} at {str(head.get('at'))[:120]}"
    return "".join(sign if sign.isprintable() else " " for sign in told)


def _searched(hidden: Collection[Path]) -> tuple[str, ...]:
    """Where this process looks for modules, without places in which something lies that is hidden."""
    found = [str(Path(entry).absolute()) for entry in sys.path if entry]
    return tuple(entry for entry in dict.fromkeys(found) if not _holds(entry, hidden))


def _readable(searched: Collection[str], hidden: Collection[Path]) -> tuple[str, ...]:
    libraries = [str(Path(entry).absolute()) for entry in os.environ.get("LD_LIBRARY_PATH", "").split(":") if entry]
    roots = [sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), *_MACHINE]
    for root in roots:
        if found := _holds(root, hidden):
            raise ExposedHomeError(
                f"{found} lies below {root}, which the process that trains must read. Move it elsewhere, or set "
                "`MODELWARD_TRAINING_ISOLATION=none`."
            )
    return tuple(dict.fromkeys([*roots, *searched, *(entry for entry in libraries if not _holds(entry, hidden))]))


def _holds(root: str, hidden: Collection[Path]) -> Path | None:
    """What is hidden and lies in `root`, if anything does."""
    real = Path(os.path.realpath(root))
    return next((each for each in hidden if Path(os.path.realpath(each)).is_relative_to(real)), None)


def _environment(scratch: Path, searched: Collection[str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in _VARIABLES or name.startswith(_FAMILIES)}
    own = {name: str(scratch) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "TORCH_HOME")}
    # joblib would otherwise start a program to count cores.
    cores = {"LOKY_MAX_CPU_COUNT": str(usable_cores())}
    return {**kept, **own, **cores, "PYTHONPATH": os.pathsep.join(searched), "PYTHONDONTWRITEBYTECODE": "1"}
