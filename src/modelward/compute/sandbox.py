# SPDX-License-Identifier: Apache-2.0
"""Closes a process in, for good and before it is given anything: which files it reaches, and that it reaches nobody else.

Linux alone has it: Landlock (`linux/landlock.h`, versions 1 to 7) for files, TCP and signals, and a filter of system calls
(`linux/seccomp.h`) for sockets of every other kind. Neither asks for a privilege, and neither can be taken back.
"""

from __future__ import annotations

import ctypes
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelward.compute.calls import CALLS, Calls
from modelward.errors import UnavailableError

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _DEVICE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE
_REMOVE, _MAKE = 1 << 4 | 1 << 5, 1 << 7 | 1 << 8 | 1 << 12
# What each version of Landlock knows to forbid: 13 kinds of access to files, then moving, truncating, and control of devices.
_KNOWN = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP, _SCOPES = 0b11, 0b11
_NO_NEW_PRIVILEGES, _DUMPABLE, _DEATH_SIGNAL, _SECCOMP = 38, 4, 1, 22
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _NOT_PERMITTED, _NOT_THERE, _OTHER_NUMBERS = 0x7FFF0000, 0x00050001, 0x00050026, 0x40000000
# Where the kernel puts the number of a call, the processor, and the halves of the arguments for a filter.
_NUMBER, _PROCESSOR, _ARGUMENTS = 0, 4, 16
_THREAD = 1 << 16
# F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP.
_SETS_OWNER, _SETS_OWNER_OF_SOCKET = (8, 10, 15), (0x8901, 0x8902)


class NotClosedInError(UnavailableError):
    """The kernel offers to close a process in, and would not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What a process may read, and where it may also write; folders with all in them. Of other files it opens none."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]


def landlock_version() -> int:
    """The version of Landlock that this kernel offers; 0 where it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG))))


def shut_memory() -> None:
    """Let no other process of the same user look into this one's memory, and let none of it be written down when it crashes."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        _libc().prctl(_DUMPABLE, 0, 0, 0, 0)


def end_with_parent() -> None:
    """Have the system end this process as soon as the thread that started it is gone."""
    if sys.platform.startswith("linux"):
        _libc().prctl(_DEATH_SIGNAL, 9, 0, 0, 0)


def end_first() -> None:
    """Have the system end this process before any other once memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def close_in(sandbox: Sandbox) -> int:
    """Close this process in, while it has one thread; the version of Landlock that did it, 0 where there is none.

    Raises:
        NotClosedInError: there is one, and it refused.
    """
    if not (version := landlock_version()):
        return 0
    libc = _libc()
    known = _KNOWN[min(version, max(_KNOWN))]
    attributes = struct.pack("QQQ", known, _TCP, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _done(libc.syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)), "landlock_create_ruleset")
    try:
        _allow(rules, sandbox.readable, (_READ_FILE | _READ_DIR) & known)
        changes = _WRITE_FILE | _TRUNCATE | _REMOVE | _MAKE | _DEVICE
        _allow(rules, sandbox.writable, (_READ_FILE | _READ_DIR | changes) & known)
        _done(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
        _done(libc.syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint(0)), "landlock_restrict_self")
    finally:
        os.close(rules)
    _forbid_calls(libc)
    return version


def _allow(rules: int, paths: Iterable[str], access: int) -> None:
    for path in paths:
        # What is not there needs no permission.
        with suppress(OSError):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                given = access if stat.S_ISDIR(os.fstat(place).st_mode) else access & _OF_FILES
                rule = struct.pack("=Qi", given, place)
                _done(
                    _libc().syscall(_ADD, ctypes.c_int(rules), ctypes.c_int(_BENEATH), rule, ctypes.c_uint(0)), "landlock_add_rule"
                )
            finally:
                os.close(place)


def _forbid_calls(libc: ctypes.CDLL) -> None:
    """No new sockets, whatever their kind, no hand on another process, no other process or program, no file opened to others and
    no news of theirs: the calls answer that they are not permitted.
    """
    if (found := CALLS.get(platform.machine())) is None:
        return
    steps = _filter(found, os.getpid())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    _done(libc.prctl(_SECCOMP, 2, program, 0, 0), "seccomp")


def _filter(calls: Calls, own: int) -> list[tuple[int, int, int, int]]:
    """The steps of the filter for the process `own`. Each says how many of the next are passed over, if it holds and if not."""
    refuse = (_RETURN, 0, 0, _NOT_PERMITTED)
    # Calls by another processor's numbers are forbidden as a whole.
    steps = [(_LOAD, 0, 0, _PROCESSOR), (_EQUAL, 1, 0, calls.processor), refuse]
    steps += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _OTHER_NUMBERS), refuse]
    for call in calls.never:
        steps += [(_EQUAL, 0, 1, call), refuse]
    # The C library takes the older call instead, whose argument a filter can read.
    steps += [(_EQUAL, 0, 1, calls.clone3), (_RETURN, 0, 0, _NOT_THERE)]
    for call in calls.to_itself:
        steps += _where(call, (_LOAD, 0, 0, _ARGUMENTS), (_EQUAL, 1, 0, own), refuse)
    for call in calls.of_itself:
        steps += _where(call, (_LOAD, 0, 0, _ARGUMENTS), (_EQUAL, 2, 0, own), (_EQUAL, 1, 0, 0), refuse)
    steps += _where(calls.clone, (_LOAD, 0, 0, _ARGUMENTS), (_HAS, 1, 0, _THREAD), refuse)
    steps += _where(calls.prctl, (_LOAD, 0, 0, _ARGUMENTS), (_EQUAL, 0, 1, _DEATH_SIGNAL), refuse)
    # Limits are read, and not set: the third argument is where a new one would stand.
    halves = [((_LOAD, 0, 0, _ARGUMENTS + 16 + half), (_EQUAL, 1, 0, 0), refuse) for half in (0, 4)]
    steps += _where(calls.prlimit, *halves[0], *halves[1])
    # A file may signal whom its owner names, with any signal: from before Landlock knew signals that ended other processes.
    for call, orders in ((calls.fcntl, _SETS_OWNER), (calls.ioctl, _SETS_OWNER_OF_SOCKET)):
        refused = [step for order in orders for step in ((_EQUAL, 0, 1, order), refuse)]
        steps += _where(call, (_LOAD, 0, 0, _ARGUMENTS + 8), *refused)
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _where(call: int, *steps: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """Steps that are taken for one call only, after which the call is allowed."""
    return [(_EQUAL, 0, len(steps) + 1, call), *steps, (_RETURN, 0, 0, _ALLOW)]


def _done(answer: int, call: str) -> int:
    if answer < 0:
        raise NotClosedInError(
            f"The system offers a sandbox and refused it: {call}: {os.strerror(ctypes.get_errno())}. Set "
            "`MODELWARD_TRAINING_ISOLATION=none` to train without a process of its own."
        )
    return answer


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
