# SPDX-License-Identifier: Apache-2.0
"""The port that is listened on: by one process, or by several that share it."""

from __future__ import annotations

import resource
import socket
import sys
from types import TracebackType
from typing import Self

from modelward.errors import UnavailableError

# What a server opens beside its connections: the ledger and the keys, files of models, what other doors accept.
_KEPT_DESCRIPTORS = 64


class PortTakenError(UnavailableError):
    """The address cannot be bound."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound and does not listen yet.

    Raises:
        PortTakenError: the address is in use, or is not this machine's.
    """
    bound = _socket(host)
    try:
        bound.bind((host, port))
    except (OSError, UnicodeError) as fault:
        bound.close()
        why = getattr(fault, "strerror", None) or "it is no address"
        raise PortTakenError(
            f"{host}:{port} cannot be bound: {why}. Choose another with --host or --port; port 0 is any."
        ) from fault
    return bound


def descriptors_for_clients() -> int:
    """From which number on a descriptor is kept from connections. The system gives the lowest that is free, so that a connection
    whose number is that high or higher is one of those for which too few others are left.
    """
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit - min(_KEPT_DESCRIPTORS, limit // 2)


def balances() -> bool:
    """Whether the system shares connections out among sockets that listen on one port. Linux does; macOS gives all to one."""
    return sys.platform == "linux"


class SharedPort:
    """A port that is ours from now on, also while nobody listens: strangers cannot bind it, our own workers can."""

    def __init__(self, host: str, port: int) -> None:
        """Bind it.

        Raises:
            PortTakenError: see `bind`.
        """
        self._host = host
        self._held = bind(host, port)
        if balances():
            # Bound alone first, so that it is known to be nobody else's; from here on our workers may join, and nobody who relies
            # on SO_REUSEADDR, which would let a second server in as long as none of ours listens.
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)

    @property
    def number(self) -> int:
        """Which port it is."""
        return int(self._held.getsockname()[1])

    def socket(self) -> socket.socket:
        """A socket for one more process to listen on; the one that all share where the system does not balance."""
        if not balances():
            return self._held.dup()
        made = _socket(self._host)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(self._held.getsockname())
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._held.close()


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
