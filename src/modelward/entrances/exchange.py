# SPDX-License-Identifier: Apache-2.0
"""One question over HTTP, from its head to the answer, without a task, a timer or a layer in between.

It is what uvicorn calls a cycle: while it is not complete, later requests of the connection wait for their turn.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from modelward.access import Permission
from modelward.entrances.api import (
    CallerLeftError,
    Dialect,
    check_body_head,
    fault_headers,
    status_of,
    too_large,
)
from modelward.errors import InvalidError, ModelwardError, RefusedError
from modelward.serving import Pending, Question, Reply, new_request_id

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.entrances.api import Telemetry
    from modelward.entrances.protocol import Connection
    from modelward.serving import Gateway

_LOG = logging.getLogger("modelward.api")
_TIMEOUT = b"x-request-timeout-ms"
_PRIORITY = b"x-request-priority"
_LONGEST_MS = 3_600_000
_GREATEST_PRIORITY = 9


class HeaderUnreadableError(InvalidError):
    """A header that says how to answer cannot be read."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where questions are sent: a route, the dialect that is spoken there, and the model that the path names."""

    template: str
    dialect: Dialect
    model: str
    number: int | None
    fault: ModelwardError | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """What every exchange of one server needs."""

    gateway: Gateway
    telemetry: Telemetry
    body_limit_bytes: int


class Exchange:
    """One question and its answer."""

    __slots__ = (
        "_body",
        "_connection",
        "_counter",
        "_fault",
        "_heading",
        "_pending",
        "_received",
        "_request",
        "_target",
        "ahead",
        "began",
        "caller",
        "disconnected",
        "is_read",
        "keep_alive",
        "message_event",
        "response_complete",
    )

    def __init__(self, connection: Connection, counter: Counter, target: Target, heading: Mapping[bytes, bytes]) -> None:
        self.began = time.perf_counter()
        self._connection = connection
        self._counter = counter
        self._target = target
        self._heading = heading
        self._request = new_request_id()
        self._body: bytes | list[bytes] = b""
        self._received = 0
        self._fault: Exception | None = target.fault
        self._pending: Pending | None = None
        self.caller: Actor | None = None
        self.keep_alive = True
        self.is_read = False
        self.disconnected = False
        self.response_complete = False
        # uvicorn wakes a cycle that waits for its body; nobody waits here.
        self.message_event = connection.nobody
        self.ahead: Any = None

    def look(self) -> bool:
        """Who asks, may they, and is the body one that is read? Known before any of it is; what is wrong is told in turn."""
        try:
            self._fault = self._target.fault
            self.caller = self._connection.caller(self._heading)
            if self._fault is None:
                self.caller.require(Permission.MODELS_PREDICT, model=self._target.model)
                check_body_head(self._heading, limit_bytes=self._counter.body_limit_bytes)
        except RefusedError as fault:
            self._fault = fault
            if self.caller is not None:
                self._counter.gateway.record_refusal(self._question(b""), fault)
        except ModelwardError as fault:
            self._fault = fault
        return self._fault is None

    def take(self, part: bytes) -> None:
        """Another part of the body."""
        self._received += len(part)
        if self._fault is not None:
            return
        if self._received > self._counter.body_limit_bytes:
            self._body = b""
            self._fault = too_large(self._counter.body_limit_bytes)
        elif not self._body:
            self._body = part
        elif isinstance(self._body, list):
            self._body.append(part)
        else:
            self._body = [self._body, part]

    @property
    def is_refused(self) -> bool:
        """Whether it is known already that there will be no answer."""
        return self._fault is not None

    def begin(self) -> None:
        """It is this question's turn: ask, or tell what is wrong."""
        if self._fault is not None:
            self._counter.gateway.meters.note_rejection(self._fault)
            self.settle(self._fault)
            return
        body = b"".join(self._body) if isinstance(self._body, list) else self._body
        self._body = b""
        try:
            question = self._question(body)
        except ModelwardError as fault:
            self.settle(fault)
            return
        self._pending = self._counter.gateway.ask(question, partial(self._target.dialect.read, body, self._heading), self.settle)

    def leave(self) -> None:
        """The client is gone."""
        self.disconnected = True
        if self._pending is not None:
            self._counter.gateway.drop(self._pending)
        if not self.response_complete:
            self.response_complete = True
            status = status_of(CallerLeftError(""))
            self._counter.telemetry.count_request("POST", self._target.template, status, seconds=time.perf_counter() - self.began)

    def settle(self, outcome: Reply | Exception) -> None:
        """Answer, or tell what went wrong."""
        if self.response_complete:
            return
        if isinstance(outcome, Reply):
            status, written = 200, outcome.written
            lines = [
                b"HTTP/1.1 200 OK\r\nx-modelward-model: ",
                outcome.version.encode(),
                b"" if outcome.entry is None else b"\r\nx-modelward-ledger-index: %d" % outcome.entry,
            ]
        else:
            status, written = status_of(outcome), self._target.dialect.fault(outcome)
            lines = [b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode())]
            lines += [f"\r\n{name}: {value}".encode("latin-1") for name, value in fault_headers(outcome).items()]
            self._log(status, outcome)
        lines += [b"\r\n%b: %b" % header for header in written.headers]
        is_last = not self.keep_alive
        end = b"\r\nconnection: close\r\n\r\n" if is_last else b"\r\n\r\n"
        lines.append(
            b"\r\nx-request-id: %b\r\ncontent-type: %b\r\ncontent-length: %d%b"
            % (self._request.encode(), written.media.encode(), len(written.body), end)
        )
        lines.append(written.body)
        self.response_complete = True
        self._counter.telemetry.count_request("POST", self._target.template, status, seconds=time.perf_counter() - self.began)
        self._connection.send(b"".join(lines), self)

    def _question(self, body: bytes) -> Question:
        target = self._target
        seconds, priority = None, 0
        if (text := self._heading.get(_TIMEOUT)) is not None:
            seconds = _whole(_TIMEOUT, text, least=1, most=_LONGEST_MS) / 1000
        if (text := self._heading.get(_PRIORITY)) is not None:
            priority = _whole(_PRIORITY, text, least=0, most=_GREATEST_PRIORITY)
        assert self.caller is not None
        return Question(
            caller=self.caller,
            model=target.model,
            number=target.number,
            payload=body,
            request=self._request,
            timeout_seconds=seconds,
            priority=priority,
        )

    def _log(self, status: int, fault: Exception) -> None:
        if status < 500:
            return
        level = logging.ERROR if status == 500 else logging.WARNING
        said = {"request": self._request, "route": self._target.template, "status": status}
        _LOG.log(level, "request failed", exc_info=fault, extra=said)


def _whole(name: bytes, text: bytes, *, least: int, most: int) -> int:
    if not text.isdigit() or len(text) > 9 or not least <= int(text) <= most:
        raise HeaderUnreadableError(f"The header {name.decode()} takes a whole number from {least} to {most}.")
    return int(text)
