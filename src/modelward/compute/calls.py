# SPDX-License-Identifier: Apache-2.0
"""The system calls that a process is refused once it is closed in, by their numbers on each processor (`asm/unistd.h`)."""

from __future__ import annotations

from dataclasses import dataclass

_OPEN_ON_ALL = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """`processor` is how the kernel calls it. `never` are refused; `to_itself` take the own number as their first argument,
    `of_itself` that or 0; of `clone` only threads are made, and `clone3` is said to be missing; `prctl` does not take back that
    the process ends with the one that started it; `prlimit` sets nothing; `fcntl` and `ioctl` name nobody whom a file signals.
    """

    processor: int
    never: tuple[int, ...]
    to_itself: tuple[int, ...]
    of_itself: tuple[int, ...]
    clone: int
    clone3: int
    prctl: int
    prlimit: int
    fcntl: int
    ioctl: int


_X86_64 = {
    # Also of those that are there two at once: a datagram of one reaches any socket of which somebody knows the path.
    "socket": 41,
    "socketpair": 53,
    "fork": 57,
    "vfork": 58,
    # Another program in the place of this one, also one that is in no file, of which Landlock knows nothing.
    "execve": 59,
    "execveat": 322,
    # News of what others do with their files.
    "inotify_init": 253,
    "inotify_add_watch": 254,
    "inotify_init1": 294,
    "fanotify_init": 300,
    # Memory, semaphores and queues that processes of one user share by a number.
    "shmget": 29,
    "shmat": 30,
    "shmctl": 31,
    "semget": 64,
    "semop": 65,
    "semctl": 66,
    "msgget": 68,
    "msgsnd": 69,
    "msgrcv": 70,
    "msgctl": 71,
    "semtimedop": 220,
    "mq_open": 240,
    "mq_unlink": 241,
    # Rights, owners, times and attributes of files, by their paths alone, which Landlock lets pass.
    "chmod": 90,
    "fchmod": 91,
    "chown": 92,
    "fchown": 93,
    "lchown": 94,
    "utime": 132,
    "setxattr": 188,
    "lsetxattr": 189,
    "fsetxattr": 190,
    "removexattr": 197,
    "lremovexattr": 198,
    "fremovexattr": 199,
    "utimes": 235,
    "fchownat": 260,
    "futimesat": 261,
    "fchmodat": 268,
    "utimensat": 280,
    # Other processes: their memory, signals, order and place.
    "ptrace": 101,
    "rt_sigqueueinfo": 129,
    "setpriority": 141,
    "setrlimit": 160,
    "tkill": 200,
    "ioprio_set": 251,
    "migrate_pages": 256,
    "move_pages": 279,
    "rt_tgsigqueueinfo": 297,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    # What the kernel offers to few, and keys that it keeps for a user.
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "open_by_handle_at": 304,
    "setns": 308,
    "bpf": 321,
    "userfaultfd": 323,
}
_AARCH64 = {
    "socket": 198,
    "socketpair": 199,
    "execve": 221,
    "execveat": 281,
    "inotify_init1": 26,
    "inotify_add_watch": 27,
    "fanotify_init": 262,
    "shmget": 194,
    "shmctl": 195,
    "shmat": 196,
    "semget": 190,
    "semctl": 191,
    "semtimedop": 192,
    "semop": 193,
    "msgget": 186,
    "msgctl": 187,
    "msgrcv": 188,
    "msgsnd": 189,
    "mq_open": 180,
    "mq_unlink": 181,
    "fchmod": 52,
    "fchmodat": 53,
    "fchownat": 54,
    "fchown": 55,
    "setxattr": 5,
    "lsetxattr": 6,
    "fsetxattr": 7,
    "removexattr": 14,
    "lremovexattr": 15,
    "fremovexattr": 16,
    "utimensat": 88,
    "ptrace": 117,
    "tkill": 130,
    "rt_sigqueueinfo": 138,
    "setpriority": 140,
    "setrlimit": 164,
    "ioprio_set": 30,
    "migrate_pages": 238,
    "move_pages": 239,
    "rt_tgsigqueueinfo": 240,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "unshare": 97,
    "perf_event_open": 241,
    "open_by_handle_at": 265,
    "setns": 268,
    "bpf": 280,
    "userfaultfd": 282,
}
# `to_itself`: kill, tgkill; `of_itself`: sched_setparam, sched_setscheduler, sched_setaffinity, sched_setattr.
CALLS = {
    "x86_64": Calls(
        processor=0xC000003E,
        never=(*_X86_64.values(), *_OPEN_ON_ALL.values()),
        to_itself=(62, 234),
        of_itself=(142, 144, 203, 314),
        clone=56,
        clone3=435,
        prctl=157,
        prlimit=302,
        fcntl=72,
        ioctl=16,
    ),
    "aarch64": Calls(
        processor=0xC00000B7,
        never=(*_AARCH64.values(), *_OPEN_ON_ALL.values()),
        to_itself=(129, 131),
        of_itself=(118, 119, 122, 274),
        clone=220,
        clone3=435,
        prctl=167,
        prlimit=261,
        fcntl=25,
        ioctl=29,
    ),
}
