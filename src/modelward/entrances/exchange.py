# SPDX-License-Identifier: Apache-2.0
"""One question over HTTP, from its head to the answer, without a task, a timer or a layer in between.

It is what uvicorn calls a cycle: while it is not complete, later requests of the connection wait for their turn.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from modelward.entrances.api import CallerLeftError, fault_headers, status_of, too_large
from modelward.serving import Pending

if TYPE_CHECKING:
    import asyncio

    from modelward.entrances.api import Premises
    from modelward.entrances.heads import Head
    from modelward.entrances.protocol import Connection
    from modelward.registry import Interface
    from modelward.serving import Asking

_CLOSE = b"connection: close\r\n"


class Exchange(Pending):
    """One question and its answer."""

    __slots__ = (
        "_parts",
        "_received",
        "connection",
        "disconnected",
        "fault",
        "head",
        "is_read",
        "keep_alive",
        "response_complete",
    )

    fault: Exception | None
    _parts: list[bytes] | None

    def __init__(self, connection: Connection, head: Head, *, request: str, body: bytes = b"") -> None:
        # Instead of what `Pending` does: one call less for each question.
        self.connection = connection
        self.head = head
        self.request = request
        self.payload = body
        self.began = began = time.perf_counter()
        if (standing := head.standing) is not None:
            self.standing = standing
            self.caller = standing.caller
            self.deadline = began + head.seconds
        self.fault, self.priority, self.has_own_deadline = head.fault, head.priority, head.has_own_deadline
        self.is_wanted = self.is_recordable = self.is_read = self.keep_alive = True
        self.disconnected = self.response_complete = False
        self.entry = self.group = self._parts = None
        self.rows = self._received = 0

    @property
    def message_event(self) -> asyncio.Event:
        """What uvicorn sets when there is news for a cycle: nobody looks."""
        return self.connection.nobody

    @property
    def premises(self) -> Premises:
        """What the server stands on."""
        return self.connection.premises

    @property
    def is_refused(self) -> bool:
        """Whether it is known already that there will be no answer."""
        return self.fault is not None

    @property
    def body(self) -> bytes:
        """What came of the body so far, while it comes."""
        return b"".join(self._parts or ())

    def take(self, part: bytes) -> None:
        """Another part of the body."""
        self._received += len(part)
        if self.fault is not None:
            return
        limit = self.premises.platform.settings.body_limit_bytes
        if self._received > limit:
            self._parts = None
            self.fault = too_large(limit)
        elif self._parts is None:
            self._parts = [part]
        else:
            self._parts.append(part)

    def begin(self) -> None:
        """It is this question's turn: ask, or tell what is wrong."""
        gateway = self.premises.gateway
        if self.fault is not None:
            gateway.meters.note_rejection(self.fault)
            if gateway.tracing is not None:
                gateway.tracing.failed(self, self.fault)
            self.tell(self.fault)
            return
        if self._parts is not None:
            self.payload, self._parts = self.body, None
        gateway.ask(self)

    def read(self, interface: Interface) -> Asking:
        """See `Pending.read`."""
        return self.head.target.dialect.read(self.payload, self.head.heading, interface)

    def leave(self) -> None:
        """The client is gone."""
        self.disconnected = True
        if self.response_complete:
            return
        self.response_complete = True
        gateway = self.premises.gateway
        if self.head.standing is not None:
            gateway.drop(self)
        elif gateway.tracing is not None:
            gateway.tracing.dropped(self)
        self._count(CallerLeftError.status)

    def tell(self, fault: Exception | None) -> None:
        """See `Pending.tell`."""
        if self.response_complete:
            return
        self.response_complete = True
        if fault is not None:
            self.connection.send(self._refusal(fault), self)
            return
        self._count(200)
        written = self.written
        body = written.body
        more = b"" if self.entry is None else b"x-modelward-ledger-index: %d\r\n" % self.entry
        if written.headers:
            more += b"".join([b"%b: %b\r\n" % header for header in written.headers])
        if not self.keep_alive:
            more += _CLOSE
        named = b"x-request-id: %b\r\nx-modelward-model: %b\r\n" % (self.request.encode(), self.deployment.name.encode())
        self.connection.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (written.media.encode(), len(body), named, more, body),
            self,
        )

    def _refusal(self, fault: Exception) -> bytes:
        status = status_of(fault)
        self._count(status)
        failures = self.premises.telemetry.failures
        failures.note(fault, request=self.request, route=self.head.target.template, status=status)
        told = self.head.target.dialect.fault(fault)
        lines = [b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())]
        lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in fault_headers(fault).items()]
        lines += [b"%b: %b\r\n" % header for header in told.headers]
        lines.append(b"content-type: %b\r\ncontent-length: %d\r\n" % (told.media.encode(), len(told.body)))
        lines.append(b"x-request-id: %b\r\n" % self.request.encode())
        lines += [b"" if self.keep_alive else _CLOSE, b"\r\n", told.body]
        return b"".join(lines)

    def _count(self, status: int) -> None:
        seconds = time.perf_counter() - self.began
        self.premises.telemetry.count_request("POST", self.head.target.template, status, seconds=seconds)
