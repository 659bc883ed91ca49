# SPDX-License-Identifier: Apache-2.0
"""The protocol on each connection: uvicorn's, which hands requests to the web application, with limits that it lacks; and beside
it questions to models, which are answered right here, for a layer costs more than an answer.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, ClassVar

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from modelward.entrances.exchange import Exchange
from modelward.entrances.heads import KnownHeads, read_head
from modelward.entrances.listening import descriptors_for_clients
from modelward.entrances.origins import IS_MTLS, origin_of
from modelward.entrances.targets import Targets
from modelward.entrances.turns import Turns
from modelward.serving import new_request_id

if TYPE_CHECKING:
    from modelward.access import Origin
    from modelward.entrances.api import Premises

_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*\r\n", re.IGNORECASE)
_BESIDE_BYTES = 1 << 20
_LINGER_SECONDS = 5.0
_HALF_CLOSED_SECONDS = 1.0
_FAREWELL_SECONDS = 0.25
# Whoever sends at this rate or faster may go on sending.
_LEAST_BYTES_A_SECOND = 16 << 10


class Connection(Turns):
    """One connection. A head larger than the limit is refused; a request that comes too slowly, or never, ends it."""

    targets: ClassVar[Targets]
    descriptors: ClassVar[int]
    head_limit_bytes: ClassVar[int]
    receive_seconds: ClassVar[float]
    keep_alive_seconds: ClassVar[float]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._known = KnownHeads()
        self._new: tuple[bytes, int] | None = None
        self._asking: Exchange | None = None
        self._is_in_head = True
        self._has_head_ended = False
        self._head_bytes = self._bytes = self._body_bytes = 0
        self._since: float | None = None
        self._is_ending = self._is_broken = self._is_mtls = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client came. Strangers, too, may come, and must not take the descriptors that the keys are read with."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self._is_mtls = tls is not None and tls.getpeercert(binary_form=True) is not None
        self._idle_since = self.loop.time()
        held = transport.get_extra_info("socket")
        if held is not None and held.fileno() >= self.descriptors:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `Turns`."""
        super().connection_lost(exc)
        self._asking = None

    def eof_received(self) -> bool | None:  # type: ignore[override]  # as asyncio has it
        """The client sends no more. It may be gone, or wait for its answers with the other half of the connection: that cannot be
        told apart, so what was asked is still answered; a question to a model only if that is soon, for no work is done for who has
        left. TLS has no halves.
        """
        if self._is_idle or self._since is not None or self.scheme == "https":
            return None
        self.cycle.keep_alive = False
        if isinstance(self.cycle, Exchange):
            self.loop.call_later(_HALF_CLOSED_SECONDS, self.transport.close)
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what came; nothing of it is parsed where the head is known and the body is whole."""
        if self.transport.is_closing():
            return
        self._new = None
        # Between two requests the parser holds nothing, so that it misses nothing either.
        cycle = self.cycle
        if self._since is None and (cycle is None or cycle.response_complete) and (end := data.find(b"\r\n\r\n") + 4) > 4:
            gateway = self.premises.gateway
            head = self._known.find(data[:end], gateway.keys_revision)
            if head is None:
                data = _without_upgrade(data, end)
                self._new = data, data.find(b"\r\n\r\n") + 4
            elif len(data) - end == head.length:
                self.cycle = self._under_way = exchange = Exchange(self, head, request=new_request_id(), body=data[end:])
                if self._is_ending:
                    exchange.keep_alive = False
                gateway.ask(exchange)
                return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        if self._is_broken:
            return
        self._bytes += len(data)
        was_in_head, self._has_head_ended = self._is_in_head, False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing else is spoken here; that is said nowhere, for strangers could fill the log.
            self.transport.close()
        except httptools.HttpParserError:
            self.send_400_response("")
        if was_in_head and self._is_in_head and not self._has_head_ended:
            # A head that spans several readings is measured while it grows, for the parser keeps it. Where one ended and the next
            # began, nobody knows how much of what came is the next one's; that it is one reading at most is enough.
            self._head_bytes += len(data)
            if self._head_bytes > self.head_limit_bytes:
                self.send_400_response("")
        elif self._since is not None and self._bytes > 2 * self._body_bytes + self.head_limit_bytes + _BESIDE_BYTES:
            # Chunks of next to nothing, what is said beside them, and what follows the last.
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins. What uvicorn prepares for the web application is prepared once it is known to be for it."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._asking = None
        self._is_in_head = True
        self._head_bytes = self._bytes = self._body_bytes = 0
        self._since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Another header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is read. What is raised here becomes `send_400_response`."""
        self._is_in_head, self._has_head_ended = False, True
        self._head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head_bytes > self.head_limit_bytes:
            raise ValueError("head too large")
        self._check_head()
        target = self.targets.find(self.url) if self.parser.get_method() == b"POST" else None
        if target is None:
            self._new = None
            self._hand_over()
            return
        request = new_request_id()
        head = read_head(target, self.headers, self.premises, request=request, origin=self._origin())
        heading = head.heading
        exchange = self._asking = self.cycle = Exchange(self, head, request=request)
        exchange.is_read = False
        exchange.keep_alive = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0" and not self._is_ending
        if b"expect" in heading and heading[b"expect"].lower() == b"100-continue":
            if not exchange.is_refused:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            # Whether the body comes all the same cannot be known, so that nothing after it could be read.
            exchange.keep_alive &= not exchange.is_refused
        self._refuse_early(exchange)

    def _origin(self) -> Origin:
        address = self.client[0] if self.client else ""
        return origin_of(address, self.headers, settings=self.premises.platform.settings, is_mtls=self._is_mtls)

    def _check_head(self) -> None:
        """RFC 9112, sections 2.3 and 3.2: a request says its version, and from 1.1 on its host, once."""
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"} or (version == "1.1" and sum(name == b"host" for name, _ in self.headers) != 1):
            raise ValueError("no version, or not one host")

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._body_bytes += len(body)
        if self._asking is None:
            super().on_body(body)
            return
        self._asking.take(body)
        self._refuse_early(self._asking)

    def on_message_complete(self) -> None:
        """The request is read."""
        self._since = None
        exchange, self._asking = self._asking, None
        if exchange is None:
            super().on_message_complete()
            return
        exchange.is_read = True
        self._remember(exchange)
        self._line_up(exchange)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # it says less than what is sent
        """Refuse what cannot be, or is not, parsed; the connection ends. Where answers are on their way, it ends after them and
        without a word, for that would be taken for an answer to one of them.
        """
        if self.transport.is_closing():
            return
        self._is_broken = True
        if self._end_after_what_is_read():
            self._since = None
            return
        is_large = self._head_bytes > self.head_limit_bytes
        text = (
            f"The head of the request is larger than {self.head_limit_bytes} bytes. Send fewer or shorter headers."
            if is_large
            else "What was sent is no HTTP request. Check the address and the client."
        )
        body = msgspec.json.encode({"error": text})
        head = (b"content-type: application/json", b"connection: close", b"content-length: %d" % len(body), b"", body)
        self.transport.write(STATUS_LINE[431 if is_large else 400] + b"\r\n".join(head))
        self.transport.close()

    def look_after(self, now: float) -> None:
        """End a connection whose request comes too slowly, on which nothing happens, or whose client does not read or has left."""
        if self._since is not None and now - self._since > self.receive_seconds + self._bytes / _LEAST_BYTES_A_SECOND:
            self.transport.close()
        elif self._is_broken_off or (self._blocked_since is not None and now - self._blocked_since > self.receive_seconds):
            self.transport.abort()
        elif self._is_idle:
            is_refused = self._asking is not None
            usual = self.receive_seconds if self.cycle is None else self.keep_alive_seconds
            limit = _LINGER_SECONDS if is_refused else usual
            if (is_refused or self._since is None) and now - self._idle_since > limit:
                self.transport.close()

    def shutdown(self) -> None:
        """The server ends: answer what was asked, and close. What is on its way already is still answered."""
        self._is_ending = True
        if self._is_idle:
            self.loop.call_later(_FAREWELL_SECONDS, self._farewell)
        else:
            self.cycle.keep_alive = False

    def _farewell(self) -> None:
        if self._is_idle:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _refuse_early(self, exchange: Exchange) -> None:
        """A fault is told before the rest of the body is sent, which is read then and dropped."""
        if exchange.is_refused and not exchange.response_complete and self._is_free:
            self._idle_since = self.loop.time()
            self._begin(exchange)

    def _remember(self, exchange: Exchange) -> None:
        """Keep what its head means, if head and body were all that was received, as the parser found them."""
        new, self._new = self._new, None
        if new is None or not exchange.keep_alive:
            return
        data, end = new
        if exchange.body == data[end:]:
            self._known.keep(data[:end], exchange.head)

    def _hand_over(self) -> None:
        """The request is for the web application."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.scope["state"][IS_MTLS] = self._is_mtls
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
        super().on_headers_complete()
        self._bound_line()


def connection_class(premises: Premises) -> type[Connection]:
    """The protocol of one server."""
    settings = premises.platform.settings
    return type(
        "Connection",
        (Connection,),
        {
            "premises": premises,
            "targets": Targets(settings),
            "nobody": asyncio.Event(),
            "descriptors": descriptors_for_clients(),
            "head_limit_bytes": settings.header_limit_bytes,
            "receive_seconds": settings.receive_timeout_seconds,
            "keep_alive_seconds": settings.keep_alive_seconds,
        },
    )


def _without_upgrade(data: bytes, end: int) -> bytes:
    """What came, with a head that does not ask to speak another protocol from here on, which is asked in vain. The parser would
    stop before the body. Java's client asks so with the first request.
    """
    head = data[:end]
    return _UPGRADE.sub(b"\r\n", head) + data[end:] if _UPGRADE.search(head) else data
