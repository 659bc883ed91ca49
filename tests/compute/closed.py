# SPDX-License-Identifier: Apache-2.0
"""Closes itself in by the filter of system calls, signals left to it, and says which calls got through. Run as
`python closed.py OTHER FILE open|closed`: OTHER is a process of the same user, FILE a file of the same user.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path

from modelward.compute import sandbox

other, file, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)
PRCTL, TKILL, TGKILL = {"x86_64": (157, 200, 234), "aarch64": (167, 130, 131)}[os.uname().machine]


def call(*given):
    if libc.syscall(*map(ctypes.c_long, given)) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def fork():
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


def threaded():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


signal.signal(signal.SIGUSR1, lambda *_: None)
TRIES = {
    "kill": lambda: os.kill(other, 0),
    "kill group": lambda: os.killpg(os.getpgid(other), 0),
    "tkill": lambda: call(TKILL, other, 0),
    "tgkill": lambda: call(TGKILL, other, other, 0),
    "pidfd": lambda: os.close(os.pidfd_open(other)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, other, 5),
    "affinity": lambda: os.sched_setaffinity(other, os.sched_getaffinity(other)),
    "their limits": lambda: resource.prlimit(other, resource.RLIMIT_CORE, (0, 0)),
    "own limits": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    "times": lambda: os.utime(file),
    "fork": fork,
    "outliving": lambda: call(PRCTL, 1, 0, 0, 0, 0),
}
ALLOWED = {
    "own signal": lambda: os.kill(os.getpid(), signal.SIGUSR1),
    "own thread": lambda: call(TGKILL, os.getpid(), threading.get_native_id(), signal.SIGUSR1),
    "a thread": threaded,
    "reading limits": lambda: resource.getrlimit(resource.RLIMIT_AS),
    "own affinity": lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)),
    "looking": lambda: Path(file).stat(),
}


def outcome(attempt):
    try:
        attempt()
    except (PermissionError, ValueError):
        # Python makes a ValueError of limits that the system does not permit to set.
        return "refused"
    except OSError as fault:
        return fault.strerror
    return "done"


if how == "closed":
    # As if Landlock knew nothing of signals yet: the filter alone must do.
    sandbox._SCOPES = 0
    sandbox.close_in(sandbox.Sandbox(readable=("/usr", "/lib"), writable=()))
sys.stdout.write(json.dumps({name: outcome(attempt) for name, attempt in {**TRIES, **ALLOWED}.items()}))
