# SPDX-License-Identifier: Apache-2.0
"""The line between a supervisor and a worker, which has it as standard input: the socket to listen on comes through it, and the key
of a guarded keyring; and when it ends, so does the worker, whatever became of the supervisor.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from threading import Thread

from modelward.errors import InvalidError

_STDIN = 0
_AGAIN_SECONDS = 1.0


class SeatError(InvalidError):
    """A worker was started by hand."""


def hand_over(line: socket.socket, listening: socket.socket, *, key: bytes) -> None:
    """In the supervisor: give the worker its socket, and what opens the keyring. No environment and no command line holds that."""
    socket.send_fds(line, [bytes([len(key)]) + key], [listening.fileno()])


def take_over() -> tuple[socket.socket, bytes]:
    """In the worker: the socket to listen on, and what opens the keyring. From now on the worker ends in good order when its
    supervisor ends, or says so.

    Raises:
        SeatError: no supervisor started it.
    """
    try:
        line = socket.socket(fileno=os.dup(_STDIN))
        length, found, _, _ = socket.recv_fds(line, 1, 1)
        handle = found[0]
        key = line.recv(length[0], socket.MSG_WAITALL) if length[0] else b""
    except (OSError, IndexError) as fault:
        raise SeatError("MODELWARD_SEAT is set by `modelward serve --workers N` for its workers. Unset it.") from fault
    os.set_inheritable(handle, False)  # noqa: FBT003  # the library takes it so
    Thread(target=_end_with, args=[line], name="seat", daemon=True).start()
    return socket.socket(fileno=handle), key


def _end_with(line: socket.socket) -> None:
    with suppress(OSError):
        line.recv(1)
    while True:
        # Once more and once more: while the server starts, there is a moment in which nobody hears it.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_AGAIN_SECONDS)
